"""The walk from header to header, held against one that looks at each record in turn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import images
from support.images import Plain, peek

from darimage.image.batch import Marks
from darimage.image.following import coded_present, following, following_of_one
from darimage.image.walk import walk
from darimage.schema import CType, Kind
from darimage.sections import header
from darimage.sections.header import Identity
from darimage.volumes.reading import MemoryVolume

RECORD = 1024
CHECKSUM_AT, _ = header.field_span("c_checksum")
DATE = 1_700_000_000
IDENTITY = Identity(uuid=bytes(16), date=DATE)


def walked(image, *, numbered=True, start=0, end=None, date=DATE, sparse=False):
    """Return record numbers and faults of a walk; they ascend whatever the image is."""
    faults = []
    volume = MemoryVolume(image)
    found = [
        record
        for batch in walk(
            volume,
            Marks("le", date, numbered),
            start,
            on_fault=faults.append,
            end=end,
            sparse=sparse,
        )
        for record in batch.record.tolist()
    ]
    assert found == sorted(set(found))
    return found, faults


# -- how many records follow ----------------------------------------------------------------------


def slow_runs(used):
    """Decode a run-coded map by the sentence of DARI-REC-016, bit by bit; count data records."""
    total, rest = 0, list(used)
    while rest:
        bits = f"{rest.pop(0):08b}"
        there, n = bits[7] == "1", int(bits[1:7], 2)
        if bits[0] == "0":
            total += (n + 1) * there
        elif rest:
            total += (rest.pop(0) * 64 + n + 65) * there
        else:
            break
    return total


def slow_following(record):
    c_type, count = peek(record, 0, 0, "<i"), peek(record, 0, 160, "<i")
    if c_type in (3, 6):
        return max(0, count)
    if c_type == 1 and peek(record, 0, 12, "<i") <= 1:
        return 0
    if c_type not in (1, 2, 4) or peek(record, 0, 888, "<I") & 0x100:
        return 0
    used = record[164 : 164 + max(0, min(count, 512))]
    return slow_runs(used) if any(byte > 1 for byte in used) else sum(used)


def only_in_plain_dumps(record):
    """Tell by the sentence of DARI-REC-025 whether an image's header counts as damaged."""
    count = peek(record, 0, 160, "<i")
    if slow_following(record) == 0 and peek(record, 0, 0, "<i") not in (1, 2, 4):
        return False
    is_tape = peek(record, 0, 0, "<i") == 1 and peek(record, 0, 12, "<i") <= 1
    if is_tape or peek(record, 0, 0, "<i") in (3, 6) or peek(record, 0, 888, "<I") & 0x100:
        return False
    return not 0 <= count <= 512 or any(byte > 1 for byte in record[164 : 164 + count])


maps = st.one_of(
    st.lists(st.sampled_from([0, 1]), max_size=512).map(bytes),
    st.binary(max_size=40),
    st.just(b"\1" * 512),
)


@st.composite
def any_header(draw):
    addr = draw(maps)
    image = Plain()
    image.header(
        draw(st.sampled_from(list(CType))),
        addr=addr + draw(st.binary(max_size=512 - len(addr))),
        count=draw(st.sampled_from([len(addr), len(addr), -1, 700])),
        c_flags=draw(st.sampled_from([2, 2, 2, 0x102, 0x8002])),
        c_volume=draw(st.sampled_from([1, 2])),
    )
    return bytes(image.data)


@given(st.lists(any_header(), min_size=1, max_size=20))
@settings(deadline=None)
def test_what_follows_equals_the_slow_decoder(rows):
    wanted = [slow_following(row) for row in rows]
    columns = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, RECORD)
    assert following(columns, "le").tolist() == wanted
    assert [following_of_one(row, "le") for row in rows] == wanted
    wanted = [-1 if only_in_plain_dumps(row) else wanted[at] for at, row in enumerate(rows)]
    assert following(columns, "le", plain=False).tolist() == wanted
    assert [following_of_one(row, "le", plain=False) for row in rows] == wanted


@given(st.lists(st.binary(min_size=1, max_size=512), min_size=1, max_size=10))
@settings(deadline=None)
def test_run_coded_maps_equal_the_slow_decoder(coded):
    used = np.array([len(one) for one in coded])
    columns = np.array([list(one.ljust(512, b"\xff")) for one in coded], np.uint8)
    assert coded_present(columns, used).tolist() == [slow_runs(one) for one in coded]


# -- chains ---------------------------------------------------------------------------------------


