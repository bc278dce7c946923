"""The headers of one run together, kept up from batch to batch (chapters 50 to 70)."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.image.batch import SECTIONS_INODE, Batch, Marks
from darimage.image.headers_at import gather
from darimage.schema import CType, DrFlag, InodeFlag
from darimage.sections.header import field_span
from darimage.units import ADDRESSES, RECORD, S_IFMT
from darimage.validate.contexts.bytes import used_from
from darimage.volumes.reading import Volume

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.uint8]

_DINODE, _DINODE_END = field_span("c_dinode")
_ADDR, _ = field_span("c_addr")
_SIZE_MAX = np.uint64(1 << 62)
_FOUND = (np.int64, np.int64, np.uint16, np.uint32, np.uint32, np.uint32)
"""Of what types the columns of ``Found`` are: there may be millions of inodes."""


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
    mode: npt.NDArray[np.uint16]
    nlink: npt.NDArray[np.uint32]
    base_inode: npt.NDArray[np.uint32]
    stream_directory: npt.NDArray[np.uint32]

    @property
    def is_directory(self) -> Bools:
        """Which are directories, by their modes."""
        found: Bools = self.mode & S_IFMT == stat.S_IFDIR
        return found

    def joined(self, others: list[Found]) -> Found:
        """Return these inodes, and others behind them."""
        columns: Any = zip(self, *others, strict=True)
        return Found(*(np.concatenate(column) for column in columns))

    def first(self) -> tuple[Ints, Ints]:
        """Return the inode numbers, ascending, and the place of the first header of each."""
        return distinct(self.inode)


class InRuns:
    """Headers with data, each with the first header of its run.

    Attributes:
        batch: The headers; none of them is of attributes.
        leads: First headers of runs, and maybe others.
        lead: For each header which of ``leads`` is the first of its run.
        number: For each header its number within its run.
        volume: The image.
        numbered: Whether this is a DARI image.
    """

    def __init__(
        self,
        batch: Batch,
        leads: Batch,
        lead: Ints,
        number: Ints,
        volume: Volume,
        *,
        numbered: bool,
    ) -> None:
        self.batch = batch
        self.leads = leads
        self.lead = lead
        self.number = number
        self.volume = volume
        self.numbered = numbered

    @cached_property
    def same(self) -> Bools:
        """Which repeat the inode of the first header of their run."""
        lead = self.lead
        same = (self.batch.inode == self.leads.inode[lead]) & (
            self.leads.c_type[lead] == CType.TS_INODE
        )
        later = np.flatnonzero(self.number > 0)
        mine = self.batch.rows[later, _DINODE:_DINODE_END]
        same[later] &= (mine == self.leads.rows[lead[later], _DINODE:_DINODE_END]).all(axis=1)
        return np.asarray(same)

    @cached_property
    def behind_a_map(self) -> Bools:
        """Which follow a bitmap instead of an inode."""
        kinds = self.leads.c_type[self.lead]
        return np.asarray((kinds == CType.TS_CLRI) | (kinds == CType.TS_BITS))

    @cached_property
    def size(self) -> Ints:
        """Sizes as the first headers say."""
        return clipped(self.leads.size)[self.lead]

    @cached_property
    def said(self) -> Ints:
        """``run_records`` of the first headers."""
        return clipped(run_records(self.leads))[self.lead]

    @cached_property
    def flags(self) -> Ints:
        """Flags of the extension areas."""
        return extension_flags(self.batch)

    @cached_property
    def is_section(self) -> Bools:
        """Which belong to sections."""
        found: Bools = self.batch.inode == SECTIONS_INODE
        return found

    @cached_property
    def is_file(self) -> Bools:
        """Which belong to regular files."""
        return np.asarray(~self.is_section & (self.batch.mode & S_IFMT == stat.S_IFREG))

    @cached_property
    def end_is_hole(self) -> Bools:
        """Which say that the last block, though present, stands for a hole."""
        return np.asarray(~self.is_section & (self.flags & InodeFlag.INODE_END_IS_HOLE != 0))

    @cached_property
    def last_block(self) -> Ints:
        """The entry of each header that the last block of its run would have."""
        return -(-self.size // RECORD) - 1 - self.number * ADDRESSES

    @cached_property
    def has_last_block(self) -> Bools:
        """Which describe the last block of their run."""
        return np.asarray((self.last_block >= 0) & (self.last_block < ADDRESSES))

    def records(self, at: Ints, records: Ints) -> Iterator[tuple[Ints, Rows]]:
        """Yield places of headers, and one record for each.

        Args:
            at: Places of headers.
            records: A record number for each, ascending.
        """
        inside = records < self.batch.window_start + len(self.batch.window)
        if inside.any():
            yield at[inside], self.batch.window[records[inside] - self.batch.window_start]
        outside = at[~inside]
        done = 0
        for found, rows in gather(self.volume, records[~inside]):
            yield outside[done : done + len(found)], rows
            done += len(found)

    @cached_property
    def tails(self) -> list[tuple[Ints, Rows, Bools]]:
        """Of headers whose last record is to be looked at: places, and these records.

        It is where data does not fill it, or where it stands for a hole. The last column is whether
        anything but zeros lies behind the data.
        """
        looked = (self.size % RECORD != 0) | self.end_is_hole
        at = np.flatnonzero(looked & self.has_last_block & (self.batch.following > 0))
        at = at[self.batch.rows[at, _ADDR + self.last_block[at]] == 1]
        last = self.batch.record[at] + self.batch.following[at]
        found = []
        for chosen, rows in self.records(at, last):
            found.append((chosen, rows, used_from(rows, self.size[chosen] % RECORD)))
        return found


class Ended:
    """First headers of runs whose end was seen.

    Attributes:
        headers: Headers that each run has.
        records: Records that it has.
    """

    def __init__(self, leads: Batch, places: Ints, headers: Ints, records: Ints) -> None:
        self._leads = leads
        self._places = places
        self.headers = headers
        self.records = records

    @cached_property
    def batch(self) -> Batch:
        """The headers."""
        return self._leads.part(self._places)

    @cached_property
    def said(self) -> Ints:
        """``run_records`` of each."""
        return clipped(run_records(self._leads)[self._places])

    @cached_property
    def wanted(self) -> Ints:
        """Headers that the size of each asks for."""
        size = clipped(self._leads.size[self._places])
        return np.maximum(1, -(-size // (RECORD * ADDRESSES)))


@dataclass
class _Open:
    """A run whose end was not seen yet.

    Attributes:
        lead: Its first header.
        headers: Headers so far, those of attributes not counted.
        records: Records so far.
    """

    lead: Batch
    headers: int = 0
    records: int = 0


class Runs:
    """Puts the headers of runs together, and collects the first header of each.

    Attributes:
        substituted: Inodes with data that could not be read.
    """

    def __init__(self, volume: Volume, marks: Marks) -> None:
        self.volume = volume
        self.marks = marks
        self.substituted: set[int] = set()
        self._open: _Open | None = None
        self._found: list[Found] = []
        self._lead_is_missing = False

    def interrupt(self) -> None:
        """Forget the run that was left open: some records are missing, and with them its end.

        What goes on behind them has its first header there.
        """
        self._open, self._lead_is_missing = None, True

    def add(self, batch: Batch) -> Iterator[InRuns | Ended]:
        """Yield what rules see of a batch."""
        is_addr = batch.c_type == CType.TS_ADDR
        attributes = batch.flags & DrFlag.DR_EXTATTRIBUTES != 0
        leads = ~is_addr & ~attributes
        if self._lead_is_missing:
            if not leads.any():
                return
            self._lead_is_missing = False
            rest = slice(int(leads.argmax()), None)
            batch, attributes, leads = batch.part(rest), attributes[rest], leads[rest]
        if self._open is not None or not leads[0]:
            head = int(leads.argmax()) if leads.any() else len(batch)
            yield from self._go_on(batch.part(slice(0, head)), attributes[:head])
            if head == len(batch):
                return
            yield from self.finish()
            rest = slice(head, None)
            batch, attributes, leads = batch.part(rest), attributes[rest], leads[rest]
        self._collect(batch)
        yield from self._runs(batch, leads, attributes)

    def finish(self) -> Iterator[Ended]:
        """Yield the run that was left open."""
        run, self._open = self._open, None
        if run is not None and run.lead.c_type[0] == CType.TS_INODE and self.marks.numbered:
            counts = (np.array([count], np.int64) for count in (run.headers, run.records))
            yield Ended(run.lead, np.zeros(1, np.int64), *counts)

    def found(self) -> Found:
        """Return the first headers of all inodes; this can be asked once."""
        parts, self._found = self._found, []
        nothing: Any = (np.zeros(0, kind) for kind in _FOUND)
        return Found(*nothing).joined(parts)

    def _collect(self, batch: Batch) -> None:
        headers = batch.headers()
        kept = batch.starts_inode & (batch.inode != SECTIONS_INODE)
        body = headers["extension"]["body"]
        rest = [body[name] for name in ("nlink", "base_inode", "stream_directory")]
        if not self.marks.numbered:
            links = headers["c_dinode"]["di_nlink"]
            rest = [links, np.zeros_like(links), np.zeros_like(links)]
        columns = zip((batch.record, batch.inode, batch.mode, *rest), _FOUND, strict=True)
        self._found.append(Found(*(column[kept].astype(kind) for column, kind in columns)))

    def _runs(self, batch: Batch, leads: Bools, attributes: Bools) -> Iterator[InRuns | Ended]:
        """Yield what rules see of a batch that begins with the first header of a run."""
        places = np.flatnonzero(leads)
        run = np.cumsum(leads) - 1
        is_data = (batch.c_type == CType.TS_INODE) | (batch.c_type == CType.TS_ADDR)
        plain = ~attributes & is_data
        at = slice(None) if plain.all() else np.flatnonzero(plain)
        yield from self._in_runs(
            batch.part(at), batch, places[run][at], _numbers(run, attributes)[at]
        )
        # All runs but the last end here.
        records = np.bincount(run, (1 + batch.following).astype(float)).astype(np.int64)
        headers = np.bincount(run, ~attributes).astype(np.int64)
        done = batch.c_type[places] == CType.TS_INODE
        done[-1] = False
        if self.marks.numbered and done.any():
            yield Ended(batch, places[done], headers[done], records[done])
        last = batch.part(slice(int(places[-1]), int(places[-1]) + 1))
        kept = Batch(last.record, last.rows.copy(), last.following, last.order)
        self._open = _Open(kept, int(headers[-1]), int(records[-1]))

    def _go_on(self, batch: Batch, attributes: Bools) -> Iterator[InRuns]:
        """Yield what rules see of headers that go on with the run left open."""
        if self._open is None:
            nothing = np.zeros((1, RECORD), np.uint8)
            self._open = _Open(Batch(np.full(1, -1), nothing, np.zeros(1, np.int64), batch.order))
        run = self._open
        plain = batch.part(np.flatnonzero(~attributes))
        lead, number = np.zeros(len(plain), np.int64), run.headers + np.arange(len(plain))
        yield from self._in_runs(plain, run.lead, lead, number)
        run.headers += len(plain)
        run.records += int((1 + batch.following).sum())

    def _in_runs(self, part: Batch, leads: Batch, lead: Ints, number: Ints) -> Iterator[InRuns]:
        if len(part):
            seen = InRuns(part, leads, lead, number, self.volume, numbered=self.marks.numbered)
            yield seen
            if self.marks.numbered:
                marked = seen.flags & InodeFlag.INODE_SUBSTITUTED != 0
                self.substituted.update(part.inode[marked & ~seen.is_section].tolist())


def distinct(numbers: Ints) -> tuple[Ints, Ints]:
    """Return the different numbers, ascending, and where each is first."""
    if (numbers[1:] > numbers[:-1]).all():
        return numbers, np.arange(len(numbers))
    in_order = np.argsort(numbers, kind="stable")
    ordered = numbers[in_order]
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first], in_order[first]


def _numbers(run: Ints, attributes: Bools) -> Ints:
    """Return the number of each header within its run, those of attributes not counted."""
    counted = np.cumsum(~attributes)
    first = np.searchsorted(run, run, side="left")
    return counted - counted[first]


def run_records(batch: Batch) -> npt.NDArray[np.uint64]:
    """Return ``run_records`` of inodes and sections."""
    inode = batch.headers()["extension"]["body"]["run_records"]
    section = batch.headers("section_body")["extension"]["body"]["run_records"]
    return np.where(batch.inode == SECTIONS_INODE, section, inode)


def extension_flags(batch: Batch) -> Ints:
    """Return the flags of extension areas."""
    flags: Ints = batch.headers()["extension"]["flags"].astype(np.int64)
    return flags


def clipped(column: npt.NDArray[np.integer]) -> Ints:
    """Return a column of sizes or counts that no later sum can overflow."""
    return np.minimum(column.astype(np.uint64), _SIZE_MAX).astype(np.int64)
