"""Phase IV: the files of an image, a few megabytes at a time, from any point to any other."""

from __future__ import annotations

import stat
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image.headers import InodeHeaders, Rows, cover, seal
from darimage.image.inventory import Inventory
from darimage.image.layout import Layout, header_counts
from darimage.schema import InodeFlag
from darimage.sections import header, holes
from darimage.sections.header import Headers
from darimage.sections.offset_map import OffsetMap
from darimage.sources.scan import Contents, Filled, Piece, Shortfall
from darimage.units import ADDRESSES, RECORD, S_IFMT
from darimage.volumes.writing import Sink

_SPAN = ADDRESSES * RECORD
_UNIT_RECORDS = 8 * (ADDRESSES + 1)
_UNIT_HEADERS = 4096


class Point(NamedTuple):
    """A place in part 8: before a header of an inode.

    Attributes:
        row: Row of the inventory.
        number: Which of its headers, from 0.
    """

    row: int
    number: int


class Unit(NamedTuple):
    """Consecutive headers and their data: several one-header files, or headers of one file."""

    rows: Rows
    numbers: Rows
    last: bool


@dataclass
class Outcome:
    """What came of writing files.

    Attributes:
        start: Record the first of them really lies at.
        end: Record after the last.
        mismatches: Inodes that do not lie where the offset map says (DARI-OFF-004).
        substituted: Inode numbers with data that is zeros for want of better.
        faults: What to report.
    """

    start: int
    end: int
    mismatches: int = 0
    substituted: set[int] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)


