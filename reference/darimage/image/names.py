"""The directory tree of an image: names, paths, and what lies below what (chapter 50).

Entries are judged one by one. What was found and has no usable name hangs below a directory of its
own, ``#lost``, under its number (DARI-DIR-020, DARI-RST-007).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from darimage.distinct import distinct
from darimage.faults import Fault
from darimage.image import entries as columns
from darimage.image.batch import SECTIONS_INODE
from darimage.image.directories import DirectoryTable, Trust
from darimage.image.inode import Inode
from darimage.image.state import State
from darimage.sections.directory import CHUNK, HEAD, Entry
from darimage.sections.names import NAME_MAX
from darimage.showing import display
from darimage.units import RECORD

ROOT = 2
"""Inode number of the root directory (DARI-DIR-001)."""

LOST = 0
"""Number that stands for the directory of what has no name: no inode has it (DARI-REC-010)."""

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NOBODY = -1

_DIRECTORY = 4
"""``d_type`` of a directory (DARI-DIR-012)."""

_LOST_NAME = b"#lost"


class Evidence(Protocol):
    """What an image has besides its names, by which these are judged."""

    def exists(self, inodes: Ints) -> Mask:
        """Tell which inodes bitmap I has, all if it cannot be used."""
        ...

    def known(self, inodes: Ints) -> Mask:
        """Tell which inodes a bitmap has or were found."""
        ...

    def found(self, inodes: Ints) -> tuple[npt.NDArray[np.uint8], Ints]:
        """Return what the header of each inode says, 0 if none was found.

        Returns:
            Its type, as ``d_type``, and how many names it has; 0 if that is not known.
        """
        ...

    def unnamed(self, named: Ints, on_fault: OnFault) -> Ints:
        """Return what was found and is neither a directory, named, nor a stream, ascending.

        Args:
            named: Inode numbers that have a name, directories included; ascending.
            on_fault: Called for what should be there, has no name, and was not found.
        """
        ...


class Ignorance:
    """Evidence of nothing but names: all of them are taken as they are."""

    def exists(self, inodes: Ints) -> Mask:
        """Tell that all exist."""
        return np.ones(len(inodes), np.bool_)

    def known(self, inodes: Ints) -> Mask:
        """Tell that all are known."""
        return np.ones(len(inodes), np.bool_)

    def found(self, inodes: Ints) -> tuple[npt.NDArray[np.uint8], Ints]:
        """Return that none was found."""
        return np.zeros(len(inodes), np.uint8), np.zeros(len(inodes), np.int64)

    def unnamed(self, named: Ints, on_fault: OnFault) -> Ints:
        """Return nothing."""
        return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory.

    Attributes:
        inode: Its inode.
        entries: What it names but for ``.`` and ``..``, in stored order, as far as it is used.
        parent: Inode number of the directory that names it; the root's own; ``LOST`` if none does.
        name: Its name there; empty for the root and for one that nobody names.
    """

    inode: Inode
    entries: list[Entry]
    parent: int
    name: bytes


class _Judged(NamedTuple):
    """Entries that are used, and what the first two of each directory said.

    Attributes:
        entries: The entries, without ``.`` and ``..``.
        owner: Row of the directory of each, ascending.
        above: For each row the inode that its ``..`` names; 0 if there is none.
        is_doubtful: Which come from a directory that is not whole.
        given_away: Directories in whose place another's first block lies.
    """

    entries: columns.Entries
    owner: Ints
    above: Ints
    is_doubtful: Mask
    given_away: set[int]


