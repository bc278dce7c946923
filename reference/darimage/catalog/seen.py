"""What was seen of a tree at one time: its inodes as columns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

INODE, STREAM_DIRECTORY, STREAM = range(3)
"""Kinds of a row: a file or directory that has names, what holds its streams, one of these."""

STATE = (
    "kind",
    "base",
    "parent",
    "device",
    "inode",
    "mode",
    "size",
    "mtime_ns",
    "ctime_ns",
    "names",
    "sure",
)
"""Columns besides the number."""

COMPARED = ("mode", "size", "mtime_ns", "ctime_ns", "names")
"""What counts as a change of an inode (DARI-INC-003)."""


@dataclass(frozen=True)
class Seen:
    """Inodes, ascending by number; all columns are 64-bit.

    Attributes:
        number: Number in the images of the backup set.
        kind: ``INODE``, ``STREAM_DIRECTORY`` or ``STREAM``.
        base: Number of the inode that a stream or stream directory belongs to, else 0.
        parent: Number of a directory that names it; 0 of the root, unknown otherwise.
        device: ``st_dev`` in the source; 0 unknown.
        inode: ``st_ino`` in the source; 0 unknown.
        mode: ``st_mode``.
        size: Bytes; 0 of directories.
        mtime_ns: Nanoseconds since 1970.
        ctime_ns: Likewise.
        names: Sum over the names of the inode and the names in it (``naming``).
        sure: Whether the image holds it as it is described here.
        streams: Name of each stream, by number.
    """

    number: Column
    kind: Column
    base: Column
    parent: Column
    device: Column
    inode: Column
    mode: Column
    size: Column
    mtime_ns: Column
    ctime_ns: Column
    names: Column
    sure: Column
    streams: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def nothing(cls) -> Seen:
        """Return no inodes."""
        return cls.of(np.zeros((0, 1 + len(STATE)), np.int64), {})

    @classmethod
    def of(cls, rows: Column, streams: dict[int, bytes]) -> Seen:
        """Return rows of shape (n, 12), in any order, as columns; they may share memory."""
        names = ("number", *STATE)
        columns = {name: rows[:, at] for at, name in enumerate(names)}
        return cls(**columns, streams=streams).sorted()

    def __len__(self) -> int:
        return len(self.number)

    def rows(self) -> Column:
        """Return the columns as rows of shape (n, 12)."""
        return np.stack([self.number, *(getattr(self, name) for name in STATE)], axis=1)

    def sorted(self) -> Seen:
        """Return the inodes, ascending by number."""
        if (np.diff(self.number) > 0).all():
            return self
        return self.pick(np.argsort(self.number, kind="stable"))

    def joined(self, other: Seen) -> Seen:
        """Return the inodes of both, which have none in common."""
        rows = np.concatenate((self.rows(), other.rows()))
        return Seen.of(rows, {**other.streams, **self.streams})

    def below(self, directories: Column) -> Mask:
        """Tell which inodes are below some directories, streams included."""
        found = np.zeros(len(self), np.bool_)
        above = directories
        while above.size:
            new = (np.isin(self.parent, above) | np.isin(self.base, above)) & ~found
            found |= new
            above = self.number[new]
        return found

    def pick(self, keep: Any) -> Seen:
        """Return some of the inodes, by whatever selects from an array."""
        columns = {name: getattr(self, name)[keep] for name in ("number", *STATE)}
        return replace(self, **columns)

    def find(self, numbers: Column) -> tuple[Column, Mask]:
        """Return where numbers stand, and which of them stand there at all."""
        if not len(self):
            return np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.bool_)
        at = np.minimum(np.searchsorted(self.number, numbers), len(self) - 1)
        return at, self.number[at] == numbers

    def differs(self, other: Seen, columns: tuple[str, ...] = COMPARED) -> Mask:
        """Tell which inodes are not there in ``other``, or are different there."""
        at, known = other.find(self.number)
        differs = ~known
        if len(other):
            for name in columns:
                differs |= getattr(self, name) != getattr(other, name)[at]
        return differs
