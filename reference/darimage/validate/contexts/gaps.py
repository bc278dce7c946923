"""What is missing of an image on volumes: nothing is said of what may lie in it (DARI-VOL-020)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from darimage.image.reader import Image
from darimage.units import RECORD
from darimage.volumes.joined import Joined
from darimage.volumes.pieces import Pieces
from darimage.volumes.reading import Gap, as_given
from darimage.volumes.recovered import LOST

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def are_named(image: Image) -> bool:
    """Tell whether a rule names all volumes that are missing: readers need not."""
    return image.extension is not None and isinstance(image.volume, Joined)


class Gaps:
    """The gaps of an image, by real records: those of volumes that are missing or too short.

    Attributes:
        found: The gaps, ascending.
    """

    def __init__(self, image: Image) -> None:
        """Look at all volumes; nothing is missing of an image on one."""
        self.found: list[Gap] = []
        self._files = 0 if image.extension is None else image.extension.files
        if are_named(image) and isinstance(image.volume, Joined):
            real, given = image.volume.real, as_given(image.volume.real)
            seen = given if isinstance(given, Pieces) else real
            self.found = [gap for gap in seen.missing(0, seen.size) if gap.told != LOST]
        self._starts = np.array([gap.start // RECORD for gap in self.found], np.int64)
        self._ends = np.array([-(-gap.end // RECORD) for gap in self.found], np.int64)

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.found)

    def any_in(self, start: int, end: int) -> bool:
        """Tell whether some records from one up to another are missing."""
        return bool(((self._starts < end) & (self._ends > start)).any())

    def before_files(self, record: int = 0) -> bool:
        """Tell whether records from one up to the files are missing.

        Then there may be directories, entries and sections that nobody sees.
        """
        return self.any_in(record, self._files)

    def hold(self, records: Ints) -> Bools:
        """Tell which records are missing."""
        if not self.found:
            return np.zeros(len(records), np.bool_)
        at = np.maximum(np.searchsorted(self._starts, records, side="right") - 1, 0)
        held: Bools = (records >= self._starts[at]) & (records < self._ends[at])
        return held
