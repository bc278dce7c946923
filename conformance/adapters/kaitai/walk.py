"""Reads an image from its first record to its last, with the parser that Kaitai generates.

Nothing here comes from darimage but that parser, so that it does not share darimage's mistakes.
The chapters named are those of the specification. What is damaged is refused: this is a judge of
whole images, no salvager.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any

from kaitaistruct import KaitaiStream
from protocol import Rejected, Unsupported

from darimage.schema.kaitai_be.directory import Directory as BigDirectory
from darimage.schema.kaitai_be.record import Record as BigRecord
from darimage.schema.kaitai_le.directory import Directory as LittleDirectory
from darimage.schema.kaitai_le.record import Record as LittleRecord

RECORD = 1024
SUM = 84446
TAPE, INODE, BITS, ADDR, END, CLRI = 1, 2, 3, 4, 5, 6
NEW_INODES, COMPRESSED, META_ONLY, ATTRIBUTES = 0x2, 0x80, 0x100, 0x8000
KIND_INODE = 2
END_IS_HOLE = 4
VOLUMES = 1
SECTIONS = 1
"""The inode that sections are in."""

WHOLE_MAX = 1 << 30
_ZEROS = bytes(1 << 20)


@dataclass
class Inode:
    """An inode and what came of its data.

    Attributes:
        head: Its first header.
        extended: The body of its extension; ``None`` in a plain dump.
        left: Blocks that no header has covered so far.
        data: Of a directory or a link; files are only hashed.
        extents: First block and number of blocks of what is present.
    """

    head: Any
    extended: Any
    left: int
    block: int = 0
    data: bytearray = field(default_factory=bytearray)
    extents: list[list[int]] = field(default_factory=list)
    present: Any = field(default_factory=hashlib.sha256)
    whole: Any = field(default_factory=hashlib.sha256)
    hashed: int = 0

    @property
    def kind(self) -> int:
        """File type."""
        return int(self.head.c_dinode.di_mode) & 0o170000

    @property
    def size(self) -> int:
        """Bytes."""
        return int(self.head.c_dinode.di_size)


class Walk:
    """One pass over an image.

    Attributes:
        inodes: By number, those that are no sections.
        order: ``le`` or ``be``.
        is_dari: Whether it carries the extension.
    """

    def __init__(self, stream: BufferedReader) -> None:
        """Look at the first record (chapter 10, opening).

        Raises:
            Rejected: It is no image.
            Unsupported: It is one that this decoder does not read.
        """
        self._stream = stream
        self.inodes: dict[int, Inode] = {}
        first = self._read(0)
        for self.order, self._endian in (("le", "<"), ("be", ">")):
            if struct.unpack_from(f"{self._endian}I", first, 24)[0] == 60012:
                break
        else:
            raise Rejected("no magic of a dump")
        head = self._header(0)
        if head is None or head.c_type != TAPE:
            raise Rejected("the first record is no sound ts_tape")
        if head.c_volume != 1:
            raise Rejected("not the first volume")
        if head.c_flags & COMPRESSED:
            raise Rejected("compressed")
        self.is_dari = head.extension.magic == b"DARI"
        if self.is_dari and head.extension.kind == 1:
            unknown = head.extension.body.feature_incompat
            if unknown == VOLUMES:
                raise Unsupported("images on several volumes")
            if unknown:
                raise Rejected(f"unknown features {unknown:#x}")
        if not head.c_flags & NEW_INODES:
            raise Unsupported("directories of the old format")

    def run(self) -> None:
        """Go through all headers (chapter 10, walking).

        Raises:
            Rejected: There is damage.
        """
        record, inode = 1, None
        while True:
            head = self._header(record)
            if head is None:
                raise Rejected(f"record {record} should be a header")
            at, record = record, record + 1
            if head.c_type == END:
                return
            if head.c_type in (CLRI, BITS):
                record += max(0, head.c_count)
            elif head.c_type == INODE:
                inode = None if self._is_passed(head) else self._new(head, at)
                record = self._data(head, inode, record)
            elif head.c_type == ADDR:
                is_next = inode is not None and inode.head.c_inumber == head.c_inumber
                record = self._data(head, inode if is_next else None, record)
            elif head.c_type != TAPE:
                raise Rejected(f"record {at}: type {head.c_type}")

    def entries(self, number: int) -> list[tuple[bytes, int]]:
        """Return names and inodes of a directory but the dots (chapter 50)."""
        inode = self.inodes[number]
        parser = LittleDirectory if self.order == "le" else BigDirectory
        found = []
        parsed = parser.from_bytes(bytes(inode.data[: inode.size]))
        for entry in parsed.entries:
            name = bytes(entry.d_name)
            if entry.head.d_ino and name not in (b".", b".."):
                if not name or b"/" in name or b"\0" in name:
                    raise Rejected(f"directory {number} has the name {name!r}")
                found.append((name, int(entry.head.d_ino)))
        return found

    def _is_passed(self, head: Any) -> bool:
        """Tell whether records belong to no inode of their own: attributes, sections."""
        is_section = self.is_dari and head.c_inumber == SECTIONS
        return bool(head.c_flags & ATTRIBUTES) or is_section

    def _new(self, head: Any, at: int) -> Inode:
        if head.c_inumber in self.inodes:
            raise Rejected(f"record {at}: inode {head.c_inumber} once more")
        extension = head.extension
        extended = extension.magic == b"DARI" and extension.kind == KIND_INODE
        # Version 0 says nothing of what its fields mean (DARI-EXT-004).
        extended = extended and extension.version > 0
        left = 0 if head.c_flags & META_ONLY else -(-head.c_dinode.di_size // RECORD)
        inode = self.inodes[head.c_inumber] = Inode(
            head, extension.body if extended else None, left
        )
        return inode

    def _data(self, head: Any, inode: Inode | None, record: int) -> int:
        """Take the records that follow a header; return the number of the next header."""
        if head.c_flags & META_ONLY and not self.is_dari:
            return record
        if not 0 <= head.c_count <= 512:
            raise Rejected(f"record {record - 1}: count {head.c_count}")
        for present, length in self._runs(head.c_addr[: head.c_count]):
            used = 0 if inode is None else min(length, inode.left)
            if inode is not None:
                if present:
                    self._take(inode, record, used, ends=self._ends_in_a_hole(head))
                inode.block += used
                inode.left -= used
            record += length if present else 0
        return record

    def _runs(self, addresses: bytes) -> Iterator[tuple[bool, int]]:
        """Yield stretches of a hole map: whether they are present, and their blocks."""
        at = 0
        while at < len(addresses):
            byte = addresses[at]
            if self.is_dari and byte > 1:
                raise Rejected(f"a hole map with the byte {byte}")
            if byte < 128:
                length = (byte >> 1) + 1
            else:
                at += 1
                if at == len(addresses):
                    raise Rejected("a run that is cut off")
                length = addresses[at] * 64 + (byte >> 1 & 63) + 65
            yield bool(byte & 1), length
            at += 1

    def _ends_in_a_hole(self, head: Any) -> bool:
        """Return whether the last block, if a header describes it, stands for a hole."""
        extension = head.extension
        is_inode = extension.magic == b"DARI" and extension.kind == KIND_INODE
        return is_inode and bool(extension.flags & END_IS_HOLE)

    def _take(self, inode: Inode, record: int, count: int, *, ends: bool) -> None:
        """Take present blocks of an inode; a last one of zeros may be a hole (DARI-FIL-021)."""
        last = -(-inode.size // RECORD) - 1
        if ends and inode.block + count == last + 1:
            count -= not any(self._read(record + last - inode.block))
        if count <= 0:
            return
        first = inode.block
        if inode.extents and sum(inode.extents[-1]) == first:
            inode.extents[-1][1] += count
        else:
            inode.extents.append([first, count])
        for done in range(0, count, 1024):
            place = (first + done) * RECORD
            wanted = min(count - done, 1024) * RECORD
            data = self._read(record + done, wanted)[: inode.size - place]
            if inode.kind != 0o100000:
                inode.data += data
                continue
            inode.present.update(data)
            if inode.size <= WHOLE_MAX:
                add_zeros(inode, place)
                inode.whole.update(data)
            inode.hashed = place + len(data)

    def _header(self, record: int) -> Any:
        """Return a header, ``None`` if there is no sound one."""
        data = self._read(record)
        words = struct.unpack(f"{self._endian}256I", data)
        if words[6] != 60012 or sum(words) % 2**32 != SUM:
            return None
        parser = LittleRecord if self.order == "le" else BigRecord
        return parser.from_bytes(data)

    def _read(self, record: int, length: int = RECORD) -> bytes:
        self._stream.seek(record * RECORD)
        data = self._stream.read(length)
        if len(data) != length:
            raise Rejected(f"the image ends before record {record + length // RECORD - 1}")
        return data


def add_zeros(inode: Inode, until: int) -> None:
    """Hash a hole."""
    while inode.hashed < until:
        count = min(until - inode.hashed, len(_ZEROS))
        inode.whole.update(_ZEROS[:count])
        inode.hashed += count


__all__ = ["KaitaiStream", "Walk", "add_zeros"]
