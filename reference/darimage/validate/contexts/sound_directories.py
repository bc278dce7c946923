"""Which directories are as they must be for sure, found for all of them at once.

Of a good image that is every one, and none has to be taken apart entry by entry. Whatever is not
plainly sound here is looked at by the rules, which say what is wrong, if anything is.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.image import entries as columns
from darimage.image.directories import DirectoryTable
from darimage.image.names import Names
from darimage.image.reader import Image
from darimage.sections.bitmap import Bitmap
from darimage.sections.directory import CHUNK, HEAD
from darimage.sections.header import as_headers

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_DOT = ord(".")
_AT_ONCE = 1 << 16
_CHUNKS_AT_ONCE = 1 << 12
_WORD = np.arange(8)


def sound_directories(image: Image, tree: Names, types: tuple[Ints, Ints]) -> Bools:
    """Return which directories of an image are sound for sure.

    Args:
        image: The image.
        tree: What is named how.
        types: Numbers of the inodes that were found, ascending, and their file types.
    """
    table = image.front.directories
    if not len(table.rows) or table.chunk != CHUNK:
        return np.zeros(len(table.rows), np.bool_)
    sound, chunks = _has_its_data(table), table.chunks()
    bounds = np.searchsorted(chunks[0], np.arange(len(table.rows) + 1)).tolist()
    first = 0
    while first < len(table.rows):
        stop = max(first + 1, bisect_right(bounds, bounds[first] + _CHUNKS_AT_ONCE) - 1)
        here = slice(bounds[first], bounds[stop])
        entries = _Entries(table, slice(first, stop), tuple(column[here] for column in chunks))
        sound[first:stop] &= _of_entries(image, tree, entries, types)
        first = stop
    return sound


def _of_entries(image: Image, tree: Names, entries: _Entries, types: tuple[Ints, Ints]) -> Bools:
    """Return which of some directories have only good entries."""
    sound = entries.rows_with(entries.tiles)
    sound &= entries.rows_with(entries.has_good_name)
    sound &= entries.rows_with(entries.ascends)
    sound &= entries.rows_with(_fits(entries.found, types, image.exists))
    return sound & _begins_with_dots(tree, entries)


def _has_its_data(table: DirectoryTable) -> Bools:
    """Tell which directories are whole and of whole chunks."""
    size = as_headers(table.rows, table.order)["c_dinode"]["di_size"].astype(np.uint64)
    there = np.bincount(table.piece_owner, table.piece_length, len(size)).astype(np.uint64)
    return np.asarray((there == size) & (size % CHUNK == 0))


@dataclass
class _Entries:
    """All entries of some directories.

    Attributes:
        table: All directories.
        rows: Which of them.
        chunks: Of each of their chunks its row in the table, first byte and length.
    """

    table: DirectoryTable
    rows: slice
    chunks: tuple[Ints, ...]

    @property
    def count(self) -> int:
        """How many directories these are."""
        return int(self.rows.stop - self.rows.start)

    @cached_property
    def found(self) -> columns.Entries:
        """The entries."""
        _, starts, lengths = self.chunks
        table = self.table
        found, _ = columns.decode(
            table.data, starts, lengths, table.order, old_format=table.old_format
        )
        return found

    @cached_property
    def row(self) -> Ints:
        """The directory of each, counted from the first of these."""
        return np.asarray(self.chunks[0][self.found.chunk] - self.rows.start)

    def rows_with(self, good: Bools) -> Bools:
        """Return the directories of which all entries are good, and that have some."""
        count = self.count
        bad = np.bincount(self.row, ~good, count)
        return np.asarray((bad == 0) & (np.bincount(self.row, minlength=count) > 0))

    @cached_property
    def number(self) -> Ints:
        """The number of each within its directory."""
        return columns.number_within(self.row, np.arange(len(self.row)))

    @cached_property
    def tiles(self) -> Bools:
        """Which begin where the one before ends, or their chunk; the last of a chunk ends it."""
        found, (owner, starts, lengths) = self.found, self.chunks
        at, chunk = found.at - HEAD, found.chunk
        word = self.table.data.view("<u4" if self.table.order == "le" else ">u4")[(at >> 2) + 1]
        wide = word.astype(np.int64)
        end = at + (wide & 0xFFFF if self.table.order == "le" else wide >> 16)
        first = np.ones(len(chunk), np.bool_)
        first[1:] = chunk[1:] != chunk[:-1]
        last = np.append(first[1:], True)[: len(first)]
        begins = np.append(0, end[:-1])[: len(first)]
        good = np.where(first, at == starts[chunk], at == begins)
        good &= ~last | (end == starts[chunk] + lengths[chunk])
        empty = np.bincount(chunk, minlength=len(starts)) == 0
        bad_rows = np.isin(self.row, owner[empty] - self.rows.start) if empty.any() else False
        return np.asarray(good & ~np.asarray(bad_rows))

    @cached_property
    def has_good_name(self) -> Bools:
        """Which have a name that may be; the first two are looked at elsewhere."""
        return (self.number < 2) | ~columns.bad_names(self.table.data, self.found)

    @cached_property
    def ascends(self) -> Bools:
        """Which have a greater name than the one before, from the fourth on."""
        good = np.ones(len(self.row), np.bool_)
        later = np.flatnonzero(self.number > 2)
        for at in range(0, len(later), _AT_ONCE):
            self._compare(later[at : at + _AT_ONCE], good)
        return good

    def _compare(self, left: Ints, good: Bools) -> None:
        """Mark those of some entries that have no greater name than the one before."""
        for step in range(32):
            if not left.size:
                break
            one, other = self._words(left - 1, step), self._words(left, step)
            good[left[one > other]] = False
            left = left[one == other]
            ended = self.found.length[left] <= step * 8
            good[left[ended]] = False
            left = left[~ended]

    def _words(self, which: Ints, step: int) -> npt.NDArray[np.uint64]:
        """Return eight bytes of names as numbers; what lies behind a name is zero."""
        at, length = self.found.at[which] + step * 8, self.found.length[which].astype(np.int64)
        data = self.table.data
        taken = data[np.minimum(at[:, None] + _WORD, len(data) - 1)]
        taken[(length - step * 8)[:, None] <= _WORD] = 0
        return np.ascontiguousarray(taken).view(">u8").reshape(-1)


def _fits(found: columns.Entries, types: tuple[Ints, Ints], exists: Bitmap) -> Bools:
    """Tell which entries have the type of their inode, or name one that at least exists."""
    inodes, known = types
    number = found.inode.astype(np.int64)
    at = np.minimum(np.searchsorted(inodes, number), max(0, len(inodes) - 1))
    there = inodes[at] == number if len(inodes) else np.zeros(len(number), np.bool_)
    good = there & (known[at] == found.d_type) if len(inodes) else there
    other = np.flatnonzero(~there)
    good[other] = exists.holds(number[other])
    return np.asarray(good)


def _begins_with_dots(tree: Names, entries: _Entries) -> Bools:
    """Tell which directories begin with themselves and their parents."""
    table, count = entries.table, entries.count
    good = np.zeros(count, np.bool_)
    firsts = np.searchsorted(entries.row, np.arange(count), side="left")
    rows = np.flatnonzero(np.bincount(entries.row, minlength=count) >= 2)
    found, data = entries.found, table.data
    one, two = firsts[rows], firsts[rows] + 1
    numbers = table.numbers[entries.rows][rows]
    parents = np.array([tree.parent(number) for number in numbers.tolist()], np.int64)
    fine = (found.length[one] == 1) & (data[found.at[one]] == _DOT)
    fine &= (found.length[two] == 2) & (data[found.at[two]] == _DOT)
    fine &= data[np.minimum(found.at[two] + 1, len(data) - 1)] == _DOT
    fine &= (found.inode[one] == numbers) & (
        found.inode[two] == np.where(parents, parents, numbers)
    )
    good[rows] = fine
    return good
