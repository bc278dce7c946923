"""The AWSTAPE container, ``.aws``, of mainframe emulators.

Each chunk has a header of six bytes: its length and that of the chunk before it, two bytes
little-endian each, and two bytes of flags. A block of more than 65,535 bytes is several chunks. HET
tapes are the same with compressed blocks, and not read: their lengths are not known unread.
Source: the tape chapters of the Hercules documentation, and what Hercules 3.13 reads and writes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from darimage.tapes.element import Element, Kind, Look

if TYPE_CHECKING:
    from darimage.volumes.writing import Buffer

_HEADER = struct.Struct("<HHBB")
"""Bytes of the chunk, bytes of the one before, flags, flags of compressed tapes."""

_NEW, _MARK, _LAST = 0x80, 0x40, 0x20
_COMPRESSED, _COMPRESSED_TOO = 0x03, 0x80
_UNUSED, _UNUSED_TOO = 0x1C, 0x7F
_CHUNK = 0xFFFF
_LONGEST = 1 << 24


class Aws:
    """Reads and writes elements of an AWSTAPE container; a chunk is an element."""

    name = "AWSTAPE"
    suffix = ".aws"
    longest = _LONGEST

    def element(self, look: Look, at: int) -> Element:
        """Return the element at a byte."""
        held = look.at(at, _HEADER.size)
        if len(held) < _HEADER.size:
            told = f"{len(held)} bytes that are no header" if held else ""
            return Element(Kind.END, at, 0, at, told=told)
        length, previous, flags, more = _HEADER.unpack(held)
        data, goes_on = at + _HEADER.size, not flags & _NEW
        stop = data + length
        is_first = not previous and flags & (_NEW | _MARK)
        if flags & _UNUSED or more & _UNUSED_TOO or not (at or is_first):
            told = f"no chunk header: {held.hex(' ')}"
            return Element(Kind.BROKEN, data, length, stop, goes_on, told)
        if stop > look.size:
            told = f"the container ends within a chunk of {length} bytes"
            return Element(Kind.CUT, data, length, look.size, goes_on, told)
        if _told_behind(look, stop) not in (length, None):
            told = f"the chunk behind one of {length} bytes says that it has others"
            return Element(Kind.BROKEN, data, length, stop, goes_on, told)
        if flags & _MARK:
            return Element(Kind.MARK, at, 0, stop)
        kind = Kind.DATA if length else Kind.SKIP
        if flags & _COMPRESSED or more & _COMPRESSED_TOO:
            kind = Kind.PACKED
        return Element(kind, data, length, stop, goes_on)

    def behind(self, _length: int) -> int:
        """Return how many bytes there are between data and the next element."""
        return 0

    def frame(self, block: Buffer, before: int) -> tuple[Sequence[Buffer], int]:
        """Return the pieces that hold a block, in chunks of about one length."""
        view = memoryview(block).cast("B")
        count = max(1, -(-len(view) // _CHUNK))
        step = max(1, -(-len(view) // count))
        pieces: list[Buffer] = []
        for number in range(count):
            chunk = view[number * step : (number + 1) * step]
            flags = _NEW * (number == 0) | _LAST * (number == count - 1)
            pieces += [_HEADER.pack(len(chunk), before, flags, 0), chunk]
            before = len(chunk)
        return pieces, before

    def mark(self, before: int) -> bytes:
        """Return a file mark."""
        return _HEADER.pack(0, before, _MARK, 0)


def _told_behind(look: Look, at: int) -> int | None:
    """Return what a header says of the chunk before it, ``None`` if there is none."""
    held = look.at(at, _HEADER.size)
    return int(_HEADER.unpack(held)[1]) if len(held) == _HEADER.size else None
