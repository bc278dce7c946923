"""Giving back NT ACLs, as the extended attribute of Samba or that of ntfs-3g (chapter 76)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.chain import Chain
from darimage.sources.nt_acls import NTFS_3G, SAMBA

Form = Literal["auto", "samba", "ntfs-3g", "none"]
FORMS: tuple[Form, ...] = ("auto", "samba", "ntfs-3g", "none")

_REMEMBERED = 1 << 10
_NOT_NTFS_3G = frozenset({errno.ENOTSUP, errno.ENODATA, errno.ENOSYS, errno.EINVAL})

Ints = npt.NDArray[np.int64]


@dataclass
class Refusals:
    """NT ACLs that were not given back: told once for a reason, with a count.

    Attributes:
        first: The inode that was refused first, by reason and requirement.
        counts: How many were refused, likewise.
    """

    first: dict[tuple[str, str | None], int] = field(default_factory=dict)
    counts: dict[tuple[str, str | None], int] = field(default_factory=dict)

    def note(self, inode: int, reason: str, requirement: str | None = None) -> None:
        """Count one."""
        key = reason, requirement
        self.first.setdefault(key, inode)
        self.counts[key] = self.counts.get(key, 0) + 1

    def add(self, other: Refusals) -> None:
        """Count those of another process."""
        for key, inode in other.first.items():
            self.first.setdefault(key, inode)
            self.counts[key] = self.counts.get(key, 0) + other.counts[key]

    def faults(self) -> Iterator[Fault]:
        """Yield a fault a reason."""
        for (reason, requirement), inode in self.first.items():
            more = self.counts[reason, requirement] - 1
            told = f"NT ACL not given back: {reason}"
            if more:
                told += f"; nor are those of {more:,} more inode{'s' if more > 1 else ''}"
            yield Fault("nt_acl", told, None, inode, None, requirement)


class NtAclGiver:
    """Gives files their NT ACLs.

    Attributes:
        refusals: What could not be given back since they were last taken.
    """

    def __init__(self, chain: Chain, form: Literal["samba", "ntfs-3g"]) -> None:
        """Find out which image of a chain has the NT ACL of which inode."""
        self._name = SAMBA if form == "samba" else NTFS_3G
        self._acls = [image.nt_acls for image in chain.images]
        self._inodes, self._image, self._number = _merged(chain)
        self._value = lru_cache(_REMEMBERED)(self._value_of)
        self.refusals = Refusals()

    def __len__(self) -> int:
        return len(self._inodes)

    def give(self, file: int | str, inode: int) -> None:
        """Give a file its NT ACL if it has one; keep account of what is refused.

        Args:
            file: Descriptor of it, or a path that leads to nothing else.
            inode: Its number in the image.
        """
        row = int(np.searchsorted(self._inodes, inode))
        if row == len(self._inodes) or self._inodes[row] != inode:
            return
        try:
            os.setxattr(file, self._name, self._value(self._image[row], self._number[row]))
        except FormatError as error:
            self.refusals.note(inode, error.message, error.requirement)
        except OSError as error:
            self.refusals.note(inode, f"{os.fsdecode(self._name)}: {error.strerror or error}")

    def taken(self) -> Refusals:
        """Return what was refused, and begin a new account."""
        taken, self.refusals = self.refusals, Refusals()
        return taken

    def _value_of(self, image: int, number: int) -> bytes:
        # Most images have no NT ACLs, and then nothing of this is needed.
        from darimage.sections.security import SecurityDescriptor, wrap

        descriptor = self._acls[image].descriptor(number)
        if self._name == SAMBA:
            return wrap(descriptor)
        SecurityDescriptor.parse(descriptor)
        return descriptor


def giver(chain: Chain, form: Form, destination: int) -> NtAclGiver | None:
    """Return what gives files their NT ACLs; ``None`` if there are none or none is wanted.

    Args:
        chain: The images.
        form: Which extended attribute; ``auto`` is ntfs-3g's where that keeps one, else Samba's.
        destination: Descriptor of the directory restored to.
    """
    if form == "none":
        return None
    if form == "auto":
        form = "ntfs-3g" if _is_ntfs_3g(destination) else "samba"
    return NtAclGiver(chain, form) or None


def _is_ntfs_3g(directory: int) -> bool:
    try:
        os.getxattr(directory, NTFS_3G)
    except OSError as error:
        return error.errno not in _NOT_NTFS_3G
    return True


def _merged(chain: Chain) -> tuple[Ints, list[int], list[int]]:
    """Return the inodes that have an NT ACL, the image each has it from, and its number there."""
    parts: list[tuple[Ints, Ints, Ints]] = [(np.zeros(0, np.int64),) * 3]
    for at, image in enumerate(chain.images):
        found = image.nt_acls
        mine = chain.holders(found.inodes) == at
        inodes = found.inodes[mine]
        parts.append((inodes, np.full(len(inodes), at), found.descriptor_numbers[mine]))
    inodes, images, numbers = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(inodes)
    return inodes[order], images[order].tolist(), numbers[order].tolist()
