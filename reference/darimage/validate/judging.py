"""Holds a whole image against the rules, in one walk over its headers.

Every header is looked at, and the offset map is computed again from where files really are. No
fault ends it.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.batch import SECTIONS_INODE, Batch
from darimage.image.parts import SectionHeader, has_extension, kind_of, section_header
from darimage.image.reader import Image
from darimage.image.walk import walk
from darimage.progress import SILENT, Progress
from darimage.schema import CType, Kind
from darimage.sections import xattrs
from darimage.units import RECORD
from darimage.validate.contexts.attributes import AttributeRuns, AttributesSeen
from darimage.validate.contexts.continuation import Continuations
from darimage.validate.contexts.headers import Before
from darimage.validate.contexts.runs import Ended, Runs
from darimage.validate.contexts.whole import Whole
from darimage.validate.gathering import Gathering
from darimage.validate.rules import decoded, of_scope
from darimage.validate.rules.rule import Columns, Rule, Scope

Ints = npt.NDArray[np.int64]

_KINDS = {int(kind): kind.name for kind in CType}

_MET_MAX = 1 << 16
"""Places of findings that are remembered, so that nothing is told twice."""

_GAPS_MAX = 1000


@dataclass(frozen=True)
class Outcome:
    """What was seen of an image.

    Attributes:
        headers: Headers that were found.
        inodes: Inodes that were found.
        files: Those that are no directories.
        map_equal: Whether the offset map is what was computed from the image; ``None`` in a plain
            dump.
    """

    headers: int
    inodes: int
    files: int
    map_equal: bool | None


def judge(
    image: Image,
    gathering: Gathering,
    progress: Progress = SILENT,
    *,
    off: AbstractSet[str] = frozenset(),
) -> Outcome:
    """Judge an image.

    Args:
        image: The image.
        gathering: Told of what is found.
        progress: Told of the bytes passed.
        off: Names of rules that are switched off.

    Raises:
        StorageError: It cannot be read.
    """
    return _Judging(image, gathering, off).run(progress)


class _Judging:
    """One judgement."""

    def __init__(self, image: Image, gathering: Gathering, off: AbstractSet[str]) -> None:
        self.image = image
        self.telling = _Telling(image, gathering, off)
        plain = not image.is_dari
        self.rules = {scope: of_scope(scope, plain=plain, off=off) for scope in Scope}
        self.before = Before(image.marks)
        self.runs = Runs(image.volume, image.marks)
        self.attributes = AttributeRuns(image.volume, image.marks)
        self.continuations = Continuations(image)
        self.headers = 0
        self.sections: list[SectionHeader] = []

    def run(self, progress: Progress) -> Outcome:
        self._walk(progress)
        whole = Whole(
            self.image,
            self.runs.found(),
            self.sections,
            self.attributes.runs,
            self.runs.substituted,
            self.telling.decoded,
            self.telling.gaps,
            len(self.telling.gaps),
        )
        if self.image.is_dari:
            self._parts(whole)
        self._things(Scope.IMAGE, whole)
        self._decode(whole)
        self.telling.take_over()
        files = len(whole.files[0])
        equal = whole.map_equal if self.image.is_dari else None
        return Outcome(self.headers, len(whole.found.inode), files, equal)

    # -- the walk -----------------------------------------------------------------------------

    def _walk(self, progress: Progress) -> None:
        image, before = self.image, 0
        progress.start("verify", image.records * RECORD)
        start = image.first_record
        for batch in walk(image.volume, image.marks, start, on_fault=self.telling.decoded):
            self._batch(batch)
            progress.advance((int(batch.record[-1]) - before) * RECORD)
            before = int(batch.record[-1])
        for ended in self.runs.finish():
            self._columns(Scope.ENDED, ended)
        for lead in self.attributes.finish():
            self._things(Scope.LEADS, lead)
        progress.finish()

    def _batch(self, batch: Batch) -> None:
        self.headers += len(batch)
        self._columns(Scope.HEADERS, self.before.see(batch))
        if self.image.is_dari:
            self._find_sections(batch)
        for continuation in self.continuations.add(batch):
            self._things(Scope.CONTINUATIONS, continuation)
        for seen in self.runs.add(batch):
            self._columns(Scope.ENDED if isinstance(seen, Ended) else Scope.RUNS, seen)
        for one in self.attributes.add(batch):
            if isinstance(one, AttributesSeen):
                self._things(Scope.ATTRIBUTES, one)
                self._list(one)
            else:
                self._things(Scope.LEADS, one)

    def _find_sections(self, batch: Batch) -> None:
        for at in np.flatnonzero(batch.starts_inode & (batch.inode == SECTIONS_INODE)).tolist():
            row = batch.rows[at].tobytes()
            if has_extension(row) and kind_of(row) == Kind.SECTION:
                record = int(batch.record[at])
                self.sections.append(section_header(row, self.image.order, record))

    def _list(self, seen: AttributesSeen) -> None:
        """Decode a list of attributes; in plain dumps nothing is said of what lies behind it."""

        def tell(error: FormatError) -> None:
            fault = Fault.of(error, inode=seen.inode)
            self.telling.decoded(fault._replace(record=seen.record))

        data = seen.data if self.image.is_dari else seen.data[: seen.size]
        xattrs.decode(data, seen.size, tell)

    # -- the rest -----------------------------------------------------------------------------

    def _parts(self, whole: Whole) -> None:
        for bitmap in whole.bitmaps:
            self._things(Scope.BITMAPS, bitmap)
        for directory in whole.directories:
            self._things(Scope.DIRECTORIES, directory)
            _ = directory.entries
        for section in whole.sections:
            self._things(Scope.SECTIONS, section)
            _ = section.is_sound

    def _decode(self, whole: Whole) -> None:
        """Decode what no rule has asked for: readers tell what they cannot."""
        if self.image.is_dari and whole.acls is not None:
            whole.acls.decode_all()
        _ = self.image.names

    # -- rules --------------------------------------------------------------------------------

    def _columns(self, scope: Scope, seen: Columns) -> None:
        for rule in self.rules[scope]:
            at = np.flatnonzero(rule.broken(seen))
            if at.size:
                self.telling.headers(rule, seen, at)

    def _things(self, scope: Scope, seen: Any) -> None:
        for rule in self.rules[scope]:
            for hit in rule.broken(seen):
                self.telling.fault(rule, rule.fault(hit))


class _Telling:
    """Tells faults where they really lie, and none of them twice.

    Attributes:
        gaps: What was told of records that are not there.
    """

    def __init__(self, image: Image, gathering: Gathering, off: AbstractSet[str]) -> None:
        self.image = image
        self.gathering = gathering
        self.off = off
        self.gaps: list[str] = []
        self._met: set[tuple[int | None, str | None]] = set()

    def headers(self, rule: Rule, seen: Columns, at: Ints) -> None:
        """Tell of headers that break a rule."""
        for done, place in enumerate(at.tolist()):
            if not self.gathering.wants(rule):
                self.gathering.count(rule, len(at) - done)
                records = self.image.marks.cut.physical(seen.batch.record[at[done:]])
                self._meet((record, rule.requirement) for record in records.tolist())
                return
            self.fault(rule, _of_header(rule, seen, place))

    def decoded(self, fault: Fault) -> None:
        """Tell what a decoder told."""
        rule = decoded.of(fault.requirement)
        if rule.name in self.off:
            return
        if fault.kind == "missing" and len(self.gaps) < _GAPS_MAX:
            self.gaps.append(fault.message)
        self.fault(rule, fault)

    def fault(self, rule: Rule, fault: Fault) -> None:
        """Tell of one place that breaks a rule."""
        fault = self.image.located(fault)
        self._meet([(fault.record, fault.requirement)])
        if self.gathering.wants(rule):
            self.gathering.tell(rule, fault)
        else:
            self.gathering.count(rule, 1)

    def take_over(self) -> None:
        """Add what was found wrong while opening, unless the walk found it as well."""
        known = frozenset(self._met)
        for fault in self.image.faults:
            if fault.record is None or (fault.record, fault.requirement) not in known:
                self.decoded(fault)

    def _meet(self, places: Any) -> None:
        if len(self._met) < _MET_MAX:
            self._met.update(places)


def _of_header(rule: Rule, seen: Columns, at: int) -> Fault:
    batch = seen.batch
    told, inode, record = rule.told, int(batch.inode[at]) or None, int(batch.record[at])
    if rule.scope == Scope.HEADERS:
        told = f"{_KINDS.get(int(batch.c_type[at]), 'header')}: {told}"
    field = rule.field_at(seen, at)
    return Fault("format", told, None, inode, record, rule.requirement, None, field)
