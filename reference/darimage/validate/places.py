"""Where the records of an image really lie, continuation headers counted (DARI-VOL-013)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from darimage.image.reader import Image
from darimage.units import RECORD
from darimage.volumes.joined import Joined

Ints = npt.NDArray[np.int64]


class Places:
    """The bytes of all volumes of an image, joined as they are.

    Attributes:
        size: How many there are.
    """

    def __init__(self, image: Image) -> None:
        volume = image.volume
        self._cut = volume.cut
        self._real = volume.real if isinstance(volume, Joined) else volume
        self.size: int = self._real.size

    def volume_of(self, record: int) -> int:
        """Return the number of the volume that a record lies on, from 1."""
        return self._cut.volume_of(record)

    def read(self, record: int) -> bytes:
        """Return the bytes of a record; fewer at the end."""
        return self._real.read_at(record * RECORD, RECORD)

    def real(self, records: Ints) -> Ints:
        """Return the real numbers of logical records."""
        return self._cut.physical(records)

    def total(self, records: int) -> int:
        """Return how many real records some logical records take."""
        return self._cut.total(records)
