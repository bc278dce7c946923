"""The offset map's payload (chapter 80): one 64-bit address an inode."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from darimage.schema import dtype
from darimage.sections.payload import Payload, extents_of
from darimage.units import RECORD, records_of

ELEMENT = dtype("offset_map/element").itemsize
"""Bytes of an element (DARI-OFF-001)."""

_EACH = RECORD // ELEMENT

Inodes = npt.NDArray[np.integer]


def used_records(inodes: Inodes, highest: int) -> npt.NDArray[np.bool_]:
    """Return which records of a map have an element of one of ``inodes``."""
    used = np.zeros(records_of((highest + 1) * ELEMENT), np.bool_)
    used[np.asarray(inodes, np.int64) // _EACH] = True
    used[-1] = True
    return used


class OffsetMap:
    """The map of inodes 0 to the highest, held as its records that are not all zero.

    Attributes:
        payload: What a section holds of it.
    """

    def __init__(self, inodes: Inodes, offsets: npt.NDArray[np.integer], highest: int) -> None:
        """Put ``offsets`` (bytes) at the places of ``inodes``; all others are 0."""
        used = used_records(inodes, highest)
        self._records = np.flatnonzero(used)
        self._elements = np.zeros((len(self._records), _EACH), dtype("offset_map/element"))
        self._elements["offset"][self._places(inodes)] = offsets
        self.payload = Payload(
            (highest + 1) * ELEMENT,
            extents_of(used),
            self._elements.view(np.uint8).reshape(-1, RECORD),
        )

    def of(self, inodes: Inodes) -> npt.NDArray[np.uint64]:
        """Return the offsets of inodes of which at least one of their record is in the map."""
        found: npt.NDArray[np.uint64] = self._elements["offset"][self._places(inodes)]
        return found

    def _places(self, inodes: Inodes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
        record, element = np.divmod(np.asarray(inodes, np.int64), _EACH)
        return np.searchsorted(self._records, record), element
