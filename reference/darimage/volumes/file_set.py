"""Volumes of an image as files ``name001``, ``name002``, ... (DARI-VOL-017).

They are written into a directory of their own beside their places, and moved there when all are
whole and on the disk. The first is moved last: a set is known by it, so what is there of a set
before that is never taken for one.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import suppress

from darimage.errors import StorageError, UsageError
from darimage.volumes import leftovers
from darimage.volumes.writing import Buffer

DIGITS = 3
"""Digits of a volume's number in its name, or more."""

_OPEN_MOST = 64


def numbered(prefix: str, volume: int) -> str:
    """Return the name of a volume."""
    return f"{prefix}{volume:0{DIGITS}}"


def volumes_there(prefix: str) -> dict[int, str]:
    """Return the files that are called like volumes of a set by their numbers, ascending."""
    folder, stem = os.path.split(prefix)
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return {}
    digits = [name[len(stem) :] for name in names if name.startswith(stem)]
    plain = [int(text) for text in digits if text.isascii() and text.isdigit()]
    named = {number: numbered(prefix, number) for number in sorted(plain) if number}
    return {number: name for number, name in named.items() if name[len(prefix) :] in digits}


class FileSet:
    """Files of a fixed capacity, written in any order and from several processes.

    Attributes:
        name: Name of the first volume.
        fd: The directory that they are written into.
        made: Names of the volumes, once they are in place.
    """

    seekable = True

    def __init__(
        self, prefix: str | os.PathLike[str], capacity: int, *, overwrite: bool = False
    ) -> None:
        """Make the directory.

        Args:
            prefix: What stands before the numbers.
            capacity: Bytes of a volume.
            overwrite: Volumes that are there may be replaced.

        Raises:
            UsageError: There are volumes of that name and ``overwrite`` is not set.
            StorageError: The directory cannot be made.
        """
        self._prefix = os.fspath(prefix)
        self._capacity = capacity
        self.name = numbered(self._prefix, 1)
        self.made: list[str] = []
        self._is_whole = False
        if not overwrite and (there := volumes_there(self._prefix)):
            raise UsageError(f"{next(iter(there.values()))}: exists (--force replaces it)")
        self._folder, stem = os.path.split(self._prefix)
        self._beside = os.path.join(self._folder, leftovers.partial_name(stem))
        try:
            self.fd = leftovers.create_directory(self._beside)
        except OSError as error:
            raise StorageError.of(error, self.name) from error
        self._files: OrderedDict[int, int] = OrderedDict()

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write all of ``data`` at a byte offset of the whole image."""
        view = memoryview(data).cast("B")
        try:
            while view:
                number, place = divmod(offset, self._capacity)
                room = self._capacity - place
                done = os.pwrite(self._file(number + 1), view[:room], place)
                offset += done
                view = view[done:]
        except OSError as error:
            called = numbered(self._prefix, offset // self._capacity + 1)
            raise StorageError.of(error, called) from error

    def _file(self, volume: int) -> int:
        """Return a descriptor of a volume; only so many are kept open."""
        known = self._files.get(volume)
        if known is not None:
            self._files.move_to_end(volume)
            return known
        if len(self._files) >= _OPEN_MOST:
            os.close(self._files.popitem(last=False)[1])
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._files[volume] = os.open(str(volume), flags, 0o666, dir_fd=self.fd)
        return self._files[volume]

    def finish(self) -> None:
        """Sync the files and move them to their places, the first last."""
        try:
            self._close_files()
            numbers = sorted(map(int, os.listdir(self._beside)), reverse=True)
            for number in numbers:
                self._sync(self._part(number))
            for number in numbers:
                name = numbered(self._prefix, number)
                os.replace(self._part(number), name)
                self.made.insert(0, name)
            self._sync(self._folder or ".")
            self._is_whole = True
            os.rmdir(self._beside)
        except OSError as error:
            raise StorageError.of(error, self.name) from error
        finally:
            self._close()

    def abort(self) -> None:
        """Remove what was written, volumes in their places too, unless all are there."""
        self._close()
        if self._is_whole:
            return
        import shutil

        shutil.rmtree(self._beside, ignore_errors=True)
        for name in self.made:
            with suppress(OSError):
                os.unlink(name)

    def _part(self, volume: int) -> str:
        """Return the path of a volume until it is moved to its place."""
        return os.path.join(self._beside, str(volume))

    def _sync(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _close_files(self) -> None:
        while self._files:
            os.close(self._files.popitem()[1])

    def _close(self) -> None:
        self._close_files()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
