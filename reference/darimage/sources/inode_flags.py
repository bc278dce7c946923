"""Inode flags as Linux file systems have them (``chattr``), for ``di_flags`` (DARI-FIL-016)."""

from __future__ import annotations

import fcntl
import struct
import sys

_LONG = struct.calcsize("l")
_ioctl = fcntl.ioctl
_ZERO = bytes(_LONG)
_FS_IOC_GETFLAGS = 2 << 30 | _LONG << 16 | ord("f") << 8 | 1


def inode_flags(descriptor: int) -> int:
    """Return the flags of an open file or directory; 0 where the file system has none."""
    answer = bytearray(_LONG)  # ioctl takes twice as long to return bytes
    try:
        _ioctl(descriptor, _FS_IOC_GETFLAGS, answer)
    except OSError:
        return 0
    # The kernel stores an int, whatever the request's name says.
    return 0 if answer == _ZERO else int.from_bytes(answer[:4], sys.byteorder)
