"""The requests of Linux tape drivers, as ``linux/mtio.h`` lays them out."""

from __future__ import annotations

import fcntl
import os
import struct
from enum import IntEnum
from typing import Protocol

_WRITE, _READ = 1, 2


def _request(direction: int, number: int, layout: struct.Struct) -> int:
    """Return an ioctl number as ``_IOW('m', ...)`` and ``_IOR`` make it on most machines."""
    return direction << 30 | layout.size << 16 | ord("m") << 8 | number


OPERATION = struct.Struct("@hi")
"""``struct mtop``: what to do, and how often."""

STATUS = struct.Struct("@5l2i")
"""``struct mtget``: type, residual, drive status, generic status, errors, file, block."""

POSITION = struct.Struct("@l")
"""``struct mtpos``: the block."""

MTIOCTOP = _request(_WRITE, 1, OPERATION)
MTIOCGET = _request(_READ, 2, STATUS)
MTIOCPOS = _request(_READ, 3, POSITION)


class Op(IntEnum):
    """Operations of ``MTIOCTOP``."""

    FSF = 1
    BSR = 4
    WEOF = 5
    REW = 6
    EOM = 12
    SETBLK = 20
    SEEK = 22


END_OF_DATA = 0x08000000
"""Bit of the generic status: the head is behind all that is recorded."""


class Device(Protocol):
    """What the system does with a tape device that is open."""

    def read(self, length: int) -> bytes:
        """Read a block of at most ``length`` bytes; nothing at a file mark."""
        ...

    def write(self, block: memoryview) -> int:
        """Write a block; return how many bytes of it."""
        ...

    def ioctl(self, request: int, argument: bytes) -> bytes:
        """Ask the driver; return what it answers."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class SystemDevice:
    """A tape device of this machine."""

    def __init__(self, path: str, *, writing: bool = False) -> None:
        """Open it; the tape is not moved.

        Raises:
            OSError: It cannot be opened.
        """
        self._fd = os.open(path, (os.O_RDWR if writing else os.O_RDONLY) | os.O_CLOEXEC)

    def read(self, length: int) -> bytes:
        """Read a block of at most ``length`` bytes; nothing at a file mark."""
        return os.read(self._fd, length)

    def write(self, block: memoryview) -> int:
        """Write a block; return how many bytes of it."""
        return os.write(self._fd, block)

    def ioctl(self, request: int, argument: bytes) -> bytes:
        """Ask the driver; return what it answers."""
        return fcntl.ioctl(self._fd, request, argument)

    def close(self) -> None:
        """Close it; the driver writes a file mark if the last thing was a block."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
