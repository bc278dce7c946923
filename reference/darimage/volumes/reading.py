"""Images as seekable bytes: a file, or bytes in memory.

A stream that cannot seek is spooled into an unnamed temporary file first, so that everything above
sees positions.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, Self

from darimage.errors import StorageError
from darimage.faults import Fault
from darimage.volumes.cut import ONE_VOLUME, Cut
from darimage.volumes.urls import is_url

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from darimage.volumes.spool import Check

    Spans = npt.NDArray[np.int64]


class Gap(NamedTuple):
    """Bytes of an image that are not there.

    Attributes:
        start: The first.
        end: The one after the last.
        told: Why.
    """

    start: int
    end: int
    told: str


class Volume(Protocol):
    """Random access to the bytes of an image.

    A volume may also have ``expect``, ``is_slow`` and ``medium``; ask with the functions of these
    names.

    Attributes:
        name: What to call it in messages.
        size: Bytes that are really there.
        bytes_read: Bytes read so far.
        reads: Read calls so far.
    """

    name: str
    size: int
    bytes_read: int
    reads: int

    @property
    def cut(self) -> Cut:
        """Where continuation headers were taken out of it."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only at the end."""
        ...

    def readinto_at(self, offset: int, views: Sequence[memoryview]) -> int:
        """Fill the views one after another; return bytes read, fewer only at the end."""
        ...

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the gaps among some bytes, each up to its end; they read as zeros.

        It may be asked while another thread reads.
        """
        ...

    def close(self) -> None:
        """Give up what is held."""
        ...


class FileVolume:
    """An image in one file, read with ``pread`` (safe to use from several processes).

    Attributes:
        notes: What is wrong with the file as such.
    """

    cut: Cut = ONE_VOLUME
    notes: Sequence[Fault] = ()

    def __init__(self, fd: int, name: str) -> None:
        """Take over ``fd``, which must be seekable."""
        self._process = os.getpid()
        self.fd = fd
        self.name = name
        self.size = os.lseek(fd, 0, os.SEEK_END)
        self.bytes_read = 0
        self.reads = 0

    @classmethod
    def open(cls, path: str | os.PathLike[str], check: Check | None = None) -> FileVolume:
        """Open a file or device by name; ``-`` is standard input.

        Args:
            path: The name.
            check: Refuses a long stream by its beginning.

        Raises:
            StorageError: It cannot be opened.
        """
        if os.fspath(path) == "-":
            return cls.spool(os.fdopen(os.dup(0), "rb"), "standard input", check)
        name = os.fspath(path)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError.of(error, name) from error
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            os.close(fd)
            raise StorageError(f"{name}: is a directory, not an image")
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode):
            return cls.spool(os.fdopen(fd, "rb"), name, check)
        return cls(fd, name)

    @classmethod
    def spool(cls, stream: BinaryIO, name: str, check: Check | None = None) -> FileVolume:
        """Copy a stream into a temporary file without a name and open that."""
        import shutil

        from darimage.volumes.spool import Spool

        try:
            with stream, Spool(name, check) as spool:
                shutil.copyfileobj(stream, spool, 1 << 20)
                return spool.volume()
        except StorageError:
            raise
        except OSError as error:
            raise StorageError.of(error, name) from error

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only at the end."""
        return read_up_to(self, offset, length)

    def readinto_at(self, offset: int, views: Sequence[memoryview]) -> int:
        """Fill the views one after another; return bytes read, fewer only at the end."""
        wanted = sum(view.nbytes for view in views)
        total = 0
        pending = list(views)
        try:
            while pending:
                got = os.preadv(self.fd, pending, offset + total)
                self.reads += 1
                if got == 0:
                    break
                total += got
                if total == wanted:
                    break
                pending = _after(pending, got)
        except OSError as error:
            raise StorageError.of(error, self.name) from error
        self.bytes_read += total
        return total

    def missing(self, _start: int, _end: int) -> list[Gap]:
        """Return nothing: a file has all its bytes."""
        return []

    def close(self) -> None:
        """Close the file."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Nobody closes it any more, and descriptors are few.
        if os.getpid() == self._process:
            self.close()


class MemoryVolume:
    """An image in memory."""

    cut: Cut = ONE_VOLUME

    def __init__(self, data: bytes | bytearray | memoryview, name: str = "memory") -> None:
        """Keep a view of ``data``; it is not copied."""
        self._data = memoryview(data).cast("B")
        self.name = name
        self.size = self._data.nbytes
        self.bytes_read = 0
        self.reads = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only at the end."""
        data = bytes(self._data[offset : offset + max(0, length)])
        self.reads += 1
        self.bytes_read += len(data)
        return data

    def readinto_at(self, offset: int, views: Sequence[memoryview]) -> int:
        """Fill the views one after another; return bytes read, fewer only at the end."""
        total = 0
        for view in views:
            piece = self._data[offset + total : offset + total + view.nbytes]
            view.cast("B")[: piece.nbytes] = piece
            total += piece.nbytes
        self.reads += 1
        self.bytes_read += total
        return total

    def missing(self, _start: int, _end: int) -> list[Gap]:
        """Return nothing: all is here."""
        return []

    def close(self) -> None:
        """Nothing is held."""


