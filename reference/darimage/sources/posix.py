"""A directory tree of this machine as a source."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from darimage.errors import StorageError, check_machine
from darimage.faults import Fault
from darimage.progress import Progress
from darimage.sources.ahead import ScanAhead, Sender
from darimage.sources.attached import Attachments, Wanted
from darimage.sources.birth import birth_ns
from darimage.sources.handles import DirectoryHandles, open_directory
from darimage.sources.inode_flags import inode_flags
from darimage.sources.posix_contents import PosixContents
from darimage.sources.ranges import present
from darimage.sources.scan import FIELDS, WIDTH, Contents, Pending, Ranges, Scan
from darimage.units import S_IFMT

if TYPE_CHECKING:
    from darimage.sources.tail import Tail

_SIZE = FIELDS.index("size")
_DEVICE, _INODE = FIELDS.index("source_device"), FIELDS.index("source_inode")
_OPENED = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_UNREADABLE = frozenset({errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ETIMEDOUT})
"""What a file that is there says when it cannot be read."""

_S_IFREG, _S_IFDIR = stat.S_IFREG, stat.S_IFDIR
_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()


class PosixSource:
    """A directory and everything below it."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        one_file_system: bool = False,
        leave_out: Collection[tuple[int, int]] = (),
        wanted: Wanted | None = None,
        keep_unreadable: bool = False,
    ) -> None:
        """Name the tree.

        Args:
            path: Its root, a directory; a symbolic link to one is followed.
            one_file_system: Directories on other file systems are taken in empty.
            leave_out: Device and inode numbers of files that are not taken in.
            wanted: What is taken in besides data; by default all.
            keep_unreadable: Take in files that may not be read, as ``Scan.unreadable``.
        """
        self.keep_unreadable = keep_unreadable
        self.wanted = wanted or Wanted()
        self.path = os.fspath(path)
        self.filesys = os.fsencode(os.path.abspath(path))
        self.device = b"darimage"
        self.one_file_system = one_file_system
        self.leave_out = frozenset(leave_out)
        self._ahead: ScanAhead | None = None

    def begin(self) -> None:
        """Begin to scan, in a process of its own.

        ``scan`` then waits for it and scans too; meanwhile the working directory is another.
        """
        self._ahead = ScanAhead(self._scan_ahead)

    def scan(self, progress: Progress) -> Scan:
        """Return the tree.

        Raises:
            StorageError: The root is no directory that can be read.
        """
        progress.start("scan", 0, "names")
        if self._ahead is not None:
            scan = self._ahead.result(progress, self._scan_too)
            self._ahead = None
        else:
            scan = Scan()
            _Scanner(self, self.open_root(), scan, progress, may_move=False).run()
        progress.finish()
        scan.linked.clear()
        return scan

    def _scan_ahead(self, out: Scan, sender: Sender) -> None:
        """Scan in a process that has no other use for its working directory."""
        scanner = _Scanner(self, self.open_root(), out, sender, may_move=True)
        if not scanner.attachments.is_one_piece:
            scanner.leave = sender.leave
        scanner.run()

    def _scan_too(self, tail: Tail, progress: Progress) -> None:
        """Scan what the other process has left to this one."""
        with _back_again() as may_move:
            scanner = _Scanner(self, self.open_root(), tail.scan, progress, may_move=may_move)
            scanner.run(tail.pending)

    def contents(self, scan: Scan) -> Contents:
        """Return a reader of the files of ``scan``."""
        return PosixContents(scan, self.open_root(), self.wanted.streams)

    def births(self, scan: Scan, keys: Iterable[int]) -> Iterator[int]:
        """Yield when inodes were made, nanoseconds since 1970, 0 if that is not known.

        Args:
            scan: What was scanned.
            keys: Numbers of inodes, ``~number`` of directories other than the root.
        """
        handles = DirectoryHandles(self.open_root(), scan.above)
        try:
            for key in keys:
                if key < 0:
                    parent, name = scan.above(~key)
                    inode = scan.directories[~key * WIDTH + _INODE]
                else:
                    parent, name = scan.other_parent[key], scan.names[scan.other_entry[key]]
                    inode = scan.others[key * WIDTH + _INODE]
                try:
                    yield birth_ns(handles.descriptor(parent), name, inode)
                except OSError as error:
                    check_machine(error)
                    yield 0
        finally:
            handles.close()

    def unreadable(self, scan: Scan, numbers: Iterable[int]) -> Iterator[tuple[int, OSError]]:
        """Yield which files cannot be opened, and why.

        Args:
            scan: What was scanned.
            numbers: Files of it.
        """
        handles = DirectoryHandles(self.open_root(), scan.above)
        try:
            for number in numbers:
                name = scan.names[scan.other_entry[number]]
                try:
                    at = handles.descriptor(scan.other_parent[number])
                    os.close(os.open(name, _OPENED, dir_fd=at))
                except OSError as error:
                    check_machine(error)
                    if error.errno in _UNREADABLE:
                        yield number, error
        finally:
            handles.close()

    def open_root(self) -> int:
        """Return a new descriptor of the root."""
        try:
            return open_directory(self.path, follow=True)
        except OSError as error:
            raise StorageError.of(error, self.path) from error


