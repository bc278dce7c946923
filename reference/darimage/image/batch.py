"""Headers of an image as columns, and what tells them from data that only looks like one."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.schema import CType, DrFlag, Order
from darimage.sections.header import Headers, as_headers
from darimage.units import RECORD, S_IFMT
from darimage.volumes.cut import ONE_VOLUME, Cut

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.uint8]

SECTIONS_INODE = 1
"""Inode number of all sections (DARI-SCT-001)."""

_NOTHING = np.zeros((0, RECORD), np.uint8)


@dataclass(frozen=True)
class Marks:
    """By what a header is told from data that only looks like one.

    Attributes:
        order: Byte order of the image.
        date: ``c_date`` of the image; ``None`` takes any.
        numbered: ``c_tapea`` says where a header belongs (not so in plain dumps).
        cut: How the image is cut into volumes: by it ``c_tapea`` counts.
        image_id: What its headers repeat of its identity (DARI-EXT-008); ``None`` takes any.
    """

    order: Order
    date: int | None
    numbered: bool
    cut: Cut = ONE_VOLUME
    image_id: bytes | None = None


class Batch:
    """Headers that follow one another, as columns.

    Attributes:
        record: Record number of each.
        rows: The headers, shape (n, 1024).
        following: Records that follow each before the next header.
        order: Byte order of the image.
        window: Records that were read, with the headers among them, or none; valid until the next
            batch is asked for.
        window_start: Record number of the first of these.
    """

    def __init__(
        self,
        record: Ints,
        rows: Rows,
        after: Ints,
        order: Order,
        window: Rows = _NOTHING,
        window_start: int = 0,
    ) -> None:
        self.record = record
        self.rows = rows
        self.following = after
        self.order = order
        self.window = window
        self.window_start = window_start

    def __len__(self) -> int:
        return len(self.record)

    def read_behind(self, record: int, count: int) -> bytes | None:
        """Return records behind a header if they are in the window, else ``None``."""
        first = record + 1 - self.window_start
        if first + count > len(self.window):
            return None
        return self.window[first : first + count].tobytes()

    def headers(self, body: str = "inode_body") -> Headers:
        """Return the headers with an extension body."""
        return as_headers(self.rows, self.order, body)

    @cached_property
    def c_type(self) -> Ints:
        """What each opens."""
        return self.headers()["c_type"].astype(np.int64)

    @cached_property
    def inode(self) -> Ints:
        """``c_inumber``."""
        return self.headers()["c_inumber"].astype(np.int64)

    @cached_property
    def mode(self) -> Ints:
        """``di_mode``."""
        return self.headers()["c_dinode"]["di_mode"].astype(np.int64)

    @cached_property
    def is_directory(self) -> npt.NDArray[np.bool_]:
        """Whether each is of a directory, by its mode."""
        found: npt.NDArray[np.bool_] = self.mode & S_IFMT == stat.S_IFDIR
        return found

    @cached_property
    def size(self) -> npt.NDArray[np.uint64]:
        """``di_size``."""
        return self.headers()["c_dinode"]["di_size"].astype(np.uint64)

    @cached_property
    def count(self) -> Ints:
        """``c_count``."""
        return self.headers()["c_count"].astype(np.int64)

    @cached_property
    def flags(self) -> Ints:
        """``c_flags``."""
        return self.headers()["c_flags"].astype(np.int64)

    @cached_property
    def starts_inode(self) -> npt.NDArray[np.bool_]:
        """Whether each is the first header of an inode, not of its attributes."""
        plain = self.flags & DrFlag.DR_EXTATTRIBUTES == 0
        found: npt.NDArray[np.bool_] = (self.c_type == CType.TS_INODE) & plain
        return found

    def part(self, keep: slice | Ints | npt.NDArray[np.bool_]) -> Batch:
        """Return some of the headers."""
        chosen = (self.record[keep], self.rows[keep], self.following[keep])
        return Batch(*chosen, self.order, self.window, self.window_start)
