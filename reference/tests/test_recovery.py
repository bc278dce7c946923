"""Damaged images: what is whole comes back right, wherever it lies, and nothing else passes for it.

The damage is done to numbers first, one for each byte, so that what is left intact is known.
"""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import images
from support.images import FILE, Plain, encode

from darimage.errors import FormatError
from darimage.image.contents import read
from darimage.image.reader import Image
from darimage.image.state import Condition, State
from darimage.image.told import KEPT_FAULTS
from darimage.schema import CType
from darimage.sections import header
from darimage.sources.memory import Node
from darimage.units import RECORD
from darimage.validate.verify import verify
from darimage.volumes.reading import MemoryVolume

SPOILT = -1
"""Stands for a byte that is not the one that was written."""


def dari(sizes, seed=0):
    """Return an image of files with random contents, and these by inode number."""
    random_bytes = random.Random(seed).randbytes
    files = {b"f%03d" % at: random_bytes(size) for at, size in enumerate(sizes)}
    children = {name: Node(FILE, size=len(data), data={0: data}) for name, data in files.items()}
    folder = Node.directory({b"d": Node.directory(children), b"e": Node.directory({})})
    image = encode(folder)
    with Image.open(image) as opened:
        names = {opened.names.lookup(b"d/" + name): data for name, data in files.items()}
    return image, names


def plain(sizes, seed=0):
    """Return the same as a plain dump."""
    random_bytes = random.Random(seed).randbytes
    files = {4 + at: random_bytes(size) for at, size in enumerate(sizes)}
    image = Plain()
    image.front([2, 3, *files])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (3, 4, b"d")])
    named = [(number, 8, b"f%03d" % number) for number in files]
    image.directory(3, [(3, 4, b"."), (2, 4, b".."), *named])
    for number, data in files.items():
        image.inode(number, FILE, data[: 512 * RECORD])
    return image.end(), {number: data[: 512 * RECORD] for number, data in files.items()}


def groups_of(image, order="le"):
    """Return inode, first byte and byte after the last of each group of a good image."""
    found = []
    at = 0
    while at < len(image):
        row = np.frombuffer(image, np.uint8, RECORD, at).reshape(1, RECORD)
        assert header.sound(row, order)[0]
        one = header.as_headers(row, order)[0]
        count = int(one["c_count"])
        under = int((one["c_addr"][:count] == 1).sum())
        if one["c_type"] in (CType.TS_CLRI, CType.TS_BITS):
            under = count
        elif one["c_type"] not in (CType.TS_INODE, CType.TS_ADDR):
            under = 0
        inode = int(one["c_inumber"]) if one["c_type"] in (CType.TS_INODE, CType.TS_ADDR) else 0
        found.append((inode, at, at + RECORD * (1 + under)))
        at = found[-1][2]
    return found


@st.composite
def damages(draw, records):
    """Draw what happens to an image of so many records."""
    kinds = ["flip", "drop", "double", "swap", "short", "garbage"]
    place = st.integers(0, max(0, records - 1))
    block = st.sampled_from([1, 2, 3, 10])
    number = draw(st.integers(1, 3))
    return [
        (draw(st.sampled_from(kinds)), draw(place), draw(place), draw(block), draw(st.integers(0)))
        for _ in range(number)
    ]


def spoil(image, what):
    """Return damaged bytes of an image, and the number each byte had before."""
    places = np.arange(len(image))
    data = np.frombuffer(image, np.uint8).copy()
    for kind, at, other, count, seed in what:
        start, end = at * RECORD, (at + count) * RECORD
        order = np.arange(len(data))
        if kind == "flip":
            if len(data):
                byte = (start + seed % RECORD) % len(data)
                data[byte] ^= 1 << seed % 8
                places[byte] = SPOILT
            continue
        if kind == "garbage":
            rubbish = np.frombuffer(random.Random(seed).randbytes(seed % 5000), np.uint8)
            start = min(start, len(data))
            data = np.concatenate((data[:start], rubbish, data[start:]))
            nothing = np.full(len(rubbish), SPOILT)
            places = np.concatenate((places[:start], nothing, places[start:]))
            continue
        if kind == "drop":
            kept = np.concatenate((order[:start], order[end:]))
        elif kind == "short":
            kept = np.concatenate((order[:start], order[start + seed % (count * RECORD) :]))
        elif kind == "double":
            kept = np.concatenate((order[:end], order[start:]))
        else:
            one, two = sorted((start, other * RECORD))
            size = min(count * RECORD, two - one, max(0, len(data) - two))
            kept = order.copy()
            kept[one : one + size] = order[two : two + size]
            kept[two : two + size] = order[one : one + size]
        data, places = data[kept], places[kept]
    return data.tobytes(), places


