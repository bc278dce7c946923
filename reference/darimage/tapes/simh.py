"""The SIMH container, ``.tap``: standard, and the classes of the extended format of 2022.

Source: "SIMH Magtape Representation and Handling", B. Supnik, 30 August 2006 and 17 January 2022.
Each record has its length before and behind it, four bytes little-endian; data of an odd length is
followed by one byte more. Values that are no lengths are markers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from darimage.tapes.element import Element, Kind, Look

if TYPE_CHECKING:
    from darimage.volumes.writing import Buffer

_WORD = struct.Struct("<I")
_SIZE = _WORD.size

_FILE_MARK = 0x00000000
_END_OF_MEDIUM = 0xFFFFFFFF
_HALF_GAP = 0xFFFEFFFF
"""Half of this word is the rest of a gap that was written over; the next one begins after it."""
_ILLEGAL = range(0xFFFE0000, 0xFFFEFFFF)

_LENGTH_BITS = 28
_LENGTH = (1 << _LENGTH_BITS) - 1
_GOOD, _PRIVATE_MARKER, _BAD, _MARKERS = 0, 7, 8, 15
_LONGEST_STANDARD = (1 << 24) - 1


class Simh:
    """Reads and writes elements of a SIMH container; writes the standard part only.

    Attributes:
        name: What people call it.
        suffix: What names of its files end in.
        longest: Bytes of the longest block it can hold.
    """

    name = "SIMH"
    suffix = ".tap"
    longest = _LONGEST_STANDARD
    _padding = 1

    def element(self, look: Look, at: int) -> Element:
        """Return the element at a byte."""
        word = _word(look, at)
        if word is None:
            stray = look.size - at
            told = f"{stray} bytes that are no marker" if stray > 0 else ""
            return Element(Kind.END, at, 0, at, told=told)
        if word == _END_OF_MEDIUM:
            return Element(Kind.END, at, 0, at)
        if word == _FILE_MARK:
            return Element(Kind.MARK, at, 0, at + _SIZE)
        group = word >> _LENGTH_BITS
        if group in (_MARKERS, _PRIVATE_MARKER):
            return _marker(word, at)
        return self._record(look, at, word, group)

    def behind(self, length: int) -> int:
        """Return how many bytes there are between data of a length and the next element."""
        return (length & self._padding) + _SIZE

    def frame(self, block: Buffer, _before: int) -> tuple[Sequence[Buffer], int]:
        """Return the pieces that hold a block."""
        length = memoryview(block).nbytes
        word = _WORD.pack(length)
        return [word, block, bytes(length & self._padding), word], length

    def mark(self, _before: int) -> bytes:
        """Return a file mark."""
        return _WORD.pack(_FILE_MARK)

    def _record(self, look: Look, at: int, word: int, group: int) -> Element:
        length = word & _LENGTH
        data, stop = at + _SIZE, at + _SIZE + length + (length & self._padding)
        known = {_GOOD: Kind.DATA, _BAD: Kind.BAD}
        kind = known.get(group, Kind.SKIP)
        behind = _word(look, stop) if stop < look.size else None
        if behind == word:
            return Element(kind, data, length, stop + _SIZE)
        if kind is Kind.BAD and not length:
            # Some writers leave out the second word of a record of nothing.
            return Element(kind, data, 0, at + _SIZE)
        if stop + _SIZE > look.size:
            told = f"the container ends within a record of {length} bytes"
            cut = {Kind.DATA: Kind.CUT, Kind.SKIP: Kind.BROKEN}.get(kind, kind)
            return Element(cut, data, length, look.size, told=told)
        told = f"a record of {length} bytes does not end where it says"
        return Element(Kind.BROKEN, data, length, stop + _SIZE, told=told)


class E11(Simh):
    """The same of the emulator E11: nothing follows data of an odd length."""

    name = "E11"
    _padding = 0


def _word(look: Look, at: int) -> int | None:
    held = look.at(at, _SIZE)
    return _WORD.unpack(held)[0] if len(held) == _SIZE else None


def _marker(word: int, at: int) -> Element:
    if word in _ILLEGAL:
        return Element(Kind.BROKEN, at, 0, at, told=f"the marker {word:#010x} is illegal")
    return Element(Kind.SKIP, at, 0, at + (_SIZE // 2 if word == _HALF_GAP else _SIZE))
