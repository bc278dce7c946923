"""Giving back extended attributes and POSIX ACLs (DARI-XAT-016).

Who may not write a file may not set its ``user.`` attributes, so they come before the mode; the
mode changes what a POSIX ACL says, and the owner takes capabilities away, so all others come after.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from darimage.faults import Fault
from darimage.image.attributes import attributes_within
from darimage.sections.xattrs import ACL_ACCESS, ACL_DEFAULT
from darimage.showing import display

if TYPE_CHECKING:
    from darimage.image.chain import Chain
    from darimage.image.inode import Inode
    from darimage.image.reader import Image

Values = Mapping[bytes, bytes]
NOTHING: Values = {}
CAPABILITY = b"security.capability"

_USER = b"user."
_GENERAL = frozenset({errno.ENOTSUP, errno.EPERM, errno.EACCES})
"""What is so for the file system or the user, and so for many files alike."""


_ABSENT = frozenset({errno.ENODATA, errno.ENOTSUP})

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.E2BIG})
"""How file systems say so; those of ext4 take 4 KiB an inode."""


class _Why(NamedTuple):
    """Why attributes were not set: the first part of their names, and the reason."""

    first_part: bytes
    reason: str


class _Example(NamedTuple):
    """An attribute that was not set, and on how many inodes it was so."""

    name: bytes
    inode: int
    inodes: int


class Missed:
    """What could not be given back, for reasons that many inodes share."""

    def __init__(self) -> None:
        self._found: dict[_Why, _Example] = {}
        self._last: dict[_Why, int] = {}
        self._dropped: dict[tuple[str, str], tuple[int, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._found or self._dropped)

    def add(self, name: bytes, reason: str, inode: int) -> None:
        """Note an attribute that was not set."""
        why = _Why(name if name.startswith(b"system.") else name.partition(b".")[0] + b".", reason)
        if self._last.get(why) != inode:
            self._last[why] = inode
            self._count(why, _Example(name, inode, 1))

    def drop(self, kind: str, told: str, inode: int) -> None:
        """Note something else of an inode that is not given back."""
        first, count = self._dropped.get((kind, told), (inode, 0))
        self._dropped[kind, told] = min(first, inode), count + 1

    def merge(self, other: Missed) -> None:
        """Add what another process missed."""
        for key, (inode, more) in other._dropped.items():
            first, count = self._dropped.get(key, (inode, 0))
            self._dropped[key] = min(first, inode), count + more
        for why, example in other._found.items():
            self._count(why, example)

    def _count(self, why: _Why, example: _Example) -> None:
        known = self._found.get(why, example._replace(inodes=0))
        self._found[why] = known._replace(inodes=known.inodes + example.inodes)

    def faults(self, path_of: Callable[[int], bytes | None]) -> list[Fault]:
        """Return one fault for each reason, with the first inode it was so for."""
        faults = []
        for why, (name, first, inodes) in self._found.items():
            told = f"attribute {display(name)} not set: {why.reason}"
            if inodes > 1:
                kind = why.first_part + (b"*" if why.first_part.endswith(b".") else b"")
                told = f"attributes {display(kind)} not set: {why.reason}; so for {inodes} inodes"
                told += ", this one first"
            faults.append(Fault("xattrs", told, path_of(first), first))
        for (short, what), (inode, count) in self._dropped.items():
            more = f"; so for {count} inodes, this one first" if count > 1 else ""
            faults.append(Fault(short, what + more, path_of(inode), inode))
        return faults


def values_of(
    image: Image, inode: Inode, run: memoryview | None, on_fault: Callable[[Fault], None]
) -> Values:
    """Return the attributes of an inode.

    Args:
        image: The image it is in.
        inode: The inode.
        run: Its records from the first header on, if they were read.
        on_fault: Told of what is damaged.
    """
    if image.is_dari and not inode.attribute_records:
        return NOTHING  # as for nearly all
    if run is not None and inode.fits_head:
        return attributes_within(image, inode, run, on_fault)
    return image.attributes_of(inode, on_fault)


def may_lack_acl(faults: Iterable[Fault]) -> bool:
    """Tell whether some attributes are left out: a POSIX ACL may be among them (chapter 88)."""
    return any(not fault.is_note for fault in faults)


def of_directories(
    chain: Chain, inodes: Iterable[Inode], on_fault: Callable[[Fault], None]
) -> dict[int, Values]:
    """Return the attributes of those directories that have any, by inode number."""
    found: dict[int, Values] = {}
    for inode in sorted(inodes, key=lambda inode: inode.record):
        image = chain.last
        if image.is_dari and not inode.attribute_records:
            continue
        if len(chain.images) > 1:
            image = chain.of_directory(inode.number)
        if values := image.attributes_of(inode, on_fault):
            found[inode.number] = values
    return found


def hands_down(directory: int) -> bool:
    """Tell whether a directory gives what is made in it a POSIX ACL."""
    try:
        return bool(os.getxattr(directory, ACL_DEFAULT))
    except OSError:
        return False


def clear(file: int | str, inode: int, missed: Missed) -> None:
    """Take away the POSIX ACLs that a file got from its directory (DARI-XAT-018)."""
    for name in (ACL_ACCESS, ACL_DEFAULT):
        try:
            os.removexattr(file, name)
        except OSError as error:
            if error.errno not in _ABSENT:
                missed.add(name, f"one of its directory is left: {error.strerror}", inode)


def give_first(file: int | str, values: Values, inode: int, missed: Missed) -> str:
    """Set what has to be set before the mode; return what else went wrong, in one line."""
    return _give(file, [name for name in values if name.startswith(_USER)], values, inode, missed)


def give_last(file: int | str, values: Values, inode: int, missed: Missed, *, owned: bool) -> str:
    """Set what has to be set after owner and mode; return what else went wrong, in one line.

    Args:
        file: Descriptor, or a path that leads to nothing else.
        values: All attributes.
        inode: Inode number in the image.
        missed: Told of what this user or the file system does not let be set.
        owned: Whether the file got its owner (DARI-XAT-017).
    """
    names = [name for name in values if not name.startswith(_USER)]
    if not owned and CAPABILITY in names:
        names.remove(CAPABILITY)
    names.sort(key=lambda name: (name != ACL_ACCESS, name == CAPABILITY, name))
    return _give(file, names, values, inode, missed)


def _give(file: int | str, names: list[bytes], values: Values, inode: int, missed: Missed) -> str:
    trouble = []
    for name in names:
        try:
            os.setxattr(file, name, values[name])
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno in _GENERAL:
                missed.add(name, reason, inode)
            else:
                if error.errno in _FULL:
                    reason = f"the file system has no room for its {len(values[name])} bytes"
                trouble.append(f"attribute {display(name)} not set: {reason}")
    return "; ".join(trouble)
