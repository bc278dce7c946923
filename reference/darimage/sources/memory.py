"""A tree in memory as a source: for tests, generators and examples."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from darimage.progress import Progress
from darimage.sources.scan import Contents, Filled, Piece, Scan, Shortfall, fill_each


@dataclass(eq=False)
class Node:
    """An inode of a tree in memory; one object under two names is a hard link.

    Attributes:
        mode: Type and permissions.
        children: Entries of a directory.
        size: Size in bytes of a regular file.
        data: Byte ranges that are not hole: offset to bytes, ascending, not overlapping.
        target: Target of a symbolic link.
        rdev: Device number of a device.
        flags: Inode flags.
        xattrs: Payload of the attribute records; empty none (chapter 65).
        nt_acl: Descriptor and origin (chapter 75); ``None`` none.
        streams: Streams by name, each a regular file.
    """

    mode: int = stat.S_IFREG | 0o644
    children: dict[bytes, Node] = field(default_factory=dict)
    size: int = 0
    data: Mapping[int, bytes] = field(default_factory=dict)
    target: bytes = b""
    rdev: int = 0
    flags: int = 0
    uid: int = 0
    gid: int = 0
    atime_ns: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    birthtime_ns: int = 0
    xattrs: bytes = b""
    nt_acl: tuple[bytes, bytes] | None = None
    streams: dict[bytes, Node] = field(default_factory=dict)

    @classmethod
    def directory(cls, children: Mapping[bytes, Node] | None = None, mode: int = 0o755) -> Node:
        """Return a directory."""
        return cls(stat.S_IFDIR | mode, dict(children or {}))

    @classmethod
    def file(cls, content: bytes = b"") -> Node:
        """Return a regular file without holes."""
        return cls(size=len(content), data={0: content} if content else {})

    @classmethod
    def symlink(cls, target: bytes) -> Node:
        """Return a symbolic link."""
        return cls(stat.S_IFLNK | 0o777, size=len(target), target=target)


class MemorySource:
    """A tree of nodes."""

    def __init__(self, root: Node, name: bytes = b"/memory") -> None:
        """Keep the tree, which must not change."""
        self.root = root
        self.filesys = name
        self.device = b"memory"
        self._nodes: list[Node] = []

    def scan(self, progress: Progress) -> Scan:
        """Return the tree."""
        out = Scan()
        numbers: dict[int, int] = {}
        self._nodes = []
        pending: list[tuple[Node, int, int]] = [(self.root, -1, 0)]
        while pending:
            node, entry, parent = pending.pop()
            number = out.add_directory(_row(node), entry, parent)
            self._attach(out, node, ~number)
            below = []
            for name, child in sorted(node.children.items()):
                if stat.S_ISDIR(child.mode):
                    below.append((child, out.add_entry(name), number))
                    continue
                if (known := numbers.get(id(child))) is not None:
                    out.add_entry(name, known)
                    continue
                numbers[id(child)] = added = self._add(out, child, number)
                out.add_entry(name, added)
                self._attach(out, child, added)
            pending += reversed(below)
        return out

    def _attach(self, out: Scan, node: Node, key: int) -> None:
        """Take in what hangs on an inode besides its data."""
        if node.xattrs:
            out.xattrs[key] = node.xattrs
        if node.nt_acl is not None:
            out.nt_acls[key] = node.nt_acl
        for name, stream in sorted(node.streams.items()):
            self._take(out, stream, out.add_stream(key, name, _row(stream), None))

    def _add(self, out: Scan, node: Node, parent: int) -> int:
        return self._take(out, node, out.add_other(_row(node), parent))

    def _take(self, out: Scan, node: Node, number: int) -> int:
        self._nodes.append(node)
        if stat.S_ISLNK(node.mode):
            out.links[number] = node.target
        elif stat.S_ISREG(node.mode):
            ranges = [(at, at + len(data)) for at, data in sorted(node.data.items())]
            if ranges != [(0, node.size)]:
                out.extents[number] = ranges
        return number

    def contents(self, scan: Scan) -> Contents:
        """Return a reader of the files."""
        return _MemoryContents(scan, self._nodes)


class _MemoryContents:
    def __init__(self, scan: Scan, nodes: Sequence[Node]) -> None:
        self._scan = scan
        self._nodes = nodes

    def fill(self, number: int, pieces: Sequence[Piece], *, last: bool = True) -> Shortfall | None:
        """Fill pieces; ranges without data are zeros."""
        node = self._nodes[number]
        data = {0: node.target} if stat.S_ISLNK(node.mode) else node.data
        for offset, views in pieces:
            for view in views:
                view[:] = bytes(view.nbytes)
                for start, content in data.items():
                    _overlay(view, offset, start, content)
                offset += view.nbytes
        return None

    def flags(self, number: int) -> int:
        """Return the flags of a node."""
        return self._nodes[number].flags

    def fill_whole(self, first: int, views: Sequence[memoryview | None]) -> Filled:
        """Fill one file after the other."""
        return fill_each(self, first, views)

    def close(self) -> None:
        """Nothing is held."""


def _overlay(view: memoryview, offset: int, start: int, content: bytes) -> None:
    first = max(offset, start)
    last = min(offset + view.nbytes, start + len(content))
    if first < last:
        view[first - offset : last - offset] = content[first - start : last - start]


def _row(node: Node) -> list[int]:
    size = node.size if stat.S_ISREG(node.mode) else len(node.target)
    return [
        node.mode,
        node.uid,
        node.gid,
        size,
        node.atime_ns,
        node.mtime_ns,
        node.ctime_ns,
        node.birthtime_ns,
        node.rdev,
        node.flags,
        0,
        0,
    ]
