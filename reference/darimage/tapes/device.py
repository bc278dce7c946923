"""The bytes of an image on a tape in a drive: blocks of one length, located by their number."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from darimage.errors import FormatError, StorageError
from darimage.tapes.element import Kind
from darimage.tapes.index import Index
from darimage.tapes.indexed import IndexedVolume
from darimage.tapes.tape import Tape
from darimage.volumes.reading import Gap

_KEPT = 8 << 20
"""Bytes of blocks that are kept in memory."""


class DeviceVolume(IndexedVolume):
    """One file of a tape in a drive.

    Attributes:
        is_slow: It is: one process reads, and goes on while others write.
    """

    is_slow = True

    def __init__(self, tape: Tape, number: int | None = None) -> None:
        """Take over ``tape`` and find the file, its end, and the length of its blocks.

        Args:
            tape: The tape.
            number: Which file on it, from 1.

        Raises:
            FormatError: There is no such file, or it is empty.
            StorageError: The tape cannot be read.
        """
        name = tape.name if number is None else f"{tape.name}:{number}"
        super().__init__(name, "drive", _find(tape, name, number or 1))
        self._tape = tape
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._lost: dict[int, Gap] = {}
        self._forgiving = False

    def forgive(self, yes: bool) -> None:
        """Give zeros for what cannot be read, or do so no longer; see ``reading.forgiving``."""
        self._forgiving = yes

    def _from_row(self, row: int, number: int, into: int, view: memoryview) -> int:
        length = int(self.index.length[row])
        place = int(self.index.offset[row]) + number
        start = self._starts[row] + number * length
        data = self._block(place, start, length)
        held = min(length - into, len(view))
        view[:held] = data[into : into + held]
        return held

    def _block(self, place: int, start: int, length: int) -> bytes:
        """Return a block, from memory if it was read lately; zeros if it is known to be lost.

        Raises:
            StorageError: It cannot be read; from now on ``missing`` names it.
        """
        known = self._kept.get(place)
        if known is not None:
            self._kept.move_to_end(place)
            return known
        if place in self._lost:
            return bytes(length)
        self._tape.locate(place)
        found = self._tape.read()
        self.reads += 1
        if found.kind is not Kind.DATA:
            block = place - int(self.index.offset[0])
            self._lost[place] = Gap(
                start, start + length, f"block {block} of {self.name} could not be read"
            )
            if self._forgiving:
                return bytes(length)
            raise StorageError(self._lost[place].told)
        if len(found.data) != length:
            told = f"{self.name}: a block of {len(found.data)} bytes among those of {length}"
            raise StorageError(f"{told}; copy the tape into a container to read it")
        self._kept[place] = found.data
        if len(self._kept) * length > _KEPT:
            self._kept.popitem(last=False)
        return found.data

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the blocks among some bytes that are known to be unreadable."""
        lost = sorted(self._lost.values())
        return [gap for gap in lost if gap.start < end and start < gap.end]

    def close(self) -> None:
        """Give up the tape."""
        self._tape.close()


def _find(tape: Tape, name: str, number: int) -> Index:
    """Return where the blocks of a file are: all as long as the first, but the last."""
    tape.rewind()
    for file in range(1, number):
        if not tape.next_file():
            raise FormatError(f"{tape.name}: has no file {number}, the last is {file}")
    first = tape.position
    head = tape.read()
    if head.kind is not Kind.DATA:
        told = "cannot be read" if head.kind is Kind.BAD else "is empty"
        raise FormatError(f"{name}: the beginning of the file {told}")
    marked = tape.next_file()
    count = tape.position - marked - first
    tape.locate(first + count - 1)
    last = tape.read()
    length = len(head.data)
    ending = len(last.data) if last.kind is Kind.DATA else length
    rows = [(first, length, count - 1), (first + count - 1, ending, 1)]
    offset, lengths, counts = np.array([row for row in rows if row[2]], np.int64).T
    return Index(
        offset,
        np.ones(len(offset), np.int64),
        lengths,
        counts,
        np.cumsum(lengths * counts) - lengths * counts,
        np.zeros(len(offset), np.bool_),
        count,
        length,
        length,
        number,
        "a file mark" if marked else "the end of the medium",
    )
