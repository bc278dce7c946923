"""A bitmap, and what it says of itself (chapter 40)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from darimage.image.front import MapPart
from darimage.schema import Order
from darimage.sections.bitmap import Bitmap
from darimage.sections.header import as_headers
from darimage.units import RECORD


@dataclass
class BitmapSeen:
    """A bitmap.

    Attributes:
        part: Where it lies, its header and its bytes.
        order: Byte order of the image.
    """

    part: MapPart
    order: Order

    @cached_property
    def body(self) -> np.void:
        """What its header says."""
        header = np.frombuffer(self.part.header, np.uint8)
        body: np.void = as_headers(header, self.order, "bitmap_body")[0]["extension"]["body"]
        return body

    @cached_property
    def bits(self) -> Bitmap:
        """The map."""
        return Bitmap(self.part.payload)

    @property
    def records(self) -> int:
        """Records of the map."""
        return len(self.part.payload) // RECORD
