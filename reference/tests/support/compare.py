"""Compares two directory trees, by walking both with directory descriptors.

Neither PATH_MAX nor undecodable names matter, contents are streamed, and holes are compared as
extents, so that a tree with a terabyte of holes costs no more than its data.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RECORD = 1024
CHUNK = 1 << 20

TimeKey = Callable[[int], int]


def to_nanosecond(time_ns: int) -> int:
    """Compare times in full."""
    return time_ns


def to_microsecond(time_ns: int) -> int:
    """Compare times to the microsecond."""
    return time_ns // 1_000


def to_second(time_ns: int) -> int:
    """Compare times to the second."""
    return time_ns // 1_000_000_000


def to_second_32(time_ns: int) -> int:
    """Compare times to the second as an old header's 32 bits hold them, whatever their sign."""
    return to_second(time_ns) % 2**32


@dataclass(frozen=True)
class Options:
    """What counts as a difference.

    Attributes:
        mtime: How modification times are rounded before they are compared; None ignores them.
        atime: The same for access times, ignored by default.
        symlink_mtime: The same for the times of symbolic links; unset means as `mtime`.
        contents: Whether bytes of files are compared (their sizes always are).
        modes: Whether permission bits are compared.
        owners: Whether uid and gid are compared; by default only root can have set them.
        holes: Whether allocated extents are compared, to the file system block (1 KiB at least).
        end_hole: Whether a hole in the last record of a file must stay. Old programs fill it: an
            image always has that record (DARI-FIL-019), and they know no flag that it was a hole.
        extra_holes: Whether a hole in the copy where the source has allocated blocks counts.
        hard_links: Whether the same names must share one inode.
        devices: Whether device numbers are compared.
        sockets: Whether sockets are looked at at all.
        ignore: Paths (bytes, relative) that are left out with all below them, in both trees.
    """

    mtime: TimeKey | None = to_nanosecond
    atime: TimeKey | None = None
    symlink_mtime: TimeKey | str | None = "mtime"
    contents: bool = True
    modes: bool = True
    owners: bool = field(default_factory=lambda: os.geteuid() == 0)
    holes: bool = True
    end_hole: bool = True
    extra_holes: bool = True
    hard_links: bool = True
    devices: bool = True
    sockets: bool = True
    ignore: Collection[bytes] = ()


@dataclass(frozen=True)
class Difference:
    """One difference: where, what kind (a word tests can filter by), and both values in words."""

    path: bytes
    kind: str
    detail: str

    def __str__(self) -> str:
        return f"{self.path!r}: {self.kind}: {self.detail}"


def compare_trees(
    source: Path | str, copy: Path | str, options: Options | None = None
) -> list[Difference]:
    """Find every difference between a tree and its copy, the roots' own attributes included.

    Args:
        source: The tree as it should be.
        copy: The tree to judge.
        options: What counts; everything but access times by default.

    Returns:
        The differences in path order of the walk; empty when the trees are equal.
    """
    return list(_Walk(options or Options()).run(os.fspath(source), os.fspath(copy)))


@dataclass
class _Folder:
    source: int
    copy: int
    path: bytes
    names: Iterator[bytes]


