"""The end of a scan, found by another process than its beginning (``ahead.py``).

It is a scan of its own. Its first directories are not part of it: they only lead to those that were
left to it, so that paths and faults in it are those of the whole tree.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.sources.scan import WIDTH, Pending, Scan

Numbers = npt.NDArray[np.int64]


class Moved(NamedTuple):
    """What numbers of the tail become in the whole scan.

    Attributes:
        directories: Of each directory, its number.
        entries: Of each entry, likewise.
        others: Of each other inode, likewise; that of the beginning if it is known there.
        is_new: Which other inodes are not known there.
    """

    directories: Numbers
    entries: Numbers
    others: Numbers
    is_new: npt.NDArray[np.bool_]

    def key(self, key: int) -> int:
        """Return the key of an inode in the whole scan."""
        return int(self.others[key]) if key >= 0 else ~int(self.directories[~key])


class Tail:
    """What a scan has left to somebody else: the last directories of its order.

    Attributes:
        scan: What is found of it.
        pending: Where to begin, as the tail numbers directories and entries.
    """

    def __init__(self, begun: Scan, left: Sequence[Pending]) -> None:
        """Take over from a scan.

        Args:
            begun: The scan so far.
            left: What it has left over; the first of it is the last of the tree.
        """
        self.scan = Scan()
        self._directories = _leading_to(begun, left)
        number_of = {number: at for at, number in enumerate(self._directories)}
        self._entries: list[int] = []
        for number in self._directories:
            entry, parent = begun.directory_entry[number], begun.directory_parent[number]
            own = -1 if entry < 0 else self._take_entry(begun, entry)
            self.scan.add_directory([0] * WIDTH, own, number_of[parent])
        self.pending = [
            Pending(row, self._take_entry(begun, entry), number_of[parent])
            for row, entry, parent in left
        ]

    def _take_entry(self, begun: Scan, entry: int) -> int:
        self._entries.append(entry)
        return self.scan.add_entry(begun.names[entry])

    def append_to(self, whole: Scan) -> None:
        """Put what was found behind what the beginning has found."""
        moved = self._moved(whole)
        self._append_directories(whole, moved)
        self._append_others(whole, moved)
        self._append_entries(whole, moved)
        self._append_few(whole, moved)

    def _moved(self, whole: Scan) -> Moved:
        scan, above, named = self.scan, len(self._directories), len(self._entries)
        known = {
            number: whole.linked[key] for key, number in scan.linked.items() if key in whole.linked
        }
        is_new = np.ones(len(scan.other_parent), np.bool_)
        for number in known:
            is_new[[number, *(stream.number for stream in scan.streams.get(number, ()))]] = False
        others = len(whole.other_parent) + np.cumsum(is_new) - 1
        others[list(known)] = list(known.values())
        more_directories = np.arange(len(scan.directory_parent) - above)
        more_entries = np.arange(len(scan.names) - named)
        return Moved(
            np.append(self._directories, len(whole.directory_parent) + more_directories),
            np.append(self._entries, len(whole.names) + more_entries),
            others,
            is_new,
        )

    def _append_directories(self, whole: Scan, moved: Moved) -> None:
        scan, above = self.scan, len(self._directories)
        begins = _column(scan.first_entry)[above:] + len(whole.names) - len(self._entries)
        _append(whole.first_entry, begins)
        _append(whole.directory_entry, moved.entries[_column(scan.directory_entry)[above:]])
        _append(whole.directory_parent, moved.directories[_column(scan.directory_parent)[above:]])
        whole.directories.extend(scan.directories[above * WIDTH :])

    def _append_others(self, whole: Scan, moved: Moved) -> None:
        scan, is_new = self.scan, moved.is_new
        if is_new.all():
            whole.others.extend(scan.others)
        else:
            _append(whole.others, _column(scan.others).reshape(-1, WIDTH)[is_new])
        # A million inodes: what is the widest need not be held twice.
        del scan.others[:]
        _append(whole.other_entry, moved.entries[_column(scan.other_entry)[is_new]])
        _append(whole.other_parent, moved.directories[_column(scan.other_parent)[is_new]])

    def _append_entries(self, whole: Scan, moved: Moved) -> None:
        named = len(self._entries)
        targets = _column(self.scan.targets)[named:].copy()
        is_directory = targets < 0
        targets[is_directory] = ~moved.directories[~targets[is_directory]]
        targets[~is_directory] = moved.others[targets[~is_directory]]
        _append(whole.targets, targets)
        # Made one by one among much that is gone, they lie scattered: side by side they take less.
        joined = b"/".join(self.scan.names[named:])
        self.scan.names.clear()
        whole.names += joined.split(b"/") if joined else []

    def _append_few(self, whole: Scan, moved: Moved) -> None:
        """Append what few inodes have."""
        scan = self.scan

        def is_new(key: int) -> bool:
            return key < 0 or bool(moved.is_new[key])

        for name in ("extents", "links", "xattrs", "nt_acls"):
            found = getattr(scan, name).items()
            getattr(whole, name).update((moved.key(k), v) for k, v in found if is_new(k))
        for key, streams in scan.streams.items():
            if is_new(key):
                own = [s._replace(number=moved.key(s.number)) for s in streams]
                whole.streams[moved.key(key)] = own
                whole.stream_of.update((stream.number, (moved.key(key), stream)) for stream in own)
        whole.clamped += [moved.key(key) for key in scan.clamped if is_new(key)]
        whole.unreadable += [moved.key(key) for key in scan.unreadable if is_new(key)]
        whole.faults += scan.faults
        whole.skipped += scan.skipped


def _leading_to(begun: Scan, left: Sequence[Pending]) -> list[int]:
    """Return the directories that lead to what was left over, ascending, the root first."""
    found = {0}
    for _, _, number in left:
        while number not in found:
            found.add(number)
            number = begun.directory_parent[number]
    return sorted(found)


def _column(numbers: array[int]) -> Numbers:
    return np.frombuffer(numbers, np.int64) if numbers else np.zeros(0, np.int64)


def _append(numbers: array[int], more: Numbers) -> None:
    numbers.frombytes(more.astype(np.int64).tobytes())
