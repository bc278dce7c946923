"""Cuts an image on one volume into volumes, the way chapter 35 says, record by record.

It shares no code with the package: offsets are typed on their own, and real record numbers are
found by counting, so that the package's arithmetic can be held against it.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

from darimage.sections.crc import crc32c

if TYPE_CHECKING:
    from pathlib import Path

RECORD = 1024
CHECKSUM = 84446
TS_TAPE, TS_INODE, TS_BITS, TS_ADDR, TS_END, TS_CLRI = 1, 2, 3, 4, 5, 6
VOLUME_AT, TAPEA_AT, INODE_AT, SUM_AT, COUNT_AT, ADDR_AT, FLAGS_AT = 12, 16, 20, 28, 160, 164, 888
FIRSTREC_AT, NTREC_AT = 892, 896
CAPACITY_AT, TOTAL_AT, PARTS_AT, INCOMPAT_AT, PARTS = 960, 968, 976, 1018, 5
MAGIC_AT, OWN_CRC_AT, CRC_AT = 928, 936, 940
SECTION_AT, SIZE_AT, SHA_AT = 948, 960, 976
OFFSET_MAP = 3


def following(record: bytes) -> int:
    """Return how many records of data follow a header."""
    c_type, count = struct.unpack_from("<i", record)[0], struct.unpack_from("<i", record, 160)[0]
    if c_type in (TS_CLRI, TS_BITS):
        return count
    if c_type in (TS_INODE, TS_ADDR):
        return record[ADDR_AT : ADDR_AT + count].count(1)
    return 0


def sealed(record: bytes | bytearray) -> bytes:
    """Return a header with its CRC and checksum made right."""
    made = bytearray(record)
    if made[MAGIC_AT : MAGIC_AT + 4] == b"DARI":
        made[SUM_AT : SUM_AT + 4] = made[OWN_CRC_AT : OWN_CRC_AT + 4] = bytes(4)
        struct.pack_into("<I", made, OWN_CRC_AT, crc32c(bytes(made)))
    struct.pack_into("<I", made, SUM_AT, 0)
    struct.pack_into("<I", made, SUM_AT, (CHECKSUM - sum(struct.unpack("<256I", made))) % 2**32)
    return bytes(made)


class _Cutter:
    def __init__(self, image: bytes, capacity: int) -> None:
        self.capacity = capacity
        self.records = [image[at : at + RECORD] for at in range(0, len(image), RECORD)]
        self.left: dict[int, int] = {}
        at = 0
        while at < len(self.records):
            after = following(self.records[at])
            for number in range(after + 1):
                self.left[at + number] = after - number
            at += after + 1
        self.real = self._counted(len(self.records) + 4 * capacity)
        self._pad()

    def _counted(self, count: int) -> list[int]:
        numbers, real = [], 0
        while len(numbers) < count:
            if not (real and real % self.capacity == 0):
                numbers.append(real)
            real += 1
        return numbers

    def _pad(self) -> None:
        """Make the padding anew: the real length is a multiple of the tape block."""
        (ntrec,) = struct.unpack_from("<i", self.records[0], NTREC_AT)
        end = next(
            at for at, left in self.left.items()
            if self.records[at][:4] == struct.pack("<i", TS_END) and self._is_header(at)
        )  # fmt: skip
        mark = self.records[end]
        del self.records[end:]
        while not self.records[end:] or (self.real[len(self.records) - 1] + 1) % ntrec:
            self.left[len(self.records)] = 0
            self.records.append(mark)
        self.total = self.real[len(self.records) - 1] + 1

    def _is_header(self, at: int) -> bool:
        return at == 0 or self.left[at - 1] == 0

    def headers(self) -> list[int]:
        return [at for at in range(len(self.records)) if self._is_header(at)]

    def run(self) -> list[bytes]:
        heads = self.headers()
        self._offset_map(heads)
        self._volume_header()
        for at in heads:
            made = bytearray(self.records[at])
            self._number(made, self.real[at])
            self.records[at] = sealed(made)
        stream: list[bytes] = []
        for at, record in enumerate(self.records):
            if len(stream) == self.real[at] - 1:
                stream.append(self._continuation(len(stream), self._goes_on(at, heads)))
            stream.append(record)
        size = self.capacity
        return [b"".join(stream[at : at + size]) for at in range(0, len(stream), size)]

    def _number(self, made: bytearray, real: int) -> None:
        volume = real // self.capacity
        struct.pack_into("<iI", made, VOLUME_AT, volume + 1, real % 2**32)
        struct.pack_into("<i", made, FIRSTREC_AT, volume * self.capacity)

    def _goes_on(self, at: int, heads: list[int]) -> int:
        """Return how many records there are up to the next header that is no TS_ADDR."""
        addr = struct.pack("<i", TS_ADDR)
        return next(head for head in heads if head >= at and self.records[head][:4] != addr) - at

    def _continuation(self, real: int, goes_on: int) -> bytes:
        made = bytearray(self.records[0])
        self._number(made, real)
        struct.pack_into("<i", made, COUNT_AT, min(goes_on, self.capacity - 1))
        return sealed(made)

    def _volume_header(self) -> None:
        made = bytearray(self.records[0])
        struct.pack_into("<H", made, INCOMPAT_AT, 1)
        struct.pack_into("<QQ", made, CAPACITY_AT, self.capacity, self.total)
        parts = struct.unpack_from(f"<{PARTS}Q", made, PARTS_AT)
        real = [self.real[part] if part else 0 for part in parts]
        struct.pack_into(f"<{PARTS}Q", made, PARTS_AT, *real)
        self.records[0] = bytes(made)

    def _offset_map(self, heads: list[int]) -> None:
        """Move the elements of the offset map; its sums follow."""
        mine = [
            at for at in heads
            if self.records[at][INODE_AT : INODE_AT + 4] == struct.pack("<I", 1)
            and struct.unpack_from("<I", self.records[at], SECTION_AT)[0] == OFFSET_MAP
        ]  # fmt: skip
        payload = bytearray()
        (size,) = struct.unpack_from("<Q", self.records[mine[0]], SIZE_AT)
        for head in mine:
            (count,) = struct.unpack_from("<i", self.records[head], COUNT_AT)
            place = head + 1
            for there in self.records[head][ADDR_AT : ADDR_AT + count]:
                moved = bytearray(RECORD)
                if there:
                    for slot, offset in enumerate(struct.unpack("<128Q", self.records[place])):
                        real = self.real[offset // RECORD] * RECORD if offset else 0
                        struct.pack_into("<Q", moved, 8 * slot, real)
                    self.records[place] = bytes(moved)
                    place += 1
                payload += moved
        payload = payload[:size]
        for head in mine:
            made = bytearray(self.records[head])
            under = b"".join(self.records[head + 1 : head + 1 + following(self.records[head])])
            struct.pack_into("<I", made, CRC_AT, crc32c(under))
            self.records[head] = bytes(made)
        for at in heads:
            if self.records[at][:4] == struct.pack("<i", TS_END):
                made = bytearray(self.records[at])
                made[SHA_AT : SHA_AT + 32] = hashlib.sha256(payload).digest()
                self.records[at] = bytes(made)


def cut(image: bytes, capacity: int) -> list[bytes]:
    """Return the volumes of an image of the encoder on one volume, ``capacity`` records each."""
    return _Cutter(image, capacity).run()


def store(volumes: list[bytes], prefix: Path) -> list[Path]:
    """Write volumes as ``name001``, ``name002``, ...; return their paths."""
    paths = [prefix.with_name(f"{prefix.name}{at:03}") for at in range(1, len(volumes) + 1)]
    for path, data in zip(paths, volumes, strict=True):
        path.write_bytes(data)
    return paths
