"""From an input to its groups (chapter 88, steps 3 to 16)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from darimage.plain.faults import RECORD
from darimage.plain.finding import Finder, Found
from darimage.plain.groups import CLOSED, OPEN, PROVEN, Group, Piece
from darimage.plain.opening import Input
from darimage.plain.put_back import Place, Stretch, correct, put_back, stretches
from darimage.plain.records import (
    TS_ADDR,
    TS_BITS,
    TS_CLRI,
    TS_END,
    TS_INODE,
    TS_TAPE,
    Head,
    Runs,
    crc32c,
)


class Loose(NamedTuple):
    """A record that is under no header, or in a group that is not proven.

    Attributes:
        number: Its number.
        at: Its address.
        in_place: Whether its stretch is closed.
    """

    number: int
    at: int
    in_place: bool


@dataclass
class Walk:
    """What was found in an input.

    Attributes:
        given: The input.
        groups: Its groups, in the order of their numbers.
        ends: The ``ts_end`` that were found.
        loose: Records that may belong to something else than the header before them.
        closed: Closed stretches: address and end, ascending.
        heads: The headers that were found, continuation headers apart.
        is_cut: Whether its end is missing.
        reached: The number behind that of the last record.
    """

    given: Input
    groups: list[Group] = field(default_factory=list)
    ends: list[Head] = field(default_factory=list)
    loose: list[Loose] = field(default_factory=list)
    closed: list[tuple[int, int]] = field(default_factory=list)
    heads: list[Found] = field(default_factory=list)
    is_cut: bool = False
    reached: int = 0

    def in_place(self, at: int) -> bool:
        """Tell whether a record lies in a closed stretch (DARI-DIR-021)."""
        which = bisect_right(self.closed, (at, self.given.space.size)) - 1
        return which >= 0 and at < self.closed[which][1]


def walk(given: Input) -> Walk:
    """Read an input from its first byte to its end."""
    finder = Finder(given, _all_seen)
    finder.run()
    found = finder.found
    correct(given, found)
    pieces = stretches(given, found)
    places = put_back(given, pieces)
    made = Walk(given)
    made.closed = [(one.start, one.end) for one in pieces if one.is_closed]
    made.ends = [one.head for one in found if one.head.c_type == TS_END]
    _Sequence(made, found, pieces, places, finder.capacity).read()
    _report_end(made, pieces, places)
    return made


def _all_seen(given: Input, found: list[Found]) -> bool:
    """Step 7: tell whether a header of each inode of bitmap II was seen."""
    from darimage.plain.assemble import held_inodes, stream_directory_numbers

    so_far = Walk(given)
    pieces = stretches(given, found)
    _Sequence(so_far, found, pieces, put_back(given, pieces, quietly=True), 0, quietly=True).read()
    held = held_inodes(so_far)
    seen = {one.head.inode for one in found if one.head.c_type in (TS_INODE, TS_ADDR)}
    return held is not None and held.all_in(seen | stream_directory_numbers(so_far))


class _Sequence:
    """Reads the sequence: steps 13 to 16."""

    def __init__(
        self,
        made: Walk,
        found: list[Found],
        pieces: list[Stretch],
        places: list[Place],
        capacity: int,
        *,
        quietly: bool = False,
    ) -> None:
        self._made, self._given, self._places = made, made.given, places
        self._capacity, self._quietly = capacity, quietly
        self._numbers = [place.number for place in places]
        self._pieces = pieces
        heads = [one for one in found if self._place(one.number) == one.at]
        heads.sort(key=lambda one: one.number)
        opening = [one for one in heads if one.opens or _continues(one.head)]
        self._openings = {one.number for one in opening}
        self._openings |= {one.number_of(at) for one in found for at in one.openings}
        self._heads = [one for one in heads if one.number not in self._openings]
        made.heads = self._heads

    def _place(self, number: int) -> int | None:
        """Return the address of a record by its number; ``None`` if it is in a gap."""
        index = bisect_right(self._numbers, number) - 1
        if index < 0:
            return None
        place = self._places[index]
        if number >= place.number + place.length:
            return None
        at = place.at + (number - place.number) * RECORD
        return at if self._given.space.record(at) is not None else None

    def read(self) -> None:
        """Make the groups."""
        for index, one in enumerate(self._heads):
            behind = self._heads[index + 1] if index + 1 < len(self._heads) else None
            if one.head.c_type not in (TS_TAPE, TS_END):
                group = self._group(one, behind)
                if group.impossible and not self._given.rules.follows("DARI-REC-035"):
                    continue
                if self._begins(group):
                    self._made.groups.append(group)
        if not self._quietly:
            self._made.loose = list(self._loose())

    def _is_opening(self, number: int) -> bool:
        by_capacity = self._capacity and number and number % self._capacity == 0
        return number in self._openings or bool(by_capacity)

    def _group(self, one: Found, behind: Found | None) -> Group:
        """Steps 13 and 14: make a group of a header and the records behind it."""
        head = one.head
        if one.runs is None:
            is_map = head.c_type in (TS_CLRI, TS_BITS)
            return Group(head, one.number, OPEN, wrong=is_map, impossible=True)
        numbers, end = self._records(one, behind)
        places = [self._place(number) for number in numbers]
        group = Group(head, one.number, covers=sum(count for _, count in one.runs))
        group.pieces = list(_pieces(one.runs, places))
        missing = one.announced - len(numbers) + places.count(None)
        if head.is_dari and not missing:
            data = b"".join(self._given.space.record(at or 0) or b"" for at in places)
            right = crc32c(data) == head.records_crc
            group.known = PROVEN if self._given.rules.keeps("DARI-REC-029", right) else OPEN
            group.wrong = group.known == OPEN
        elif one.announced:
            group.known = self._closing(one, behind, end, missing=missing)
            if not head.is_dari and head.c_type in (TS_INODE, TS_ADDR):
                self._report_zeros(head, numbers, places)
        return group

    def _report_zeros(self, head: Head, numbers: list[int], places: list[int | None]) -> None:
        """Report whole tape blocks of zeros: they may be true (DARI-FLT-008)."""
        size = max(1, int(self._given.first.fields.c_ntrec))
        empty = {
            number
            for number, at in zip(numbers, places, strict=True)
            if at is not None and not any(self._given.space.record(at) or b"x")
        }
        begins = [number for number in empty if number % size == 0]
        blocks = [begin for begin in begins if empty.issuperset(range(begin, begin + size))]
        if blocks and not self._quietly:
            self._given.faults.report("zeros", head.at, head.inode, count=len(blocks))

    def _records(self, one: Found, behind: Found | None) -> tuple[list[int], int]:
        """Return the numbers of the records under a header, and the number behind them all.

        A group ends in front of the next header, whatever it announces.
        """
        numbers: list[int] = []
        last = self._places[-1].number + self._places[-1].length
        limit = behind.number if behind else last
        number, left = one.number + 1, one.announced
        while left and number < limit:
            if not self._is_opening(number):
                numbers.append(number)
                left -= 1
            number += 1
        return numbers, number + left

    def _closing(self, one: Found, behind: Found | None, end: int, *, missing: int) -> int:
        """Tell whether a group without a CRC, or with a gap, lies in its place."""
        if behind is None or (self._given.is_image and not one.head.is_dari):
            return OPEN  # a header without DARI in an image proves nothing (DARI-EXT-007)
        if one.is_misplaced:
            return OPEN
        while self._is_opening(end) and end != behind.number:
            end += 1
        directly = behind.number == end
        further = self._given.is_image and missing > 0 and behind.number > end
        same = self._given.rules.keeps("DARI-REC-031", behind.shift == one.shift)
        return CLOSED if same and (directly or further) else OPEN

    def _begins(self, group: Group) -> bool:
        """Step 15: say which block of its inode a group begins with; false if nobody knows."""
        head = group.head
        before = self._made.groups[-1] if self._made.groups else None
        behind_map = before is not None and before.head.c_type in (TS_CLRI, TS_BITS)
        if head.c_type == TS_ADDR and behind_map:
            if not self._quietly:  # DARI-BMP-004
                self._given.faults.report("orphan", head.at, head.inode)
            return False
        if head.c_type != TS_ADDR or head.first_block is not None:
            group.start = head.first_block or 0
            return self._by_first_block(before, group)
        if before is not None and self._goes_on(before, group):
            group.start = before.start + before.covers
            return True
        known = any(one.head.inode == head.inode for one in self._made.groups)
        if not self._quietly:
            name = "orphan" if known or not head.inode else "first-group-missing"
            self._given.faults.report(name, head.at, head.inode)
        return False

    def _by_first_block(self, before: Group | None, group: Group) -> bool:
        """Without DARI-FIL-022, let a group begin where the one before it ended."""
        head = group.head
        same = before is not None and before.head.inode == head.inode and not head.is_attributes
        end = before.start + before.covers if before is not None and same else 0
        natural = end if head.c_type == TS_ADDR else 0
        if group.start == natural and (same or head.c_type != TS_ADDR):
            return True
        if not self._given.rules.follows("DARI-FIL-022"):
            group.start = natural
            return same or head.c_type != TS_ADDR
        return True

    def _goes_on(self, before: Group, group: Group) -> bool:
        """Tell whether a ``ts_addr`` of a plain dump follows a group of the same inode."""
        head = before.head
        if head.inode != group.head.inode or head.c_type not in (TS_INODE, TS_ADDR):
            return False
        number, left = before.number + 1, sum(piece.length for piece in before.pieces)
        while left or self._is_opening(number):
            left -= not self._is_opening(number)
            number += 1
        return not head.is_attributes and number == group.number

    def _loose(self) -> Iterator[Loose]:
        """Yield the records that are under no header, and those of groups that are not proven."""
        proven = {
            at
            for group in self._made.groups
            if group.known == PROVEN
            for piece in group.pieces
            for at in _addresses(piece)
        }
        heads = {one.found.at for one in self._pieces}
        for place in self._places:
            for index in range(place.length):
                at = place.at + index * RECORD
                if at in proven or at in heads or self._given.space.record(at) is None:
                    continue
                yield Loose(place.number + index, at, self._made.in_place(at))


def _continues(head: Head) -> bool:
    """Tell whether a header is a continuation header (DARI-VOL-014)."""
    return head.c_type == TS_TAPE and head.fields.c_volume > 1


def _addresses(piece: Piece) -> Iterator[int]:
    if piece.at is not None:
        yield from range(piece.at, piece.at + piece.length * RECORD, RECORD)


def _pieces(runs: Runs, places: list[int | None]) -> Iterator[Piece]:
    """Yield the present blocks of a hole map with the places of their records."""
    block = at = 0
    for present, count in runs:
        end = block + count
        while present and block < end:
            if at >= len(places):
                yield Piece(block, end - block, None)
                break
            first, length = places[at], 1
            while block + length < end and _adjoin(places, at, length):
                length += 1
            yield Piece(block, length, first)
            block += length
            at += length
        block = end


def _adjoin(places: list[int | None], first: int, length: int) -> bool:
    """Tell whether a record lies behind as many others, or is missing as they are."""
    if first + length >= len(places):
        return False
    start, found = places[first], places[first + length]
    return found == (None if start is None else start + length * RECORD)


def _report_end(made: Walk, pieces: list[Stretch], places: list[Place]) -> None:
    """Report what the end, or its absence, says."""
    given, faults = made.given, made.given.faults
    total = int(given.body.total_records) if given.body is not None else 0
    made.reached = reached = places[-1].number + places[-1].length if places else 0
    if not made.ends:
        made.is_cut = total > reached and given.rules.follows("DARI-VOL-011")
        if not given.space.lacks_end:
            faults.report("image-cut" if made.is_cut else "no-end")
    bodies = {bytes(head.raw[944:]) for head in made.ends if head.body is not None}
    if len(bodies) > 1:
        faults.report("end-differs", made.ends[-1].at)
    last = max((one.end for one in pieces), default=0)
    if made.ends and given.space.size > last:
        faults.report("more-behind", last)
