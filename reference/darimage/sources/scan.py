"""What a source finds: a tree as columns, and the promise to read its files later.

Directories and the other inodes are numbered apart, each from 0, in the order that an image has
them (DARI-DIR-014): a directory, its entries sorted by name, then each of its subdirectories.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple, Protocol

from darimage.faults import Fault
from darimage.progress import Progress

FIELDS = (
    "mode",
    "uid",
    "gid",
    "size",
    "atime_ns",
    "mtime_ns",
    "ctime_ns",
    "birthtime_ns",
    "rdev",
    "flags",
    "source_device",
    "source_inode",
)
"""Columns of ``Scan.directories`` and ``Scan.others``; all 64-bit, sizes in bytes."""

WIDTH = len(FIELDS)
HIGHEST = 2**63 - 1
"""The greatest number a column holds."""


Ranges = list[tuple[int, int]]
"""Byte ranges ``(start, end)``, ascending."""


class Stream(NamedTuple):
    """A stream of a file or directory; its data is that of an inode of its own.

    Attributes:
        name: Its name, without colons and type.
        number: Number of the other inode that stands for it.
        place: How the source finds its data again.
    """

    name: bytes
    number: int
    place: Any


class Pending(NamedTuple):
    """A directory that is named but not scanned yet.

    Attributes:
        row: ``WIDTH`` numbers of it.
        entry: The entry that names it; -1 for the root.
        parent: Number of the directory above it.
    """

    row: Sequence[int]
    entry: int
    parent: int


class Scan:
    """A tree as columns, filled by a source from the root down.

    What few inodes have is kept by key: the number of an inode, ``~number`` of a directory.

    Attributes:
        directories: ``WIDTH`` numbers a directory.
        others: ``WIDTH`` numbers an inode that is not a directory.
        names: Entries' names; a directory's entries stand together, sorted.
        targets: For each entry the number of its inode, ``~number`` if it is a directory.
        first_entry: For each directory the number of its first entry.
        directory_entry: For each directory the entry that names it; -1 for the root.
        directory_parent: For each directory the one above it; 0 for the root.
        other_entry: For each other inode the entry that names it first.
        other_parent: For each other inode the directory of that entry.
        extents: Where the data is of those other inodes that have holes.
        links: Targets of symbolic links, by number of the other inode.
        xattrs: Payloads of attribute records (chapter 65), by key.
        nt_acls: Descriptors and their origins (chapter 75), by key.
        streams: By key; their inodes are among the others, right after the one they belong to.
        stream_of: By number of a stream's inode, the key it belongs to and the stream.
        linked: Other inodes that have several names, by device and inode number; only as long as
            it is scanned.
        clamped: Directories (``~number``) and others with a time that does not fit (DARI-LIM-002).
        unreadable: Directories (``~number``) and others that were seen and could not be read.
        faults: What could not be taken in.
        skipped: Paths left out on purpose.
    """

    def __init__(self) -> None:
        """Start with an empty tree."""
        self.directories = array("q")
        self.others = array("q")
        self.names: list[bytes] = []
        self.targets = array("q")
        self.first_entry = array("q")
        self.directory_entry = array("q")
        self.directory_parent = array("q")
        self.other_entry = array("q")
        self.other_parent = array("q")
        self.extents: dict[int, Ranges] = {}
        self.links: dict[int, bytes] = {}
        self.xattrs: dict[int, bytes] = {}
        self.nt_acls: dict[int, tuple[bytes, bytes]] = {}
        self.streams: dict[int, list[Stream]] = {}
        self.stream_of: dict[int, tuple[int, Stream]] = {}
        self.linked: dict[tuple[int, int], int] = {}
        self.clamped: list[int] = []
        self.unreadable: list[int] = []
        self.faults: list[Fault] = []
        self.skipped: list[bytes] = []

    def add_directory(self, row: Sequence[int], entry: int, parent: int) -> int:
        """Take in a directory whose entries come next; return its number."""
        number = len(self.directory_parent)
        if not _extend(self.directories, row):
            self.clamped.append(~number)
        self.directory_entry.append(entry)
        self.directory_parent.append(parent)
        self.first_entry.append(len(self.names))
        if entry >= 0:
            self.targets[entry] = ~number
        return number

    def set_flags(self, directory: int, flags: int) -> None:
        """Give a directory its inode flags."""
        self.directories[directory * WIDTH + FIELDS.index("flags")] = flags

    def add_entry(self, name: bytes, target: int = 0) -> int:
        """Take in an entry of the directory added last; return its number.

        The target of a directory's entry is set when the directory is added.
        """
        self.names.append(name)
        self.targets.append(target)
        return len(self.names) - 1

    def add_other(self, row: Sequence[int], parent: int) -> int:
        """Take in an inode that the next entry names; return its number."""
        number = len(self.other_parent)
        if not _extend(self.others, row):
            self.clamped.append(number)
        self.other_entry.append(len(self.names))
        self.other_parent.append(parent)
        return number

    def add_stream(self, key: int, name: bytes, row: Sequence[int], place: Any) -> int:
        """Take in a stream of the inode added last, or of the directory ``~key``.

        Returns:
            Number of the other inode that stands for it.
        """
        entry = self.other_entry[key] if key >= 0 else self.directory_entry[~key]
        parent = self.other_parent[key] if key >= 0 else self.directory_parent[~key]
        number = self.add_other(row, parent)
        self.other_entry[number] = entry
        stream = Stream(name, number, place)
        self.streams.setdefault(key, []).append(stream)
        self.stream_of[number] = (key, stream)
        return number

    def add_plain(self, names: list[bytes], columns: list[int], parent: int) -> None:
        """Take in inodes that are no directories, each with the entry that names it.

        Args:
            names: Their names.
            columns: ``WIDTH`` numbers an inode.
            parent: The directory they are in.
        """
        first, entry, count = len(self.other_parent), len(self.names), len(names)
        length = len(self.others)
        try:
            self.others.fromlist(columns)
        except OverflowError:
            del self.others[length:]
            for at in range(count):
                if not _extend(self.others, columns[at * WIDTH : (at + 1) * WIDTH]):
                    self.clamped.append(first + at)
        self.other_entry.extend(range(entry, entry + count))
        self.other_parent.extend(repeat(parent, count))
        self.targets.extend(range(first, first + count))
        self.names += names

    def report_clamped(self) -> None:
        """Add a fault for each inode with a time that does not fit."""
        times = [FIELDS.index(f"{name}_ns") for name in ("atime", "mtime", "ctime")]
        for key in self.clamped:
            table, at = (self.directories, ~key) if key < 0 else (self.others, key)
            early = any(table[at * WIDTH + time] < 0 for time in times)
            told = f"a time is {'earlier' if early else 'later'} than an image can hold"
            self.faults.append(Fault("clamped", told, self.key_path(key)))

    def directory_path(self, number: int) -> bytes:
        """Return the path of a directory; empty for the root."""
        parts: list[bytes] = []
        while number:
            parts.append(self.names[self.directory_entry[number]])
            number = self.directory_parent[number]
        return b"/".join(reversed(parts))

    def other_path(self, number: int) -> bytes:
        """Return the path by which an inode is named first; of a stream ``path:name``."""
        if (found := self.stream_of.get(number)) is not None:
            key, stream = found
            return self.key_path(key) + b":" + stream.name
        return self.path_in(self.other_parent[number], self.names[self.other_entry[number]])

    def places(self, number: int) -> list[tuple[int, bytes]]:
        """Return directory and name of each entry of an inode that is no directory.

        The first is that of ``other_entry``. To be asked only when all is scanned.
        """
        entries = self._entries.get(number, (self.other_entry[number],))
        return [(bisect_right(self.first_entry, at) - 1, self.names[at]) for at in entries]

    @cached_property
    def _entries(self) -> dict[int, list[int]]:
        """The entries of inodes that have several."""
        found: dict[int, list[int]] = {}
        for entry, number in enumerate(self.targets):
            if number >= 0 and self.other_entry[number] != entry:
                found.setdefault(number, [self.other_entry[number]]).append(entry)
        return found

    def key_path(self, key: int) -> bytes:
        """Return the path of an inode, or of the directory ``~key``."""
        return self.directory_path(~key) if key < 0 else self.other_path(key)

    def path_in(self, directory: int, name: bytes) -> bytes:
        """Return the path of a name in a directory."""
        above = self.directory_path(directory)
        return above + b"/" + name if above else name

    def above(self, directory: int) -> tuple[int, bytes]:
        """Return the directory that a directory is in, and its name there."""
        return self.directory_parent[directory], self.names[self.directory_entry[directory]]


def _extend(columns: array[int], row: Sequence[int]) -> bool:
    """Append a row; return whether all its numbers fit as they are."""
    length = len(columns)
    try:
        columns.extend(row)
    except OverflowError:
        del columns[length:]
        columns.extend(max(-HIGHEST - 1, min(number, HIGHEST)) for number in row)
        return False
    return True


class Shortfall(NamedTuple):
    """What ``Contents.fill`` could not read.

    Attributes:
        ranges: Byte ranges ``(start, end)`` of the file that are zeros instead of data; empty if
            all that was asked for is there.
        fault: What to report.
    """

    ranges: list[tuple[int, int]]
    fault: Fault


class Filled(NamedTuple):
    """What came of ``Contents.fill_whole``.

    Attributes:
        flags: ``di_flags`` of each inode, 0 for those left out.
        shortfalls: What could not be read, with the index of its inode among the views.
    """

    flags: list[int]
    shortfalls: list[tuple[int, Shortfall]]


def fill_each(contents: Contents, first: int, views: Sequence[memoryview | None]) -> Filled:
    """Do what ``Contents.fill_whole`` does, a file at a time."""
    filled = Filled([0] * len(views), [])
    for at, view in enumerate(views):
        if view is not None:
            short = contents.fill(first + at, [(0, (view,))] if view.nbytes else [])
            filled.flags[at] = contents.flags(first + at)
            if short is not None:
                filled.shortfalls.append((at, short))
    return filled


Piece = tuple[int, Sequence[memoryview]]
"""A byte offset within a file and the views that its data from there on goes to."""


def blank(pieces: Sequence[Piece]) -> Ranges:
    """Fill pieces with zeros; return the byte ranges of the file that they stand for."""
    missing = []
    for offset, views in pieces:
        for view in views:
            view[:] = bytes(view.nbytes)
        missing.append((offset, offset + sum(view.nbytes for view in views)))
    return missing


class Contents(Protocol):
    """Reads the data of a scanned tree; each worker has its own."""

    def fill(self, number: int, pieces: Sequence[Piece], *, last: bool = True) -> Shortfall | None:
        """Fill pieces of an inode (not a directory) with its data.

        What cannot be read becomes zeros (DARI-FIL-013, DARI-FIL-014). A change of the file since
        the scan is reported when ``last`` says that no more of it will be asked for.
        """
        ...

    def flags(self, number: int) -> int:
        """Return ``di_flags`` of the regular file filled last (DARI-FIL-016)."""
        ...

    def fill_whole(self, first: int, views: Sequence[memoryview | None]) -> Filled:
        """Fill consecutive inodes, each a regular file without holes, with all of their data.

        It does what ``fill`` and ``flags`` do for each, at less cost.

        Args:
            first: Number of the first inode.
            views: Where the data of each goes; ``None`` leaves an inode out.
        """
        ...

    def close(self) -> None:
        """Give up what is held."""
        ...


class Source(Protocol):
    """Something to make an image of.

    Attributes:
        filesys: What it is called, for ``c_filesys``.
        device: What it lies on, for ``c_dev``.
    """

    filesys: bytes
    device: bytes

    def scan(self, progress: Progress) -> Scan:
        """Return the tree."""
        ...

    def contents(self, scan: Scan) -> Contents:
        """Return a reader of the files of ``scan``."""
        ...
