"""Reads a damaged image as what it was: every record that is left at its number.

At the first sign of damage the whole input is looked at once (``survey``), and its records are put
back where they belong (``placing``). What reads the image then meets gaps at most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from darimage.faults import Fault
from darimage.image.batch import Ints, Marks
from darimage.image.placing import place
from darimage.image.survey import survey
from darimage.volumes.cut import Cut
from darimage.volumes.joined import Joined
from darimage.volumes.reading import Volume
from darimage.volumes.recovered import Recovered


class Recovery(NamedTuple):
    """A damaged image as it was.

    Attributes:
        volume: Its records by their numbers, headers of further volumes left out.
        cut: How it is cut into volumes.
        first: Record number of the first header.
        inodes: Numbers of the files whose headers were found, ascending, each once.
        records: Record number of the first header of each that was found.
        faults: What is wrong with it.
    """

    volume: Volume
    cut: Cut
    first: int
    inodes: Ints
    records: Ints
    faults: list[Fault]


def recover(real: Volume, marks: Marks, total: int) -> Recovery | None:
    """Return an image with its records at their numbers, ``None`` if it has no header.

    Args:
        real: The bytes as they lie.
        marks: What its headers have in common.
        total: Records it has, as its volume header says; 0 if that is not known.
    """
    found = survey(real, marks)
    if not len(found):
        return None
    placed = place(found, total, numbered=marks.numbered)
    if marks.numbered and placed.is_open:
        # What is lost may lie among the data of a group that is as long as it should be.
        found = survey(real, marks, proving=True)
        placed = place(found, total, numbered=True)
    volume: Volume = Recovered(real, placed.segments, placed.doubtful)
    first, numbers = placed.first, placed.numbers
    if marks.numbered and found.cut.capacity:
        volume = Joined(volume, found.cut)
        first, numbers = found.cut.logical(first), found.cut.logical(np.maximum(numbers, 0))
    # Of an image further headers say all that the first one does (DARI-FIL-022).
    of_files = np.flatnonzero((found.file == 1) | ((found.file == 2) & marks.numbered))
    of_files = of_files[np.lexsort((numbers[of_files], found.file[of_files]))]
    inodes, firsts = np.unique(found.inode[of_files], return_index=True)
    records = numbers[of_files[firsts]]
    return Recovery(volume, found.cut, first, inodes, records, placed.faults)
