"""What is tested: who made it, what it claims to do, and how it is called."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from darimage.errors import UsageError
from darimage.suite_home import suite_home

SHIPPED = suite_home("adapters")
"""Where the adapters are that come with the suite."""


class Task(StrEnum):
    """What a testee can be asked to do."""

    DECODE = "decode"
    VALIDATE = "validate"
    RESTORE = "restore"
    ENCODE = "encode"


FEATURES = (
    "dump",
    "dari-core",
    "big-endian",
    "run-coded-holes",
    "old-entries",
    "giant",
    "acl",
    "streams",
    "xattr",
    "incremental",
    "volumes",
    "faults",
)
"""What an image may need a testee to know; those that a testee lacks it says so of."""

STRENGTHS = ("MUST", "SHOULD")
"""Levels of requirements that a testee can be asked to judge by, the strongest first."""

FIELDS = (
    "inode",
    "mode",
    "uid",
    "gid",
    "nlink",
    "size",
    "atime",
    "mtime",
    "ctime",
    "birthtime",
    "rdev",
    "target",
    "extents",
    "data_sha256",
    "sha256",
    "descriptor",
    "xattrs",
    "streams",
    "state",
    "missing",
    "doubtful",
    "contents",
    "attributes",
    "image",
)
"""What an inventory reports besides paths and types, which it must: of each inode, and `image`."""

MORE_FIELDS = ("faults", "sddl")
"""What is compared only of those who say that they report it."""


@dataclass(frozen=True)
class Claims:
    """What a testee says of itself.

    Attributes:
        name: Of the implementation.
        version: Of the implementation.
        language: It is written in.
        homepage: Of the implementation.
        issues: Where its faults are reported.
        tasks: It does.
        features: It knows; ``None`` if it does not say, and each case is tried.
        fields: Of an inode that its inventories tell.
        time_resolution: Nanoseconds to which it tells times.
        validates: Levels of requirements that its verdicts tell apart.
    """

    name: str
    version: str = ""
    language: str = ""
    homepage: str = ""
    issues: str = ""
    tasks: tuple[Task, ...] = (Task.DECODE,)
    features: frozenset[str] | None = None
    fields: tuple[str, ...] = FIELDS
    time_resolution: int = 1
    validates: tuple[str, ...] = STRENGTHS

    def lacks(self, features: Sequence[str], strength: str = "") -> list[str]:
        """Return which of some features, and of a level to judge by, it does not claim."""
        lacking = [] if self.features is None else [f for f in features if f not in self.features]
        return [*lacking, strength] if strength not in ("", *self.validates) else lacking

    def as_json(self) -> dict[str, Any]:
        """Return it for a report."""
        return {
            "name": self.name,
            "version": self.version,
            "language": self.language,
            "homepage": self.homepage,
            "issues": self.issues,
            "tasks": [str(task) for task in self.tasks],
            "features": None if self.features is None else sorted(self.features),
            "fields": list(self.fields),
            "time_resolution_ns": self.time_resolution,
            "validates": list(self.validates),
        }


@dataclass(frozen=True)
class Testee:
    """How a testee is called.

    Attributes:
        level: 0, a process for each case; 1, JSON lines.
        command: Program and first arguments.
        claims: What is known of it before it is called.
    """

    __test__ = False  # its name makes pytest look for tests in it

    level: int
    command: tuple[str, ...]
    claims: Claims = field(default_factory=lambda: Claims("unnamed"))


def claims_of(told: Mapping[str, Any], name: str) -> Claims:
    """Return claims from what an adapter tells in TOML or JSON.

    Args:
        told: ``implementation``, ``tasks``, ``features``, ``fields``, ``time_resolution_ns``,
            ``validates``.
        name: What to call it if it does not say.

    Raises:
        UsageError: It tells something that cannot be.
    """
    who = told.get("implementation", {})
    _check(isinstance(who, Mapping), "implementation is no table")
    texts = {}
    for key in ("name", "version", "language", "homepage", "issues"):
        texts[key] = who.get(key, name if key == "name" else "")
        _check(isinstance(texts[key], str), f"implementation: {key} is no text")
    tasks = _names(told, "tasks", [str(task) for task in Task]) or ["decode"]
    features = _names(told, "features", FEATURES)
    fields = _names(told, "fields", (*FIELDS, *MORE_FIELDS))
    validates = _names(told, "validates", STRENGTHS)
    resolution = told.get("time_resolution_ns", 1)
    _check(isinstance(resolution, int) and resolution > 0, "time_resolution_ns is not 1 or more")
    return Claims(
        **texts,
        tasks=tuple(Task(task) for task in tasks),
        features=None if features is None else frozenset(features),
        fields=FIELDS if fields is None else tuple(fields),
        time_resolution=int(resolution),
        validates=STRENGTHS if validates is None else tuple(validates),
    )


def _names(told: Mapping[str, Any], key: str, known: Sequence[str]) -> list[str] | None:
    value = told.get(key)
    if value is None:
        return None
    _check(isinstance(value, list), f"{key} is no list")
    strange = [item for item in value if item not in known]
    _check(not strange, f"{key}: {strange[:1]} is none of {', '.join(known)}")
    return list(value)


def _check(good: bool, told: str) -> None:
    if not good:
        raise UsageError(told)


def load(path: Path) -> Testee:
    """Return the testee that a TOML file describes.

    Raises:
        UsageError: The file, or the program that it names, is not there or not as it should be.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{path}: {reason}") from error
    try:
        level, words = told.get("level", 0), told.get("command")
        _check(level in (0, 1), "level is neither 0 nor 1")
        if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
            raise UsageError("command is no list of words")
        here = str(path.resolve().parent)
        command = [w.replace("{here}", here).replace("{python}", sys.executable) for w in words]
        return Testee(level, located(command), claims_of(told, path.parent.name or path.stem))
    # A number may have too many digits to be shown, a list too many lists in it.
    except (UsageError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: {error}") from error


def located(command: Sequence[str]) -> tuple[str, ...]:
    """Return a command with the full path of its program.

    Raises:
        UsageError: There is no such program.
    """
    found = shutil.which(command[0])
    if found is None:
        raise UsageError(f"{command[0]}: there is no such program")
    return (str(Path(found).absolute()), *command[1:])
