"""Streams as a mount of ntfs-3g shows them (chapter 72)."""

from __future__ import annotations

import errno
import os

from darimage.errors import check_machine
from darimage.sections.crc import crc32c
from darimage.showing import display
from darimage.sources.streams.form import File, FoundStream, InAttributes, InFile, Tell, is_name

PREFIX = b"user."
LIST = b"ntfs.streams.list"
"""Attribute that holds the streams' names if they are opened as ``file:name``; never listed."""

_PROBE = b"system.ntfs_attrib"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def is_ntfs(file: File) -> bool:
    """Tell whether a file lies on a mount of ntfs-3g: only there this attribute can be asked for.

    The type of the file system would not do: it is ``fuseblk`` or ``fuse``, as of many others.
    """
    return _value(file, _PROBE) is not None


def is_windows(file: File) -> bool:
    """Tell whether such a mount has streams as ``file:name``, not as extended attributes."""
    return _value(file, LIST) is not None


def _value(file: File, name: bytes) -> bytes | None:
    try:
        return os.getxattr(file, name, follow_symlinks=isinstance(file, int))
    except OSError:
        return None


class NtfsXattr:
    """An attribute ``user.NAME`` a stream (``streams_interface=xattr``)."""

    takes_all = False

    def take(
        self, values: dict[bytes, bytes], info: os.stat_result, file: File, tell: Tell
    ) -> list[FoundStream]:
        """Return the streams among the attributes; see ``Form.take``."""
        del info, file, tell
        found = []
        for full in sorted(name for name in values if name.startswith(PREFIX)):
            name = full[len(PREFIX) :]
            if is_name(name):
                data = values.pop(full)
                place = InAttributes((full,), 0, crc32c(data))
                found.append(FoundStream(name, len(data), place))
        return found


class NtfsWindows:
    """A stream is opened as ``file:name`` (``streams_interface=windows``)."""

    takes_all = True

    def take(
        self, values: dict[bytes, bytes], info: os.stat_result, file: File, tell: Tell
    ) -> list[FoundStream]:
        """Return the streams of an inode; see ``Form.take``."""
        del values, info
        try:
            listed = os.getxattr(file, LIST, follow_symlinks=isinstance(file, int))
        except OSError as error:
            check_machine(error)
            if error.errno not in (errno.ENODATA, errno.ENOTSUP, errno.ENOENT):
                tell("unreadable", f"streams not listed: {error.strerror}")
            return []
        found = []
        for name in sorted(filter(None, listed.split(b"\0"))):
            if not is_name(name):
                tell("unreadable", f"stream {display(name)} left out: no image can have that name")
                continue
            try:
                found.append(_stat(file, name))
            except OSError as error:
                check_machine(error)
                tell("unreadable", f"stream {display(name)} left out: {error.strerror}")
        return found


def _stat(file: File, name: bytes) -> FoundStream:
    descriptor = open_beside(file, b":" + name, _OPEN)
    try:
        info = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    place = InFile(b":" + name, info.st_dev, info.st_ino, info.st_mtime_ns)
    return FoundStream(name, info.st_size, place)


def open_beside(file: File, suffix: bytes, flags: int) -> int:
    """Open ``file:name``; of a directory it is ``:name`` within it."""
    if isinstance(file, int):
        return os.open(suffix, flags, dir_fd=file)
    return os.open(file + suffix, flags)
