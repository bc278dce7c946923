"""The parts' encoders and decoders, each against the generated codec or a slow twin."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darimage.errors import FormatError
from darimage.schema import CType, Kind, header_dtype, layout
from darimage.sections import bitmap, directory, header, holes, offset_map
from darimage.sections.crc import crc32c
from darimage.sections.names import check_name
from darimage.sections.payload import Payload
from darimage.units import ADDRESSES, RECORD, records_of

names = st.binary(min_size=1, max_size=255).filter(
    lambda name: name not in (b".", b"..") and b"/" not in name and b"\0" not in name
)
entries = st.builds(directory.Entry, st.integers(1, 2**32 - 1), st.integers(0, 15), names)


def test_crc32c_has_the_check_value_of_its_definition():
    assert crc32c(b"123456789") == 0xE3069283


@given(st.lists(entries, max_size=60))
def test_a_directory_reads_back(listing):
    data = directory.encode(listing)
    assert directory.decode(data) == listing
    assert len(data) == directory.size_of(len(entry.name) for entry in listing)


@given(st.lists(entries, min_size=1, max_size=60))
def test_a_directory_is_what_construct_reads_and_crosses_no_chunk(listing):
    data = directory.encode(listing)
    parsed = layout("directory").parse(data).entries
    assert [(e.head.d_ino, e.head.d_type, e.d_name) for e in parsed] == listing
    at = 0
    for entry in parsed:
        assert at // directory.CHUNK == (at + entry.head.d_reclen - 1) // directory.CHUNK
        assert entry.head.d_reclen % 4 == 0
        assert entry.pad[0] == 0
        at += entry.head.d_reclen
    assert at == len(data)
    assert len(data) % directory.CHUNK == 0


@given(st.binary(max_size=200))
def test_a_broken_directory_raises_nothing_but_a_format_error(data):
    try:
        found = directory.decode(data)
    except FormatError as error:
        assert error.requirement == "DARI-DIR-005"
    else:
        assert all(entry.inode for entry in found)


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"a\0b", b"x" * 256])
def test_a_name_that_may_not_be_is_refused(name):
    with pytest.raises(FormatError, match="DARI-DIR-007"):
        check_name(name)


@given(st.sets(st.integers(2, 30000), min_size=1))
def test_a_bitmap_reads_back_bit_by_bit(inodes):
    records = bitmap.records_for(max(inodes))
    data = bitmap.encode(np.array(sorted(inodes)), records)
    assert len(data) == records * RECORD
    assert bitmap.decode(data).tolist() == sorted(inodes)
    assert {
        n for n in range(1, len(data) * 8 + 1) if data[(n - 1) // 8] >> (n - 1) % 8 & 1
    } == inodes


@given(st.sets(st.integers(2, 30000), min_size=1))
def test_a_bitmap_answers_as_a_set_does(inodes):
    data = bitmap.encode(np.array(sorted(inodes)), bitmap.records_for(max(inodes)))
    one = bitmap.Bitmap(data)
    assert (len(one), one.highest, one.numbers()) == (len(inodes), max(inodes), sorted(inodes))
    asked = np.arange(-3, len(data) * 8 + 20)
    assert asked[one.holds(asked)].tolist() == sorted(inodes)
    fewer = sorted(inodes)[::2]
    two = bitmap.Bitmap(bitmap.encode(np.array(fewer), bitmap.records_for(fewer[-1])))
    assert list(one.without(two)) == sorted(inodes - set(fewer))
    assert list(two.without(one)) == []
    assert bool(one)


def test_an_empty_bitmap_holds_nothing():
    nothing = bitmap.Bitmap()
    assert (bool(nothing), len(nothing), nothing.highest, nothing.numbers()) == (False, 0, 0, [])
    assert not nothing.holds([0, 1, 2, 10**9]).any()


@given(st.dictionaries(st.integers(2, 500), st.integers(0, 2**54 - 1).map(lambda n: n * RECORD)))
def test_an_offset_map_reads_back(offsets):
    """Shows DARI-LIM-003."""
    inodes = np.array(sorted(offsets), np.int64)
    values = np.array([offsets[n] for n in sorted(offsets)], np.uint64)
    made = offset_map.OffsetMap(inodes, values, 500)
    payload = b"".join(map(bytes, made.payload.stream()))
    assert [element.offset for element in layout("offset_map").parse(payload).elements] == [
        offsets.get(n, 0) for n in range(501)
    ]
    assert made.of(inodes).tolist() == values.tolist()


@given(st.lists(st.sampled_from([bytes(1024), b"x" * 1024, b"y" + bytes(1023)])), st.integers(0, 9))
def test_a_payload_without_its_zeros_is_the_same(records, more):
    data = b"".join(records) + b"z" * more
    payload = Payload.of(data)
    assert b"".join(map(bytes, payload.stream())) == data
    assert payload.size == len(data)
    assert payload.sha256() == hashlib.sha256(data).digest()
    zero = sum(record == bytes(1024) for record in records[: -1 if not more else None])
    assert len(payload.records) == -(-len(data) // 1024) - zero


ranges = st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 200_000)), max_size=12).map(
    lambda pairs: sorted((start, start + length) for start, length in pairs)
)


@given(ranges, st.integers(1, 3_200_000))
def test_extents_are_the_records_that_ranges_touch(byte_ranges, size):
    extents = holes.from_ranges(byte_ranges, size)
    present = np.zeros(records_of(size), np.bool_)
    for start, end in byte_ranges:
        present[start // RECORD : records_of(min(end, size))] |= start < size
    rebuilt = np.zeros_like(present)
    for start, count in extents.tolist():
        rebuilt[start : start + count] = True
    assert (rebuilt == present).all()
    assert (np.diff(extents[:, 0]) > extents[:-1, 1]).all()
    before = holes.present_before(extents, np.arange(len(present) + 1))
    assert before.tolist() == [0, *np.cumsum(present).tolist()]
    for first in range(0, len(present), ADDRESSES):
        c_addr = holes.addresses(extents, first)[0]
        part = present[first : first + ADDRESSES]
        assert c_addr[: len(part)].tolist() == part.astype(int).tolist()
        expanded = [p for p, count in holes.runs(c_addr.tobytes(), len(part)) for _ in range(count)]
        assert expanded == part.tolist()


def run_code(stretches):
    """Return the run coding of stretches, byte for byte as DARI-REC-016 says."""
    coded = bytearray()
    for present, count in stretches:
        while count:
            if count <= 64:
                coded.append((count - 1) << 1 | present)
                count = 0
            else:
                take = min(count, 255 * 64 + 63 + 65)
                more, rest = divmod(take - 65, 64)
                coded += bytes([0x80 | rest << 1 | present, more])
                count -= take
    return bytes(coded)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 20_000)), max_size=40)
    .map(lambda stretches: [(i % 2 == 0, n) for i, (_, n) in enumerate(stretches)])
    .filter(lambda stretches: max(run_code(stretches), default=0) > 1)
)
def test_run_coded_maps_read_back(stretches):
    coded = run_code(stretches)[:ADDRESSES]
    if coded == run_code(stretches):
        assert holes.runs(coded.ljust(ADDRESSES, b"\7"), len(coded)) == stretches


def test_a_known_run_coded_map():
    assert holes.runs(bytes.fromhex("e32c"), 2) == [(True, 2930)]


@given(st.integers(1, 5), st.integers(0, 2**40))
def test_sealed_headers_are_sound_until_a_byte_is_changed(count, first):
    made = header.blank(count, CType.TS_INODE, Kind.INODE, header.Identity(bytes(16), 7))
    header.seal(made, np.arange(first, first + count))
    records = header.as_records(made).copy()
    assert header.sound(records).all()
    assert all(
        layout("record").parse(r.tobytes()).c_tapea == (first + i) % 2**32
        for i, r in enumerate(records)
    )
    records[0, first % RECORD] ^= 1
    begin, end = header.field_span("c_checksum")
    # A right CRC counts more than a wrong sum (DARI-REC-028).
    assert header.sound(records)[0] == (begin <= first % RECORD < end)
    assert header.sums(records[:1])[0] != header.CHECKSUM
    assert header.sound(records)[1:].all()


@given(st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_big_endian_headers_are_told_from_others(number, at):
    made = np.zeros(1, header_dtype("be"))
    made["c_magic"], made["c_tapea"] = 60012, number
    made["c_checksum"] = (header.CHECKSUM - 60012 - number) % 2**32
    records = header.as_records(made)
    assert header.byte_order(made.tobytes()) == "be"
    assert header.sound(records, "be").all()
    assert not header.sound(records, "le").any()
    records[0, at] ^= 255
    assert not header.sound(records, "be").any()


def test_picker_reads_what_construct_reads():
    made = header.blank(1, CType.TS_ADDR, Kind.INODE, header.Identity(bytes(16), -5, ntrec=32))
    header.seal(made, [2**33 + 9])
    raw = made.tobytes()
    picked = header.picker("le", "c_type", "c_date", "c_tapea", "c_ntrec", "extension.kind")
    parsed = layout("record").parse(raw)
    assert picked.unpack_from(raw) == (parsed.c_type, parsed.c_date, 9, 32, Kind.INODE)
