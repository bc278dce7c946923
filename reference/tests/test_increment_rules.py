"""What verification says of incremental images (chapter 45)."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from support.images import headers_of, peek, poke, reseal

from darimage.image.numbering import fresh
from darimage.image.reader import Image
from darimage.image.writer import Options, create
from darimage.schema import Compat, CType
from darimage.sources.memory import MemorySource, Node
from darimage.units import RECORD
from darimage.validate.verify import verify
from darimage.volumes.writing import MemorySink

BASE = bytes.fromhex("0f6b2c9e5d1a4c3e8b7a91d2e3f4a5b6")
IMAGE_UUID, BITS_SET, BASE_UUID, FEATURE_COMPAT = 944, 952, 960, 1016


def increment(held=(b"a", b"a/f"), level=1, base=BASE, base_date=1000):
    """Return an image that holds some paths of a small tree, and the root."""
    streamed = Node.file(b"base")
    streamed.streams = {b"one": Node.file(b"1"), b"two": Node.file(b"2")}
    tree = Node.directory(
        {
            b"a": Node.directory({b"f": Node.file(b"file"), b"s": streamed}),
            b"b": Node.directory({b"g": Node.file(b"other"), b"c": Node.directory()}),
        }
    )

    def number(scan):
        directories = [path in (b"", *held) for path in map(scan.directory_path, range(4))]
        others = [scan.other_path(at) in held for at in range(len(scan.other_parent))]
        return replace(
            fresh(scan),
            held_directories=np.array(directories),
            held_others=np.array(others),
            level=level,
            base_date=base_date,
            base_uuid=base,
        )

    sink = MemorySink()
    create(MemorySource(tree), sink, Options(), number=number)
    return bytes(sink.data)


def first(data, c_type):
    return next(at for at, found, _ in headers_of(data) if found == c_type)


def requirements(data):
    return {fault.requirement for fault in verify(data).faults}


STREAMS = (b"a", b"a/s", b"a/s:one", b"a/s:two")
FULL = (b"a", b"a/f", *STREAMS, b"b", b"b/g", b"b/c")
GOOD = increment()
CLRI, BITS = first(GOOD, CType.TS_CLRI), first(GOOD, CType.TS_BITS)


@pytest.mark.parametrize("held", [(), (b"a", b"a/f"), (b"b",), (b"b", b"b/c"), STREAMS, FULL])
def test_good_increments_have_no_faults(held):
    result = verify(increment(held))
    assert [fault.text() for fault in result.faults] == []
    assert result.map_equal


def test_what_is_named_and_not_there_is_not_missing():
    """Shows DARI-INC-011."""
    with Image.open(GOOD) as image:
        named = set(image.names.named().tolist())
        there = set(image.dumped.numbers())
        assert named - there
        assert not named - set(image.exists.numbers())
        assert image.offsets.get(image.names.lookup(b"b")) is None


def without_bit(data, record, number):
    """Return an image with a bit of a bitmap cleared, and its header made right."""
    changed = bytearray(data)
    at = (record + 1) * RECORD + (number - 1) // 8
    changed[at] &= ~(1 << (number - 1) % 8)
    payload = bytes(changed[(record + 1) * RECORD :][:RECORD])
    count = int.from_bytes(payload, "little").bit_count()
    struct.pack_into("<Q", changed, record * RECORD + BITS_SET, count)
    reseal(changed, record, records=1)
    return bytes(changed)


def number_of(data, path):
    with Image.open(data) as image:
        return image.names.lookup(path)


def itself():
    data = GOOD
    own = data[IMAGE_UUID : IMAGE_UUID + 16]
    for record in (CLRI, BITS):
        for half in (0, 8):
            value = int.from_bytes(own[half : half + 8], "little")
            data = poke(data, record, BASE_UUID + half, "<Q", value)
    return data


#: The requirement that is broken, and the image that breaks it.
PLANTED = [
    ("DARI-INC-008", lambda: poke(GOOD, BITS, BASE_UUID, "<Q", 7)),
    ("DARI-INC-008", lambda: increment(base=bytes(16))),
    ("DARI-INC-008", lambda: increment(FULL, level=0, base_date=0)),
    ("DARI-INC-008", itself),
    ("DARI-INC-007", lambda: increment(base_date=1 << 40)),
    (
        "DARI-VOL-010",
        lambda: poke(GOOD, 0, FEATURE_COMPAT, "<H", compat() & ~int(Compat.INCREMENTAL)),
    ),
    ("DARI-DIR-015", lambda: without_bit(GOOD, CLRI, number_of(GOOD, b"b"))),
    ("DARI-BMP-008", lambda: without_bit(GOOD, CLRI, number_of(GOOD, b"a/f"))),
    ("DARI-BMP-001", lambda: without_bit(GOOD, BITS, number_of(GOOD, b"a/f"))),
    ("DARI-INC-012", lambda: increment(STREAMS[:3])),
    ("DARI-DIR-016", lambda: increment((b"b/g",))),
    ("DARI-DIR-002", lambda: increment((b"b/c",))),
]


def compat():
    return peek(GOOD, 0, FEATURE_COMPAT, "<H")


@pytest.mark.parametrize(("requirement", "image"), PLANTED)
def test_a_planted_fault_is_found(requirement, image):
    assert requirement in requirements(image())
