"""The offset map's payload (chapter 80): one 64-bit address an inode."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.schema import Order, dtype

ELEMENT = dtype("offset_map/element").itemsize


def encode(
    inodes: npt.NDArray[np.integer], offsets: npt.NDArray[np.integer], highest: int
) -> bytes:
    """Return the map of inodes 0 to ``highest``: ``offsets`` (bytes) of ``inodes``, else 0."""
    elements = np.zeros(highest + 1, dtype("offset_map/element"))
    elements["offset"][inodes] = offsets
    return elements.tobytes()


def decode(payload: bytes, order: Order = "le") -> npt.NDArray[np.uint64]:
    """Return the offsets (bytes) by inode number.

    Raises:
        FormatError: The payload is not a whole number of elements (DARI-OFF-001).
    """
    if len(payload) % ELEMENT:
        raise FormatError(
            f"offset map of {len(payload)} bytes is not a multiple of {ELEMENT}",
            requirement="DARI-OFF-001",
        )
    elements = np.frombuffer(payload, dtype("offset_map/element", order))
    return elements["offset"].astype(np.uint64)
