"""A tree on disk as the plain writer takes it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from darimage.plain import xattrs


@dataclass(eq=False)
class DiskNode:
    """An inode, read whole; see ``writer.Node``."""

    mode: int
    children: dict[bytes, DiskNode] = field(default_factory=dict)
    size: int = 0
    data: dict[int, bytes] = field(default_factory=dict)
    target: bytes = b""
    rdev: int = 0
    flags: int = 0
    uid: int = 0
    gid: int = 0
    atime_ns: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    birthtime_ns: int = 0
    xattrs: bytes = b""
    nt_acl: tuple[bytes, bytes] | None = None
    streams: dict[bytes, DiskNode] = field(default_factory=dict)


def read(path: bytes, known: dict[tuple[int, int], DiskNode] | None = None) -> DiskNode:
    """Return a tree.

    Raises:
        OSError: Something cannot be read.
    """
    known = {} if known is None else known
    told = os.lstat(path)
    key = (told.st_dev, told.st_ino)
    if key in known:
        return known[key]
    made = known[key] = DiskNode(
        told.st_mode,
        rdev=_number(told.st_rdev) if told.st_rdev else 0,
        uid=told.st_uid,
        gid=told.st_gid,
        atime_ns=told.st_atime_ns,
        mtime_ns=told.st_mtime_ns,
        ctime_ns=told.st_ctime_ns,
    )
    if stat.S_ISDIR(told.st_mode):
        for name in sorted(os.listdir(path)):
            made.children[name] = read(path + b"/" + name, known)
    elif stat.S_ISLNK(told.st_mode):
        made.target = os.readlink(path)
    elif stat.S_ISREG(told.st_mode):
        made.size = told.st_size
        made.data = _data(path, told.st_size)
    made.xattrs = _attributes(path)
    return made


def _number(rdev: int) -> int:
    """Return the number of a device as an image has it (DARI-FIL-012)."""
    major, minor = os.major(rdev), os.minor(rdev)
    return (major & 0xFFF) << 8 | minor & 0xFF | (minor & 0xFFF00) << 12


def _data(path: bytes, size: int) -> dict[int, bytes]:
    """Return what of a file is no hole."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    found: dict[int, bytes] = {}
    at = 0
    try:
        while at < size:
            try:
                at = os.lseek(fd, at, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(fd, at, os.SEEK_HOLE)
            found[at] = os.pread(fd, min(end, size) - at, at)
            at = end
    finally:
        os.close(fd)
    return found


def _attributes(path: bytes) -> bytes:
    try:
        names = [os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False)]
    except OSError:
        return b""
    return xattrs.encode({name: os.getxattr(path, name, follow_symlinks=False) for name in names})
