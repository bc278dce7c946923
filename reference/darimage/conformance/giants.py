"""Giants: images too big to be stored, told by recipes, written out as sparse files."""

from __future__ import annotations

import hashlib
import os
import uuid
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from darimage.conformance import outline
from darimage.conformance.inventory import WHOLE_MAX
from darimage.conformance.words import text
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
        identity = (int(self.told["date"]), uuid.UUID(self.told["uuid"]).bytes)
        others = [number or k for number, k in zip(given, made.others.tolist(), strict=True)]
        numbered = replace(made, others=np.array(others, np.int64))
        ends_only = self.told["data"] == "ends"
        return outline.Recipe(scan, numbered, ends_only=ends_only, identity=identity)

    def inventory(self) -> dict[str, Any]:
        """Return what a reader finds in it, worked out from the recipe alone.

        Hashes are there of files up to 1 GiB; nobody reads the others for them.
        """
        folders = self.told["directories"]
        inodes = [_directory(2, "", 2 + len(folders))]
        for number, folder in enumerate(folders, 3):
            inodes.append(_directory(number, folder["name"], 2))
            for file in folder["files"]:
                path = f"{folder['name']}/{file['name']}"
                inodes.append(self._file(path, file["size"]))
        image = {"dialect": "dari", "order": "le", "uuid": self.told["uuid"]}
        image |= {"date": str(self.told["date"]), "base_date": "0", "level": 0}
        image["label"] = text(b"giant")
        return {"inventory": 1, "image": image, "inodes": inodes}

    def _file(self, path: str, size: int) -> dict[str, Any]:
        number, blocks = self.told["files"][path]["inode"], records_of_data(size)
        made = _inode(number, path, "file", "0644", 1, outline.MTIME_NS)
        made |= {"size": str(size), "extents": [["0", str(blocks)]] if blocks else []}
        if size > WHOLE_MAX:
            return made | {"loose": True}
        hashed = hashlib.sha256()
        for block in range(blocks):
            data = outline.data(number, block, 1).tobytes()
            shown = self.told["data"] != "ends" or block in (0, blocks - 1)
            hashed.update((data if shown else bytes(RECORD))[: size - block * RECORD])
        return made | dict.fromkeys(("data_sha256", "sha256"), hashed.hexdigest())

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


def _inode(number: int, path: str, kind: str, mode: str, nlink: int, time: int) -> dict[str, Any]:
    made = {"inode": number, "paths": [text(path.encode())], "type": kind, "mode": mode}
    made |= {"uid": 0, "gid": 0, "nlink": nlink, "ctime": "0"}
    # Where nothing is taken from the clock, files count as read when they were changed.
    return made | {"atime": str(time), "mtime": str(time), "birthtime": None}


def _directory(number: int, path: str, nlink: int) -> dict[str, Any]:
    return _inode(number, path, "directory", "0755", nlink, 0)


def records_of_data(size: int) -> int:
    """Return the records that a file's data takes."""
    return -(-size // RECORD)


def records_of(size: int) -> int:
    """Return the records of a file without holes: its blocks, and a header for 512 of them."""
    blocks = -(-size // RECORD)
    return blocks + max(1, -(-blocks // ADDRESSES))
