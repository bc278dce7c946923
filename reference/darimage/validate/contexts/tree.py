"""The directory tree as entries say it, judged by the inodes that the walk has met."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image.names import Names, OnFault
from darimage.image.reader import Image
from darimage.validate.contexts.runs import Found

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

BROKEN = {
    "DARI-BMP-009": "DARI-BMP-001",
    "DARI-DIR-018": "DARI-DIR-008",
    "DARI-DIR-019": "DARI-DIR-011",
    "DARI-DIR-020": "DARI-DIR-002",
    "DARI-DIR-022": "DARI-DIR-005",
    "DARI-DIR-023": "DARI-DIR-003",
}
"""What the image breaks where a reader goes by a sentence of its own."""

IN_CONSEQUENCE = ("DARI-DIR-021",)
"""What is doubtful only because the records of a directory are damaged, which is found itself."""


class Met:
    """What the walk knows of inodes, for those who judge names by it; see ``names.Evidence``."""

    def __init__(self, image: Image, found: Found) -> None:
        self._image = image
        self._found = found
        self._inodes, self._first = found.first()

    def exists(self, inodes: Ints) -> Mask:
        """Tell which inodes bitmap I has, all if it cannot be used."""
        if self._image.front.exists is None:
            return np.ones(len(inodes), np.bool_)
        return self._image.exists.holds(inodes)

    def known(self, inodes: Ints) -> Mask:
        """Tell which inodes a bitmap has or were met.

        A plain dump of a part of a file system names what lies beside that part as well.
        """
        front = self._image.front
        if not self._image.is_dari or (front.exists is None and front.dumped is None):
            return np.ones(len(inodes), np.bool_)
        there, _ = self._places(inodes)
        return self._image.exists.holds(inodes) | self._image.dumped.holds(inodes) | there

    def found(self, inodes: Ints) -> tuple[npt.NDArray[np.uint8], Ints]:
        """Return type, as ``d_type``, and links of each inode; 0 of those that were not met."""
        there, at = self._places(inodes)
        types = np.where(there, self._found.mode[at] >> 12, 0) if len(at) else np.zeros(0)
        is_dari = self._image.is_dari
        links = np.where(there & is_dari, self._found.nlink[at], 0) if len(at) else np.zeros(0)
        return types.astype(np.uint8), links.astype(np.int64)

    def unnamed(self, _named: Ints, _on_fault: OnFault) -> Ints:
        """Return nothing: the rules on links and bitmaps see what has no name."""
        return np.zeros(0, np.int64)

    def _places(self, inodes: Ints) -> tuple[Mask, Ints]:
        """Tell which inodes were met, and return the place of each among those, or any."""
        if not len(self._inodes):
            return np.zeros(len(inodes), np.bool_), np.zeros(0, np.int64)
        at = np.minimum(np.searchsorted(self._inodes, inodes), len(self._inodes) - 1)
        return np.asarray(self._inodes[at] == inodes), self._first[at]


def tree(image: Image, found: Found) -> tuple[Names, list[Fault]]:
    """Return the tree of an image, and what is wrong with it by the sentences that writers obey.

    Args:
        image: The image.
        found: The inodes that the walk has met.
    """
    faults: list[Fault] = []

    def tell(fault: Fault) -> None:
        requirement = fault.requirement or ""
        if requirement in IN_CONSEQUENCE:
            return
        faults.append(fault._replace(requirement=BROKEN.get(requirement, fault.requirement)))

    names = Names(image.front.directories, tell, Met(image, found))
    _ = names.unnamed
    return names, faults
