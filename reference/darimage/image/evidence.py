"""What images hold besides names: what entries are judged by, and what has no name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darimage.distinct import distinct
from darimage.faults import Fault
from darimage.image.batch import SECTIONS_INODE
from darimage.image.names import LOST, ROOT, Mask, OnFault

if TYPE_CHECKING:
    from darimage.image.chain import Chain
    from darimage.image.reader import Image

Ints = npt.NDArray[np.int64]

_NO_FILES = (LOST, SECTIONS_INODE, ROOT)

_EXT_FIRST_FILE = 11
"""Inodes below it are an ext file system's own; ``dump`` 0.4b49 and later call some in use."""


class OfChain:
    """Evidence of several images as one, or of an image alone."""

    def __init__(self, chain: Chain) -> None:
        """Take a chain; nothing is read of it yet."""
        self._chain = chain

    @property
    def _last(self) -> Image:
        return self._chain.last

    def exists(self, inodes: Ints) -> Mask:
        """Tell which inodes bitmap I has, all if it cannot be used."""
        if self._last.front.exists is None:
            return np.ones(len(inodes), np.bool_)
        return self._last.exists.holds(inodes)

    def known(self, inodes: Ints) -> Mask:
        """Tell which inodes a bitmap has or were found.

        A plain dump of a part of a file system names what lies beside that part as well.
        """
        front = self._last.front
        if not self._last.is_dari or (front.exists is None and front.dumped is None):
            return np.ones(len(inodes), np.bool_)
        found = self._last.exists.holds(inodes) | self._last.dumped.holds(inodes)
        if not found.all():
            found = found | (self._places(inodes) >= 0)
        return found

    def found(self, inodes: Ints) -> tuple[npt.NDArray[np.uint8], Ints]:
        """Return what the header of each inode says, 0 if none was found.

        Returns:
            Its type, as ``d_type``, and how many names it has; 0 if that is not known.
        """
        known: dict[int, tuple[int, int]] = {}
        for image, some in self._by_image(distinct(inodes)):
            for inode in image.inodes(some, _silent):
                links = inode.nlink if image.is_dari else 0
                known[inode.number] = inode.kind >> 12, links
        rows = np.array([known.get(number, (0, 0)) for number in inodes.tolist()], np.int64)
        rows = rows.reshape(-1, 2)
        return rows[:, 0].astype(np.uint8), rows[:, 1]

    def unnamed(self, named: Ints, on_fault: OnFault) -> Ints:
        """Return what was found and is neither a directory, named, nor a stream, ascending.

        Args:
            named: Inode numbers that have a name, directories included; ascending.
            on_fault: Called for what should be there, has no name, and was not found.
        """
        asked = self._asked()
        left = asked[~np.isin(asked, named)]
        left = left[~np.isin(left, _NO_FILES)]
        if left.size:
            left = left[~np.isin(left, self._of_streams())]
        if not left.size:
            return left
        is_found = self._places(left) >= 0
        not_found = left[~is_found]
        if len(self._chain.images) > 1 and not self._last.is_dari:
            not_found = not_found[not_found >= _EXT_FIRST_FILE]
        for number in not_found.tolist():
            told = "this inode has no name, and is not in the image as bitmap II says"
            on_fault(Fault("lost", told, None, number, None, "DARI-BMP-009"))
        return left[is_found]

    def _asked(self) -> Ints:
        """Return what should be there, and what a walk has found; ascending."""
        images, last = self._chain.images, self._last
        if len(images) > 1:
            parts = [np.array(last.exists.numbers(), np.int64)]
        else:
            parts = [np.array(last.dumped.numbers(), np.int64)]
            if last.front.dumped is None or last.is_walked:
                parts.append(last.offsets.inodes)
        return distinct(np.concatenate(parts))

    def _of_streams(self) -> Ints:
        """Return the inodes of streams and stream directories whose base is there."""
        numbers: list[int] = []
        bases: list[int] = []
        for base, one in self._chain.streams.by_base.items():
            mine = [one.number, *(entry.inode for entry in one.entries)]
            numbers += mine
            bases += [base] * len(mine)
        base_column = np.array(bases, np.int64)
        there = self._places(base_column) >= 0
        for image in self._chain.images:
            there |= np.isin(base_column, image.front.directories.numbers)
        found: Ints = np.array(numbers, np.int64)
        return found[there]

    def _places(self, inodes: Ints) -> Ints:
        """Return the address of each inode that is no directory, -1 if it was not found."""
        places = np.full(len(inodes), -1, np.int64)
        holders = self._chain.holders(inodes)
        for at, image in enumerate(self._chain.images):
            here = np.flatnonzero(holders == at)
            if here.size:
                places[here] = image.offsets.of(inodes[here])
        return places

    def _by_image(self, inodes: Ints) -> Iterator[tuple[Image, Ints]]:
        holders = self._chain.holders(inodes)
        for at, image in enumerate(self._chain.images):
            if (some := inodes[holders == at]).size:
                yield image, some


def _silent(fault: Fault) -> None:
    """Pass over the fault of an inode: whoever uses it will meet it again."""
