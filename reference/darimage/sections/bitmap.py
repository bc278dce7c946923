"""Bitmaps I and II (chapter 40)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from darimage.units import RECORD

BITS = RECORD * 8
"""Inodes a record of a map can hold."""


def records_for(highest: int) -> int:
    """Return the records of a map whose highest inode is ``highest`` (DARI-BMP-003)."""
    return max(1, -(-highest // BITS))


def encode(inodes: npt.NDArray[np.integer], records: int) -> bytes:
    """Return a map of ``records`` records with the bits of ``inodes`` set (DARI-BMP-002)."""
    bits = np.zeros(records * BITS, np.uint8)
    bits[np.asarray(inodes, np.int64) - 1] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def decode(payload: bytes) -> npt.NDArray[np.int64]:
    """Return the inode numbers set in a map, ascending."""
    packed = np.frombuffer(payload, np.uint8)
    used = np.flatnonzero(packed)
    bits = np.unpackbits(packed[used], bitorder="little").reshape(-1, 8)
    rows, columns = np.nonzero(bits)
    return used[rows] * 8 + columns + 1