@st.composite
def chains(draw):
    """Draw an image of numbered headers with data between, some of which looks like headers."""
    image, places = bytearray(), []
    for inode in range(5, 5 + draw(st.integers(1, 20))):
        blocks = draw(st.sampled_from([0, 1, 2, 2, 3, 60, 512]))
        places.append(len(image) // RECORD)
        image += sealed(CType.TS_INODE, inode, blocks, places[-1])
        fake = sealed(CType.TS_INODE, 99, 3, 10**6 + inode)
        every = draw(st.integers(1, 4))
        image += b"".join(b"d" * RECORD if k % every else fake for k in range(blocks))
    places.append(len(image) // RECORD)
    image += sealed(CType.TS_END, 0, 0, places[-1])
    return Chain(bytes(image), places)


class Chain(NamedTuple):
    image: bytes
    places: list[int]

    def __repr__(self):
        return f"Chain({self.places}, {len(self.image)} bytes)"


def sealed(c_type, inode, blocks, record):
    made = header.blank(1, c_type, Kind.INODE, IDENTITY)
    made["c_inumber"] = inode
    made["c_count"] = blocks
    made["c_addr"][0, :blocks] = 1
    header.seal(made, [record])
    return made.tobytes()


@given(chains(), st.booleans(), st.booleans())
@settings(deadline=None)
def test_every_header_of_the_chain_and_no_other(chain, numbered, sparse):
    image, places = chain
    assert walked(image, numbered=numbered, sparse=sparse) == (places, [])


@given(chains(), st.data())
@settings(deadline=None)
def test_a_damaged_header_costs_only_itself(chain, data):
    image, places = chain
    bad = data.draw(st.sampled_from(places[:-1]))
    changed = bytearray(image)
    at = data.draw(st.integers(0, 1023))
    changed[bad * RECORD + at] ^= 0x40
    found, faults = walked(bytes(changed), sparse=data.draw(st.booleans()))
    is_sum = CHECKSUM_AT <= at < CHECKSUM_AT + 4  # its CRC is right all the same
    assert found == [place for place in places if place != bad or is_sum]
    assert [fault.kind == "header-sum" for fault in faults] == [is_sum]
    assert [fault.record for fault in faults] == [bad]


@given(chains(), st.data())
@settings(deadline=None)
def test_headers_that_have_moved_are_not_taken_for_those_of_their_numbers(chain, data):
    """Where records are lost or doubled a walk ends; to go on is for what mends (DARI-REC-031)."""
    image, places = chain
    at = data.draw(st.integers(0, len(image) // RECORD - 1)) * RECORD
    if data.draw(st.booleans()):
        changed, moved = image[:at] + image[at : at + RECORD] + image[at:], 1
    else:
        changed, moved = image[:at] + image[at + RECORD :], -1
    found, _ = walked(changed)
    before = [place for place in places if (place + 1) * RECORD <= at]
    moved = [place + moved for place in places if place * RECORD >= at + RECORD]
    assert set(before) <= set(found)
    assert set(found) & set(moved) == set()


@given(st.binary(max_size=20 * RECORD), st.booleans(), st.booleans())
@settings(deadline=None)
def test_any_bytes(image, numbered, sparse):
    """Shows DARI-SAF-003."""
    found, faults = walked(image, numbered=numbered, date=None, sparse=sparse)
    assert found == []
    assert len(faults) <= 1


def test_it_ends_after_the_end():
    """Shows DARI-END-007."""
    image, plain = images.small_plain(), images.small_plain()
    headers = [at for at, _, _ in images.headers_of(image)]
    assert walked(image + b"junk" * 5000, numbered=False) == (headers, [])
    assert walked(image + plain, numbered=False)[0] == headers


def test_a_cut_image_is_told():
    image = images.encode(images.sample())
    date = peek(image, 0, 4, "<I")
    headers = [at for at, _, _ in images.headers_of(image)]
    for records in range(1, len(image) // RECORD):
        found, faults = walked(image[: records * RECORD], date=date)
        assert found == [at for at in headers if at < records]
        announced = records not in headers
        assert [fault.kind for fault in faults] == ["image-cut"] * announced


def test_big_files_are_hopped_over():
    blocks = 512
    image = b"".join(
        sealed(CType.TS_INODE, 5 + k, blocks, k * 513) + b"d" * RECORD * blocks for k in range(40)
    )
    volume = MemoryVolume(image)
    count = sum(len(b) for b in walk(volume, Marks("le", DATE, True), 0, on_fault=pytest.fail))
    assert count == 40
    assert volume.bytes_read < 200 * RECORD


def test_alternating_damage_takes_linear_time():
    """Shows DARI-SAF-003."""
    headers = [sealed(CType.TS_INODE, 5, 0, k) for k in range(8000)]
    image = b"".join(one if k % 2 else b"\0" * RECORD for k, one in enumerate(headers))
    volume, faults = MemoryVolume(image), []
    found = [len(b) for b in walk(volume, Marks("le", DATE, True), 0, on_fault=faults.append)]
    assert sum(found) == len(faults) == 4000
    assert volume.bytes_read < 4 * len(image)


@pytest.mark.parametrize(
    ("at", "form", "value", "requirement"),
    [
        (0, "<i", 9, "DARI-REC-005"),
        (4, "<I", 5, "DARI-REC-007"),
        (16, "<I", 77, "DARI-REC-006"),
    ],
)
def test_why_a_header_is_none(at, form, value, requirement):
    image = images.encode(images.sample())
    date = peek(image, 0, 4, "<I")
    record = images.headers_of(image)[8][0]
    _, faults = walked(images.poke(image, record, at, form, value), date=date)
    assert [(fault.record, fault.requirement) for fault in faults] == [(record, requirement)]
