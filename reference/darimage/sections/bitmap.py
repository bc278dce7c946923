"""Bitmaps I and II (chapter 40)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from darimage.units import RECORD

BITS = RECORD * 8
"""Inodes a record of a map can hold."""

_STRIDE = 1 << 14
"""Bytes of a map that are spread out at once."""


def records_for(highest: int) -> int:
    """Return the records of a map whose highest inode is ``highest`` (DARI-BMP-003)."""
    return max(1, -(-highest // BITS))


def encode(inodes: npt.NDArray[np.integer], records: int) -> bytes:
    """Return a map of ``records`` records with the bits of ``inodes`` set (DARI-BMP-002)."""
    packed = np.zeros(records * RECORD, np.uint8)
    bits = np.asarray(inodes, np.int64) - 1
    np.bitwise_or.at(packed, bits >> 3, (1 << (bits & 7)).astype(np.uint8))
    return packed.tobytes()


def decode(payload: bytes) -> npt.NDArray[np.int64]:
    """Return the inode numbers set in a map, ascending."""
    packed = np.frombuffer(payload, np.uint8)
    used = np.flatnonzero(packed)
    bits = np.unpackbits(packed[used], bitorder="little").reshape(-1, 8)
    rows, columns = np.nonzero(bits)
    return used[rows] * 8 + columns + 1


class Bitmap:
    """A map as it is stored: it is never spread out as a whole, so that a lying one costs little.

    Attributes:
        packed: Its bytes.
    """

    def __init__(self, packed: bytes = b"") -> None:
        """Take the records of a map."""
        self.packed = np.frombuffer(packed, np.uint8)

    def __bool__(self) -> bool:
        """Whether any bit is set."""
        return bool(self.packed.any())

    def __len__(self) -> int:
        """Return how many bits are set."""
        return int(np.bitwise_count(self.packed).sum(dtype=np.int64))

    @property
    def highest(self) -> int:
        """The highest inode set; 0 if none is."""
        used = np.flatnonzero(self.packed[::-1] != 0)[:1]
        if not used.size:
            return 0
        byte = len(self.packed) - 1 - int(used[0])
        return byte * 8 + int(self.packed[byte]).bit_length()

    def holds(self, inodes: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Tell which of some inode numbers are set."""
        bits = np.asarray(inodes, np.int64) - 1
        known = (bits >= 0) & (bits < len(self.packed) * 8)
        bits = np.where(known, bits, 0)
        found = np.zeros(bits.shape, np.uint8)
        if len(self.packed):
            found = self.packed[bits >> 3] >> (bits & 7).astype(np.uint8) & 1
        is_set: npt.NDArray[np.bool_] = known & (found != 0)
        return is_set

    def without(self, other: Bitmap) -> Iterator[int]:
        """Yield the inodes that are set here and not in another map, ascending."""
        for first in range(0, len(self.packed), _STRIDE):
            here = self.packed[first : first + _STRIDE]
            there = np.zeros_like(here)
            known = other.packed[first : first + len(here)]
            there[: len(known)] = known
            yield from (decode((here & ~there).tobytes()) + first * 8).tolist()

    def numbers(self) -> list[int]:
        """Return all inodes that are set."""
        return list(self.without(Bitmap()))
