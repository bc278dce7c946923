"""Contents of files: where their data lies, in images whole and damaged."""

from __future__ import annotations

import stat
import struct
import time

import numpy as np
import pytest
from fuzz.strategies.attributes import attributes
from fuzz.strategies.trees import trees
from hypothesis import given, settings
from hypothesis import strategies as st
from support import dialect, images
from support.images import FILE, LINK, Plain, contents_of, encode, paths_of, sample

from darimage.errors import FormatError
from darimage.image import contents
from darimage.image.contents import Extent
from darimage.image.reader import Image
from darimage.schema import CType, Kind
from darimage.sections import header
from darimage.sections.header import Identity
from darimage.sources.memory import Node
from darimage.units import RECORD

SPAN = 512 * RECORD


def read_all(image, path):
    """Return the bytes of a file, and the faults told of it."""
    faults = []
    inode = image.inode(image.names.lookup(path))
    data, last = bytearray(inode.size), 0
    for at, piece in contents.read(image, inode, faults.append):
        assert at >= last
        last = at + len(piece)
        data[at:last] = piece
    return bytes(data), faults


@given(trees(extended=attributes()))
@settings(deadline=None, max_examples=50)
def test_contents_of_an_image(tree):
    with Image.open(encode(tree, acls=False)) as image:
        for path, node in paths_of(tree).items():
            if stat.S_ISREG(node.mode):
                assert read_all(image, path) == (contents_of(node), [])
            elif stat.S_ISLNK(node.mode):
                inode = image.inode(image.names.lookup(path))
                assert contents.read_link(image, inode) == node.target


def test_holes_are_left_out_and_a_size_within_a_record_is_kept():
    with Image.open(encode(sample())) as image:
        inode = image.inode(image.names.lookup(b"hole"))
        found = [
            extent for batch in contents.extents(image, inode, pytest.fail) for extent in batch
        ]
    present = {1} | set(range(650_000 // 1024, -(-653_000 // 1024)))
    assert {
        e.file_offset // 1024 + k for e in found for k in range(-(-e.length // 1024))
    } == present
    assert all(e.file_offset + e.length <= 700_000 for e in found)


def test_a_file_of_one_header_costs_no_read():
    with Image.open(encode(sample())) as image:
        inode = image.inode(image.names.lookup(b"k1025"))
        reads = image.volume.reads
        at = (inode.record + 1) * RECORD
        assert list(contents.extents(image, inode, pytest.fail)) == [[Extent(0, at, 1025)]]
        assert image.volume.reads == reads


# -- plain dumps and their dialects ---------------------------------------------------------------

maps = st.lists(st.booleans(), min_size=1, max_size=1500)


def plain_file(present, size, per_header=512, *, code=None):
    """Return a plain dump with one file of such records, and its contents."""
    image = Plain()
    image.front([2, 5])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (5, 8, b"file")])
    data = b""
    for first in range(0, max(1, len(present)), per_header):
        part = present[first : first + per_header]
        addr = bytes(part)
        c_type = CType.TS_ADDR if first else CType.TS_INODE
        image.header(c_type, 5, FILE, size, addr=code(addr) if code else addr)
        for k, there in enumerate(part):
            record = struct.pack("<Q", first + k + 1) * 128 if there else bytes(RECORD)
            data += record
            if there:
                image.records(record)
    return image.end(), data[:size].ljust(size, b"\0")


@given(maps, st.integers(1, 1024), st.sampled_from([256, 300, 512]), st.booleans())
@settings(deadline=None)
def test_any_hole_map_of_a_plain_dump(present, rest, per_header, coded):
    size = (len(present) - 1) * RECORD + rest
    if coded:
        per_header = 5000
    code = dialect.encode_runs if coded else None
    data, wanted = plain_file(present, size, per_header, code=code)
    with Image.open(data) as image:
        assert read_all(image, b"file") == (wanted, [])
        assert image.faults == []


def test_entries_past_the_size_are_thrown_away():
    """Shows DARI-FIL-018."""
    data, wanted = plain_file([1, 1, 1, 1], 1500)
    with Image.open(data) as image:
        assert read_all(image, b"file") == (wanted, [])


def test_junk_in_c_addr_past_c_count_is_ignored():
    """Shows DARI-REC-024."""
    image = Plain()
    image.front([2, 5])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (5, 8, b"file")])
    image.header(CType.TS_INODE, 5, FILE, 10, addr=b"\1" + b"\1\0\7\xff" * 60, count=1)
    image.records(b"0123456789")
    with Image.open(image.end()) as opened:
        assert read_all(opened, b"file") == (b"0123456789", [])
        assert opened.faults == []


def test_metadata_only_and_attributes():
    """Shows DARI-REC-027."""
    image = Plain()
    image.front([2, 5, 6])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (5, 8, b"meta"), (6, 8, b"file")])
    image.header(CType.TS_INODE, 5, FILE, 10, addr=b"\1", c_flags=0x102)
    image.inode(6, FILE, b"data")
    image.header(CType.TS_INODE, 6, FILE, 1024, addr=b"\1", c_flags=0x8002, c_extattributes=3)
    image.records(b"attributes")
    with Image.open(image.end()) as opened:
        inode = opened.inode(5)
        assert inode.metadata_only
        faults = []
        assert list(contents.extents(opened, inode, faults.append)) == []
        assert [fault.kind for fault in faults] == ["no-contents"]
        assert read_all(opened, b"file") == (b"data", [])
        assert opened.runs_of_attributes.of(6)
        assert opened.faults == []


