"""Volumes that differ in length, as ``dump`` may leave them: where each begins is a list."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np

from darimage.volumes.cut import Cut, Piece, Records


class Uneven(Cut):
    """A cut into volumes that begin at given records, each but the first with a header."""

    def __init__(self, heads: Sequence[int]) -> None:
        """Take the real numbers of the headers that open volumes 2 and up, ascending."""
        super().__init__()
        self._heads = list(heads)
        self._behind = [head - number for number, head in enumerate(heads)]

    def physical(self, records: Records) -> Records:
        """Return the real numbers of logical records."""
        return records + _before(self._behind, records)

    def logical(self, records: Records) -> Records:
        """Return the logical numbers of real records that are no continuation headers."""
        return records - _before(self._heads, records)

    def volume_of(self, records: Records) -> Records:
        """Return the numbers, from 1, of the volumes that real records lie on."""
        return _before(self._heads, records) + 1

    def is_continuation(self, record: int) -> bool:
        """Tell whether a real record is a continuation header."""
        at = bisect_right(self._heads, record)
        return at > 0 and self._heads[at - 1] == record

    def begins(self, volume: int) -> int:
        """Return the first logical record of a volume."""
        return self._behind[volume - 2] if volume > 1 else 0

    def pieces(self, first: int, count: int) -> Iterator[Piece]:
        """Yield logical records volume by volume."""
        while count > 0:
            at = bisect_right(self._behind, first)
            end = self._behind[at] if at < len(self._behind) else first + count
            head = self._heads[at - 1] if at else 0
            fits = min(count, end - first)
            if fits:
                yield Piece(at + 1, first, fits, first + at - head)
            first += fits
            count -= fits


def _before(places: list[int], records: Records) -> Records:
    """Return how many of the places are not behind each record."""
    if isinstance(records, int):
        return bisect_right(places, records)
    return np.searchsorted(np.array(places, np.int64), records, side="right")
