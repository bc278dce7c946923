"""What of an image is not there, whether or not anything was read from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darimage.faults import Fault
from darimage.image.told import Faults
from darimage.units import RECORD

if TYPE_CHECKING:
    from darimage.image.reader import Image


def tell_gaps(image: Image, faults: Faults) -> None:
    """Tell of each gap that no fault names yet: one within the data of a file holds no header."""
    known = "\n".join(fault.message for fault in faults)
    for gap in image.volume.missing(0, image.volume.size):
        if faults.full:
            return
        if gap.told not in known:
            where = (None, None, gap.start // RECORD, "DARI-VOL-020")
            faults.tell(Fault("missing", gap.told, *where))