# -- damage ---------------------------------------------------------------------------------------


def big_file(size=3 * SPAN + 100):
    """Return an image with one file of four headers, its bytes, and where its headers are."""
    data = bytes(range(1, 252)) * (size // 251 + 1)
    tree = Node(images.DIRECTORY, children={b"file": Node(FILE, size=size, data={0: data[:size]})})
    image = encode(tree)
    records = [at for at, c_type, inode in images.headers_of(image) if inode == 3]
    return image, data[:size], records


def test_a_damaged_further_header_costs_its_blocks():
    image, data, records = big_file()
    changed = bytearray(image)
    changed[records[1] * RECORD + 100] ^= 1
    with Image.open(bytes(changed)) as opened:
        found, faults = read_all(opened, b"file")
    assert found == data[:SPAN] + bytes(SPAN) + data[2 * SPAN :]
    assert {(fault.kind, fault.inode) for fault in faults} == {
        ("header-damaged", 3),
        ("missing", 3),
    }
    assert any("blocks 512 to 1023" in fault.message for fault in faults)


def test_in_a_plain_dump_what_follows_a_gap_is_unknown():
    data, wanted = plain_file([1] * 1000, 1000 * RECORD, 300)
    records = [at for at, c_type, inode in images.headers_of(data) if inode == 5]
    changed = bytearray(data)
    changed[records[2] * RECORD + 100] ^= 1
    with Image.open(bytes(changed)) as opened:
        found, faults = read_all(opened, b"file")
    assert found == wanted[: 600 * RECORD].ljust(1000 * RECORD, b"\0")
    assert [fault.kind for fault in faults] == ["header-damaged", "missing"]


def test_a_damaged_first_header_leaves_the_others():
    image = encode(sample())
    with Image.open(image) as opened:
        number = opened.names.lookup(b"k1024")
        record = opened.inode(number).record
    changed = bytearray(image)
    changed[record * RECORD + 200] ^= 1
    for sequential in (False, True):
        with Image.open(bytes(changed), sequential=sequential) as opened:
            with pytest.raises(FormatError):
                opened.inode(number)
            assert read_all(opened, b"k1025") == (b"z" * 1025, [])
            faults = []
            numbers = [number for number in opened.dumped.numbers() if number > 5]
            assert len(list(opened.inodes(numbers, faults.append))) == len(numbers) - 1
            assert [fault.inode for fault in faults] == [number]


def test_a_cut_file():
    image, data, records = big_file()
    for cut in (records[0] + 1, records[0] + 10, records[1], records[1] + 1, records[3] + 1):
        with Image.open(image[: cut * RECORD]) as opened:
            found, faults = read_all(opened, b"file")
        held = (cut - records[0] - sum(at < cut for at in records)) * RECORD
        assert found == data[:held].ljust(len(data), b"\0")
        assert faults


def test_a_lying_first_block_and_size():
    image, data, records = big_file()
    at, _ = header.field_span("extension.body.first_block")
    lying = images.poke(image, records[2], at, "<Q", 3)
    with Image.open(lying) as opened:
        _, faults = read_all(opened, b"file")
        assert "DARI-FIL-007" in {fault.requirement for fault in faults}
    lying = images.poke(image, records[0], 40, "<Q", 2**62)
    with Image.open(lying) as opened:
        inode, faults = opened.inode(3), []
        known = [e for batch in contents.extents(opened, inode, faults.append) for e in batch]
        assert sum(e.length for e in known) >= len(data)
        assert [fault.kind for fault in faults] == ["missing"]


def test_substituted_data_is_told():
    image, _, records = big_file()
    for record in records[::3]:
        with Image.open(images.poke(image, record, 934, "<H", 1)) as opened:
            _, faults = read_all(opened, b"file")
            assert [(f.kind, f.requirement) for f in faults] == [("substituted", "DARI-FIL-014")]


def test_links_that_cannot_be():
    image = Plain()
    image.front([2, 5, 6])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (5, 10, b"long"), (6, 10, b"hole")])
    image.header(CType.TS_INODE, 5, LINK, 2**60, addr=b"\0")
    image.header(CType.TS_INODE, 6, LINK, 10, addr=b"\0")
    with Image.open(image.end()) as opened:
        for number in (5, 6):
            with pytest.raises(FormatError, match="DARI-FIL-008"):
                contents.read_link(opened, opened.inode(number))


def test_a_terabyte_of_hole_takes_seconds():
    count = 1 << 16  # 32 GiB; a terabyte is 32 times that
    headers = header.blank(count, CType.TS_ADDR, Kind.INODE, Identity(bytes(16), 1_700_000_000))
    headers["c_type"][0] = CType.TS_INODE
    headers["c_inumber"] = 5
    headers["c_count"] = 512
    headers["c_dinode"]["di_mode"] = FILE
    headers["c_dinode"]["di_size"] = count * SPAN
    headers["extension"]["body"]["first_block"] = np.arange(count) * 512
    plain = Plain()
    plain.front([2, 5])
    plain.directory(2, [(2, 4, b"."), (2, 4, b".."), (5, 8, b"file")])
    header.seal(headers, len(plain.data) // RECORD + np.arange(count))
    plain.data += headers.tobytes()
    with Image.open(plain.end()) as opened:
        inode = opened.inode(5)
        start = time.monotonic()
        assert list(contents.extents(opened, inode, pytest.fail)) == []
        assert time.monotonic() - start < 10 / 32 * 4
