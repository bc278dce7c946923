"""What is in a file: where its bytes lie, and the bytes themselves (chapter 60)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.groups import UNKNOWN, Groups, damaged, is_right
from darimage.image.inode import ALL_PRESENT, Inode
from darimage.image.reader import Image
from darimage.image.runs import Run, Stretches, follow
from darimage.image.state import Condition, State
from darimage.units import ADDRESSES, RECORD, records_of
from darimage.volumes.reading import Gap, is_doubtful

OnFault = Callable[[Fault], None]

_LINK_MAX = 65535
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

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """First block and number of each stretch of the file that is present."""
        return [(one.file_offset // RECORD, records_of(one.length)) for one in self.extents]


def groups(image: Image, inode: Inode, condition: Condition) -> Iterator[list[Group]]:
    """Yield where a file's data lies, ascending, holes left out; lists are not empty.

    For a file whose first header describes all of it nothing is read but a last block that may
    stand for a hole. Headers that are missing or damaged are reported and the rest is still yielded
    (DARI-FIL-015). Nobody has compared the CRCs yet: see ``check``.

    Args:
        image: The image.
        inode: A file or a symbolic link of it.
        condition: Takes what is wrong and which blocks are described, and which of them are not
            there.
    """
    if not inode.size or not _has_contents(image, inode, condition):
        return
    for found, end_is_hole in _found(image, inode, condition):
        there = _there(image, inode, found, condition)
        if end_is_hole:
            there = _without_end(image, inode, there)
        _doubt(image, there, condition)
        if there:
            yield [piece for group in there for piece in _pieces(group)]


def _has_contents(image: Image, inode: Inode, condition: Condition) -> bool:
    """Tell whether the image means to hold the contents of an inode; report it if not."""
    if inode.metadata_only:
        told = "the image has its attributes but not its contents"
    elif not image.is_dari and not inode.head_map:
        told = "the program that wrote the dump left its contents out"
    else:
        return True
    _note(condition, "no-contents", told, inode, inode.record, "DARI-REC-001")
    return False


def _found(image: Image, inode: Inode, condition: Condition) -> Iterator[tuple[list[Group], bool]]:
    """Yield groups as headers describe them, and whether the last block stands for a hole."""
    if inode.fits_head:
        condition.cover(0, len(inode.head_map))
        yield _of_head(image, inode, condition), inode.end_is_hole
        return
    end = inode.record + inode.run_records if inode.run_records else None
    run = Run(inode.number, inode.record, inode.size, inode.shift, end)
    for part in follow(image.volume, image.marks, run, condition.faults.append, image.recover):
        for first, count in zip(*(column.tolist() for column in part.covered), strict=True):
            condition.cover(first, count)
        cut = part.cut_off
        for first, count in zip(cut.block.tolist(), cut.length.tolist(), strict=True):
            condition.lose(first, count)
        found = _grouped(part.groups, _extents(part.stretches, min(inode.size, _SIZE_MAX)))
        yield found, part.end_is_hole


def extents(image: Image, inode: Inode, on_fault: OnFault) -> Iterator[list[Extent]]:
    """Yield the extents of ``groups``."""
    condition = Condition(inode.size)
    told = 0
    for found in groups(image, inode, condition):
        if extents := [extent for group in found for extent in group.extents]:
            yield extents
        for fault in condition.faults[told:]:
            on_fault(fault)
        told = len(condition.faults)
    for fault in condition.faults[told:]:
        on_fault(fault)


def check(group: Group, data: npt.NDArray[np.uint8], inode: Inode, condition: Condition) -> None:
    """Compare the records of a group with their CRC (DARI-REC-029).

    Args:
        group: The group.
        data: All of its records.
        inode: Whose they are.
        condition: Takes what is wrong.
    """
    if not is_right(data, group.crc32c):
        condition.faults.append(damaged("its data", group.first - 1, inode.number))
        condition.doubt(State.DAMAGED, group.blocks)


def _pieces(group: Group) -> Iterator[Group]:
    """Yield a group in pieces of at most as many records as a header of an image describes.

    Only runs of 0.4b49 and later describe more under one header, up to 8 GiB, and have no CRC.
    """
    if group.crc32c != UNKNOWN or group.records <= ADDRESSES:
        yield group
        return
    end = group.first + group.records
    extents = group.extents[::-1]
    for first in range(group.first, end, ADDRESSES):
        stop = min(first + ADDRESSES, end) * RECORD
        found = []
        while extents and extents[-1].image_offset < stop:
            offset, at, length = extents.pop()
            here = min(length, stop - at)
            found.append(Extent(offset, at, here))
            if here < length:
                extents.append(Extent(offset + here, stop, length - here))
        yield Group(first, stop // RECORD - first, UNKNOWN, found)


def _doubt(image: Image, found: list[Group], condition: Condition) -> None:
    """Note which groups have no CRC, and nothing else that shows that they are right.

    In an image those have one whose header has an extension area (DARI-EXT-007).
    """
    for group in found:
        if group.crc32c != UNKNOWN:
            continue
        start, end = (group.first - 1) * RECORD, (group.first + group.records) * RECORD
        if (image.is_dari and not _has_gap(image, start, end)) or is_doubtful(
            image.volume, start, end
        ):
            condition.doubt(State.SUSPECT, group.blocks)


def _has_gap(image: Image, start: int, end: int) -> bool:
    return end > image.volume.size or bool(image.volume.missing(start, end))


def _note(
    condition: Condition, kind: str, told: str, inode: Inode, record: int, requirement: str
) -> None:
    condition.faults.append(Fault(kind, told, None, inode.number, record, requirement))


def _there(image: Image, inode: Inode, found: list[Group], condition: Condition) -> list[Group]:
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
            for before, group in zip(found, kept, strict=True):
                _lose(before.extents, group.extents, condition)
            told = f"some of its data is not there: {gap.told}"
            _note(condition, "unreadable", told, inode, low, "DARI-VOL-020")
        found = kept
    return found


def _lose(before: list[Extent], kept: list[Extent], condition: Condition) -> None:
    """Note the blocks of extents of which not all is kept."""
    there = {extent.file_offset: extent.length for extent in kept}
    for extent in before:
        at, end = extent.file_offset, extent.file_offset + extent.length
        for start in sorted(offset for offset in there if at <= offset < end):
            if at < start:
                condition.lose(at // RECORD, records_of(start - at))
            at = start + there[start]
        if at < end:
            first = at // RECORD
            condition.lose(first, records_of(end) - first)


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


def _of_head(image: Image, inode: Inode, condition: Condition) -> list[Group]:
    """Return the group of a file whose first header describes all of it."""
    if inode.is_substituted:
        told = "some of its data could not be read when the image was made and is zeros"
        _note(condition, "substituted", told, inode, inode.record, "DARI-FIL-014")
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
        _note(condition, "truncated", told, inode, inode.record, "DARI-REC-001")
        before = found
        found = [
            extent._replace(length=min(extent.length, there - extent.image_offset))
            for extent in found
            if extent.image_offset < there
        ]
        _lose(before, found, condition)
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


def read(
    image: Image, inode: Inode, on_fault: OnFault, condition: Condition | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of what is present of a file, at most 512 KiB at once.

    Groups whose CRC is wrong are reported, and yielded all the same.

    Args:
        image: The image.
        inode: A file or a symbolic link of it.
        on_fault: Called for what is wrong with its contents, when all of them have been read.
        condition: Of the inode; takes what is found out.
    """
    condition = condition or Condition(inode.size)
    try:
        yield from _read(image, inode, condition)
    finally:
        for fault in condition.faults:
            on_fault(fault)


