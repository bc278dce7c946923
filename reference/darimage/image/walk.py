"""Going through an image from header to header (DARI-REC-001, DARI-SAF-003).

Where headers lie close together big windows are read and looked at as columns; where they lie far
apart each is read alone and the data between them is never touched. Where a header should be and
none is sound, the next one that is sound is searched for and a fault says what was passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from darimage.faults import Fault, FaultyField
from darimage.image import blame
from darimage.image.batch import Batch, Ints, Marks, Rows
from darimage.image.following import following, following_of_one
from darimage.image.inode import shifts
from darimage.schema import ORDERS, CType, Magic
from darimage.sections.header import CHECKSUM, as_headers, extended, of_image, picker, sound, sums
from darimage.units import ADDRESSES, RECORD
from darimage.volumes.reading import Volume, is_recovered
from darimage.volumes.recovered import LOST

OnFault = Callable[[Fault], None]

WINDOW = 4096
"""Records of a big window."""

_WHOLE_WINDOW = 4 * WINDOW
"""The same where all is read and headers are close: the time goes into looking at windows then.

Where they are far apart it goes into reading, which is quicker into memory that caches hold.
"""

_READ_AGAIN = 1024
"""Records up to which the end of a window is rather read again than looked at alone."""

_FIRST_WINDOW = 128
_HOPS = 512
"""Headers of a batch where each is read alone."""

_FAR = 48
"""Records from header to header from which reading each alone is quicker."""

Mend = Callable[[], Volume]
"""Returns the image with its records at their numbers; those before the damage keep theirs."""

_PICKERS = {
    order: picker(order, "c_type", "c_date", "c_tapea", "c_magic", "c_count") for order in ORDERS
}

_KINDS = {
    "DARI-REC-005": "unknown-type",
    "DARI-REC-006": "wrong-place",
    "DARI-REC-007": "foreign-header",
    "DARI-EXT-008": "foreign-header",
    "DARI-REC-011": "hole-map",
    "DARI-REC-017": "hole-map",
}
"""Names of faults by the sentence that the header breaks."""


def walk(
    volume: Volume,
    marks: Marks,
    start: int,
    *,
    on_fault: OnFault,
    end: int | None = None,
    shift: int = 0,
    sparse: bool = False,
    fence: int | None = None,
    mend: Mend | None = None,
    whole: bool = False,
    within: bool = False,
) -> Iterator[Batch]:
    """Yield the headers from a record on.

    Each record number is greater than the one before, and no batch is empty. The walk ends at
    ``end``, after the last ``TS_END`` of a row of them, or where no header is found any more.

    Args:
        volume: The image.
        marks: What its headers have in common.
        start: Record number of the first header.
        on_fault: Told of damage that was passed over.
        end: Record number to stop at; by default the end of the volume.
        shift: By how many records headers are known to lie behind their ``c_tapea``.
        sparse: Begin by reading headers alone.
        fence: Record number from which on headers are read alone: what lies behind them is read
            by somebody else, if at all.
        mend: Asked at the first sign of damage for the volume to go on with, from the place where
            it showed. In a plain dump it shows, too, where record numbers jump (DARI-REC-031).
        whole: All that lies between headers is read by the caller as well: never read them alone.
        within: The headers are those of one run: what is wrong with them but costs nothing is
            reported by whoever walks over all.
    """
    made = _Walk(volume, marks, start, end, shift, sparse, fence, on_fault, mend, whole=whole)
    made.tells_sums = marks.numbered and not within
    return made.run()


class _Walk:
    """A walk's position and what it has learnt."""

    def __init__(
        self,
        volume: Volume,
        marks: Marks,
        start: int,
        end: int | None,
        shift: int,
        sparse: bool,
        fence: int | None,
        on_fault: OnFault,
        mend: Mend | None,
        *,
        whole: bool,
    ) -> None:
        self.marks = marks
        self.at = start
        self.wanted_end = end
        self.shift = shift
        self.sparse = sparse
        self.wanted_fence = fence
        self.on_fault = on_fault
        self.whole = whole
        self.ending = False
        self.behind: int | None = None  # records the last header lies behind its number
        self.was_tape = False
        self.gaps: list[tuple[int, int]] = []  # of a window: where a header should be, and is
        self.tells_sums = False
        self._read_from(volume)
        self.mend = None if is_recovered(volume) else mend
        self.size = _FIRST_WINDOW
        self.buffer = np.zeros((0, RECORD), np.uint8)

    def _read_from(self, volume: Volume) -> None:
        """Take a volume to read."""
        self.held_from = self.held = 0  # what the buffer holds, in records
        self.volume = volume
        last = volume.size // RECORD
        self.end = last if self.wanted_end is None else min(self.wanted_end, last)
        self.cut = self.wanted_end is not None and self.wanted_end <= last
        self.fence = self.end if self.wanted_fence is None else self.wanted_fence
        self.placed = is_recovered(volume)

    def _mended(self) -> bool:
        """Go on with the mended volume, if there is one that was not asked for yet."""
        if self.mend is None:
            return False
        mend, self.mend = self.mend, None
        self._read_from(mend())
        return True

    def run(self) -> Iterator[Batch]:
        yield from self._run()
        if self.at > self.end and not self.cut and self._mended():
            yield from self._run()
        if self.at > self.end and not self.cut:
            missing = self.at - self.end
            told = f"the image ends {missing} records early, within what a header announces"
            self.on_fault(Fault("image-cut", told, record=self.end, requirement="DARI-REC-001"))

    def _run(self) -> Iterator[Batch]:
        while self.at < self.end:
            before = self.at
            if self.volume.missing(before * RECORD, (before + 1) * RECORD):
                if not self._pass_gap():
                    return
                continue
            batch = self._next()
            if len(batch) and self.mend is not None and not self.marks.numbered:
                batch = self._until_jump(batch)
                if not len(batch):
                    self._mended()
                    continue
            if len(batch):
                batch = self._until_end(batch)
            if len(batch):
                self.at = int(batch.record[-1] + 1 + batch.following[-1])
                self._adapt(batch, before)
                self._tell_gaps(int(batch.record[-1]))
                if self.tells_sums:
                    self._tell_sums(batch)
                yield batch
                if self.at > self.end:
                    self._end_early(int(batch.record[-1]), int(batch.c_type[-1]))
            elif self.ending or not (self._mended() or self._resync()):
                return

    def _tell_gaps(self, last: int) -> None:
        """Report what was passed over in front of a header; what lies behind the end is nothing."""
        for at, place in self.gaps:
            if place <= last:
                self._tell(at, place - at)

    def _end_early(self, record: int, c_type: int) -> None:
        """Go on at the next header behind one that announces more records than there are.

        Its number of records may be wrong; if none follows, the image is cut. Who uses a bitmap
        reports that it does not fit (DARI-BMP-007).
        """
        announced = self.at
        if self._mended() and self.at <= self.end:
            return
        self.at = record + 1
        found = self._search()
        self.at = announced if found is None else found
        if found is not None and c_type not in (CType.TS_CLRI, CType.TS_BITS):
            told = f"the header here announces {announced - record - 1} records, another follows"
            self.on_fault(Fault("hole-map", told, record=record, requirement="DARI-REC-011"))

    def _tell_sums(self, batch: Batch) -> None:
        """Report headers whose sum is wrong though their CRC is right (DARI-REC-028)."""
        for at in np.flatnonzero(sums(batch.rows, self.marks.order) != CHECKSUM).tolist():
            told = "the header here has a wrong checksum and a right CRC: it is used"
            record = int(batch.record[at])
            self.on_fault(Fault("header-sum", told, record=record, requirement="DARI-REC-004"))

    def _next(self) -> Batch:
        """Return the next headers."""
        self.gaps = []
        if self.at >= self.fence or (self.sparse and not self.whole):
            return self._hop()
        batch = self._stride() if self.sparse else None
        return self._sweep() if batch is None or not len(batch) else batch

    def _adapt(self, batch: Batch, before: int) -> None:
        """Choose how to read on by how far apart headers lie."""
        self.sparse = self.at - before > _FAR * len(batch)
        most = _WHOLE_WINDOW if self.whole and not self.sparse else WINDOW
        self.size = min(most, self.size * 4)

    def _until_end(self, batch: Batch) -> Batch:
        """Cut off what follows a row of ``TS_END`` (DARI-END-007)."""
        ends = batch.c_type == CType.TS_END
        if self.ending:
            others = np.flatnonzero(~ends)
        elif ends.any():
            self.ending = True
            first = int(ends.argmax())
            others = np.flatnonzero(~ends[first:]) + first
        else:
            return batch
        return batch.part(slice(0, int(others[0]))) if others.size else batch

    def _until_jump(self, batch: Batch) -> Batch:
        """Cut off what follows the first header whose number does not fit the one before.

        It may step by one behind the header of a volume, and the header of a further volume is for
        ``mend`` to take out.
        """
        headers = batch.headers()
        behind = (batch.record - headers["c_tapea"]) & 0xFFFFFFFF
        tapes = batch.c_type == CType.TS_TAPE
        first = int(behind[0]) if self.behind is None else self.behind
        steps = np.diff(behind, prepend=first)
        allowed = (steps == 0) | ((steps == 1) & np.concatenate(([self.was_tape], tapes[:-1])))
        wrong = np.flatnonzero(~allowed | (tapes & (headers["c_volume"] > 1)))
        if wrong.size:
            batch = batch.part(slice(0, int(wrong[0])))
        if len(batch):
            self.behind = int(behind[len(batch) - 1])
            self.was_tape = bool(tapes[len(batch) - 1])
        return batch

    def _read(self, start: int, count: int) -> Rows:
        """Return up to ``count`` records from ``start``; the same memory is used again.

        What was read last is not read again: damage would multiply the bytes that are read.
        """
        count = max(0, min(count, self.end - start))
        if not count:
            return np.zeros((0, RECORD), np.uint8)
        begin = start - self.held_from
        if begin >= 0 and self.held - begin >= min(count, _READ_AGAIN):
            return self.buffer[begin : min(self.held, begin + count)]
        if len(self.buffer) < count:
            self.buffer = np.empty((count, RECORD), np.uint8)
        view = memoryview(self.buffer[:count]).cast("B")  # type: ignore[arg-type]
        got = self.volume.readinto_at(start * RECORD, [view])
        self.held_from, self.held = start, got // RECORD
        return self.buffer[: self.held]

    def _sweep(self) -> Batch:
        """Return the chain of headers of a window that begins at the next one."""
        _, limit = self._past_gaps(self.at, min(self.size, self.fence - self.at))
        window = self._read(self.at, limit)
        places, rows = self._sound(window, self.at)
        after = following(rows, self.marks.order, plain=not self.marks.numbered)
        if (after < 0).any():
            kept = after >= 0
            places, rows, after = places[kept], rows[kept], after[kept]
        chain, gaps = _chain(places, after)
        if gaps and self.mend is not None:
            chain, gaps = _before(places, chain, gaps[0][0]), []
        self.gaps = [(self.at + gap, self.at + place) for gap, place in gaps]
        return Batch(
            places[chain] + self.at, rows[chain], after[chain], self.marks.order, window, self.at
        )

    def _sound(self, window: Rows, start: int) -> tuple[Ints, Rows]:
        """Return place and bytes of the headers of this image among records side by side."""
        places = np.flatnonzero(sound(window, self.marks.order))
        rows = window[places]
        headers = as_headers(rows, self.marks.order)
        kept = (headers["c_type"] >= CType.TS_TAPE) & (headers["c_type"] <= CType.TS_CLRI)
        if self.marks.date is not None:
            kept &= headers["c_date"] == self.marks.date
        kept &= of_image(rows, self.marks.image_id)
        if self.marks.numbered and not self.placed:
            kept &= shifts(headers, places + start, self.marks.cut) == self.shift
        return places[kept], rows[kept]

    def _hop(self) -> Batch:
        """Return headers that are read one by one, as far as they are sound."""
        at = self.at
        found: list[bytes] = []
        records: list[int] = []
        after: list[int] = []
        most = getattr(self.volume, "headers_ahead", _HOPS)
        while len(found) < most and at < self.end:
            record = self.volume.read_at(at * RECORD, RECORD)
            if not self._looks_right(record, at):
                break
            count = following_of_one(record, self.marks.order, plain=not self.marks.numbered)
            if count < 0:
                break
            found.append(record)
            records.append(at)
            after.append(count)
            at += 1 + count
        rows = np.frombuffer(b"".join(found), np.uint8).reshape(-1, RECORD)
        right = sound(rows, self.marks.order) & of_image(rows, self.marks.image_id)
        wrong = np.flatnonzero(~right)
        count = int(wrong[0]) if wrong.size else len(rows)
        return Batch(
            np.array(records[:count], np.int64),
            rows[:count],
            np.array(after[:count], np.int64),
            self.marks.order,
        )

    def _stride(self) -> Batch:
        """Return headers of a window of which only they are looked at, as far as they are sound."""
        start, limit = self._past_gaps(self.at, min(self.size, self.fence - self.at))
        window = self._read(self.at, limit if start == self.at else 0)
        places: list[int] = []
        after: list[int] = []
        at = 0
        while at < len(window):
            record = window[at].tobytes()
            count = -1
            if self._looks_right(record, self.at + at):
                count = following_of_one(record, self.marks.order, plain=not self.marks.numbered)
            if count < 0:
                break
            places.append(at)
            after.append(count)
            at += 1 + count
        rows = window[places]
        right = sound(rows, self.marks.order) & of_image(rows, self.marks.image_id)
        wrong = np.flatnonzero(~right)
        count = int(wrong[0]) if wrong.size else len(rows)
        records = np.array(places[:count], np.int64) + self.at
        found = np.array(after[:count], np.int64)
        return Batch(records, rows[:count], found, self.marks.order, window, self.at)

    def _looks_right(self, record: bytes, at: int) -> bool:
        """Tell whether a record could be a header, but for its checksum."""
        if len(record) < RECORD:
            return False
        c_type, date, tapea, _, _ = _PICKERS[self.marks.order].unpack_from(record)
        if self.marks.date is not None and date != self.marks.date:
            return False
        if self.marks.numbered and not self.placed and self._number(at) != tapea:
            return False
        return bool(CType.TS_TAPE <= c_type <= CType.TS_CLRI)

    def _pass_gap(self) -> bool:
        """Go on behind records that are not there (DARI-VOL-020); tell whether anything is."""
        gap = self.volume.missing(self.at * RECORD, (self.at + 1) * RECORD)[0]
        told, at = gap.told, self.at
        if not self.marks.numbered and self._mended():
            return True  # how long a gap of a plain dump is only numbers tell
        self.at = min(self.end, -(-gap.end // RECORD))
        found = self._search() if self.at < self.end else None
        if found is None and self._mended():
            self.at = at
            return True
        self.at = self.end if found is None else found
        passed = f"; {self.at - at} record{'s' * (self.at - at != 1)} passed over"
        kind, requirement = ("records-missing", "DARI-REC-031")
        if told != LOST:
            kind, requirement = ("unreadable", "DARI-VOL-020")
        self.on_fault(Fault(kind, told + passed, record=at, requirement=requirement))
        return found is not None

    def _past_gaps(self, at: int, count: int) -> tuple[int, int]:
        """Return where records from one on really begin, and how many come without a gap."""
        for gap in self.volume.missing(at * RECORD, (at + count) * RECORD):
            if gap.start // RECORD > at:
                return at, gap.start // RECORD - at
            at = -(-gap.end // RECORD)
        return at, count

    def _number(self, at: int) -> int:
        """Return the ``c_tapea`` that a header at a record has."""
        return (self.marks.cut.physical(at) - self.shift) & 0xFFFFFFFF

    def _resync(self) -> bool:
        """Go on at the next sound header after the position; tell what was passed over."""
        found = self._search()
        place = self.end if found is None else found
        self._tell(self.at, place - self.at)
        self.at = place
        return found is not None

    def _tell(self, at: int, passed: int) -> None:
        record = self.volume.read_at(at * RECORD, RECORD)
        why, requirement = _why(record, self.marks)
        told = f"{why}; {passed} record{'s' * (passed != 1)} passed over"
        field = self._blamed(record, requirement, at)
        kind = _KINDS.get(requirement, "header-damaged")
        self.on_fault(Fault(kind, told, record=at, requirement=requirement, field=field))

    def _blamed(self, record: bytes, requirement: str, at: int) -> FaultyField | None:
        """Return the field because of which a record is no header, if it is one."""
        wanted: dict[str, tuple[str, int | str | bytes | None]] = {
            "DARI-REC-003": ("c_magic", Magic.NFS),
            "DARI-REC-005": ("c_type", "1 to 6"),
            "DARI-REC-006": ("c_tapea", self._number(at)),
            "DARI-REC-007": ("c_date", self.marks.date),
            "DARI-EXT-008": ("extension.body.image_id", self.marks.image_id),
            "DARI-REC-028": ("extension.header_crc32c", None),
            "DARI-REC-011": ("c_count", f"0 to {ADDRESSES}"),
            "DARI-REC-017": ("c_addr", "0 and 1"),
        }
        if len(record) < RECORD or requirement not in wanted:
            return None
        row = np.frombuffer(record, np.uint8)
        return blame.wrong(row, self.marks.order, [wanted[requirement]])

    def _search(self) -> int | None:
        """Return the record of the next header."""
        at, size = self.at, _FIRST_WINDOW
        while at < self.end:
            at, limit = self._past_gaps(at, size)
            window = self._read(at, limit)
            size = min(WINDOW, size * 4)
            if not len(window):
                break
            places, rows = self._sound(window, at)
            after = following(rows, self.marks.order, plain=not self.marks.numbered)
            # One that is not taken where it stands would be searched for again, for ever.
            if (after >= 0).any():
                return at + int(places[(after >= 0).argmax()])
            at += len(window)
        return None


def _before(places: Ints, chain: slice | Ints, gap: int) -> Ints:
    """Return the part of a chain that lies before a gap."""
    found = np.arange(len(places))[chain]
    return found[places[found] < gap]


def _chain(places: Ints, after: Ints) -> tuple[slice | Ints, list[tuple[int, int]]]:
    """Return which headers of a window follow one another, and the gaps between them.

    Args:
        places: Records of the window that are headers, ascending.
        after: Records that follow each.

    Returns:
        The headers of the chain, and for each gap where a header should be and where one is.
    """
    targets = places + 1 + after
    breaks = np.flatnonzero(targets[:-1] != places[1:])
    if not len(places) or (places[0] == 0 and not breaks.size):
        return slice(None), []
    gaps = [] if places[0] == 0 else [(0, int(places[0]))]
    kept = np.zeros(len(places), np.bool_)
    first = 0
    for last in [*breaks.tolist(), len(places) - 1]:
        if last < first:
            continue  # within data that looks like headers
        kept[first : last + 1] = True
        target = int(targets[last])
        first = int(np.searchsorted(places, target))
        if first >= len(places):
            break
        if places[first] != target:
            gaps.append((target, int(places[first])))
    return np.flatnonzero(kept), gaps


def _why(record: bytes, marks: Marks) -> tuple[str, str]:
    """Return why a record is no header of an image, and by which sentence."""
    if len(record) < RECORD:
        return "no header here", "DARI-REC-001"
    c_type, date, tapea, magic, count = _PICKERS[marks.order].unpack_from(record)
    if magic != Magic.NFS:
        return "no header here", "DARI-REC-003"
    row = np.frombuffer(record, np.uint8).reshape(1, RECORD)
    if not sound(row, marks.order)[0]:
        if extended(row)[0]:
            return "the header here has a wrong CRC-32C", "DARI-REC-028"
        return "the header here has a wrong checksum", "DARI-REC-004"
    if not of_image(row, marks.image_id)[0]:
        return "the header here is another image's", "DARI-EXT-008"
    if not CType.TS_TAPE <= c_type <= CType.TS_CLRI:
        return f"the header here has c_type {c_type}", "DARI-REC-005"
    if marks.date is not None and date != marks.date:
        return f"the header here has c_date {date}, not {marks.date}", "DARI-REC-007"
    if following_of_one(record, marks.order, plain=not marks.numbered) >= 0:
        return f"the header here says that it is record {tapea}", "DARI-REC-006"
    if not 0 <= count <= ADDRESSES:
        return f"the header here has c_count {count}", "DARI-REC-011"
    return "the header here has entries of c_addr other than 0 and 1", "DARI-REC-017"
