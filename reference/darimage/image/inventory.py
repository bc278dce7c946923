"""What goes into an image: every inode a row of columns, numbered as the image numbers it.

Rows are in the order of the image: the directories, root first, then the others, both ascending by
inode number.
"""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.image.numbering import ROOT, Numbering, fresh
from darimage.sections import directory, holes
from darimage.sections.holes import Extents
from darimage.sources.scan import FIELDS, WIDTH, Scan
from darimage.units import records_of

__all__ = ["ROOT", "Column", "Inventory", "StreamPlace"]

Column = npt.NDArray[np.int64]


class StreamPlace(NamedTuple):
    """A stream directory of an image.

    Attributes:
        number: Its inode number.
        row: Row of the inode that it belongs to.
        entries: Name and inode number of each stream, ascending by name.
    """

    number: int
    row: int
    entries: list[tuple[bytes, int]]


class Inventory:
    """The inodes of an image as columns of the same length.

    Attributes:
        scan: Where it comes from.
        numbering: The numbers, and what the image holds.
        directories: How many rows are directories; they come first.
        inode: Inode numbers in the image.
        existing: Numbers of all inodes that exist, in the image or not (bitmap I).
        mode, uid, gid, rdev: As ``stat`` has them.
        flags: Inode flags of directories; those of files are read with their data.
        size: Bytes; of a directory the bytes of its entries in the image.
        atime_ns, mtime_ns, ctime_ns, birthtime_ns: Nanoseconds since 1970.
        source_device, source_inode: Where the source has it.
        nlink: Names in the image; directories 2 + subdirectories (DARI-FIL-009).
        sparse: Present records of the rows that have holes.
        hole_ended: Those of them whose last record was a hole at the scan (DARI-FIL-019).
        attributes: Payloads of the attribute records of the rows that have some.
        attribute_records: Attribute records of each row, header included.
        streams: The stream directories, ascending by number.
        base_inode: Of each row that is a stream, the inode it belongs to; ``None`` without streams.
        stream_directory: Of each row with streams, the number of its stream directory; likewise.
        nt_acls: Descriptor and origin by inode number.
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
    source_device: Column
    source_inode: Column

    def __init__(self, scan: Scan, numbering: Numbering | None = None) -> None:
        """Lay out the rows of what an image holds; by default that of a full image."""
        self.scan = scan
        self.numbering = numbering or fresh(scan)
        above, below = self._chosen()
        self.directories = len(above)
        self._scanned = len(scan.directory_parent)
        self._take_columns(above, below)
        self._take_links()
        self._take_sparse()
        self._take_attached()
        self.size[: self.directories] = self._directory_sizes()

    def __len__(self) -> int:
        return len(self.inode)

    @property
    def highest(self) -> int:
        """The highest inode number that exists."""
        return int(self.existing.max())

    @property
    def held(self) -> Column:
        """Numbers of all inodes that the image holds (bitmap II)."""
        streams = np.array([place.number for place in self.streams], np.int64)
        return np.concatenate((self.inode, streams))

    def numbers(self, rows: Column) -> Column:
        """Return the scan's numbers of rows that are no directories."""
        numbers: Column = self._source[rows].astype(np.int64) - self._scanned
        return numbers

    def is_stream(self, row: int) -> bool:
        """Tell whether a row is a stream."""
        return self.base_inode is not None and bool(self.base_inode[row])

    def path(self, row: int) -> bytes:
        """Return the first path of a row."""
        at = int(self._source[row])
        return self.scan.key_path(at - self._scanned if at >= self._scanned else ~at)

    def directory_data(self, row: int) -> bytes:
        """Return the entries of a directory as an image has them (chapter 50)."""
        at = int(self._source[row])
        first, last = self._entries(at)
        targets = self._targets[first:last]
        inodes = self._numbers[targets].tolist()
        types = self._types[targets].tolist()
        parent = int(self._numbers[self.scan.directory_parent[at]])
        dots = [(int(self.inode[row]), 4, b"."), (parent, 4, b"..")]
        named = zip(inodes, types, self.scan.names[first:last], strict=True)
        return directory.encode(chain(dots, named))

    def _chosen(self) -> tuple[Column, Column]:
        """Return the scan's numbers of the directories and of the others, ascending by inode."""
        numbering = self.numbering
        above = _ascending(numbering.directories, numbering.held_directories)
        below = _ascending(numbering.others, numbering.held_others)
        return above, below

    def _take_columns(self, above: Column, below: Column) -> None:
        scan, numbering = self.scan, self.numbering
        directories = np.frombuffer(scan.directories, np.int64).reshape(-1, WIDTH)
        others = np.frombuffer(scan.others, np.int64).reshape(-1, WIDTH)
        for column, name in enumerate(FIELDS):
            parts = directories[:, column][above], others[:, column][below]
            setattr(self, name, _held_once(np.concatenate(parts)))
        # Those of directories are not known yet.
        self.size = np.require(self.size, requirements="W")
        at = FIELDS.index("mode")
        modes = np.concatenate((directories[:, at], others[:, at]))
        self._types = (modes >> 12).astype(np.uint8)
        # A million inodes: columns that are the same, or small numbers, are not held twice or wide.
        self._source = np.concatenate((above, below + self._scanned)).astype(np.int32)
        self._numbers = np.concatenate((numbering.directories, numbering.others))
        numbers = self._numbers[self._source]
        same = np.array_equal(numbers, self._numbers)
        self.inode = self._numbers if same else numbers
        streams = np.array(list(numbering.stream_directories.values()), np.int64)
        more = np.concatenate((streams, numbering.out_of_reach))
        self.existing = np.concatenate((self._numbers, more)) if len(more) else self._numbers

    def _take_links(self) -> None:
        scan = self.scan
        targets = np.frombuffer(scan.targets, np.int64)
        self._targets = np.where(targets < 0, ~targets, targets + self._scanned)
        names = np.bincount(self._targets, minlength=len(self._types))
        parents = np.frombuffer(scan.directory_parent, np.int64)[1:]
        names[: self._scanned] = 2 + np.bincount(parents, minlength=self._scanned)
        names[[number + self._scanned for number in scan.stream_of]] = 1
        self.nlink = names[self._source].astype(np.int64)

    def _take_sparse(self) -> None:
        self.sparse: dict[int, Extents] = {}
        self.hole_ended: set[int] = set()
        for number, ranges in self.scan.extents.items():
            row = self._row_of(number)
            if row is None:
                continue
            size = int(self.size[row])
            extents = holes.from_ranges(ranges, size)
            if holes.ends_in_hole(extents, size):
                extents = holes.with_last(extents, size)
                self.hole_ended.add(row)
            self.sparse[row] = extents

    def _take_attached(self) -> None:
        """Take what few inodes have: extended attributes, NT ACLs, streams."""
        scan = self.scan
        self.attributes: dict[int, bytes] = {}
        self.attribute_records = np.zeros(len(self), np.uint16)
        for key, payload in scan.xattrs.items():
            if (row := self._row_of(key)) is not None:
                self.attributes[row] = payload
                self.attribute_records[row] = 1 + records_of(len(payload))
        self.nt_acls: dict[int, tuple[bytes, bytes]] = {}
        for key, acl in scan.nt_acls.items():
            if (row := self._row_of(key)) is not None:
                self.nt_acls[int(self.inode[row])] = acl
        self.streams: list[StreamPlace] = []
        self.base_inode: npt.NDArray[np.uint32] | None = None
        self.stream_directory: npt.NDArray[np.uint32] | None = None
        if scan.streams:
            self._take_streams()

    def _take_streams(self) -> None:
        self.base_inode = np.zeros(len(self), np.uint32)
        self.stream_directory = np.zeros(len(self), np.uint32)
        for key, number in self.numbering.stream_directories.items():
            row = self._row_of(key)
            found = self.scan.streams[key]
            for stream in found:
                if row is not None and (own := self._row_of(stream.number)) is not None:
                    self.base_inode[own] = self.inode[row]
            if row is not None:
                self.stream_directory[row] = number
                names = sorted((s.name, int(self.numbering.others[s.number])) for s in found)
                self.streams.append(StreamPlace(number, row, names))
        self.streams.sort()

    def _row_of(self, key: int) -> int | None:
        """Return the row of an inode by its key in the scan, ``None`` if the image lacks it."""
        source = ~key if key < 0 else key + self._scanned
        low, high = (0, self.directories) if key < 0 else (self.directories, len(self))
        inode = self._numbers[source]
        at = low + int(np.searchsorted(self.inode[low:high], inode))
        return at if at < high and self.inode[at] == inode else None

    def _entries(self, at: int) -> tuple[int, int]:
        starts = self.scan.first_entry
        last = starts[at + 1] if at + 1 < len(starts) else len(self.scan.names)
        return starts[at], last

    def _directory_sizes(self) -> list[int]:
        names = self.scan.names
        spans = (self._entries(at) for at in self._source[: self.directories].tolist())
        return [directory.size_of([1, 2, *map(len, names[first:last])]) for first, last in spans]


def _held_once(column: Column) -> Column:
    """Return a column that holds a number that all rows have, as most owners, only once."""
    same = (column == column[0]).all()
    return np.broadcast_to(column[:1].copy(), column.shape) if same else column


def _ascending(numbers: Column, held: npt.NDArray[np.bool_] | None) -> Column:
    """Return where the numbers of what is held stand, ascending by number."""
    order = np.argsort(numbers, kind="stable")
    return order if held is None else order[held[order]]
