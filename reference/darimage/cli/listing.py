"""What ``list`` shows: names of an image with the attributes of their inodes."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from darimage.cli import xattrs
from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.chain import Chain
from darimage.image.contents import read_link
from darimage.image.inode import Inode
from darimage.image.names import LOST, Names
from darimage.image.reader import Image
from darimage.image.state import State, of_header
from darimage.image.streams import disagreement
from darimage.restore.selection import Selection, is_directory
from darimage.sections.directory import Entry
from darimage.sections.streams import StreamEntry
from darimage.showing import as_text, display

_NS = 1_000_000_000
_FILE = stat.S_IFREG >> 12
_TYPES = {
    stat.S_IFDIR: "directory",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


class Row(NamedTuple):
    """A name.

    Attributes:
        path: From the root; empty for the root itself; of a stream ``path:name``.
        entry: What its directory says of it.
        base: Inode number of what a stream belongs to; 0 for all else.
    """

    path: bytes
    entry: Entry
    base: int = 0

    @property
    def stream(self) -> bytes:
        """The name of a stream; empty for all else."""
        return self.entry.name if self.base else b""


def rows(chain: Chain, selection: Selection) -> list[Row]:
    """Return the names that were selected and all below them, in tree order.

    Streams follow what they belong to.
    """
    found = list(_rows(chain.names, selection))
    if chain.streams:
        found = [row for name in found for row in (name, *_streams(chain, name))]
    absent = chain.left_out([row.entry.inode for row in found])
    names = chain.names
    return [
        row
        for row, gone in zip(found, absent.tolist(), strict=True)
        if not gone or row.entry.inode == LOST or names.is_unnamed(row.entry.inode)
    ]


def _rows(names: Names, selection: Selection) -> Iterator[Row]:
    if selection.root:
        yield Row(b"", Entry(names.root, 4, b""))
        yield from (Row(path, entry) for path, entry, _ in names.walk())
        return
    for pick in selection.picks:
        above = names.path(pick.parent) or b""
        yield Row(above + b"/" + pick.entry.name if above else pick.entry.name, pick.entry)
        if is_directory(names, pick.entry):
            yield from (Row(path, entry) for path, entry, _ in names.walk(pick.entry.inode))


def _streams(chain: Chain, row: Row) -> Iterator[Row]:
    for name, inode in chain.streams.of(row.entry.inode):
        yield Row(row.path + b":" + name, Entry(inode, _FILE, name), row.entry.inode)


def inodes(chain: Chain, listed: list[Row]) -> dict[int, Inode]:
    """Return the inodes of names by number, without those that no image has."""
    wanted = {row.entry.inode for row in listed} - {LOST}
    directories = chain.names.directories
    known = {number: directories[number].inode for number in wanted if number in directories}
    others = np.array(sorted(wanted - known.keys()), np.int64)
    holders = chain.holders(others)
    for at, image in enumerate(chain.images):
        found = image.inodes(others[holders == at], image.faults.tell)
        known.update((inode.number, inode) for inode in found)
    return known


def agreeing(chain: Chain, listed: list[Row], known: dict[int, Inode]) -> list[Row]:
    """Return names without streams that headers do not agree on, which are reported.

    Args:
        chain: The image, or several.
        listed: The names.
        known: Their inodes as far as they were found; nothing is checked if none was looked for.
    """
    if not known:
        return listed
    kept: list[Row] = []
    for row in listed:
        if row.base:
            one = chain.streams.by_base[row.base]
            entry = StreamEntry(row.entry.name, row.entry.inode)
            fault = disagreement(known.get(row.base), one, entry, known.get(entry.inode))
            if fault is not None:
                chain.faults.tell(fault._replace(path=row.path))
                continue
        kept.append(row)
    return kept


def long_line(image: Image, row: Row, inode: Inode | None) -> str:
    """Return a line as ``ls -l`` has it, with numbers for owners and times in UTC.

    Behind the mode stands ``+`` if there is a POSIX ACL, ``@`` if there are other attributes.
    """
    path = display(row.path) or "."
    if inode is None:
        return f"{'?':10} {'?':>3} {'?':>6} {'?':>6} {'?':>12} {'?':16} {path}"
    size = f"{inode.size}"
    if stat.S_ISCHR(inode.mode) or stat.S_ISBLK(inode.mode):
        size = f"{inode.rdev >> 8 & 0xFFF}, {inode.rdev & 0xFF | inode.rdev >> 12 & 0xFFF00}"
    target = f" -> {display(_target(image, inode))}" if stat.S_ISLNK(inode.mode) else ""
    mode = stat.filemode(inode.mode) + (xattrs.mark(image, inode) or " ")
    return (
        f"{mode}{inode.nlink:>3} {inode.uid:>6} {inode.gid:>6} {size:>12} "
        f"{_time_text(inode.mtime_ns)} {path}{target}"
    )


def state_of(chain: Chain, row: Row, inode: Inode | None) -> State:
    """Return the state of what a name leads to, as far as it is known without its contents."""
    if row.entry.inode == LOST:
        return State.WHOLE
    if inode is None:
        return State.LOST
    if inode.is_directory and not row.base:
        return chain.names.state(inode.number)
    return of_header(inode)


def as_json(image: Image, row: Row, inode: Inode | None) -> dict[str, Any]:
    """Return a name and its inode for JSON; ``path_hex`` where the path is not plain text."""
    known: dict[str, Any] = {"path": as_text(row.path), "inode": row.entry.inode or None}
    if known["path"].encode() != row.path:
        known["path_hex"] = row.path.hex()
    if row.base:
        known["base"] = row.base
        known["stream"] = as_text(row.stream)
        if known["stream"].encode() != row.stream:
            known["stream_hex"] = row.stream.hex()
    if inode is None:
        return {**known, "type": _TYPES.get(row.entry.d_type << 12)}
    known["type"] = "stream" if row.base else _TYPES.get(inode.kind)
    for name in ("mode", "nlink", "uid", "gid", "size", "rdev"):
        known[name] = getattr(inode, name)
    for name in ("atime_ns", "mtime_ns", "ctime_ns"):
        known[name] = getattr(inode, name)
    known["record"] = image.volume.cut.physical(inode.record)
    if stat.S_ISLNK(inode.mode):
        target = _target(image, inode)
        known["target"] = as_text(target)
        if known["target"].encode() != target:
            known["target_hex"] = target.hex()
    return known


def tree_lines(chain: Chain, listed: list[Row]) -> Iterator[str]:
    """Yield names drawn as a tree; a directory's names follow it, its streams first."""
    listed = [_drawn(chain.names, row) for row in listed]
    last = _last_of_their_directory(listed)
    open_above: list[bool] = []
    for at, row in enumerate(listed):
        depth = row.path.count(b"/") + 1 if row.path else 0
        if not depth:
            yield "."
            continue
        del open_above[depth - 1 :]
        open_above += [False] * (depth - 1 - len(open_above))
        stem = "".join("│   " if is_open else "    " for is_open in open_above)
        yield f"{stem}{'└── ' if last[at] else '├── '}{display(row.path.rpartition(b'/')[2])}"
        open_above.append(not last[at])


def _drawn(names: Names, row: Row) -> Row:
    """Return a row for a tree: a directory's stream stands within it as ``:name``."""
    if row.base in names.directories and row.base != names.root:
        above = row.path[: -len(row.stream) - 1]
        return row._replace(path=above + b"/:" + row.stream)
    return row


def _last_of_their_directory(listed: list[Row]) -> list[bool]:
    seen: set[bytes] = set()
    last = []
    for row in reversed(listed):
        above = row.path.rpartition(b"/")[0]
        last.append(above not in seen)
        seen.add(above)
    return last[::-1]


def _target(image: Image, inode: Inode) -> bytes:
    try:
        return read_link(image, inode)
    except FormatError as error:
        image.faults.tell(Fault.of(error, inode=inode.number))
        return b"?"


def _time_text(nanoseconds: int) -> str:
    try:
        return datetime.fromtimestamp(nanoseconds // _NS, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return f"{nanoseconds // _NS:>16}"
