"""Putting records where their numbers say (chapter 88, steps 9 to 12)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from darimage.plain.faults import RECORD
from darimage.plain.finding import Found
from darimage.plain.opening import Input
from darimage.plain.records import LONG, TS_END, TS_TAPE, difference


class Place(NamedTuple):
    """Records with numbers that follow one another, where they lie.

    Attributes:
        number: Of the first.
        length: How many.
        at: Address of the first.
    """

    number: int
    length: int
    at: int


@dataclass(eq=False)
class Stretch:
    """A header and all that lies behind it up to the next one.

    Attributes:
        found: The header.
        start: Where it begins: at the header, but for what lies in front of the first.
        end: Where it ends.
        is_closed: Whether the header behind it has the same shift.
    """

    found: Found
    start: int
    end: int
    is_closed: bool

    @property
    def count(self) -> int:
        """Whole records."""
        return max(0, (self.end - self.start) // RECORD)

    @property
    def number(self) -> int:
        """Number of its first record."""
        return self.found.number_of(self.start)


def correct(given: Input, found: list[Found]) -> None:
    """Step 10: correct the numbers of headers (DARI-REC-031)."""
    if not given.is_image:
        _correct_behind_tapes(found)
        jumps = [one.shift != other.shift for one, other in pairwise(found) if one.end == other.at]
        if sum(jumps) * 2 > len(jumps):
            given.faults.report("numbers")
            for one in found:
                one.shift = 0
            return
    numbers = {one.number for one in found}
    for before, one, behind in zip(found, found[1:], found[2:], strict=False):
        follow = before.end == one.at and one.end == behind.at
        if follow and before.shift == behind.shift != one.shift:
            if given.is_image and _number_in(before.shift, one.at) in numbers:
                continue  # another header has the number of this place: they were exchanged
            if given.rules.follows("DARI-REC-020"):
                given.faults.report("wrong-place", one.at)
            one.shift = before.shift
            one.is_misplaced = True


def _number_in(shift: int, at: int) -> int:
    return (shift + at) % LONG // RECORD


def _correct_behind_tapes(found: list[Found]) -> None:
    """Correct the numbers of a volume that are one record off from that of its first header."""
    off: dict[int, int] = {}
    for one, behind in pairwise(found):
        step = difference(one.shift, behind.shift)
        if one.head.c_type == TS_TAPE and abs(step) == RECORD:
            off[int(one.head.fields.c_volume)] = step
    for one in found:
        if one.head.c_type != TS_TAPE:
            one.shift = (one.shift + off.get(int(one.head.fields.c_volume), 0)) % LONG


def stretches(given: Input, found: list[Found]) -> list[Stretch]:
    """Step 9: cut the input at the headers."""
    made = []
    if found and found[0].at > given.space.start:
        at = given.space.start + (found[0].at - given.space.start) % RECORD
        made.append(Stretch(found[0], at, found[0].at, is_closed=False))
    for one, behind in pairwise(found):
        same = given.rules.keeps("DARI-REC-031", one.shift == behind.shift)
        made.append(Stretch(one, one.at, behind.at, is_closed=same))
    if found:
        last = found[-1]
        is_end = last.head.c_type == TS_END
        end = last.end if is_end else max(last.end, given.space.size)
        made.append(Stretch(last, last.at, end, is_closed=not last.announced))
    return made


def put_back(given: Input, pieces: list[Stretch], *, quietly: bool = False) -> list[Place]:
    """Steps 11 and 12: return where the records of the sequence lie, ascending by number.

    Args:
        given: The input.
        pieces: What it was cut into.
        quietly: Whether nothing is reported.
    """
    places = [Place(one.number, one.count, one.start) for one in pieces if _is_numbered(one)]
    by_number = sorted(places)
    overlap = any(one.number + one.length > other.number for one, other in pairwise(by_number))
    extra = 0
    in_order = by_number == _as_they_lie(places)
    if not in_order and not given.rules.follows("DARI-REC-033"):
        by_number = _as_they_lie(places)
    elif overlap:
        by_number, extra = _contest(given, pieces)
    if not quietly:
        _report(given, pieces, by_number, extra)
    return by_number


def _is_numbered(one: Stretch) -> bool:
    """Tell whether a stretch's records have numbers: in front of record 0 there are none."""
    return one.number <= one.found.number


def _as_they_lie(places: list[Place]) -> list[Place]:
    """Return places with the numbers that they would have if nothing were missing."""
    made, number = [], places[0].number if places else 0
    for place in places:
        made.append(place._replace(number=number))
        number += place.length
    return made


def _contest(given: Input, pieces: list[Stretch]) -> tuple[list[Place], int]:
    """Step 11: give each number to the best of its records; return how many have lost."""
    best: dict[int, tuple[int, int]] = {}
    lost = 0
    for one in pieces:
        if not _is_numbered(one):
            lost += one.count
            continue
        for index in range(one.count):
            at, number = one.start + index * RECORD, one.number + index
            key = _rank(given, one, at), at
            lost += number in best
            if number not in best or key < best[number]:
                best[number] = key
    return [Place(number, 1, at) for number, (_, at) in sorted(best.items())], lost


def _rank(given: Input, one: Stretch, at: int) -> int:
    """Return how good a record of a stretch is, the best first."""
    if given.space.record(at) is None:
        return 5
    if one.found.is_proven and one.found.at <= at < one.found.end:
        return 0
    if one.is_closed:
        return 1
    if at == one.found.at:
        return 2
    if at < one.found.end or one.found.head.c_type == TS_TAPE:
        return 3 if at > one.found.at else 4
    return 4


def _report(given: Input, pieces: list[Stretch], places: list[Place], extra: int) -> None:
    """Report what is missing, what is there too often, and what is out of order."""
    faults, highest = given.faults, -1
    for one in pieces:
        if one.found.number < highest:
            faults.report("records-order", one.found.at)
        highest = max(highest, one.found.number)
    for one, behind in pairwise(pieces):
        # A block that was cut short is missing; filler is too much.
        shrinks = difference(behind.found.shift, one.found.shift) < 0
        extra += shrinks and (one.end - one.start) % RECORD > 0
    if extra:
        faults.report("records-extra", count=extra)
    missing = [(0, places[0].number)] if places and given.is_image and places[0].number else []
    if given.space.start:
        missing = []  # the volumes before are missing, and are reported
    for place, other in pairwise(places):
        missing.append((place.number + place.length, other.number))
    for first, end in missing:
        if end > first:
            faults.report("records-missing", first * RECORD, count=end - first)
