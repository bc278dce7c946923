"""Reads the files of a scanned tree, and notices when they are not what the scan saw."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from functools import partial

from darimage.errors import check_machine
from darimage.faults import Fault
from darimage.sources.handles import DirectoryHandles
from darimage.sources.inode_flags import inode_flags
from darimage.sources.moved import Moved
from darimage.sources.sameness import is_scanned
from darimage.sources.scan import (
    FIELDS,
    HIGHEST,
    WIDTH,
    Filled,
    Piece,
    Scan,
    Shortfall,
    blank,
    fill_each,
)
from darimage.sources.streams.choice import Choice, open_depot
from darimage.sources.streams.reading import StreamContents

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_UNNOTICED = _FLAGS | os.O_NOATIME
_SIZE, _MTIME = FIELDS.index("size"), FIELDS.index("mtime_ns")
_DEVICE, _INODE = FIELDS.index("source_device"), FIELDS.index("source_inode")


_KINDS = {errno.ENOENT: "vanished", errno.ENOTDIR: "vanished", errno.ELOOP: "replaced"}

Place = tuple[int, bytes]
"""Number of a directory, and a name in it."""

Opened = tuple[int, Place]
"""A descriptor, and where it was opened."""


class _ReplacedError(OSError):
    """What is there is no file that could be read instead."""


class PosixContents:
    """Reads the files of a scanned tree, one open at a time."""

    def __init__(self, scan: Scan, root: int, streams: Choice | None = None) -> None:
        """Take over ``root``, a descriptor of the tree's root.

        Args:
            scan: What was scanned.
            root: The descriptor.
            streams: How it keeps streams.
        """
        self._scan = scan
        self._handles = DirectoryHandles(root, scan.above)
        depot = partial(open_depot, streams or Choice(), root)
        self._streams = StreamContents(scan, self._directory, depot)
        self._moved = Moved(scan, root, self._handles)
        self._number = -1
        self._fd = -1
        self._is_another = False
        self._way: Fault | None = None
        self._gone: tuple[int, OSError] | None = None

    def fill(self, number: int, pieces: Sequence[Piece], *, last: bool = True) -> Shortfall | None:
        """Fill pieces of an inode with its data; see ``Contents.fill``."""
        if number in self._scan.stream_of:
            return self._streams.fill(number, pieces, last=last)
        link = self._scan.links.get(number)
        if link is not None:
            _fill_from(link, pieces)
            return None
        try:
            first = number != self._number
            if first:
                self._open(number)
            for offset, views in pieces:
                wanted = views[0].nbytes if len(views) == 1 else sum(v.nbytes for v in views)
                if os.preadv(self._fd, views, offset) != wanted:
                    return self._slowly(number, pieces, last)
            if not (first or last):
                return None
            return self._changes(number, pieces, last)
        except OSError:
            return self._slowly(number, pieces, last)

    def fill_whole(self, first: int, views: Sequence[memoryview | None]) -> Filled:
        """Fill consecutive files; see ``Contents.fill_whole``.

        A file of which anything is unusual goes through ``fill``, which says what it is.
        """
        filled = Filled([0] * len(views), [])
        unusual: list[int] = []
        self._quickly(first, views, filled.flags, unusual)
        for at in unusual:
            slow = fill_each(self, first + at, views[at : at + 1])
            filled.flags[at] = slow.flags[0]
            filled.shortfalls.extend((at, short) for _, short in slow.shortfalls)
        return filled

    def _quickly(
        self, first: int, views: Sequence[memoryview | None], flags: list[int], unusual: list[int]
    ) -> None:
        """Fill those files that are just as they were scanned; note the others as unusual.

        Names are local and calls are few here: this loop decides how long an image of small files
        takes.
        """
        scan, descriptor_of = self._scan, self._handles.descriptor
        names, open_, close, preadv, fstat = scan.names, os.open, os.close, os.preadv, os.fstat
        rows = slice(first, first + len(views))
        width = slice(first * WIDTH, (first + len(views)) * WIDTH)
        table = scan.others[width]
        columns = (table[at::WIDTH] for at in (_SIZE, _MTIME, _DEVICE, _INODE))
        above = at = -1
        streams = scan.stream_of
        for index, (view, entry, parent, size, mtime, device, inode) in enumerate(
            zip(views, scan.other_entry[rows], scan.other_parent[rows], *columns, strict=True)
        ):
            if view is None:
                continue
            if streams and first + index in streams:
                unusual.append(index)
                continue
            try:
                if parent != above:
                    above, at = parent, descriptor_of(parent)
                descriptor = open_(names[entry], _UNNOTICED, dir_fd=at)
            except OSError:
                above = -1
                unusual.append(index)
                continue
            try:
                got = preadv(descriptor, (view,), 0) if size else 0
                info = fstat(descriptor)
                if (
                    got == size == info.st_size
                    and info.st_ino == inode
                    and info.st_mtime_ns == mtime
                    and info.st_dev == device
                ):
                    flags[index] = inode_flags(descriptor)
                else:
                    unusual.append(index)
            except OSError:
                unusual.append(index)
            finally:
                close(descriptor)

    def flags(self, number: int) -> int:
        """Return ``di_flags`` of the regular file filled last."""
        return inode_flags(self._fd) if number == self._number else 0

    def close(self) -> None:
        """Close what is open."""
        self._streams.close()
        self._close_file()
        self._handles.close()

    def _open(self, number: int) -> None:
        """Open a file: the one that was scanned, or else what its path leads to (DARI-FIL-025).

        Raises:
            OSError: Nothing that can be read is there.
        """
        self._close_file()
        if self._gone is not None and self._gone[0] == number:
            raise self._gone[1]
        places = self._scan.places(number)
        opened, trouble = self._first_of(number, places, self._handles.descriptor)
        is_moved = False
        if opened is None:
            opened, _ = self._first_of(number, places, self._elsewhere)
            is_moved = opened is not None
        if opened is None:
            opened = self._any_of(places)
        if opened is None:
            trouble = trouble or _ReplacedError(errno.EINVAL, "is no regular file any more")
            self._gone = (number, trouble)
            raise trouble
        self._fd, place = opened
        self._number = number
        self._is_another = not self._is_scanned(number)
        if self._is_another:
            return
        if place != places[0]:
            path = os.fsdecode(self._scan.path_in(*place))
            told = f"is not there any more; it was read by its other name {path!r}"
            self._way = self._fault(number, "vanished", told)
        elif is_moved:
            told = "was renamed while the image was made; what was in it is read where it is now"
            self._way = Fault("moved", told, self._scan.directory_path(place[0]))

    def _first_of(
        self, number: int, places: Sequence[Place], directory: Callable[[int], int]
    ) -> tuple[Opened | None, OSError | None]:
        """Open the first of some places that holds the file that was scanned."""
        trouble: OSError | None = None
        for place in places:
            try:
                self._fd = _open_at(place[1], directory(place[0]))
            except OSError as error:
                check_machine(error)
                trouble = trouble or error
                continue
            if self._is_scanned(number):
                return (self._fd, place), None
            self._close_file()
        return None, trouble

    def _any_of(self, places: Sequence[Place]) -> Opened | None:
        """Open whatever regular file is at the first of some places that has one."""
        for place in places:
            try:
                self._fd = _open_at(place[1], self._handles.descriptor(place[0]))
            except OSError as error:
                check_machine(error)
                continue
            if stat.S_ISREG(os.fstat(self._fd).st_mode):
                return self._fd, place
            self._close_file()
        return None

    def _directory(self, number: int) -> int:
        """Return the descriptor of a directory, where it was or where it is now."""
        try:
            return self._handles.descriptor(number)
        except OSError as error:
            check_machine(error)
            return self._elsewhere(number)

    def _elsewhere(self, directory: int) -> int:
        """Return the descriptor of a directory that is elsewhere now.

        Raises:
            FileNotFoundError: It is nowhere else.
        """
        found = None if self._moved.is_in_place(directory) else self._moved.find(directory)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return found

    def _is_scanned(self, number: int) -> bool:
        """Tell whether the open file is the one that was scanned."""
        info, row = os.fstat(self._fd), self._scan.others[number * WIDTH : (number + 1) * WIDTH]
        return stat.S_ISREG(info.st_mode) and is_scanned(info, row)

    def _close_file(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = self._number = -1
        self._is_another, self._way = False, None

    def _changes(self, number: int, pieces: Sequence[Piece], last: bool) -> Shortfall | None:
        """Compare a file that was read as planned with what the scan saw."""
        info = os.fstat(self._fd)
        row = number * WIDTH
        others = self._scan.others
        size = others[row + _SIZE]
        if self._is_another:
            told = "is another file than was scanned; it was read as it is now"
            if info.st_size > size:
                told += f", the first {size} of its {info.st_size} bytes"
            doubtful: list[tuple[int, int]] = []
            if number in self._scan.extents:
                # Its data may lie where the other had holes, and there is no place for it.
                told += ", but for what lies where the other had holes"
                doubtful = [(at, at + sum(view.nbytes for view in views)) for at, views in pieces]
            return Shortfall(doubtful, self._fault(number, "replaced", told))
        mtime = max(-HIGHEST - 1, min(info.st_mtime_ns, HIGHEST))
        if not last or (info.st_size == size and mtime == others[row + _MTIME]):
            return None if self._way is None else Shortfall([], self._way)
        if info.st_size == size:
            return Shortfall([], self._fault(number, "changed", "changed while it was read"))
        kind = "grew" if info.st_size > size else "shrank"
        message = f"{kind} from {size} to {info.st_size} bytes while it was read; kept at {size}"
        return Shortfall([], self._fault(number, kind, message))

    def _slowly(self, number: int, pieces: Sequence[Piece], last: bool) -> Shortfall | None:
        """Fill view by view, with zeros where there is nothing to read."""
        try:
            if number != self._number:
                self._open(number)
            info = os.fstat(self._fd)
        except OSError as error:
            check_machine(error)
            kind = _KINDS.get(error.errno or 0, "unreadable")
            if isinstance(error, _ReplacedError):
                kind = "replaced"
            return self._blank(number, pieces, kind, error.strerror or str(error))
        missing: list[tuple[int, int]] = []
        reason: OSError | None = None
        for offset, views in pieces:
            at = offset
            for view in views:
                got, trouble = self._read(view, at)
                reason = trouble or reason
                if got < view.nbytes:
                    view[got:] = bytes(view.nbytes - got)
                    missing.append((at + got, at + view.nbytes))
                at += view.nbytes
        if not missing:
            return self._changes(number, pieces, last)
        if reason is not None:
            text = f"{reason.strerror}; zeros stand for the data"
            return Shortfall(missing, self._fault(number, "unreadable", text))
        size = self._scan.others[number * WIDTH + _SIZE]
        if self._is_another:
            text = f"is another file than was scanned, of {info.st_size} instead of {size} bytes; "
            text += "it was read as it is now, zeros fill it up"
            return Shortfall(missing, self._fault(number, "replaced", text))
        # Files of the kernel, as those in /sys, end before the size that they are said to have.
        if info.st_size >= size:
            text = f"ends after {missing[0][0]} of its {size} bytes; zeros fill it up"
        else:
            text = f"shrank from {size} to {info.st_size} bytes while it was read; zeros fill it up"
        return Shortfall(missing, self._fault(number, "shrank", text))

    def _read(self, view: memoryview, offset: int) -> tuple[int, OSError | None]:
        got = 0
        try:
            while got < view.nbytes and (n := os.preadv(self._fd, [view[got:]], offset + got)):
                got += n
        except OSError as error:
            check_machine(error)
            return got, error
        return got, None

    def _blank(self, number: int, pieces: Sequence[Piece], kind: str, message: str) -> Shortfall:
        fault = self._fault(number, kind, f"{message}; zeros stand for the data")
        return Shortfall(blank(pieces), fault)

    def _fault(self, number: int, kind: str, message: str) -> Fault:
        return Fault(kind, message, self._scan.other_path(number))


def _open_at(name: bytes, directory: int) -> int:
    """Open a file for reading, if possible without touching its access time."""
    try:
        return os.open(name, _UNNOTICED, dir_fd=directory)
    except PermissionError:
        # Only the owner of a file may read it that way.
        return os.open(name, _FLAGS, dir_fd=directory)


def _fill_from(data: bytes, pieces: Sequence[Piece]) -> None:
    for offset, views in pieces:
        for view in views:
            view[:] = data[offset : offset + view.nbytes]
            offset += view.nbytes
