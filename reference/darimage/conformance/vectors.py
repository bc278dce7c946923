"""Vectors: good images made from recipes, and what becomes of them when something is changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from darimage.conformance import maker, patches
from darimage.conformance.leftover import is_faulty, left_of
from darimage.errors import StorageError, UsageError
from darimage.suite_home import suite_home
from darimage.units import RECORD

HOME = suite_home("vectors")
"""Where the vectors are that come with this program."""

PROFILES = ("streams", "acl", "xattr", "incremental", "volumes")
"""What ``dari-core`` can be had with; a feature of the same name says that a vector has it."""

IMAGE = "image"
"""Name of an image's file; with a number of three digits behind it, that of a volume's."""

FILE, EXPECTED, MANIFEST = "vector.yaml", "expected.json", "manifest.json"

RESTORED = "restored.json"
"""The inventory of what an image and its bases restore together."""


@dataclass(frozen=True)
class Vector:
    """One vector.

    Attributes:
        name: ``TOPIC/NAME``, its directory.
        told: What ``vector.yaml`` says.
        path: Its directory.
    """

    name: str
    told: dict[str, Any]
    path: Path

    @property
    def id(self) -> str:
        """Its id, never given again; empty if it has none yet."""
        return str(self.told.get("id", ""))

    @property
    def topic(self) -> str:
        """The directory it is in."""
        return self.name.partition("/")[0]

    @property
    def parent(self) -> str | None:
        """Name of the vector it changes; ``None`` if it is made from a recipe."""
        return self.told.get("parent")

    @property
    def shown(self) -> list[str]:
        """Requirements that it shows; in one with a fault the first is the one it breaks."""
        return list(self.told["requirements"])

    @property
    def broken(self) -> list[str]:
        """Requirements that it breaks, each as often as that is found."""
        found = (one["requirement"] for one in self.told.get("expect", ()))
        return [name for name in found if name is not None]

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.told.get("expect")

    @property
    def is_refused(self) -> bool:
        """Whether a reader refuses it."""
        return self.told.get("decode") == "reject"

    @property
    def found(self) -> dict[str, Any] | None:
        """What a reader finds otherwise than in its parent; ``None`` if nothing is said."""
        if "found" not in self.told:
            return None
        return dict(self.told["found"] or {})

    @property
    def restored(self) -> dict[str, Any] | None:
        """What it and its bases restore together; ``None`` without bases."""
        if not self.told.get("bases"):
            return None
        found: dict[str, Any] = json.loads((self.path / RESTORED).read_text())
        return found

    @property
    def has_inventory(self) -> bool:
        """Whether it has an inventory of its own, not one that follows from its parent's."""
        return self.told.get("decode") != "reject" and (
            self.parent is None or self.told.get("inventory") == "own"
        )

    @property
    def profiles(self) -> list[str]:
        """The profiles it is judged by (DARI-PRO-001)."""
        features = self.told["features"]
        if "dump" in features:
            return ["dump"]
        return ["dari-core", *(name for name in PROFILES if name in features)]

    @cached_property
    def expected(self) -> dict[str, Any]:
        """The inventory."""
        found: dict[str, Any] = json.loads((self.path / EXPECTED).read_text())
        return found


