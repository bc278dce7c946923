"""Goes over many blocks of one length at once: what lies between them is always the same."""

from __future__ import annotations

import os

import numpy as np

from darimage.errors import StorageError
from darimage.volumes.reading import Volume

_FEW, _BATCH = 16, 8192
"""Joints that are compared together, at first and at most: what ends soon is to cost little."""


def equal_joints(volume: Volume, first: int, stride: int, joint: bytes) -> int:
    """Return how often a joint comes again, each time ``stride`` bytes behind the one before.

    Nothing else is read.

    Args:
        volume: The container.
        first: Byte at which it would come the first time.
        stride: Bytes from one to the next.
        joint: The last bytes of one block and the first of the next, as the container frames them.

    Raises:
        StorageError: The container cannot be read.
    """
    expected = np.frombuffer(joint, np.uint8)
    last = volume.size - len(joint)
    found, batch = 0, _FEW
    while first <= last:
        places = range(first, min(last + 1, first + stride * batch), stride)
        batch = min(2 * batch, _BATCH)
        there = _gathered(volume, places, len(joint))
        if len(there) < len(places) * len(joint):
            break  # it has become shorter; who goes on finds out where
        rows = np.frombuffer(there, np.uint8).reshape(-1, len(joint))
        equal = (rows == expected).all(axis=1)
        found += len(places) if equal.all() else int(equal.argmin())
        if not equal.all():
            break
        first = places[-1] + stride
    return found


def _gathered(volume: Volume, places: range, length: int) -> bytes:
    """Return a few bytes from each of many places; those that touch are read at once."""
    if places.step == length:
        return volume.read_at(places[0], len(places) * length)
    fd: int | None = getattr(volume, "fd", None)
    if fd is None:
        return b"".join([volume.read_at(at, length) for at in places])
    try:
        read = os.pread
        return b"".join([read(fd, length, at) for at in places])
    except OSError as error:
        raise StorageError.of(error, volume.name) from error
