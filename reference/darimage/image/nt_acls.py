"""The NT ACLs of an image: from the front section, the trailing one, or a place alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image import parts, payload
from darimage.image.batch import SECTIONS_INODE, Marks
from darimage.image.describe import trailing_section
from darimage.image.parts import SectionHeader
from darimage.schema import CType, Kind, Order, Section
from darimage.sections import nt_acls
from darimage.sections.header import byte_order, picker, sound
from darimage.sections.nt_acls import NtAcls
from darimage.units import RECORD
from darimage.volumes.cut import ONE_VOLUME, Cut
from darimage.volumes.joined import Joined
from darimage.volumes.reading import Volume

if TYPE_CHECKING:
    from darimage.image.reader import Image

OnFault = Callable[[Fault], None]

_LOOKED_AT = 1 << 10
"""Records read at once when continuation headers are looked for."""

MOST = 1 << 32
"""Bytes of a payload that is read; it is held whole."""

_ALWAYS = 1 << 26
"""Bytes of a payload that is read from any image: blocks of zeros are holes, so a payload may be
longer than the image is."""

_SECTIONS = (Section.NT_ACLS_FRONT, Section.NT_ACLS_TRAILING)


def of_image(image: Image) -> NtAcls:
    """Return the NT ACLs of an image: the front ones, or the trailing if those are damaged.

    Damage goes to the image's faults (DARI-ACL-011).
    """
    is_tried = False
    for header in _headers(image):
        if header.payload_size == nt_acls.HEAD:
            # Nothing but counts, which can only be 0: not worth a read.
            return nt_acls.NONE
        is_tried = True
        found = read(image.volume, image.marks, header, 0, image.faults.tell)
        if found is not None:
            return found
        kind = "acls-front" if header.section == Section.NT_ACLS_FRONT else "acls-trailing"
        told = f"{header.title} cannot be used"
        image.faults.tell(Fault(kind, told, None, None, header.record, "DARI-ACL-011"))
    known = image.extension
    if is_tried or (known is not None and (known.nt_acls_front or known.nt_acls_trailing)):
        image.faults.tell(Fault("acls", "no NT ACLs can be read", requirement="DARI-ACL-015"))
    return nt_acls.NONE


def _headers(image: Image) -> Iterator[SectionHeader]:
    """Yield the front section, and the trailing one if that is asked for too."""
    yield from (header for header in image.front.sections if header.section in _SECTIONS)
    trailing = trailing_section(image)
    if trailing is not None and trailing.section in _SECTIONS:
        yield trailing


def most(volume: Volume) -> int:
    """Return how many bytes a payload in an image may have to be read."""
    return min(MOST, max(_ALWAYS, volume.size))


def read(
    volume: Volume, marks: Marks, header: SectionHeader, shift: int, on_fault: OnFault
) -> NtAcls | None:
    """Return what an NT ACL section holds, ``None`` if it is not sound.

    Args:
        volume: The image.
        marks: What its headers have in common.
        header: The section's first header.
        shift: Records its headers lie behind their ``c_tapea``.
        on_fault: Told of damage.
    """

    def tell(told: str, requirement: str | None) -> None:
        on_fault(Fault("section", told, None, None, header.record, requirement))

    if header.section_version != 1:
        tell(f"{header.title}: section_version is {header.section_version}", "DARI-SCT-009")
        return None
    if header.payload_size > most(volume):
        tell(f"{header.title}: payload of {header.payload_size} bytes", "DARI-SCT-005")
        return None
    found = payload.find(volume, marks, header, shift, on_fault)
    if found is None:
        return None
    data = b"".join(found.stream())
    if found.damaged:
        return None
    try:
        return nt_acls.decode(
            data, marks.order, lambda fault: on_fault(fault._replace(record=header.record))
        )
    except FormatError as error:
        tell(error.message, error.requirement)
        return None


def at_offset(volume: Volume, offset: int) -> NtAcls:
    """Return the NT ACLs of a section, given a volume and the section's place (DARI-ACL-012).

    Nothing else of the image is read: what follows the place may be all that there is.

    Args:
        volume: Where the section lies; of an image on several volumes all that lies on them, with
            the continuation headers.
        offset: Byte offset of its first header, ``ACL_START``.

    Raises:
        FormatError: There is no sound NT ACL section at that place.
    """
    record = offset // RECORD
    row = b"" if offset % RECORD or offset < 0 else volume.read_at(offset, RECORD)
    order = byte_order(row) if len(row) == RECORD else None
    if order is None or not _is_section(row, order):
        raise FormatError(
            f"no section begins at byte {offset}", record=record, requirement="DARI-ACL-012"
        )
    header = parts.section_header(row, order, record)
    if header.section not in _SECTIONS:
        told = f"the section at byte {offset} is of kind {header.section}, not NT ACLs"
        raise FormatError(told, record=record, requirement="DARI-ACL-012")
    (tapea,) = picker(order, "c_tapea").unpack_from(row)
    date = parts.identity(row, order, None).date & 0xFFFFFFFF
    shift = _shift(record, tapea)
    cut = ONE_VOLUME if shift else _cut_of(volume, header, order, date)
    header = replace(header, record=cut.logical(record))
    shown = Joined(volume, cut) if cut.capacity else volume
    marks = Marks(
        order, date, numbered=True, cut=cut, image_id=parts.image_id_of(row, is_dari=True)
    )
    faults: list[Fault] = []
    found = read(shown, marks, header, shift, faults.append)
    if found is None:
        first = faults[0]
        raise FormatError(first.message, record=first.record, requirement=first.requirement)
    return found


def _cut_of(volume: Volume, header: SectionHeader, order: Order, date: int) -> Cut:
    """Return how an image is cut if a continuation header lies within a section's run.

    Without one it makes no difference.
    """
    last = min(header.record + header.run_records + 1, volume.size // RECORD)
    fields = picker(order, "c_type", "c_date", "c_volume", "c_tapea")
    for start in range(header.record, last, _LOOKED_AT):
        data = volume.read_at(start * RECORD, min(_LOOKED_AT, last - start) * RECORD)
        rows = np.frombuffer(data, np.uint8, len(data) // RECORD * RECORD).reshape(-1, RECORD)
        for at in np.flatnonzero(sound(rows, order)).tolist():
            c_type, c_date, number, tapea = fields.unpack_from(rows[at])
            place = start + at
            here = c_type == CType.TS_TAPE and c_date == date and tapea == place & 0xFFFFFFFF
            if here and number > 1 and not place % (number - 1):
                return Cut(place // (number - 1))
    return ONE_VOLUME


def _is_section(row: bytes, order: Order) -> bool:
    if not sound(parts.as_row(row), order)[0] or not parts.has_extension(row):
        return False
    c_type, inode = picker(order, "c_type", "c_inumber").unpack_from(row)
    kind = parts.kind_of(row)
    return bool(c_type == CType.TS_INODE and inode == SECTIONS_INODE and kind == Kind.SECTION)


def _shift(record: int, tapea: int) -> int:
    """Return how many records a header lies behind its ``c_tapea``, which wraps around."""
    return (record - tapea + 0x80000000) % 0x100000000 - 0x80000000
