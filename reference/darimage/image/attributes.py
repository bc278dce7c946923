"""The extended attributes of an image's inodes: where they lie, and what they are (chapter 65).

In an image each header says where those of its inode are. In a plain dump only a walk finds them,
and an inode may have several runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.batch import Batch, Marks
from darimage.image.following import following_of_one
from darimage.image.groups import UNKNOWN, damaged, is_right
from darimage.image.inode import crcs_under
from darimage.schema import CType, DrFlag, ExtAttributes
from darimage.sections import xattrs
from darimage.sections.header import as_headers, of_image, sound
from darimage.showing import display
from darimage.units import ADDRESSES, RECORD
from darimage.volumes.reading import is_doubtful

if TYPE_CHECKING:
    from darimage.image.inode import Inode
    from darimage.image.reader import Image

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]
Values = dict[bytes, bytes]

MOST = 1 + ADDRESSES
"""Records that hold the attributes of an inode at most, their header included (DARI-XAT-009)."""

_FEW = 5
"""Records that are read at first where it is not known how many there are."""


class AttributeRuns:
    """Where a walk found attributes, as columns.

    Attributes:
        inodes: Inode number of each run, ascending.
        records: Record number of its header; ascending for an inode.
    """

    def __init__(self, inodes: Ints, records: Ints) -> None:
        """Take the columns in any order."""
        order = np.lexsort((records, inodes))
        self.inodes = inodes[order]
        self.records = records[order]

    @classmethod
    def joined(cls, found: Sequence[tuple[Ints, Ints]]) -> Self:
        """Return the runs of several batches."""
        nothing = np.zeros(0, np.int64)
        columns = zip((nothing, nothing), *found, strict=True)
        return cls(*(np.concatenate(column) for column in columns))

    def __len__(self) -> int:
        return len(self.inodes)

    def of(self, inode: int) -> list[int]:
        """Return the record numbers of one inode's runs."""
        first, last = np.searchsorted(self.inodes, (inode, inode + 1)).tolist()
        found: list[int] = self.records[first:last].tolist()
        return found


def runs_of(batch: Batch) -> tuple[Ints, Ints]:
    """Return inode and record number of the headers of attributes in a batch."""
    found = (batch.c_type == CType.TS_INODE) & (batch.flags & DrFlag.DR_EXTATTRIBUTES != 0)
    return batch.inode[found], batch.record[found]


class _Head(NamedTuple):
    """What the header of a run of attributes says."""

    size: int
    records: int
    crc32c: int


def attributes_of(image: Image, inode: Inode, on_fault: OnFault) -> Values:
    """Return the extended attributes of an inode by full name.

    Args:
        image: The image, or plain dump, that it is in.
        inode: The inode.
        on_fault: Told of what is not well-formed, which is left out (DARI-XAT-015).
    """
    values: Values = {}
    for place in _places(image, inode, on_fault):
        _read(image, inode.number, place, values, on_fault)
    return values


def attributes_within(image: Image, inode: Inode, run: memoryview, on_fault: OnFault) -> Values:
    """Return what ``attributes_of`` does out of records that were read already.

    Args:
        image: As for ``attributes_of``.
        inode: The inode, all of whose data lies under one header.
        run: The records from that header on.
        on_fault: As for ``attributes_of``.
    """
    values: Values = {}
    if image.is_dari:
        if not inode.attribute_records:
            return values
    elif len(run) <= RECORD * (1 + inode.head_map.count(1)):
        return values
    for record, count in _places(image, inode, on_fault):
        at = (record - inode.record) * RECORD
        needed = _needed(run[at:], image.marks) if 0 < at < len(run) else 0
        if not needed or at + RECORD * needed > len(run):
            _read(image, inode.number, (record, count), values, on_fault)
        elif not _is_open(image, inode.number, record, needed, on_fault):
            _take(image.marks, inode.number, record, run[at:], values, on_fault)
    return values


