"""What is told of an image before it is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darimage.errors import StorageError
from darimage.image import estimate
from darimage.image.inventory import Inventory
from darimage.image.layout import plan
from darimage.image.writer import Options, create
from darimage.progress import SILENT
from darimage.sources.memory import MemorySource, Node
from darimage.sources.posix import PosixSource
from darimage.units import size_text
from darimage.volumes.writing import MemorySink

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def warnings(*files):
    """Return what is told of a tree of files: sizes in bytes, and the KiB of data in each."""
    children = {
        b"f%03d" % number: Node(size=size, data={0: bytes(held * KIB)} if held else {})
        for number, (size, held) in enumerate(files)
    }
    inventory = Inventory(MemorySource(Node.directory(children)).scan(SILENT))
    return estimate.warnings(inventory, plan(inventory, None, 10))


def test_holes_of_terabytes_are_told_with_what_they_cost():
    (told,) = warnings((1200 * GIB, 300))
    assert told.startswith("the holes of f000 take 2.3 GiB of the image, more than the 301.0 KiB")
    assert "DARI-FIL-002" in told


def test_many_files_with_holes_are_told_at_once():
    (told,) = warnings(*[(GIB, 3)] * 20, (3 * GIB, 3), (100 * KIB, 100))
    assert told.startswith("the holes of 21 files, f020 first, take 46.0 MiB of the image")


def test_holes_that_cost_less_than_the_data_are_no_surprise():
    assert warnings((20 * GIB, 60 * KIB)) == []
    assert warnings((GIB, 0), (2 * GIB, 1)) == []


@given(st.integers(1, 1 << 46), st.integers(0, 40 * MIB // KIB))
def test_what_is_told_is_what_the_image_would_be_smaller_by(size, held):
    held = min(held, size // KIB)

    def laid_out(size):
        data = {0: bytes(held * KIB)} if held else {}
        tree = Node.directory({b"f": Node(size=size, data=data)})
        inventory = Inventory(MemorySource(tree).scan(SILENT))
        return inventory, plan(inventory, None, 1)

    inventory, layout = laid_out(size)
    last = int(size > held * KIB)  # The last block is there whatever it holds (DARI-FIL-019).
    cost = layout.end - laid_out(held * KIB)[1].end - last
    told = estimate.warnings(inventory, layout)
    if -(-(held + last) // 512) != -(-held // 512):
        return  # That block itself needs a header.
    assert bool(told) == (cost > held + last and cost * KIB >= estimate.WORTH_TELLING)
    if told:
        assert f"take {size_text(cost * KIB)} of the image" in told[0]
        assert f"than the {size_text((held + last) * KIB)} of data" in told[0]


def test_it_is_told_before_anything_is_written():
    sink, told = MemorySink(), []

    def stop(warning):
        told.append(warning)
        assert not sink.data
        raise StorageError("seen enough")

    tree = Node.directory({b"lastlog": Node(size=100 * GIB)})
    with pytest.raises(StorageError, match="seen enough"):
        create(MemorySource(tree), sink, Options(), warn=stop)
    assert len(told) == 1


def test_holes_of_streams_count_too():
    file = Node(streams={b"wide": Node(size=50 * GIB)})
    inventory = Inventory(MemorySource(Node.directory({b"f": file})).scan(SILENT))
    (told,) = estimate.warnings(inventory, plan(inventory, None, 10))
    assert "f:wide" in told


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_tells_it_and_the_image_is_good(tmp_path, as_json):
    (tmp_path / "s").mkdir()
    (tmp_path / "s/lastlog").touch()
    os.truncate(tmp_path / "s/lastlog", 10 * GIB)
    assert PosixSource(tmp_path / "s").scan(SILENT).extents
    words = ["create", "-q", *["--json"] * as_json, "s", "a.dari"]
    run = subprocess.run(
        [sys.executable, "-m", "darimage", *words],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
    )
    assert run.returncode == 0
    if as_json:
        assert json.loads(run.stdout)["warnings"][0].startswith("the holes of lastlog take 20")
        assert run.stderr == ""
    else:
        size = size_text(20 * 1024 * KIB - 1024)
        assert run.stderr.startswith(f"darimage: warning: the holes of lastlog take {size}")
