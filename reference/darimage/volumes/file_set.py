"""Volumes of an image as files ``name001``, ``name002``, ... (DARI-VOL-017).

They are written into a directory of their own beside their places. When all are whole and on the
disk, they are moved there together (``replacing``).
"""

from __future__ import annotations

import os
from collections import OrderedDict

from darimage.errors import StorageError, UsageError
from darimage.volumes import leftovers, replacing
from darimage.volumes.replacing import listed, numbered
from darimage.volumes.writing import MODE, Buffer

_OPEN_MOST = 64


class FileSet:
    """Files of a fixed capacity, written in any order and from several processes.

    Attributes:
        name: Name of the first volume.
        fd: The directory that they are written into.
        made: Names of the volumes, once they are in place.
    """

    seekable = True

    def __init__(
        self,
        prefix: str | os.PathLike[str],
        capacity: int,
        *,
        overwrite: bool = False,
        mode: int = MODE,
    ) -> None:
        """Make the directory.

        Args:
            prefix: What stands before the numbers.
            capacity: Bytes of a volume.
            overwrite: Volumes that are there may be replaced.
            mode: Mode of the files.

        Raises:
            UsageError: There are volumes of that name and ``overwrite`` is not set.
            StorageError: The directory cannot be made.
        """
        self._prefix = os.fspath(prefix)
        self._capacity = capacity
        self.name = numbered(self._prefix, 1)
        self.made: list[str] = []
        self._mode = mode
        self._is_whole = False
        self._overwrite = overwrite
        replacing.settle(self._prefix)
        self._refuse_others()
        self._folder, stem = os.path.split(self._prefix)
        self._beside = os.path.join(self._folder, leftovers.partial_name(stem))
        try:
            self.fd = leftovers.create_directory(self._beside)
        except OSError as error:
            raise StorageError.of(error, self.name) from error
        self._files: OrderedDict[int, int] = OrderedDict()

    def _refuse_others(self) -> None:
        try:
            there = listed(self._prefix) if not self._overwrite else {}
        except OSError as error:
            raise StorageError.of(error, self.name) from error
        if there:
            raise UsageError(f"{next(iter(there.values()))}: exists (--force replaces it)")

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
        opened = os.open(str(volume), flags, MODE, dir_fd=self.fd)
        self._files[volume] = opened
        if self._mode != MODE:
            os.fchmod(opened, self._mode)
        return opened

    def finish(self) -> None:
        """Sync the files and move them to their places, all or none."""
        try:
            self._close_files()
            volumes = len(os.listdir(self._beside))
            for number in range(1, volumes + 1):
                replacing.sync(self._part(number))
            replacing.sync(self._beside)
            replacing.replace(self._prefix, self._beside, volumes, overwrite=self._overwrite)
            self.made = [numbered(self._prefix, number) for number in range(1, volumes + 1)]
            self._is_whole = True
        except OSError as error:
            raise StorageError.of(error, self.name) from error
        finally:
            self._close()

    def abort(self) -> None:
        """Remove what was written, unless it is in its place."""
        self._close()
        if self._is_whole:
            return
        import shutil

        shutil.rmtree(self._beside, ignore_errors=True)

    def _part(self, volume: int) -> str:
        """Return the path of a volume until it is moved to its place."""
        return os.path.join(self._beside, str(volume))

    def _close_files(self) -> None:
        while self._files:
            os.close(self._files.popitem()[1])

    def _close(self) -> None:
        self._close_files()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