class FileWriter:
    """Writes files of an inventory to a sink."""

    def __init__(
        self,
        inventory: Inventory,
        layout: Layout,
        headers: InodeHeaders,
        offsets: OffsetMap,
        sink: Sink,
    ) -> None:
        """Keep what is needed; ``offsets`` is the offset map as written."""
        self._inventory = inventory
        self._layout = layout
        self._headers = headers
        self._offsets = offsets
        self._sink = sink
        self._counts = header_counts(inventory.size)
        self._long = np.flatnonzero(self._counts > 1).tolist()
        self._buffer = np.empty((_UNIT_RECORDS + _UNIT_HEADERS, RECORD), np.uint8)
        self._memory = self._buffer.data.cast("B")

    def split(self, parts: int, before: int = 0) -> list[tuple[Point, Point]]:
        """Return ``parts`` (or fewer) stretches of part 8 that are about equally much work.

        Args:
            parts: How many.
            before: Work that comes before the first, in records copied.
        """
        first, end = self._inventory.directories, len(self._inventory)
        # A file costs about as much to open and close as eight records cost to copy.
        work = np.cumsum(self._layout.runs[first:] + 8)
        total = int(work[-1]) if len(work) else 0
        points = [Point(first, 0)]
        for part in range(1, parts):
            target = max(0, (total + before) * part // parts - before)
            row = int(np.searchsorted(work, target, side="right"))
            if row >= len(work):
                break
            done = int(work[row - 1]) if row else 0
            share = (target - done) / (int(work[row]) - done)
            point = Point(first + row, int(int(self._counts[first + row]) * share))
            if point > points[-1]:
                points.append(point)
        return list(zip(points, [*points[1:], Point(end, 0)], strict=True))

    def write(
        self, contents: Contents, start: Point, stop: Point, advance: Callable[[int], None]
    ) -> Outcome:
        """Write from one point to another and compare each inode's place with the map."""
        at = self._record_of(start)
        outcome = Outcome(at, at)
        for unit in self._units(start, stop):
            length = self._write_unit(contents, unit, outcome)
            outcome.end += length
            advance(length * RECORD)
        return outcome

    def _record_of(self, point: Point) -> int:
        if point.row == len(self._inventory):
            return self._layout.files
        before = self._present_before(point.row, point.number) + point.number
        return int(self._layout.positions[point.row]) + before

    def _present_before(self, row: int, number: int) -> int:
        extents = self._inventory.sparse.get(row)
        if extents is None:
            return number * ADDRESSES
        return int(holes.present_before(extents, np.array([number * ADDRESSES]))[0])

    def _units(self, start: Point, stop: Point) -> Iterator[Unit]:
        row, number = start
        while (row, number) < stop:
            if self._counts[row] == 1:
                end = self._end_of_short(row, stop.row)
                rows = np.arange(row, end)
                yield Unit(rows, np.zeros_like(rows), last=True)
                row = end
                continue
            count = int(self._counts[row])
            end = count if row < stop.row else stop.number
            while number < end:
                upto = min(end, self._end_of_long(row, number))
                numbers = np.arange(number, upto)
                yield Unit(np.full_like(numbers, row), numbers, last=upto == count)
                number = upto
            row, number = row + 1, 0

    def _end_of_short(self, row: int, stop: int) -> int:
        """Return the row after the one-header files that fit a unit together."""
        positions = self._layout.positions
        fit = int(np.searchsorted(positions, positions[row] + _UNIT_RECORDS)) - 1
        next_long = bisect_right(self._long, row)
        limit = self._long[next_long] if next_long < len(self._long) else stop
        return max(row + 1, min(fit, limit, stop))

    def _end_of_long(self, row: int, number: int) -> int:
        """Return the header after those of a file that fit a unit."""
        extents = self._inventory.sparse.get(row)
        if extents is None:
            return number + _UNIT_RECORDS // (ADDRESSES + 1)
        candidates = np.arange(number, number + _UNIT_HEADERS + 1)
        present = holes.present_before(extents, candidates * ADDRESSES)
        lengths = candidates - number + present - present[0]
        return number + max(1, int(np.searchsorted(lengths, _UNIT_RECORDS, side="right")) - 1)

    def _write_unit(self, contents: Contents, unit: Unit, outcome: Outcome) -> int:
        made = self._headers.make(unit.rows, unit.numbers)
        held = _present(made)
        attributes = self._attribute_records(unit)
        lengths = 1 + held + attributes
        starts = np.cumsum(lengths) - lengths
        length = int(lengths.sum())
        records = self._buffer[:length]
        # The rest of a file's last record is zero; the buffer still holds older data there.
        records[(starts + held)[held > 0]] = 0
        if self._counts[unit.rows[0]] > 1:
            self._fill_long(contents, unit, made, starts, outcome)
        else:
            self._fill_short(contents, unit, made, starts, outcome)
        true = outcome.end + starts
        at = np.flatnonzero(attributes)
        if at.size:
            begins, flags = starts[at] + 1 + held[at], made["c_dinode"]["di_flags"][at]
            rows = unit.rows[at]
            records[begins + attributes[at] - 1] = 0
            records[begins] = self._headers.attributes(rows, outcome.end + begins, flags)
            for row, begin in zip(rows.tolist(), begins.tolist(), strict=True):
                payload = self._inventory.attributes[row]
                place = (begin + 1) * RECORD
                self._memory[place : place + len(payload)] = payload
        if self._inventory.hole_ended:
            self._mark_holes(unit, made, records, starts + held)
        cover(made, records, starts, held)
        seal(made, true, self._layout.cut)
        records[starts] = header.as_records(made)
        self._sink.write_at(outcome.end * RECORD, self._memory[: length * RECORD])
        first = unit.numbers == 0
        mapped = self._offsets.of(self._inventory.inode[unit.rows[first]])
        real = self._layout.cut.physical(true[first]).astype(np.uint64)
        outcome.mismatches += int((real * RECORD != mapped).sum())
        return length

    def _mark_holes(
        self, unit: Unit, made: Headers, records: npt.NDArray[np.uint8], ends: Rows
    ) -> None:
        """Flag the last block of files that ended in a hole when they were scanned (DARI-FIL-020).

        What was written there meanwhile is data, and no hole.

        Args:
            unit: The headers.
            made: Likewise.
            records: Their records.
            ends: Where the last record of each lies among them.
        """
        last = unit.numbers == self._counts[unit.rows] - 1
        for at in np.flatnonzero(last).tolist():
            if int(unit.rows[at]) in self._inventory.hole_ended and not records[ends[at]].any():
                made["extension"]["flags"][at] |= int(InodeFlag.INODE_END_IS_HOLE)

    def _attribute_records(self, unit: Unit) -> Rows:
        """Return how many attribute records follow the data of each header."""
        last = unit.numbers == self._counts[unit.rows] - 1
        found: Rows = np.where(last, self._inventory.attribute_records[unit.rows], 0)
        return found.astype(np.int64)

    def _fill_short(
        self, contents: Contents, unit: Unit, made: Headers, starts: Rows, outcome: Outcome
    ) -> None:
        numbers = self._inventory.numbers(unit.rows)
        sizes = self._inventory.size[unit.rows].tolist()
        memory = self._memory
        begins = ((starts + 1) * RECORD).tolist()
        views: list[memoryview | None] = [
            memory[begin : begin + size] for begin, size in zip(begins, sizes, strict=True)
        ]
        regular = self._inventory.mode[unit.rows] & S_IFMT == stat.S_IFREG
        special = self._special(unit, regular, sizes)
        for at in special:
            views[at] = None
        filled = _fill_whole(contents, numbers, views)
        for at, short in filled.shortfalls:
            self._note(short, made[at : at + 1], 0, outcome)
        for at in special:
            if not sizes[at]:
                continue
            pieces = self._pieces(int(unit.rows[at]), 0, starts[at : at + 1])
            shortfall = contents.fill(int(numbers[at]), pieces)
            if regular[at]:
                filled.flags[at] = contents.flags(int(numbers[at]))
            if shortfall is not None:
                self._note(shortfall, made[at : at + 1], 0, outcome)
        made["c_dinode"]["di_flags"] = filled.flags

    def _special(self, unit: Unit, regular: npt.NDArray[np.bool_], sizes: list[int]) -> list[int]:
        """Return which inodes of a unit are no regular files without holes."""
        inventory, first = self._inventory, int(unit.rows[0])
        special = np.flatnonzero(~regular).tolist()
        if inventory.sparse:
            special += [
                at for at in range(len(sizes)) if sizes[at] and first + at in inventory.sparse
            ]
        if inventory.base_inode is not None:
            special += np.flatnonzero(inventory.base_inode[unit.rows]).tolist()
        return sorted(set(special))

    def _fill_long(
        self, contents: Contents, unit: Unit, made: Headers, starts: Rows, outcome: Outcome
    ) -> None:
        row, first = int(unit.rows[0]), int(unit.numbers[0])
        number = int(self._inventory.numbers(unit.rows[:1])[0])
        short = contents.fill(number, self._pieces(row, first, starts), last=unit.last)
        made["c_dinode"]["di_flags"] = contents.flags(number)
        if short is not None:
            self._note(short, made, first, outcome)

    def _pieces(self, row: int, first: int, starts: Rows) -> list[Piece]:
        """Return where the data of consecutive headers of a file goes.

        Args:
            row: Row of the file.
            first: Number of the first of the headers.
            starts: Where the headers lie in the buffer, in records.
        """
        size = int(self._inventory.size[row])
        extents = self._inventory.sparse.get(row)
        if extents is None:
            extents = holes.whole(size)
        free = (starts + 1).tolist()
        pieces: list[Piece] = []
        for start, count in holes.window(
            extents, first * ADDRESSES, len(free) * ADDRESSES
        ).tolist():
            views = []
            offset = (first * ADDRESSES + start) * RECORD
            left = min(size - offset, count * RECORD)
            while left:
                which, into = divmod(start, ADDRESSES)
                length = min(left, (ADDRESSES - into) * RECORD)
                begin = free[which] * RECORD
                views.append(self._memory[begin : begin + length])
                free[which] += -(-length // RECORD)
                start, left = (which + 1) * ADDRESSES, left - length
            pieces.append((offset, views))
        return pieces

    def _note(self, short: Shortfall, made: Headers, first: int, outcome: Outcome) -> None:
        outcome.faults.append(short.fault)
        for start, end in short.ranges:
            low, high = start // _SPAN - first, -(-end // _SPAN) - first
            made["extension"]["flags"][low:high] |= int(InodeFlag.INODE_SUBSTITUTED)
            outcome.substituted.add(int(made["c_inumber"][0]))


def _present(made: Headers) -> Rows:
    """Return how many records follow each header: the sum of its map, four entries at once."""
    words = np.ascontiguousarray(made["c_addr"]).view(np.uint32).sum(axis=1, dtype=np.uint32)
    held: Rows = words.view(np.uint8).reshape(-1, words.itemsize).sum(axis=1, dtype=np.int64)
    return held


def _fill_whole(contents: Contents, numbers: Rows, views: list[memoryview | None]) -> Filled:
    """Do what ``Contents.fill_whole`` does for files that need not be consecutive in the scan."""
    edges = [0, *(np.flatnonzero(np.diff(numbers) != 1) + 1).tolist(), len(views)]
    filled = Filled([], [])
    for start, stop in pairwise(edges):
        part = contents.fill_whole(int(numbers[start]), views[start:stop])
        filled.flags.extend(part.flags)
        filled.shortfalls.extend((start + at, short) for at, short in part.shortfalls)
    return filled
