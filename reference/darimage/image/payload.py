"""The payload of a section, held as sparsely as the image holds it (chapter 70)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image import blame
from darimage.image.batch import SECTIONS_INODE, Marks
from darimage.image.groups import Groups, damaged, is_right
from darimage.image.parts import SectionHeader
from darimage.image.runs import Followed, Run, Stretches, follow
from darimage.units import ADDRESSES, RECORD
from darimage.volumes.reading import Volume

OnFault = Callable[[Fault], None]

_CHUNK = 1 << 20
_ZEROS = bytes(_CHUNK)


@dataclass
class Payload:
    """Where a section's bytes lie; the rest of them is zero.

    Attributes:
        volume: The image.
        size: Bytes, holes included.
        parts: Its present records, ascending, and the groups they belong to.
        title: What to call the section.
        on_fault: Told of groups that are damaged when they are read (DARI-REC-029).
        damaged: Whether one of those read so far is.
    """

    volume: Volume
    size: int
    parts: list[Followed]
    title: str
    on_fault: OnFault
    damaged: bool = False

    @property
    def stretches(self) -> list[Stretches]:
        """Its present records, ascending."""
        return [part.stretches for part in self.parts]

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Yield offset and bytes of what is present, a group or less at once.

        A group whose CRC is wrong is reported, and yielded all the same.
        """
        for part in self.parts:
            groups = part.groups
            owners = np.searchsorted(groups.first, part.stretches.record, side="right") - 1
            edges = np.searchsorted(owners, np.arange(len(groups.first) + 1))
            rows = list(zip(*(column.tolist() for column in part.stretches), strict=True))
            for at in range(len(groups.first)):
                yield from self._group(groups, at, rows[edges[at] : edges[at + 1]])

    def _group(
        self, groups: Groups, at: int, rows: list[tuple[int, int, int]]
    ) -> Iterator[tuple[int, bytes]]:
        first = int(groups.first[at])
        data = self.volume.read_at(first * RECORD, int(groups.records[at]) * RECORD)
        if not is_right(np.frombuffer(data, np.uint8), int(groups.crc32c[at])):
            self.damaged = True
            self.on_fault(damaged(self.title, first - 1))
        for block, record, count in rows:
            start, offset = (record - first) * RECORD, block * RECORD
            yield offset, data[start : start + min(count * RECORD, self.size - offset)]

    def stream(self) -> Iterator[bytes]:
        """Yield all bytes in order, holes as zeros, at most 1 MiB at once."""
        at = 0
        for offset, data in self.pieces():
            yield from _zeros(offset - at)
            yield data
            at = offset + len(data)
        yield from _zeros(self.size - at)

    def words(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Return the 8-byte words that are not zero, their numbers first."""
        numbers, found = [np.zeros(0, np.int64)], [np.zeros((0, 8), np.uint8)]
        for offset, data in self.pieces():
            words = np.frombuffer(data, np.uint8, len(data) // 8 * 8).reshape(-1, 8)
            used = np.flatnonzero(words.any(axis=1))
            numbers.append(used + offset // 8)
            found.append(words[used])
        return np.concatenate(numbers), np.concatenate(found)


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield _ZEROS[:count] if count < _CHUNK else _ZEROS
        count -= _CHUNK


def find(
    volume: Volume,
    marks: Marks,
    header: SectionHeader,
    shift: int,
    on_fault: OnFault,
    *,
    in_part: bool = False,
) -> Payload | None:
    """Return where a section's payload lies, ``None`` if the image cannot hold it (DARI-SCT-005).

    Args:
        volume: The image.
        marks: What its headers have in common.
        header: The section's first header.
        shift: Records its headers lie behind their ``c_tapea``.
        on_fault: Told of damage.
        in_part: Whether what is left of a payload will do; by default all of it has to be there.
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
    parts = list(follow(volume, marks, run, faults.append))
    for fault in faults:
        on_fault(fault._replace(message=f"{header.title}: {fault.message}", inode=None))
    for groups in (part.groups for part in parts):
        end = int(groups.first[-1] + groups.records[-1]) if len(groups.first) else 0
        for gap in volume.missing(int(groups.first[0]) * RECORD, end * RECORD) if end else ():
            told = f"{header.title}: {gap.told}"
            where = (None, None, gap.start // RECORD, "DARI-VOL-020")
            faults.append(Fault("missing", told, *where))
            on_fault(faults[-1])
    if faults and not in_part:
        return None
    found = Payload(volume, header.payload_size, parts, header.title, on_fault)
    found.damaged = bool(faults)
    return found
