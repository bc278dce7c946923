"""NT ACLs among the extended attributes of a tree: Samba's and those of ntfs-3g (chapter 76)."""

from __future__ import annotations

import errno
import os
from functools import lru_cache

from darimage.errors import FormatError

SAMBA = b"security.NTACL"
NTFS_3G = b"system.ntfs_acl"
NAMES = (SAMBA, NTFS_3G)

_NONE = frozenset({errno.ENOTSUP, errno.ENODATA, errno.ENOENT, errno.ENOSYS, errno.EINVAL})
_REMEMBERED = 1 << 10

Acl = tuple[bytes, bytes]
"""A self-relative descriptor and its origin, empty if it came without a wrapper."""


class NtAcls:
    """Finds NT ACLs and takes them out of an inode's extended attributes.

    Equal descriptors come out as one object, so that a tree in which all are equal takes no more
    memory than one of them.

    Attributes:
        unlisted: Whether the directory looked at last is one of ntfs-3g, which lists no NT ACL.
    """

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.unlisted = False
        self._descriptors: dict[bytes, bytes] = {}
        self._origins: dict[bytes, bytes] = {}
        # Most files of a directory have the same value; those of version 4 never do.
        self._read = lru_cache(_REMEMBERED)(self._read_anew)

    def look(self, file: bytes | int) -> bytes | None:
        """Return what ntfs-3g keeps for a file: it does not list the attribute's name.

        Whether a file lies on such a file system is learned from its directory, so that nothing
        else is asked in vain.

        Args:
            file: Descriptor of a directory, or the path of something in the one asked for last.

        Raises:
            OSError: It is there and cannot be read.
        """
        if isinstance(file, int):
            self.unlisted = True
        elif not self.unlisted:
            return None
        try:
            return os.getxattr(file, NTFS_3G, follow_symlinks=isinstance(file, int))
        except OSError as error:
            if error.errno not in _NONE:
                raise
            if isinstance(file, int):
                self.unlisted = False
            return None

    def take(self, values: dict[bytes, bytes]) -> Acl | None:
        """Take the NT ACL out of extended attributes, ``None`` if there is none.

        Args:
            values: Extended attributes by full name.

        Raises:
            FormatError: It is not well-formed; it is left where it is (DARI-SDE-017).
        """
        for name in NAMES:
            if (value := values.get(name)) is not None:
                acl = self._read(name, value)
                del values[name]
                return acl
        return None

    def _read_anew(self, name: bytes, value: bytes) -> Acl:
        # It needs numpy, which most trees never need while they are scanned.
        from darimage.sections.nt_acls import MAX_ORIGIN
        from darimage.sections.security import SecurityDescriptor, split

        if name == SAMBA:
            descriptor, origin = split(value, self._descriptors)
        else:
            SecurityDescriptor.parse(value)
            descriptor, origin = value, b""
        if len(origin) > MAX_ORIGIN:
            raise FormatError(f"origin of {len(origin)} bytes", requirement="DARI-ACL-008")
        # The object that was seen first of those that are equal.
        return (
            self._descriptors.setdefault(descriptor, descriptor),
            self._origins.setdefault(origin, origin),
        )


def drop(values: dict[bytes, bytes]) -> None:
    """Take NT ACLs out of extended attributes and forget them."""
    for name in NAMES:
        values.pop(name, None)
