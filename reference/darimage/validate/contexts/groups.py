"""The records under headers, read and added up: groups (DARI-REC-029).

All data of an image goes through here once, in the order it lies.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from functools import cached_property

import google_crc32c
import numpy as np
import numpy.typing as npt

from darimage.image.batch import SECTIONS_INODE, Batch, Marks
from darimage.image.groups import zero_blocks
from darimage.schema import CType, DrFlag
from darimage.sections.header import as_headers, sound
from darimage.units import RECORD, S_IFMT
from darimage.volumes.reading import Volume
from darimage.volumes.recovered import LOST

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.uint8]

_AT_ONCE = 512
"""Records of a group that are read together: as many as a header of a file describes."""

_BLOCK_MAX = 1024
"""Records of the longest tape block (DARI-REC-014)."""


LACKING = -1
"""In place of a CRC-32C: some records of the group are not there."""


class GroupsSeen:
    """Headers whose groups were read.

    Attributes:
        batch: The headers.
        crc: The CRC-32C of the records under each, as they lie in the image; of headers whose
            records were not read what the header says, and ``LACKING`` if some are missing.
    """

    def __init__(self, batch: Batch, crc: Ints) -> None:
        self.batch = batch
        self.crc = crc

    @cached_property
    def said(self) -> Ints:
        """What each header says of them."""
        said: Ints = self.batch.headers()["extension"]["records_crc32c"].astype(np.int64)
        return said


class RecordsSeen:
    """Records of one group of a plain dump that follow one another, up to 512.

    Attributes:
        marks: What headers of the dump have in common.
        header: Record number of their header.
        inode: Its inode.
        is_map: Whether it is that of a bitmap.
        record: Record number of the first.
        rows: The records, shape (n, 1024); valid until the next ones are asked for.
        block: Records of a tape block.
        volume: Where they lie; what is not there is zeros here.
    """

    def __init__(
        self,
        marks: Marks,
        batch: Batch,
        at: int,
        record: int,
        rows: Rows,
        block: int,
        volume: Volume,
    ) -> None:
        self.marks = marks
        self.header = int(batch.record[at])
        self.inode = int(batch.inode[at])
        self.is_map = int(batch.c_type[at]) in (CType.TS_CLRI, CType.TS_BITS)
        self.record = record
        self.rows = rows
        self.block = block
        self.volume = volume

    @cached_property
    def headers(self) -> list[tuple[int, int]]:
        """Record number and inode of each that is a sound header of this dump."""
        at = np.flatnonzero(sound(self.rows, self.marks.order))
        found = as_headers(self.rows[at], self.marks.order)
        ours = found["c_date"] == self.marks.date
        numbers = found["c_inumber"][ours].tolist()
        return list(zip((at[ours] + self.record).tolist(), numbers, strict=True))

    @cached_property
    def zero_blocks(self) -> list[int]:
        """Record number of the first record of each tape block that holds nothing but zeros."""
        found = zero_blocks(self.rows, self.record, self.block)
        return [record for record in found if self._is_there(record)]

    def _is_there(self, record: int) -> bool:
        """Tell whether a tape block is there."""
        return not self.volume.missing(record * RECORD, (record + self.block) * RECORD)


class GroupReader:
    """Reads the records under headers, batch by batch."""

    def __init__(self, volume: Volume, marks: Marks, block: int, *, quick: bool) -> None:
        """Prepare.

        Args:
            volume: The image.
            marks: What its headers have in common.
            block: Records of a tape block.
            quick: Leave out what lies under the headers of files and symbolic links.
        """
        self.volume = volume
        self.marks = marks
        self.block = min(max(1, block), _BLOCK_MAX)
        self.quick = quick
        self._buffer = np.empty((max(_AT_ONCE, self.block), RECORD), np.uint8)

    def sums(self, batch: Batch) -> Ints:
        """Read the records under the headers of an image and return their CRC-32C.

        Of those that are not read it returns what the header says; ``LACKING`` if some of them
        cannot be read, as they are on a volume that is missing.
        """
        wanted = (batch.following > 0) & self._wanted(batch)
        found = np.zeros(len(batch), np.int64)
        if self.quick:
            said = batch.headers()["extension"]["records_crc32c"].astype(np.int64)
            found = np.where(wanted | (batch.following == 0), 0, said)
        start = batch.record + 1 - batch.window_start
        end = start + batch.following
        inside = wanted & (end <= len(batch.window)) & (start > 0)
        places = np.flatnonzero(inside)
        window, value = batch.window, google_crc32c.value
        found[places] = [
            value(window[one:other])
            for one, other in zip(start[places].tolist(), end[places].tolist(), strict=True)
        ]
        for at in np.flatnonzero(wanted & ~inside).tolist():
            first, last = int(batch.record[at]) + 1, int(end[at]) + batch.window_start
            gaps = self.volume.missing(first * RECORD, last * RECORD)
            if any(gap.told != LOST for gap in gaps):
                found[at] = LACKING
                continue
            crc = 0
            for _, rows in self._pieces(batch, at):
                crc = google_crc32c.extend(crc, rows)
            found[at] = crc
        return found

    def records(self, batch: Batch) -> Iterator[RecordsSeen]:
        """Read the records under the headers of a plain dump."""
        for at in np.flatnonzero((batch.following > 0) & self._wanted(batch)).tolist():
            for record, rows in self._pieces(batch, at, aligned=True):
                yield RecordsSeen(self.marks, batch, at, record, rows, self.block, self.volume)

    def _wanted(self, batch: Batch) -> Bools:
        """Tell the records under which headers are read."""
        if not self.quick:
            return np.ones(len(batch), np.bool_)
        is_data = (batch.c_type == CType.TS_INODE) | (batch.c_type == CType.TS_ADDR)
        attributes = batch.flags & DrFlag.DR_EXTATTRIBUTES != 0
        contents = is_data & ~attributes & (batch.mode & S_IFMT != stat.S_IFDIR)
        wanted: Bools = ~contents | (is_data & (batch.inode == SECTIONS_INODE))
        return wanted

    def _pieces(
        self, batch: Batch, at: int, *, aligned: bool = False
    ) -> Iterator[tuple[int, Rows]]:
        """Yield the records under a header, as many as are there, some at once.

        Args:
            batch: The headers.
            at: Which of them.
            aligned: No tape block lies in two pieces.
        """
        first, count = int(batch.record[at]) + 1, int(batch.following[at])
        record, end = first, first + count
        there = len(batch.window) - (first - batch.window_start)
        held = min(count, there) if first > batch.window_start else 0
        if aligned and held < count:
            held -= (first + held) % self.block
        if held > 0:
            begin = first - batch.window_start
            yield first, batch.window[begin : begin + held]
            record += held
        while record < end:
            wanted = min(len(self._buffer), end - record)
            if aligned and record + wanted < end:
                wanted = max(1, wanted - (record + wanted) % self.block)
            rows = self._buffer[:wanted]
            memory = memoryview(rows).cast("B")  # type: ignore[arg-type]
            got = self.volume.readinto_at(record * RECORD, [memory]) // RECORD
            if got:
                yield record, rows[:got]
            if got < len(rows):
                return
            record += got