class _Walk:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._source_links: dict[tuple[int, int], list[bytes]] = defaultdict(list)
        self._copy_links: dict[tuple[int, int], list[bytes]] = defaultdict(list)

    def run(self, source: str, copy: str) -> Iterator[Difference]:
        source_fd, copy_fd = _open_folder(source), _open_folder(copy)
        yield from self._attributes(b".", os.fstat(source_fd), os.fstat(copy_fd))
        differences, names = self._names(b"", source_fd, copy_fd)
        yield from differences
        stack = [_Folder(source_fd, copy_fd, b"", iter(names))]
        try:
            while stack:
                here = stack[-1]
                name = next(here.names, None)
                if name is None:
                    stack.pop()
                    os.close(here.source)
                    os.close(here.copy)
                    continue
                yield from self._entry(here, name, stack)
        finally:
            for folder in stack:
                os.close(folder.source)
                os.close(folder.copy)
        if self._options.hard_links:
            yield from self._link_groups()

    def _names(self, path: bytes, source: int, copy: int) -> tuple[list[Difference], list[bytes]]:
        def wanted(folder: int) -> set[bytes]:
            names = {os.fsencode(name) for name in os.listdir(folder)}
            return {name for name in names if path + name not in self._options.ignore}

        in_source, in_copy = wanted(source), wanted(copy)
        differences = [
            Difference(path + name, "missing", "is not in the copy")
            for name in sorted(in_source - in_copy)
            if self._options.sockets or not _is_socket(name, source)
        ]
        differences += [
            Difference(path + name, "extra", "is only in the copy")
            for name in sorted(in_copy - in_source)
            if self._options.sockets or not _is_socket(name, copy)
        ]
        return differences, sorted(in_source & in_copy)

    def _entry(self, here: _Folder, name: bytes, stack: list[_Folder]) -> Iterator[Difference]:
        path = here.path + name
        old = os.stat(name, dir_fd=here.source, follow_symlinks=False)
        new = os.stat(name, dir_fd=here.copy, follow_symlinks=False)
        if not self._options.sockets and stat.S_ISSOCK(old.st_mode):
            return
        yield from self._attributes(path, old, new)
        if stat.S_IFMT(old.st_mode) != stat.S_IFMT(new.st_mode):
            return
        if stat.S_ISDIR(old.st_mode):
            source, copy = _open_folder(name, here.source), _open_folder(name, here.copy)
            differences, names = self._names(path + b"/", source, copy)
            yield from differences
            stack.append(_Folder(source, copy, path + b"/", iter(names)))
            return
        if old.st_nlink > 1 or new.st_nlink > 1:
            self._source_links[old.st_dev, old.st_ino].append(path)
            self._copy_links[new.st_dev, new.st_ino].append(path)
        if stat.S_ISREG(old.st_mode):
            yield from self._file(path, name, here, old, new)
        elif stat.S_ISLNK(old.st_mode):
            yield from _symlink(path, name, here)

    def _attributes(
        self, path: bytes, old: os.stat_result, new: os.stat_result
    ) -> Iterator[Difference]:
        options = self._options
        old_type, new_type = stat.S_IFMT(old.st_mode), stat.S_IFMT(new.st_mode)
        if old_type != new_type:
            yield Difference(path, "type", f"{old_type:#o} became {new_type:#o}")
            return
        if options.modes and old.st_mode != new.st_mode:
            yield _changed(path, "mode", f"{old.st_mode:#o}", f"{new.st_mode:#o}")
        if options.owners and (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            before, after = f"{old.st_uid}:{old.st_gid}", f"{new.st_uid}:{new.st_gid}"
            yield _changed(path, "owner", before, after)
        is_device = stat.S_ISCHR(old.st_mode) or stat.S_ISBLK(old.st_mode)
        if options.devices and is_device and old.st_rdev != new.st_rdev:
            yield _changed(path, "device", _device(old.st_rdev), _device(new.st_rdev))
        mtime = options.mtime
        if stat.S_ISLNK(old.st_mode) and not isinstance(options.symlink_mtime, str):
            mtime = options.symlink_mtime
        if mtime and mtime(old.st_mtime_ns) != mtime(new.st_mtime_ns):
            yield _changed(path, "mtime", str(old.st_mtime_ns), str(new.st_mtime_ns))
        atime = options.atime
        if atime and atime(old.st_atime_ns) != atime(new.st_atime_ns):
            yield _changed(path, "atime", str(old.st_atime_ns), str(new.st_atime_ns))

    def _file(
        self, path: bytes, name: bytes, here: _Folder, old: os.stat_result, new: os.stat_result
    ) -> Iterator[Difference]:
        if old.st_size != new.st_size:
            yield _changed(path, "size", str(old.st_size), str(new.st_size))
            return
        if old.st_size == 0:
            return
        source, copy = _open_file(name, here.source), _open_file(name, here.copy)
        try:
            # Reading may bring pages in, so the extents are asked for first.
            source_data, copy_data = _extents(source, old.st_size), _extents(copy, new.st_size)
            if self._options.holes:
                unit = max(RECORD, old.st_blksize, new.st_blksize)
                yield from self._holes(path, source_data, copy_data, unit, old.st_size)
            if self._options.contents:
                for start, end in _union(source_data, copy_data):
                    at = _first_unequal(source, copy, start, end)
                    if at is not None:
                        yield Difference(path, "content", f"differs from byte {at} on")
                        return
        finally:
            os.close(source)
            os.close(copy)

    def _holes(
        self,
        path: bytes,
        source: list[tuple[int, int]],
        copy: list[tuple[int, int]],
        unit: int,
        size: int,
    ) -> Iterator[Difference]:
        wanted, got = _blocks(source, unit), _blocks(copy, unit)
        allowed = source
        if not self._options.end_hole:
            allowed = _union(source, [((size - 1) // RECORD * RECORD, size)])
        filled = _outside(got, _blocks(allowed, unit))
        if filled:
            yield Difference(path, "hole filled", f"bytes {filled[0]}-{filled[1]} hold blocks")
        opened = _outside(wanted, got)
        if opened and self._options.extra_holes:
            yield Difference(path, "hole opened", f"bytes {opened[0]}-{opened[1]} hold none")

    def _link_groups(self) -> Iterator[Difference]:
        wanted = {tuple(sorted(group)) for group in self._source_links.values()}
        got = {tuple(sorted(group)) for group in self._copy_links.values()}
        for group in sorted(wanted - got):
            shown = ", ".join(repr(name) for name in group[:8])
            yield Difference(group[0], "hard link", f"{len(group)} names share no inode: {shown}")
        for group in sorted(got - wanted):
            shown = ", ".join(repr(name) for name in group[:8])
            if len(group) > 1:
                yield Difference(group[0], "hard link", f"only in the copy one inode: {shown}")


def _changed(path: bytes, kind: str, before: str, after: str) -> Difference:
    return Difference(path, kind, f"{before} became {after}")


def _device(number: int) -> str:
    return f"{os.major(number)},{os.minor(number)}"


def _is_socket(name: bytes, folder: int) -> bool:
    return stat.S_ISSOCK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _open_folder(name: str | bytes, folder: int | None = None) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    # The root itself may be reached through a link; nothing below it.
    return os.open(name, flags if folder is None else flags | os.O_NOFOLLOW, dir_fd=folder)


def _open_file(name: bytes, folder: int) -> int:
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)


def _symlink(path: bytes, name: bytes, here: _Folder) -> Iterator[Difference]:
    before = os.readlink(name, dir_fd=here.source)
    after = os.readlink(name, dir_fd=here.copy)
    if before != after:
        yield _changed(path, "target", repr(before), repr(after))


def _extents(fd: int, size: int) -> list[tuple[int, int]]:
    """List the (start, end) byte ranges of a file that hold blocks."""
    found: list[tuple[int, int]] = []
    end = 0
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            raise
        end = min(os.lseek(fd, start, os.SEEK_HOLE), size)
        found.append((start, end))
    return found


def _blocks(extents: list[tuple[int, int]], unit: int) -> list[tuple[int, int]]:
    """Widen ranges to whole blocks and join those that then touch."""
    return _joined((start // unit * unit, -(-end // unit) * unit) for start, end in extents)


def _union(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return _joined(sorted(first + second))


def _joined(ranges: Iterator[tuple[int, int]] | list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in ranges:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _outside(inner: list[tuple[int, int]], outer: list[tuple[int, int]]) -> tuple[int, int] | None:
    """Find the first part of the inner ranges that no outer range covers."""
    position = 0
    for start, end in inner:
        while position < len(outer) and outer[position][1] <= start:
            position += 1
        if position == len(outer) or outer[position][0] > start:
            until = outer[position][0] if position < len(outer) else end
            return start, min(end, until)
        if outer[position][1] < end:
            return outer[position][1], end
    return None


def _first_unequal(source: int, copy: int, start: int, end: int) -> int | None:
    while start < end:
        size = min(CHUNK, end - start)
        before, after = os.pread(source, size, start), os.pread(copy, size, start)
        if before != after:
            pairs = zip(before, after, strict=False)
            same = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
            return start + (min(len(before), len(after)) if same is None else same)
        if not before:
            return start
        start += len(before)
    return None
