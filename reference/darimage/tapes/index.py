"""Which block of a container holds which byte of an image, found by its headers alone.

Blocks of one length that lie at equal distances are one row: a container that was written in one go
is a handful of rows, however many blocks it has.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.tapes.element import Element, Form, Kind, Look
from darimage.tapes.joints import equal_joints
from darimage.volumes.reading import Volume

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Blocks(NamedTuple):
    """Pieces of an image on a tape, a row each; a block is one piece, or several side by side.

    Attributes:
        offset: Byte of the container that the piece begins with; of a device, its block.
        length: Bytes.
        start: Byte of the image that it begins with.
        bad: Whether it could not be read when the container was made.
    """

    offset: Ints
    length: Ints
    start: Ints
    bad: Bools


@dataclass(slots=True)
class _Run:
    """Pieces of one length at equal distances."""

    offset: int
    length: int
    bad: bool
    count: int = 1
    stride: int = 0
    tried: int = 0

    def takes(self, offset: int, length: int, bad: bool) -> bool:
        """Take one more piece if it fits."""
        if (length, bad) != (self.length, self.bad):
            return False
        if self.count == 1:
            self.stride = offset - self.offset
        elif offset != self.offset + self.count * self.stride:
            return False
        self.count += 1
        return True


@dataclass(frozen=True)
class Index:
    """What one file on a tape holds; rows are runs of pieces of one length.

    Attributes:
        offset: Byte of the container that the first piece of a row begins with.
        stride: Bytes of the container from one piece to the next.
        length: Bytes of a piece.
        count: Pieces of a row.
        start: Byte of the image that the first piece begins with.
        bad: Whether they could not be read when the container was made.
        blocks: Blocks that are there, bad ones too.
        least: Bytes of the shortest good block but the last; 0 if there is none.
        most: Bytes of the longest.
        number: Which file on the tape it is, from 1.
        ended: What ends it.
        notes: What is wrong with the container.
    """

    offset: Ints
    stride: Ints
    length: Ints
    count: Ints
    start: Ints
    bad: Bools
    blocks: int
    least: int
    most: int
    number: int
    ended: str
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the image, those of bad blocks too."""
        return int(self.start[-1] + self.length[-1] * self.count[-1]) if len(self.start) else 0

    @property
    def bad_blocks(self) -> int:
        """Blocks that could not be read."""
        return int(self.count[self.bad].sum())

    def expanded(self) -> Blocks:
        """Return all pieces."""
        each = np.arange(int(self.count.sum())) - np.repeat(
            np.cumsum(self.count) - self.count, self.count
        )
        length = np.repeat(self.length, self.count)
        return Blocks(
            np.repeat(self.offset, self.count) + each * np.repeat(self.stride, self.count),
            length,
            np.repeat(self.start, self.count) + each * length,
            np.repeat(self.bad, self.count),
        )


@dataclass
class _Found:
    """What is known of a file while its elements are gone through."""

    number: int
    last: _Run | None = None
    rows: array[int] = field(default_factory=lambda: array("q"))
    blocks: int = 0
    block: int = 0
    usual: int = 0
    lengths: list[int] = field(default_factory=lambda: [0, 0])
    ended: str = "the end of the medium"
    notes: list[str] = field(default_factory=list)

    def add(self, element: Element, *, bad: bool, length: int | None = None) -> None:
        """Add a piece."""
        length = element.length if length is None else length
        if not element.goes_on:
            self.close_block()
            self.blocks += 1
        self.block += 0 if bad else length
        if self.last is None or not self.last.takes(element.data, length, bad):
            self._close_run()
            self.last = _Run(element.data, length, bad)

    def _close_run(self) -> None:
        if (run := self.last) is not None:
            self.rows.extend((run.offset, run.stride, run.length, run.count, run.bad))

    def close_block(self) -> None:
        """Count the length of the block before."""
        if self.block:
            self.usual = self.usual or self.block
            least, most = self.lengths
            self.lengths = [min(least or self.block, self.block), max(most, self.block)]
        self.block = 0

    def index(self) -> Index:
        """Return what was found."""
        last = self.block
        least, most = self.lengths
        self.close_block()
        self._close_run()
        rows = np.array(self.rows, np.int64).reshape(-1, 5)
        length = self._settled(rows[:, 2], rows[:, 4] != 0, self.usual if least == most else 0)
        there = length > 0
        offset, stride, _, count, bad = rows[there].T
        length = length[there]
        return Index(
            offset,
            stride,
            length,
            count,
            np.cumsum(length * count) - length * count,
            bad != 0,
            self.blocks,
            least or last,
            max(most, last),
            self.number,
            self.ended,
            tuple(self.notes),
        )

    def _settled(self, length: Ints, bad: Bools, usual: int) -> Ints:
        """Return lengths, those of bad blocks as of the others: what they take of the image.

        The last block may be shorter than the others, and is as long as it says.
        """
        told = length > 0
        other = np.full(len(length), usual) if usual else np.where(told, length, self.usual)
        if len(length):
            other[-1] = length[-1] if told[-1] else other[-1]
        return np.where(bad, other, length)


_NOTES_MOST = 20

_STEP, _GUESSED = 512, 1 << 20
"""Lengths of a first block that are tried if its own is damaged."""

_SURE = 8
"""Blocks of one length in a row after which more are expected."""

_MARKER = 4
"""Bytes of an element that say all of it; of shorter ones what follows is a part."""

_NEAR = 64
"""Bytes between two blocks that are read to see that they are the same as before."""


