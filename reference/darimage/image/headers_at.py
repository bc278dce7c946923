"""Reads headers whose record numbers are known, neighbours together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from darimage.units import RECORD
from darimage.volumes.reading import Volume

Ints = npt.NDArray[np.int64]

_NEAR = 32
"""Records between two headers that are read over rather than left out."""

_SPAN = 4096
"""Records read at once at most."""

_TOGETHER = 4096
"""Headers handed over at once at most."""


def gather(volume: Volume, records: Ints) -> Iterator[tuple[Ints, npt.NDArray[np.uint8]]]:
    """Yield record numbers and the records, shape (n, 1024); what is past the end is left out.

    Args:
        volume: The image.
        records: Record numbers, ascending.
    """
    records = records[(records >= 0) & (records < volume.size // RECORD)]
    for first in range(0, len(records), _TOGETHER):
        wanted = records[first : first + _TOGETHER]
        rows = np.empty((len(wanted), RECORD), np.uint8)
        for low, high in _groups(wanted):
            start = int(wanted[low])
            length = (int(wanted[high - 1]) - start + 1) * RECORD
            data = volume.read_at(start * RECORD, length).ljust(length, b"\0")
            window = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
            rows[low:high] = window[wanted[low:high] - start]
        yield wanted, rows


def _groups(records: Ints) -> Iterator[tuple[int, int]]:
    """Yield spans of record numbers that lie near each other."""
    breaks = np.flatnonzero(np.diff(records) > _NEAR) + 1
    low = 0
    for high in [*breaks.tolist(), len(records)]:
        while low < high:
            reach = int(np.searchsorted(records[low:high], records[low] + _SPAN)) + low
            yield low, reach
            low = reach
