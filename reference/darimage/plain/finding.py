"""Finding the headers of an input (chapter 88, steps 3 to 8; *a*, *e* are ``at``, ``end``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from darimage.plain.faults import RECORD, Refused
from darimage.plain.opening import VOLUMES, Input
from darimage.plain.records import (
    LONG,
    META_ONLY,
    TS_ADDR,
    TS_BITS,
    TS_CLRI,
    TS_END,
    TS_INODE,
    TS_TAPE,
    Head,
    Runs,
    crc32c,
    hole_map,
)


@dataclass(eq=False)
class Found:
    """A header that was found.

    Attributes:
        head: The header.
        runs: The blocks that follow; ``None`` if the hole map is impossible.
        end: The address behind its records.
        shift: How far it lies before its place; corrected in step 10.
        is_proven: Whether its group is.
        opens: Whether it is a continuation header in the records of another.
        is_misplaced: Whether its number was corrected.
        openings: Where continuation headers are, or should be, in its records.
    """

    head: Head
    runs: Runs | None
    end: int
    shift: int
    is_proven: bool = False
    opens: bool = False
    is_misplaced: bool = False
    openings: tuple[int, ...] = ()

    @property
    def at(self) -> int:
        """Its address."""
        return self.head.at

    @property
    def number(self) -> int:
        """Its record number."""
        return self.number_of(self.at)

    def number_of(self, at: int) -> int:
        """Return the number of a record of its stretch."""
        return (self.shift + at) % LONG // RECORD

    @property
    def announced(self) -> int:
        """How many records it announces."""
        return sum(count for present, count in self.runs or () if present)


def _opens(head: Head | None, volume: int) -> bool:
    """Tell whether a header is the continuation header of a volume (DARI-VOL-014)."""
    return head is not None and (head.c_type, head.fields.c_volume) == (TS_TAPE, volume)


AllSeen = Callable[[Input, list[Found]], bool]


class Finder:
    """Finds the headers of an input.

    Attributes:
        found: Those that were found, by address.
        capacity: Records of a volume, as far as it is believed; 0 if there is none.
    """

    def __init__(self, given: Input, all_seen: AllSeen) -> None:
        """Begin at the first byte.

        Args:
            given: The input.
            all_seen: Tells whether a header of each inode of bitmap II was seen, if nothing is
                damaged.
        """
        self._given, self._faults, self._rules = given, given.faults, given.rules
        self._space, self._all_seen = given.space, all_seen
        self.found: list[Found] = []
        self._volume = 1
        self._undamaged = True
        self.capacity = self._believed_capacity()

    def run(self) -> None:
        """Find all headers."""
        at, due = self._space.start, True  # step 3
        while at < self._space.size:
            head = self._given.own(at, due=due)  # step 4
            if due and self._opens_volume(at, head):
                at += RECORD
                continue
            is_due = due and head is not None
            if head is None:
                head = self._searched(at, due=due)  # step 5
                if head is None:
                    break
            elif due:
                self._report_odd(head)
            is_due = is_due and bool(self.found)
            found = self._take(head)  # step 6
            # Behind a continuation header that was searched for, anything may go on.
            goes_on = head.c_type == TS_TAPE and head.fields.c_volume > 1
            at, due = found.end, found.runs is not None and (is_due or not goes_on)
            if head.c_type == TS_END and self._is_the_end(found):  # step 7
                break
            if due and not found.is_proven:  # step 8
                inside = self._inside(found)
                if inside is not None:
                    self._undamaged = False
                    at = inside.at
        self.found.sort(key=lambda one: one.at)

    # Step 5.

    def _searched(self, at: int, *, due: bool) -> Head | None:
        """Report what lies where a header is due, and search the next one (DARI-REC-032)."""
        behind_end = bool(self.found) and self.found[-1].head.c_type == TS_END
        if due and not behind_end:
            self._undamaged = False
            if self.found or at != self._given.first_record:
                self._report_due(at)
        head = self._given.search(at + 1 if due else at)
        if head is not None and behind_end:
            self._faults.report("end-early", self.found[-1].at)
        return head

    def _report_due(self, at: int) -> None:
        head = self._given.at_place(at)
        if self._space.record(at) is None:
            return  # a gap is reported as such
        if head is None or not head.is_intact:
            self._faults.report("header-damaged", at)
        elif not self._given.has_type(head):
            self._faults.report("unknown-type", at)
        else:
            self._faults.report("foreign-header", at)

    def _report_odd(self, head: Head) -> None:
        """Report what is wrong with a header that is taken all the same."""
        if self._given.is_image and not head.is_dari:
            self._undamaged = False
            self._faults.report("ext-missing", head.at)
        elif self._given.is_image and not head.has_right_sum:
            self._faults.report("header-sum", head.at)

    # Step 6.

    def _take(self, head: Head) -> Found:
        """Keep a header; find its records and whether they are proven."""
        has_spare = self._given.is_image and any(head.fields.c_spare)
        if has_spare and not self._rules.follows("DARI-CNV-005"):
            raise Refused("dialect", "spare bytes are not zero")
        if self._given.is_image and head.is_dari:
            if head.fields.extension.version == 0:
                self._faults.report("ext-version", head.at)
            elif not head.kind_fits and head.at != self._given.first_record:
                self._faults.report("ext-kind", head.at)
        before = self.found[-1].shift if self.found else 0 if self._given.is_image else head.shift
        if head.shift != before:
            self._undamaged = False
        if head.c_type == TS_TAPE:
            self._met_tape(head)
        runs = self._runs(head)
        found = Found(head, runs, head.at + RECORD, head.shift)
        self.found.append(found)
        if runs is None:
            self._undamaged = False
            if head.c_type in (TS_INODE, TS_ADDR):
                self._faults.report("hole-map", head.at, head.inode)
            return found
        self._find_records(found)
        if head.is_dari and not found.is_proven:
            self._undamaged = False
        return found

    def _runs(self, head: Head) -> Runs | None:
        """Return the blocks that follow; ``None`` if there cannot be so many (DARI-REC-035)."""
        if head.c_type in (TS_CLRI, TS_BITS):
            count = int(head.fields.c_count)
            fits = 0 <= count <= (self._space.size - head.at) // RECORD - 1
            if not self._rules.keeps("DARI-BMP-007", fits):
                return None
            return [(1, max(0, count))]
        if head.c_type not in (TS_INODE, TS_ADDR):
            return []
        if not self._given.is_image and head.fields.c_flags & META_ONLY:
            return []
        return hole_map(head, is_image=self._given.is_image)

    def _find_records(self, found: Found) -> None:
        """Find the records under a header, continuation headers apart (DARI-VOL-014)."""
        places, openings, found.end = self._records(found, self.capacity)
        found.is_proven = self._is_proven(found.head, places)
        if openings and self.capacity and found.head.is_dari and not found.is_proven:
            # If the records are right without one where the capacity says, the capacity is wrong.
            places, others, end = self._records(found, 0)
            if others != openings and self._is_proven(found.head, places):
                found.is_proven, found.end, openings = True, end, others
                self._report_capacity()
        found.openings = tuple(openings)
        for at in openings:
            self._volume += 1
            head = self._given.own(at)
            is_other = self._space.is_placed and head is not None and head.c_type == TS_TAPE
            if head is None or not (_opens(head, self._volume) or is_other):
                self._report_opening(at)
                continue
            self._report_feature(head)
            # Where the group is proven, its records say where this header lies.
            shift = found.shift if found.is_proven else head.shift
            self.found.append(Found(head, [], at + RECORD, shift, opens=True))

    def _records(self, found: Found, capacity: int) -> tuple[list[tuple[int, int]], list[int], int]:
        """Return where the records are that a header announces.

        Returns:
            Address and number of each stretch; the continuation headers; the address behind all.
        """
        places: list[tuple[int, int]] = []
        openings: list[int] = []
        at, count = found.at + RECORD, found.announced
        while count:
            volume = self._volume + len(openings) + 1
            opening = self._next_opening(found, at, count, volume, capacity)
            length = count if opening is None else min(count, (opening - at) // RECORD)
            if length:
                places.append((at, length))
                at += length * RECORD
                count -= length
            if count and opening == at:
                openings.append(at)
                at += RECORD
        return places, openings, at

    def _next_opening(
        self, found: Found, start: int, count: int, volume: int, capacity: int
    ) -> int | None:
        """Return where the next continuation header lies, or has to lie."""
        end = start + count * RECORD
        places = []
        if capacity:
            place = start + -found.number_of(start) % capacity * RECORD
            if not self._is_elsewhere(place, found.number_of(place)):
                places.append(place)
        places += [place for place in self._space.openings if place >= start][:1]
        at = start
        while at < end and (head := self._given.search(at, end)) is not None:
            if _opens(head, volume):
                places.append(head.at)
                break
            at = head.at + 1
        inside = [place for place in places if place < end and (place - start) % RECORD == 0]
        return min(inside) if inside and self._rules.follows("DARI-VOL-013") else None

    def _is_proven(self, head: Head, places: list[tuple[int, int]]) -> bool:
        """Tell whether ``records_crc32c`` is that of the records (DARI-REC-029)."""
        if not head.is_dari:
            return False
        parts = [self._space.read(at, count * RECORD) for at, count in places]
        if any(part is None for part in parts):
            return False
        right = crc32c(b"".join(map(bytes, filter(None, parts)))) == head.records_crc
        return self._rules.keeps("DARI-REC-029", right)

    # Volumes.

    def _believed_capacity(self) -> int:
        """Return the capacity of a volume, if it can be one (DARI-VOL-023)."""
        capacity, body = self._given.capacity, self._given.body
        if body is None or not body.feature_incompat & VOLUMES:
            return 0
        if capacity < 2:
            self._report_capacity()
            return 0
        return capacity

    def _report_capacity(self) -> None:
        self.capacity = 0
        self._faults.report("capacity", self._given.first.at)

    def _met_tape(self, head: Head) -> None:
        """Look at a volume header."""
        volume = int(head.fields.c_volume)
        if not self.found:
            self._volume = volume
        elif volume == 1:
            self._faults.report("tape-again", head.at)
        else:
            self._volume = volume
            self._report_feature(head)

    def _report_feature(self, head: Head) -> None:
        body = self._given.body
        if body is not None and not body.feature_incompat & VOLUMES:
            self._faults.report("feature-volumes", head.at)
        self._given.take_body(head)

    def _opens_volume(self, at: int, head: Head | None) -> bool:
        """Tell whether the record that is due has to be a continuation header, and is none."""
        if not self.capacity or not self.found:
            return False
        number = self.found[-1].number_of(at)
        if number % self.capacity or _opens(head, number // self.capacity + 1):
            return False
        if self._is_elsewhere(at, number):
            return False
        if head is not None and head.c_type != TS_TAPE and head.kind_fits:
            self._report_capacity()  # another header lies where the capacity says
            return False
        self._volume = number // self.capacity + 1
        self._report_opening(at)
        return True

    def _is_elsewhere(self, at: int, number: int) -> bool:
        """Tell whether a volume header lies at an address that says it has another number."""
        head = self._given.own(at)
        return head is not None and head.c_type == TS_TAPE and head.number != number % 2**32

    def _report_opening(self, at: int) -> None:
        """Report that the record that opens a volume is no volume header."""
        if self._space.record(at) is not None:
            self._undamaged = False
            self._faults.report("volume-header", at)

    # Steps 7 and 8.

    def _is_the_end(self, found: Found) -> bool:
        """Tell whether the input ends here (DARI-END-009)."""
        if self._given.own(found.end, due=True) is not None:
            return False
        if not self._rules.follows("DARI-END-009"):
            return True
        if not self._undamaged or not self._all_seen(self._given, self.found):
            return False
        # What follows is not of this image (DARI-END-007).
        return found.end >= self._space.size or self._rules.follows("DARI-END-007")

    def _inside(self, found: Found) -> Head | None:
        """Return the first own header in a group's records, continuation headers apart."""
        at = found.at + RECORD
        while at < found.end:
            head = self._given.search(at, found.end)
            if head is None or head.at not in found.openings:
                return head
            at = head.at + 1
        return None
