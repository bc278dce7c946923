"""Turns a real `dump` image into other dialects of the format: big-endian, and run-coded hole maps.

The offsets here are typed on their own, from the C headers of `dump`, and not taken from `ksy/`:
a test input made with the layouts under test could not catch an error in them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RECORD = 1024
CHECKSUM = 84446
MAGIC = 60012

TS_TAPE, TS_INODE, TS_BITS, TS_ADDR, TS_END, TS_CLRI = 1, 2, 3, 4, 5, 6

TYPE_AT, TAPEA_AT, INODE_AT, MAGIC_AT, CHECKSUM_AT = 0, 16, 20, 24, 28
MODE_AT, SIZE_AT, COUNT_AT, ADDR_AT, ADDR_LENGTH = 32, 40, 160, 164, 512
FLAGS_AT, NTREC_AT = 888, 896
DR_EXTATTRIBUTES = 0x8000
IFMT, IFDIR = 0o170000, 0o040000

#: The header as `swabst` of Linux restore walks it: i32 x 8, u16 x 4, u64, i32 x 29, bytes x 528
#: (hole map, label), i32 (level), bytes x 192 (names), i32 x 4; the rest stays as it is.
HEADER = struct.Struct("<8I4HQ29I528sI192s4I120s")
HEADER_SWAPPED = struct.Struct(">" + HEADER.format[1:])


@dataclass
class Piece:
    """A header and the records that follow it, up to the next header.

    Attributes:
        header: The 1,024 bytes of the header.
        records: The data records after it, each 1,024 bytes.
    """

    header: bytearray
    records: list[bytes]

    @property
    def type(self) -> int:
        """The record type, `TS_*`."""
        return self.number(TYPE_AT)

    @property
    def inode(self) -> int:
        """The inode number."""
        return self.number(INODE_AT)

    @property
    def is_map(self) -> bool:
        """Whether the records are a bitmap, which has a record count but no hole map."""
        return self.type in (TS_CLRI, TS_BITS)

    @property
    def is_file(self) -> bool:
        """Whether this is (a part of) an inode with a hole map."""
        return self.type in (TS_INODE, TS_ADDR)

    @property
    def is_extended_attributes(self) -> bool:
        """Whether the records are an extended attribute block."""
        return bool(self.number(FLAGS_AT) & DR_EXTATTRIBUTES)

    @property
    def is_directory(self) -> bool:
        """Whether the records are directory entries."""
        (mode,) = struct.unpack_from("<H", self.header, MODE_AT)
        return self.is_file and mode & IFMT == IFDIR and not self.is_extended_attributes

    @property
    def present(self) -> bytes:
        """One byte for each KiB of this part of the file: 1 is a record, 0 a hole."""
        return bytes(self.header[ADDR_AT : ADDR_AT + self.number(COUNT_AT)])

    def number(self, offset: int) -> int:
        """Read an unsigned 32-bit field."""
        (value,) = struct.unpack_from("<I", self.header, offset)
        return int(value)

    def put(self, offset: int, value: int) -> None:
        """Write an unsigned 32-bit field."""
        struct.pack_into("<I", self.header, offset, value)


def pieces(image: bytes) -> Iterator[Piece]:
    """Split a little-endian dump with plain hole maps, as `dump` 0.4b47 writes it, into its parts.

    Raises:
        AssertionError: When a header is not where the one before it says, or its sum is wrong.
    """
    at = 0
    while at < len(image):
        piece = Piece(bytearray(image[at : at + RECORD]), [])
        assert piece.number(MAGIC_AT) == MAGIC, f"no header in record {at // RECORD}"
        assert _sum(piece.header, "<") == CHECKSUM, f"bad checksum in record {at // RECORD}"
        at += RECORD
        if piece.is_map:
            follow = piece.number(COUNT_AT)
        elif piece.is_file:
            follow = sum(byte != 0 for byte in piece.present)
        else:
            follow = 0
        piece.records = [image[at + n * RECORD : at + (n + 1) * RECORD] for n in range(follow)]
        at += follow * RECORD
        yield piece


def to_big_endian(source: Path, target: Path) -> None:
    """Write a copy of a dump as a big-endian machine would have written it.

    Headers and directory entries are swapped field by field, checksums made anew. Bitmaps, names,
    hole maps, file data and attribute blocks (little-endian on the disk itself) are bytes.
    """
    directory_bytes = 0
    with target.open("wb") as out:
        for piece in pieces(source.read_bytes()):
            if piece.type == TS_INODE:
                (size,) = struct.unpack_from("<Q", piece.header, SIZE_AT)
                directory_bytes = size if piece.is_directory else 0
            fields = list(HEADER.unpack(piece.header))
            header = bytearray(HEADER_SWAPPED.pack(*fields))
            _set_checksum(header, ">")
            out.write(header)
            for record in piece.records:
                out.write(_swapped_entries(record, directory_bytes))
                directory_bytes = max(0, directory_bytes - RECORD)


def _swapped_entries(record: bytes, used: int) -> bytes:
    """Swap the entries in the used bytes; dump leaves whatever was in memory behind them."""
    swapped = bytearray(record)
    at = 0
    while at < min(used, RECORD):
        inode, length = struct.unpack_from("<IH", record, at)
        struct.pack_into(">IH", swapped, at, inode, length)
        at += length
    return bytes(swapped)


def to_run_coded(source: Path, target: Path) -> int:
    """Write a copy of a dump with the hole maps that `dump` 0.4b49 and later writes.

    A map byte there is a run (`encode_runs`), the count is the number of bytes used, so a header
    reaches further: the `TS_ADDR` headers of a file are taken in by the header before them as far
    as its map has room, record numbers move up, and the padding is made anew.

    Returns:
        How many headers hold a run of more than one record: a test without any shows nothing.
    """
    return _rewrite(source, target, _merged)


def to_run_coded_in_place(source: Path, target: Path) -> int:
    """As `to_run_coded`, but every header keeps its place: only the maps are coded anew."""
    return _rewrite(source, target, lambda parts: parts)


def _rewrite(
    source: Path, target: Path, arrange: Callable[[Iterator[Piece]], Iterator[Piece]]
) -> int:
    coded = records = 0
    ntrec, end = 10, bytearray()
    with target.open("wb") as out:
        for piece in arrange(pieces(source.read_bytes())):
            if piece.type == TS_TAPE:
                ntrec = piece.number(NTREC_AT)
            if piece.type == TS_END:
                end = piece.header
                break
            if piece.is_file and not piece.is_extended_attributes:
                coded += _code_runs(piece)
            _write(out.write, piece.header, records)
            out.writelines(piece.records)
            records += 1 + len(piece.records)
        # One TS_END at least, then more until the tape block is full.
        for _ in range(ntrec - records % ntrec):
            _write(out.write, end, records)
            records += 1
    return coded


def _merged(parts: Iterator[Piece]) -> Iterator[Piece]:
    held: Piece | None = None
    held_map = b""
    for piece in parts:
        is_continued = (
            held is not None
            and piece.type == TS_ADDR
            and len(encode_runs(held_map + piece.present)) <= ADDR_LENGTH
        )
        if is_continued and held is not None:
            held_map += piece.present
            held.records += piece.records
            continue
        if held is not None:
            yield _with_map(held, held_map)
        held = piece if piece.is_file and not piece.is_extended_attributes else None
        held_map = piece.present if held else b""
        if held is None:
            yield piece


class _LongPiece(Piece):
    """A piece whose plain map may be longer than a header has room for."""

    plain_map: bytes = b""

    @property
    def present(self) -> bytes:
        return self.plain_map


def _with_map(piece: Piece, plain_map: bytes) -> Piece:
    longer = _LongPiece(piece.header, piece.records)
    longer.plain_map = plain_map
    return longer


def _code_runs(piece: Piece) -> bool:
    runs = encode_runs(piece.present)
    piece.header[ADDR_AT : ADDR_AT + ADDR_LENGTH] = runs.ljust(ADDR_LENGTH, b"\0")
    piece.put(COUNT_AT, len(runs))
    return any(byte > 1 for byte in runs)


def _write(write: Callable[[bytes], object], header: bytearray, record: int) -> None:
    struct.pack_into("<I", header, TAPEA_AT, record)
    _set_checksum(header, "<")
    write(bytes(header))


def encode_runs(present: bytes) -> bytes:
    """Code a hole map (bytes 0 and 1) as runs.

    `0nnnnnnd` stands for n + 1 records, `1nnnnnnd NNNNNNNN` for 64 N + n + 65; d is 1 for data.
    """
    coded = bytearray()
    for value, run in groupby(present):
        left = sum(1 for _ in run)
        while left:
            if left <= 64:
                coded.append((left - 1) << 1 | value)
                break
            now = min(left, 255 * 64 + 63 + 65)
            high, low = divmod(now - 65, 64)
            coded += bytes((0x80 | low << 1 | value, high))
            left -= now
    return bytes(coded)


def _sum(header: bytes | bytearray, order: str) -> int:
    return int(sum(struct.unpack(f"{order}256I", header))) % 2**32


def _set_checksum(header: bytearray, order: str) -> None:
    struct.pack_into(f"{order}I", header, CHECKSUM_AT, 0)
    struct.pack_into(f"{order}I", header, CHECKSUM_AT, (CHECKSUM - _sum(header, order)) % 2**32)
