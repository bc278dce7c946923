"""Reads headers whose record numbers are known, and nothing else (DARI-RST-004)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from darimage.units import RECORD
from darimage.volumes.reading import Volume, expect

Ints = npt.NDArray[np.int64]

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
        rows = np.zeros((len(wanted), RECORD), np.uint8)
        memory = memoryview(rows.data).cast("B")
        runs = list(_neighbours(wanted))
        if len(runs) > 1:
            places = [(at, at + high - low) for low, high, at in runs]
            expect(volume, np.array(places, np.int64) * RECORD)
        for low, high, record in runs:
            volume.readinto_at(record * RECORD, [memory[low * RECORD : high * RECORD]])
        yield wanted, rows


def _neighbours(records: Ints) -> Iterator[tuple[int, int, int]]:
    """Yield first and last-but-one place, and record number, of records side by side."""
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(records) != 1) + 1))
    ends = np.concatenate((bounds[1:], [len(records)]))
    yield from zip(bounds.tolist(), ends.tolist(), records[bounds].tolist(), strict=True)
