"""A suite as it lies on a disk: vectors with their images, what they need, what is expected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from darimage.conformance.testee import STRENGTHS
from darimage.conformance.verdicts import Wanted
from darimage.errors import DarimageError

MANIFEST = "manifest.json"
_CHUNK = 1 << 20


class SuiteError(DarimageError):
    """The suite is not what its manifest says."""

    exit_code = 5


@dataclass(frozen=True)
class Vector:
    """An image of the suite.

    Attributes:
        id: Never given twice.
        name: Topic and name, ``holes/at-the-end``.
        title: One line.
        files: Its volumes in order, then nothing; the first is the image.
        sha256: Of each of them.
        bases: Ids of the vectors it builds on, the full one first.
        features: What a testee has to know to read it.
        profiles: Profiles it is judged by.
        requirements: That it shows.
        valid: Whether it conforms.
        decode: What a reader shall do with it.
        inventory: File with what it holds; ``None`` if nothing is said.
        restored: File with what it and its bases restore together; ``None`` without bases.
        broken: Levels of the requirements that it breaks, ``MUST`` and ``SHOULD``.
        parent: Id of the vector it is but for its fault; ``None`` if it is made from a recipe.
        seconds: That reading it may take; ``None`` if nothing is said.
        memory: Bytes that reading it may take; likewise.
        capacity: Records of each of its volumes; 0 for one file.
    """

    id: str
    name: str
    title: str
    files: tuple[Path, ...]
    sha256: tuple[str, ...]
    bases: tuple[str, ...]
    features: tuple[str, ...]
    profiles: tuple[str, ...]
    requirements: tuple[str, ...]
    valid: bool
    decode: Wanted
    inventory: Path | None
    restored: Path | None = None
    broken: frozenset[str] = frozenset()
    parent: str | None = None
    seconds: float | None = None
    memory: int | None = None
    capacity: int = 0

    @property
    def topic(self) -> str:
        """What it is about."""
        return self.name.partition("/")[0]

    @property
    def image(self) -> Path:
        """Its first volume."""
        return self.files[0]

    @cached_property
    def expected(self) -> dict[str, Any] | None:
        """What it holds."""
        return None if self.inventory is None else _object(self.inventory)

    @cached_property
    def whole(self) -> dict[str, Any] | None:
        """What it and its bases restore together."""
        return None if self.restored is None else _object(self.restored)


def _object(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SuiteError(f"{path}: {error}") from error
    if not isinstance(told, dict):
        raise SuiteError(f"{path}: no JSON object")
    return told


@dataclass(frozen=True)
class Suite:
    """Vectors that were written out to files.

    Attributes:
        folder: Where they lie.
        version: Of the suite.
        spec: Version of the format they are for.
        sha256: Of the manifest.
        vectors: By id.
        complete: Whether these are all vectors of this version of the suite.
    """

    folder: Path
    version: str
    spec: str
    sha256: str
    vectors: Mapping[str, Vector]
    complete: bool = False

    def check(self, ids: Sequence[str]) -> None:
        """Compare the images of some vectors with the manifest.

        Raises:
            SuiteError: One is missing, or has other bytes.
        """
        for name in ids:
            vector = self.vectors[name]
            for file, wanted in zip(vector.files, vector.sha256, strict=True):
                if sha256_of(file) != wanted:
                    raise SuiteError(f"{file}: not the bytes that the manifest says")


def _broken(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield the levels of what a vector breaks; what has none is as bad as a MUST."""
    levels = told.get("levels", {})
    if not told["valid"] and not told.get("expect"):
        yield STRENGTHS[0]
    for one in told.get("expect", ()):
        yield str(levels.get(one["requirement"], STRENGTHS[0])).partition(" ")[0]


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        SuiteError: It cannot be read.
    """
    hashed = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                hashed.update(chunk)
    except OSError as error:
        raise SuiteError(f"{file}: {error.strerror}") from error
    return hashed.hexdigest()


def load(folder: Path) -> Suite:
    """Return the suite in a folder; its images are not looked at yet.

    Raises:
        SuiteError: There is none, or it is damaged.
    """
    place = folder / MANIFEST
    try:
        data = place.read_bytes()
        told = json.loads(data)
        vectors = [_vector(folder, item) for item in told["vectors"]]
        vectors += [_giant(folder, one) for one in told.get("giants", ()) if "path" in one]
        version, spec = str(told["suite"]), str(told["format"])
        complete = told.get("complete") is True
    except OSError as error:
        raise SuiteError(f"{place}: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise SuiteError(f"{place}: not a manifest: {error!r}") from error
    except RecursionError as error:
        raise SuiteError(f"{place}: not a manifest: {error!r}") from error
    by_id = {vector.id: vector for vector in vectors}
    if len(by_id) != len(vectors):
        raise SuiteError(f"{place}: an id is given twice")
    return Suite(folder, version, spec, hashlib.sha256(data).hexdigest(), by_id, complete)


def _giant(folder: Path, told: Mapping[str, Any]) -> Vector:
    """Return a giant that was written out as a vector: an image that is valid, and read."""
    return Vector(
        id=str(told["id"]),
        name=f"giants/{told['name']}",
        title=str(told["title"]),
        files=(folder / told["path"],),
        sha256=(str(told["sha256"]),),
        bases=(),
        features=tuple(told["features"]),
        profiles=("dari-core", "acl"),
        requirements=tuple(told["requirements"]),
        valid=True,
        decode=Wanted.ACCEPT,
        inventory=folder / told["inventory"],
    )


def _vector(folder: Path, told: Mapping[str, Any]) -> Vector:
    files = told["files"]
    inventory, restored = told.get("inventory"), told.get("restored")
    limits = told.get("limits", {})
    mebibytes = limits.get("memory_mib")
    return Vector(
        id=str(told["id"]),
        name=str(told["name"]),
        title=str(told.get("title", "")),
        files=tuple(folder / file["path"] for file in files),
        sha256=tuple(str(file["sha256"]) for file in files),
        bases=tuple(told.get("bases", ())),
        features=tuple(told.get("features", ())),
        profiles=tuple(told.get("profiles", ())),
        requirements=tuple(told.get("requirements", ())),
        valid=bool(told["valid"]),
        decode=Wanted(told["decode"]),
        inventory=folder / inventory if inventory else None,
        restored=folder / restored if restored else None,
        broken=frozenset(_broken(told)),
        parent=told.get("parent"),
        seconds=limits.get("seconds"),
        memory=None if mebibytes is None else int(mebibytes) << 20,
        capacity=int(told.get("volume_records", 0)),
    )
