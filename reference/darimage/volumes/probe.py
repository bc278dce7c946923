"""A file or block device to be measured: read past the memory that the system keeps of it."""

from __future__ import annotations

import mmap
import os
import stat
from typing import Self

from darimage.errors import StorageError, UsageError

_ALIGNED = 4096
_STEP = 1 << 20


class FileProbe:
    """A regular file or a block device.

    Attributes:
        name: Its path.
        size: Its bytes, in whole pages.
        is_direct: Whether reads pass the page cache by (``O_DIRECT``).
    """

    def __init__(self, path: str) -> None:
        """Open it.

        Raises:
            StorageError: It cannot be opened.
            UsageError: It is neither.
        """
        self.name = path
        try:
            self.is_direct, self._fd = _opened(path)
        except OSError as error:
            raise StorageError.of(error, path) from error
        mode = os.fstat(self._fd).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
            self.close()
            raise UsageError(f"{path}: neither a file, a block device nor a tape drive")
        self.size = os.lseek(self._fd, 0, os.SEEK_END) // _ALIGNED * _ALIGNED
        self._page = mmap.mmap(-1, _STEP)

    def read(self, offset: int, length: int) -> None:
        """Read bytes from the medium.

        Raises:
            StorageError: They cannot be read.
        """
        offset = offset // _ALIGNED * _ALIGNED
        end = min(self.size, -(-(offset + length) // _ALIGNED) * _ALIGNED)
        try:
            if not self.is_direct:
                os.posix_fadvise(self._fd, offset, end - offset, os.POSIX_FADV_DONTNEED)
            while offset < end:
                view = memoryview(self._page)[: end - offset]
                got = os.preadv(self._fd, [view], offset)
                view.release()
                if not got:
                    return
                offset += got
        except OSError as error:
            raise StorageError.of(error, self.name) from error

    def close(self) -> None:
        """Close it."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _opened(path: str) -> tuple[bool, int]:
    """Return whether a file could be opened past the page cache, and its descriptor."""
    try:
        return True, os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_DIRECT)
    except OSError:
        return False, os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