def _read(
    image: Image, number: int, place: tuple[int, int], values: Values, on_fault: OnFault
) -> None:
    """Add the attributes of one run, by its record number and how many records to read."""
    record, count = place
    for gap in image.volume.missing(record * RECORD, (record + count) * RECORD):
        told = f"its attributes are not there: {gap.told}"
        on_fault(Fault("attributes-damaged", told, None, number, record, "DARI-VOL-020"))
        return
    if not image.is_dari and is_doubtful(image.volume, record * RECORD, (record + count) * RECORD):
        told = "nothing says that the records behind the header of its attributes are its own"
        on_fault(Fault("attributes-damaged", told, None, number, record, "DARI-REC-031"))
        return
    # The record number comes from the image, and may be any.
    there = record < image.volume.size // RECORD
    data = image.volume.read_at(record * RECORD, count * RECORD) if there else b""
    needed = _needed(data, image.marks)
    if needed > count:
        data += image.volume.read_at((record + count) * RECORD, (needed - count) * RECORD)
    if _is_open(image, number, record, needed, on_fault):
        return
    _take(image.marks, number, record, memoryview(data), values, on_fault)


def _is_open(image: Image, number: int, record: int, count: int, on_fault: OnFault) -> bool:
    """Tell whether records of attributes without CRC may be others (DARI-XAT-019)."""
    start, end = record * RECORD, (record + count) * RECORD
    if image.is_dari or not is_doubtful(image.volume, start, end):
        return False
    told = "its extended attributes may be another inode's: none is used"
    on_fault(Fault("attributes-damaged", told, None, number, record, "DARI-XAT-019"))
    return True


def _places(image: Image, inode: Inode, on_fault: OnFault) -> Iterator[tuple[int, int]]:
    """Yield where attributes of an inode begin, and how many records to read there."""
    if not image.is_dari:
        yield from ((record, _FEW) for record in image.runs_of_attributes.of(inode.number))
    elif inode.attribute_records:
        at = inode.run_records - inode.attribute_records
        if at < 1 or inode.attribute_records > MOST:
            told = f"{inode.attribute_records} attribute records cannot be"
            where = (inode.number, inode.record)
            on_fault(Fault("attributes-damaged", told, None, *where, "DARI-XAT-009"))
            return
        yield inode.record + at, inode.attribute_records


def _needed(data: bytes | memoryview, marks: Marks) -> int:
    """Return how many records the run has whose header ``data`` begins with."""
    if len(data) < RECORD:
        return 0
    return 1 + max(0, following_of_one(bytes(data[:RECORD]), marks.order, plain=not marks.numbered))


def _take(
    marks: Marks, number: int, record: int, data: memoryview, values: Values, on_fault: OnFault
) -> None:
    """Add the attributes of one run to those known."""

    def tell(error: FormatError) -> None:
        kind = "attributes-damaged" if error.requirement == "DARI-XAT-004" else "attribute"
        told = f"{error.message}; it is left out"
        on_fault(Fault(kind, told, None, number, record, error.requirement))

    head = _head(marks, number, data)
    if head is None or RECORD * (1 + head.records) > len(data):
        told = "its extended attributes are not where they should be, or damaged"
        on_fault(Fault("attributes-damaged", told, None, number, record, "DARI-XAT-010"))
        return
    if marks.numbered and head.crc32c == UNKNOWN:
        told = "its extended attributes have no CRC"
        on_fault(Fault("attributes-damaged", told, None, number, record, "DARI-XAT-019"))
        return
    payload = bytes(data[RECORD : RECORD * (1 + head.records)])
    if not is_right(np.frombuffer(payload, np.uint8), head.crc32c):
        fault = damaged("its extended attributes", record, number)
        on_fault(fault._replace(kind="attributes-damaged"))
        return
    if not marks.numbered:
        payload = payload[: head.size]
    found = xattrs.decode(payload, min(head.size, len(payload)), tell)
    for name in found.keys() & values.keys():
        tell(FormatError(f"{display(name)} is there twice", requirement="DARI-XAT-006"))
    values.update({**found, **values})


def _head(marks: Marks, number: int, data: memoryview) -> _Head | None:
    """Return what the header of a run says, ``None`` if it is none of that inode's attributes."""
    if len(data) < RECORD:
        return None
    row = np.frombuffer(data, np.uint8, RECORD).reshape(1, RECORD)
    header = as_headers(row, marks.order)[0]
    right = (
        header["c_type"] == CType.TS_INODE
        and header["c_inumber"] == number
        and header["c_flags"] & DrFlag.DR_EXTATTRIBUTES
        and header["c_extattributes"] == ExtAttributes.EXT_XATTR
        and (marks.date is None or header["c_date"] == marks.date)
        and sound(row, marks.order)[0]
        and of_image(row, marks.image_id)[0]
    )
    if not right:
        return None
    (crc32c,) = crcs_under(as_headers(row, marks.order)).tolist()
    return _Head(int(header["c_dinode"]["di_size"]), _needed(data, marks) - 1, crc32c)
