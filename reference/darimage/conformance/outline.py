"""Images too big to be made: all but the files' data is real, the files are made when read.

The front, the trailing section and the end come from the encoder itself; what a reader asks for of
part 8 is put together at that moment, headers by the encoder and data by a rule.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from darimage.image import headers, writer
from darimage.image.files import Outcome
from darimage.image.numbering import Numbering, fresh
from darimage.progress import SILENT, Progress
from darimage.sections import header
from darimage.sections.crc import crc32c
from darimage.sections.offset_map import OffsetMap
from darimage.sources.scan import FIELDS, WIDTH, Scan, Source
from darimage.units import ADDRESSES, RECORD
from darimage.volumes.cut import ONE_VOLUME
from darimage.volumes.reading import Gap
from darimage.volumes.writing import Sink

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.uint8]
Directory = tuple[bytes, list[bytes], Sequence[int]]

_SPAN = ADDRESSES + 1
_CRC_OF_ZEROS = crc32c(bytes(ADDRESSES * RECORD))
_AT_ONCE = 1 << 12
_MODE, _SIZE, _MTIME = (FIELDS.index(name) for name in ("mode", "size", "mtime_ns"))
MTIME_NS = 1_700_000_000 * 10**9
"""When all files were changed, nanoseconds since 1970."""

IDENTITY = (1_700_000_000, bytes.fromhex("d0d0caca000040008000000000000900"))
"""Date and UUID of an image if nothing else is said."""


def scan_of(directories: Iterable[Directory]) -> Scan:
    """Return the scan of a root whose directories hold regular files.

    Args:
        directories: For each directory its name, the names of its files (ascending) and their
            sizes; directories ascend by name too.
    """
    scan, listed = Scan(), list(directories)
    row = [0] * WIDTH
    row[_MODE] = 0o40755
    scan.add_directory(row, -1, 0)
    entries = [scan.add_entry(name) for name, _, _ in listed]
    for entry, (_, names, sizes) in zip(entries, listed, strict=True):
        parent = scan.add_directory(row, entry, 0)
        table = np.zeros((len(names), WIDTH), np.int64)
        table[:, _MODE] = 0o100644
        table[:, _SIZE] = sizes
        table[:, _MTIME] = MTIME_NS
        first, named = len(scan.other_parent), len(scan.names)
        scan.others.frombytes(table.tobytes())
        scan.names += names
        scan.targets.extend(range(first, first + len(names)))
        scan.other_entry.extend(range(named, named + len(names)))
        scan.other_parent.extend(array("q", [parent]) * len(names))
    return scan


def data(inode: int, block: int, count: int) -> Rows:
    """Return ``count`` records of a file's data, from a block on: shape ``(count, 1024)``."""
    made = np.empty((count, RECORD // 16, 2), "<u8")
    made[:, :, 0] = inode
    made[:, :, 1] = np.arange(block, block + count)[:, None]
    return made.reshape(count, -1).view(np.uint8)


class _Scanned:
    """A source that is scanned already."""

    filesys, device = b"/recipe", b"recipe"

    def __init__(self, scan: Scan) -> None:
        self._scan = scan

    def scan(self, _progress: Progress) -> Scan:
        return self._scan


class Segments:
    """A sink that keeps what is written where.

    Attributes:
        at: Where each piece lies, ascending.
        pieces: The pieces.
    """

    name, seekable = "recipe", False

    def __init__(self) -> None:
        """Begin with nothing."""
        self.at: list[int] = []
        self.pieces: list[bytes] = []

    def write_at(self, offset: int, piece: Any) -> None:
        """Keep a piece."""
        at = bisect_right(self.at, offset)
        self.at.insert(at, offset)
        self.pieces.insert(at, bytes(piece))


class _Outline(writer._Writer):
    """Writes all but the files."""

    def _files(self, offsets: OffsetMap, acls: bytes | None) -> list[Outcome]:
        self._write_front(acls, offsets, SILENT.advance)
        return [Outcome(self.layout.files, self.layout.trailing.record or self.layout.end)]


class Recipe:
    """An image as a volume to read from.

    Attributes:
        segments: What is there of it before anything is read.
        size: Bytes of the image.
        layout: Where its parts lie.
        inventory: What is in it.
    """

    name = "recipe"
    cut = ONE_VOLUME

    def __init__(
        self,
        scan: Scan,
        numbering: Numbering | None = None,
        *,
        ends_only: bool = False,
        identity: tuple[int, bytes] = IDENTITY,
    ) -> None:
        """Write all but the files.

        Args:
            scan: What goes in.
            numbering: Inode numbers; by default those that the encoder gives.
            ends_only: Files are zero but for their first and last blocks.
            identity: Date (seconds since 1970) and UUID of the image.
        """
        self.segments = Segments()
        source, sink = cast("Source", _Scanned(scan)), cast("Sink", self.segments)
        options = writer.Options(label=b"giant", reproducible=True, identity=identity)
        outline = _Outline(source, sink, options, SILENT)
        self.report = outline.run((lambda _: numbering) if numbering else fresh, lambda _: None)
        self.layout, self.inventory = outline.layout, outline.inventory
        self._headers = headers.InodeHeaders(outline.inventory, outline.layout, outline.identity)
        self._positions: Ints = self.layout.positions[self.inventory.directories :]
        self._end = self.layout.trailing.record or self.layout.end
        self._ends_only = ends_only
        self.size = self.layout.total * RECORD
        self.bytes_read = self.reads = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """Return some bytes of the image."""
        length = max(0, min(length, self.size - offset))
        space = np.zeros(length, np.uint8)
        self._fill(offset, space)
        self.bytes_read += length
        self.reads += 1
        return space.tobytes()

    def readinto_at(self, offset: int, views: Sequence[memoryview]) -> int:
        """Fill some memory; return how many bytes there were."""
        total = 0
        for view in views:
            got = self.read_at(offset + total, view.nbytes)
            view.cast("B")[: len(got)] = got
            total += len(got)
        return total

    def missing(self, _start: int, _end: int) -> list[Gap]:
        """Return what cannot be read: nothing."""
        return []

    def close(self) -> None:
        """Do nothing."""

    def write(self, path: Path, rows: Iterable[int]) -> None:
        """Write a sparse file with all segments and the runs of some rows."""
        with path.open("wb") as file:
            for at, piece in zip(self.segments.at, self.segments.pieces, strict=True):
                file.seek(at)
                file.write(piece)
            for row in rows:
                at, count = int(self.layout.positions[row]), int(self.layout.runs[row])
                file.seek(at * RECORD)
                file.write(self.read_at(at * RECORD, count * RECORD))

    def stored(self) -> Iterator[tuple[int, bytes]]:
        """Yield offset and bytes of all that is not zero, or may not be, ascending in each part."""
        for at, piece in zip(self.segments.at, self.segments.pieces, strict=True):
            for begin in range(0, len(piece), _AT_ONCE):
                part = piece[begin : begin + _AT_ONCE]
                if part.strip(b"\0"):
                    yield at + begin, part
        for record, count in self._stretches():
            yield record * RECORD, self.read_at(record * RECORD, count * RECORD)

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """Yield records of files that may not be zero, as first and count."""
        sizes = self.inventory.size[self.inventory.directories :].tolist()
        for begin, size in zip(self._positions.tolist(), sizes, strict=True):
            blocks = -(-size // RECORD)
            spans = max(1, -(-blocks // ADDRESSES))
            end = begin + spans + blocks
            if not self._ends_only:
                yield from ((at, min(_AT_ONCE, end - at)) for at in range(begin, end, _AT_ONCE))
                continue
            for number in range(spans):
                first = 1 + (number == 0 and blocks > 0)
                yield begin + number * _SPAN, first
            if blocks > 1:
                yield end - 1, 1

    def _fill(self, offset: int, space: Rows) -> None:
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
            made = self._files(np.arange(first, last)).reshape(-1)
            begin = low - first * RECORD
            space[low - offset : high - offset] = made[begin : begin + high - low]

    def _files(self, records: Ints) -> Rows:
        """Return records of part 8."""
        at = np.searchsorted(self._positions, records, side="right") - 1
        rows = at + self.inventory.directories
        number, into = np.divmod(records - self._positions[at], _SPAN)
        made = np.zeros((len(records), RECORD), np.uint8)
        heads = np.flatnonzero(into == 0)
        if heads.size:
            sealed = self._headers.make(rows[heads], number[heads])
            sealed["extension"]["records_crc32c"] = [
                self._crc_under(row, span)
                for row, span in zip(rows[heads].tolist(), number[heads].tolist(), strict=True)
            ]
            header.seal(sealed, records[heads])
            made[heads] = header.as_records(sealed)
        for k in np.flatnonzero(into).tolist():
            self._block(int(rows[k]), int(number[k] * ADDRESSES + into[k] - 1), made[k])
        return made

    def _block(self, row: int, block: int, space: Rows) -> None:
        """Fill in one block of a file, shape (1024,), which is zero so far."""
        left = int(self.inventory.size[row]) - block * RECORD
        if not self._ends_only or block == 0 or left <= RECORD:
            space[:] = data(int(self.inventory.inode[row]), block, 1)[0]
            space[max(0, left) :] = 0

    def _crc_under(self, row: int, number: int) -> int:
        """Return the CRC-32C of the records under a header of a file (DARI-REC-029)."""
        blocks = -(-int(self.inventory.size[row]) // RECORD)
        first, last = number * ADDRESSES, min(blocks, (number + 1) * ADDRESSES)
        if self._ends_only and first > 0 and last < blocks:
            return _CRC_OF_ZEROS
        made = np.zeros((max(0, last - first), RECORD), np.uint8)
        for block in range(first, last):
            self._block(row, block, made[block - first])
        return crc32c(made.tobytes())
