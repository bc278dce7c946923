"""The front of an image, as far as the volume header says truly that it reaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from darimage.faults import Fault
from darimage.image import blame
from darimage.image.batch import Batch
from darimage.image.describe import section_of
from darimage.image.front import Front, read_front
from darimage.image.headers_at import gather
from darimage.image.parts import plausible
from darimage.schema import CType, Section
from darimage.sections.header import sound
from darimage.units import RECORD
from darimage.volumes.reading import Volume, expect

if TYPE_CHECKING:
    from darimage.image.reader import Image


def front_of(
    image: Image, start: int, on_the_way: Callable[[Front], None] = lambda _: None
) -> Front:
    """Return what lies before the files.

    Args:
        image: The image.
        start: Record number of the first header after the volume header.
        on_the_way: Gets the front before it is known to be right, to read what lies in it while a
            tape is there.
    """
    end = image.shown.files if image.shown else None
    if end is not None and not plausible(end, image.volume.size):
        _tell(image, end)
        end = None
    if end is not None:
        expect(image.volume, np.array([[0, (end + 1) * RECORD]], np.int64))
    found: list[Fault] = []
    front = _read(image, start, end, found)
    on_the_way(front)
    if end is not None and not _files_begin(image, end) and not image.is_recovered:
        image.recover()
        front = _read(image, start, end, found)
        on_the_way(front)
    if end is not None and not _files_begin(image, end):
        _tell(image, end)
        front = _read(image, start, None, found)
        on_the_way(front)
    for fault in found:
        image.faults.tell(fault)
    maps = ((front.exists, "bitmap I", CType.TS_CLRI), (front.dumped, "bitmap II", CType.TS_BITS))
    for part, title, kind in maps:
        if part is None and kind not in front.unusable:
            told = f"{title} is missing"
            image.faults.tell(Fault("missing", told, requirement="DARI-REC-002"))
    return front


class _DamagedError(Exception):
    """The front shows damage: it is read again when records are at their numbers."""


def _damaged() -> Volume:
    raise _DamagedError


def _read(image: Image, start: int, end: int | None, found: list[Fault]) -> Front:
    """Return the front; ``found`` gets what is wrong with it, and loses what it had."""
    while True:
        found.clear()
        try:
            return read_front(
                image.volume,
                image.marks,
                start=start,
                end=end,
                fence=None if end is None else _first_section(image),
                old_format=image.old_format,
                on_fault=found.append,
                mend=None if image.is_recovered else _damaged,
            )
        except _DamagedError:
            image.recover()


def _tell(image: Image, record: int) -> None:
    """Report that files do not begin where the volume header says."""
    real = image.marks.cut.physical(record)
    told = f"no file and no end record at record {real}, where files should begin"
    field = blame.in_volume("files", real)
    image.faults.tell(Fault("part-place", told, None, None, 0, "DARI-VOL-008", None, field))


def _first_section(image: Image) -> int | None:
    """Return where the volume header says that sections begin before the files."""
    known = image.shown
    if known is None:
        return None
    said = (known.stream_directories, known.nt_acls_front, known.offset_map)
    return min((record for record in said if record > 0), default=None)


def _files_begin(image: Image, record: int) -> bool:
    """Tell whether a record is the first after the front: a file, a trailing section, the end.

    DARI-VOL-008: the record number comes from the image.
    """
    if image.volume.missing(record * RECORD, (record + 1) * RECORD):
        return True  # nobody can tell
    for found, rows in gather(image.volume, np.array([record], np.int64)):
        batch = Batch(found, rows, np.zeros(1, np.int64), image.order)
        if not sound(rows, image.order)[0]:
            return False
        section = section_of(image, record, rows)
        if section is not None:
            return section.section == Section.NT_ACLS_TRAILING
        is_file = batch.starts_inode[0] and not batch.is_directory[0]
        return bool(is_file or batch.c_type[0] == CType.TS_END)
    return False
