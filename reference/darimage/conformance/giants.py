"""Giants: images too big to be stored, told by recipes, written out as sparse files."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from darimage.conformance import outline
from darimage.image.numbering import fresh
from darimage.suite_home import suite_home
from darimage.units import ADDRESSES, RECORD

HOME = suite_home("giants")
"""Where the recipes are that come with this program."""

IMAGE = "image"


@dataclass(frozen=True)
class Giant:
    """One giant.

    Attributes:
        name: Of its recipe.
        told: What that says.
    """

    name: str
    told: dict[str, Any]

    @property
    def id(self) -> str:
        """Its id, never given again."""
        return str(self.told["id"])

    @property
    def size(self) -> int:
        """Bytes of the image."""
        return int(self.told["records"]) * RECORD

    @property
    def stored(self) -> int:
        """Bytes of it that a sparse file holds, about: its headers, and data that is not zero."""
        return int(self.told["stored"])

    @cached_property
    def volume(self) -> outline.Recipe:
        """The image, made while it is read."""
        told = self.told["directories"]
        scan = outline.scan_of(
            (
                one["name"].encode(),
                [file["name"].encode() for file in one["files"]],
                [file["size"] for file in one["files"]],
            )
            for one in told
        )
        given = [file.get("number", 0) for one in told for file in one["files"]]
        made = fresh(scan)
        others = [number or k for number, k in zip(given, made.others.tolist(), strict=True)]
        numbered = replace(made, others=np.array(others, np.int64))
        return outline.Recipe(scan, numbered, ends_only=self.told["data"] == "ends")

    def write(self, path: Path) -> None:
        """Write the image as a sparse file."""
        with path.open("wb") as file:
            for at, piece in self.volume.stored():
                file.seek(at)
                file.write(piece)
            os.truncate(file.fileno(), self.size)

    def entry(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        return {"name": self.name, **self.told, "size": self.size}


def giants(home: Path = HOME) -> list[Giant]:
    """Return all giants, by name; none where there are no recipes."""
    import yaml

    found = (Giant(path.stem, yaml.safe_load(path.read_bytes())) for path in home.glob("*.yaml"))
    return sorted(found, key=lambda giant: giant.name)


def records_of(size: int) -> int:
    """Return the records of a file without holes: its blocks, and a header for 512 of them."""
    blocks = -(-size // RECORD)
    return blocks + max(1, -(-blocks // ADDRESSES))
