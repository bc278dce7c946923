"""Numbers for what a scan found: inodes keep theirs, new ones get new ones (DARI-INC-005)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from darimage.catalog.naming import Links
from darimage.catalog.seen import INODE, STREAM, STREAM_DIRECTORY, Column, Mask, Seen
from darimage.errors import UsageError
from darimage.image.numbering import ROOT, in_image
from darimage.sources.scan import FIELDS, WIDTH, Scan
from darimage.units import S_IFMT

HIGHEST = 2**32 - 1
"""The greatest inode number an image can hold (DARI-LIM-001)."""

_NONE = -1


class Tree:
    """A scan as columns: its directories, then its other inodes, a row each.

    Attributes:
        scan: The scan.
        directories: How many rows are directories.
        is_stream: Which rows stand for streams.
        owner: For each entry the row of the directory it is in.
        target: For each entry the row it leads to.
    """

    def __init__(self, scan: Scan) -> None:
        """Take the columns of a scan."""
        self.scan = scan
        self.directories = len(scan.directory_parent)
        self._above = np.frombuffer(scan.directories, np.int64).reshape(-1, WIDTH)
        self._below = np.frombuffer(scan.others, np.int64).reshape(-1, WIDTH)
        self.is_stream = np.zeros(len(self), np.bool_)
        self.is_stream[[number + self.directories for number in scan.stream_of]] = True
        starts = np.append(np.frombuffer(scan.first_entry, np.int64), len(scan.names))
        self.owner = np.repeat(np.arange(self.directories), np.diff(starts))
        targets = np.frombuffer(scan.targets, np.int64)
        self.target = np.where(targets < 0, ~targets, targets + self.directories)

    def __len__(self) -> int:
        return len(self._above) + len(self._below)

    def column(self, name: str) -> Column:
        """Return one of the scan's columns."""
        at = FIELDS.index(name)
        return np.concatenate((self._above[:, at], self._below[:, at]))

    @property
    def is_directory(self) -> Mask:
        """Which rows are directories."""
        found: Mask = np.arange(len(self)) < self.directories
        return found

    def row(self, key: int) -> int:
        """Return the row of an inode by its key in the scan."""
        return ~key if key < 0 else key + self.directories


@dataclass(frozen=True)
class Numbers:
    """Numbers of a tree.

    Attributes:
        rows: Number of each row.
        stream_directories: By key of the scan.
    """

    rows: Column
    stream_directories: dict[int, int]


Births = Callable[[Scan, Iterable[int]], Iterable[int]]
"""Tells of inodes of a scan, by key, when they were made: nanoseconds, 0 if unknown."""


def give(
    tree: Tree, known: Seen, highest: int, births: Births | None = None, seen_ns: int = 0
) -> Numbers:
    """Return the numbers of a tree.

    Args:
        tree: What was scanned.
        known: What was there when the last image was made.
        highest: The highest number ever given.
        births: Tells when inodes were made, if the source can.
        seen_ns: When ``known`` was seen: what was made later has got the inode number, in the
            source, of something that is gone.

    Raises:
        UsageError: There are no numbers left.
    """
    rows = _matched(tree, known)
    if births is not None:
        _tell_reborn(tree, known, rows, births, seen_ns)
    rows[0] = ROOT
    last = _give_new(rows, tree.is_directory, highest)
    directories, last = _stream_directories(tree, known, rows, last)
    _match_streams(tree, known, rows)
    last = _give_new(rows, ~tree.is_directory, last)
    if last > HIGHEST:
        told = "the backup set has no inode numbers left; `catalog forget` begins a new one"
        raise UsageError(f"{told} [DARI-LIM-001]")
    return Numbers(rows, directories)


def _give_new(rows: Column, which: Mask, last: int) -> int:
    """Give numbers to those that have none; return the highest number given so far."""
    new = np.flatnonzero((rows == _NONE) & which)
    rows[new] = last + 1 + np.arange(len(new))
    return last + len(new)


