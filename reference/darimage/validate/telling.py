"""Where rules are applied, and what they find is told: where it really lies, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image.reader import Image
from darimage.schema import CType
from darimage.validate.contexts.gaps import Gaps, are_named
from darimage.validate.gathering import Gathering
from darimage.validate.rules import decoded, of_scope
from darimage.validate.rules.rule import Columns, Rule, Scope

Ints = npt.NDArray[np.int64]

_KINDS = {int(kind): kind.name for kind in CType}

_MET_MAX = 1 << 16
"""Places of findings that are remembered, so that nothing is told twice."""

_GAPS_MAX = 1000

_ELSEWHERE = ("numbers", "no-checksums")
"""What readers say of plain dumps as a whole: a rule and the summary say it here."""

_OF_FRONT = (
    ("missing", "DARI-REC-002"),
    ("lost", "DARI-DIR-001"),
    ("unnamed", "DARI-DIR-002"),
)
"""How readers call it that a bitmap or the root is not there, or a directory has no name."""

_MISSING = ("missing", "unreadable")
"""How readers call it that records are not there."""

_NO_END = ("truncated", "no-end")
"""How readers call it that no end is found at the end of a file."""


class Telling:
    """Applies rules to an image and tells what they find.

    Attributes:
        gaps: What was told of records that are not there.
    """

    def __init__(self, image: Image, gathering: Gathering, off: AbstractSet[str]) -> None:
        self.image = image
        self.gathering = gathering
        self.off = off
        self.gaps: list[str] = []
        self._met: set[tuple[int | None, str | None]] = set()
        plain = not image.is_dari
        self._rules = {scope: of_scope(scope, plain=plain, off=off) for scope in Scope}

    def columns(self, scope: Scope, seen: Columns) -> None:
        """Apply the rules of a scope to headers."""
        for rule in self._rules[scope]:
            at = np.flatnonzero(rule.broken(seen))
            if at.size:
                self._headers(rule, seen, at)

    def things(self, scope: Scope, seen: Any) -> None:
        """Apply the rules of a scope to a thing."""
        for rule in self._rules[scope]:
            for hit in rule.broken(seen):
                self._fault(rule, rule.fault(hit))

    def _headers(self, rule: Rule, seen: Columns, at: Ints) -> None:
        """Tell of headers that break a rule."""
        for done, place in enumerate(at.tolist()):
            if not self.gathering.wants(rule):
                self.gathering.count(rule, len(at) - done)
                records = self.image.marks.cut.physical(seen.batch.record[at[done:]])
                self._meet((record, rule.requirement) for record in records.tolist())
                return
            self._fault(rule, _of_header(rule, seen, place))

    def decoded(self, fault: Fault) -> None:
        """Tell what a decoder told."""
        rule = decoded.of(fault.requirement)
        if rule.name in self.off or self._is_told(fault):
            return
        if fault.kind in _MISSING and len(self.gaps) < _GAPS_MAX:
            self.gaps.append(fault.message)
        self._fault(rule, fault)

    def _is_told(self, fault: Fault) -> bool:
        """Tell whether a rule finds what a reader reports as well."""
        if fault.kind == "header-sum":
            return True  # a rule looks at the sums of all headers
        if fault.requirement == "DARI-VOL-020" and are_named(self.image):
            return True
        if (fault.kind, fault.requirement) in _OF_FRONT and self._lacks_front:
            return True
        if fault.requirement != "DARI-REC-029" or fault.record is None:
            return False
        return (self.image.located(fault).record, fault.requirement) in self._met

    @cached_property
    def _lacks_front(self) -> bool:
        """Whether some of what lies before the files is on a volume that is missing."""
        return Gaps(self.image).before_files()

    def _fault(self, rule: Rule, fault: Fault) -> None:
        """Tell of one place that breaks a rule."""
        fault = self.image.located(fault)
        self._meet([(fault.record, fault.requirement)])
        if self.gathering.wants(rule):
            self.gathering.tell(rule, fault)
        else:
            self.gathering.count(rule, 1)

    def take_over(self, more: Iterable[Fault], *, ended: bool) -> None:
        """Add what was found wrong while opening, unless the walk found it as well.

        Args:
            more: Further faults that rules may have found as well.
            ended: Whether the walk found the end, which may not be at the end of the file.
        """
        known = frozenset(self._met)
        for fault in [*self.image.faults, *more]:
            if fault.kind in _ELSEWHERE:
                continue
            if fault.kind == "volume-order" and fault.record is not None:
                continue  # rules look at each field of the headers of volumes
            is_told = ended or self.image.is_dari  # a rule says of images that they have no end
            if is_told and fault.requirement == "DARI-END-001" and fault.kind in _NO_END:
                continue
            if fault.record is None or (fault.record, fault.requirement) not in known:
                self.decoded(fault)

    def _meet(self, places: Iterable[tuple[int | None, str | None]]) -> None:
        if len(self._met) < _MET_MAX:
            self._met.update(places)


def _of_header(rule: Rule, seen: Columns, at: int) -> Fault:
    batch = seen.batch
    told, inode, record = rule.told, int(batch.inode[at]) or None, int(batch.record[at])
    if rule.scope in (Scope.HEADERS, Scope.GROUPS):
        told = f"{_KINDS.get(int(batch.c_type[at]), 'header')}: {told}"
    field = rule.field_at(seen, at)
    return Fault("format", told, None, inode, record, rule.requirement, None, field)
