"""Bytes in rows, looked at eight at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_WORD = 8
_WITHIN = np.arange(_WORD)


def used_from(rows: npt.NDArray[np.uint8], first: Ints) -> Bools:
    """Tell of rows of bytes whether anything but zeros is in them from a place on.

    Args:
        rows: The rows, a multiple of 8 bytes each.
        first: First byte that is looked at in each; the length of a row for none.
    """
    length = rows.shape[1]
    words = rows.view(np.uint64)
    whole = -(-first // _WORD)
    used = ((words != 0) & (whole[:, None] <= np.arange(length // _WORD))).any(axis=1)
    cut = np.flatnonzero(first % _WORD)
    column = (first[cut] // _WORD * _WORD)[:, None] + _WITHIN
    part = (rows[cut[:, None], column] != 0) & (column >= first[cut][:, None])
    used[cut] |= part.any(axis=1)
    return np.asarray(used)
