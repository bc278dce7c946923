"""The walk over the headers of an image, on which most rules look at them.

Of a big image a second process walks the rear part meanwhile, from a file on that the offset map
names. It only looks whether all is well: if it finds anything at all, or the parts do not meet,
what it did is forgotten, and the walk goes on here as if there had been no second process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from darimage import parallel
from darimage.errors import DarimageError
from darimage.faults import Fault
from darimage.image import payload
from darimage.image.batch import SECTIONS_INODE, Batch
from darimage.image.inode import shifts
from darimage.image.parts import SectionHeader, has_extension, kind_of, section_header
from darimage.image.reader import Image
from darimage.image.walk import walk
from darimage.progress import Progress
from darimage.schema import CType, Kind, Section
from darimage.units import RECORD
from darimage.validate.contexts.attributes import AttributeRuns, AttributesSeen
from darimage.validate.contexts.continuation import Continuations
from darimage.validate.contexts.groups import GroupReader, GroupsSeen
from darimage.validate.contexts.headers import FILES, Before
from darimage.validate.contexts.numbers import Numbers
from darimage.validate.contexts.runs import Ended, Found, Runs
from darimage.validate.rules.rule import Rule, Scope
from darimage.validate.telling import Telling
from darimage.volumes.reading import FileVolume, MemoryVolume

Ints = npt.NDArray[np.int64]
Advance = Callable[[int], None]

SHARED_FROM = 32 << 20
"""Bytes of an image from which on two processes walk."""

_SPARSE = 32
"""Headers in a window, up to which they are judged together with those of the next windows."""

_TOGETHER = 256
"""Headers that are judged together then."""

_FRONT_SHARE, _FRONT_SHARE_QUICK = 0.45, 0.38
"""What of the files this process walks: it has more to do when it is done."""


@dataclass
class Seen:
    """What came of a walk.

    Attributes:
        headers: Headers that were found.
        found: The first headers of inodes.
        sections: The first headers of sections.
        attributed: Headers of attributes.
        substituted: Inodes with data that could not be read.
        numbers: How ``c_tapea`` goes on in a plain dump.
        end: Record number behind the row of ``TS_END`` that ended the walk; ``None`` if none did.
    """

    headers: int
    found: Found
    sections: list[SectionHeader]
    attributed: int
    substituted: set[int]
    numbers: Numbers
    end: int | None

    def joined(self, other: Seen) -> Seen:
        """Return both parts of a walk as one."""
        return Seen(
            self.headers + other.headers,
            self.found.joined([other.found]),
            self.sections + other.sections,
            self.attributed + other.attributed,
            self.substituted | other.substituted,
            self.numbers,
            other.end,
        )


def walked(
    image: Image, telling: Telling, off: AbstractSet[str], progress: Progress, *, quick: bool
) -> Seen:
    """Walk over an image.

    Args:
        image: The image.
        telling: Applies rules and reports what they find.
        off: Names of rules that are switched off.
        progress: Told of the bytes passed.
        quick: Leave out the contents of files.
    """
    meeting, size = _meeting(image, quick=quick), image.records * RECORD
    if meeting is None:
        progress.start("verify", size)
        seen = _Walker(image, telling, progress.advance, quick=quick).run()
    else:
        job = partial(_rear, image, meeting, off, quick=quick)
        with parallel.Beside(job) as rear:
            progress.start("verify", size)  # it may start a thread, which is not to be forked
            seen = _Walker(image, telling, progress.advance, quick=quick).until(
                meeting, rear, progress
            )
    progress.finish()
    return seen


class _Walker:
    """A walk."""

    def __init__(self, image: Image, telling: Telling, advance: Advance, *, quick: bool) -> None:
        self.image = image
        self.telling = telling
        self.advance = advance
        self.quick = quick
        self.before = Before(image.marks)
        block = max(1, image.identity.ntrec)
        self.groups = GroupReader(image.volume, image.marks, block, quick=quick)
        self.numbers = Numbers(image.marks.cut)
        self.runs = Runs(image.volume, image.marks)
        self.attributes = AttributeRuns(image.volume, image.marks)
        self.continuations = Continuations(image)
        self.headers = 0
        self.sections: list[SectionHeader] = []
        self.end: int | None = None
        self.joints = False
        self.at = self.reached = 0
        self.pending: list[tuple[Batch, Ints]] = []

    def batches(self, start: int, fence: int | None = None) -> Iterator[Batch]:
        """Yield the headers from a record on; no window reaches over the fence."""
        return walk(
            self.image.volume,
            self.image.marks,
            start,
            on_fault=self.decoded,
            fence=fence,
            whole=not self.quick,
        )

    def decoded(self, fault: Fault) -> None:
        """Report what was passed over, behind what was found in front of it."""
        self.flush()
        if fault.requirement == "DARI-VOL-020":
            self.runs.interrupt()
            self.attributes.interrupt()
        self.telling.decoded(fault)

    def run(self, start: int | None = None) -> Seen:
        """Walk over all of the image, or over what lies behind a record."""
        for batch in self.batches(self.image.first_record if start is None else start):
            self.take(batch)
        self.flush()
        return self.finish()

    def until(self, meeting: int, rear: parallel.Beside[Seen | None], progress: Progress) -> Seen:
        """Walk up to a record from which on another process walks; and on, if that was in vain."""
        for batch in self.batches(self.image.first_record, meeting):
            if self.reached < meeting <= batch.record[-1]:
                self.flush()
                cut = int(np.searchsorted(batch.record, meeting))
                if self._can_meet(batch, cut, meeting):
                    if cut:
                        self.take(batch.part(slice(0, cut)))
                        self.flush()
                    other = _answer(rear, progress)
                    if other is None:
                        return self.run(meeting)
                    return self.finish().joined(other)
            self.take(batch)
        self.flush()
        return self.finish()

    def take(self, batch: Batch) -> None:
        """Read what lies under headers, and judge them: alone, or later with others like them."""
        self.reached = int(batch.record[-1])
        if not self.image.is_dari:
            self.batch(batch, None)
            return
        crcs = self.groups.sums(batch)
        if self.quick or len(batch) > _SPARSE:
            self.flush()
            self.batch(batch, crcs)
            return
        copy = Batch(batch.record, batch.rows.copy(), batch.following, batch.order)
        self.pending.append((copy, crcs))
        if sum(len(one) for one, _ in self.pending) >= _TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Judge the headers that were put off."""
        if not self.pending:
            return
        batches, crcs = zip(*self.pending, strict=True)
        self.pending.clear()
        joined = Batch(
            np.concatenate([one.record for one in batches]),
            np.concatenate([one.rows for one in batches]),
            np.concatenate([one.following for one in batches]),
            self.image.order,
        )
        self.batch(joined, np.concatenate(crcs))

    def _can_meet(self, batch: Batch, cut: int, meeting: int) -> bool:
        """Tell whether this walk goes on from a header as one does that begins there."""
        begins = batch.record[cut] == meeting and batch.starts_inode[cut]
        ended = self.before.first_end is not None or (batch.c_type[:cut] == CType.TS_END).any()
        here = batch.part(slice(cut, cut + 1))
        in_place = shifts(here.headers(), here.record, self.image.marks.cut)[0] == 0
        return bool(begins and in_place and not ended)

    def batch(self, batch: Batch, crcs: Ints | None) -> None:
        """Judge headers, and the CRC-32C of the records under each."""
        telling = self.telling
        self.headers += len(batch)
        if batch.c_type[-1] == CType.TS_END:
            self.end = int(batch.record[-1]) + 1
        self.advance((int(batch.record[-1]) - self.at) * RECORD)
        self.at = int(batch.record[-1])
        if not self.image.is_dari:
            self.numbers.add(batch)
            for records in self.groups.records(batch):
                telling.things(Scope.RECORDS, records)
            batch = self._without_joints(batch)
            if not len(batch):
                return
        telling.columns(Scope.HEADERS, self.before.see(batch))
        if crcs is not None:
            self._find_sections(batch)
            telling.columns(Scope.GROUPS, GroupsSeen(batch, crcs))
        for continuation in self.continuations.add(batch):
            telling.things(Scope.CONTINUATIONS, continuation)
        for seen in self.runs.add(batch):
            telling.columns(Scope.ENDED if isinstance(seen, Ended) else Scope.RUNS, seen)
        for one in self.attributes.add(batch):
            if isinstance(one, AttributesSeen):
                telling.things(Scope.ATTRIBUTES, one)
                self._list(one)
            else:
                telling.things(Scope.LEADS, one)

    def _without_joints(self, batch: Batch) -> Batch:
        """Return headers without those that open further volumes of a dump and their maps."""
        kinds = batch.c_type
        joints = (kinds == CType.TS_TAPE) & (batch.headers()["c_volume"] > 1)
        if not self.joints and not joints.any():
            return batch
        behind = np.full(len(batch), self.joints) | np.logical_or.accumulate(joints)
        self.joints = bool(behind[-1])
        maps = (kinds == CType.TS_BITS) | (kinds == CType.TS_CLRI)
        return batch.part(np.flatnonzero(~joints & ~(maps & behind)))

    def finish(self) -> Seen:
        """Judge what was left open, and return what was seen."""
        for ended in self.runs.finish():
            self.telling.columns(Scope.ENDED, ended)
        for lead in self.attributes.finish():
            self.telling.things(Scope.LEADS, lead)
        found, runs = self.runs.found(), self.attributes.runs
        substituted, numbers = self.runs.substituted, self.numbers
        return Seen(self.headers, found, self.sections, runs, substituted, numbers, self.end)

    def _find_sections(self, batch: Batch) -> None:
        for at in np.flatnonzero(batch.starts_inode & (batch.inode == SECTIONS_INODE)).tolist():
            row = batch.rows[at].tobytes()
            if has_extension(row) and kind_of(row) == Kind.SECTION:
                record = int(batch.record[at])
                self.sections.append(section_header(row, self.image.order, record))

    def _list(self, seen: AttributesSeen) -> None:
        """Tell what cannot be decoded of a list of attributes."""
        for error in seen.errors:
            fault = Fault.of(error, inode=seen.inode)
            self.telling.decoded(fault._replace(record=seen.record))


