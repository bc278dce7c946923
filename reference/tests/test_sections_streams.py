"""The payload of the stream section, against the generated codec and against bad bytes."""

from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.images import seal_stream_directory

from darimage.errors import FormatError
from darimage.schema import CType, Kind, layout
from darimage.sections import streams
from darimage.sections.streams import StreamDirectory, StreamEntry
from darimage.units import RECORD, records_of

IDENTITY = b"\1\2\3\4"

names = (
    st.text(st.characters(exclude_characters="/:\0", exclude_categories=["Cs"]), min_size=1)
    .map(str.encode)
    .filter(lambda name: name not in (b".", b"..") and len(name) < 256)
)
numbers = st.integers(3, 2**32 - 1)
times = st.integers(-(2**63), 2**63 - 1)


@st.composite
def directories(draw):
    listing = draw(st.dictionaries(names, numbers, max_size=40))
    return StreamDirectory(
        number=draw(numbers),
        base=draw(st.integers(2, 2**32 - 1)),
        mode=stat.S_IFDIR | draw(st.integers(0, 0o7777)),
        uid=draw(st.integers(0, 2**32 - 1)),
        gid=draw(st.integers(0, 2**32 - 1)),
        atime_ns=draw(times),
        mtime_ns=draw(times),
        ctime_ns=draw(times),
        birthtime_ns=draw(times),
        entries=[StreamEntry(name, listing[name]) for name in sorted(listing)],
    )


sets = st.lists(directories(), max_size=5, unique_by=lambda one: one.number)


@given(sets)
def test_stream_directories_read_back_ascending(given_directories):
    payload = streams.encode(given_directories, IDENTITY)
    wanted = sorted(given_directories, key=lambda one: one.number)
    assert list(streams.decode(payload)) == wanted
    assert len(payload) % RECORD == 0


@given(sets)
def test_stream_directories_are_what_construct_reads_and_hold_no_headers_of_an_image(found):
    payload, at = streams.encode(found, IDENTITY), 0
    for one in sorted(found, key=lambda one: one.number):
        header = layout("record").parse(payload[at : at + RECORD])
        assert (header.c_type, header.c_magic, header.c_checksum) == (CType.TS_INODE, 0, 0)
        assert (header.c_inumber, header.extension.kind) == (one.number, Kind.INODE)
        body = header.extension.body
        assert body.image_id == IDENTITY
        assert (body.base_inode, body.nlink, body.mtime_ns) == (one.base, 2, one.mtime_ns)
        size = header.c_dinode.di_size
        assert body.run_records == 1 + records_of(size)
        entries = layout("directory").parse(payload[at + RECORD : at + RECORD + size]).entries
        assert [(entry.d_name, entry.head.d_ino) for entry in entries] == [
            (b".", one.number),
            (b"..", one.base),
            *one.entries,
        ]
        assert not any(payload[at + RECORD + size : at + (1 + records_of(size)) * RECORD])
        at += body.run_records * RECORD
    assert at == len(payload)


@given(sets, st.lists(st.tuples(st.integers(0), st.binary(min_size=1, max_size=8)), max_size=4))
def test_damage_raises_nothing_but_a_format_error_and_yields_no_bad_name(found, patches):
    damaged = bytearray(streams.encode(found, IDENTITY))
    for at, patch in patches:
        place = at % (len(damaged) + 1)
        damaged[place : place + len(patch)] = patch
    faults = []
    survivors = list(streams.decode(bytes(damaged), "le", faults.append))
    assert [one.number for one in survivors] == sorted({one.number for one in survivors})
    for one in survivors:
        for entry in one.entries:
            assert entry.name not in (b"", b".", b"..")
            assert not {0, ord("/")} & set(entry.name)
    assert all(fault.requirement.startswith("DARI-") for fault in faults)
    if not faults:
        list(streams.decode(bytes(damaged)))
    else:
        with pytest.raises(FormatError):
            list(streams.decode(bytes(damaged)))


@given(st.binary(max_size=3000), st.sampled_from(["le", "be"]))
def test_any_bytes_are_read_to_their_end(data, order):
    faults = []
    assert list(streams.decode(data, order, faults.append)) == []
    assert bool(faults) == bool(data)


@given(sets, st.integers(0, 40_000))
def test_a_payload_that_is_cut_is_read_up_to_there(found, length):
    whole = streams.encode(found, IDENTITY)
    faults = []
    got = list(streams.decode(whole[:length], "le", faults.append))
    assert got == sorted(found, key=lambda one: one.number)[: len(got)]
    assert faults or streams.encode(got, IDENTITY) == whole[:length]


