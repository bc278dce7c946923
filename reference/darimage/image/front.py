"""The front of an image: maps, directories and sections, from one walk over their headers.

No header of a file is looked at but the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image import blame
from darimage.image.attributes import AttributeRuns, runs_of
from darimage.image.batch import SECTIONS_INODE, Batch, Marks
from darimage.image.directories import DirectoryTable, Trust
from darimage.image.groups import UNKNOWN, damaged, is_right
from darimage.image.inode import crcs_under
from darimage.image.parts import SectionHeader, section_header
from darimage.image.state import State
from darimage.image.walk import Mend, walk
from darimage.schema import CType, Kind
from darimage.sections.bitmap import Bitmap
from darimage.sections.directory import CHUNK
from darimage.sections.header import as_headers, field_span
from darimage.units import RECORD
from darimage.volumes.reading import Volume, is_doubtful

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]

_KIND, _ = field_span("extension.kind")


@dataclass(frozen=True)
class MapPart:
    """A bitmap as it lies in the image.

    Attributes:
        record: Record number of its header.
        header: The header.
        payload: The records of the map.
    """

    record: int
    header: bytes
    payload: bytes


def bitmap_of(part: MapPart | None) -> Bitmap:
    """Return what a bitmap says; one that was not found is empty."""
    return Bitmap() if part is None else Bitmap(part.payload)


@dataclass
class Front:
    """What lies before the first file.

    Attributes:
        directories: The directories.
        exists: Bitmap I, if it was found.
        dumped: Bitmap II, likewise.
        directories_end: Record number after the last of them; 0 if there is none.
        sections: Headers of the sections, in the order they were found.
        files: Record number of what follows: the first file, or ``TS_END``.
        attributes: Where extended attributes of directories are.
        damaged: Inode numbers of directories whose entries do not have the CRC of their header.
        unusable: Types of the bitmaps that are there and cannot be used, which is reported.
    """

    directories: DirectoryTable
    exists: MapPart | None = None
    dumped: MapPart | None = None
    directories_end: int = 0
    sections: list[SectionHeader] = field(default_factory=list)
    files: int = 0
    attributes: AttributeRuns = field(default_factory=lambda: AttributeRuns.joined([]))
    damaged: set[int] = field(default_factory=set)
    unusable: set[int] = field(default_factory=set)


def read_front(
    volume: Volume,
    marks: Marks,
    *,
    start: int,
    end: int | None,
    fence: int | None,
    old_format: bool,
    on_fault: OnFault,
    mend: Mend | None = None,
) -> Front:
    """Read everything before the first file.

    Args:
        volume: The image.
        marks: What its headers have in common.
        start: Record number to begin at.
        end: Record number to stop at, if it is known where files begin.
        fence: Record number of the first section, if that is known.
        old_format: Entries and owners are those of images without ``DR_NEWINODEFMT``.
        on_fault: Told of damage.
        mend: Asked at the first sign of damage; it has to raise.
    """
    builder = _Builder(volume, marks, old_format, on_fault)
    front = Front(builder.table(), files=start)
    attributes: list[tuple[Ints, Ints]] = []
    for batch in walk(volume, marks, start, on_fault=on_fault, end=end, fence=fence, mend=mend):
        count = _before_files(batch, marks)
        part = batch.part(slice(0, count))
        _take_maps(volume, part, front, on_fault)
        _take_sections(part, marks, front)
        attributes.append(runs_of(part))
        front.directories_end = builder.add(part) or front.directories_end
        if count < len(batch):
            front.files = int(batch.record[count])
            break
        front.files = int(batch.record[-1] + 1 + batch.following[-1])
    front.directories = builder.table()
    front.damaged = builder.damaged
    front.attributes = AttributeRuns.joined(attributes)
    return front


def _before_files(batch: Batch, marks: Marks) -> int:
    """Return how many headers of a batch come before the first file."""
    is_file = batch.starts_inode & ~batch.is_directory
    if marks.numbered:
        is_file &= batch.inode != SECTIONS_INODE
    found = np.flatnonzero(is_file | (batch.c_type == CType.TS_END))
    return int(found[0]) if found.size else len(batch)


def _take_maps(volume: Volume, batch: Batch, front: Front, on_fault: OnFault) -> None:
    for at in np.flatnonzero(batch.c_type == CType.TS_CLRI).tolist():
        front.exists = front.exists or _map(volume, batch, at, on_fault)
        front.unusable |= {int(CType.TS_CLRI)} if front.exists is None else set()
    for at in np.flatnonzero(batch.c_type == CType.TS_BITS).tolist():
        front.dumped = front.dumped or _map(volume, batch, at, on_fault)
        front.unusable |= {int(CType.TS_BITS)} if front.dumped is None else set()


def _map(volume: Volume, batch: Batch, at: int, on_fault: OnFault) -> MapPart | None:
    """Return a map, if the image is long enough to hold it (DARI-BMP-007)."""
    record, count = int(batch.record[at]), int(batch.following[at])
    if (record + 1 + count) * RECORD > volume.size:
        told = f"bitmap of {count} records does not fit in the image"
        on_fault(Fault("truncated", told, record=record, requirement="DARI-BMP-007"))
        return None
    if gaps := volume.missing((record + 1) * RECORD, (record + 1 + count) * RECORD):
        told = f"bitmap: {gaps[0].told}"
        on_fault(Fault("missing", told, record=record, requirement="DARI-VOL-020"))
        return None
    payload = batch.read_behind(record, count)
    if payload is None:
        payload = volume.read_at((record + 1) * RECORD, count * RECORD)
    (crc32c,) = crcs_under(batch.headers()[at : at + 1]).tolist()
    if not is_right(np.frombuffer(payload, np.uint8), crc32c):
        on_fault(damaged("bitmap", record)._replace(kind="bitmap-damaged"))
        return None
    return MapPart(record, batch.rows[at].tobytes(), payload)


def _take_sections(batch: Batch, marks: Marks, front: Front) -> None:
    if not marks.numbered:
        return
    found = batch.starts_inode & (batch.inode == SECTIONS_INODE)
    found &= batch.rows[:, _KIND] == Kind.SECTION
    for at in np.flatnonzero(found).tolist():
        position = int(batch.record[at])
        front.sections.append(section_header(batch.rows[at].tobytes(), marks.order, position))


class _Builder:
    """Collects directories, batch by batch."""

    def __init__(self, volume: Volume, marks: Marks, old_format: bool, on_fault: OnFault) -> None:
        self.volume = volume
        self.marks = marks
        self.old_format = old_format
        self.on_fault = on_fault
        self.seen: set[int] = set()
        self.rows: list[npt.NDArray[np.uint8]] = []
        self.records: list[Ints] = []
        self.pieces: list[npt.NDArray[np.uint8]] = []
        self.owner: list[Ints] = []
        self.length: list[Ints] = []
        self.padded: list[Ints] = []
        self.trust: list[npt.NDArray[np.uint8]] = []
        self.damaged: set[int] = set()
        self.count = 0
        self.current: tuple[int, int, int] | None = None  # row, inode, bytes so far

    def add(self, batch: Batch) -> int:
        """Take the directories of a batch; return the record after the last, 0 if none."""
        starts = batch.starts_inode & batch.is_directory & (batch.inode != SECTIONS_INODE)
        starts &= self._new(batch, starts)
        owner = self._owners(batch, starts)
        mine = np.flatnonzero(owner >= 0)
        self.rows.append(batch.rows[starts])
        self.records.append(batch.record[starts])
        self.count += int(starts.sum())
        end = 0
        if mine.size:
            part = batch.part(mine)
            self.owner.append(owner[mine])
            self.length.append(self._lengths(part, owner[mine]))
            self.padded.append(part.following * RECORD)
            self.trust.append(self._trust(part))
            self.pieces += self._data(part)
            end = int(part.record[-1] + 1 + part.following[-1])
        if len(owner) and owner[-1] < 0:
            self.current = None
        return end

    def _trust(self, part: Batch) -> npt.NDArray[np.uint8]:
        """Return what speaks for pieces whose CRC, if they have one, is right."""
        crcs = crcs_under(part.headers())
        trust = np.where(crcs == UNKNOWN, Trust.CLOSED, Trust.PROVEN).astype(np.uint8)
        for at in np.flatnonzero(crcs == UNKNOWN).tolist():
            record = int(part.record[at])
            if self.marks.numbered or self._is_doubtful(record, int(part.following[at])):
                trust[at] = Trust.MOVED
        return trust

    def _is_doubtful(self, record: int, count: int) -> bool:
        """Tell whether the records under a header may be others than were written."""
        return is_doubtful(self.volume, record * RECORD, (record + 1 + count) * RECORD)

    def _new(self, batch: Batch, starts: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell which directories were not seen before (DARI-DIR-011)."""
        fresh = np.ones(len(batch), np.bool_)
        numbers = batch.inode.tolist()
        for at in np.flatnonzero(starts).tolist():
            if numbers[at] in self.seen:
                fresh[at] = False
                record = int(batch.record[at])
                told = "a second directory of this inode number; it is passed over"
                fault = Fault("format", told, None, numbers[at], record, "DARI-DIR-001")
                self.on_fault(fault._replace(field=blame.field("c_inumber", numbers[at])))
            self.seen.add(numbers[at])
        return fresh

    def _owners(self, batch: Batch, starts: npt.NDArray[np.bool_]) -> Ints:
        """Return for each header the row of the directory it belongs to, -1 if to none."""
        index = np.arange(len(batch))
        leads = np.where(batch.c_type != CType.TS_ADDR, index, -1)
        leader = np.maximum.accumulate(leads)
        row = np.where(starts, self.count + np.cumsum(starts) - 1, -1)
        number = np.where(starts, batch.inode, -1)
        carried = self.current or (-1, -1, 0)
        owner = np.where(leader >= 0, row[leader], carried[0])
        owner[batch.inode != np.where(leader >= 0, number[leader], carried[1])] = -1
        return owner

    def _lengths(self, part: Batch, owner: Ints) -> Ints:
        """Return the bytes of each piece that lie within its directory's size."""
        held = part.following * RECORD
        begun = 0
        if self.current is not None and self.current[0] == owner[0]:
            begun = self.current[2]
        total = np.cumsum(held)
        first = np.searchsorted(owner, owner, side="left")
        before = total - held - (total - held)[first] + np.where(owner == owner[0], begun, 0)
        size = np.minimum(part.size, np.uint64(1 << 62)).astype(np.int64)
        last = int(owner[-1])
        self.current = (last, int(part.inode[-1]), int(before[-1] + held[-1]))
        within: Ints = np.clip(size - before, 0, held)
        return within

    def _data(self, part: Batch) -> list[npt.NDArray[np.uint8]]:
        """Return the records that follow the headers, from the window as far as it reaches."""
        end = part.window_start + len(part.window)
        inside = np.flatnonzero(part.record + 1 + part.following <= end)
        counts = part.following[inside]
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        places = np.repeat(part.record[inside] + 1 - part.window_start, counts) + within
        held = part.window[places].reshape(-1)
        found = [held] if held.size else []
        crcs = crcs_under(part.headers()).tolist()
        at = 0
        for place, count in enumerate(counts.tolist()):
            self._check(part, place, held[at : at + count * RECORD], crcs[place])
            at += count * RECORD
        for place in range(len(inside), len(part)):
            count = int(part.following[place])
            data = self._read(place, int(part.record[place]) + 1, count)
            if len(data) == count * RECORD:
                self._check(part, place, data, crcs[place])
            found.append(data)
        return found

    def _check(self, part: Batch, at: int, data: npt.NDArray[np.uint8], crc32c: int) -> None:
        """Report a directory whose entries are not those that were written (DARI-REC-029)."""
        if not is_right(data, crc32c):
            number, record = int(part.inode[at]), int(part.record[at])
            self.damaged.add(number)
            moved = self._is_doubtful(record, int(part.following[at]))
            self.trust[-1][at] = Trust.MOVED if moved else Trust.DOUBTFUL
            fault = damaged("its entries", record, number)
            self.on_fault(fault._replace(kind="directory-damaged"))

    def _read(self, at: int, record: int, count: int) -> npt.NDArray[np.uint8]:
        """Return records, as many as there are; the rest of the piece is cut off.

        Args:
            at: Which of the pieces added last they are.
            record: Number of the first.
            count: How many there should be.
        """
        held = count
        for gap in self.volume.missing(record * RECORD, (record + count) * RECORD):
            told = f"some of a directory is not there: {gap.told}"
            self.on_fault(Fault("missing", told, record=record - 1, requirement="DARI-VOL-020"))
            held = min(held, max(0, gap.start // RECORD - record))
        data = self.volume.read_at(record * RECORD, held * RECORD)
        if len(data) < count * RECORD:
            self.padded[-1][at] = len(data)
            self.length[-1][at] = min(self.length[-1][at], len(data))
            self.trust[-1][at] = max(self.trust[-1][at], Trust.CLOSED)
        return np.frombuffer(data, np.uint8)

    def table(self) -> DirectoryTable:
        """Return what was collected."""
        padded = _joined(self.padded)
        spare = np.zeros(-sum(map(len, self.pieces)) % 4, np.uint8)
        data = np.concatenate([*self.pieces, spare])
        self.pieces.clear()
        rows = np.concatenate([*self.rows, np.zeros((0, RECORD), np.uint8)])
        owner, length = _joined(self.owner), _joined(self.length)
        trust = np.concatenate([*self.trust, np.zeros(0, np.uint8)])
        return DirectoryTable(
            order=self.marks.order,
            old_format=self.old_format,
            cut=self.marks.cut,
            chunk=CHUNK if self.marks.numbered else RECORD,
            rows=rows,
            records=_joined(self.records),
            data=data,
            piece_owner=owner,
            piece_start=np.cumsum(padded) - padded,
            piece_length=length,
            piece_trust=trust,
            row_states=self._states(rows, owner, length, trust),
        )

    def _states(
        self,
        rows: npt.NDArray[np.uint8],
        owner: Ints,
        length: Ints,
        trust: npt.NDArray[np.uint8],
    ) -> npt.NDArray[np.uint8]:
        """Return the state of each directory (DARI-FLT-004)."""
        states = np.zeros(len(rows), np.uint8)
        headers = as_headers(rows, self.marks.order)
        sizes = np.minimum(headers["c_dinode"]["di_size"], np.uint64(1 << 62)).astype(np.int64)
        states[np.bincount(owner, length, len(rows)) < sizes] = State.INCOMPLETE
        for at in np.flatnonzero(trust >= Trust.DOUBTFUL).tolist():
            is_wrong = int(headers["c_inumber"][owner[at]]) in self.damaged
            state = State.DAMAGED if is_wrong else State.SUSPECT
            states[owner[at]] = max(states[owner[at]], state)
        return states


def _joined(columns: list[Ints]) -> Ints:
    return np.concatenate([*columns, np.zeros(0, np.int64)])