# -- the second process ---------------------------------------------------------------------------


class _FoundError(Exception):
    """Something was found."""


class _Nothing:
    """Takes no finding: one ends it all."""

    def wants(self, _rule: Rule) -> NoReturn:
        raise _FoundError

    def tell(self, _rule: Rule, _fault: Fault) -> NoReturn:
        raise _FoundError

    def count(self, _rule: Rule, _more: int) -> NoReturn:
        raise _FoundError


def _meeting(image: Image, *, quick: bool) -> int | None:
    """Return the record of a file to walk from in a second process; ``None`` if none is worth it.

    Nothing needs to be true of it: if it is no header the parts do not meet.
    """
    volume = image.volume
    local = image.is_dari and isinstance(volume, FileVolume | MemoryVolume)
    if not local or volume.size < SHARED_FROM or parallel.cores() < 2:
        return None
    header = next((s for s in image.front.sections if s.section == Section.OFFSET_MAP), None)
    if header is None:
        return None
    found = payload.find(volume, image.marks, header, 0, lambda _fault: None)
    if found is None:
        return None
    _, words = found.words()
    places = words.view("<u8" if image.order == "le" else ">u8").reshape(-1) // RECORD
    first, last = image.front.files, image.records
    wanted = first + int((last - first) * (_FRONT_SHARE_QUICK if quick else _FRONT_SHARE))
    places = places[(places > first) & (places < last)].astype(np.int64)
    return int(places[np.abs(places - wanted).argmin()]) if places.size else None


def _rear(
    image: Image, start: int, off: AbstractSet[str], advance: Advance, *, quick: bool
) -> Seen | None:
    """Walk from a record on; return nothing if anything is found."""
    walker = _Walker(image, Telling(image, _Nothing(), off), advance, quick=quick)
    first = np.frombuffer(image.volume.read_at(0, RECORD), np.uint8).reshape(1, RECORD)
    walker.before.begin(first, FILES)
    walker.at = start
    try:
        for batch in walker.batches(start):
            if batch.record[0] == start and not batch.starts_inode[0]:
                return None
            walker.take(batch)
        walker.flush()
        return walker.finish()
    except _FoundError:
        return None


def _answer(rear: parallel.Beside[Seen | None], progress: Progress) -> Seen | None:
    """Return what the other process saw; ``None`` also if it did not come to an end."""
    try:
        return rear.answer(progress)
    except (DarimageError, OSError):
        return None
