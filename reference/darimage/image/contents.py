"""What is in a file: where its bytes lie, and the bytes themselves (chapter 60)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.inode import ALL_PRESENT, Inode
from darimage.image.reader import Image
from darimage.image.runs import Run, Stretches, follow
from darimage.units import RECORD, records_of
from darimage.volumes.reading import Gap

OnFault = Callable[[Fault], None]

_READ = 1 << 20
_LINK_MAX = 65536
_SIZE_MAX = 1 << 62
"""Bytes of a file beyond which no data is looked for; nothing that big is real."""


class Extent(NamedTuple):
    """A stretch of a file's data.

    Attributes:
        file_offset: Its first byte within the file.
        image_offset: Its first byte within the image.
        length: Bytes; never past the file's size.
    """

    file_offset: int
    image_offset: int
    length: int


def extents(image: Image, inode: Inode, on_fault: OnFault) -> Iterator[list[Extent]]:
    """Yield where a file's data lies, ascending, holes left out; lists are not empty.

    For a file whose first header describes all of it nothing is read. Headers that are missing or
    damaged are reported and the rest is still yielded (DARI-FIL-015).
    """
    if inode.metadata_only or not inode.size:
        return
    if inode.fits_head:
        found = _there(image, inode, _of_head(image, inode, on_fault), on_fault)
        if found:
            yield found
        return
    end = inode.record + inode.run_records if inode.run_records else None
    run = Run(inode.number, inode.record, inode.size, inode.shift, end)
    for stretches in follow(image.volume, image.marks, run, on_fault):
        found = _extents(stretches, _size_of_data(inode))
        found = _there(image, inode, found, on_fault)
        if found:
            yield found


def _there(image: Image, inode: Inode, found: list[Extent], on_fault: OnFault) -> list[Extent]:
    """Return what of some extents is not on a volume that is missing (DARI-VOL-020)."""
    if not found:
        return []
    end = found[-1].image_offset + found[-1].length
    for gap in image.volume.missing(found[0].image_offset, end):
        kept = [part for extent in found for part in _without(extent, gap)]
        if kept != found:
            told = f"some of its data is not there: {gap.told}"
            where = (inode.number, gap.start // RECORD)
            on_fault(Fault("missing", told, None, *where, "DARI-VOL-020"))
        found = kept
    return found


def _without(extent: Extent, gap: Gap) -> Iterator[Extent]:
    """Yield what of an extent lies before a gap and behind it."""
    start, end = extent.image_offset, extent.image_offset + extent.length
    for low, high in ((start, min(end, gap.start)), (max(start, gap.end), end)):
        if low < high:
            yield Extent(extent.file_offset + low - start, low, high - low)


def _size_of_data(inode: Inode) -> int:
    """Return the bytes that may hold data: all but a last block that is a hole (DARI-FIL-021)."""
    size = min(inode.size, _SIZE_MAX)
    if size and inode.end_is_hole:
        return (records_of(size) - 1) * RECORD
    return size


def _of_head(image: Image, inode: Inode, on_fault: OnFault) -> list[Extent]:
    """Return the extents of a file whose first header describes all of it."""
    if inode.is_substituted:
        told = "some of its data could not be read when the image was made and is zeros"
        on_fault(Fault("substituted", told, None, inode.number, inode.record, "DARI-FIL-014"))
    size = _size_of_data(inode)
    begin = (inode.record + 1) * RECORD
    used = inode.head_map[: records_of(size)]
    if used == ALL_PRESENT[: len(used)]:
        found = [Extent(0, begin, size)] if size else []
    else:
        found = _of_map(used, begin, size)
    there = image.volume.size
    if found and found[-1].image_offset + found[-1].length > there:
        told = "the image ends within its data"
        on_fault(Fault("truncated", told, None, inode.number, inode.record, "DARI-REC-001"))
        found = [
            extent._replace(length=min(extent.length, there - extent.image_offset))
            for extent in found
            if extent.image_offset < there
        ]
    return found


def _of_map(used: bytes, begin: int, size: int) -> list[Extent]:
    """Return the extents of a map of zeros and ones."""
    found, at = [], used.find(1)
    while at >= 0:
        end = used.find(0, at)
        end = len(used) if end < 0 else end
        length = min(end * RECORD, size) - at * RECORD
        found.append(Extent(at * RECORD, begin, length))
        begin += (end - at) * RECORD
        at = used.find(1, end)
    return found


def _extents(found: Stretches, size: int) -> list[Extent]:
    """Return stretches as extents, joined where they adjoin in the file and in the image."""
    kept = found.block * RECORD < size
    found = Stretches(found.block[kept], found.record[kept], found.length[kept])
    if not len(found.block):
        return []
    ends, places = found.block + found.length, found.record + found.length
    adjoin = (found.block[1:] == ends[:-1]) & (found.record[1:] == places[:-1])
    first = np.concatenate(([0], np.flatnonzero(~adjoin) + 1))
    last = np.concatenate((first[1:] - 1, [len(ends) - 1]))
    lengths = np.minimum(ends[last] * RECORD, size) - found.block[first] * RECORD
    columns = (found.block[first] * RECORD, found.record[first] * RECORD, lengths)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Extent(*row) for row in rows]


def read(image: Image, inode: Inode, on_fault: OnFault) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of what is present of a file, at most 1 MiB at once."""
    for batch in extents(image, inode, on_fault):
        for extent in batch:
            for done in range(0, extent.length, _READ):
                length = min(_READ, extent.length - done)
                yield (
                    extent.file_offset + done,
                    image.volume.read_at(extent.image_offset + done, length),
                )


def read_link(image: Image, inode: Inode) -> bytes:
    """Return the target of a symbolic link (DARI-FIL-008).

    Raises:
        FormatError: Some of it is missing, or it is longer than any target.
    """
    if not 0 < inode.size <= _LINK_MAX:
        raise _link_error(image, inode, f"target of {inode.size} bytes")
    target = bytearray(inode.size)
    known = 0
    for offset, data in read(image, inode, lambda _: None):
        target[offset : offset + len(data)] = data
        known += len(data)
    if known < inode.size:
        raise _link_error(image, inode, f"{inode.size - known} bytes of the target are missing")
    return bytes(target)


def _link_error(image: Image, inode: Inode, told: str) -> FormatError:
    told = f"a symbolic link: {told}"
    return image.error(Fault("format", told, None, inode.number, inode.record, "DARI-FIL-008"))
