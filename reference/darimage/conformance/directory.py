"""The inventory of a directory tree in the form of an image's, to judge what was restored."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from darimage.conformance.inventory import TYPES, VERSION, WHOLE_MAX
from darimage.conformance.words import text

FIELDS = ("mode", "uid", "gid", "size", "mtime", "rdev", "target", "sha256")
"""What a restored inode is compared in."""

_CHUNK = 1 << 20
_NS = 1_000_000_000

_NOBODY = 2**32 - 1
"""Asking for this owner means to change nothing."""

_TIMES = range(-(2**31), 2**34 - 2**31)
"""Seconds that ext4 holds."""


def fields(expected: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Return what of a tree can be compared: only root gives files to others.

    Args:
        expected: What should be in the tree; what no file system could hold is not compared.
    """
    left_out = set() if os.geteuid() == 0 else {"uid", "gid"}
    for inode in (expected or {}).get("inodes", ()):
        if _NOBODY in (inode.get("uid"), inode.get("gid")):
            left_out |= {"uid", "gid"}
        if int(inode.get("mtime") or 0) // _NS not in _TIMES:
            left_out.add("mtime")
    return tuple(name for name in FIELDS if name not in left_out)


def inventory_of(top: Path) -> dict[str, Any]:
    """Return the inventory of a tree; no link is followed.

    Raises:
        OSError: Something cannot be read.
    """
    known: dict[tuple[int, int], dict[str, Any]] = {}
    for path, folder, name in _walk(top):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        inode = known.get((status.st_dev, status.st_ino))
        if inode is None:
            known[status.st_dev, status.st_ino] = inode = _inode(status, name, folder)
        inode["paths"].append(path)
    for inode in known.values():
        inode["paths"] = [text(path) for path in sorted(inode["paths"])]
    return {"inventory": VERSION, "inodes": list(known.values())}


def _walk(top: Path) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield path, open directory and name of the root and all below it; deep trees too.

    One directory is open at a time: a tree may be deeper than there are descriptors.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        stack = [(b"", _identity(folder), _names(folder))]
        yield b"", folder, b"."
        while stack:
            path, _, names = stack[-1]
            if not names:
                stack.pop()
                if stack:
                    folder = _changed(folder, b"..", flags)
                    if _identity(folder) != stack[-1][1]:
                        raise OSError(errno.ESTALE, "was moved while it was read", os.fspath(top))
                continue
            name = names.pop()
            here = path + b"/" + name if path else name
            yield here, folder, name
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                folder = _changed(folder, name, flags)
                stack.append((here, _identity(folder), _names(folder)))
    finally:
        os.close(folder)


def _changed(folder: int, name: bytes, flags: int) -> int:
    """Return a directory in the place of one that is closed."""
    below = os.open(name, flags, dir_fd=folder)
    os.close(folder)
    return below


def _identity(folder: int) -> tuple[int, int]:
    status = os.fstat(folder)
    return status.st_dev, status.st_ino


def _names(folder: int) -> list[bytes]:
    return sorted((os.fsencode(name) for name in os.listdir(folder)), reverse=True)


def _inode(status: os.stat_result, name: bytes, folder: int) -> dict[str, Any]:
    kind = stat.S_IFMT(status.st_mode)
    told: dict[str, Any] = {
        "paths": [],
        "type": TYPES.get(kind, "unknown"),
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "uid": status.st_uid,
        "gid": status.st_gid,
        "mtime": str(status.st_mtime_ns),
    }
    if kind == stat.S_IFREG:
        told["size"] = str(status.st_size)
        told["sha256"] = _hash(name, folder) if status.st_size <= WHOLE_MAX else None
    elif kind == stat.S_IFLNK:
        told["target"] = text(os.readlink(name, dir_fd=folder))
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        told["rdev"] = status.st_rdev
    return told


def _hash(name: bytes, folder: int) -> str:
    hashed = hashlib.sha256()
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(fd, "rb") as file:
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()
