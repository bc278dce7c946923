"""Where each file of an image lies: from its offset map, or from a walk over all headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from darimage.distinct import distinct
from darimage.faults import Fault
from darimage.image import payload
from darimage.image.attributes import AttributeRuns, runs_of
from darimage.image.batch import SECTIONS_INODE, Marks
from darimage.image.parts import SectionHeader
from darimage.image.walk import Mend, walk
from darimage.progress import Progress
from darimage.schema import CType
from darimage.sections.offset_map import ELEMENT
from darimage.units import RECORD
from darimage.volumes.reading import Volume

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]


class Offsets:
    """Byte addresses of ``TS_INODE`` headers by inode number.

    Attributes:
        inodes: Inode numbers, ascending, each once.
        offsets: Byte address of each.
    """

    def __init__(self, inodes: Ints, offsets: Ints) -> None:
        """Take the columns; of an inode that is there twice the first counts."""
        self.inodes, first = np.unique(inodes, return_index=True)
        self.offsets = offsets[first]

    def __len__(self) -> int:
        return len(self.inodes)

    def get(self, inode: int) -> int | None:
        """Return the address of one inode."""
        at = int(np.searchsorted(self.inodes, inode))
        if at < len(self.inodes) and self.inodes[at] == inode:
            return int(self.offsets[at])
        return None

    def of(self, inodes: npt.ArrayLike) -> Ints:
        """Return the addresses of many inodes, -1 where there is none."""
        wanted = np.asarray(inodes, np.int64)
        if not len(self.inodes):
            return np.full(wanted.shape, -1, np.int64)
        at = np.minimum(np.searchsorted(self.inodes, wanted), len(self.inodes) - 1)
        return np.where(self.inodes[at] == wanted, self.offsets[at], -1)


class MapOffsets(Offsets):
    """What an offset map says, and where else something is that the map lacks (DARI-OFF-007)."""

    def __init__(self, said: Offsets, lacking: Callable[[Ints], Offsets]) -> None:
        """Keep a map.

        Args:
            said: What it says.
            lacking: Called with inode numbers that are asked for and not in it, each once.
        """
        super().__init__(said.inodes, said.offsets)
        self._lacking = lacking
        self._asked: set[int] = set()

    def get(self, inode: int) -> int | None:
        """Return the address of one inode."""
        found = int(self.of([inode])[0])
        return None if found < 0 else found

    def of(self, inodes: npt.ArrayLike) -> Ints:
        """Return the addresses of many inodes, -1 where there is none."""
        found = super().of(inodes)
        if (found < 0).any():
            absent = distinct(np.asarray(inodes, np.int64)[found < 0])
            new = absent[[number not in self._asked for number in absent.tolist()]]
            self._asked.update(new.tolist())
            other = self._lacking(new) if new.size else self
            if other is not self and len(other):
                joined = np.concatenate((self.inodes, other.inodes))
                super().__init__(joined, np.concatenate((self.offsets, other.offsets)))
                found = super().of(inodes)
        return found


def from_map(
    volume: Volume,
    marks: Marks,
    header: SectionHeader,
    span: tuple[int, int],
    on_fault: OnFault,
) -> Offsets | None:
    """Return what the offset map says, ``None`` if it is not sound (DARI-REC-029).

    Args:
        volume: The image.
        marks: What its headers have in common.
        header: The map's section.
        span: Record numbers part 8 begins with and ends before; elements elsewhere are left out
            and reported (DARI-OFF-005).
        on_fault: Told of damage.
    """
    if header.section_version != 1:
        told = f"offset map of version {header.section_version}"
        on_fault(Fault("format", told, None, None, header.record, "DARI-SCT-009"))
        return None
    found = payload.find(volume, marks, header, 0, on_fault)
    if found is None:
        return None
    if header.payload_size % ELEMENT:
        told = f"offset map of {header.payload_size} bytes is not a multiple of {ELEMENT}"
        on_fault(Fault("format", told, None, None, header.record, "DARI-OFF-001"))
        return None
    inodes, words = found.words()
    if found.damaged:
        return None
    offsets = words.view("<u8" if marks.order == "le" else ">u8").reshape(-1)
    real = np.minimum(offsets // np.uint64(RECORD), np.uint64(1 << 54)).astype(np.int64)
    records = marks.cut.logical(real)
    sound = (offsets % np.uint64(RECORD) == 0) & (records >= span[0]) & (records < span[1])
    sound &= marks.cut.physical(records) == real
    for bad in np.flatnonzero(~sound).tolist():
        told = f"the offset map says byte {int(offsets[bad])}, which is not in part 8"
        number = int(inodes[bad])
        on_fault(Fault("format", told, None, number, header.record, "DARI-OFF-005"))
    return Offsets(inodes[sound], records[sound] * RECORD)


def from_walk(
    volume: Volume,
    marks: Marks,
    start: int,
    end: int | None,
    progress: Progress,
    on_fault: OnFault,
    mend: Mend | None = None,
) -> tuple[Offsets, AttributeRuns]:
    """Return what a walk over all headers finds: files, and attributes.

    Args:
        volume: The image.
        marks: What its headers have in common.
        start: Record number of the first file.
        end: Record number to stop at; by default where the image ends.
        progress: Told of the bytes passed.
        on_fault: Told of damage.
        mend: As for ``walk``.
    """
    inodes, records = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    attributes: list[tuple[Ints, Ints]] = []
    further: list[tuple[Ints, Ints]] = []
    before = start
    progress.start("reading headers", max(0, volume.size - start * RECORD))
    for batch in walk(volume, marks, start, on_fault=on_fault, end=end, mend=mend):
        kept = batch.starts_inode & ~batch.is_directory
        if marks.numbered:
            kept &= batch.inode != SECTIONS_INODE
        inodes.append(batch.inode[kept])
        records.append(batch.record[kept])
        attributes.append(runs_of(batch))
        if marks.numbered:
            others = (batch.c_type == CType.TS_ADDR) & ~batch.is_directory
            others &= batch.inode != SECTIONS_INODE
            further.append((batch.inode[others], batch.record[others]))
        progress.advance((int(batch.record[-1]) - before) * RECORD)
        before = int(batch.record[-1])
    progress.finish()
    for some, places in _without_first(np.concatenate(inodes), further, on_fault):
        inodes.append(some)
        records.append(places)
    found = Offsets(np.concatenate(inodes), np.concatenate(records) * RECORD)
    return found, AttributeRuns.joined(attributes)


_TOLD = 100
"""Inodes without a first header that are reported one by one."""


def _without_first(
    inodes: Ints, further: list[tuple[Ints, Ints]], on_fault: OnFault
) -> Iterator[tuple[Ints, Ints]]:
    """Yield inodes of which only further headers were found, and their records (DARI-FIL-022)."""
    known, told = distinct(inodes), 0
    for some, places in further:
        lost = ~np.isin(some, known)
        if not lost.any():
            continue
        yield some[lost], places[lost]
        numbers, firsts = np.unique(some[lost], return_index=True)
        for number, at in zip(numbers.tolist(), firsts.tolist(), strict=True):
            told += 1
            if told <= _TOLD:
                why = "its first header is lost, further ones are here"
                record = int(places[lost][at])
                on_fault(Fault("first-group-missing", why, None, number, record, "DARI-FIL-022"))
        known = distinct(np.concatenate((known, numbers)))
