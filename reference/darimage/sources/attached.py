"""What hangs on an inode besides its data: extended attributes, NT ACLs, streams."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import NamedTuple

from darimage.faults import Fault
from darimage.sources.scan import Scan

_NONE = frozenset({errno.ENOTSUP, errno.ENODATA, errno.ENOENT})
"""The file system has none, one vanished meanwhile, or all did: who reads the data notices that."""


@dataclass(frozen=True)
class Wanted:
    """What of it goes into an image.

    Attributes:
        xattrs: Extended attributes and POSIX ACLs.
    """

    xattrs: bool = True

    @property
    def anything(self) -> bool:
        """Whether anything at all does."""
        return self.xattrs


class Attached(NamedTuple):
    """What an inode has.

    Attributes:
        values: Extended attributes by full name.
        trouble: Why it could not be read; empty if it could.
    """

    values: dict[bytes, bytes]
    trouble: str = ""


class Attachments:
    """Finds what hangs on inodes, and takes it into a scan."""

    def __init__(self, wanted: Wanted, out: Scan) -> None:
        """Take into ``out`` what is wanted."""
        self._wanted = wanted
        self._out = out

    def look(self, file: bytes | int) -> Attached | None:
        """Return what an inode has; ``None`` for nearly all.

        Args:
            file: Descriptor, or a path whose last name is not followed.
        """
        if not self._wanted.anything:
            return None
        follow = isinstance(file, int)
        try:
            names = os.listxattr(file, follow_symlinks=follow)
            if not names:
                return None
            values = {
                os.fsencode(name): os.getxattr(file, name, follow_symlinks=follow) for name in names
            }
        except OSError as error:
            if error.errno in _NONE:
                return None
            return Attached({}, error.strerror or str(error))
        return Attached(values)

    def take(self, key: int, info: os.stat_result, found: Attached) -> None:
        """Take what an inode has into the scan, and what could not be taken into its faults.

        Args:
            key: Number of the inode, ``~number`` of a directory.
            info: What ``stat`` said of it.
            found: What it has.
        """
        if found.trouble:
            told = f"extended attributes not read: {found.trouble}"
            self._out.faults.append(Fault("xattrs", told, self._out.key_path(key)))
