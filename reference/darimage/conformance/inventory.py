"""What an image holds, as JSON that two implementations can compare (conformance/schemas).

One object an inode, sorted by first path and then by number; contents as SHA-256, never as bytes.
"""

from __future__ import annotations

import hashlib
import stat
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from darimage.conformance.attached import Attached
from darimage.conformance.words import text
from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image import contents
from darimage.image.absent import left_out
from darimage.image.inode import Inode
from darimage.image.reader import Image
from darimage.units import RECORD

OnFault = Callable[[Fault], None]

VERSION = 1
"""Version of the answer; a greater one only adds."""

WHOLE_MAX = 1 << 30
"""Bytes of a file up to which the hash of all its contents, holes included, is told."""

TYPES = {
    stat.S_IFDIR: "directory",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
}
"""What an inventory calls the types of inodes."""

_ZEROS = bytes(1 << 20)


def inventory(image: Image, on_fault: OnFault | None = None) -> dict[str, Any]:
    """Return what an image holds.

    Args:
        image: An open image.
        on_fault: Told of what is damaged, which is left out; by default it goes to the image's
            own faults.
    """
    return {
        "inventory": VERSION,
        "image": _identity(image),
        "inodes": list(inodes(image, on_fault or image.faults.tell)),
    }


def inodes(image: Image, on_fault: OnFault) -> Iterator[dict[str, Any]]:
    """Yield what is told of each inode, one file's contents read at a time."""
    attached = Attached(image, partial(data_of, image, on_fault), on_fault)
    for number, paths in _named(image):
        inode = _inode(image, number, on_fault)
        if inode is not None:
            yield _one(image, inode, paths, attached, on_fault)


def _identity(image: Image) -> dict[str, Any]:
    who = image.identity
    return {
        "dialect": "dari" if image.is_dari else "dump",
        "order": image.order,
        "uuid": str(uuid.UUID(bytes=who.uuid)) if any(who.uuid) else None,
        "date": str(who.date),
        "base_date": str(who.base_date),
        "level": who.level,
        "label": text(who.label),
    }


def _named(image: Image) -> list[tuple[int, list[bytes]]]:
    """Return the inodes that have names and are in the image, with their paths, in order."""
    paths: dict[int, list[bytes]] = {image.names.root: [b""]}
    for path, entry, _ in image.names.walk():
        paths.setdefault(entry.inode, []).append(path)
    numbers = np.array(list(paths), np.int64)
    here = numbers[~left_out(image, numbers)].tolist()
    named = [(number, sorted(paths[number])) for number in here]
    return sorted(named, key=lambda item: (item[1][0], item[0]))


def _inode(image: Image, number: int, on_fault: OnFault) -> Inode | None:
    try:
        return image.inode(number)
    except FormatError as error:
        on_fault(Fault.of(error, inode=number))
        return None


def _one(
    image: Image, inode: Inode, paths: list[bytes], attached: Attached, on_fault: OnFault
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "inode": inode.number,
        "paths": [text(path) for path in paths],
        "type": TYPES.get(inode.kind, "unknown"),
        "mode": f"{stat.S_IMODE(inode.mode):04o}",
        "uid": inode.uid,
        "gid": inode.gid,
        "nlink": inode.nlink,
    }
    for name in ("atime", "mtime", "ctime"):
        told[name] = str(getattr(inode, f"{name}_ns"))
    told["birthtime"] = str(inode.birthtime_ns) if inode.birthtime_ns else None
    if inode.is_device:
        told["rdev"] = inode.rdev
    elif inode.is_symlink:
        told["target"] = _target(image, inode, on_fault)
    elif inode.is_file:
        told |= data_of(image, on_fault, inode)
    return told | attached.of(inode)


def _target(image: Image, inode: Inode, on_fault: OnFault) -> dict[str, str] | None:
    try:
        return text(contents.read_link(image, inode))
    except FormatError as error:
        on_fault(Fault.of(error, inode=inode.number))
        return None


def data_of(image: Image, on_fault: OnFault, inode: Inode) -> dict[str, Any]:
    """Return size, present blocks and hashes of a file's contents, read in pieces."""
    present, whole = hashlib.sha256(), hashlib.sha256()
    is_small = inode.size <= WHOLE_MAX
    extents: list[list[int]] = []
    done = 0
    for offset, data in contents.read(image, inode, on_fault):
        _extend(extents, offset // RECORD, -(-(offset + len(data)) // RECORD))
        present.update(data)
        if is_small:
            _zeros(whole, offset - done)
            whole.update(data)
        done = offset + len(data)
    if is_small:
        _zeros(whole, inode.size - done)
    return {
        "size": str(inode.size),
        "extents": [[str(first), str(end - first)] for first, end in extents],
        "data_sha256": present.hexdigest(),
        "sha256": whole.hexdigest() if is_small else None,
    }


def _extend(extents: list[list[int]], first: int, end: int) -> None:
    """Add a stretch of blocks, joined with the one before if it adjoins."""
    if extents and extents[-1][1] == first:
        extents[-1][1] = end
    elif end > first:
        extents.append([first, end])


def _zeros(hashed: Any, count: int) -> None:
    while count > 0:
        hashed.update(_ZEROS[:count])
        count -= len(_ZEROS)
