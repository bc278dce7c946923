"""Images too big to be made: all but the files' data is real, the files are made when read.

The front, the trailing section and the end come from the encoder itself; what a reader asks for of
part 8 is put together at that moment, headers by the encoder and data by a rule.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

import numpy as np

from darimage.image import headers, writer
from darimage.image.files import Outcome
from darimage.progress import SILENT
from darimage.sections import header
from darimage.sources.scan import FIELDS, WIDTH, Scan
from darimage.units import ADDRESSES, RECORD
from darimage.volumes.cut import ONE_VOLUME

_SPAN = ADDRESSES + 1
_MODE, _SIZE, _MTIME = (FIELDS.index(name) for name in ("mode", "size", "mtime_ns"))


def scan_of(directories):
    """Return the scan of a root whose directories hold regular files.

    Args:
        directories: For each directory its name, the names of its files (ascending) and their
            sizes; directories ascend by name too.
    """
    scan = Scan()
    row = [0] * WIDTH
    row[_MODE] = 0o40755
    scan.add_directory(row, -1, 0)
    entries = [scan.add_entry(name) for name, _, _ in directories]
    for entry, (_, names, sizes) in zip(entries, directories, strict=True):
        parent = scan.add_directory(row, entry, 0)
        table = np.zeros((len(names), WIDTH), np.int64)
        table[:, _MODE] = 0o100644
        table[:, _SIZE] = sizes
        table[:, _MTIME] = 1_700_000_000 * 10**9
        first, named = len(scan.other_parent), len(scan.names)
        scan.others.frombytes(table.tobytes())
        scan.names += names
        scan.targets.extend(range(first, first + len(names)))
        scan.other_entry.extend(range(named, named + len(names)))
        scan.other_parent.extend(array("q", [parent]) * len(names))
    return scan


def data(inode, block, count):
    """Return ``count`` records of a file's data, from a block on: shape ``(count, 1024)``."""
    made = np.empty((count, RECORD // 16, 2), "<u8")
    made[:, :, 0] = inode
    made[:, :, 1] = np.arange(block, block + count)[:, None]
    return made.reshape(count, -1).view(np.uint8)


class _Scanned:
    """A source that is scanned already."""

    filesys, device = b"/recipe", b"recipe"

    def __init__(self, scan):
        self._scan = scan

    def scan(self, progress):
        return self._scan


class Segments:
    """A sink that keeps what is written where."""

    name, seekable = "recipe", False

    def __init__(self):
        self.at = []
        self.pieces = []

    def write_at(self, offset, piece):
        at = bisect_right(self.at, offset)
        self.at.insert(at, offset)
        self.pieces.insert(at, bytes(piece))


class _Outline(writer._Writer):
    """Writes all but the files."""

    def _files(self, *parts):
        self._write_front(*reversed(parts), SILENT.advance)
        return [Outcome(self.layout.files, self.layout.trailing.record or self.layout.end)]


class Recipe:
    """An image as a volume to read from.

    Attributes:
        segments: What is there of it before anything is read.
    """

    name = "recipe"
    cut = ONE_VOLUME

    def __init__(self, scan, numbering=None):
        self.segments = Segments()
        outline = _Outline(_Scanned(scan), self.segments, writer.Options(), SILENT)
        self.report = outline.run((lambda _: numbering) if numbering else writer.fresh)
        self.layout, self.inventory = outline.layout, outline.inventory
        self._headers = headers.InodeHeaders(outline.inventory, outline.layout, outline.identity)
        self._positions = self.layout.positions[self.inventory.directories :]
        self._end = self.layout.trailing.record or self.layout.end
        self.size = self.layout.total * RECORD
        self.bytes_read = self.reads = 0

    def read_at(self, offset, length):
        length = max(0, min(length, self.size - offset))
        space = np.zeros(length, np.uint8)
        self._fill(offset, space)
        self.bytes_read += length
        self.reads += 1
        return space.tobytes()

    def readinto_at(self, offset, views):
        total = 0
        for view in views:
            got = self.read_at(offset + total, view.nbytes)
            view.cast("B")[: len(got)] = got
            total += len(got)
        return total

    def missing(self, start, end):
        return []

    def close(self):
        pass

    def write(self, path, rows):
        """Write a sparse file with all segments and the runs of some rows."""
        with open(path, "wb") as file:
            for at, piece in zip(self.segments.at, self.segments.pieces, strict=True):
                file.seek(at)
                file.write(piece)
            for row in rows:
                at, count = int(self.layout.positions[row]), int(self.layout.runs[row])
                file.seek(at * RECORD)
                file.write(self.read_at(at * RECORD, count * RECORD))

    def _fill(self, offset, space):
        segments = self.segments
        at = max(0, bisect_right(segments.at, offset) - 1)
        for start, piece in zip(segments.at[at:], segments.pieces[at:], strict=True):
            if start >= offset + len(space):
                break
            low, high = max(offset, start), min(offset + len(space), start + len(piece))
            if low < high:
                part = np.frombuffer(piece, np.uint8)[low - start : high - start]
                space[low - offset : high - offset] = part
        low = max(offset, self.layout.files * RECORD)
        high = min(offset + len(space), self._end * RECORD)
        if low < high:
            first, last = low // RECORD, -(-high // RECORD)
            part = self._files(np.arange(first, last)).reshape(-1)
            begin = low - first * RECORD
            space[low - offset : high - offset] = part[begin : begin + high - low]

    def _files(self, records):
        """Return records of part 8."""
        at = np.searchsorted(self._positions, records, side="right") - 1
        rows = at + self.inventory.directories
        number, into = np.divmod(records - self._positions[at], _SPAN)
        made = np.zeros((len(records), RECORD), np.uint8)
        heads = np.flatnonzero(into == 0)
        if heads.size:
            sealed = self._headers.make(rows[heads], number[heads])
            header.seal(sealed, records[heads])
            made[heads] = header.as_records(sealed)
        for k in np.flatnonzero(into).tolist():
            row, block = int(rows[k]), int(number[k] * ADDRESSES + into[k] - 1)
            made[k] = data(int(self.inventory.inode[row]), block, 1)[0]
            left = int(self.inventory.size[row]) - block * RECORD
            made[k, max(0, left) :] = 0
        return made
