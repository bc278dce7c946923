"""Bytes in rows, looked at eight at a time."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_WORD = 8
_KEPT = np.where(np.arange(_WORD + 1)[:, None] <= np.arange(_WORD), 255, 0)
_KEPT = np.ascontiguousarray(_KEPT.astype(np.uint8)).view(np.uint64)[:, 0]
"""What is left of a word without some of its first bytes, all of them last."""


def used_from(rows: npt.NDArray[np.uint8], first: Ints) -> Bools:
    """Tell of rows of bytes whether anything but zeros is in them from a place on.

    Args:
        rows: The rows, a multiple of 8 bytes each.
        first: First byte that is looked at in each; the length of a row for none.
    """
    words = rows.view(np.uint64)
    count = words.shape[1]
    at = np.minimum(first // _WORD, count - 1)
    kept = np.where(first < rows.shape[1], first % _WORD, _WORD)
    used = ((words != 0) & _behind(count)[at]).any(axis=1)
    used |= words[np.arange(len(words)), at] & _KEPT[kept] != 0
    return np.asarray(used)


@cache
def _behind(words: int) -> Bools:
    """Return for each word of a row which ones come behind it."""
    numbers = np.arange(words)
    return np.asarray(numbers[:, None] < numbers)
