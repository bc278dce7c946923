"""What hangs on an inode besides its data: extended attributes, NT ACLs, streams."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import NamedTuple

from darimage.errors import FormatError
from darimage.faults import Fault, display
from darimage.sections import xattrs
from darimage.sources import nt_acls
from darimage.sources.scan import Scan

_NONE = frozenset({errno.ENOTSUP, errno.ENODATA, errno.ENOENT})
"""The file system has none, one vanished meanwhile, or all did: who reads the data notices that."""


@dataclass(frozen=True)
class Wanted:
    """What of it goes into an image.

    Attributes:
        xattrs: Extended attributes and POSIX ACLs.
        acls: NT ACLs.
    """

    xattrs: bool = True
    acls: bool = True

    @property
    def anything(self) -> bool:
        """Whether anything at all does."""
        return self.xattrs or self.acls


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
        self._nt_acls = nt_acls.NtAcls()
        self._payloads: dict[bytes, bytes] = {}

    def look(self, file: bytes | int) -> Attached | None:
        """Return what an inode has; ``None`` for nearly all.

        Args:
            file: Descriptor, or a path whose last name is not followed.
        """
        if not self._wanted.anything:
            return None
        try:
            values = _listed(file)
            trouble = ""
        except OSError as error:
            values, trouble = {}, _why(error)
        if self._wanted.acls:
            try:
                if (unlisted := self._nt_acls.look(file)) is not None:
                    values[nt_acls.NTFS_3G] = unlisted
            except OSError as error:
                trouble = trouble or f"{os.fsdecode(nt_acls.NTFS_3G)}: {_why(error)}"
        return Attached(values, trouble) if values or trouble else None

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
        self._take_nt_acl(key, found.values)
        if found.values and self._wanted.xattrs:
            self._take_xattrs(key, found.values)

    def _take_nt_acl(self, key: int, values: dict[bytes, bytes]) -> None:
        """Take an NT ACL out of an inode's extended attributes (DARI-SDE-017)."""
        if not self._wanted.acls:
            nt_acls.drop(values)
            return
        try:
            acl = self._nt_acls.take(values)
        except FormatError as error:
            told = "kept as it is" if self._wanted.xattrs else "left out"
            fault = Fault.of(error, path=self._out.key_path(key))
            self._out.faults.append(fault._replace(message=f"NT ACL {told}: {fault.message}"))
        else:
            if acl is not None:
                self._out.nt_acls[key] = acl

    def _take_xattrs(self, key: int, values: dict[bytes, bytes]) -> None:
        """Take extended attributes and POSIX ACLs (DARI-XAT-012)."""
        packed = xattrs.pack(values)
        for name in packed.left_out:
            told = f"extended attribute {display(name)} left out: there is no room for it"
            self._out.faults.append(Fault("xattrs", told, self._out.key_path(key)))
        if packed.payload:
            # Many inodes have the same: one object for all of them.
            self._out.xattrs[key] = self._payloads.setdefault(packed.payload, packed.payload)


def _listed(file: bytes | int) -> dict[bytes, bytes]:
    """Return the extended attributes that a file system tells the names of."""
    follow = isinstance(file, int)
    names = os.listxattr(file, follow_symlinks=follow)
    if not names:
        return {}
    return {os.fsencode(name): os.getxattr(file, name, follow_symlinks=follow) for name in names}


def _why(error: OSError) -> str:
    """Return what to tell of an error, nothing if it says that there is nothing."""
    return "" if error.errno in _NONE else error.strerror or str(error)
