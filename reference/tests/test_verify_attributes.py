"""Verification of attribute records: each planted fault is found by its requirement."""

from __future__ import annotations

import struct

import pytest
from support import images
from support.images import DIRECTORY, FILE, encode, headers_of, poke

from darimage.image.reader import Image
from darimage.schema import CType
from darimage.sections import xattrs
from darimage.sources.memory import Node
from darimage.units import RECORD
from darimage.validate.verify import verify

SIZE, COUNT, FLAGS, KIND, EXTENSION, BODY = 40, 160, 888, 900, 928, 944


def tree():
    some = xattrs.encode({b"user.one": b"1", b"trusted.two": b"22"})
    great = xattrs.encode({b"user.one": b"1", b"user.great": b"g" * 9000})
    return Node(
        DIRECTORY,
        xattrs=some,
        children={
            b"a": Node(FILE, size=3, data={0: b"aaa"}, xattrs=some),
            b"b": Node(FILE, size=3, data={0: b"bbb"}),
            b"c": Node(FILE, size=700_000, xattrs=great),
            b"d": Node(DIRECTORY),
        },
    )


SAMPLE = encode(tree())


def at(path, attributes=True):
    """Return the record of an inode's attributes, or of its first header."""
    with Image.open(SAMPLE) as image:
        inode = image.inode(image.names.lookup(path))
    return inode.record + (inode.run_records - inode.attribute_records if attributes else 0)


A, B, C, ROOT = at(b"a"), at(b"b", attributes=False), at(b"c"), at(b"")
LEAD_A = at(b"a", attributes=False)
END = next(record for record, c_type, _ in headers_of(SAMPLE) if c_type == CType.TS_END)


def raw(record, offset, form, value):
    data = bytearray(SAMPLE)
    struct.pack_into(form, data, record * RECORD + offset, value)
    return with_crc(data, record)


def with_crc(data, record):
    """Return an image with the CRC of a group made right in which a record was changed."""
    heads = [place for place, *_ in headers_of(SAMPLE)]
    head = max(place for place in heads if place <= record)
    if head < record:
        following = min(place for place in heads if place > record)
        images.reseal(data, head, records=following - head - 1)
    return bytes(data)


def raw_acl():
    """Return the sample with an access ACL of one byte in place of an attribute."""
    data = bytearray(SAMPLE)
    struct.pack_into("<BB", data, (A + 1) * RECORD + 32, 0, 2)
    struct.pack_into("<I", data, (A + 1) * RECORD + 48, 0)
    return with_crc(data, A + 1)


def every_end(attributed):
    data = SAMPLE
    for record, c_type, _ in headers_of(SAMPLE):
        if c_type == CType.TS_END:
            data = poke(data, record, BODY + 64, "<Q", attributed)
    return data


PLANTED = [
    ("DARI-XAT-001", lambda: raw(A + 1, 0, "<I", 0xEA020001)),
    ("DARI-XAT-002", lambda: poke(SAMPLE, C, SIZE, "<Q", 4097)),
    ("DARI-XAT-003", lambda: poke(SAMPLE, B, BODY + 76, "<I", 1)),
    ("DARI-XAT-003", lambda: poke(SAMPLE, LEAD_A, BODY + 76, "<I", 0)),
    ("DARI-XAT-003", lambda: poke(SAMPLE, LEAD_A, BODY + 76, "<I", 3)),
    ("DARI-XAT-003", lambda: poke(SAMPLE, A, 20, "<I", 99)),
    ("DARI-XAT-003", lambda: poke(poke(SAMPLE, A, FLAGS, "<I", 2), A, KIND, "<I", 0)),
    ("DARI-XAT-004", lambda: raw(ROOT + 1, 0, "<I", 5)),
    ("DARI-XAT-005", lambda: raw(A + 1, 33, "<B", 9)),
    ("DARI-XAT-006", lambda: raw(A + 1, 34, "<H", 4000)),
    ("DARI-XAT-006", lambda: raw(A + 1, 36, "<I", 4)),
    ("DARI-XAT-007", raw_acl),
    ("DARI-XAT-008", lambda: raw(C + 5, 4, "<I", 60000)),
    ("DARI-XAT-009", lambda: poke(SAMPLE, LEAD_A, BODY + 76, "<I", 600)),
    ("DARI-XAT-010", lambda: poke(SAMPLE, A, EXTENSION + 6, "<H", 1)),
    ("DARI-XAT-010", lambda: poke(SAMPLE, A, BODY + 16, "<Q", 1)),
    ("DARI-XAT-010", lambda: poke(SAMPLE, A, 56, "<I", 77)),
    ("DARI-XAT-010", lambda: poke(SAMPLE, A, BODY + 8, "<Q", 77)),
    ("DARI-XAT-011", lambda: poke(SAMPLE, A, KIND, "<I", 2)),
    ("DARI-XAT-011", lambda: poke(SAMPLE, B, KIND, "<I", 3)),
    ("DARI-END-008", lambda: poke(SAMPLE, END, BODY + 64, "<Q", 4)),
    ("DARI-END-008", lambda: every_end(4)),
    ("DARI-VOL-010", lambda: poke(SAMPLE, 0, BODY + 72, "<H", 1)),
]


def test_the_sample_is_good():
    assert verify(SAMPLE).faults == []
    flags = [images.peek(SAMPLE, record, FLAGS, "<I") for record, *_ in headers_of(SAMPLE)]
    assert flags.count(0x8002) == 3
    assert images.peek(SAMPLE, C, SIZE, "<Q") == 4096
    assert images.peek(SAMPLE, C, COUNT, "<i") == 4 + 9


@pytest.mark.parametrize(
    ("requirement", "make"), PLANTED, ids=[f"{r}-{k}" for k, (r, _) in enumerate(PLANTED)]
)
def test_a_planted_fault_is_found(requirement, make):
    data = make()
    assert data != SAMPLE
    assert requirement in {fault.requirement for fault in verify(data).faults}


def test_damaged_attributes_leave_the_file_and_the_other_attributes():
    with Image.open(raw(C + 1, 32 + 1, "<B", 9)) as image:
        found = image.attributes_of(image.inode(image.names.lookup(b"c")))
        assert found == {b"user.great": b"g" * 9000}
        (fault,) = image.faults
    assert (fault.requirement, fault.record) == ("DARI-XAT-005", C)


@pytest.mark.parametrize(
    ("make", "requirement"),
    [
        (lambda: raw(A, 24, "<I", 0), "DARI-XAT-010"),
        (lambda: poke(SAMPLE, A, FLAGS, "<I", 2), "DARI-XAT-010"),
        (lambda: poke(SAMPLE, LEAD_A, BODY + 76, "<I", 2**32 - 1), "DARI-XAT-009"),
        (lambda: poke(SAMPLE, LEAD_A, BODY + 8, "<Q", 2**63), "DARI-XAT-010"),
        (lambda: poke(SAMPLE, LEAD_A, BODY + 8, "<Q", 1), "DARI-XAT-009"),
    ],
)
def test_attributes_that_are_not_there_are_reported_and_cost_nothing_else(make, requirement):
    with Image.open(make()) as image:
        inode = image.inode(image.names.lookup(b"a"))
        assert image.attributes_of(inode) == {}
        assert [fault.requirement for fault in image.faults] == [requirement]
        assert image.attributes_of(image.inode(image.names.lookup(b""))) != {}