def _matched(tree: Tree, known: Seen) -> Column:
    """Return the numbers of rows that were there before, by device, inode and file type.

    A directory that is mounted in two places is there twice: the first of one time is the first of
    the other.
    """
    old = np.flatnonzero((known.kind == INODE) & (known.number != ROOT) & (known.inode != 0))
    inodes = tree.column("source_inode")
    new = np.flatnonzero((inodes != 0) & ~tree.is_stream)
    new = new[new != 0]
    keys = (
        np.concatenate((known.mode[old], tree.column("mode")[new])) & S_IFMT,
        np.concatenate((known.inode[old], inodes[new])),
        np.concatenate((known.device[old], tree.column("source_device")[new])),
    )
    # Within a group of equal keys, those known come first, each side in its own order.
    order = np.lexsort(keys)
    sorted_keys = [key[order] for key in keys]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = np.any([key[1:] != key[:-1] for key in sorted_keys], axis=0)
    group = np.cumsum(is_first) - 1
    starts = np.flatnonzero(is_first)
    is_old = order < len(old)
    held = np.bincount(group[is_old], minlength=len(starts))
    places = np.flatnonzero(~is_old)
    partner = places - held[group[places]]
    paired = partner < starts[group[places]] + held[group[places]]
    rows = np.full(len(tree), _NONE, np.int64)
    rows[new[order[places[paired]] - len(old)]] = known.number[old[order[partner[paired]]]]
    return rows


def _tell_reborn(tree: Tree, known: Seen, rows: Column, births: Births, seen_ns: int) -> None:
    """Take numbers away from what was made after their owners were seen (DARI-INC-006)."""
    at, matched = known.find(rows)
    if not matched.any():
        return
    # Nothing can be new without a new ctime.
    other = np.flatnonzero(matched & (tree.column("ctime_ns") != known.ctime_ns[at]))
    keys = np.where(other < tree.directories, ~other, other - tree.directories)
    born = np.fromiter(births(tree.scan, keys.tolist()), np.int64, len(keys))
    rows[other[born > seen_ns]] = _NONE


def _stream_directories(
    tree: Tree, known: Seen, rows: Column, last: int
) -> tuple[dict[int, int], int]:
    """Return the numbers of stream directories by key, and the highest number given so far."""
    at = np.flatnonzero(known.kind == STREAM_DIRECTORY)
    before = dict(zip(known.base[at].tolist(), known.number[at].tolist(), strict=True))
    found: dict[int, int] = {}
    for key in sorted(tree.scan.streams, key=in_image):
        number = before.get(int(rows[tree.row(key)]))
        if number is None:
            last += 1
            number = last
        found[key] = number
    return found, last


def _match_streams(tree: Tree, known: Seen, rows: Column) -> None:
    """Give streams that were there before their numbers: by what they belong to, and name."""
    at = np.flatnonzero(known.kind == STREAM)
    before = {
        (base, known.streams.get(number)): number
        for base, number in zip(known.base[at].tolist(), known.number[at].tolist(), strict=True)
    }
    for number, (key, stream) in tree.scan.stream_of.items():
        base = int(rows[tree.row(key)])
        rows[tree.directories + number] = before.get((base, stream.name), _NONE)


def seen(tree: Tree, numbers: Numbers, surely: Mask) -> Seen:
    """Return what is to be remembered of a tree.

    Args:
        tree: What was scanned.
        numbers: Its numbers.
        surely: Rows that the image will hold as they are described.
    """
    scan, rows = tree.scan, numbers.rows
    base = np.zeros(len(tree), np.int64)
    links = Links(list(scan.names), tree.owner, tree.target)
    streams: dict[int, bytes] = {}
    for number, (key, stream) in scan.stream_of.items():
        row, owner = tree.directories + number, tree.row(key)
        base[row] = rows[owner]
        streams[int(rows[row])] = stream.name
        links.stream(owner, row, stream.name)
    names = links.sums(rows)
    parents = np.concatenate((scan.directory_parent, scan.other_parent)).astype(np.int64)
    parent = rows[parents]
    parent[0] = 0
    columns = {
        "number": rows,
        "kind": np.where(tree.is_stream, STREAM, INODE),
        "base": base,
        "parent": parent,
        "device": tree.column("source_device"),
        "inode": tree.column("source_inode"),
        "mode": tree.column("mode"),
        "size": np.where(tree.is_directory, 0, tree.column("size")),
        "mtime_ns": tree.column("mtime_ns"),
        "ctime_ns": tree.column("ctime_ns"),
        "names": names,
        "sure": surely.astype(np.int64),
    }
    above = numbers.stream_directories
    rest = {
        "number": list(above.values()),
        "kind": [STREAM_DIRECTORY] * len(above),
        "base": [int(rows[tree.row(key)]) for key in above],
        "sure": [1] * len(above),
    }
    nothing = [0] * len(above)
    joined = {
        name: np.append(column, np.array(rest.get(name, nothing), np.int64))
        for name, column in columns.items()
    }
    return Seen(**joined, streams=streams).sorted()
