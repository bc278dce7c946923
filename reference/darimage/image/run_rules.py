"""What the headers of one run must be together: kept up from batch to batch (chapters 50 to 70)."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault, FaultyField
from darimage.image import blame
from darimage.image.batch import SECTIONS_INODE, Batch, Marks
from darimage.image.headers_at import gather
from darimage.schema import CType, DrFlag, InodeFlag
from darimage.sections.header import field_span
from darimage.units import ADDRESSES, RECORD, S_IFMT
from darimage.volumes.reading import Volume

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.uint8]

_DINODE, _DINODE_END = field_span("c_dinode")
_ADDR, _ = field_span("c_addr")
_FIRST_BLOCK, _RUN_RECORDS = "extension.body.first_block", "extension.body.run_records"
_BLOCKS_MAX = 1 << 54
_BYTES = np.arange(RECORD)
_TARGET_BLOCKS = 4
"""Records of the longest target: PATH_MAX is 4,096."""


class Found(NamedTuple):
    """The first headers of inodes, as columns.

    Attributes:
        record: Record number.
        inode: Inode number.
        mode: ``di_mode``.
        nlink: Links as the extension says, or the old inode in a plain dump.
        base_inode: Inode whose stream this one is; 0 none.
        stream_directory: Number of its stream directory; 0 none.
    """

    record: Ints
    inode: Ints
    mode: Ints
    nlink: Ints
    base_inode: Ints
    stream_directory: Ints

    @property
    def is_directory(self) -> npt.NDArray[np.bool_]:
        """Which are directories, by their modes."""
        found: npt.NDArray[np.bool_] = self.mode & S_IFMT == stat.S_IFDIR
        return found


@dataclass
class _Open:
    """A run whose end was not seen yet."""

    inode: int
    record: int
    row: npt.NDArray[np.uint8]
    size: int
    run_records: int
    flags: int
    headers: int = 0
    records: int = 0
    attributes: bool = False


class Runs:
    """Judges runs as batches come, and collects the first header of each.

    Attributes:
        substituted: Inodes with data that could not be read.
    """

    def __init__(self, volume: Volume, marks: Marks, on_fault: OnFault) -> None:
        self.volume = volume
        self.marks = marks
        self.on_fault = on_fault
        self.substituted: set[int] = set()
        self._open: _Open | None = None
        self._found: list[Found] = []

    def add(self, batch: Batch) -> None:
        """Judge a batch."""
        is_addr = batch.c_type == CType.TS_ADDR
        attributes = batch.flags & DrFlag.DR_EXTATTRIBUTES != 0
        leads = ~is_addr & ~attributes
        if self._open is not None or not leads[0]:
            head = int(leads.argmax()) if leads.any() else len(batch)
            self._add_to_open(batch.part(slice(0, head)), attributes[:head])
            if head == len(batch):
                return
            self._close(self._open)
            self._open = None
            rest = slice(head, None)
            batch, attributes, leads = batch.part(rest), attributes[rest], leads[rest]
        self._collect(batch)
        self._runs(batch, leads, attributes)

    def finish(self) -> Found:
        """Judge the last run and return the first headers of all."""
        self._close(self._open)
        self._open = None
        nothing = Found(*(np.zeros(0, np.int64) for _ in Found._fields))
        columns = zip(nothing, *self._found, strict=True)
        return Found(*(np.concatenate(column) for column in columns))

    def _collect(self, batch: Batch) -> None:
        headers = batch.headers()
        kept = batch.starts_inode & (batch.inode != SECTIONS_INODE)
        body = headers["extension"]["body"]
        rest = [body[name] for name in ("nlink", "base_inode", "stream_directory")]
        if not self.marks.numbered:
            links = headers["c_dinode"]["di_nlink"]
            rest = [links, np.zeros_like(links), np.zeros_like(links)]
        columns = (batch.record, batch.inode, batch.mode, *(c.astype(np.int64) for c in rest))
        self._found.append(Found(*(column[kept] for column in columns)))

    def _runs(self, batch: Batch, leads: Bools, attributes: Bools) -> None:
        """Judge a batch that begins with the first header of a run."""
        places = np.flatnonzero(leads)
        run = np.cumsum(leads) - 1
        leader = places[run]
        number = self._numbers(run, attributes)
        self._judge(batch, leader, number, ~attributes)
        # All runs but the last end here.
        records = np.bincount(run, (1 + batch.following).astype(float)).astype(np.int64)
        headers = np.bincount(run, ~attributes).astype(np.int64)
        is_run = batch.c_type[places] == CType.TS_INODE
        size = _clipped(batch.size[places])
        said = _clipped(self._run_records(batch)[places])
        wanted = np.maximum(1, -(-size // (RECORD * ADDRESSES)))
        done = is_run.copy()
        done[-1] = False
        self._tell_ends(batch.part(places), done, (headers, wanted, records, said))
        if is_run[-1]:
            last = int(places[-1])
            self._open = _Open(
                int(batch.inode[last]),
                int(batch.record[last]),
                batch.rows[last].copy(),
                int(size[-1]),
                int(said[-1]),
                int(_flags(batch)[last]),
                int(headers[-1]),
                int(records[-1]),
            )

    def _add_to_open(self, batch: Batch, attributes: Bools) -> None:
        """Judge headers that go on with the run left open."""
        run = self._open
        if run is None:
            everyone = np.ones(len(batch), np.bool_)
            self._tell(batch, everyone, "DARI-FIL-005", "follows no TS_INODE", "c_type")
            return
        plain = np.flatnonzero(~attributes)
        number = run.headers + np.arange(len(plain))
        self._judge_open(batch.part(plain), run, number)
        run.headers += len(plain)
        run.records += int((1 + batch.following).sum())

    def _judge_open(self, part: Batch, run: _Open, number: Ints) -> None:
        if not len(part):
            return
        size = np.full(len(part), run.size, np.int64)
        same = part.rows[:, _DINODE:_DINODE_END] == run.row[_DINODE:_DINODE_END]
        same = same.all(axis=1) & (part.inode == run.inode)
        self._strangers(part, same, run.row[None, :], np.zeros(len(part), np.int64))
        said = np.full(len(part), run.run_records, np.int64)
        flags = np.full(len(part), run.flags, np.int64)
        self._judge_columns(part, number, size, same, said, flags)

    def _numbers(self, run: Ints, attributes: Bools) -> Ints:
        """Return the number of each header within its run, those of attributes not counted."""
        counted = np.cumsum(~attributes)
        first = np.searchsorted(run, run, side="left")
        return counted - counted[first]

    def _judge(self, batch: Batch, leader: Ints, number: Ints, plain: Bools) -> None:
        is_data = (batch.c_type == CType.TS_INODE) | (batch.c_type == CType.TS_ADDR)
        at = np.flatnonzero(plain & is_data)
        if not at.size:
            return
        part, lead = batch.part(at), leader[at]
        same = (part.inode == batch.inode[lead]) & (batch.c_type[lead] == CType.TS_INODE)
        later = np.flatnonzero(number[at] > 0)
        dinodes = batch.rows[:, _DINODE:_DINODE_END]
        same[later] &= (dinodes[at[later]] == dinodes[lead[later]]).all(axis=1)
        self._strangers(part, same, batch.rows, lead)
        size = _clipped(batch.size[lead])
        said = _clipped(self._run_records(batch)[lead])
        self._judge_columns(part, number[at], size, same, said, _flags(batch)[lead])

    def _strangers(self, part: Batch, same: Bools, rows: Rows, lead: Ints) -> None:
        """Tell of headers that do not repeat the inode of the first of their run."""
        told = "does not repeat the inode of its TS_INODE"
        for at in np.flatnonzero(~same).tolist():
            where = (int(part.inode[at]), int(part.record[at]))
            fault = Fault("format", told, None, *where, "DARI-FIL-005")
            pair, under = (part.rows[at], rows[lead[at]]), ("c_inumber", "c_dinode")
            field = blame.first_difference(*pair, part.order, under)
            self.on_fault(fault._replace(field=field or self._of(part.rows[at], "c_type")))

    def _judge_columns(
        self, part: Batch, number: Ints, size: Ints, same: Bools, said: Ints, flags: Ints
    ) -> None:
        """Judge headers given what their run says."""
        if not self.marks.numbered:
            return
        blocks = -(-size // RECORD)
        wanted = np.clip(blocks - number * ADDRESSES, 0, ADDRESSES)
        told = "c_count is not what the size asks for"
        self._tell(part, same & (part.count != wanted), "DARI-FIL-002", told, "c_count", wanted)
        body = part.headers()["extension"]["body"]
        section = part.headers("section_body")["extension"]["body"]
        is_section = part.inode == SECTIONS_INODE
        first = _clipped(np.where(is_section, section["first_block"], body["first_block"]))
        told = "first_block is not 512 x the headers before"
        right = number * ADDRESSES
        self._tell(part, first != right, "DARI-FIL-007", told, _FIRST_BLOCK, right)
        told = "run_records differs from the first header's"
        differs = _clipped(self._run_records(part)) != said
        self._tell(part, differs, "DARI-FIL-006", told, _RUN_RECORDS, said)
        marked = _flags(part) & InodeFlag.INODE_SUBSTITUTED != 0
        self.substituted.update(part.inode[marked & ~is_section].tolist())
        end_is_hole = ~is_section & (_flags(part) & InodeFlag.INODE_END_IS_HOLE != 0)
        differs = ~is_section & ((_flags(part) ^ flags) & InodeFlag.INODE_END_IS_HOLE != 0)
        told = "inode_end_is_hole differs from the first header's"
        self._tell(part, differs, "DARI-FIL-020", told, "extension.flags")
        self._judge_ends(part, number, size, end_is_hole)
        self._judge_tails(part, number, size, end_is_hole)
        self._judge_targets(part, number, size)

    def _judge_ends(self, part: Batch, number: Ints, size: Ints, end_is_hole: Bools) -> None:
        """Judge whether last blocks are present as they must be (DARI-FIL-019, DARI-FIL-020).

        Where the last block is the first of its header, the one before it is not looked at.
        """
        last = -(-size // RECORD) - 1 - number * ADDRESSES
        at = np.flatnonzero((last >= 0) & (last < ADDRESSES) & (part.inode != SECTIONS_INODE))
        maps, column = part.rows[at, _ADDR:], last[at]
        rows = np.arange(len(at))
        there = maps[rows, column] == 1
        before = (maps[rows, np.maximum(column - 1, 0)] == 1) | (column == 0)
        ragged, marked = size[at] % RECORD != 0, end_is_hole[at]
        chosen = part.part(at)
        told = "the last block is a hole after a present one"
        self._tell(chosen, ~there & before & ragged & (column > 0), "DARI-FIL-019", told, "c_addr")
        told = "inode_end_is_hole is set without cause"
        self._tell(
            chosen, marked & ~(there & before & ragged), "DARI-FIL-020", told, "extension.flags"
        )

    def _judge_tails(self, part: Batch, number: Ints, size: Ints, end_is_hole: Bools) -> None:
        """Find last records that are not filled with zeros (DARI-FIL-004)."""
        last_block = -(-size // RECORD) - 1 - number * ADDRESSES
        here = (size % RECORD != 0) & (last_block >= 0) & (last_block < ADDRESSES)
        at = np.flatnonzero(here & (part.following > 0))
        at = at[part.rows[at, _ADDR + last_block[at]] == 1]
        records = part.record[at] + part.following[at]
        inside = records < part.window_start + len(part.window)
        for chosen, rows in self._tails(part, at, records, inside):
            broken = (rows * ((size[chosen] % RECORD)[:, None] <= _BYTES)).any(axis=1)
            told = "the last record is not filled with zeros"
            self._tell(part.part(chosen), broken, "DARI-FIL-004", told)
            told = "inode_end_is_hole is set, the last block is not zero"
            filled = end_is_hole[chosen] & rows.any(axis=1)
            self._tell(part.part(chosen), filled, "DARI-FIL-020", told, "extension.flags")

    def _judge_targets(self, part: Batch, number: Ints, size: Ints) -> None:
        """Find targets of symbolic links that no file system takes (DARI-FIL-008)."""
        is_link = part.headers()["c_dinode"]["di_mode"] & S_IFMT == stat.S_IFLNK
        whole = (number == 0) & (size <= part.following * RECORD)
        links = np.flatnonzero(is_link & whole & (part.inode != SECTIONS_INODE))
        broken = np.zeros(len(part), np.bool_)
        for block in range(_TARGET_BLOCKS):
            at = links[(part.following[links] > block) & (size[links] > block * RECORD)]
            records = part.record[at] + 1 + block
            inside = records < part.window_start + len(part.window)
            for chosen, rows in self._tails(part, at, records, inside):
                used = (size[chosen] - block * RECORD)[:, None] > _BYTES
                broken[chosen] |= (used & (rows == 0)).any(axis=1)
        self._tell(part, broken, "DARI-FIL-008", "the target of a symbolic link holds NUL")

    def _tails(
        self, part: Batch, at: Ints, records: Ints, inside: Bools
    ) -> Iterator[tuple[Ints, npt.NDArray[np.uint8]]]:
        """Yield places of headers and one record under each."""
        if inside.any():
            yield at[inside], part.window[records[inside] - part.window_start]
        outside = at[~inside]
        done = 0
        for found, rows in gather(self.volume, records[~inside]):
            yield outside[done : done + len(found)], rows
            done += len(found)

    def _run_records(self, part: Batch) -> npt.NDArray[np.uint64]:
        inode = part.headers()["extension"]["body"]["run_records"]
        section = part.headers("section_body")["extension"]["body"]["run_records"]
        return np.where(part.inode == SECTIONS_INODE, section, inode)

    def _tell_ends(self, heads: Batch, done: Bools, columns: tuple[Ints, Ints, Ints, Ints]) -> None:
        """Judge runs whose end was seen, by headers and records there and wanted."""
        if not self.marks.numbered:
            return
        headers, wanted, records, said = columns
        told = "the run has not the headers that the size asks for"
        self._tell(heads, done & (headers != wanted), "DARI-FIL-002", told, "c_dinode.di_size")
        told = "the run has not run_records records"
        self._tell(heads, done & (records != said), "DARI-FIL-006", told, _RUN_RECORDS, records)

    def _close(self, run: _Open | None) -> None:
        if run is None or not self.marks.numbered:
            return
        wanted = max(1, -(-run.size // (RECORD * ADDRESSES)))
        if run.headers != wanted:
            told = f"the run has {run.headers} headers, the size asks for {wanted}"
            fault = Fault("format", told, None, run.inode, run.record, "DARI-FIL-002")
            self.on_fault(fault._replace(field=self._of(run.row, "c_dinode.di_size")))
        if run.records != run.run_records:
            told = f"the run has {run.records} records, run_records says {run.run_records}"
            fault = Fault("format", told, None, run.inode, run.record, "DARI-FIL-006")
            self.on_fault(fault._replace(field=self._of(run.row, _RUN_RECORDS, run.records)))

    def _of(self, row: Rows, path: str, expected: int | None = None) -> FaultyField | None:
        return blame.wrong(row, self.marks.order, [(path, expected)])

    def _tell(
        self,
        part: Batch,
        broken: Any,
        requirement: str,
        told: str,
        path: str | None = None,
        expected: Ints | None = None,
    ) -> None:
        """Tell of headers that break a requirement, in which field, and what that should be."""
        for at in np.flatnonzero(broken).tolist():
            where = (int(part.inode[at]), int(part.record[at]))
            fault = Fault("format", told, None, *where, requirement)
            right = None if expected is None else int(expected[at])
            field = None if path is None else self._of(part.rows[at], path, right)
            self.on_fault(fault._replace(field=field))


def _flags(part: Batch) -> Ints:
    """Return the flags of extension areas."""
    flags: Ints = part.headers()["extension"]["flags"].astype(np.int64)
    return flags


def _clipped(column: npt.NDArray[np.integer]) -> Ints:
    """Return a column of sizes or counts that no later sum can overflow."""
    return np.minimum(column.astype(np.uint64), np.uint64(_BLOCKS_MAX << 8)).astype(np.int64)