def _read(image: Image, inode: Inode, condition: Condition) -> Iterator[tuple[int, bytes]]:
    for batch in groups(image, inode, condition):
        for group in batch:
            start = group.first * RECORD
            data = image.volume.read_at(start, group.records * RECORD)
            if not is_right(np.frombuffer(data, np.uint8), group.crc32c):
                if not image.is_recovered:
                    # The records may be elsewhere (DARI-REC-032).
                    image.recover()
                    data = image.volume.read_at(start, group.records * RECORD)
                check(group, np.frombuffer(data, np.uint8), inode, condition)
            for extent in group.extents:
                at = extent.image_offset - start
                yield extent.file_offset, data[at : at + extent.length]


def read_link(image: Image, inode: Inode) -> bytes:
    """Return the target of a symbolic link (DARI-FIL-008).

    Raises:
        FormatError: It is not whole, or cannot be a target.
    """
    if not 0 < inode.size <= _LINK_MAX:
        raise _link_error(image, inode, f"target of {inode.size} bytes")
    target = bytearray(inode.size)
    known = 0
    condition = Condition(inode.size)
    for offset, data in _read(image, inode, condition):
        target[offset : offset + len(data)] = data
        known += len(data)
    for fault in condition.faults:
        raise image.error(fault)
    if known < inode.size:
        raise _link_error(image, inode, f"{inode.size - known} bytes of the target are missing")
    if condition.state != State.WHOLE:
        raise _link_error(image, inode, f"the target is {condition.state.word}")
    if b"\0" in target:
        raise _link_error(image, inode, "the target holds NUL")
    return bytes(target)


def _link_error(image: Image, inode: Inode, told: str) -> FormatError:
    told = f"a symbolic link: {told}"
    return image.error(Fault("format", told, None, inode.number, inode.record, "DARI-FIL-008"))
