"""Reading small files that lie side by side in the image together.

A window is a few MiB of the runs of selected files, nothing between them: runs that touch come with
one read, the headers are checked as columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.errors import StorageError
from darimage.image.first_headers import are_first_headers
from darimage.image.groups import UNKNOWN
from darimage.image.inode import Inode
from darimage.units import RECORD, records_of
from darimage.volumes.reading import is_doubtful

if TYPE_CHECKING:
    from darimage.image.reader import Image
    from darimage.restore.plan import Files

WINDOW = 4 << 20
"""Bytes read before anything is written."""

SMALL = 512 << 10
"""Longest run of records that is read together with others."""


class Found(NamedTuple):
    """What a window has of one file.

    Attributes:
        row: Its row in ``Files``.
        inode: Its inode; ``None`` if the run was not read, or begins with another header.
        data: Its contents, good until the next window; ``None`` if they do not follow the header
            as one piece, or do not have its CRC (DARI-REC-029).
        run: All its records and what follows them up to the next file, likewise.
    """

    row: int
    inode: Inode | None
    data: memoryview | None
    run: memoryview | None = None


class Window(NamedTuple):
    """Files whose runs were read together.

    Attributes:
        found: The files, ascending.
        size: Bytes of the image that their runs take.
    """

    found: list[Found]
    size: int


class Neighbours:
    """Reads the runs of files window by window."""

    def __init__(self, image: Image, files: Files) -> None:
        """Prepare to read rows of ``files`` from ``image``."""
        self._image = image
        self._files = files
        self._bytes = np.empty(WINDOW, np.uint8)
        self._buffer = self._bytes.data

    def windows(self, rows: Sequence[int]) -> Iterator[Window]:
        """Yield all rows, which ascend; a run longer than ``SMALL`` comes alone and unread."""
        chosen = np.asarray(rows, np.int64)
        starts = self._files.offsets[chosen]
        lengths = self._files.ends[chosen] - starts
        sizes = lengths.tolist()
        first = used = 0
        for at, size in enumerate(sizes):
            if size > SMALL or used + size > WINDOW:
                if at > first:
                    yield self._read(chosen[first:at], starts[first:at], lengths[first:at])
                first, used = at, 0
            if size > SMALL:
                yield Window([Found(rows[at], None, None)], size)
                first = at + 1
            else:
                used += size
        if first < len(sizes):
            yield self._read(chosen[first:], starts[first:], lengths[first:])

    def _read(
        self,
        rows: npt.NDArray[np.int64],
        starts: npt.NDArray[np.int64],
        lengths: npt.NDArray[np.int64],
    ) -> Window:
        stops = np.cumsum(lengths)
        total = int(stops[-1])
        ends = int(starts[-1] + lengths[-1])
        volume = self._image.volume
        whole = not volume.missing(int(starts[0]), ends)
        # Without a CRC it may be another's: that is looked at file by file.
        needs_crc = self._image.is_dari or is_doubtful(volume, int(starts[0]), ends)
        self._fetch(starts, stops - lengths, total)
        inodes = self._inodes(rows, starts, stops - lengths, total)
        # Files by the ten thousand come this way.
        from google_crc32c import value

        found = []
        memory, buffer = self._bytes, self._buffer
        for row, inode, stop, length in zip(
            rows.tolist(), inodes, stops.tolist(), lengths.tolist(), strict=True
        ):
            data = None
            start = stop - length
            if inode is not None and whole and _is_one_piece(inode):
                at, end = start + RECORD, start + RECORD * (1 + len(inode.head_map))
                crc32c = inode.records_crc32c
                is_known = crc32c != UNKNOWN
                if end <= stop and (value(memory[at:end]) == crc32c if is_known else not needs_crc):
                    data = buffer[at : at + inode.size]
            found.append(Found(row, inode, data, buffer[start:stop] if whole else None))
        return Window(found, total)

    def _fetch(
        self, starts: npt.NDArray[np.int64], places: npt.NDArray[np.int64], total: int
    ) -> None:
        """Read runs one behind the other into the buffer; what cannot be read becomes zeros."""
        # Runs touch in the image where their distance is the same as in the buffer.
        breaks = np.flatnonzero(np.diff(starts - places)) + 1
        firsts = [0, *breaks.tolist()]
        bounds = [*places[firsts].tolist(), total]
        for number, first in enumerate(firsts):
            view = self._buffer[bounds[number] : bounds[number + 1]]
            try:
                got = self._image.volume.readinto_at(int(starts[first]), [view])
            except StorageError:
                got = 0
            if got < len(view):
                view[:] = bytes(len(view))

    def _inodes(
        self,
        rows: npt.NDArray[np.int64],
        starts: npt.NDArray[np.int64],
        places: npt.NDArray[np.int64],
        total: int,
    ) -> list[Inode | None]:
        """Return the inodes whose headers are where they should be (DARI-OFF-005)."""
        marks = self._image.marks
        records = np.frombuffer(self._buffer[:total], np.uint8).reshape(-1, RECORD)
        heads = records[places // RECORD]
        right = are_first_headers(heads, marks, self._files.inodes[rows])
        usable = np.flatnonzero(right)
        old_format = self._image.old_format
        known = Inode.many(
            heads[usable],
            marks.order,
            starts[usable] // RECORD,
            old_format=old_format,
            cut=marks.cut,
        )
        found: list[Inode | None] = [None] * len(rows)
        for at, inode in zip(usable.tolist(), known, strict=True):
            found[at] = inode
        return found


def _is_one_piece(inode: Inode) -> bool:
    """Tell whether all records of an inode follow its first header, and come back as they are."""
    count = len(inode.head_map)
    return (
        inode.head_map.count(1) == count == records_of(inode.size)
        and not (inode.flags and (inode.is_substituted or inode.end_is_hole))
        and not inode.metadata_only
    )
