"""The header that opens a further volume: what it must say, and what it says (chapter 35)."""

from __future__ import annotations

import uuid
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.image import parts
from darimage.image.batch import Marks
from darimage.image.inode import shifts
from darimage.schema import CType, Kind
from darimage.sections.header import as_headers, byte_order, sound
from darimage.units import RECORD
from darimage.volumes.cut import Cut
from darimage.volumes.reading import Volume

_LOOKED_AT = 2048
"""Records of a volume that are searched for a header of the image if its first is damaged. Bitmaps
apart, a header lies at least every 513 records."""


class Expected(NamedTuple):
    """What all volumes of an image have in common.

    Attributes:
        marks: What its headers have in common.
        cut: How it is cut.
        uuid: Its identity; ``None`` in a plain dump.
    """

    marks: Marks
    cut: Cut
    uuid: bytes | None


def why_refused(file: Volume, number: int, expected: Expected) -> tuple[str, str]:
    """Return why a file is not a volume of an image, and how its first header is damaged.

    Args:
        file: The file.
        number: Which volume it should be.
        expected: What it has in common with the others.
    """
    record = file.read_at(0, RECORD)
    order = expected.marks.order
    if byte_order(record) != order or not sound(parts.as_row(record), order)[0]:
        if expected.uuid is not None and _belongs(file, number, expected):
            return "", "its first record is damaged"
        return "is no volume of this image: it does not begin with a header", ""
    header = as_headers(parts.as_row(record), order)[0]
    if header["c_type"] != CType.TS_TAPE:
        return "is no volume of this image: it does not begin with a volume header", ""
    if expected.uuid is not None:
        known = parts.has_extension(record) and parts.kind_of(record) == Kind.VOLUME
        found = parts.volume_header(record, order).image_uuid if known else b""
        if found != expected.uuid:
            called = f" ({uuid.UUID(bytes=found)})" if known else ""
            return f"is of another image{called}", ""
    if header["c_date"] != expected.marks.date:
        return "is of another dump: its date differs", ""
    if header["c_volume"] != number:
        return f"is volume {int(header['c_volume'])}, not volume {number}", ""
    return "", ""


def _belongs(file: Volume, number: int, expected: Expected) -> bool:
    """Tell whether headers on a volume say that they lie where they would."""
    data = file.read_at(0, _LOOKED_AT * RECORD)
    rows = np.frombuffer(data, np.uint8, len(data) // RECORD * RECORD).reshape(-1, RECORD)
    places = np.flatnonzero(sound(rows, expected.marks.order))
    headers = as_headers(rows[places], expected.marks.order)
    real = places + (number - 1) * expected.cut.capacity
    right = (headers["c_date"] == expected.marks.date) & (shifts(headers, real, Cut()) == 0)
    return bool(right.any())


def left_at(
    cut: Cut, records: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the continuation headers that lie in runs, and what goes on behind each.

    Args:
        cut: How the image is cut.
        records: First record of each run: a header and all that belongs to it.
        ends: The record after each.

    Returns:
        Real record numbers of the headers, ascending, and the records that are to be skipped from
        there to the next run, as far as they are on that volume (DARI-VOL-014).
    """
    first = cut.volume_of(cut.physical(records))
    counts = cut.volume_of(cut.physical(ends - 1)) - first
    row = np.repeat(np.arange(len(records)), counts)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    heads = (first[row] + nth) * cut.capacity
    left = ends[row] - cut.logical(heads + 1)
    return heads, np.minimum(left, cut.capacity - 1)