class Names:
    """The tree as columns; entries become objects only when they are looked at.

    Attributes:
        root: Inode number of the root directory.
        directories: Every directory of the image by inode number, also those nobody names.
    """

    root = ROOT

    def __init__(
        self, table: DirectoryTable, on_fault: OnFault, evidence: Evidence | None = None
    ) -> None:
        """Decode all entries and find each directory's parent (DARI-DIR-011).

        Args:
            table: The directories.
            on_fault: Called for everything that is wrong with entries, names and the tree.
            evidence: What else the image has; by default nothing is known.
        """
        self.table = table
        self._evidence = Ignorance() if evidence is None else evidence
        self._on_fault = on_fault
        self._numbers = table.numbers
        self._states = table.states.copy()
        self._row_of = table.row_of
        judged = _Judge(table, self._row_of, self._states, self._evidence, on_fault).judged()
        self._entries, self._owner, self._above, self._is_doubtful, self._given_away = judged
        self._index()
        self._hang()
        self._report_doubtful()
        self.directories: Mapping[int, Directory] = _Directories(self)
        self._by_inode: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return how many entries there are, ``.`` and ``..`` not counted."""
        return len(self._entries.inode)

    def state(self, directory: int) -> State:
        """Return the state of a directory; those that are not there are lost."""
        row = self._row_of.get(directory)
        if row is None:
            return State.WHOLE if directory == LOST else State.LOST
        return State(int(self._states[row]))

    def begins_with_another(self, directory: int) -> bool:
        """Tell whether the first block in its place is another directory's (DARI-DIR-023)."""
        return directory in self._given_away

    def is_directory(self, number: int) -> bool:
        """Tell whether a number is a directory's, that of what has no name included."""
        return number in self._row_of or number == LOST

    # -- what has no name ---------------------------------------------------------------------

    @cached_property
    def lost_name(self) -> bytes:
        """What the directory of what has no name is called: ``#lost``, unless the root has that."""
        name = _LOST_NAME
        while self._find(self.root, name) is not None:
            name = b"#" + name
        return name

    @cached_property
    def unnamed(self) -> Ints:
        """What was found and has no usable name, ascending; reported when first asked for."""
        named = np.concatenate((self._entries.inode.astype(np.int64), self._numbers))
        files = self._evidence.unnamed(distinct(named), self._on_fault)
        hanging = np.array(self._hanging, np.int64)
        for number in sorted([*hanging.tolist(), *files.tolist()]):
            row = self._row_of.get(number)
            what = "file" if row is None else "directory"
            told = f"this {what} has no usable name: it is {display(self._lost_path(number))}"
            record = None if row is None else int(self.table.records[row])
            self._on_fault(Fault("unnamed", told, None, number, record, "DARI-DIR-020"))
        return distinct(np.concatenate((hanging, files)))

    def _lost_path(self, number: int) -> bytes:
        return self.lost_name + b"/%d" % number

    def is_unnamed(self, number: int) -> bool:
        """Tell whether an inode was found and has no usable name."""
        at = int(np.searchsorted(self.unnamed, number))
        return at < len(self.unnamed) and int(self.unnamed[at]) == number

    def _lost_entry(self, number: int) -> Entry:
        d_type = _DIRECTORY if number in self._row_of else 0
        return Entry(number, d_type, b"%d" % number)

    # -- the tree -----------------------------------------------------------------------------

    def children(self, directory: int) -> list[Entry]:
        """Return the entries of a directory but for ``.`` and ``..``; of others none."""
        if directory == LOST:
            return [self._lost_entry(number) for number in self.unnamed.tolist()]
        row = self._row_of.get(directory)
        found = [] if row is None else self._slice(*self._span(row))
        if directory == self.root and len(self.unnamed):
            found.append(Entry(LOST, _DIRECTORY, self.lost_name))
        return found

    def lookup(self, path: bytes) -> int | None:
        """Return the inode a path leads to, from the root; ``None`` if there is none.

        Slashes at either end and doubled ones do not matter; ``.`` and ``..`` are no names.
        """
        here = self.root
        for name in path.split(b"/"):
            if name:
                found = self.entry(here, name)
                if found is None:
                    return None
                here = found.inode
        return here if here != self.root or self.root in self._row_of else None

    def entry(self, directory: int, name: bytes) -> Entry | None:
        """Return the entry of a name in a directory; ``None`` if there is none."""
        found = self._find(directory, name)
        if found is not None:
            return self._slice(found, found + 1)[0]
        if directory == LOST:
            number = int(name) if name.isdigit() and len(name) < 12 else 0
            is_this = self.is_unnamed(number) and name == b"%d" % number
            return self._lost_entry(number) if is_this else None
        if directory == self.root and name == self.lost_name and len(self.unnamed):
            return Entry(LOST, _DIRECTORY, name)
        return None

    def path(self, inode: int) -> bytes | None:
        """Return the first path of an inode, ``b""`` for the root, ``None`` if it is not there."""
        if inode == self.root:
            return b""
        if inode == LOST:
            return self.lost_name
        row = self._row_of.get(inode)
        entry = self._named_by[row] if row is not None else self._first_entry(inode)
        if entry != _NOBODY:
            return self._path_of(entry)
        return self._lost_path(inode) if self.is_unnamed(inode) else None

    def paths(self, inode: int) -> list[bytes]:
        """Return all paths of an inode (a file's hard links)."""
        if inode in (self.root, LOST) or inode in self._row_of:
            path = self.path(inode)
            return [] if path is None else [path]
        found = [self._path_of(entry) for entry in self._entries_of(inode)]
        if not found and self.is_unnamed(inode):
            return [self._lost_path(inode)]
        return found

    def walk(self, top: int = ROOT) -> Iterator[tuple[bytes, Entry, int]]:
        """Yield path, entry and inode of the directory it is in, for all below ``top``.

        A directory's entries come in stored order, each subdirectory's right after it. Paths are
        those from the root.
        """
        prefix = self.path(top)
        if prefix is None:
            return
        stack = [(prefix + b"/" if prefix else b"", top, iter(self.children(top)))]
        while stack:
            before, directory, pending = stack[-1]
            for entry in pending:
                path = before + entry.name
                yield path, entry, directory
                if self.is_directory(entry.inode):
                    stack.append((path + b"/", entry.inode, iter(self.children(entry.inode))))
                    break
            else:
                stack.pop()

    def named(self) -> npt.NDArray[np.int64]:
        """Return the inode numbers that entries name, ascending, each once."""
        return distinct(self._entries.inode)

    def links(
        self,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[bytes]]:
        """Return, of all entries, the directory's number, the number it names, and the name."""
        found = self._entries
        starts = found.at.tolist()
        ends = (found.at + found.length).tolist()
        data = self.table.data
        names = [data[at:end].tobytes() for at, end in zip(starts, ends, strict=True)]
        return self._numbers[self._owner], found.inode.astype(np.int64), names

    def name_counts(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the inode numbers that entries name, ascending, and how many name each."""
        numbers, counts = np.unique(self._entries.inode, return_counts=True)
        return numbers.astype(np.int64), counts.astype(np.int64)

    def subdirectory_counts(self) -> dict[int, int]:
        """Return by directory how many directories it names, of those that name any.

        In an incremental image not all of these are there (DARI-INC-011): the types of the entries
        tell, which plain dumps may lack.
        """
        owners, counts = np.unique(
            self._owner[self._entries.d_type == _DIRECTORY], return_counts=True
        )
        return dict(zip(self._numbers[owners].tolist(), counts.tolist(), strict=True))

    def parent(self, directory: int) -> int:
        """Return the inode of the directory that names a directory; ``LOST`` if none does."""
        if directory in (self.root, LOST):
            return self.root
        entry = self._named_by[self._row_of[directory]]
        return LOST if entry == _NOBODY else int(self._numbers[self._owner[entry]])

    def _index(self) -> None:
        """Note where the entries of each directory begin and end."""
        wanted = np.arange(len(self._numbers))
        self._starts = np.searchsorted(self._owner, wanted, side="left")
        self._stops = np.searchsorted(self._owner, wanted, side="right")

    def _hang(self) -> None:
        """Give each directory the one entry that it is reached by, if there is one.

        Of several it is one in the directory that its ``..`` names, else in the directory of the
        lowest number, else the first (DARI-DIR-019).
        """
        leads = np.flatnonzero(np.isin(self._entries.inode, self._numbers))
        targets = [self._row_of[number] for number in self._entries.inode[leads].tolist()]
        owners = self._owner[leads].tolist()
        numbers, above = self._numbers.tolist(), self._above.tolist()
        self._named_by = [_NOBODY] * len(numbers)
        best: dict[int, tuple[bool, int, int]] = {}
        for entry, owner, target in zip(leads.tolist(), owners, targets, strict=True):
            if numbers[target] == self.root:
                continue
            rank = (numbers[owner] != above[target], numbers[owner], entry)
            if target not in best or rank < best[target]:
                best[target] = rank
                self._named_by[target] = entry
        self._cut_cycles()
        kept = set(self._named_by)
        dropped = [entry for entry in leads.tolist() if entry not in kept]
        self._report_tree(dropped)
        self._drop(dropped)
        self._hanging = [
            number
            for number, row in self._row_of.items()
            if self._named_by[row] == _NOBODY and number != self.root
        ]

    def _cut_cycles(self) -> None:
        """Take its name from the directory of the lowest number of each cycle (DARI-DIR-020)."""
        numbers, named_by = self._numbers.tolist(), np.array(self._named_by, np.int64)
        above = np.full(len(numbers), _NOBODY)
        above[named_by != _NOBODY] = self._owner[named_by[named_by != _NOBODY]]
        parents: list[int] = above.tolist()
        seen = [0] * len(numbers)
        for start in range(len(numbers)):
            way = []
            row = start
            while row != _NOBODY and not seen[row]:
                seen[row] = start + 1
                way.append(row)
                row = parents[row]
            if row != _NOBODY and seen[row] == start + 1:
                cycle = way[way.index(row) :]
                lowest = min(cycle, key=numbers.__getitem__)
                told = f"directory inodes lead round in a circle of {len(cycle)}"
                self._on_fault(Fault("cycle", told, None, numbers[lowest], None, "DARI-DIR-011"))
                self._named_by[lowest] = _NOBODY

    def _report_tree(self, dropped: list[int]) -> None:
        """Report second ways, parents that are not those of ``..``, and a lost root."""
        for entry in dropped:
            where, target = int(self._numbers[self._owner[entry]]), int(self._entries.inode[entry])
            if self._named_by[self._row_of[target]] == _NOBODY and target != self.root:
                continue  # part of a cycle
            told = f"entry {display(self._name(entry))} leads to directory inode {target} "
            told += "a second time; it is left out"
            self._on_fault(Fault("second-way", told, None, where, None, "DARI-DIR-019"))
        if self.root not in self._row_of:
            told = "the root directory is not in the image"
            self._on_fault(Fault("lost", told, b"", self.root, None, "DARI-DIR-001"))
        entries = np.array(self._named_by, np.int64)
        named = np.flatnonzero(entries != _NOBODY)
        parents = self._numbers[self._owner[entries[named]]]
        said = self._above[named]
        for at in np.flatnonzero((said != 0) & (said != parents)).tolist():
            row = int(named[at])
            told = f"`..` is inode {said[at]}, its name is in {parents[at]}"
            number, record = int(self._numbers[row]), int(self.table.records[row])
            self._on_fault(Fault("dot-dot", told, None, number, record, "DARI-DIR-003"))

    def _drop(self, dropped: list[int]) -> None:
        """Take entries out of the columns."""
        if not dropped:
            return
        kept = np.ones(len(self._owner), np.bool_)
        kept[dropped] = False
        moved = np.cumsum(kept) - 1
        self._named_by = [_NOBODY if e == _NOBODY else int(moved[e]) for e in self._named_by]
        self._entries = self._entries.pick(kept)
        self._owner = self._owner[kept]
        self._is_doubtful = self._is_doubtful[kept]
        self._index()

    def _report_doubtful(self) -> None:
        """Report the names that come from directories that are not whole (DARI-DIR-021)."""
        for entry in np.flatnonzero(self._is_doubtful).tolist():
            told = "this name is from a directory that is not whole"
            number = int(self._entries.inode[entry])
            path = self._path_of(entry)
            self._on_fault(Fault("name-doubtful", told, path, number, None, "DARI-DIR-021"))

    def _span(self, row: int) -> tuple[int, int]:
        return int(self._starts[row]), int(self._stops[row])

    def _slice(self, start: int, stop: int) -> list[Entry]:
        found = self._entries.pick(slice(start, stop))
        if not len(found.at):
            return []
        low = int(found.at[0])
        data = self.table.data[low : int(found.at[-1]) + int(found.length[-1])].tobytes()
        rows = zip(
            found.inode.tolist(),
            found.d_type.tolist(),
            (found.at - low).tolist(),
            found.length.tolist(),
            strict=True,
        )
        return [Entry(inode, d_type, data[at : at + n]) for inode, d_type, at, n in rows]

    def _name(self, entry: int) -> bytes:
        at = int(self._entries.at[entry])
        return self.table.data[at : at + int(self._entries.length[entry])].tobytes()

    def _find(self, directory: int, name: bytes) -> int | None:
        """Return the entry of a name: those of its length, thinned out byte by byte."""
        row = self._row_of.get(directory)
        if row is None:
            return None
        start, stop = self._span(row)
        left = np.flatnonzero(self._entries.length[start:stop] == min(len(name), 256)) + start
        at = self._entries.at
        for k in range(len(name) - 1, -1, -1):
            left = left[self.table.data[at[left] + k] == name[k]]
            if not left.size:
                return None
        return int(left[0]) if left.size else None

    def _path_of(self, entry: int) -> bytes:
        parts = []
        while True:
            parts.append(self._name(entry))
            row = int(self._owner[entry])
            number = int(self._numbers[row])
            if number == self.root:
                break
            entry = self._named_by[row]
            if entry == _NOBODY:
                parts.append(self._lost_path(number))
                break
        return b"/".join(reversed(parts))

    def _first_entry(self, inode: int) -> int:
        found = self._entries_of(inode)
        return found[0] if found else _NOBODY

    def _entries_of(self, inode: int) -> list[int]:
        """Return the entries that name an inode, in stored order."""
        if self._by_inode is None:
            self._by_inode = np.argsort(self._entries.inode, kind="stable")
        named = self._entries.inode
        low = np.searchsorted(named, inode, side="left", sorter=self._by_inode)
        high = np.searchsorted(named, inode, side="right", sorter=self._by_inode)
        return [int(entry) for entry in self._by_inode[low:high]]


class _Judge:
    """Judges entries one by one: which are used, and of which directory."""

    def __init__(
        self,
        table: DirectoryTable,
        row_of: dict[int, int],
        states: npt.NDArray[np.uint8],
        evidence: Evidence,
        on_fault: OnFault,
    ) -> None:
        """Decode all entries; ``states`` is changed where a directory turns out to be less."""
        self._table = table
        self._numbers = table.numbers
        self._row_of = row_of
        self._states = states
        self._evidence = evidence
        self._tell = on_fault
        owner, starts, lengths = table.chunks()
        self._found, broken = columns.decode(
            table.data, starts, lengths, table.order, old_format=table.old_format
        )
        self._owner = owner[self._found.chunk]
        self._trust = table.chunk_trust()[self._found.chunk]
        self._kept = np.ones(len(self._owner), np.bool_)
        self._given_away: set[int] = set()
        self._report_broken(broken, owner)
        self._leave_stray(broken, owner)

    def judged(self) -> _Judged:
        """Return the entries that are used."""
        above = self._take_dots()
        self._leave_bad_names()
        self._leave_unknown()
        self._leave_doubtful(above)
        self._leave_twice()
        self._leave_older()
        kept = self._kept
        is_doubtful = self._of_doubtful[kept]
        used = self._found.pick(kept), self._owner[kept]
        return _Judged(*used, above, is_doubtful, self._given_away)

    def _fault(self, kind: str, told: str, row: int, requirement: str) -> None:
        number, record = int(self._numbers[row]), int(self._table.records[row])
        self._tell(Fault(kind, told, None, number, record, requirement))

    def _report_broken(self, broken: list[columns.Broken], owner: Ints) -> None:
        """Report entries that cannot be (DARI-DIR-022)."""
        is_plain = self._table.chunk > CHUNK
        for at in broken:
            if at.left:
                told = f"{at.left} bytes behind its last entry are too few for one"
                self._fault("directory-size", told, int(owner[at.chunk]), "DARI-DIR-004")
                continue
            told = f"entry with d_reclen {at.reclen} and d_namlen {at.namlen}"
            kind, requirement = "entry", "DARI-DIR-005"
            if not at.is_followed:
                told += "; the rest of its 512 bytes is passed over"
                is_odd = at.reclen < HEAD or at.reclen % 4
                kind, requirement = "chunk", f"DARI-DIR-00{5 if is_odd else 4}"
            elif is_plain and (at.reclen, at.namlen) == (HEAD, NAME_MAX):
                told += ": the next one was written over its name, as Linux dump does"
                kind, requirement = "name-overwritten", "DARI-DIR-022"
            self._fault(kind, told, int(owner[at.chunk]), requirement)

    def _leave_stray(self, broken: list[columns.Broken], owner: Ints) -> None:
        """Leave out what follows an impossible length in its directory and does not exist.

        Directories go on behind the next multiple of 512, which need not be the beginning of an
        entry.
        """
        if all(at.is_followed for at in broken):
            return
        first = np.full(len(self._numbers), np.iinfo(np.int64).max, np.int64)
        for at in broken:
            if not at.is_followed:
                row = owner[at.chunk]
                first[row] = min(first[row], at.at)
        behind = np.flatnonzero(self._found.at > first[self._owner])
        if behind.size:
            self._kept[behind] = self._evidence.exists(self._found.inode[behind].astype(np.int64))

    @property
    def _of_doubtful(self) -> Mask:
        """Which entries come from a directory that is not whole."""
        found: Mask = (self._states[self._owner] != State.WHOLE) & (self._trust != Trust.OLDER)
        return found

    # -- `.` and `..` -------------------------------------------------------------------------

    def _take_dots(self) -> Ints:
        """Return what the ``..`` of each directory names; check that each ``.`` is its own.

        The records of a directory that begin with the ``.`` of another, and that no CRC proves, are
        those of the other if that has none (DARI-DIR-023).
        """
        count = len(self._numbers)
        starts = np.searchsorted(self._owner, np.arange(count + 1)).astype(np.int64)
        there = np.flatnonzero(starts[1:] > starts[:-1])
        first = starts[:-1][there]
        second = np.minimum(first + 1, len(self._owner) - 1)
        is_dot = self._is_dots(first, 1)
        is_above = self._is_dots(second, 2) & (self._owner[second] == there)
        own = is_dot & (self._found.inode[first] == self._numbers[there])
        above = np.zeros(count, np.int64)
        above[there[is_above]] = self._found.inode[second[is_above]]
        others = np.flatnonzero(is_dot & ~own & (self._trust[first] != Trust.PROVEN))
        if others.size:
            spans = {
                int(there[at]): (int(self._found.inode[first[at]]), slice(*starts[there[at] :][:2]))
                for at in others.tolist()
            }
            self._give_away(spans, above)
        for at in np.flatnonzero(~own | ~is_above).tolist():
            row = int(there[at])
            if is_dot[at] and not own[at]:
                if self._trust[first[at]] != Trust.PROVEN:
                    continue
                told = f"`.` is inode {self._found.inode[first[at]]}"
            else:
                missing = " and ".join(
                    f"`{dots}`"
                    for dots, is_there in ((".", is_dot[at]), ("..", is_above[at]))
                    if not is_there
                )
                told = f"does not begin with {missing}"
            self._fault("dot", told, row, "DARI-DIR-003")
        if others.size:
            self._sort()
        return above

    def _is_dots(self, entries: Ints, length: int) -> Mask:
        """Tell which entries are named by so many dots."""
        data, at = self._table.data, self._found.at[entries]
        last = len(data) - 1
        found: Mask = self._found.length[entries] == length
        for k in range(length):
            found &= data[np.minimum(at + k, last)] == ord(".")
        return found

    def _give_away(self, spans: dict[int, tuple[int, slice]], above: Ints) -> None:
        """Give records to the directories whose ``.`` they have, if these have no others.

        Args:
            spans: By the row of the directory in whose place they lie, the number that their ``.``
                names, and which entries they are.
            above: What the ``..`` of each directory names; changed.
        """
        before = above.copy()
        has_own = np.zeros(len(self._numbers), np.bool_)
        has_own[self._owner] = True
        has_own[list(spans)] = False
        above[list(spans)] = 0
        for row, (number, span) in spans.items():
            self._states[row] = max(self._states[row], State.INCOMPLETE)
            self._given_away.add(int(self._numbers[row]))
            other = self._row_of.get(number)
            is_taken = other is not None and not has_own[other]
            told = f"its records begin with the `.` of inode {number}; they are "
            told += "taken for that one's" if is_taken else "not used"
            self._fault("dot", told, row, "DARI-DIR-023")
            if other is None or not is_taken:
                self._kept[span] = False
                continue
            has_own[other] = True
            self._owner[span] = other
            self._states[other] = max(self._states[other], State.SUSPECT)
            above[other] = before[row]

    def _sort(self) -> None:
        """Put entries into the order of their directories again."""
        order = np.argsort(self._owner, kind="stable")
        self._found = self._found.pick(order)
        self._owner, self._trust = self._owner[order], self._trust[order]
        self._kept = self._kept[order]

    # -- names and inodes ---------------------------------------------------------------------

    def _leave_bad_names(self) -> None:
        """Leave out ``.``, ``..`` and names that cannot be; report all but the first two dots."""
        bad = columns.bad_names(self._table.data, self._found)
        which = np.flatnonzero(bad & self._kept)
        late = columns.number_within(self._owner, which) >= len((b".", b".."))
        self._kept &= ~bad
        for entry, is_late in zip(which.tolist(), late.tolist(), strict=True):
            name = self._name(entry)
            is_dots = name in (b".", b"..")
            if is_dots and (not is_late or self._trust[entry] == Trust.OLDER):
                continue
            told = f"entry is named {display(name[:40])!r}"
            self._fault("name", told, int(self._owner[entry]), "DARI-DIR-007")

    def _leave_unknown(self) -> None:
        """Leave out entries of inode 1, and of what no bitmap has and was not found."""
        inodes = self._found.inode.astype(np.int64)
        odd = self._kept & (inodes == SECTIONS_INODE)
        asked = np.flatnonzero(self._kept & ~odd)
        unknown = asked[~self._evidence.known(inodes[asked])]
        odd[unknown[~np.isin(inodes[unknown], self._numbers)]] = True
        self._kept &= ~odd
        for entry in np.flatnonzero(odd & (self._trust != Trust.OLDER)).tolist():
            told = f"entry {display(self._name(entry))} names inode {inodes[entry]}, "
            told += "which is not in the image"
            self._fault("entry", told, int(self._owner[entry]), "DARI-DIR-015")

    def _leave_doubtful(self, above: Ints) -> None:
        """Of directories that are not whole use what agrees with the inodes (DARI-DIR-021).

        Args:
            above: For each row the inode that its ``..`` names.
        """
        is_doubtful = self._of_doubtful
        asked = np.flatnonzero(self._kept & is_doubtful)
        if not asked.size:
            return
        inodes, said = self._found.inode[asked].astype(np.int64), self._found.d_type[asked]
        types, links = self._evidence.found(inodes)
        types[np.isin(inodes, self._numbers)] = _DIRECTORY
        agrees = (types != 0) & ((said == 0) | (said == types)) & self._in_place(asked, above)
        whole = self._found.inode[self._kept & ~is_doubtful]
        names = dict(zip(*(c.tolist() for c in np.unique(whole, return_counts=True)), strict=True))
        for at, number in enumerate(inodes.tolist()):
            most = 1 if types[at] == _DIRECTORY else int(links[at])
            agrees[at] &= not most or names.get(number, 0) < most
            names[number] = names.get(number, 0) + int(agrees[at])
        self._kept[asked[~agrees]] = False
        for at in np.flatnonzero(~agrees).tolist():
            entry = int(asked[at])
            told = f"it is not whole: entry {display(self._name(entry))} and inode {inodes[at]} "
            told += "do not agree; the entry is left out"
            self._fault("entry", told, int(self._owner[entry]), "DARI-DIR-021")

    def _in_place(self, entries: Ints, above: Ints) -> Mask:
        """Tell which entries are in the first block of their directory, or in one in its place.

        Others are used if they name a directory whose ``..`` is theirs.
        """
        found: Mask = self._trust[entries] != Trust.MOVED
        table, owner = self._table, self._owner[entries]
        places = self._found.at[entries]
        pieces = np.searchsorted(table.piece_start, places, side="right") - 1
        firsts = np.searchsorted(table.piece_owner, table.piece_owner[pieces])
        found |= places - table.piece_start[firsts] < RECORD
        for at in np.flatnonzero(~found).tolist():
            row = self._row_of.get(int(self._found.inode[entries[at]]))
            found[at] = row is not None and above[row] == self._numbers[owner[at]]
        return found

    def _leave_twice(self) -> None:
        """Of entries with one name in a directory keep the first (DARI-DIR-018)."""
        which = np.flatnonzero(self._kept)
        again = columns.names_again(self._table.data, self._found.pick(which), self._owner[which])
        left = which[again]
        self._kept[left] = False
        for entry in left[self._trust[left] != Trust.OLDER].tolist():
            told = f"two entries are named {display(self._name(entry))}; the second, of inode "
            told += f"{self._found.inode[entry]}, is left out"
            self._fault("name-twice", told, int(self._owner[entry]), "DARI-DIR-018")

    def _leave_older(self) -> None:
        """Of older names use only those of what exists and has no other name (DARI-INC-015)."""
        older = np.flatnonzero(self._kept & (self._trust == Trust.OLDER))
        if not older.size:
            return
        newer = np.flatnonzero(self._kept & (self._trust != Trust.OLDER))
        inodes = self._found.inode[older].astype(np.int64)
        used = self._evidence.exists(inodes)
        used &= ~np.isin(inodes, self._found.inode[newer])
        self._kept[older[~used]] = False

    def _name(self, entry: int) -> bytes:
        at = int(self._found.at[entry])
        return self._table.data[at : at + int(self._found.length[entry])].tobytes()


class _Directories(Mapping[int, Directory]):
    """The directories of ``Names``, made when asked for."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __getitem__(self, number: int) -> Directory:
        names = self._names
        row = names._row_of[number]
        parent = names.parent(number)
        named_by = names._named_by[row]
        name = b"" if named_by == _NOBODY else names._name(named_by)
        return Directory(names.table.inode(row), names.children(number), parent, name)

    def __contains__(self, number: object) -> bool:
        return number in self._names._row_of

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._names._row_of))

    def __len__(self) -> int:
        return len(self._names._row_of)
