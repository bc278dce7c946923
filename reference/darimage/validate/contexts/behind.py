"""What lies behind the end of an image: other dumps, bytes, other files (DARI-END-010)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from darimage.image import parts
from darimage.image.batch import Marks
from darimage.image.reader import Image
from darimage.schema import ORDERS
from darimage.sections.header import byte_order, of_image, sound
from darimage.showing import display
from darimage.units import RECORD

_LOOKED_AT = 1 << 20
"""Bytes behind the end that are looked at."""


def what_is_behind(image: Image, end: int | None) -> Iterator[tuple[str, int | None]]:
    """Yield what lies behind an image in words, and the record number as stored where it begins.

    Args:
        image: The image.
        end: Record number behind the row of ``TS_END`` that ended the walk; ``None`` if none did.
    """
    if end is not None:
        yield from _bytes(image, end)
    count = int(getattr(image.volume, "further_files", 0))
    if count:
        more = "another file lies" if count == 1 else f"{count} other files lie"
        yield f"{more} behind this one on the tape", None


def _bytes(image: Image, end: int) -> Iterator[tuple[str, int | None]]:
    known, size = image.extension, image.volume.size
    real = image.marks.cut.total(end)
    count = size - end * RECORD
    if count <= 0 or (known is not None and known.total_records > real):
        return  # nothing, or the image itself: other rules say what is wrong
    data = image.volume.read_at(end * RECORD, min(count, _LOOKED_AT))
    yield f"{count:,} bytes lie behind the end: {_words(image.marks, data, count)}", real


def _words(marks: Marks, data: bytes, count: int) -> str:
    """Return what bytes are, in words.

    Args:
        marks: What headers of the image in front of them have in common.
        data: The first of them.
        count: How many there are in all.
    """
    rows = np.frombuffer(data, np.uint8, len(data) // RECORD * RECORD).reshape(-1, RECORD)
    for order in ORDERS:
        at = np.flatnonzero(sound(rows, order))
        if at.size:
            return _dump(marks, rows[at[0]].tobytes(), int(at[0]))
    if not data.strip(b"\0"):
        return "zeros" if len(data) == count else f"zeros, as far as the first {len(data):,} go"
    return "no header of a dump is among them" + ("" if len(data) == count else " at their front")


def _dump(marks: Marks, record: bytes, at: int) -> str:
    order = byte_order(record) or marks.order
    where = "first" if not at else f"after {at} records"
    who = parts.identity(record, order, None)
    is_same = of_image(parts.as_row(record), marks.image_id)[0]
    if is_same and who.date & 0xFFFFFFFF == marks.date:
        return f"{where} comes a header of this image"
    when = np.datetime64(who.date & 0xFFFFFFFF, "s")
    label = display(who.label)
    return f"{where} comes a header of a dump of {when}Z, label {label!r}, level {who.level}"
