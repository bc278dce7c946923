"""What goes into an image: every inode a row of columns, numbered as the image numbers it.

Rows are in the order of the image: the directories, root first, then the others, both ascending by
inode number.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
import numpy.typing as npt

from darimage.sections import directory, holes
from darimage.sections.holes import Extents
from darimage.sources.scan import FIELDS, WIDTH, Scan

ROOT = 2
"""Inode number of the root directory."""

Column = npt.NDArray[np.int64]


class Inventory:
    """The inodes of an image as columns of the same length.

    Attributes:
        scan: Where it comes from.
        directories: How many rows are directories; they come first.
        inode: Inode numbers in the image.
        mode, uid, gid, rdev: As ``stat`` has them.
        flags: Inode flags of directories; those of files are read with their data.
        size: Bytes; of a directory the bytes of its entries in the image.
        atime_ns, mtime_ns, ctime_ns, birthtime_ns: Nanoseconds since 1970.
        nlink: Names in the image; directories 2 + subdirectories (DARI-FIL-009).
        sparse: Present records of the rows that have holes.
        hole_ended: Those of them whose last record is present for old readers only (DARI-FIL-019).
    """

    mode: Column
    uid: Column
    gid: Column
    size: Column
    rdev: Column
    flags: Column
    atime_ns: Column
    mtime_ns: Column
    ctime_ns: Column
    birthtime_ns: Column

    def __init__(self, scan: Scan) -> None:
        """Number the inodes of a full image (DARI-DIR-014)."""
        self.scan = scan
        self.directories = len(scan.directory_parent)
        above = np.frombuffer(scan.directories, np.int64).reshape(-1, WIDTH)
        below = np.frombuffer(scan.others, np.int64).reshape(-1, WIDTH)
        for column, name in enumerate(FIELDS):
            setattr(self, name, np.concatenate((above[:, column], below[:, column])))
        self.inode = np.arange(ROOT, ROOT + len(self.mode), dtype=np.int64)
        targets = np.frombuffer(scan.targets, np.int64)
        self._target_rows = np.where(targets < 0, ~targets, targets + self.directories)
        self.nlink = self._count_names()
        self.sparse: dict[int, Extents] = {}
        self.hole_ended: set[int] = set()
        for number, extents in scan.extents.items():
            row = number + self.directories
            self._add_sparse(row, holes.from_ranges(extents, int(self.size[row])))
        self.size[: self.directories] = self._directory_sizes()

    def __len__(self) -> int:
        return len(self.inode)

    @property
    def highest(self) -> int:
        """The highest inode number."""
        return int(self.inode[-1])

    def path(self, row: int) -> bytes:
        """Return the first path of a row."""
        if row < self.directories:
            return self.scan.directory_path(row)
        return self.scan.other_path(row - self.directories)

    def directory_data(self, row: int) -> bytes:
        """Return the entries of a directory as an image has them (chapter 50)."""
        first, last = self._entries(row)
        rows = self._target_rows[first:last]
        inodes = self.inode[rows].tolist()
        types = (self.mode[rows] >> 12).tolist()
        parent = int(self.inode[self.scan.directory_parent[row]])
        dots = [(int(self.inode[row]), 4, b"."), (parent, 4, b"..")]
        named = zip(inodes, types, self.scan.names[first:last], strict=True)
        return directory.encode(chain(dots, named))

    def _add_sparse(self, row: int, extents: Extents) -> None:
        if holes.ends_short(extents, int(self.size[row])):
            extents = extents.copy()
            extents[-1, 1] += 1
            self.hole_ended.add(row)
        self.sparse[row] = extents

    def _entries(self, row: int) -> tuple[int, int]:
        starts = self.scan.first_entry
        last = starts[row + 1] if row + 1 < len(starts) else len(self.scan.names)
        return starts[row], last

    def _count_names(self) -> Column:
        names = np.bincount(self._target_rows, minlength=len(self.mode))
        parents = np.frombuffer(self.scan.directory_parent, np.int64)[1:]
        names[: self.directories] = 2 + np.bincount(parents, minlength=self.directories)
        return names.astype(np.int64)

    def _directory_sizes(self) -> list[int]:
        lengths = [len(name) for name in self.scan.names]
        spans = (self._entries(row) for row in range(self.directories))
        return [directory.size_of([1, 2, *lengths[first:last]]) for first, last in spans]
