"""The parts of an open image, as they are shown to people, and the section after its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darimage.image import parts
from darimage.image.batch import SECTIONS_INODE, Batch
from darimage.image.front import MapPart
from darimage.image.headers_at import gather
from darimage.image.parts import Part, SectionHeader
from darimage.schema import CType, Kind, Verdict
from darimage.sections.bitmap import Bitmap
from darimage.sections.header import sound
from darimage.units import RECORD

if TYPE_CHECKING:
    from darimage.image.reader import Image


def trailing_section(image: Image) -> SectionHeader | None:
    """Return the first header of the section that the volume header says follows the files."""
    if image.shown is None or not image.shown.nt_acls_trailing:
        return None
    return section_at(image, image.shown.nt_acls_trailing)


def section_at(image: Image, record: int) -> SectionHeader | None:
    """Return the first header of a section, ``None`` if there is none at a record."""
    if not parts.plausible(record, image.volume.size):
        return None
    for _, rows in gather(image.volume, np.array([record], np.int64)):
        return section_of(image, record, rows)
    return None


def section_of(image: Image, record: int, rows: npt.NDArray[np.uint8]) -> SectionHeader | None:
    """Return what a record, shape (1, 1024), says if it is the first header of a section."""
    batch = Batch(np.array([record]), rows, np.zeros(1, np.int64), image.order)
    header = rows[0].tobytes()
    is_section = bool(sound(rows, image.order)[0]) and int(batch.c_type[0]) == CType.TS_INODE
    is_section = is_section and int(batch.inode[0]) == SECTIONS_INODE
    is_section = is_section and parts.has_extension(header)
    if is_section and parts.kind_of(header) == Kind.SECTION:
        return parts.section_header(header, image.order, record)
    return None


def describe(image: Image) -> list[Part]:
    """Return the parts of an image in order."""
    front, trailing = image.front, trailing_section(image)
    found = [Part("volume header", "volume", 0, 1, "DARI" if image.is_dari else "plain dump")]
    found += _map("bitmap I", front.exists, "inodes exist")
    found += _map("bitmap II", front.dumped, "inodes are in this image")
    found += _directories(image)
    found += [_section(section) for section in front.sections]
    end = image.records if image.end_at is None else image.end_at
    files_end = end if trailing is None else trailing.record
    found.append(Part("files", "files", front.files, max(0, files_end - front.files)))
    if trailing is not None:
        found.append(_section(trailing))
    if image.end_at is not None:
        found.append(Part("end", "end", end, image.records - end, _verdict(image)))
    return [_as_it_lies(image, part) for part in found]


def _as_it_lies(image: Image, part: Part) -> Part:
    """Return a part with real record numbers; continuation headers within it are counted."""
    real = image.volume.cut.physical
    first, last = part.record, part.record + max(0, part.records - 1)
    count = real(last) - real(first) + 1 if part.records else 0
    return part._replace(record=real(first), records=count)


def _map(title: str, part: MapPart | None, what: str) -> list[Part]:
    if part is None:
        return []
    bits = len(Bitmap(part.payload))
    return [Part(title, "bitmap", part.record, 1 + len(part.payload) // RECORD, f"{bits} {what}")]


def _directories(image: Image) -> list[Part]:
    table = image.front.directories
    if not len(table.records):
        return []
    first, count = int(table.records[0]), len(table.records)
    note = f"{count} director{'y' if count == 1 else 'ies'}"
    return [Part("directories", "directories", first, image.front.directories_end - first, note)]


def _section(section: SectionHeader) -> Part:
    note = f"{section.payload_size} bytes"
    return Part(section.title, "section", section.record, section.run_records, note)


def _verdict(image: Image) -> str:
    if image.end is None:
        return ""
    names = {int(verdict): verdict.name.lower() for verdict in Verdict}
    return f"verdict {names.get(image.end.verdict, image.end.verdict)}"