def is_there(places, start, end):
    """Tell whether some bytes are left side by side and unspoilt somewhere."""
    for at in np.flatnonzero(places == start).tolist():
        if np.array_equal(places[at : at + end - start], np.arange(start, end)):
            return True
    return False


def contents_of(image, number):
    """Return the bytes of a file if it passes for whole, else ``None``."""
    try:
        inode = image.inode(number)
    except FormatError:
        return None
    data, faults = bytearray(min(inode.size, 1 << 24)), []
    condition = Condition(inode.size)
    for at, piece in read(image, inode, faults.append, condition):
        data[at : at + len(piece)] = piece
    return bytes(data) if condition.state == State.WHOLE and not faults else None


def judge(image, good, files, what, *, sequential, proven):
    """Check that files are whole and right, or not whole; that those intact are whole."""
    damaged, places = spoil(good, what)
    try:
        opened = Image.open(
            damaged, sequential=sequential, map_first=not sequential, trust_map=True
        )
    except FormatError:
        # Without any header there is nothing to be read.
        rows = [is_there(places, start, start + RECORD) for _, start, _ in groups_of(good)]
        assert not any(rows)
        return
    groups = {}
    for inode, start, end in groups_of(good):
        groups.setdefault(inode, []).append((start, end))
    with opened:
        for number, data in files.items():
            found = contents_of(opened, number)
            assert found in (None, data)
            if proven and all(is_there(places, *group) for group in groups[number]):
                assert found == data, number
        if not np.array_equal(places, np.arange(len(good))):
            _ = opened.offsets, opened.names
            lost = [number for number in files if contents_of(opened, number) is None]
            # Nobody who reads files needs the second copy of the ACLs: verify sees it.
            known = opened.faults or lost or not verify(damaged).good
            assert known or damaged[: len(good)] == good


SIZES = [0, 1, 1024, 5000, 30_000, 1025, 12_288, 700_000, 3, 9000, 2048, 100]
IMAGE, FILES = dari(SIZES)
SHORT = [size for size in SIZES if size < 512 * RECORD]
DUMP, DUMPED = plain(SHORT)


