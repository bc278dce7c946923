"""The run of one inode or section: where its data lies in the image (chapters 60 and 70)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image.batch import Batch, Marks
from darimage.image.groups import Groups
from darimage.image.walk import Mend, walk
from darimage.schema import CType, InodeFlag
from darimage.sections import holes
from darimage.sections.header import field_span
from darimage.units import ADDRESSES, RECORD, records_of
from darimage.volumes.reading import Volume

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]

_ADDR, _ADDR_END = field_span("c_addr")
_BLOCKS_MAX = 1 << 52
_ENTRIES = np.arange(ADDRESSES)


class Run(NamedTuple):
    """What is to be followed.

    Attributes:
        number: Inode number.
        record: Record number of its ``TS_INODE``.
        size: Bytes of its data.
        shift: Records its headers lie behind their ``c_tapea``.
        end: Record number it ends before; ``None`` unknown.
        body: Extension body of its headers: ``inode_body`` or ``section_body``.
        what: What to call it in faults.
    """

    number: int
    record: int
    size: int
    shift: int = 0
    end: int | None = None
    body: str = "inode_body"
    what: str = "file"


class Stretches(NamedTuple):
    """Present records as columns: ``length`` records from ``block`` on lie at ``record``."""

    block: Ints
    record: Ints
    length: Ints


class Followed(NamedTuple):
    """What some headers of a run that follow one another say.

    Attributes:
        stretches: Where its data lies.
        groups: The records under the headers, whether or not they are within the size.
        end_is_hole: Whether the header of the last block says that it stands for a hole.
        covered: First block that each header describes, and how many, holes included.
        cut_off: What of its data is behind the end of the image.
    """

    stretches: Stretches
    groups: Groups
    end_is_hole: bool
    covered: tuple[Ints, Ints]
    cut_off: Stretches


def follow(
    volume: Volume, marks: Marks, run: Run, on_fault: OnFault, mend: Mend | None = None
) -> Iterator[Followed]:
    """Yield where the data of a run lies, in the order of its blocks, header batch by batch.

    Data past the size is left out. What is missing is reported (DARI-FIL-015) and the rest still
    yielded: in an image of numbered headers all of it, in a plain dump up to the first gap.
    ``mend`` is as for ``walk``.
    """
    return _Follower(volume, marks, run, on_fault, mend).run()


class _Follower:
    """How far a run has been followed."""

    def __init__(
        self, volume: Volume, marks: Marks, run: Run, on_fault: OnFault, mend: Mend | None
    ) -> None:
        self.volume = volume
        self.mend = mend
        self.marks = marks
        self.what = run
        self.on_fault = on_fault
        self.wanted = records_of(run.size)
        self.covered = 0
        self.started = False
        self.gaps: list[Fault] = []
        self.lost_from: int | None = None
        self.substituted = False
        self.rest_told = False

    def run(self) -> Iterator[Followed]:
        what = self.what
        batches = walk(
            self.volume,
            self.marks,
            what.record,
            on_fault=self.gaps.append,
            within=True,
            end=what.end,
            shift=what.shift,
            sparse=True,
            mend=None if self.mend is None else self._mended,
        )
        for batch in batches:
            mine = self._mine(batch)
            if len(mine):
                self.started = True
                self._look_for_substituted(mine)
                yield self._followed(mine)
            ended = len(mine) < len(batch) and not self._is_bounded()
            if ended or self.covered >= self.wanted or self._lost():
                break
        if self.covered < self.wanted:
            self._tell_gaps(None)
        if self.covered < self.wanted and not self.rest_told:
            told = f"blocks {self.covered} to {self.wanted - 1} of the {what.what} are missing"
            self._fault("missing", told)

    def _mended(self) -> Volume:
        """Go on in what is mended."""
        if self.mend is not None:
            self.volume = self.mend()
        return self.volume

    def _lost(self) -> bool:
        """Tell whether the blocks of the next header are unknown."""
        return self.lost_from is not None and not self.marks.numbered

    def _is_bounded(self) -> bool:
        """Tell whether it is known where the run ends: headers of others end nothing then."""
        return self.marks.numbered and self.what.end is not None

    def _mine(self, batch: Batch) -> Batch:
        """Return the headers up to the first that belongs to something else.

        Where the run's end is known, all of them that belong to it (DARI-FIL-022).
        """
        belongs = (batch.c_type == CType.TS_ADDR) & (batch.inode == self.what.number)
        if not self.started:
            begins = batch.starts_inode[0] or (self.marks.numbered and belongs[0])
            belongs[0] = begins and batch.inode[0] == self.what.number
        others = np.flatnonzero(~belongs)
        self._tell_gaps(int(batch.record[others[0]]) if others.size else int(batch.record[-1]))
        if self.lost_from is not None and not self.marks.numbered:
            others = np.flatnonzero(~belongs | (batch.record > self.lost_from))
        if self._is_bounded() and others.size:
            return batch.part(np.flatnonzero(belongs))
        return batch.part(slice(0, int(others[0]))) if others.size else batch

    def _tell_gaps(self, before: int | None) -> None:
        """Report the damage before a record; what comes later is not of this run."""
        gaps = [gap for gap in self.gaps if before is None or (gap.record or 0) < before]
        self.gaps.clear()
        for gap in gaps:
            self.on_fault(gap._replace(inode=self.what.number))
        if gaps and self.lost_from is None:
            self.lost_from = gaps[0].record

    def _look_for_substituted(self, batch: Batch) -> None:
        if not self.marks.numbered or self.what.body != "inode_body" or self.substituted:
            return
        marked = batch.headers()["extension"]["flags"] & InodeFlag.INODE_SUBSTITUTED != 0
        if marked.any():
            self.substituted = True
            told = "some of its data could not be read when the image was made and is zeros"
            self._fault("substituted", told, int(batch.record[marked.argmax()]), "DARI-FIL-014")

    def _followed(self, batch: Batch) -> Followed:
        """Return what a batch says and move on behind it."""
        described = _described(batch)
        first, known = self._first_blocks(batch, described)
        batch, described = batch.part(known), described[known]
        claimed = np.maximum.accumulate(np.concatenate(([self.covered], first + described)))
        self.covered = int(claimed[-1])
        with_data = np.flatnonzero(batch.following > 0)
        part = batch.part(with_data)
        found = stretches(part, first[with_data])
        if (first < claimed[:-1]).any():
            found = _behind(found, part, claimed[:-1][with_data])
        there, cut_off = self._cut(found)
        end_is_hole = self._end_is_hole(batch, first, described)
        start = np.maximum(first, claimed[:-1])
        covered = (start, np.maximum(first + described - start, 0))
        return Followed(there, Groups.of(part), end_is_hole, covered, cut_off)

    def _end_is_hole(self, batch: Batch, first: Ints, described: Ints) -> bool:
        """Tell whether the header of the last block is here and flags it (DARI-FIL-020)."""
        last = np.flatnonzero((first < self.wanted) & (first + described >= self.wanted))
        if not last.size or not self.marks.numbered:
            return False
        return bool(
            batch.headers()["extension"]["flags"][last[0]] & InodeFlag.INODE_END_IS_HOLE
            and self.what.body == "inode_body"
        )

    def _first_blocks(self, batch: Batch, described: Ints) -> tuple[Ints, Ints]:
        """Return the block that headers begin with, and which of them it is known of."""
        counted: Ints = self.covered + np.cumsum(described) - described
        known = np.arange(len(batch))
        if not self.marks.numbered:
            return counted, known
        body = batch.headers(self.what.body)["extension"]["body"]
        said: Ints = np.minimum(body["first_block"], np.uint64(_BLOCKS_MAX)).astype(np.int64)
        if (said == counted).all():
            return said, known
        known = np.flatnonzero(said < max(1, self.wanted))
        floor = self.covered
        for at, first in enumerate(said.tolist()):
            place = int(batch.record[at])
            if first < floor:
                told = f"first_block is {first}, the header before ends with {floor - 1}"
                self._fault("format", told, place, "DARI-FIL-007")
            elif first > floor and not self.rest_told:
                last = min(first, self.wanted) - 1
                told = f"blocks {floor} to {last} of the {self.what.what} are missing"
                self._fault("missing", told, place)
            if first >= max(1, self.wanted):
                self.rest_told = True
                continue
            floor = max(floor, first + int(described[at]))
        return said[known], known

    def _cut(self, found: Stretches) -> tuple[Stretches, Stretches]:
        """Return what lies within the size, and what of it is past the end of the image."""
        count = np.clip(self.wanted - found.block, 0, found.length)
        there = np.clip(self.volume.size // RECORD - found.record, 0, count)
        if (there < count).any():
            self._fault("truncated", "the image ends within its data", requirement="DARI-REC-001")
        kept, cut = there > 0, there < count
        return (
            Stretches(found.block[kept], found.record[kept], there[kept]),
            Stretches(
                (found.block + there)[cut], (found.record + there)[cut], (count - there)[cut]
            ),
        )

    def _fault(
        self,
        kind: str,
        told: str,
        record: int | None = None,
        requirement: str = "DARI-FIL-015",
    ) -> None:
        self.on_fault(Fault(kind, told, None, self.what.number, record, requirement))


def _behind(found: Stretches, batch: Batch, claimed: Ints) -> Stretches:
    """Return stretches without the blocks that headers before theirs describe.

    Args:
        found: The stretches under some headers.
        batch: The headers.
        claimed: For each the block behind those that are described before it.
    """
    limit = claimed[np.searchsorted(batch.record, found.record, "right") - 1]
    less = np.clip(limit - found.block, 0, found.length)
    kept = less < found.length
    return Stretches(
        (found.block + less)[kept], (found.record + less)[kept], (found.length - less)[kept]
    )


def _described(batch: Batch) -> Ints:
    """Return how many blocks each header describes, holes included."""
    used = np.clip(batch.count, 0, ADDRESSES)
    described = used.copy()
    for row in _coded_rows(batch, used).tolist():
        runs = holes.runs(batch.rows[row, _ADDR:_ADDR_END].tobytes(), int(used[row]))
        described[row] = sum(count for _, count in runs)
    return described


def _coded_rows(batch: Batch, used: Ints) -> Ints:
    """Return the headers with run-coded maps (DARI-REC-016)."""
    suspects = np.flatnonzero(batch.rows[:, _ADDR:_ADDR_END].max(axis=1, initial=0) > 1)
    maps = batch.rows[suspects, _ADDR:_ADDR_END]
    coded = ((maps > 1) & (used[suspects, None] > _ENTRIES)).any(axis=1)
    return suspects[coded]


def stretches(batch: Batch, first: Ints) -> Stretches:
    """Return the present records under headers.

    Args:
        batch: Headers of one run.
        first: The block each begins with.
    """
    used = np.clip(batch.count, 0, ADDRESSES)
    coded = _coded_rows(batch, used)
    maps = (batch.rows[:, _ADDR:_ADDR_END] == 1) & (used[:, None] > _ENTRIES)
    maps[coded] = False
    before = np.zeros_like(maps)
    before[:, 1:] = maps[:, :-1]
    row, column = np.nonzero(maps & ~before)
    last_column = np.nonzero(maps & ~_after(maps))[1]
    rank = np.cumsum(maps, axis=1, dtype=np.int64)[row, column] - 1
    plain = Stretches(first[row] + column, batch.record[row] + 1 + rank, last_column - column + 1)
    return _with_coded(plain, batch, first, coded, used)


def _after(maps: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    after = np.zeros_like(maps)
    after[:, :-1] = maps[:, 1:]
    return after


def _with_coded(plain: Stretches, batch: Batch, first: Ints, coded: Ints, used: Ints) -> Stretches:
    """Add the stretches of run-coded headers, in the order of blocks."""
    if not coded.size:
        return plain
    found = [np.stack(plain, axis=1)]
    for row in coded.tolist():
        block, record = int(first[row]), int(batch.record[row]) + 1
        runs = holes.runs(batch.rows[row, _ADDR:_ADDR_END].tobytes(), int(used[row]))
        for there, count in runs:
            if there:
                found.append(np.array([[block, record, count]], np.int64))
                record += count
            block += count
    joined = np.concatenate(found)
    joined = joined[np.argsort(joined[:, 0], kind="stable")]
    return Stretches(joined[:, 0], joined[:, 1], joined[:, 2])
