"""When files were made: ``statx``, which Python's ``os`` does not have yet.

Only few files of a tree are asked for it: those that may have got the inode number of another.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

_BTIME = 0x800
_INO = 0x100
_NOFOLLOW = 0x100
_BUFFER = 256

#: ``struct statx``: mask, inode number, and seconds and nanoseconds of the birth.
_MASK, _INODE, _BIRTH = (0, "=I"), (32, "=Q"), (80, "=qI")


@cache
def _statx() -> Any:
    """Return the function of the C library; ``None`` in an old one."""
    import ctypes

    return getattr(ctypes.CDLL(None), "statx", None)


def birth_ns(directory: int, name: bytes, inode: int) -> int:
    """Return when a file was made, nanoseconds since 1970; 0 if that is not known.

    Args:
        directory: Descriptor of the directory it is in.
        name: Its name there; a symbolic link is not followed.
        inode: Its inode number; if it has another now, nothing is known.
    """
    import ctypes

    function = _statx()
    buffer = ctypes.create_string_buffer(_BUFFER)
    if function is None or function(directory, name, _NOFOLLOW, _BTIME | _INO, buffer):
        return 0
    (mask,), (found,) = _field(buffer, _MASK), _field(buffer, _INODE)
    if not mask & _BTIME or found != inode:
        return 0
    seconds, nanoseconds = _field(buffer, _BIRTH)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _field(buffer: Any, field: tuple[int, str]) -> tuple[int, ...]:
    offset, code = field
    return struct.unpack_from(code, buffer, offset)
