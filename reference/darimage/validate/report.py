"""What came of judging images: kept in bounded memory, counted in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from darimage.image.parts import Part
from darimage.validate.baseline import ENTRIES_MAX, Baseline, Key
from darimage.validate.finding import Finding
from darimage.validate.gathering import KEPT, place_in_order
from darimage.validate.registry import LEVELS, requirements
from darimage.validate.rules import all_rules
from darimage.validate.selection import CORE, EVERY, Selection

CONFORMS, FAILS, USAGE, UNREAD, OWN_FAULT = range(5)
"""Exit codes of ``darimage validate``."""


@dataclass(frozen=True)
class Facts:
    """What is known of an image besides its findings.

    Attributes:
        is_dari: Whether it carries the extension.
        size: Its bytes.
        records: Its records, up to the end of the block with ``TS_END``.
        order: Byte order of its integers, ``le`` or ``be``.
        uuid: Its UUID; ``None`` in a plain dump.
        parts: Its parts, in order.
        contents: ``checked``, or ``no checksums`` in a plain dump; all data was read.
    """

    is_dari: bool
    size: int
    records: int
    order: str
    uuid: str | None = None
    parts: tuple[Part, ...] = ()
    contents: str = "checked"


class Stretch(NamedTuple):
    """A piece of the drawn image.

    Attributes:
        kind: Kind of its part, or ``file`` or ``directory``.
        title: What it is called.
        record: Its first record.
        records: Its records.
    """

    kind: str
    title: str
    record: int
    records: int


@dataclass
class Evidence:
    """What a page that draws the image needs of it.

    Attributes:
        records: The records that findings are about, by number.
        stretches: Parts, and files as far as they are wide enough to be seen.
    """

    records: dict[int, bytes] = field(default_factory=dict)
    stretches: list[Stretch] = field(default_factory=list)


class Told(NamedTuple):
    """A finding, and whether the baseline knows it."""

    finding: Finding
    known: bool


@dataclass
class Count:
    """How often a rule or a requirement was found broken.

    Attributes:
        new: Times that the baseline does not know.
        known: Times that it does.
        kept: Of all these, findings that are kept.
    """

    new: int = 0
    known: int = 0
    kept: int = 0

    @property
    def untold(self) -> int:
        """Those that are only counted."""
        return self.new + self.known - self.kept


class ImageReport:
    """What came of one image.

    Attributes:
        image: Its name.
        selection: What it is held against.
        profiles: The profiles that it is judged by: those that were asked for, or that it says.
        facts: What is known of it; ``None`` if it could not be opened.
        checked: Ids of the requirements that rules checked.
        told: Findings that are kept.
        counts: All findings by requirement.
        by_rule: All findings by requirement and rule.
        outside: Findings that were not asked for.
        stale: Entries of the baseline that no longer occur, and how often they are missing.
        unread: Why it could not be read.
        own_fault: What went wrong in this program.
        evidence: What was kept to draw it, if that was asked for.
    """

    def __init__(
        self,
        image: str,
        selection: Selection,
        known: Baseline | None = None,
        *,
        most: int = KEPT,
        with_keys: bool = False,
    ) -> None:
        """Begin.

        Args:
            image: Its name.
            selection: What it is held against.
            known: The baseline.
            most: How many findings of each rule are kept.
            with_keys: Keep the keys of all findings, to make a baseline of them.
        """
        self.image = image
        self.selection = selection
        self.profiles = selection.profiles or frozenset()
        self.facts: Facts | None = None
        self.checked: tuple[str, ...] = ()
        self.told: list[Told] = []
        self.counts: dict[str, Count] = {}
        self.by_rule: dict[tuple[str, str], Count] = {}
        self.outside = 0
        self.stale: Baseline = Counter()
        self.unread: str | None = None
        self.own_fault: str | None = None
        self.evidence: Evidence | None = None
        self.keys: Baseline = Counter()
        self._most = most
        self._with_keys = with_keys
        self._left = Counter({key: n for key, n in (known or {}).items() if key.image == image})
        self._left_of: Counter[str] = Counter()
        for key, count in self._left.items():
            self._left_of[key.requirement] += count

    @property
    def asked(self) -> frozenset[str]:
        """The profiles whose findings are taken in.

        An image has nothing of what it does not say it has, so whatever is found there is wrong.
        """
        return EVERY if self.selection.profiles is None and CORE in self.profiles else self.profiles

    def wants(self, requirement: str, rule: str) -> bool:
        """Tell whether the next finding of a rule is to be told in full.

        One that the baseline may know is, however many there were: else nobody could tell.
        """
        if not self._is_asked(requirement):
            return False
        if self._left_of[requirement] or (self._with_keys and len(self.keys) <= ENTRIES_MAX):
            return True
        found = self.by_rule.get((requirement, rule))
        return found is None or found.kept < self._most

    def tell(self, finding: Finding) -> None:
        """Take a finding in."""
        if not self._is_asked(finding.requirement):
            self.outside += 1
            return
        key = Key.of(self.image, finding)
        known = self._left[key] > 0
        if known:
            self._left[key] -= 1
            self._left_of[key.requirement] -= 1
        if self._with_keys and (key in self.keys or len(self.keys) <= ENTRIES_MAX):
            self.keys[key] += 1
        kept = self._counted(finding.requirement, finding.rule, 1, known=known)
        if kept.kept < self._most:
            kept.kept += 1
            self.counts[finding.requirement].kept += 1
            self.told.append(Told(finding, known))

    def count(self, requirement: str, rule: str, more: int) -> None:
        """Take findings in that are only counted; the baseline knows none of them."""
        if self._is_asked(requirement):
            self._counted(requirement, rule, more, known=False)
        else:
            self.outside += more

    def _is_asked(self, requirement: str) -> bool:
        return self.selection.holds(requirements()[requirement], self.asked)

    def _counted(self, requirement: str, rule: str, more: int, *, known: bool) -> Count:
        """Count findings by requirement and by rule; return the count of the rule."""
        by_rule = self.by_rule.setdefault((requirement, rule), Count())
        for count in (self.counts.setdefault(requirement, Count()), by_rule):
            count.new += 0 if known else more
            count.known += more if known else 0
        return by_rule

    def finish(self) -> None:
        """Put findings in order and look for entries of the baseline that were not met.

        Call it once all is told.
        """
        self.told.sort(key=lambda told: place_in_order(told.finding.record))
        ids = self.selection.ids(self.asked)
        if self.was_judged:
            left = {key: n for key, n in self._left.items() if n and _asked(key, ids)}
            self.stale = Counter(left)

    @property
    def was_judged(self) -> bool:
        """Whether it was read to its end and nothing failed."""
        return self.unread is None and self.own_fault is None

    def broken(self, *levels: str) -> int:
        """Return how many findings of some levels the baseline does not know."""
        found = self.by_rule.items()
        return sum(count.new for (one, rule), count in found if level_of(rule, one) in levels)

    def level(self, requirement: str) -> str:
        """Return how binding the gravest of what was found by a requirement is.

        Rules may find what breaks nothing and is worth knowing: then it is ``MAY``.
        """
        found = {level_of(rule, one) for one, rule in self.by_rule if one == requirement}
        fallback = requirements()[requirement].strength
        return next((level for level in LEVELS if level in found), fallback)

    @property
    def known(self) -> int:
        """How many findings the baseline knows."""
        return sum(count.known for count in self.counts.values())

    def conforms(self, *, strict: bool = False) -> bool:
        """Tell whether it conforms; if strict, also to what is only recommended."""
        levels = LEVELS[:2] if strict else LEVELS[:1]
        return self.was_judged and not (self.broken(*levels) or self.stale)

    def findings_of(self, requirement: str) -> list[Told]:
        """Return the findings of one requirement that are kept."""
        return [told for told in self.told if told.finding.requirement == requirement]

    def rules_of(self, requirement: str) -> dict[str, Count]:
        """Return the findings of one requirement by rule, counted."""
        return {rule: n for (one, rule), n in self.by_rule.items() if one == requirement}

    def broken_ids(self) -> list[str]:
        """Return the requirements that were found broken: by level, then as in the text."""
        known = list(requirements().values())
        return [
            one.id
            for level in LEVELS
            for one in known
            if one.id in self.counts and self.level(one.id) == level
        ]


def level_of(rule: str, requirement: str) -> str:
    """Return how binding it is what a rule found."""
    known = all_rules().get(rule)
    return requirements()[requirement].strength if known is None else known.level


def _asked(key: Key, ids: frozenset[str]) -> bool:
    # An entry about what no longer is a requirement can never occur: that is worth saying.
    return key.requirement in ids or key.requirement not in requirements()


@dataclass
class Report:
    """What came of all images.

    Attributes:
        selection: What they were held against.
        strict: Whether recommendations count.
        images: What came of each.
    """

    selection: Selection
    strict: bool = False
    images: list[ImageReport] = field(default_factory=list)

    def __iter__(self) -> Iterator[ImageReport]:
        return iter(self.images)

    def conforms(self, image: ImageReport) -> bool:
        """Tell whether an image conforms to what was asked for."""
        return image.conforms(strict=self.strict)

    def status(self, image: ImageReport) -> str:
        """Return what came of an image in a few words."""
        if image.own_fault is not None:
            return "not judged"
        if image.unread is not None:
            return "not read"
        return "conforms" if self.conforms(image) else "does not conform"

    @property
    def exit_code(self) -> int:
        """The exit code: that of the worst image."""
        codes = {"not judged": OWN_FAULT, "not read": UNREAD, "does not conform": FAILS}
        return max((codes.get(self.status(image), CONFORMS) for image in self), default=CONFORMS)

    def count(self, *levels: str) -> int:
        """Return how many findings of some levels there are that no baseline knows."""
        return sum(image.broken(*levels) for image in self)
