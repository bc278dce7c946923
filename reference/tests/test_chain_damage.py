"""Chains with damaged images: what is whole comes back, what is not is told (DARI-RST-005)."""

from __future__ import annotations

import os
import random
import stat

import numpy as np
import pytest
from fuzz.strategies.damage import Damage, damage, damages
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import edits, legacy
from support.compare import compare_trees
from support.images import headers_of, peek, reseal
from support.levels import Levels, bring

from darimage.errors import DarimageError, UsageError
from darimage.image.chain import Chain
from darimage.image.reader import Image
from darimage.restore import run
from darimage.restore.run import Options, restore
from darimage.restore.selection import select

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")

QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))
RECORD = 1024


@pytest.fixture(scope="module")
def levels():
    """Yield a tree with images of levels 0, 1 and 2."""
    dice = random.Random(11)
    words = [*edits.EDITS, *edits.GROWING, *edits.GROWING]
    with legacy.scratch_directory() as folder:
        source = folder / "source"
        source.mkdir()
        edits.populate(source)
        made = Levels(source, folder)
        for level in range(3):
            made.make(level)
            if level < 2:
                numbers = ((dice.randrange(10**6) for _ in range(3)) for _ in range(14))
                edits.edit(source, [edits.Edit(dice.choice(words), *some) for some in numbers])
        yield made


@pytest.fixture(scope="module")
def data(levels):
    return [image.read_bytes() for image in levels.images]


def together(images):
    return Chain([Image.open(bytes(image), name=f"image {at}") for at, image in enumerate(images)])


def come_back(chain, out):
    return restore(chain, out, select(chain.names), Options())


def test_the_chain_is_whole(levels, data, tmp_path):
    report = come_back(together(data), tmp_path / "out")
    assert [fault.text() for fault in [*report.faults, *report.image_faults]] == []
    assert list(map(str, compare_trees(levels.source, tmp_path / "out"))) == []


@settings(QUIET, max_examples=150)
@given(which=st.integers(0, 2), what=damages, twice=st.booleans())
@example(which=1, what=[Damage("blank", 1, 0, 1)], twice=False)
@example(which=2, what=[Damage("blank", 1, 0, 1)], twice=False)
@example(which=2, what=[Damage("blank", 3, 0, 1)], twice=True)
def test_any_damage_is_survived(data, which, what, twice):
    images = list(data)
    images[which] = damage(images[which], what)
    if twice:
        images[which - 1] = damage(images[which - 1], what)
    with legacy.scratch_directory() as folder:
        try:
            chain = together(images)
            report = come_back(chain, folder / "out")
        except DarimageError as error:
            assert str(error)
            assert "\n" not in str(error)
        else:
            assert all("\n" not in fault.text() for fault in report.faults)
        assert os.listdir(folder) in (["out"], [])


@settings(QUIET, max_examples=60)
@given(order=st.lists(st.integers(0, 2), min_size=2, max_size=4))
def test_only_the_chain_is_taken(data, order):
    images = [Image.open(data[at]) for at in order]
    if sorted(order) in ([0, 1], [0, 1, 2]):
        assert Chain(images).last is images[order.index(max(order))]
    else:
        with pytest.raises(UsageError, match=r"DARI-INC-009|begins with a full image"):
            Chain(images)


def test_an_image_of_another_set_is_refused(levels, data):
    with legacy.scratch_directory() as folder:
        (folder / "source").mkdir()
        other = Levels(folder / "source", folder)
        other.make(0)
        other.make(1)
        stray = other.images[1].read_bytes()
        alike = bytearray(stray)
        for record, _, _ in headers_of(stray):
            # As if both sets had been made at the same time, and were of one place.
            alike[record * RECORD + 8 : record * RECORD + 12] = data[1][8:12]
            reseal(alike, record)
    with pytest.raises(UsageError, match="has another base"):
        together([data[0], bytes(alike)])


def test_a_lost_directory_has_the_names_of_before(data, levels, tmp_path):
    """Shows DARI-INC-015."""
    with Image.open(data[2]) as image:
        held = [
            number
            for number in image.names.directories
            if number != 2 and number in Image.open(data[0]).names.directories
        ]
        assert held
        number = held[0]
        record = image.names.directories[number].inode.record
    broken = bytearray(data[2])
    broken[record * RECORD : (record + 1) * RECORD] = bytes(RECORD)
    report = come_back(together([*data[:2], bytes(broken)]), tmp_path / "out")
    told = [fault for fault in report.image_faults if fault.kind in ("lost", "older-names")]
    assert [(fault.kind, fault.inode) for fault in told if fault.inode == number] == [
        ("lost", number),
        ("older-names", number),
    ]
    (outcome,) = (one for one in report.not_whole if one.inode == number)
    assert (outcome.state.word, outcome.result) == ("damaged", "marked")
    folder = tmp_path / "out" / os.fsdecode(outcome.path)
    assert stat.S_IMODE(os.lstat(folder).st_mode) == 0o700


def test_bitmap_i_says_what_was_deleted(data):
    with Image.open(data[0]) as first, together(data) as chain:
        named = first.names.named()
        gone = named[~chain.last.exists.holds(named)]
        assert gone.size
        there = [entry.inode for _, entry, _ in chain.names.walk()]
        assert chain.exists(there).all()
        assert not np.isin(there, gone).any()


def test_clearing_bitmap_i_hides_what_it_names(data, tmp_path):
    """The judge can fail: a wrong bitmap I loses a file."""
    with Image.open(data[2]) as image:
        path, entry, _ = next(
            (path, entry, above)
            for path, entry, above in image.names.walk()
            if entry.inode not in image.names.directories
        )
        record = image.front.exists.record
    changed = bytearray(data[2])
    changed[(record + 1) * RECORD + (entry.inode - 1) // 8] &= ~(1 << (entry.inode - 1) % 8)
    reseal(changed, record, records=peek(data[2], record, 160, "<i"))
    come_back(together([*data[:2], bytes(changed)]), tmp_path / "out")
    assert not os.path.lexists(os.fsencode(tmp_path / "out") + b"/" + path)


def test_many_processes_bring_back_the_same(levels, tmp_path, monkeypatch):
    # As if there were enough files for it to pay.
    monkeypatch.setattr(run, "FORKED_FROM", 1)
    with Chain.open([str(image) for image in levels.images]) as chain:
        chosen = select(chain.names)
        report = restore(chain, tmp_path / "out", chosen, Options(workers=3))
    assert [fault.text() for fault in report.faults] == []
    assert list(map(str, compare_trees(levels.source, tmp_path / "out"))) == []


def test_no_data_is_read_but_what_comes_back(levels, tmp_path):
    big = levels.source / "big"
    big.write_bytes(os.urandom(3 << 20))
    levels.make(3)
    big.write_bytes(b"small now")
    levels.make(4)
    chain = levels.chain()
    bring(chain, tmp_path / "all")
    with Chain.open([str(image) for image in chain]) as opened:
        report = restore(opened, tmp_path / "out", select(opened.names, [b"big"]), Options())
    assert (tmp_path / "out/big").read_bytes() == b"small now"
    assert report.bytes_read < 1 << 20
    assert report.image_bytes > 3 << 20


def test_sequential_images_make_a_chain_too(levels, data, tmp_path):
    with Chain.open([str(image) for image in levels.images[:3]], sequential=True) as chain:
        assert chain.access == "sequential"
        report = come_back(chain, tmp_path / "out")
    again = come_back(together(data), tmp_path / "again")
    assert report.fault_count == again.fault_count == 0
    assert list(map(str, compare_trees(tmp_path / "again", tmp_path / "out"))) == []