@contextmanager
def _back_again() -> Iterator[bool]:
    """Come back to the working directory at the end; yield whether that is possible at all."""
    try:
        here = os.open(".", os.O_PATH | os.O_CLOEXEC)
    except OSError:  # this user may not enter it
        yield False
        return
    try:
        yield True
    finally:
        os.fchdir(here)
        os.close(here)


class _All:
    """Holds everything."""

    def __contains__(self, item: object) -> bool:
        return True


_ALL = _All()


class _Scanner:
    """One walk through a tree, in the order that an image has it."""

    def __init__(
        self, source: PosixSource, root: int, out: Scan, progress: Progress, *, may_move: bool
    ) -> None:
        self.source = source
        self.may_move = may_move
        self.progress = progress
        self.out = out
        self.handles = DirectoryHandles(root, out.above)
        self.root_stat = os.fstat(root)
        # Only root may read what permissions forbid; asking for each file would cost it a call.
        self.ask_access = os.geteuid() != 0
        self.left_out_inodes = frozenset(inode for _, inode in source.leave_out)
        self.attachments = Attachments(source.wanted, out, root)
        self.leave: Callable[[list[Pending]], list[Pending]] = list

    def run(self, pending: Sequence[Pending] = ()) -> None:
        """Scan directories and all below them, the last first; by default the root."""
        pending = list(pending) or [Pending(_row(self.root_stat), -1, 0)]
        while pending:
            row, entry, parent = pending.pop()
            number = self.out.add_directory(row, entry, parent)
            if self.source.one_file_system and row[_DEVICE] != self.root_stat.st_dev:
                self.out.skipped.append(self.out.directory_path(number))
                continue
            try:
                below = self._entries(number)
            except OSError as error:
                self._fault("unreadable", self.out.directory_path(number), error)
                self.out.unreadable.append(~number)
                continue
            pending += reversed(below)
            pending = self.leave(pending)
        self.attachments.finish()
        self.handles.close()
        self.out.report_clamped()

    def _entries(self, number: int) -> list[Pending]:
        """Take in a directory's entries; return its subdirectories."""
        descriptor = self.handles.descriptor(number)
        self.out.set_flags(number, inode_flags(descriptor))
        look = self.attachments.look
        own = os.fstat(descriptor)
        if (attached := look(descriptor, own.st_dev)) is not None:
            self.attachments.take(~number, own, attached)
        may_have = self.attachments.asking(descriptor, own.st_dev)
        before, lstat = self._way_into(descriptor)
        found = sorted(name.encode(_ENCODING, _ERRORS) for name in os.listdir(descriptor))
        out, below = self.out, []
        special: Container[int] = _ALL if self.ask_access else self.left_out_inodes
        plain: list[bytes] = []
        columns: list[int] = []
        for name in found:
            try:
                info = lstat(name)
            except OSError as error:
                self._fault("vanished", self.out.path_in(number, name), error)
                continue
            kind = info.st_mode & S_IFMT
            if kind == _S_IFDIR:
                if self._is_left_out(info, number, name):
                    continue
                if plain:
                    out.add_plain(plain, columns, number)
                    plain, columns = [], []
                below.append(Pending(_row(info), out.add_entry(name), number))
                continue
            file = before + name
            attached = look(file, info.st_dev) if may_have(file) else None
            if (
                kind == _S_IFREG
                and info.st_nlink == 1
                and info.st_blocks * 512 >= info.st_size
                and info.st_ino not in special
                and attached is None
            ):
                # Nearly every inode of a tree: what _other does for one, a directory at a time.
                plain.append(name)
                columns += _row(info)
                continue
            if plain:
                out.add_plain(plain, columns, number)
                plain, columns = [], []
            count = len(out.other_parent)
            if (other := self._other(info, number, name, descriptor)) is None:
                continue
            out.add_entry(name, other)
            if attached is not None and other == count:
                self.attachments.take(other, info, attached)
        if plain:
            out.add_plain(plain, columns, number)
        self.progress.advance(len(found))
        return below

    def _way_into(self, directory: int) -> tuple[bytes, Callable[[bytes], os.stat_result]]:
        """Return what leads to the names of a directory, and what asks for one's status."""
        if not self.may_move:
            lstat = partial(os.stat, dir_fd=directory, follow_symlinks=False)
            return b"/proc/self/fd/%d/" % directory, lstat
        # Half the time for each name.
        os.fchdir(directory)
        return b"", os.lstat

    def _is_left_out(self, info: os.stat_result, parent: int, name: bytes) -> bool:
        """Tell whether a directory is not taken in: it holds streams, or is the image's own."""
        if (info.st_dev, info.st_ino) in self.source.leave_out:
            self.out.skipped.append(self.out.path_in(parent, name))
            return True
        return self.attachments.is_left_out(info)

    def _other(self, info: os.stat_result, parent: int, name: bytes, at: int) -> int | None:
        """Take in an inode that is no directory; return its number, ``None`` if it is left out."""
        key = (info.st_dev, info.st_ino)
        if info.st_nlink > 1 and (known := self.out.linked.get(key)) is not None:
            return known
        if key in self.source.leave_out:
            self.out.skipped.append(self.out.path_in(parent, name))
            return None
        row = list(_row(info))
        link = extents = None
        try:
            if stat.S_ISREG(info.st_mode):
                if self.ask_access and not _readable(name, at):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                if info.st_blocks * 512 < info.st_size:
                    extents = _present(name, at, info.st_size)
            elif stat.S_ISLNK(info.st_mode):
                link = os.readlink(name, dir_fd=at)
                row[_SIZE] = len(link)
            else:
                row[_SIZE] = 0
        except OSError as error:
            kind = "vanished" if error.errno == errno.ENOENT else "unreadable"
            is_kept = kind == "unreadable" and self.source.keep_unreadable
            lead = "" if is_kept else "left out: "
            self._fault(kind, self.out.path_in(parent, name), error, lead)
            if not is_kept:
                return None
            self.out.unreadable.append(len(self.out.other_parent))
        number = self.out.add_other(row, parent)
        if link is not None:
            self.out.links[number] = link
        if extents is not None:
            self.out.extents[number] = extents
        if info.st_nlink > 1:
            self.out.linked[key] = number
        return number

    def _fault(self, kind: str, path: bytes, error: OSError, lead: str = "") -> None:
        check_machine(error)
        self.out.faults.append(Fault(kind, f"{lead}{error.strerror or error}", path))


def _row(info: os.stat_result) -> tuple[int, ...]:
    return (
        info.st_mode,
        info.st_uid,
        info.st_gid,
        info.st_size,
        info.st_atime_ns,
        info.st_mtime_ns,
        info.st_ctime_ns,
        0,
        info.st_rdev,
        0,
        info.st_dev,
        info.st_ino,
    )


def _readable(name: bytes, at: int) -> bool:
    return os.access(name, os.R_OK, dir_fd=at, effective_ids=True)


def _present(name: bytes, at: int, size: int) -> Ranges | None:
    """Return the present byte ranges of a file that holds fewer blocks than its size has."""
    descriptor = os.open(name, _OPENED, dir_fd=at)
    try:
        return present(descriptor, size)
    finally:
        os.close(descriptor)
