"""How an image is cut into volumes: logical and real record numbers (chapter 35).

*Logical* numbers count the records of an image as if it had one volume. *Real* ones count the
continuation header at the head of each further volume too; they are what an image tells of itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Records = TypeVar("Records", int, "npt.NDArray[np.int64]")
"""One record number, or a column of them."""

LEAST = 2
"""Records of the smallest volume: a continuation header and a record of the image."""


class Piece(NamedTuple):
    """Logical records that lie side by side on one volume.

    Attributes:
        volume: Number of the volume, from 1.
        first: Logical number of the first.
        records: How many.
        place: Record within the volume where they begin; its header is record 0.
    """

    volume: int
    first: int
    records: int
    place: int


@dataclass(frozen=True)
class Cut:
    """Where an image is cut.

    Attributes:
        capacity: Records of each volume but the last, continuation header included; 0 if there is
            one volume (DARI-VOL-006).
    """

    capacity: int = 0

    def __post_init__(self) -> None:
        if self.capacity and self.capacity < LEAST:
            raise ValueError(f"a volume of {self.capacity} records holds nothing")

    def physical(self, records: Records) -> Records:
        """Return the real numbers of logical records (DARI-VOL-013)."""
        size = self.capacity
        if not size:
            return records
        return records + (records >= size) * (1 + (records - size) // (size - 1))

    def logical(self, records: Records) -> Records:
        """Return the logical numbers of real records that are no continuation headers."""
        return records - records // self.capacity if self.capacity else records

    def volume_of(self, records: Records) -> Records:
        """Return the numbers, from 1, of the volumes that real records lie on."""
        return records // self.capacity + 1 if self.capacity else records * 0 + 1

    def is_continuation(self, record: int) -> bool:
        """Tell whether a real record is a continuation header (DARI-VOL-012)."""
        return bool(self.capacity) and record > 0 and record % self.capacity == 0

    def total(self, count: int) -> int:
        """Return how many real records an image of ``count`` logical records takes."""
        return self.physical(count - 1) + 1 if count > 0 else 0

    def contents(self, total: int) -> int:
        """Return how many of the first ``total`` real records are no continuation headers."""
        return self.logical(total - 1) + 1 if total > 0 else 0

    def volumes(self, count: int) -> int:
        """Return how many volumes an image of ``count`` logical records takes."""
        return self.volume_of(max(0, self.total(count) - 1))

    def begins(self, volume: int) -> int:
        """Return the first logical record of a volume."""
        return self.capacity + (volume - 2) * (self.capacity - 1) if volume > 1 else 0

    def pieces(self, first: int, count: int) -> Iterator[Piece]:
        """Yield logical records volume by volume."""
        while count > 0:
            real = self.physical(first)
            place = real % self.capacity if self.capacity else real
            fits = min(count, self.capacity - place) if self.capacity else count
            yield Piece(self.volume_of(real), first, fits, place)
            first += fits
            count -= fits


ONE_VOLUME = Cut()
"""An image that is not cut."""
