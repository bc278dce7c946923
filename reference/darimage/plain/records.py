"""Header records: what makes one sound, whose it is, and what follows it (chapters 10 and 20)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import google_crc32c

from darimage.plain.faults import RECORD
from darimage.plain.rules import Rules
from darimage.schema.codecs import Order, layout

TS_TAPE, TS_INODE, TS_BITS, TS_ADDR, TS_END, TS_CLRI = 1, 2, 3, 4, 5, 6
VOLUME, INODE, SECTION, END, BITMAP = 1, 2, 3, 4, 5
"""Kinds of extension areas (DARI-EXT-003)."""

MAGIC = 60012
SUM = 84446
NEW_INODES, COMPRESSED, META_ONLY, ATTRIBUTES = 0x2, 0x80, 0x100, 0x8000
"""Bits of ``c_flags``."""

MAGIC_AT = 24
"""Where ``c_magic`` stands in a header."""

ADDRESSES = 512
"""Entries of ``c_addr``."""

LONG = 1 << 42
"""``c_tapea`` × 1,024 begins again here."""

_KINDS = {TS_TAPE: VOLUME, TS_CLRI: BITMAP, TS_BITS: BITMAP, TS_END: END}

Runs = list[tuple[int, int]]
"""A hole map: 1 or 0 for present or hole, and a number of blocks."""


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of bytes (DARI-CNV-006)."""
    return int(google_crc32c.value(data))


def magic(order: Order) -> bytes:
    """Return the bytes of ``c_magic`` (DARI-REC-003)."""
    return struct.pack("<I" if order == "le" else ">I", MAGIC)


def has_right_sum(record: bytes, order: Order) -> bool:
    """Tell whether the 256 words of a record add up as they must (DARI-REC-004)."""
    words = struct.unpack("<256I" if order == "le" else ">256I", record)
    return bool(sum(words) % 2**32 == SUM)


def without_sums(record: bytes) -> bytes:
    """Return a header with ``c_checksum`` and ``header_crc32c`` taken as zero (DARI-REC-028)."""
    blank = bytearray(record)
    blank[28:32] = blank[936:940] = bytes(4)
    return bytes(blank)


@dataclass(frozen=True, eq=False)
class Head:
    """A record read as a header.

    Attributes:
        at: Its address.
        raw: Its bytes.
        order: Byte order of its integers.
        is_dari: Whether its extension area is to be used: it begins with ``DARI``, and so does that
            of the image's first header.
        rules: What is kept.
    """

    at: int
    raw: bytes
    order: Order
    is_dari: bool
    rules: Rules

    @cached_property
    def fields(self) -> Any:
        """The fields by their names in ``ksy/record.ksy``."""
        return layout("record", self.order).parse(self.raw)

    @property
    def c_type(self) -> int:
        """What it opens."""
        return int(self.fields.c_type)

    @property
    def inode(self) -> int:
        """``c_inumber``."""
        return int(self.fields.c_inumber)

    @property
    def dinode(self) -> Any:
        """The old inode."""
        return self.fields.c_dinode

    @property
    def size(self) -> int:
        """``di_size``."""
        return int(self.dinode.di_size)

    @property
    def kind(self) -> int:
        """Type of the inode, ``di_mode`` shifted right by 12."""
        return int(self.dinode.di_mode) >> 12

    @property
    def is_attributes(self) -> bool:
        """Whether it is the header of attribute records (DARI-REC-027)."""
        if self.c_type != TS_INODE or not self.fields.c_flags & ATTRIBUTES:
            return False
        return self.rules.follows("DARI-REC-027")

    @property
    def image_id(self) -> bytes:
        """First four bytes of ``image_uuid``: at one place in all bodies (DARI-EXT-008)."""
        return self.raw[944:948]

    @cached_property
    def has_right_crc(self) -> bool:
        """Whether ``header_crc32c`` is that of the record (DARI-REC-028)."""
        written = self.raw[936:940] if self.order == "le" else self.raw[939:935:-1]
        found = crc32c(without_sums(self.raw))
        if not self.rules.follows("DARI-CNV-006"):
            found ^= 0xFFFFFFFF
        return found == int.from_bytes(written, "little")

    @property
    def has_right_sum(self) -> bool:
        """Whether its words add up (DARI-REC-004)."""
        return has_right_sum(self.raw, self.order)

    @property
    def is_intact(self) -> bool:
        """Whether its bytes are those that were written: the CRC says it, else the sum."""
        if self.is_dari and self.rules.follows("DARI-REC-028"):
            return self.has_right_crc
        return self.rules.keeps("DARI-REC-004", self.has_right_sum)

    @property
    def records_crc(self) -> int:
        """CRC-32C of the records that follow (DARI-REC-029)."""
        return int(self.fields.extension.records_crc32c)

    @property
    def kind_fits(self) -> bool:
        """Whether the extension's kind is that of type and number (DARI-EXT-003)."""
        wanted = _KINDS.get(self.c_type, SECTION if self.inode == 1 else INODE)
        return bool(self.fields.extension.kind == wanted)

    @property
    def body(self) -> Any:
        """The extension's body; ``None`` where the old fields stand alone (DARI-EXT-006)."""
        version = self.fields.extension.version
        usable = self.is_dari and version > 0
        if version > 1 and not self.rules.follows("DARI-EXT-004"):
            usable = False
        if not usable or not self.rules.keeps("DARI-EXT-006", self.kind_fits):
            return None
        return self.fields.extension.body

    @property
    def first_block(self) -> int | None:
        """Block of the inode that its hole map begins with; ``None`` if it does not say."""
        found = getattr(self.body, "first_block", None)
        return None if found is None else int(found)

    @property
    def number(self) -> int:
        """``c_tapea``: the record number that it says it has."""
        return int(self.fields.c_tapea)

    @property
    def shift(self) -> int:
        """How far it lies before the place that it says it has, in bytes modulo 2^42."""
        return (self.number * RECORD - self.at) % LONG


def difference(shift: int, other: int) -> int:
    """Return how much greater a shift is than another; below 0 if it is smaller."""
    return (shift - other + LONG // 2) % LONG - LONG // 2


def hole_map(head: Head, *, is_image: bool) -> Runs | None:
    """Return the hole map of a ``ts_inode`` or ``ts_addr``; ``None`` if it is impossible.

    In an image an entry is 1 or 0 (DARI-REC-025, DARI-REC-035); in a plain dump greater ones are
    run coding, by the steps of "Decoding a hole map" (DARI-REC-016).
    """
    count, rules = int(head.fields.c_count), head.rules
    # Step 1.
    possible = 0 <= count <= ADDRESSES
    # Entries from c_count on are not looked at (DARI-REC-024).
    used = head.fields.c_addr[: max(0, count)]
    if any(head.fields.c_addr[len(used) :]) and not rules.follows("DARI-REC-024"):
        used = head.fields.c_addr
    coded = bool(used) and max(used) > 1
    if is_image:
        possible = possible and not coded
        if not rules.keeps("DARI-REC-025", possible):
            return None
        return [(int(byte != 0), 1) for byte in used]
    if not possible:
        return None
    if coded and not rules.follows("DARI-REC-016"):
        return [(int(byte != 0), 1) for byte in used]
    runs: Runs = []
    at = 0
    while at < len(used):  # step 2
        byte = used[at]  # step 3
        at += 1
        present, length = byte % 2, byte // 2 % 64 + 1
        if byte >= 128:  # step 4
            if at == len(used):
                return None
            length += used[at] * 64 + 64
            at += 1
        runs.append((present, length))  # step 5
    return runs
