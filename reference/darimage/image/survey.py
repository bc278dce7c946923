"""Finds every header of a damaged image, wherever it lies (DARI-REC-030, DARI-REC-032).

One look at the whole input: from header to header as long as each is where it is due, else byte by
byte. Data of groups that are known to be whole is hopped over. What was found is kept as columns.
"""

from __future__ import annotations

import stat
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darimage.errors import StorageError
from darimage.image.batch import SECTIONS_INODE, Ints, Marks, Rows
from darimage.image.following import following
from darimage.schema import CType, DrFlag, Magic
from darimage.sections.crc import crc32c
from darimage.sections.header import (
    Headers,
    as_headers,
    extended,
    field_span,
    of_image,
    picker,
    sound,
)
from darimage.units import ADDRESSES, RECORD, S_IFMT
from darimage.volumes.cut import LEAST, Cut
from darimage.volumes.reading import Volume, forgiving

OPEN, CLOSED, PROVEN = range(3)
"""What is known of a group: nothing; a header is where the next is due; its CRC is right."""

_WINDOW = 4096
"""Records that are looked at together where headers lie close to each other."""

_FAR = 48
"""Records from header to header from which reading each alone is quicker."""

_SEARCHED = 1 << 20
"""Bytes that are searched at once at most."""

_SEARCHED_FIRST = 1 << 16
"""Bytes that are searched at once at first."""

_HITS = 2048
"""Places with a right magic that are looked at together."""

_MAGIC_AT, _ = field_span("c_magic")
_SAME = 3
"""Of type, date, magic and number, how many must be right for a damaged header to be seen."""

_CAPACITY_MAX = 1 << 54


@dataclass(frozen=True)
class Found:
    """Headers in the order they lie, as columns.

    Attributes:
        address: Byte each lies at.
        tapea: ``c_tapea``, made whole: nearest to the address.
        length: Records from each to where the next is due, itself included.
        c_type: What each opens.
        volume: ``c_volume``.
        inode: ``c_inumber``.
        file: 1 for the first header of a file, 2 for a further one, else 0; attributes,
            directories and sections are none.
        state: ``OPEN``, ``CLOSED`` or ``PROVEN``.
        cut: How the image is cut, as far as its headers say.
        size: Bytes of the input that were looked at.
        foreign: Where a header is due and one of another image lies: bytes.
    """

    address: Ints
    tapea: Ints
    length: Ints
    c_type: Ints
    volume: Ints
    inode: Ints
    file: Ints
    state: Ints
    cut: Cut
    size: int
    foreign: Ints

    def __len__(self) -> int:
        return len(self.address)


def survey(volume: Volume, marks: Marks, *, proving: bool = False) -> Found:
    """Return all headers of an image.

    Args:
        volume: The bytes as they lie.
        marks: What its headers have in common.
        proving: Read the data of all groups and look into those whose CRC is wrong.
    """
    with forgiving(volume):
        return _Survey(volume, marks, proving=proving).run()


def own(rows: Rows, marks: Marks, *, searched: bool) -> npt.NDArray[np.bool_]:
    """Tell which records are sound headers of an image (DARI-REC-030).

    Args:
        rows: Records, shape (n, 1024).
        marks: What its headers have in common.
        searched: They lie where no header is due: those of an image must say so then.
    """
    found = np.zeros(len(rows), np.bool_)
    places = np.flatnonzero(sound(rows, marks.order))
    if not places.size:
        return found
    some = rows[places]
    headers = as_headers(some, marks.order)
    good = (headers["c_type"] >= CType.TS_TAPE) & (headers["c_type"] <= CType.TS_CLRI)
    if marks.date is not None:
        good &= headers["c_date"] == marks.date
    good &= of_image(some, marks.image_id)
    if searched and marks.numbered:
        good &= extended(some)
    found[places] = good
    return found


