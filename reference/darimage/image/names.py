"""The directory tree of an image: names, paths, and what lies below what (chapter 50)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darimage.distinct import distinct
from darimage.faults import Fault, display
from darimage.image import entries as columns
from darimage.image.directories import DirectoryTable
from darimage.image.inode import Inode
from darimage.sections.directory import HEAD, Entry

ROOT = 2
"""Inode number of the root directory (DARI-DIR-001)."""

OnFault = Callable[[Fault], None]

_NOBODY = -1

_DOTS = 2
"""Entries at the beginning of a directory that are ``.`` and ``..`` (DARI-DIR-003)."""

_DIRECTORY = 4
"""``d_type`` of a directory (DARI-DIR-012)."""


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory.

    Attributes:
        inode: Its inode.
        entries: What it names but for ``.`` and ``..``, in stored order; entries with names that
            may not be, and second ways to a directory, are left out.
        parent: Inode number of the directory that names it; the root's own; 0 if none does.
        name: Its name there; empty for the root and for one that nobody names.
    """

    inode: Inode
    entries: list[Entry]
    parent: int
    name: bytes


class Names:
    """The tree as columns; entries become objects only when they are looked at.

    Attributes:
        root: Inode number of the root directory.
        directories: Every directory of the image by inode number, also those nobody names.
    """

    root = ROOT

    def __init__(self, table: DirectoryTable, on_fault: OnFault) -> None:
        """Decode all entries and find each directory's parent (DARI-DIR-011).

        Args:
            table: The directories.
            on_fault: Told of broken entries, bad names, second ways and lost directories.
        """
        self.table = table
        self._numbers = table.numbers
        self._decode(on_fault)
        self._index_directories()
        self._hang(on_fault)
        self.directories: Mapping[int, Directory] = _Directories(self)
        self._by_inode: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return how many entries there are, ``.`` and ``..`` not counted."""
        return len(self._entries.inode)

    def children(self, directory: int) -> list[Entry]:
        """Return the entries of a directory but for ``.`` and ``..``; of others none."""
        row = self._row_of.get(directory)
        return [] if row is None else self._slice(*self._span(row))

    def lookup(self, path: bytes) -> int | None:
        """Return the inode a path leads to, from the root; ``None`` if there is none.

        Slashes at either end and doubled ones do not matter; ``.`` and ``..`` are no names.
        """
        here = self.root
        for name in path.split(b"/"):
            if name:
                entry = self._find(here, name)
                if entry is None:
                    return None
                here = int(self._entries.inode[entry])
        return here if here != self.root or self.root in self._row_of else None

    def entry(self, directory: int, name: bytes) -> Entry | None:
        """Return the entry of a name in a directory; ``None`` if there is none."""
        found = self._find(directory, name)
        return None if found is None else self._slice(found, found + 1)[0]

    def path(self, inode: int) -> bytes | None:
        """Return the first path of an inode, ``b""`` for the root, ``None`` if nobody names it."""
        if inode == self.root:
            return b""
        row = self._row_of.get(inode)
        entry = self._named_by[row] if row is not None else self._first_entry(inode)
        return None if entry == _NOBODY else self._path_of(entry)

    def paths(self, inode: int) -> list[bytes]:
        """Return all paths of an inode (a file's hard links)."""
        if inode == self.root or inode in self._row_of:
            path = self.path(inode)
            return [] if path is None else [path]
        found = (self._path_of(entry) for entry in self._entries_of(inode))
        return [path for path in found if path is not None]

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
                if entry.inode in self._row_of:
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
        """Return the inode of the directory that names a directory; 0 if none does."""
        if directory == self.root:
            return self.root
        entry = self._named_by[self._row_of[directory]]
        return 0 if entry == _NOBODY else int(self._numbers[self._owner[entry]])

    def _decode(self, on_fault: OnFault) -> None:
        table = self.table
        owner, starts, lengths = table.chunks()
        found, broken = columns.decode(
            table.data, starts, lengths, table.order, old_format=table.old_format
        )
        for at in broken:
            number = int(self._numbers[owner[at.chunk]])
            told = f"entry with d_reclen {at.reclen} and d_namlen {at.namlen}"
            fits = at.reclen % 4 == 0 and at.namlen <= at.reclen - HEAD
            requirement = "DARI-DIR-004" if fits else "DARI-DIR-005"
            on_fault(Fault("format", told, None, number, None, requirement))
        bad = columns.bad_names(table.data, found)
        owners = owner[found.chunk]
        which = np.flatnonzero(bad)
        late = columns.number_within(owners, which) >= _DOTS
        for entry, is_late in zip(which.tolist(), late.tolist(), strict=True):
            self._tell_bad_name(found, entry, int(owners[entry]), on_fault, is_late=is_late)
        self._entries = found.pick(~bad)
        self._owner = owners[~bad]

    def _tell_bad_name(
        self, found: columns.Entries, entry: int, row: int, on_fault: OnFault, *, is_late: bool
    ) -> None:
        """Report a bad name, unless it is ``.`` or ``..`` among the first two."""
        at, length = int(found.at[entry]), int(found.length[entry])
        name = self.table.data[at : at + length].tobytes()
        is_dots = name in (b".", b"..")
        if is_late or not is_dots:
            told = f"entry is named {display(name[:40])!r}"
            record = int(self.table.records[row]) if is_dots else None
            on_fault(Fault("format", told, None, int(self._numbers[row]), record, "DARI-DIR-007"))

    def _index_directories(self) -> None:
        rows = range(len(self._numbers))
        self._row_of = dict(zip(reversed(self._numbers.tolist()), reversed(rows), strict=True))
        wanted = np.arange(len(self._numbers))
        self._starts = np.searchsorted(self._owner, wanted, side="left")
        self._stops = np.searchsorted(self._owner, wanted, side="right")

    def _hang(self, on_fault: OnFault) -> None:
        """Give each directory the first entry that names it, from the root down."""
        leads = np.flatnonzero(np.isin(self._entries.inode, self._numbers))
        targets = [self._row_of[number] for number in self._entries.inode[leads].tolist()]
        bounds = np.searchsorted(self._owner[leads], np.arange(len(self._numbers) + 1)).tolist()
        entries = leads.tolist()
        self._named_by = [_NOBODY] * len(self._numbers)
        dropped: list[int] = []
        root = self._row_of.get(self.root, _NOBODY)
        if root == _NOBODY:
            told = "the root directory is not in the image"
            on_fault(Fault("missing", told, b"", self.root, None, "DARI-DIR-001"))
        reached = {root}
        pending = [root] if root != _NOBODY else []
        for row in pending:
            for k in range(bounds[row], bounds[row + 1]):
                if targets[k] in reached:
                    dropped.append(entries[k])
                else:
                    reached.add(targets[k])
                    self._named_by[targets[k]] = entries[k]
                    pending.append(targets[k])
        self._report_hanging(reached, dropped, on_fault)
        self._drop(dropped)

    def _report_hanging(self, reached: set[int], dropped: list[int], on_fault: OnFault) -> None:
        for entry in dropped:
            where = int(self._numbers[self._owner[entry]])
            told = f"entry {display(self._name(entry))} leads to directory inode "
            told += f"{self._entries.inode[entry]} a second time"
            on_fault(Fault("format", told, None, where, None, "DARI-DIR-011"))
        for row, number in enumerate(self._numbers.tolist()):
            if row not in reached and self._row_of[number] == row:
                told = "no path leads to this directory"
                record = int(self.table.records[row])
                on_fault(Fault("format", told, None, number, record, "DARI-DIR-002"))

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
        self._index_directories()

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

    def _path_of(self, entry: int) -> bytes | None:
        parts = []
        while True:
            parts.append(self._name(entry))
            row = int(self._owner[entry])
            if self._numbers[row] == self.root:
                return b"/".join(reversed(parts))
            entry = self._named_by[row]
            if entry == _NOBODY:
                return None

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
