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
from darimage.image.names import LOST
from darimage.image.reader import Image
from darimage.image.state import Condition, State, joined
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

SECTIONS = 1
"""Inode number of sections, which are no inodes."""

_ZEROS = bytes(1 << 20)


def inventory(image: Image, on_fault: OnFault | None = None) -> dict[str, Any]:
    """Return what an image holds, and what is wrong with it (chapter 88).

    Args:
        image: An open image.
        on_fault: Called for what is damaged; by default it goes to the image's own faults.
    """
    return {
        "inventory": VERSION,
        "image": _identity(image),
        "inodes": list(inodes(image, on_fault or image.faults.tell)),
    }


def inodes(image: Image, on_fault: OnFault) -> Iterator[dict[str, Any]]:
    """Yield what is found of each inode, one file's contents read at a time.

    Lost inodes have their number, paths, type and state alone; those without a path come last.
    """
    attached = Attached(image, partial(data_of, image, on_fault), on_fault)
    seen = {0, SECTIONS}
    for number, paths, kind in _named(image):
        seen.add(number)
        inode = _inode(image, number, on_fault)
        if inode is not None:
            seen.add(inode.stream_directory)
            yield _one(image, inode, paths, attached, on_fault)
        else:
            yield _lost(number, paths, kind)
    for number in _promised(image, seen):
        if _inode(image, number, lambda _: None) is None:
            yield _lost(number, [], "unknown")


def _identity(image: Image) -> dict[str, Any]:
    """Return what is known of the image itself; what its first header would say may be null."""
    who = image.identity
    known = image.is_dari and (image.extension is not None or any(who.uuid))
    return {
        "dialect": "dari" if image.is_dari else "dump",
        "order": image.order,
        "uuid": str(uuid.UUID(bytes=who.uuid)) if known else None,
        "date": str(who.date),
        "base_date": str(who.base_date),
        "level": who.level,
        "label": text(who.label),
    }


def _named(image: Image) -> list[tuple[int, list[bytes], str]]:
    """Return inodes with names, unless the image rightly does not hold them, in order.

    Each comes with its paths and the type that its first entry says.
    """
    names = image.names
    paths: dict[int, list[bytes]] = {names.root: [b""]}
    kinds = {names.root: "directory"}
    # Without a root all that has no other name is below `#lost`.
    top = names.root if names.is_directory(names.root) else LOST
    for path, entry, _ in names.walk(top):
        if entry.inode != LOST:
            paths.setdefault(entry.inode, []).append(path)
            kinds.setdefault(entry.inode, TYPES.get(entry.d_type << 12, "unknown"))
    numbers = np.array(list(paths), np.int64)
    here = numbers[~left_out(image, numbers)].tolist()
    named = [(number, sorted(paths[number]), kinds[number]) for number in here]
    return sorted(named, key=lambda item: (item[1][0], item[0]))


def _promised(image: Image, seen: set[int]) -> list[int]:
    """Return what bitmap II asks for besides some inodes, streams and their directories."""
    streams = {
        number
        for one in image.streams.by_base.values()
        for number in (one.number, *(entry.inode for entry in one.entries))
    }
    return [number for number in image.dumped.numbers() if number not in seen | streams]


def _inode(image: Image, number: int, on_fault: OnFault) -> Inode | None:
    try:
        return image.inode(number)
    except FormatError as error:
        on_fault(Fault.of(error, inode=number))
        return None


def _lost(number: int, paths: list[bytes], kind: str) -> dict[str, Any]:
    """Return what is listed of an inode that was not found (DARI-FLT-004)."""
    named = [text(path) for path in paths]
    return {"inode": number, "paths": named, "type": kind, "state": State.LOST.word}


def _one(
    image: Image, inode: Inode, paths: list[bytes], attached: Attached, on_fault: OnFault
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "inode": inode.number,
        "paths": [text(path) for path in paths],
        "type": TYPES.get(inode.kind, "unknown"),
        "mode": f"{stat.S_IMODE(inode.mode):04o}",
        "uid": inode.uid,
        "gid": inode.gid,
        "nlink": inode.nlink,
    }
    for name in ("atime", "mtime", "ctime"):
        found[name] = str(getattr(inode, f"{name}_ns"))
    found["birthtime"] = str(inode.birthtime_ns) if inode.birthtime_ns else None
    if inode.metadata_only:
        found["contents"] = False
    if inode.is_device:
        found["rdev"] = inode.rdev
    elif inode.is_symlink:
        found |= _target(image, inode, on_fault)
    elif inode.is_file:
        found |= data_of(image, on_fault, inode)
    elif inode.is_directory and (state := image.names.state(inode.number)) != State.WHOLE:
        condition = Condition(inode.size)
        for _ in contents.read(image, inode, lambda _: None, condition):
            pass
        if image.names.begins_with_another(inode.number):
            condition.lose(0, 1)
        found |= _state(state, condition)
    return found | attached.of(inode)


def _target(image: Image, inode: Inode, on_fault: OnFault) -> dict[str, Any]:
    """Return the target of a symbolic link, or that it is not whole."""
    try:
        return {"target": text(contents.read_link(image, inode))}
    except FormatError as error:
        on_fault(Fault.of(error, inode=inode.number))
    condition = Condition(inode.size)
    for _ in contents.read(image, inode, lambda _: None, condition):
        pass
    # What is whole and still no target is damaged (DARI-FIL-008).
    state = condition.state if condition.state != State.WHOLE else State.DAMAGED
    return {"target": None, **_state(state, condition)}


def data_of(image: Image, on_fault: OnFault, inode: Inode) -> dict[str, Any]:
    """Return size, present blocks, state and hashes of a file's contents, read in pieces."""
    if inode.metadata_only:
        return {"size": str(inode.size), "extents": [], "data_sha256": None, "sha256": None}
    present, whole = hashlib.sha256(), hashlib.sha256()
    is_small = inode.size <= WHOLE_MAX
    extents: list[list[int]] = []
    condition = Condition(inode.size)
    done = 0
    for offset, data in contents.read(image, inode, on_fault, condition):
        _extend(extents, offset // RECORD, -(-(offset + len(data)) // RECORD))
        present.update(data)
        if is_small:
            _zeros(whole, offset - done)
            whole.update(data)
        done = offset + len(data)
    is_whole = condition.state == State.WHOLE
    if is_small and is_whole:
        _zeros(whole, inode.size - done)
    promised = [(first, end - first) for first, end in extents] + condition.promised
    return {
        "size": str(inode.size),
        "extents": _blocks(joined(promised)),
        "data_sha256": present.hexdigest() if is_whole else None,
        "sha256": whole.hexdigest() if is_small and is_whole else None,
        **_state(condition.state, condition),
    }


def _state(state: State, condition: Condition) -> dict[str, Any]:
    """Return the members that say what an inode's contents lack; none if it is whole."""
    if state == State.WHOLE:
        return {}
    found: dict[str, Any] = {"state": state.word}
    for name, blocks in (("missing", condition.missing), ("doubtful", condition.doubtful)):
        if blocks:
            found[name] = _blocks(blocks)
    return found


def _blocks(stretches: list[tuple[int, int]]) -> list[list[str]]:
    return [[str(first), str(count)] for first, count in stretches]


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
