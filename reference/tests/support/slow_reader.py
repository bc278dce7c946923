"""A second reader of images, as plain and slow as can be, on Kaitai's parser.

It shares no code with the package but the generated parser, takes an image in memory from its first
record to its last, and asserts on the way what every image must be.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import google_crc32c

from darimage.schema.kaitai_le.directory import Directory
from darimage.schema.kaitai_le.record import Record

TAPE, INODE, BITS, ADDR, END, CLRI = 1, 2, 3, 4, 5, 6
BLOCK = 1024


@dataclass
class Run:
    """An inode, or a section, with its data.

    Attributes:
        position: Record number of its first header.
        head: That header.
        headers: All its headers.
        records: Present records of data by their number within the file.
        length: Records of the run.
    """

    position: int
    head: Any
    headers: list[Any] = field(default_factory=list)
    records: dict[int, bytes] = field(default_factory=dict)
    length: int = 0

    @property
    def content(self) -> bytes:
        """The data with zeros for holes."""
        blocks = -(-self.head.c_dinode.di_size // BLOCK)
        joined = b"".join(self.records.get(n, bytes(BLOCK)) for n in range(blocks))
        return joined[: self.head.c_dinode.di_size]

    @property
    def entries(self) -> list[tuple[int, int, bytes]]:
        """Inode, type and name of a directory's entries."""
        found = Directory.from_bytes(self.content).entries
        return [(e.head.d_ino, e.head.d_type, e.d_name) for e in found]


@dataclass
class SlowImage:
    """All that an image holds."""

    volume: Any
    bitmaps: list[tuple[Any, set[int]]]
    inodes: dict[int, Run]
    sections: dict[int, Run]
    ends: list[Any]
    order: list[int]


def read(data: bytes) -> SlowImage:
    """Read an image of one volume."""
    assert len(data) % BLOCK == 0
    at = 0

    def header() -> Any:
        nonlocal at
        raw = data[at * BLOCK : (at + 1) * BLOCK]
        assert sum(struct.unpack("<256I", raw)) % 2**32 == 84446, f"record {at}"
        parsed = Record.from_bytes(raw)
        assert parsed.c_magic == 60012
        assert parsed.c_tapea == at % 2**32
        extension = parsed.extension
        assert extension.magic == b"DARI"
        assert extension.header_crc32c == google_crc32c.value(
            raw[:28] + bytes(4) + raw[32:936] + bytes(4) + raw[940:]
        )
        if extension.kind != 1:
            assert extension.body.image_id == data[944:948]
        count = parsed.c_count if parsed.c_type in (CLRI, BITS) else sum(parsed.c_addr)
        count = 0 if parsed.c_type in (TAPE, END) else count
        under = data[(at + 1) * BLOCK : (at + 1 + count) * BLOCK]
        assert extension.records_crc32c == google_crc32c.value(under)
        at += 1
        return parsed

    def record() -> bytes:
        nonlocal at
        at += 1
        raw = data[(at - 1) * BLOCK : at * BLOCK]
        assert len(raw) == BLOCK
        return raw

    volume = header()
    assert volume.c_type == TAPE
    bitmaps = []
    for c_type in (CLRI, BITS):
        head = header()
        assert head.c_type == c_type
        payload = b"".join(record() for _ in range(head.c_count))
        bits = {
            n for n in range(1, len(payload) * 8 + 1) if payload[(n - 1) >> 3] >> (n - 1 & 7) & 1
        }
        bitmaps.append((head, bits))
    image = SlowImage(volume, bitmaps, {}, {}, [], [])
    run = None
    while at * BLOCK < len(data):
        position, head = at, header()
        if head.c_type == END:
            image.ends.append(head)
            continue
        assert not image.ends, "only TS_END follows TS_END"
        if head.c_type == INODE:
            run = Run(position, head)
            section = head.extension.kind == 3
            assert section == (head.c_inumber == 1)
            home = image.sections if section else image.inodes
            key = head.extension.body.section if section else head.c_inumber
            assert key not in home
            home[key] = run
            image.order.append(-key if section else key)
        assert head.c_type in (INODE, ADDR)
        assert run is not None
        assert head.c_inumber == run.head.c_inumber
        assert head.extension.body.first_block == 512 * len(run.headers)
        first = 512 * len(run.headers)
        for slot in range(head.c_count):
            if head.c_addr[slot]:
                assert head.c_addr[slot] == 1
                run.records[first + slot] = record()
        assert not any(head.c_addr[head.c_count :])
        run.headers.append(head)
        run.length = at - run.position
    return image