@given(damages(len(IMAGE) // RECORD), st.booleans())
@settings(deadline=None)
def test_an_image(what, sequential):
    """Shows DARI-FLT-001, DARI-FLT-002, DARI-REC-031 to DARI-REC-033."""
    judge(IMAGE, IMAGE, FILES, what, sequential=sequential, proven=True)


@given(damages(len(DUMP) // RECORD))
@settings(deadline=None)
def test_a_plain_dump(what):
    """Shows DARI-FLT-001: what no header shows to be wrong may be wrong, in a dump without CRCs."""
    damaged, places = spoil(DUMP, what)
    try:
        opened = Image.open(damaged)
    except FormatError:
        return
    bounds = {inode: (start, end) for inode, start, end in groups_of(DUMP)}
    with opened:
        for number, data in DUMPED.items():
            found = contents_of(opened, number)
            if found is None or found == data:
                continue
            # Nothing can tell if bytes are others in a group between headers that are in place.
            kinds = [kind for kind, *_ in what]
            assert len(kinds) > 1 or kinds[0] in ("flip", "swap")
            assert "double" in kinds or not is_there(places, *bounds[number])


@pytest.mark.parametrize("image", [IMAGE, DUMP], ids=["image", "dump"])
@pytest.mark.parametrize("kind", ["drop", "double", "swap", "short"])
@pytest.mark.parametrize("count", [1, 10])
def test_one_place_after_the_other(image, kind, count):
    files = FILES if image is IMAGE else DUMPED
    records = next(start for inode, start, _ in groups_of(image)[3:] if not inode) // RECORD
    for at in range(1, records - count, 7 if image is IMAGE else 1):
        what = [(kind, at, at + count, count, 300)]
        damaged, _ = spoil(image, what)
        if damaged == image:
            continue
        wrong = 0
        with Image.open(damaged) as opened:
            for number, data in files.items():
                found = contents_of(opened, number)
                assert found in (None, data) or kind == "swap"
                wrong += found != data
            _ = opened.names, opened.offsets
            assert opened.faults or wrong, at


def test_damage_costs_two_readings_at_most():
    image, files = dari([50_000] * 400)
    for what in ([("swap", 300, 500, 10, 0)], [("drop", 300, 0, 10, 0)], [("short", 9, 0, 1, 77)]):
        volume = MemoryVolume(spoil(image, what)[0])
        with Image.open(volume) as opened:
            whole = sum(contents_of(opened, number) == data for number, data in files.items())
            assert whole >= 390
            assert volume.bytes_read < 3.2 * len(image)


def test_headers_without_end_take_linear_time():
    """Shows DARI-SAF-003."""
    large = next(start for _, start, end in groups_of(IMAGE) if end - start > 512 * RECORD)
    some = [IMAGE[:RECORD], IMAGE[RECORD : 3 * RECORD], b"\1" + bytes(RECORD - 1)]
    some.append(IMAGE[large : large + RECORD])
    volume = MemoryVolume(b"".join(random.Random(3).choices(some, k=3000)))
    with Image.open(volume) as opened:
        opened.index_sequentially()
        assert len(opened.faults) <= KEPT_FAULTS
    assert volume.bytes_read < 12 * volume.size + (12 << 20)


def test_a_joined_dump_is_read_over_its_joints():
    """Shows DARI-VOL-014: the header of a volume among the records of a file is not its data."""
    image = Plain()
    image.front([2, 3, 4])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (3, 8, b"a"), (4, 8, b"b")])
    data = random.Random(1).randbytes(20 * RECORD)
    image.header(CType.TS_INODE, 3, FILE, len(data), addr=b"\1" * 20)
    image.records(data[: 7 * RECORD])
    image.header(CType.TS_TAPE, count=13, addr=b"\1" * 13, c_volume=2)
    image.records(data[7 * RECORD :])
    image.inode(4, FILE, b"behind")
    with Image.open(image.end()) as opened:
        assert contents_of(opened, 3) == data
        assert contents_of(opened, 4) == b"behind"
        assert opened.faults == []


@pytest.mark.parametrize("capacity", range(2, 45))
def test_joints_that_lie_anywhere(capacity):
    """Shows DARI-VOL-014: where a header is due the header of a volume further on may lie."""
    image = Plain()
    image.front([2, 3, 4])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (3, 8, b"a"), (4, 8, b"b")])
    data = random.Random(1).randbytes(100 * RECORD)
    image.header(CType.TS_INODE, 3, FILE, len(data), addr=b"\1" * 100)
    volume, left = 1, capacity // 2
    for at in range(100):
        if not left:
            volume += 1
            left = capacity - 1
            image.header(CType.TS_TAPE, count=100 - at, addr=b"\1" * (100 - at), c_volume=volume)
        image.records(data[at * RECORD : (at + 1) * RECORD])
        left -= 1
    image.inode(4, FILE, b"behind")
    with Image.open(image.end()) as opened:
        assert contents_of(opened, 3) == data
        assert contents_of(opened, 4) == b"behind"
        assert opened.faults == []


def test_rubbish_in_front():
    rubbish = random.Random(5).randbytes(77_777)
    for image, files in ((IMAGE, FILES), (DUMP, DUMPED)):
        with Image.open(rubbish + image) as opened:
            assert {number: contents_of(opened, number) for number in files} == files


def test_without_its_first_record():
    with Image.open(IMAGE[RECORD:]) as opened:
        assert {number: contents_of(opened, number) for number in FILES} == FILES
        assert "first-record" in {fault.kind for fault in opened.faults}


def test_a_header_with_a_wrong_number_is_where_it_lies():
    """Shows DARI-REC-020."""
    for image, files in ((IMAGE, FILES), (DUMP, DUMPED)):
        with Image.open(image) as opened:
            record = opened.offset(max(files)) // RECORD
        changed = images.poke(image, record, 16, "<I", 5)
        with Image.open(changed) as opened:
            assert contents_of(opened, max(files)) == files[max(files)]
            opened.index_sequentially()
            assert "wrong-place" in {fault.kind for fault in opened.faults}


def test_exchanged_pairs_of_bytes():
    """Shows DARI-REC-034."""
    for image, files in ((IMAGE, FILES), (DUMP, DUMPED)):
        data = np.frombuffer(image, np.uint8).reshape(-1, 2)[:, ::-1].tobytes()
        with Image.open(data) as opened:
            assert {number: contents_of(opened, number) for number in files} == files
            assert [fault.kind for fault in opened.faults] == ["byte-pairs"]
