"""Inode flags as Linux file systems have them (``chattr``), given back last (DARI-FIL-016)."""

from __future__ import annotations

import fcntl
import struct
import sys

from darimage.sources.inode_flags import inode_flags

_LONG = struct.calcsize("l")
_FS_IOC_SETFLAGS = 1 << 30 | _LONG << 16 | ord("f") << 8 | 2

# Secure deletion, undelete, synchronous, immutable, append only, no dump, no access times;
# journalled data, no tail, synchronous directory, top of a hierarchy; no copy on write, project of
# all that is below.
_SETTABLE = sum(1 << bit for bit in (0, 1, 3, 4, 5, 6, 7, 14, 15, 16, 17, 23, 29))
"""Flags that users set; the others say how a file system keeps a file."""


def settable(flags: int) -> int:
    """Return those of some flags that are given back."""
    return flags & _SETTABLE


def give(descriptor: int, flags: int) -> None:
    """Set the flags of an open file or directory that users set.

    Raises:
        OSError: The user may not, or the file system does not have them.
    """
    now = inode_flags(descriptor)
    wanted = (now & ~_SETTABLE) | flags
    if wanted != now:
        number = (wanted & 0xFFFFFFFF).to_bytes(4, sys.byteorder)
        fcntl.ioctl(descriptor, _FS_IOC_SETFLAGS, number.ljust(_LONG, b"\0"))
