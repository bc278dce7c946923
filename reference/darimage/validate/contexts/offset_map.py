"""The offset map beside the places that were found (chapter 80)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.image.reader import Image
from darimage.units import RECORD
from darimage.validate.contexts.gaps import Gaps
from darimage.validate.contexts.runs import distinct
from darimage.validate.contexts.sections import SectionSeen

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


@dataclass
class MapSeen:
    """A sound offset map.

    Attributes:
        section: Its section.
        record: Where that lies.
        image: The image.
        inodes: Numbers of the files that were found.
        records: Their places.
        lacks: What is missing of the image.
    """

    section: SectionSeen
    record: int
    image: Image
    inodes: Ints
    records: Ints
    lacks: Gaps

    @cached_property
    def elements(self) -> tuple[Ints, Words]:
        """Numbers of the inodes that it has a place for, and these places in bytes."""
        inodes, words = self.section.content.numbers, self.section.content.words
        said = words.view("<u8" if self.image.order == "le" else ">u8").reshape(-1)
        return inodes, said.astype(np.uint64)

    @cached_property
    def both(self) -> tuple[Ints, Words, Words]:
        """All inodes that have a place; where the map says that is, and where it is; 0 nowhere."""
        inodes, said = self.elements
        numbers, first = distinct(self.inodes)
        real = self.image.marks.cut.physical(self.records[first])
        true = (real * RECORD).astype(np.uint64)
        if np.array_equal(inodes, numbers):
            return numbers, said, true
        everyone = np.union1d(inodes, numbers)
        return everyone, _spread(everyone, inodes, said), _spread(everyone, numbers, true)

    @cached_property
    def different(self) -> Ints:
        """Which of ``both`` differ; one on a volume that is missing may be where the map says."""
        _, said, true = self.both
        differ = np.flatnonzero(said != true)
        if not self.lacks:
            return differ
        places = (said[differ] // np.uint64(RECORD)).astype(np.int64)
        kept: Ints = differ[~((true[differ] == 0) & self.lacks.hold(places))]
        return kept


def _spread(everyone: Ints, inodes: Ints, values: Words) -> Words:
    spread = np.zeros(len(everyone), np.uint64)
    spread[np.searchsorted(everyone, inodes)] = values
    return spread