def made(number, *listing, base=2):
    entries = [StreamEntry(name, inode) for name, inode in listing]
    return StreamDirectory(number, base, stat.S_IFDIR | 0o755, 0, 0, 1, 2, 3, 0, entries)


def test_wrong_entries_are_found_by_their_crc():
    payload = bytearray(streams.encode([made(5, (b"aa", 9))], IDENTITY))
    payload[RECORD + 32] ^= 1
    with pytest.raises(FormatError, match="DARI-REC-029"):
        list(streams.decode(bytes(payload)))


@given(sets.filter(bool), st.integers(0), st.integers(1, 255))
def test_no_damaged_byte_is_taken_for_a_good_one(found, at, flip):
    """Shows DARI-REC-028 and DARI-REC-029 for the headers and entries of stream directories."""
    damaged = bytearray(streams.encode(found, IDENTITY))
    at %= len(damaged)
    damaged[at] ^= flip
    faults = []
    survivors = list(streams.decode(bytes(damaged), "le", faults.append))
    assert faults
    assert all(one in found for one in survivors)


def test_what_is_broken_costs_only_its_own_directory():
    whole = [made(number, (b"name%d" % number, 100 + number)) for number in (5, 6, 7)]
    payload = bytearray(streams.encode(whole, IDENTITY))
    payload[2 * RECORD : 3 * RECORD] = bytes(RECORD)
    faults = []
    assert list(streams.decode(bytes(payload), "le", faults.append)) == [whole[0], whole[2]]
    assert [fault.requirement for fault in faults] == ["DARI-STR-003"]


@pytest.mark.parametrize(
    ("place", "value", "requirement"),
    [
        (24, (60012).to_bytes(4, "little"), "DARI-STR-004"),
        (32, (0o100644).to_bytes(2, "little"), "DARI-STR-006"),
        (20, bytes(4), "DARI-STR-006"),
        (40, (2**40).to_bytes(8, "little"), "DARI-STR-003"),
        (RECORD + 8, b"x", "DARI-STR-007"),
        (RECORD + 12, (3).to_bytes(4, "little"), "DARI-STR-007"),
        (RECORD + 32, b"a/", "DARI-DIR-007"),
        (RECORD + 32, b"b", "DARI-STR-008"),
        (RECORD + 4, b"\1", "DARI-DIR-005"),
    ],
)
def test_each_rule_of_a_stream_directory_is_kept(place, value, requirement):
    payload = bytearray(streams.encode([made(5, (b"aa", 9), (b"ba", 10))], IDENTITY))
    payload[place : place + len(value)] = value
    seal_stream_directory(payload, 0)
    with pytest.raises(FormatError) as caught:
        list(streams.decode(bytes(payload)))
    assert caught.value.requirement == requirement


@pytest.mark.parametrize("name", [b"a/", b"a:", b"\xff\xfe", b"..", b"ba"])
def test_a_name_costs_its_entry_alone(name):
    """Shows DARI-STR-020."""
    whole = made(5, (b"aa", 9), (b"ba", 10), (b"ca", 11))
    payload = bytearray(streams.encode([whole], IDENTITY))
    at = payload.index(b"ca\0")
    payload[at : at + 2] = name
    faults = []
    seal_stream_directory(payload, 0)
    (found,) = streams.decode(bytes(payload), "le", faults.append)
    assert found.entries == whole.entries[:2]
    assert [(fault.kind, fault.inode) for fault in faults] == [("stream-name", 5)]


def test_a_stream_directory_of_another_image_is_left_out():
    """Shows DARI-STR-021."""
    payload = streams.encode([made(5, (b"a", 9))], b"else") + streams.encode([made(6)], IDENTITY)
    faults = []
    assert [one.number for one in streams.decode(payload, "le", faults.append, IDENTITY)] == [6]
    assert [(fault.kind, fault.requirement) for fault in faults] == [
        ("stream-directory", "DARI-EXT-008")
    ]


@given(sets, st.data())
def test_what_is_left_of_a_payload_is_read(found, data):
    """Shows DARI-STR-021: one changed byte costs one stream directory."""
    ordered = sorted(found, key=lambda one: one.number)
    payload = bytearray(streams.encode(ordered, IDENTITY))
    if not payload:
        return
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] ^= 1 << data.draw(st.integers(0, 7))
    faults = []
    got = list(streams.decode(bytes(payload), "le", faults.append, IDENTITY))
    assert len(got) == len(ordered) - 1
    assert faults
    assert all(one in ordered for one in got)
