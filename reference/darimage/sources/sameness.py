"""Whether something is what was scanned."""

from __future__ import annotations

import os
from collections.abc import Sequence

from darimage.sources.scan import FIELDS

_DEVICE, _INODE = FIELDS.index("source_device"), FIELDS.index("source_inode")
_LOOKS = [FIELDS.index(name) for name in ("mode", "size", "mtime_ns", "ctime_ns")]


def is_scanned(info: os.stat_result, row: Sequence[int]) -> bool:
    """Tell whether an inode is the one that was scanned.

    Inode numbers of some file systems do not last (FUSE): one that looks just the same is it.

    Args:
        info: What ``stat`` says of it now.
        row: The columns of the scanned one.
    """
    if info.st_dev != row[_DEVICE]:
        return False
    if info.st_ino == row[_INODE]:
        return True
    looks = [info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns]
    return looks == [row[at] for at in _LOOKS]