class Suite:
    """All vectors below a directory.

    Attributes:
        home: The directory.
        vectors: Vectors by name, ascending.
    """

    def __init__(self, home: Path = HOME) -> None:
        """Read what all vectors say.

        Raises:
            StorageError: There are none.
        """
        self.home = home
        self.vectors = {vector.name: vector for vector in _read(home)}
        if not self.vectors:
            raise StorageError(f"{home}: no vectors here")
        self._images: dict[str, bytes] = {}

    def __iter__(self) -> Iterator[Vector]:
        return iter(self.vectors.values())

    def __getitem__(self, name: str) -> Vector:
        """Return a vector by name or id.

        Raises:
            UsageError: There is none.
        """
        if name in self.vectors:
            return self.vectors[name]
        for vector in self:
            if vector.id == name:
                return vector
        raise UsageError(f"no vector {name!r}")

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What ``manifest.json`` says."""
        found: dict[str, Any] = json.loads((self.home / MANIFEST).read_text())
        return found

    def image(self, vector: Vector) -> bytes:
        """Return the image of a vector, all volumes of it joined.

        Those that others are made from are kept.

        Raises:
            UsageError: The vector says something that cannot be.
        """
        if vector.name in self._images:
            return self._images[vector.name]
        try:
            made = self._make(vector)
        except UsageError as error:
            raise UsageError(f"{vector.name}: {error}") from error
        if vector.name in self._parents:
            self._images[vector.name] = made
        return made

    def files(self, vector: Vector) -> list[tuple[str, bytes]]:
        """Return the files of a vector with their names: one, or one for each volume it has."""
        data = self.image(vector)
        size = self.capacity(vector) * RECORD
        if not size or vector.told.get("joined"):
            return [(IMAGE, data)]
        volumes = enumerate((data[at : at + size] for at in range(0, len(data), size)), 1)
        missing = vector.told.get("missing", ())
        kept = {f"{IMAGE}{number:03}": one for number, one in volumes if number not in missing}
        for one in vector.told.get("foreign", ()):
            name = f"{IMAGE}{one['volume']:03}"
            kept[name] = dict(self.files(self[one["of"]]))[name]
        return list(kept.items())

    @contextmanager
    def given(self, vector: Vector) -> Iterator[bytes | Path]:
        """Give a vector as readers and validators get it: the image, or the first of its files."""
        files = self.files(vector)
        if files[0][0] == IMAGE:
            yield files[0][1]
            return
        with TemporaryDirectory() as folder:
            for name, data in files:
                (Path(folder) / name).write_bytes(data)
            yield Path(folder) / files[0][0]

    def capacity(self, vector: Vector) -> int:
        """Return the records of each volume of a vector; 0 for one file."""
        if vector.parent is not None:
            return self.capacity(self[vector.parent])
        return int(vector.told["recipe"].get("options", {}).get("volume_records", 0))

    def inventory(self, vector: Vector) -> dict[str, Any] | None:
        """Return what a reader must find in a vector, ``None`` if nothing is said.

        Raises:
            UsageError: What the vector says of it cannot be.
        """
        if vector.has_inventory:
            return vector.expected
        if vector.parent is None or vector.found is None:
            return None
        parent = self.inventory(self[vector.parent])
        if parent is None:
            return None
        try:
            return left_of(parent, vector.found)
        except UsageError as error:
            raise UsageError(f"{vector.name}: {error}") from error

    def decode(self, vector: Vector) -> str:
        """Return what a reader makes of a vector: ``accept``, ``survive`` or ``reject``."""
        if "decode" in vector.told:
            return str(vector.told["decode"])
        found = self.inventory(vector)
        if found is None:
            return "survive"
        return "survive" if is_faulty(found) else "accept"

    @cached_property
    def _parents(self) -> set[str]:
        return {vector.parent for vector in self if vector.parent is not None}

    def _make(self, vector: Vector) -> bytes:
        if vector.parent is None:
            return maker.make(vector.told["recipe"])
        parent = self.image(self[vector.parent])
        return patches.apply(parent, vector.told.get("patches", []), vector.told.get("seal", True))


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _read(home: Path) -> Iterator[Vector]:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise UsageError("vectors need PyYAML: pip install darimage[conformance]") from error
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(home.glob(f"*/*/{FILE}")):
        name = str(path.parent.relative_to(home))
        try:
            told = yaml.load(path.read_bytes(), loader)  # noqa: S506 - it is a safe one
        except yaml.YAMLError as error:
            place = getattr(error, "problem_mark", None)
            line = f", line {place.line + 1}" if place else ""
            raise UsageError(f"{path}{line}: no YAML") from error
        yield Vector(name, told, path.parent)
