"""Images too big to be stored: recipes with the places that files have, and what they hold."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import yaml
from support import recipe

from darimage.conformance.vectors import HOME
from darimage.image.numbering import Numbering, fresh
from darimage.image.reader import Image
from darimage.units import RECORD

GIANTS = sorted((HOME.parent / "giants").glob("*.yaml"))


def made(told):
    """Return the image of a recipe, which makes its files only when they are read."""
    directories = []
    for one in told["directories"]:
        names = [file["name"].encode() for file in one["files"]]
        directories.append((one["name"].encode(), names, [file["size"] for file in one["files"]]))
    scan = recipe.scan_of(directories)
    numbers = [f.get("number", 0) for one in told["directories"] for f in one["files"]]
    if not any(numbers):
        return recipe.Recipe(scan)
    given = fresh(scan)
    others = [number or k for number, k in zip(numbers, given.others.tolist(), strict=True)]
    return recipe.Recipe(scan, Numbering(given.directories, np.array(others)))


def records_of(size):
    """Return the records of a file without holes: its blocks, and a header for 512 of them."""
    blocks = -(-size // RECORD)
    return blocks + max(1, -(-blocks // 512))


@pytest.mark.parametrize("path", GIANTS, ids=lambda path: path.stem)
def test_a_giant_is_where_it_says(path):
    told = yaml.safe_load(path.read_text())
    volume = made(told)
    sizes = {f"{d['name']}/{f['name']}": f["size"] for d in told["directories"] for f in d["files"]}
    with Image.open(volume) as image:
        assert image.access == "direct"
        assert image.end_at == told["end"]
        place = image.front.files
        for name, size in sizes.items():
            wanted = told["files"][name]
            inode = image.inode(image.names.lookup(name.encode()))
            assert (inode.number, inode.size) == (wanted["inode"], size)
            assert inode.record == wanted["record"] == place
            tail = volume.read_at((place + records_of(size)) * RECORD - RECORD, RECORD)
            assert hashlib.sha256(tail).hexdigest() == wanted["last_record_sha256"]
            place += records_of(size)
