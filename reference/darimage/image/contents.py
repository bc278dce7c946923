"""What is in a file: where its bytes lie, and the bytes themselves (chapter 60)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.groups import UNKNOWN, Groups, damaged, is_right
from darimage.image.inode import ALL_PRESENT, Inode
from darimage.image.reader import Image
from darimage.image.runs import Run, Stretches, follow
from darimage.units import RECORD, records_of
from darimage.volumes.reading import Gap

OnFault = Callable[[Fault], None]

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


class Group(NamedTuple):
    """The records under one header of a file.

    Attributes:
        first: Record number of the first of them.
        records: How many there are.
        crc32c: What the header says of them; ``UNKNOWN`` if it says nothing, or some are missing.
        extents: Which of their bytes are the file's, ascending.
    """

    first: int
    records: int
    crc32c: int
    extents: list[Extent]


def groups(image: Image, inode: Inode, on_fault: OnFault) -> Iterator[list[Group]]:
    """Yield where a file's data lies, ascending, holes left out; lists are not empty.

    For a file whose first header describes all of it nothing is read but a last block that may
    stand for a hole. Headers that are missing or damaged are reported and the rest is still yielded
    (DARI-FIL-015). Nobody has compared the CRCs yet: see ``is_right``.
    """
    if inode.metadata_only or not inode.size:
        return
    if inode.fits_head:
        found = _there(image, inode, _of_head(image, inode, on_fault), on_fault)
        if inode.end_is_hole:
            found = _without_end(image, inode, found)
        if found:
            yield found
        return
    end = inode.record + inode.run_records if inode.run_records else None
    run = Run(inode.number, inode.record, inode.size, inode.shift, end)
    for part in follow(image.volume, image.marks, run, on_fault):
        found = _grouped(part.groups, _extents(part.stretches, min(inode.size, _SIZE_MAX)))
        found = _there(image, inode, found, on_fault)
        if part.end_is_hole:
            found = _without_end(image, inode, found)
        if found:
            yield found


def extents(image: Image, inode: Inode, on_fault: OnFault) -> Iterator[list[Extent]]:
    """Yield the extents of ``groups``."""
    for found in groups(image, inode, on_fault):
        if extents := [extent for group in found for extent in group.extents]:
            yield extents


def _there(image: Image, inode: Inode, found: list[Group], on_fault: OnFault) -> list[Group]:
    """Return groups without what is not on the volume (DARI-VOL-020)."""
    if not found:
        return []
    end = (found[-1].first + found[-1].records) * RECORD
    for gap in image.volume.missing(found[0].first * RECORD, end):
        low, high = gap.start // RECORD, -(-gap.end // RECORD)
        kept = [
            group._replace(
                crc32c=UNKNOWN,
                extents=[part for extent in group.extents for part in _without(extent, gap)],
            )
            if group.first < high and low < group.first + group.records
            else group
            for group in found
        ]
        if kept != found:
            told = f"some of its data is not there: {gap.told}"
            on_fault(Fault("missing", told, None, inode.number, low, "DARI-VOL-020"))
        found = kept
    return found


def _without(extent: Extent, gap: Gap) -> Iterator[Extent]:
    """Yield what of an extent lies before a gap and behind it."""
    start, end = extent.image_offset, extent.image_offset + extent.length
    for low, high in ((start, min(end, gap.start)), (max(start, gap.end), end)):
        if low < high:
            yield Extent(extent.file_offset + low - start, low, high - low)


def _without_end(image: Image, inode: Inode, found: list[Group]) -> list[Group]:
    """Return groups without a last block that is all zero and stands for a hole (DARI-FIL-021)."""
    begin = (records_of(inode.size) - 1) * RECORD
    last = found[-1].extents[-1] if found and found[-1].extents else None
    if last is None or last.file_offset + last.length <= begin:
        return found
    at = last.image_offset + begin - last.file_offset
    if any(image.volume.read_at(at, min(RECORD, inode.size - begin))):
        return found
    kept = [Extent(*last[:2], begin - last.file_offset)] if begin > last.file_offset else []
    return [*found[:-1], found[-1]._replace(extents=[*found[-1].extents[:-1], *kept])]


def _of_head(image: Image, inode: Inode, on_fault: OnFault) -> list[Group]:
    """Return the group of a file whose first header describes all of it."""
    if inode.is_substituted:
        told = "some of its data could not be read when the image was made and is zeros"
        on_fault(Fault("substituted", told, None, inode.number, inode.record, "DARI-FIL-014"))
    size = min(inode.size, _SIZE_MAX)
    begin = (inode.record + 1) * RECORD
    used = inode.head_map[: records_of(size)]
    if used == ALL_PRESENT[: len(used)]:
        found = [Extent(0, begin, size)] if size else []
    else:
        found = _of_map(used, begin, size)
    if not found:
        return []
    there, crc32c = image.volume.size, inode.records_crc32c
    count = inode.head_map.count(1)
    if begin + count * RECORD > there:
        crc32c, count = UNKNOWN, max(0, there // RECORD - inode.record - 1)
    if found[-1].image_offset + found[-1].length > there:
        told = "the image ends within its data"
        on_fault(Fault("truncated", told, None, inode.number, inode.record, "DARI-REC-001"))
        found = [
            extent._replace(length=min(extent.length, there - extent.image_offset))
            for extent in found
            if extent.image_offset < there
        ]
    return [Group(inode.record + 1, count, crc32c, found)]


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
    """Return stretches as extents that end at the size."""
    kept = found.block * RECORD < size
    found = Stretches(found.block[kept], found.record[kept], found.length[kept])
    lengths = np.minimum((found.block + found.length) * RECORD, size) - found.block * RECORD
    columns = (found.block * RECORD, found.record * RECORD, lengths)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Extent(*row) for row in rows]


def _grouped(found: Groups, extents: list[Extent]) -> list[Group]:
    """Return groups with their extents; of those without any nothing is kept."""
    rows = zip(*(column.tolist() for column in found), strict=True)
    made: list[Group] = []
    at = 0
    for record, count, crc32c in rows:
        end, first = (record + count) * RECORD, at
        while at < len(extents) and extents[at].image_offset < end:
            at += 1
        if first < at:
            made.append(Group(record, count, crc32c, extents[first:at]))
    return made


def read(image: Image, inode: Inode, on_fault: OnFault) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of what is present of a file, at most 512 KiB at once.

    Groups whose CRC is wrong are reported, and yielded all the same.
    """
    for batch in groups(image, inode, on_fault):
        for group in batch:
            start = group.first * RECORD
            data = image.volume.read_at(start, group.records * RECORD)
            if not is_right(np.frombuffer(data, np.uint8), group.crc32c):
                on_fault(damaged("its data", group.first - 1, inode.number))
            for extent in group.extents:
                at = extent.image_offset - start
                yield extent.file_offset, data[at : at + extent.length]


def read_link(image: Image, inode: Inode) -> bytes:
    """Return the target of a symbolic link (DARI-FIL-008).

    Raises:
        FormatError: Some of it is missing, or it is longer than any target.
    """
    if not 0 < inode.size <= _LINK_MAX:
        raise _link_error(image, inode, f"target of {inode.size} bytes")
    target = bytearray(inode.size)
    known = 0
    faults: list[Fault] = []
    for offset, data in read(image, inode, faults.append):
        target[offset : offset + len(data)] = data
        known += len(data)
    for fault in faults:
        if fault.kind == "data-damaged":
            raise image.error(fault)
    if known < inode.size:
        raise _link_error(image, inode, f"{inode.size - known} bytes of the target are missing")
    return bytes(target)


def _link_error(image: Image, inode: Inode, told: str) -> FormatError:
    told = f"a symbolic link: {told}"
    return image.error(Fault("format", told, None, inode.number, inode.record, "DARI-FIL-008"))
