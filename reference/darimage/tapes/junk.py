"""Names a container that something else lies before: it is not read as one (DARI-TAP-010)."""

from __future__ import annotations

import numpy as np

from darimage.faults import Fault
from darimage.schema import ORDERS, Magic
from darimage.sections.header import field_span, sound
from darimage.tapes.forms import FORMS, fits
from darimage.units import RECORD
from darimage.volumes.reading import MemoryVolume, Volume

_LOOKED_AT = 1 << 20
"""Bytes that are searched for a header, as for that of an image (DARI-REC-018)."""

_BLOCKS = 1 << 22
"""Bytes from there on in which two blocks are to be."""

_FRAMES = (4, 6)
"""Bytes of a container between whose first and a block there is nothing else."""

_TRIED = 16
"""Headers that are looked at: of an image that only begins with junk, none is in a block."""


def container_behind_junk(volume: Volume) -> Fault | None:
    """Return the fault that says where a container begins in a file that is none as it lies."""
    data = volume.read_at(0, _LOOKED_AT)
    headers = _headers(data)
    if headers and headers[0] in _FRAMES:
        return None  # only the first length is damaged
    for at in headers:
        for start in [at - frame for frame in _FRAMES if at > frame]:
            if _follows_a_block(data, start):
                continue
            rest = MemoryVolume(volume.read_at(start, _BLOCKS))
            if (form := next((form for form in FORMS if fits(rest, form)), None)) is not None:
                told = f"a {form.name} tape container begins at byte {start}; read as it lies, "
                told += f"lengths are among the records: `tail -c +{start + 1}` gives the container"
                return Fault("container", told, requirement="DARI-TAP-010")
    return None


def _follows_a_block(data: bytes, start: int) -> bool:
    """Tell whether a damaged block of a container fills all before a byte."""
    before = data[max(0, start - 4) : start + 4]
    if len(before) < 8:
        return False
    behind = int.from_bytes(before[:4], "little")
    previous = int.from_bytes(before[6:], "little")
    return (behind > 0 and start - 9 <= behind <= start - 8) or 0 < previous == start - 6


def _headers(data: bytes) -> list[int]:
    """Return where headers of dumps lie among some bytes, the first ones."""
    begin, end = field_span("c_magic")
    found: list[int] = []
    for order in ORDERS:
        magic = int(Magic.NFS).to_bytes(4, "little" if order == "le" else "big")
        at = data.find(magic, begin)
        while at >= 0 and len(found) < _TRIED:
            record = data[at - begin : at - begin + RECORD]
            rows = np.frombuffer(record, np.uint8).reshape(1, -1)
            if len(record) == RECORD and sound(rows, order)[0]:
                found.append(at - begin)
            at = data.find(magic, at + end - begin)
    return sorted(found)