class _Survey:
    """How far the input was looked at, and what was found."""

    def __init__(self, volume: Volume, marks: Marks, *, proving: bool) -> None:
        self.volume = volume
        self.proving = proving and marks.numbered
        self.marks = marks
        self.cut = marks.cut if marks.numbered else Cut()
        self.size = volume.size
        self.columns = {
            name: array("q")
            for name in ("address", "tapea", "length", "c_type", "volume", "inode", "file")
        }
        self.state = bytearray()
        self.foreign = array("q")
        self.disturbed = False
        self.waiting = -1  # the header behind whose records one is due
        self.last_volume = 1
        self.to_check = self.size * (3 if self.proving else 1)
        self.kept_at = 0
        self.kept = b""  # what was read last
        self.pick = picker(marks.order, "c_type", "c_date", "c_tapea", "c_magic")

    def run(self) -> Found:
        at: int | None = 0
        while at is not None and at < self.size:
            at = self._beyond(self._chain(at))
        return Found(
            **{name: np.array(column, np.int64) for name, column in self.columns.items()},
            state=np.frombuffer(bytes(self.state), np.uint8).astype(np.int64),
            cut=self.cut,
            size=self.size,
            foreign=np.array(self.foreign, np.int64),
        )

    # -- from header to header ----------------------------------------------------------------

    def _chain(self, at: int) -> int:
        """Take the headers that follow one another; return where the next is due and is none."""
        size = 4
        while at < self.size:
            window = self._records(at, size)
            places = np.flatnonzero(own(window, self.marks, searched=False))
            if not places.size or places[0] != 0:
                return at
            headers = as_headers(window[places], self.marks.order)
            tapea = _whole(headers["c_tapea"], (places * RECORD + at) // RECORD)
            lengths = self._lengths(window[places], headers, tapea)
            chain = _chain(places, lengths)
            if self._jumps(headers, tapea, lengths, chain[:1])[0]:
                return at
            if self.waiting >= 0 and self.state[self.waiting] == OPEN:
                self.state[self.waiting] = CLOSED
            jumps = np.flatnonzero(self._jumps(headers, tapea, lengths, chain)[1:])
            if jumps.size:
                chain = chain[: int(jumps[0]) + 1]
            self._take(at, places[chain], headers[chain], tapea[chain], lengths[chain])
            last = chain[-1]
            before, at = at, int(at + RECORD * (places[last] + lengths[last]))
            self.waiting = len(self.state) - 1
            if self.proving and (wrong := self._disproved(len(chain))) is not None:
                return wrong
            if jumps.size:
                return at
            far = at - before > _FAR * RECORD * len(chain)
            size = 1 if far else min(_WINDOW, size * 4)
        return at

    def _disproved(self, count: int) -> int | None:
        """Forget the headers behind the first of the last few whose group has another CRC.

        Return where the next one behind it is due; ``None`` if all are right.
        """
        total = len(self.state)
        for at in range(total - count, total):
            if self.columns["length"][at] == 1:
                continue
            if self._is_proven(at):
                self.state[at] = PROVEN
                continue
            for column in self.columns.values():
                del column[at + 1 :]
            del self.state[at + 1 :]
            self.state[at] = OPEN
            self.waiting = at
            return self.columns["address"][at] + RECORD * self.columns["length"][at]
        return None

    def _jumps(self, headers: Headers, tapea: Ints, lengths: Ints, chain: Ints) -> Ints:
        """Return by how much the number of each header of a chain differs from what it should be.

        That is what the one before says, the last that was taken before the first. The headers of
        volumes may not be counted in a plain dump, and none of them is left out. A header that was
        searched for is where it is.
        """
        numbers, ends = tapea[chain], (tapea + lengths)[chain]
        tapes = headers["c_type"][chain] == CType.TS_TAPE
        due, was_tape = int(numbers[0]), False
        last = len(self.state) - 1
        is_due = last >= 0 and self.waiting == last
        if is_due:
            due = self.columns["tapea"][last] + self.columns["length"][last]
            was_tape = self.columns["c_type"][last] == CType.TS_TAPE
        jumps = numbers - np.concatenate(([due], ends[:-1]))
        if not self.marks.numbered:
            jumps[(jumps == -1) & np.concatenate(([was_tape], tapes[:-1]))] = 0
            # If not the next volume begins where a header is due, others lie among the data.
            joints, volumes = _are_joints(headers[chain]), headers["c_volume"][chain]
            before = np.concatenate(([self.last_volume], np.where(joints, volumes, 0)[:-1]))
            others = joints & (volumes > np.maximum.accumulate(before) + 1)
            others[0] &= is_due
            jumps[others] = volumes[others]
        found: Ints = jumps
        return found

    def _lengths(self, rows: Rows, headers: Headers, tapea: Ints) -> Ints:
        """Return how many records lie from each header to the next."""
        held = np.maximum(following(rows, self.marks.order, plain=not self.marks.numbered), 0)
        is_joint = _are_joints(headers)
        held[is_joint] = 0
        if not self.marks.numbered:
            return held + 1
        if not self.cut.capacity and is_joint.any():
            self._learn(rows[is_joint.argmax()])
        if not self.cut.capacity:
            return held + 1
        known = np.maximum(tapea, 0)
        behind = self.cut.physical(self.cut.logical(known) + 1 + held) - known
        return np.where(is_joint, 1, behind)

    def _learn(self, row: Rows) -> None:
        """Take from the header of a further volume how an image is cut."""
        body = as_headers(row.reshape(1, RECORD), self.marks.order, "volume_body")
        capacity = int(body["extension"]["body"]["records_per_volume"][0])
        if LEAST <= capacity < _CAPACITY_MAX:
            self.cut = Cut(capacity)

    def _take(self, at: int, places: Ints, headers: Headers, tapea: Ints, lengths: Ints) -> None:
        """Add headers of a chain to the columns; all but the last are closed."""
        self._add("address", places * RECORD + at)
        self._add("tapea", tapea)
        self._add("length", lengths)
        self._add("c_type", headers["c_type"])
        self._add("volume", headers["c_volume"])
        joints = headers["c_volume"][_are_joints(headers)]
        self.last_volume = int(joints.max(initial=self.last_volume))
        self._add("inode", headers["c_inumber"])
        self._add("file", _of_files(headers, numbered=self.marks.numbered))
        self.state += bytes([CLOSED]) * (len(places) - 1) + bytes([OPEN])

    def _add(self, name: str, values: Ints) -> None:
        self.columns[name].frombytes(np.ascontiguousarray(values, np.int64).tobytes())

    # -- where none is due --------------------------------------------------------------------

    def _beyond(self, due: int) -> int | None:
        """Return where the next header lies, given where one is due and is none."""
        if not self.state:
            self.disturbed = True
            return self._search(due)
        last = len(self.state) - 1
        # What an image begins with is missing: its end may lie in front of the rest (DARI-END-009).
        self.disturbed |= self.columns["c_type"][0] != CType.TS_TAPE
        if self.columns["c_type"][last] == CType.TS_END and not self.disturbed and self._steady():
            return None
        start = self.columns["address"][last] + RECORD
        if due >= start and self.waiting == last:
            if self.volume.missing(due, due + RECORD):
                self.state[last] = CLOSED  # if the next one is as far away as it says
                start = due
            elif not self._is_own(due) and self._has_damaged_header(due):
                if self.marks.numbered:
                    self.state[last] = CLOSED  # its CRC decides
                start = due + RECORD
            elif self._is_proven(last):
                self.state[last] = PROVEN
                start = due
                number = self.columns["tapea"][last] + self.columns["length"][last]
                behind = self.columns["length"][last] > 1 and self.cut.is_continuation(number - 1)
                if self.marks.numbered and behind:
                    start -= RECORD
        self.disturbed = True
        found = self._search(start)
        if start <= due and (found is None or found >= due) and self._is_own(due):
            if self.waiting == last and self.state[last] == OPEN:
                self.state[last] = CLOSED
            found = due
        if found is None:
            return None
        return self._plain(found) if self.marks.numbered else self._over_joints(due, found)

    def _is_own(self, at: int) -> bool:
        """Tell whether a header lies at a byte."""
        return bool(own(self._records(at, 1), self.marks, searched=False)[:1].any())

    def _steady(self) -> bool:
        """Tell whether the last header is as far from the first as both say."""
        address, tapea = self.columns["address"], self.columns["tapea"]
        apart = tapea[-1] - tapea[0] - (address[-1] - address[0]) // RECORD
        # Writers of dumps may not count the headers of volumes.
        uncounted = 0 if self.marks.numbered else self.columns["c_type"].count(CType.TS_TAPE)
        return bool(-uncounted <= apart <= 0)

    def _plain(self, found: int) -> int:
        """Return where a header was found: nobody waits for it."""
        self.waiting = -1
        return found

    def _over_joints(self, due: int, found: int) -> int:
        """Return where to go on at a header that was found in a plain dump.

        If it opens a volume and lies among the records of a group, these go on behind it
        (DARI-VOL-014).
        """
        owner, order = self.waiting, self.marks.order
        while True:
            header = as_headers(self._records(found, 1), order)
            if not _are_joints(header)[0] or found >= due or owner < 0:
                return self._plain(found)
            tapea = _whole(header["c_tapea"], np.array([found // RECORD]))
            one = np.ones(1, np.int64)
            self._take(found, one - 1, header, tapea, one)
            self.waiting = owner
            due += RECORD
            if self._is_own(due) and not _are_joints(as_headers(self._records(due, 1), order))[0]:
                return due
            # What lies there may be a volume further on, with others between.
            behind = self._search(found + RECORD)
            if behind is None:
                return self.size
            if behind == due:
                return due
            found = behind

    def _has_damaged_header(self, due: int) -> bool:
        """Tell whether a header is where it is due, though it is damaged."""
        record = self.volume.read_at(due, RECORD)
        if len(record) < RECORD:
            return False
        last = len(self.state) - 1
        number = self.columns["tapea"][last] + self.columns["length"][last]
        c_type, date, tapea, magic = self.pick.unpack_from(record)
        row = np.frombuffer(record, np.uint8).reshape(1, RECORD)
        is_other = date != self.marks.date or not of_image(row, self.marks.image_id)[0]
        if is_other and sound(row, self.marks.order)[0]:
            self.foreign.append(due)
            return False
        same = [CType.TS_TAPE <= c_type <= CType.TS_CLRI, date == self.marks.date]
        same += [magic == Magic.NFS, tapea == number & 0xFFFFFFFF]
        return sum(map(bool, same)) >= _SAME

    def _is_proven(self, last: int) -> bool:
        """Tell whether the records under a header have its CRC (DARI-REC-029).

        What is read for that is bounded: at most the size of the input.
        """
        if not self.marks.numbered:
            return False
        address = self.columns["address"][last]
        records = self.columns["length"][last] - 1
        row = self._records(address, 1)
        if not 0 <= records <= ADDRESSES + 1 or not len(row) or not extended(row)[0]:
            return False
        if not records:
            return True
        data = self._behind(address + RECORD, records, self.columns["tapea"][last] + 1)
        said = as_headers(row, self.marks.order)["extension"]["records_crc32c"][0]
        return data is not None and crc32c(data) == int(said)

    def _behind(self, start: int, records: int, number: int) -> bytes | None:
        """Return records without headers of further volumes; nothing if they are not there."""
        length = records * RECORD
        self.to_check -= length
        if self.to_check < 0 or self.volume.missing(start, start + length):
            return None
        within = start - self.kept_at
        if 0 <= within <= len(self.kept) - length:
            data = self.kept[within : within + length]
        else:
            data = self.volume.read_at(start, length)
        if len(data) < length:
            return None
        kept = [
            data[at * RECORD : (at + 1) * RECORD]
            for at in range(records)
            if not self.cut.is_continuation(number + at)
        ]
        return b"".join(kept) if len(kept) < records else data

    def _search(self, start: int) -> int | None:
        """Return the address of the first header at or behind a byte."""
        at, size = start, _SEARCHED_FIRST
        while at + RECORD <= self.size:
            gaps = self.volume.missing(at, at + 1)
            if gaps:
                at = max(gaps[0].end, at + 1)
                continue
            data = self._some(at, size + RECORD - 1)
            if len(data) < RECORD:
                return None
            for place in self._hits(data):
                return at + place
            at += len(data) - RECORD + 1
            size = min(_SEARCHED, 2 * size)
        return None

    def _hits(self, data: bytes) -> Iterator[int]:
        """Yield the places of headers in some bytes, a few of which are looked at together."""
        magic = int(Magic.NFS).to_bytes(4, "little" if self.marks.order == "le" else "big")
        view = np.frombuffer(data, np.uint8)
        at, most = data.find(magic, _MAGIC_AT), 4
        while at >= 0:
            hits: list[int] = []
            most = min(_HITS, 4 * most)
            while at >= 0 and len(hits) < most:
                if at - _MAGIC_AT + RECORD > len(data):
                    at = -1
                    break
                if data[at - _MAGIC_AT + 4 : at - _MAGIC_AT + 8] == self._date:
                    hits.append(at - _MAGIC_AT)
                at = data.find(magic, at + 1)
            if hits:
                rows = np.lib.stride_tricks.sliding_window_view(view, RECORD)[hits]
                for one in np.flatnonzero(own(rows, self.marks, searched=True)).tolist():
                    yield hits[one]

    @property
    def _date(self) -> bytes:
        """The date of the image as its headers have it."""
        order = "little" if self.marks.order == "le" else "big"
        return (self.marks.date or 0).to_bytes(4, order)  # type: ignore[arg-type]

    # -- reading ------------------------------------------------------------------------------

    def _records(self, at: int, count: int) -> Rows:
        """Return some records from a byte on: one, or up to so many."""
        data = self._some(at, count * RECORD)
        return np.frombuffer(data, np.uint8, len(data) // RECORD * RECORD).reshape(-1, RECORD)

    def _some(self, at: int, length: int) -> bytes:
        """Return up to so many bytes, as many as were read already if that is a record or more."""
        within = at - self.kept_at
        held = len(self.kept) - within
        if within < 0 or held < min(length, RECORD):
            if length <= RECORD:
                return self._bytes(at, length)
            self.kept_at, self.kept = at, self._bytes(at, length)
            within = 0
        return self.kept[within : within + length]

    def _bytes(self, at: int, length: int) -> bytes:
        """Return up to so many bytes; what cannot be read ends them."""
        try:
            return self.volume.read_at(at, max(0, min(length, self.size - at)))
        except StorageError:
            if length <= RECORD:
                return b""
            return self._bytes(at, RECORD)


def _are_joints(headers: Headers) -> npt.NDArray[np.bool_]:
    """Tell which headers open a further volume."""
    found: npt.NDArray[np.bool_] = (headers["c_type"] == CType.TS_TAPE) & (headers["c_volume"] > 1)
    return found


def _of_files(headers: Headers, *, numbered: bool) -> Ints:
    """Tell which headers are of files: 1 for first ones, 2 for further ones, 0 for others."""
    kinds: Ints = np.select(
        [headers["c_type"] == CType.TS_INODE, headers["c_type"] == CType.TS_ADDR], [1, 2], 0
    )
    kinds[headers["c_dinode"]["di_mode"] & S_IFMT == stat.S_IFDIR] = 0
    kinds[headers["c_flags"] & DrFlag.DR_EXTATTRIBUTES != 0] = 0
    if numbered:
        kinds[headers["c_inumber"] == SECTIONS_INODE] = 0
    return kinds


def _whole(tapea: Ints | npt.NDArray[np.uint32], near: Ints) -> Ints:
    """Return record numbers of 32 bits as those nearest to some others."""
    difference = (tapea.astype(np.uint32) - near.astype(np.uint64).astype(np.uint32)).view(np.int32)
    return near + difference.astype(np.int64)


def _chain(places: Ints, lengths: Ints) -> Ints:
    """Return which headers of a window follow one another, from the first on.

    Args:
        places: Records of the window that are headers, ascending.
        lengths: Records from each to the next.
    """
    targets = places + lengths
    breaks = np.flatnonzero(targets[:-1] != places[1:])
    if not breaks.size:
        return np.arange(len(places))
    kept: list[Ints] = []
    first = 0
    for last in [*breaks.tolist(), len(places) - 1]:
        if last < first:
            continue  # within data that looks like headers
        kept.append(np.arange(first, last + 1))
        first = int(np.searchsorted(places, targets[last]))
        if first >= len(places) or places[first] != targets[last]:
            break
    return np.concatenate(kept)
