"""The hexdumps of the small image in spec/ are what the writer makes of it, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from darimage.image.writer import Options, create
from darimage.sections.crc import crc32c
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.writing import MemorySink
from spec_hexdump import find_hexdumps

SPEC = Path(__file__).parents[2] / "spec"
HEXDUMPS = {dump.title: dump.data for path in SPEC.glob("*.rst") for dump in find_hexdumps(path)}
RECORD = 1024
BODY = 944
TEXT = slice(696, 888)
"""Path, device and host: a tree in memory has others than the example."""

IDENTITY = (1767323045, bytes.fromhex("0f6b2c9e5d1a4c3e8b7a91d2e3f4a5b6"))
TIMES = {
    "atime_ns": 1767323045500000000,
    "mtime_ns": 1767236645123456789,
    "ctime_ns": 1767236645123456789,
}


def image(content: bytes, *, volume_records: int = 0, streams=None, **owner: int) -> bytes:
    file = Node(size=len(content), data={0: content}, streams=streams or {}, **owner, **TIMES)
    root = Node(mode=0o40755, children={b"hello.txt": file}, **TIMES)
    sink = MemorySink()
    create(MemorySource(root), sink, Options(identity=IDENTITY, volume_records=volume_records))
    return bytes(sink.data)


def record(data: bytes, number: int) -> bytes:
    return data[number * RECORD : (number + 1) * RECORD]


def with_text_of(header: bytes, wanted: bytes) -> bytes:
    """Return a header with the example's text, sealed by the steps of chapter 10."""
    made = bytearray(header)
    made[TEXT] = wanted[TEXT]
    made[28:32] = made[936:940] = bytes(4)
    made[936:940] = crc32c(bytes(made)).to_bytes(4, "little")
    words = (int.from_bytes(made[at : at + 4], "little") for at in range(0, RECORD, 4))
    made[28:32] = ((84446 - sum(words)) % 2**32).to_bytes(4, "little")
    return bytes(made)


SMALL = image(b"hello\n", uid=1000, gid=70000)


@pytest.mark.parametrize(
    ("number", "start", "title"),
    [
        (0, BODY, "The volume body of the small image"),
        (1, BODY, "The bitmap body of both maps of the small image"),
        (2, 0, "The record of both maps of the small image"),
        (3, BODY, "The bitmap body of both maps of the small image"),
        (4, 0, "The record of both maps of the small image"),
        (5, BODY, "The inode body of the root directory"),
        (6, 0, "The data of the root directory of the small image"),
        (7, BODY, "The section body of an empty NT ACL section"),
        (8, 0, "The payload of an NT ACL section without rows"),
        (9, BODY, "The section body of the offset map of the small image"),
        (10, 0, "The offset map of the small image"),
        (11, BODY, "The inode body of ``hello.txt``"),
        (11, 32, "``c_dinode`` of ``hello.txt``"),
        (19, BODY, "The end body of the small image"),
    ],
)
def test_parts_of_the_small_image(number: int, start: int, title: str) -> None:
    wanted = HEXDUMPS[title]
    assert record(SMALL, number)[start : start + len(wanted)] == wanted


def test_a_whole_header() -> None:
    wanted = HEXDUMPS["The header of ``hello.txt``, record 11"]
    assert with_text_of(record(SMALL, 11), wanted) == wanted
    assert HEXDUMPS["The extension area of the header of ``hello.txt``"] == wanted[928:]


def test_a_continuation_header() -> None:
    wanted = HEXDUMPS["The continuation header in record 40"]
    data = image(b"x" * 40_000, volume_records=40, uid=1000, gid=70000)
    assert with_text_of(record(data, 40), wanted) == wanted


def test_a_stream_directory() -> None:
    stream = Node(size=4, data={0: b"zone"}, **TIMES)
    data = image(b"hello\n", streams={b"Zone.Identifier": stream})
    wanted = HEXDUMPS["The record of the stream directory"]
    entries = HEXDUMPS["The entries of the stream directory"]
    assert data.count(wanted + entries.ljust(RECORD, b"\0")) == 1
