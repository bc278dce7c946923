"""Where an image is written: a file that appears whole or not at all, or a stream.

A sink takes bytes at positions. A file takes them in any order, from several processes at once; a
stream takes them in order.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Protocol

from darimage.errors import StorageError, UsageError
from darimage.volumes import leftovers

Buffer = bytes | bytearray | memoryview


MODE = 0o600
"""Mode of an image: it holds what others may not read in the tree."""


class Sink(Protocol):
    """Takes the bytes of an image.

    Attributes:
        name: What to call it in messages.
        seekable: Whether ``write_at`` takes positions in any order and from forked processes.
    """

    name: str
    seekable: bool

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write all of ``data`` at a byte offset."""
        ...

    def finish(self) -> None:
        """Make the image durable and visible."""
        ...

    def abort(self) -> None:
        """Leave nothing behind."""
        ...


class FileSink:
    """A file written beside its place, synced, and renamed into it by ``finish``."""

    seekable = True

    def __init__(
        self, path: str | os.PathLike[str], *, overwrite: bool = False, mode: int = MODE
    ) -> None:
        """Create the file beside its place.

        Args:
            path: Its name.
            overwrite: A file of that name may be replaced.
            mode: Its mode; no umask is taken off.

        Raises:
            UsageError: There is a file of that name and ``overwrite`` is not set.
            StorageError: The file cannot be created.
        """
        self.name = os.fspath(path)
        self._overwrite = overwrite
        if not overwrite and os.path.lexists(self.name):
            raise UsageError(f"{self.name}: exists (--force replaces it)")
        self._folder, called = os.path.split(self.name)
        self._beside = os.path.join(self._folder, leftovers.partial_name(called))
        try:
            self.fd = leftovers.create_file(self._beside)
        except OSError as error:
            raise StorageError.of(error, self.name) from error
        try:
            if mode != MODE:
                os.fchmod(self.fd, mode)
        except OSError as error:
            self.abort()
            raise StorageError.of(error, self.name) from error

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write all of ``data`` at a byte offset."""
        view = memoryview(data).cast("B")
        try:
            while view:
                done = os.pwrite(self.fd, view, offset)
                offset += done
                view = view[done:]
        except OSError as error:
            raise StorageError.of(error, self.name) from error

    def finish(self) -> None:
        """Sync the file, rename it into place and sync the directory."""
        try:
            os.fsync(self.fd)
            if not self._overwrite and os.path.lexists(self.name):
                raise UsageError(f"{self.name}: has come there meanwhile")
            os.replace(self._beside, self.name)
            # Not before: the lock goes with it.
            os.close(self.fd)
            self.fd = -1
            directory = os.open(self._folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise StorageError.of(error, self.name) from error

    def abort(self) -> None:
        """Remove the file beside."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        with suppress(OSError):
            os.unlink(self._beside)


class StreamSink:
    """A pipe, socket, device or the like, written in order.

    Attributes:
        fd: What is written to; it may be a file all the same.
    """

    seekable = False

    def __init__(self, fd: int, name: str) -> None:
        """Write to ``fd``, which stays open."""
        self.fd = fd
        self.name = name
        self._position = 0

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write all of ``data``, which must follow what was written before.

        Raises:
            BrokenPipeError: Whoever read it has gone away.
            StorageError: It cannot be written.
        """
        if offset != self._position:
            raise StorageError(f"{self.name}: cannot write byte {offset} after {self._position}")
        view = memoryview(data).cast("B")
        try:
            while view:
                done = os.write(self.fd, view)
                self._position += done
                view = view[done:]
        except BrokenPipeError:
            raise  # whoever reads it has seen enough: no failure of the machine
        except OSError as error:
            raise StorageError.of(error, self.name) from error

    def finish(self) -> None:
        """Nothing is left to do: a pipe's reader has it all."""

    def abort(self) -> None:
        """What was written cannot be taken back."""


class MemorySink:
    """An image in memory, for tests and small images."""

    seekable = False
    name = "memory"

    def __init__(self) -> None:
        """Start empty."""
        self.data = bytearray()

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write ``data`` at a byte offset."""
        end = offset + memoryview(data).nbytes
        if end > len(self.data):
            self.data.extend(bytes(end - len(self.data)))
        self.data[offset:end] = data

    def finish(self) -> None:
        """Nothing to do."""

    def abort(self) -> None:
        """Forget the bytes."""
        self.data.clear()


def open_sink(path: str | os.PathLike[str], *, overwrite: bool = False, mode: int = MODE) -> Sink:
    """Return a sink for a path; ``-`` and existing pipes and devices are written as streams.

    Raises:
        UsageError: Standard output is a terminal, or the file exists.
        StorageError: It cannot be written.
    """
    if os.fspath(path) == "-":
        try:
            is_terminal = os.isatty(1)
            os.fstat(1)
        except OSError as error:
            raise StorageError("standard output: is closed") from error
        if is_terminal:
            raise UsageError("standard output: is a terminal, and an image is no text")
        return StreamSink(1, "standard output")
    with suppress(OSError):
        if is_stream(path):
            return StreamSink(os.open(path, os.O_WRONLY | os.O_CLOEXEC), os.fspath(path))
    return FileSink(path, overwrite=overwrite, mode=mode)


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is ``-`` or a pipe, a device or the like that is there."""
    if os.fspath(path) == "-":
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
