"""What a rule is, and the list of all of them: each function enters itself by a decorator.

There are two forms. A rule over columns gets headers side by side and tells with one Boolean each
which of them break it. A rule over things gets one thing, such as a directory or a section, and
yields a ``Hit`` for each place that breaks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any, NamedTuple, Protocol, TypeVar

from darimage.faults import Fault, FaultyField
from darimage.image import blame
from darimage.image.batch import Batch
from darimage.validate.registry import requirements

Wanted = Callable[[Any], Any] | bytes | int | str | None
"""What a field has to be: a column of its context, a constant, words; ``None`` if nobody knows."""

Fields = tuple[tuple[str, Wanted], ...]
"""Paths of fields, and what is wanted of each."""

Context = TypeVar("Context")


class Scope(StrEnum):
    """What a rule gets to see."""

    HEADERS = auto()
    """Headers that follow one another: ``contexts.headers.Seen``."""
    GROUPS = auto()
    """Headers whose records were read: ``contexts.groups.GroupsSeen``."""
    RECORDS = auto()
    """Records under a header of a plain dump: ``contexts.groups.RecordsSeen``."""
    RUNS = auto()
    """Headers with data, and what the first of their run says: ``contexts.runs.InRuns``."""
    ENDED = auto()
    """First headers of runs whose end was seen: ``contexts.runs.Ended``."""
    ATTRIBUTES = auto()
    """One header of attributes: ``contexts.attributes.AttributesSeen``."""
    LEADS = auto()
    """A header that attributes may follow, once none can: ``contexts.attributes.Lead``."""
    CONTINUATIONS = auto()
    """One continuation header: ``contexts.continuation.Continuation``."""
    DIRECTORIES = auto()
    """One directory: ``contexts.directories.DirectorySeen``."""
    SECTIONS = auto()
    """One section: ``contexts.sections.SectionSeen``."""
    BITMAPS = auto()
    """One bitmap: ``contexts.bitmaps.BitmapSeen``."""
    IMAGE = auto()
    """The whole image after the walk: ``contexts.whole.Whole``."""
    DECODED = auto()
    """Nothing: what readers tell while they decode."""


class Grade(StrEnum):
    """How much it matters that a rule found something."""

    FAULT = auto()
    """A requirement is broken."""
    WARNING = auto()
    """What is recommended is not so; all may be right."""
    LOSS = auto()
    """The image is as it must be, and says that contents are missing."""
    NOTE = auto()
    """Nothing is wrong; people want to know it."""

    @property
    def conforms(self) -> bool:
        """Whether an image of which it was found can be as it must be."""
        return self in (Grade.LOSS, Grade.NOTE)

    @property
    def is_bad(self) -> bool:
        """Whether contents are wrong or missing, or may be."""
        return self in (Grade.FAULT, Grade.LOSS)


class Columns(Protocol):
    """Headers side by side, as rules over columns see them."""

    @property
    def batch(self) -> Batch:
        """The headers."""


class Hit(NamedTuple):
    """A place that breaks a rule.

    Attributes:
        told: What is wrong; ``None`` for what the rule always tells.
        record: Record number; ``None`` if it has no place.
        inode: Inode number, if it is about one.
        field: Which field of the record.
        kind: A short word, as in ``Fault``.
        volume: Which of several volumes; then the record is counted as it really lies.
    """

    told: str | None = None
    record: int | None = None
    inode: int | None = None
    field: FaultyField | None = None
    kind: str = "format"
    volume: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One requirement, or one sentence of it that can be checked.

    Attributes:
        name: What it is called, such as ``header.tapea``. It is never given to another.
        requirement: Id of the requirement.
        scope: What it gets to see.
        told: What is wrong if it is broken.
        broken: Tells what breaks it.
        fields: Paths of the fields that may be at fault, and what is wanted of each.
        plain: Whether plain dumps are held against it as well.
        blamed: Returns the field at fault where ``fields`` cannot say it.
        grade: How much it matters.
    """

    name: str
    requirement: str
    scope: Scope
    told: str
    broken: Callable[[Any], Any]
    fields: Fields = ()
    plain: bool = False
    blamed: Callable[[Any, int], FaultyField | None] | None = None
    grade: Grade = Grade.FAULT

    @property
    def level(self) -> str:
        """``MUST``, ``SHOULD`` or ``MAY``: that of its requirement, unless none is broken."""
        return "MAY" if self.grade.conforms else requirements()[self.requirement].strength

    @property
    def profile(self) -> str:
        """The profile of its requirement."""
        return requirements()[self.requirement].profile

    def field_at(self, seen: Columns, at: int) -> FaultyField | None:
        """Return the field that is at fault in a header that breaks the rule."""
        if self.blamed is not None:
            return self.blamed(seen, at)
        of_row = ((path, _of_row(value, seen, at)) for path, value in self.fields)
        return blame.wrong(seen.batch.rows[at], seen.batch.order, of_row)

    def fault(self, hit: Hit) -> Fault:
        """Return a hit as a fault."""
        where = (None, hit.inode, hit.record, self.requirement, hit.volume, hit.field)
        return Fault(hit.kind, self.told if hit.told is None else hit.told, *where)


def _of_row(value: Wanted, seen: Columns, at: int) -> Any:
    if not callable(value):
        return value
    column = value(seen)
    return column[min(at, len(column) - 1)]


RULES: dict[str, Rule] = {}
"""All rules by name, in the order they were entered."""


def enter(rule: Rule) -> None:
    """Take a rule in.

    Raises:
        ValueError: Its name is taken.
    """
    if rule.name in RULES:
        raise ValueError(f"there are two rules {rule.name}")
    RULES[rule.name] = rule


def over_columns(
    scope: Scope,
    requirement: str,
    name: str,
    told: str,
    *fields: tuple[str, Wanted],
    plain: bool = False,
    blamed: Callable[[Any, int], FaultyField | None] | None = None,
    grade: Grade = Grade.FAULT,
) -> Callable[[Callable[[Context], Any]], Callable[[Context], Any]]:
    """Return a decorator that enters a rule over columns; see ``Rule``."""

    def decorate(broken: Callable[[Context], Any]) -> Callable[[Context], Any]:
        enter(Rule(name, requirement, scope, told, broken, fields, plain, blamed, grade))
        return broken

    return decorate


def over_things(
    scope: Scope,
    requirement: str,
    name: str,
    told: str,
    *,
    plain: bool = False,
    grade: Grade = Grade.FAULT,
) -> Callable[[Callable[[Context], Iterable[Hit]]], Callable[[Context], Iterable[Hit]]]:
    """Return a decorator that enters a rule over things; see ``Rule``."""

    def decorate(broken: Callable[[Context], Iterable[Hit]]) -> Callable[[Context], Iterable[Hit]]:
        enter(Rule(name, requirement, scope, told, broken, plain=plain, grade=grade))
        return broken

    return decorate
