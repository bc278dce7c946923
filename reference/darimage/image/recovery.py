"""Reads a damaged image as what it was: every record that is left at its number.

At the first sign of damage the whole input is looked at once (``survey``), and its records are put
back where they belong (``placing``). What reads the image then meets gaps at most.
"""

from __future__ import annotations

from typing import NamedTuple

from darimage.faults import Fault
from darimage.image.batch import Marks
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
        faults: What is wrong with it.
    """

    volume: Volume
    cut: Cut
    first: int
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
    volume: Volume = Recovered(real, placed.segments, placed.doubtful)
    first = placed.first
    if marks.numbered and found.cut.capacity:
        volume = Joined(volume, found.cut)
        first = found.cut.logical(first)
    return Recovery(volume, found.cut, first, placed.faults)
