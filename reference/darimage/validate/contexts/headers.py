"""Headers that follow one another, each judged by itself."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.image.batch import SECTIONS_INODE, Batch, Marks
from darimage.image.inode import shifts
from darimage.schema import CType, DrFlag
from darimage.sections.header import Headers, as_headers, field_span
from darimage.units import ADDRESSES

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Row = npt.NDArray[np.uint8]

FILES = 3
"""What ``Seen.part`` says of directories, sections and files; of the end it says one more."""

_ADDR, _ADDR_END = field_span("c_addr")
_LABEL, _ = field_span("c_label")
_, _HOST_END = field_span("c_host")


class Before:
    """What is known of the headers before a batch.

    Attributes:
        first: The first header of the image, shape (1,); ``None`` if none was seen.
        first_end: The first end record.
        part: The last part that was begun, as in ``Seen.part``.
    """

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.first: Headers | None = None
        self.first_end: Row | None = None
        self.part = 0

    def begin(self, first: Row, part: int) -> None:
        """Begin in the midst of an image.

        Args:
            first: The first header of the image, shape (1, 1024).
            part: The part that one is in.
        """
        self.first = as_headers(first.copy(), self.marks.order)
        self.part = part

    def see(self, batch: Batch) -> Seen:
        """Return what rules see of the next headers."""
        if self.first is None:
            self.first = as_headers(batch.rows[:1].copy(), batch.order)
        ends = np.flatnonzero(batch.c_type == CType.TS_END)
        if self.first_end is None and ends.size:
            self.first_end = batch.rows[ends[0]].copy()
        seen = Seen(batch, self, self.first)
        self.part = max(self.part, int(seen.part.max()))
        return seen


class Seen:
    """A batch with the columns that many rules use.

    Attributes:
        batch: The headers.
        first: The first header of the image, shape (1,).
        first_end: The first end record; ``None`` if there was none yet.
        cut: How the image is cut into volumes.
        h: The headers, with the extension of an inode.
        dinode: Their inodes.
        extension: Their extension areas.
        body: The bodies of these, as those of inodes.
    """

    def __init__(self, batch: Batch, before: Before, first: Headers) -> None:
        self.batch = batch
        self.first = first
        self.first_end = before.first_end
        self.cut = before.marks.cut
        self._part = before.part
        self.h = batch.headers()
        self.dinode = self.h["c_dinode"]
        self.extension = self.h["extension"]
        self.body = self.extension["body"]

    @cached_property
    def shifts(self) -> Ints:
        """Records each lies behind its ``c_tapea``."""
        return shifts(self.h, self.batch.record, self.cut)

    @cached_property
    def part(self) -> Ints:
        """Which part each belongs to: 0 the volume header, 1 and 2 the bitmaps, ``FILES``, end."""
        kinds = self.batch.c_type
        which = [kinds == CType.TS_TAPE, kinds == CType.TS_CLRI, kinds == CType.TS_BITS]
        return np.select(which, [0, 1, 2], np.where(kinds == CType.TS_END, FILES + 1, FILES))

    @cached_property
    def part_before(self) -> Ints:
        """The last part that was begun before each."""
        before: Ints = np.maximum.accumulate(np.concatenate(([self._part], self.part)))[:-1]
        return before

    @cached_property
    def is_data(self) -> Bools:
        """Which are ``TS_INODE`` or ``TS_ADDR``."""
        kinds = self.batch.c_type
        return np.asarray((kinds == CType.TS_INODE) | (kinds == CType.TS_ADDR))

    @cached_property
    def is_map(self) -> Bools:
        """Which are ``TS_CLRI`` or ``TS_BITS``."""
        kinds = self.batch.c_type
        return np.asarray((kinds == CType.TS_CLRI) | (kinds == CType.TS_BITS))

    @cached_property
    def is_section(self) -> Bools:
        """Which belong to a section."""
        return np.asarray(self.is_data & (self.batch.inode == SECTIONS_INODE))

    @cached_property
    def is_inode(self) -> Bools:
        """Which belong to an inode."""
        return self.is_data & ~self.is_section

    @cached_property
    def is_attributes(self) -> Bools:
        """Which are of the attributes of an inode."""
        return np.asarray(self.is_data & (self.batch.flags & DrFlag.DR_EXTATTRIBUTES != 0))

    @cached_property
    def file_type(self) -> Ints:
        """The type in ``di_mode``, 0 to 15."""
        return self.batch.mode >> 12

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

    @cached_property
    def entries(self) -> npt.NDArray[np.uint8]:
        """``c_addr``, side by side."""
        return np.ascontiguousarray(self.batch.rows[:, _ADDR:_ADDR_END])

    @cached_property
    def used(self) -> Ints:
        """How many entries of ``c_addr`` are in use; those of bitmaps never are (DARI-REC-012)."""
        used: Ints = np.where(self.is_data, np.clip(self.batch.count, 0, ADDRESSES), 0)
        return used
