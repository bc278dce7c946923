"""A batch of headers with the columns that the rules of one header use."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.image.batch import SECTIONS_INODE, Batch
from darimage.image.inode import shifts
from darimage.schema import CType, DrFlag
from darimage.sections.header import Headers, field_span
from darimage.units import ADDRESSES, S_IFMT
from darimage.volumes.cut import Cut

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_LABEL, _ = field_span("c_label")
_, _HOST_END = field_span("c_host")


class Seen:
    """A batch with the columns that many rules use.

    Attributes:
        batch: The headers.
        first: The first header of the image, shape (1,).
        cut: How the image is cut into volumes.
        shifts: Records each lies behind its ``c_tapea``.
        shift_before: The same of the header before each; where an image has lost records all later
            ones are shifted, and only the first of them is at fault.
        h: The headers, with the extension of an inode.
        is_data: Which are ``TS_INODE`` or ``TS_ADDR``.
        is_map: Which are ``TS_CLRI`` or ``TS_BITS``.
        is_section: Which belong to a section.
        is_inode: Which belong to an inode.
        is_attributes: Which are of the attributes of an inode.
    """

    def __init__(self, batch: Batch, first: Headers, cut: Cut, shift: int = 0) -> None:
        self.batch = batch
        self.cut = cut
        self.shifts = shifts(batch.headers(), batch.record, cut)
        self.shift_before = np.concatenate(([shift], self.shifts[:-1]))
        self.first = first
        self.h = batch.headers()
        kinds = batch.c_type
        self.is_data: Bools = (kinds == CType.TS_INODE) | (kinds == CType.TS_ADDR)
        self.is_map: Bools = (kinds == CType.TS_CLRI) | (kinds == CType.TS_BITS)
        self.is_section: Bools = self.is_data & (batch.inode == SECTIONS_INODE)
        self.is_inode: Bools = self.is_data & ~self.is_section
        self.is_attributes: Bools = self.is_data & (batch.flags & DrFlag.DR_EXTATTRIBUTES != 0)
        self.dinode = self.h["c_dinode"]
        self.extension = self.h["extension"]
        self.body = self.extension["body"]
        self.type_mode: Ints = batch.mode & S_IFMT

    @cached_property
    def text_differs(self) -> Bools:
        """Which have other texts or another level than the first header."""
        first = self.first.view(np.uint8)[_LABEL:_HOST_END]
        differs: Bools = (self.batch.rows[:, _LABEL:_HOST_END] != first).any(axis=1)
        return differs

    @cached_property
    def volume(self) -> Ints:
        """The volumes that the headers lie on, by their places."""
        return self.cut.volume_of(self.cut.physical(self.batch.record))

    def used(self) -> Ints:
        """Return how many entries of ``c_addr`` are in use."""
        used: Ints = np.where(
            self.is_data | self.is_map, np.clip(self.batch.count, 0, ADDRESSES), 0
        )
        return used