def read_up_to(volume: Volume, offset: int, length: int) -> bytes:
    """Return up to ``length`` bytes of a volume by way of ``readinto_at``."""
    buffer = memoryview(bytearray(max(0, min(length, volume.size - offset))))
    got = volume.readinto_at(offset, [buffer])
    return bytes(buffer[:got])


def expect(volume: Volume, spans: Spans) -> None:
    """Tell a volume which bytes will be read next, in which order, if it wants to know.

    It may read ahead, or fetch several spans together; other bytes can still be read. What it was
    told before no longer holds.

    Args:
        volume: The volume; its method ``expect(spans)`` is called if it has one.
        spans: First byte and the one after the last of each, shape (n, 2), in the order of reading.
    """
    tell = getattr(volume, "expect", None)
    if tell is not None:
        tell(spans)


@contextmanager
def forgiving(volume: Volume) -> Iterator[None]:
    """Let a volume meanwhile give zeros, and no error, for what proves to be unreadable.

    For those who judge what is there and ask ``missing`` afterwards, and keep nothing of it.

    Args:
        volume: The volume; if it has a method ``forgive``, that is called with True, then False.
    """
    forgive = getattr(volume, "forgive", lambda _: None)
    forgive(True)
    try:
        yield
    finally:
        forgive(False)


def is_slow(volume: Volume) -> bool:
    """Tell whether one reader that goes on while others write serves a volume best.

    So it is where seeks or requests take long: its attribute ``is_slow`` says so.
    """
    return bool(getattr(volume, "is_slow", False))


def medium(volume: Volume) -> str:
    """Return the name of the drive model that fits what a volume is on; empty if it is unknown."""
    return str(getattr(volume, "medium", ""))


def is_recovered(volume: Volume) -> bool:
    """Tell whether the records of a volume were put at their numbers: ``recovered.Recovered``."""
    return bool(getattr(volume, "is_recovered", False))


def as_given(volume: Volume) -> Volume:
    """Return the bytes as they were before their records were put at their numbers."""
    while is_recovered(volume):
        volume = getattr(volume, "real")  # noqa: B009 - what has records put back has that
    return volume


def is_doubtful(volume: Volume, start: int, end: int) -> bool:
    """Tell whether some bytes may be others than were written (DARI-REC-031).

    Args:
        volume: The volume; its method ``doubtful(start, end)`` knows, if it has one.
        start: The first byte.
        end: The one after the last.
    """
    doubtful = getattr(volume, "doubtful", None)
    return doubtful is not None and bool(doubtful(start, end))


def patient(volume: Volume) -> Volume:
    """Return a volume that rather reads on than jumps a little, if this one is on a tape."""
    if not is_slow(volume) or medium(volume):
        return volume
    from darimage.volumes.patient import Patient

    return Patient(volume)


def open_file(name: str, check: Check | None = None) -> Volume:
    """Return a volume of a path or URL; ``-`` is standard input.

    Args:
        name: The path or URL.
        check: Looks at the beginning of what has to be copied first because it cannot seek.

    Raises:
        FormatError: The check found that it is no image.
        StorageError: It cannot be opened.
        UsageError: It is a URL, and what reads it is not installed.
    """
    if is_url(name):
        from darimage.volumes.remote import open_url

        return open_url(name, check)
    return FileVolume.open(name, check)


def open_volume(image: str | os.PathLike[str] | bytes | Volume) -> Volume:
    """Return a volume of a path (``-`` standard input), URL, or bytes, or the volume itself."""
    if isinstance(image, bytes):
        return MemoryVolume(image)
    if isinstance(image, str | os.PathLike):
        return open_file(os.fspath(image))
    return image


def _after(views: Sequence[memoryview], count: int) -> list[memoryview]:
    """Return what is left of ``views`` after their first ``count`` bytes."""
    rest = []
    for view in views:
        if count >= view.nbytes:
            count -= view.nbytes
        else:
            rest.append(view.cast("B")[count:])
            count = 0
    return rest
