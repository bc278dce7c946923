"""Reads the data of streams, and notices when it is not what the scan saw."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from typing import Protocol

from darimage.errors import check_machine
from darimage.faults import Fault
from darimage.sections.crc import crc32c
from darimage.sources.sameness import is_scanned
from darimage.sources.scan import FIELDS, WIDTH, Piece, Scan, Shortfall, blank
from darimage.sources.streams.form import File, InAttributes, InFile
from darimage.sources.streams.ntfs import open_beside

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SIZE, _MODE = FIELDS.index("size"), FIELDS.index("mode")
_GONE = (errno.ENOENT, errno.ENODATA, errno.ENOTDIR)


class _ReplacedError(OSError):
    """What is there is nothing that could be read instead of what was scanned."""


class _Data(Protocol):
    def read(self, view: memoryview, offset: int) -> int:
        """Fill a view; return how many bytes there were."""
        ...

    def size(self) -> int:
        """Return how many bytes there are now."""
        ...

    def changed(self) -> bool:
        """Tell whether they are others than were scanned."""
        ...

    def close(self) -> None:
        """Give up what is held."""
        ...


class StreamContents:
    """Reads the streams of a scan, one open at a time."""

    def __init__(
        self, scan: Scan, directory: Callable[[int], int], depot: Callable[[], int]
    ) -> None:
        """Prepare to read.

        Args:
            scan: What was scanned.
            directory: Returns the descriptor of a directory of its tree, good until the next call.
            depot: Opens the depot; called if a stream is there.
        """
        self._scan = scan
        self._directory = directory
        self._open_depot = depot
        self._depot = -1
        self._number = -1
        self._data: _Data | None = None
        self._is_another = False
        self._other_name = ""

    def fill(self, number: int, pieces: Sequence[Piece], *, last: bool = True) -> Shortfall | None:
        """Fill pieces of a stream with its data; see ``Contents.fill``."""
        try:
            data = self._find(number)
            missing = _fill(data, pieces)
            if missing or last or self._is_another:
                return self._changes(number, data, pieces, missing)
        except OSError as error:
            check_machine(error)
            kind = "vanished" if error.errno in _GONE else "unreadable"
            if isinstance(error, _ReplacedError):
                kind = "replaced"
            return self._blank(number, pieces, kind, error.strerror or str(error))
        return None

    def close(self) -> None:
        """Close what is open, but not the handles."""
        if self._data is not None:
            self._data.close()
            self._data, self._number = None, -1
        if self._depot >= 0:
            os.close(self._depot)
            self._depot = -1

    def _find(self, number: int) -> _Data:
        """Return the data of a stream, opened if it is not that used last."""
        if self._data is None or number != self._number:
            if self._data is not None:
                self._data.close()
                self._data = None
            self._is_another, self._other_name = False, ""
            key, stream = self._scan.stream_of[number]
            place = stream.place
            if isinstance(place, InAttributes):
                self._data = _Attributes(self._base(key), place)
            else:
                file = _File(self._open(key, place), place)
                self._is_another = self._is_another or file.is_another
                self._data = file
            self._number = number
        return self._data

    def _open(self, key: int, place: InFile) -> int:
        if place.beside:
            return open_beside(self._base(key), place.path, _FLAGS)
        if self._depot < 0:
            self._depot = self._open_depot()
        return os.open(place.path, _FLAGS, dir_fd=self._depot)

    def _base(self, key: int) -> File:
        """Return the base of a stream: the one that was scanned, or else what is there now.

        Raises:
            OSError: Nothing of its kind is there.
        """
        scan = self._scan
        if key < 0:
            at = self._directory(~key)
            row = scan.directories[~key * WIDTH : (~key + 1) * WIDTH]
            self._is_another = not is_scanned(os.fstat(at), row)
            return at
        row = scan.others[key * WIDTH : (key + 1) * WIDTH]
        places = scan.places(key)
        another: tuple[int, bytes] | None = None
        trouble: OSError | None = None
        for place in places:
            try:
                file = self._file(*place)
                info = os.lstat(file)
            except OSError as error:
                check_machine(error)
                trouble = trouble or error
                continue
            if is_scanned(info, row):
                if place != places[0]:
                    self._other_name = os.fsdecode(scan.path_in(*place))
                return file
            if stat.S_IFMT(info.st_mode) == stat.S_IFMT(row[_MODE]):
                another = another or place
        if another is None:
            raise trouble or _ReplacedError(errno.EINVAL, "what it is of is something else now")
        self._is_another = True
        return self._file(*another)

    def _file(self, directory: int, name: bytes) -> bytes:
        """Return a path that leads to a name of a directory, good until the next call."""
        return b"/proc/self/fd/%d/" % self._directory(directory) + name

    def _changes(
        self, number: int, data: _Data, pieces: Sequence[Piece], missing: list[tuple[int, int]]
    ) -> Shortfall | None:
        """Compare a stream with what the scan saw."""
        planned, size = self._scan.others[number * WIDTH + _SIZE], data.size()
        if self._is_another:
            told = "is another than was scanned; it was read as it is now"
            if size > planned:
                told += f", the first {planned} of its {size} bytes"
            elif missing:
                told += f", {size} instead of {planned} bytes; zeros fill it up"
            if number in self._scan.extents:
                # Its data may lie where the other had holes, and there is no place for it.
                told += ", but for what lies where the other had holes"
                missing = [(at, at + sum(view.nbytes for view in views)) for at, views in pieces]
            return Shortfall(missing, self._fault(number, "replaced", told))
        if size == planned and not missing:
            if not data.changed():
                return self._told_by_other_name(number)
            return Shortfall([], self._fault(number, "changed", "changed while it was read"))
        told = f"from {planned} to {size} bytes while it was read"
        if size > planned:
            return Shortfall(missing, self._fault(number, "grew", f"grew {told}; kept as planned"))
        rest = "; zeros fill it up" if missing else ""
        return Shortfall(missing, self._fault(number, "shrank", f"shrank {told}{rest}"))

    def _told_by_other_name(self, number: int) -> Shortfall | None:
        if not self._other_name:
            return None
        told = "its file is not there any more"
        told += f"; it was read by the file's other name {self._other_name!r}"
        return Shortfall([], self._fault(number, "vanished", told))

    def _blank(self, number: int, pieces: Sequence[Piece], kind: str, message: str) -> Shortfall:
        fault = self._fault(number, kind, f"{message}; zeros stand for the data")
        return Shortfall(blank(pieces), fault)

    def _fault(self, number: int, kind: str, message: str) -> Fault:
        return Fault(kind, message, self._scan.other_path(number))


def _fill(data: _Data, pieces: Sequence[Piece]) -> list[tuple[int, int]]:
    """Fill views; return the byte ranges for which there is no data and that are zeros."""
    missing = []
    for offset, views in pieces:
        at = offset
        for view in views:
            got = data.read(view, at)
            if got < view.nbytes:
                view[got:] = bytes(view.nbytes - got)
                missing.append((at + got, at + view.nbytes))
            at += view.nbytes
    return missing


class _Attributes:
    """Values of extended attributes, read at once."""

    def __init__(self, file: File, place: InAttributes) -> None:
        follow = isinstance(file, int)
        parts = [os.getxattr(file, name, follow_symlinks=follow) for name in place.names]
        parts[0] = parts[0][: len(parts[0]) - place.trailer]
        self._data = b"".join(parts)
        self._wanted = place.crc32c

    def read(self, view: memoryview, offset: int) -> int:
        part = self._data[offset : offset + view.nbytes]
        view[: len(part)] = part
        return len(part)

    def size(self) -> int:
        return len(self._data)

    def changed(self) -> bool:
        return crc32c(self._data) != self._wanted

    def close(self) -> None:
        pass


class _File:
    """A file of its own."""

    def __init__(self, descriptor: int, place: InFile) -> None:
        """Take over a descriptor."""
        self._descriptor = descriptor
        self._place = place
        info = os.fstat(descriptor)
        is_same = (info.st_dev, info.st_ino) == (place.device, place.inode)
        # Inode numbers of some file systems do not last (FUSE).
        self.is_another = not is_same and info.st_mtime_ns != place.mtime_ns
        if not stat.S_ISREG(info.st_mode):
            self.close()
            raise _ReplacedError(errno.EINVAL, "is no regular file any more")

    def read(self, view: memoryview, offset: int) -> int:
        got = 0
        while got < view.nbytes and (
            count := os.preadv(self._descriptor, [view[got:]], offset + got)
        ):
            got += count
        return got

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def changed(self) -> bool:
        return os.fstat(self._descriptor).st_mtime_ns != self._place.mtime_ns

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
