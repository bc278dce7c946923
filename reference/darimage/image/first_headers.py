"""Inodes at places that are known: read, and held against what should be there (DARI-OFF-005)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image.batch import Marks
from darimage.image.headers_at import gather
from darimage.image.inode import Inode
from darimage.schema import CType, DrFlag
from darimage.sections.header import as_headers, of_image, sound
from darimage.units import ADDRESSES, RECORD
from darimage.volumes.reading import Volume

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]


def inodes_at(
    volume: Volume,
    marks: Marks,
    numbers: Ints,
    places: Ints,
    on_fault: OnFault,
    *,
    old_format: bool,
    further: bool = False,
) -> Iterator[Inode]:
    """Yield the inodes whose first headers are where they should be.

    Args:
        volume: The image.
        marks: What its headers have in common.
        numbers: Inode numbers.
        places: Byte address of each, ascending.
        on_fault: Told of the others.
        old_format: Owners are those of images without ``DR_NEWINODEFMT``.
        further: Take a further header of an inode whose first one is lost (DARI-FIL-022).
    """
    records = places // RECORD
    there = records < volume.size // RECORD
    for number, record in zip(numbers[~there].tolist(), records[~there].tolist(), strict=True):
        told = "its place is past the end of the image"
        on_fault(Fault("image-cut", told, None, number, record, "DARI-OFF-005"))
    numbers, done = numbers[there], 0
    for found, rows in gather(volume, records[there]):
        wanted = numbers[done : done + len(found)]
        done += len(found)
        good = are_first_headers(rows, marks, wanted, further=further)
        for at in np.flatnonzero(~good).tolist():
            on_fault(_not_there(volume, int(wanted[at]), int(found[at])))
        yield from Inode.many(
            rows[good], marks.order, found[good], old_format=old_format, cut=marks.cut
        )


def _not_there(volume: Volume, number: int, record: int) -> Fault:
    """Return why the first header of an inode is not at a record."""
    if gaps := volume.missing(record * RECORD, (record + 1) * RECORD):
        return Fault("unreadable", gaps[0].told, None, number, record, "DARI-VOL-020")
    told = "its first header is not at its place"
    return Fault("header-damaged", told, None, number, record, "DARI-OFF-005")


def are_first_headers(
    rows: npt.NDArray[np.uint8], marks: Marks, numbers: Ints, *, further: bool = False
) -> npt.NDArray[np.bool_]:
    """Tell which records, shape (n, 1024), are the first headers of the inodes expected there."""
    headers = as_headers(rows, marks.order)
    good = headers["c_type"] == CType.TS_INODE
    if further:
        # It describes blocks behind those that the first one has room for.
        size = headers["c_dinode"]["di_size"]
        good |= (headers["c_type"] == CType.TS_ADDR) & (size > ADDRESSES * RECORD)
    good &= sound(rows, marks.order)
    good &= headers["c_inumber"] == numbers
    good &= headers["c_flags"] & DrFlag.DR_EXTATTRIBUTES == 0
    good &= of_image(rows, marks.image_id)
    found: npt.NDArray[np.bool_] = good & (headers["c_date"] == marks.date)
    return found
