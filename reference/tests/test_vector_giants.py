"""Images too big to be stored: recipes with the places that files have, and what they hold."""

from __future__ import annotations

import hashlib

import pytest

from darimage.conformance.answers import View, compared, differences
from darimage.conformance.cases import cases
from darimage.conformance.export import export
from darimage.conformance.giants import giants, records_of
from darimage.conformance.inventory import inventory
from darimage.conformance.suite import load
from darimage.conformance.testee import FIELDS, Task
from darimage.conformance.vectors import Suite
from darimage.conformance.verdicts import Wanted
from darimage.image.reader import Image
from darimage.units import RECORD

GIANTS = giants()
ON_DISK = 16 << 20


def slow(giant):
    """Return a giant as a parameter; one is made in minutes and in gigabytes of memory."""
    marks = [pytest.mark.slow] if giant.name == "highest-inode" else []
    return pytest.param(giant, id=giant.name, marks=marks)


def places(giant, image):
    """Hold the inodes of an image against the recipe; yield name, place and records of each."""
    sizes = {
        f"{d['name']}/{f['name']}": f["size"] for d in giant.told["directories"] for f in d["files"]
    }
    assert image.access == "direct"
    assert image.end_at == giant.told["end"]
    place = image.front.files
    for name, size in sizes.items():
        wanted = giant.told["files"][name]
        inode = image.inode(image.names.lookup(name.encode()))
        assert (inode.number, inode.size) == (wanted["inode"], size)
        assert inode.record == wanted["record"] == place
        yield name, place, records_of(size)
        place += records_of(size)


def hold(giant, source):
    with Image.open(source) as image:
        for name, place, count in places(giant, image):
            tail = image.volume.read_at((place + count) * RECORD - RECORD, RECORD)
            wanted = giant.told["files"][name]["last_record_sha256"]
            assert hashlib.sha256(tail).hexdigest() == wanted


@pytest.mark.parametrize("giant", [slow(giant) for giant in GIANTS])
def test_a_giant_is_where_it_says(giant):
    assert giant.volume.size == giant.size
    hold(giant, giant.volume)


def test_small_giants_are_written_as_sparse_files(tmp_path):
    """What is written is the image, and takes no more of the disk than is told."""
    suite = Suite()
    export(suite, tmp_path, [suite["basic/hello"]], giants_to=ON_DISK)
    written = [giant for giant in GIANTS if giant.stored <= ON_DISK]
    assert {giant.name for giant in written} >= {"past-4-gib", "high-inodes"}
    assert sorted(path.name for path in (tmp_path / "giants").iterdir()) == sorted(
        giant.name for giant in written
    )
    for giant in written:
        path = tmp_path / "giants" / giant.name / "image"
        assert path.stat().st_size == giant.size
        assert path.stat().st_blocks * 512 <= 8 * giant.stored
        hold(giant, path)


def test_a_giant_has_what_its_recipe_says(tmp_path):
    """The inventory is worked out from the recipe; a reader finds the same, time after time."""
    suite = Suite()
    export(suite, tmp_path, [suite["basic/hello"]], giants_to=ON_DISK)
    given = load(tmp_path)
    there = {v.name: v for v in given.vectors.values() if v.topic == "giants"}
    vector = there["giants/high-inodes"]
    given.check([vector.id])
    with Image.open(str(vector.image)) as image:
        found = inventory(image)
    view = View(FIELDS)
    assert not differences(compared(vector.expected, view), compared(found, view))
    wanted = [(case.task, case.wanted) for case in cases(given, list(Task), ["giants/*"])]
    assert (Task.DECODE, Wanted.ACCEPT) in wanted
    assert not any(task is Task.ENCODE for task, _ in wanted)


def test_giants_are_the_same_every_time():
    for giant in GIANTS:
        assert giant.told["date"] == 1_700_000_000
    small = min(GIANTS, key=lambda giant: giant.stored)
    again = next(one for one in giants() if one.name == small.name)
    one, two = (list(each.volume.segments.pieces) for each in (small, again))
    assert one == two


def test_ids_of_giants_are_unique():
    ids = sorted(giant.id for giant in GIANTS)
    assert ids == [f"DARI-G-{number:04}" for number in range(1, len(ids) + 1)]
