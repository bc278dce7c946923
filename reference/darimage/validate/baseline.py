"""Known findings: a file of those that are not told again, until one of them is gone."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from darimage.errors import StorageError, UsageError
from darimage.validate.finding import Finding
from darimage.volumes import beside

FORMAT = "darimage-baseline"
VERSION = 1
ENTRIES_MAX = 10_000
"""Entries of one file; an image with more different findings needs mending, not a list."""

_PLACES = ("path", "inode", "record")


class Key(NamedTuple):
    """What makes two findings the same one, in an image that was made again.

    The place is the most lasting one known: a path before an inode number, and that before a
    record number, which moves with everything that lies before it.

    Attributes:
        image: The image, as it was named.
        requirement: Id of the requirement.
        field: Path of the field.
        place: ``path``, ``inode``, ``record``, or nothing.
        at: Where that is.
    """

    image: str
    requirement: str
    field: str | None
    place: str | None
    at: str | int | None

    @classmethod
    def of(cls, image: str, finding: Finding) -> Key:
        """Return the key of a finding."""
        place: tuple[str | None, str | int | None] = (None, None)
        if finding.path is not None:
            place = ("path", finding.path_text)
        elif finding.inode is not None:
            place = ("inode", finding.inode)
        elif finding.record is not None:
            place = ("record", finding.record)
        return cls(image, finding.requirement, finding.field, *place)

    def as_json(self, count: int) -> dict[str, Any]:
        """Return an entry of the file."""
        entry: dict[str, Any] = {"image": self.image, "requirement": self.requirement}
        if self.field is not None:
            entry["field"] = self.field
        if self.place is not None:
            entry[self.place] = self.at
        return {**entry, "count": count}

    def text(self) -> str:
        """Return it as words."""
        place = "" if self.place is None else f" at {self.place} {self.at}"
        field = "" if self.field is None else f" in {self.field}"
        return f"{self.requirement}{field}{place}"


Baseline = Counter[Key]
"""Known findings, and how often each is known."""


def load(path: str | os.PathLike[str]) -> Baseline:
    """Read a baseline file.

    Raises:
        StorageError: It cannot be read.
        UsageError: It is no baseline file.
    """
    name = os.fspath(path)
    try:
        content = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise StorageError.of(error, name) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: is no baseline file: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(f"{name}: is no baseline file: its format is not {FORMAT!r}")
    if content.get("version") != VERSION:
        raise UsageError(f"{name}: has version {content.get('version')!r}; {VERSION} is known")
    known: Baseline = Counter()
    try:
        for entry in content["findings"]:
            known[_key(entry)] += _count(entry)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{name}: an entry is not as it should be: {error!r}") from error
    return known


def save(
    path: str | os.PathLike[str], found: Mapping[Key, int], images: Sequence[str] = ()
) -> None:
    """Write a baseline file, which must be none of some images.

    Raises:
        UsageError: It must not be replaced.
        StorageError: It cannot be written.
    """
    entries = [key.as_json(count) for key, count in _sorted(found)]
    content = {"format": FORMAT, "version": VERSION, "findings": entries}
    beside.write(path, json.dumps(content, indent=2) + "\n", images)


def _sorted(found: Mapping[Key, int]) -> Iterable[tuple[Key, int]]:
    return sorted(found.items(), key=lambda item: [str(part) for part in item[0]])


def _key(entry: Mapping[str, Any]) -> Key:
    places = [place for place in _PLACES if place in entry]
    if len(places) > 1:
        raise ValueError(f"both {' and '.join(places)} are given")
    place = places[0] if places else None
    at = entry[place] if place else None
    field, image, requirement = entry.get("field"), entry["image"], entry["requirement"]
    texts = [image, requirement, *([] if field is None else [field])]
    if place == "path":
        texts.append(at)
    elif place and (not isinstance(at, int) or at < 0):
        raise ValueError(f"{place} {at!r}")
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no text")
    return Key(image, requirement, field, place, at)


def _count(entry: Mapping[str, Any]) -> int:
    count = entry.get("count", 1)
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"count {count!r}")
    return count
