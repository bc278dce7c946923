"""The payload of a section, held as sparsely as the image holds it (chapter 70)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import google_crc32c
import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image import blame
from darimage.image.batch import SECTIONS_INODE, Marks
from darimage.image.parts import SectionHeader
from darimage.image.runs import Run, Stretches, follow
from darimage.units import ADDRESSES, RECORD
from darimage.volumes.reading import Volume

OnFault = Callable[[Fault], None]

_CHUNK = 1 << 20
_ZEROS = bytes(_CHUNK)


@dataclass(frozen=True)
class Payload:
    """Where a section's bytes lie; the rest of them is zero.

    Attributes:
        volume: The image.
        size: Bytes, holes included.
        stretches: Its present records, ascending.
    """

    volume: Volume
    size: int
    stretches: list[Stretches]

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Yield offset and bytes of what is present, at most 1 MiB at once."""
        for part in self.stretches:
            rows = zip(part.block.tolist(), part.record.tolist(), part.length.tolist(), strict=True)
            for block, record, count in rows:
                yield from self._piece(block * RECORD, record * RECORD, count * RECORD)

    def _piece(self, offset: int, place: int, length: int) -> Iterator[tuple[int, bytes]]:
        length = min(length, self.size - offset)
        for done in range(0, length, _CHUNK):
            count = min(_CHUNK, length - done)
            yield offset + done, self.volume.read_at(place + done, count)

    def stream(self) -> Iterator[bytes]:
        """Yield all bytes in order, holes as zeros, at most 1 MiB at once."""
        at = 0
        for offset, data in self.pieces():
            yield from _zeros(offset - at)
            yield data
            at = offset + len(data)
        yield from _zeros(self.size - at)

    def crc32c(self) -> int:
        """Return the CRC-32C of all bytes (DARI-SCT-006)."""
        value = 0
        for data in self.stream():
            value = google_crc32c.extend(value, data)
        return value

    def words(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], int]:
        """Return the 8-byte words that are not zero, their numbers first, and the CRC-32C of all.

        The payload is read once.
        """
        numbers, found = [np.zeros(0, np.int64)], [np.zeros((0, 8), np.uint8)]
        at = crc = 0
        for offset, data in self.pieces():
            for zeros in _zeros(offset - at):
                crc = google_crc32c.extend(crc, zeros)
            crc = google_crc32c.extend(crc, data)
            at = offset + len(data)
            words = np.frombuffer(data, np.uint8, len(data) // 8 * 8).reshape(-1, 8)
            used = np.flatnonzero(words.any(axis=1))
            numbers.append(used + offset // 8)
            found.append(words[used])
        for zeros in _zeros(self.size - at):
            crc = google_crc32c.extend(crc, zeros)
        return np.concatenate(numbers), np.concatenate(found), crc


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield _ZEROS[:count] if count < _CHUNK else _ZEROS
        count -= _CHUNK


def find(
    volume: Volume, marks: Marks, header: SectionHeader, shift: int, on_fault: OnFault
) -> Payload | None:
    """Return where a section's payload lies, ``None`` if the image cannot hold it (DARI-SCT-005).

    Args:
        volume: The image.
        marks: What its headers have in common.
        header: The section's first header.
        shift: Records its headers lie behind their ``c_tapea``.
        on_fault: Told of damage.
    """
    room = volume.size // RECORD - header.record
    if header.payload_size > min(room, header.run_records) * ADDRESSES * RECORD:
        told = f"{header.title}: payload of {header.payload_size} bytes cannot be in the image"
        fault = Fault("format", told, None, None, header.record, "DARI-SCT-005")
        on_fault(fault._replace(field=blame.in_section("payload_size", header.payload_size)))
        return None
    run = Run(
        SECTIONS_INODE,
        header.record,
        header.payload_size,
        shift,
        header.record + header.run_records,
        "section_body",
        "section",
    )
    faults: list[Fault] = []
    stretches = list(follow(volume, marks, run, faults.append))
    for fault in faults:
        on_fault(fault._replace(message=f"{header.title}: {fault.message}", inode=None))
    for part in stretches:
        end = int(part.record[-1] + part.length[-1]) if len(part.record) else 0
        for gap in volume.missing(int(part.record[0]) * RECORD, end * RECORD) if end else ():
            told = f"{header.title}: {gap.told}"
            where = (None, None, gap.start // RECORD, "DARI-VOL-020")
            faults.append(Fault("missing", told, *where))
            on_fault(faults[-1])
    return None if faults else Payload(volume, header.payload_size, stretches)