def scan(volume: Volume, form: Form, number: int | None = None) -> Index:
    """Return what a file of a tape holds; of the container little but its headers is read.

    Args:
        volume: The container.
        form: Its form.
        number: Which file, from 1; by default the first that is not empty.

    Raises:
        FormatError: There is no such file on it, it is empty, or compressed.
    """
    held = 0
    for found in _files(volume, form):
        if found.last is not None:
            held = found.number
            index = found.index()
            if number in (None, held) and index.size:
                return index
        if found.notes:
            raise FormatError(f"{volume.name}: {found.notes[-1]}")
    if not held:
        raise FormatError(f"{volume.name}: the tape is empty")
    raise FormatError(f"{volume.name}: has no file {number}, the last is {held}")


def _is_clean_end(element: Element) -> bool:
    return element.kind is Kind.END and not element.told


def _files(volume: Volume, form: Form) -> Iterator[_Found]:
    """Yield the files of a tape up to the end of what is recorded: two file marks together."""
    at, goes_on, number = 0, True, 0
    while goes_on:
        number += 1
        found = _Found(number)
        at, goes_on = _Walk(volume, form, found).run(at)
        yield found
        if number > 1 and found.last is None:
            return


@dataclass
class _Walk:
    """Goes from element to element."""

    volume: Volume
    form: Form
    found: _Found
    skipped: bytes = b""
    """The last element that means nothing, if it is short."""
    alike: int = 0
    """How often it came again."""

    def run(self, at: int) -> tuple[int, bool]:
        """Go through one file; return where it ends, and whether another may follow."""
        look = Look(self.volume)
        while True:
            element = self.form.element(look, at)
            kind = element.kind
            if kind is Kind.BROKEN or kind is Kind.CUT:
                element = self._mended(look, element)
                kind = element.kind
            if kind is Kind.DATA or kind is Kind.BAD:
                self.found.add(element, bad=kind is Kind.BAD)
                element = element._replace(next=element.next + self._passed_over(look, element))
            elif kind is Kind.MARK:
                self.found.ended = "a file mark"
                return element.next, True
            elif kind is Kind.PACKED:
                told = "compressed tapes (HET) are not read; `hetupd -d` unpacks one"
                raise FormatError(f"{self.volume.name}: {told}")
            elif kind is not Kind.SKIP:
                return self._end(look, element), False
            else:
                element = element._replace(next=self._behind_alike(look, at, element.next))
            at = element.next

    def _passed_over(self, look: Look, element: Element) -> int:
        """Take many blocks like the last one at once; return how many bytes they take.

        All but the last of them: that one is looked at as any other.
        """
        run = self.found.last
        if run is None:
            return 0
        between = run.stride - run.length
        if (
            (run.bad and run.length)
            or element.goes_on
            or run.count < run.tried + _SURE
            or not 0 < between <= _NEAR
        ):
            return 0
        joint = look.at(element.data - between, between)
        more = equal_joints(self.volume, element.data + run.length, run.stride, joint)
        run.tried = run.count
        if more < _SURE:
            return 0
        run.count += more - 1
        run.tried = run.count
        self.found.blocks += more - 1
        return (more - 1) * run.stride

    def _behind_alike(self, look: Look, at: int, end: int) -> int:
        """Return where the elements end that follow one that means nothing and are like it."""
        size = end - at
        if not _MARKER <= size <= _NEAR:
            self.skipped = b""
            return end
        unit = look.at(at, size)
        self.alike = self.alike + 1 if unit == self.skipped else 0
        self.skipped = unit
        if self.alike < _SURE:
            return end
        self.alike = 0
        return end + size * equal_joints(self.volume, end, size, unit)

    def _end(self, look: Look, element: Element) -> int:
        """Take what is there of a block that is cut; tell why nothing more is read."""
        if element.told:
            self._note(element)
            self.found.ended = "damage"
        if element.kind is Kind.CUT:
            there = max(0, look.size - element.data)
            if there:
                self.found.add(element, bad=False, length=min(there, element.length))
            if element.length > there:
                rest = element._replace(data=look.size, goes_on=bool(there))
                self.found.add(rest, bad=True, length=element.length - there)
        return look.size

    def _mended(self, look: Look, element: Element) -> Element:
        """Return a block whose header is damaged if it is as long as those before it.

        A damaged length would end the tape here.
        """
        usual = self.found.last.length if self.found.last else self._first(look, element)
        if not usual or (element.kind is Kind.CUT and element.length <= usual):
            return element
        behind = self._behind(look, element, usual)
        if behind is not None and (behind.kind in (Kind.MARK, Kind.DATA) or _is_clean_end(behind)):
            self._note(element._replace(told=f"{element.told}; taken for one of {usual}"))
            return Element(Kind.DATA, element.data, usual, self._follows(element, usual))
        return element._replace(kind=Kind.BROKEN, told=f"{element.told}; nothing more is read")

    def _first(self, look: Look, element: Element) -> int:
        """Return how long the first block is if the second one has a usual length; else 0."""
        for length in range(_STEP, min(_GUESSED, look.size) + 1, _STEP):
            behind = self._behind(look, element, length)
            if behind is not None and behind.kind is Kind.DATA and behind.length == length:
                return length
        return 0

    def _follows(self, element: Element, length: int) -> int:
        return element.data + length + self.form.behind(length)

    def _behind(self, look: Look, element: Element, length: int) -> Element | None:
        """Return what lies behind an element if its data has a length."""
        follows = self._follows(element, length)
        return self.form.element(look, follows) if follows <= look.size else None

    def _note(self, element: Element) -> None:
        if len(self.found.notes) < _NOTES_MOST:
            self.found.notes.append(f"byte {element.data}: {element.told}")
