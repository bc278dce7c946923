"""The directories of an image as they come from it: headers and data, not yet entries."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.image.inode import Inode
from darimage.schema import Order
from darimage.sections.header import as_headers
from darimage.volumes.cut import Cut


class Trust(IntEnum):
    """What speaks for a piece of a directory.

    PROVEN: The CRC of its records is right.
    CLOSED: It has no CRC, and a header lies where it should end.
    DOUBTFUL: Its CRC is wrong, but it lies in its place.
    MOVED: Its CRC is wrong or it has none, and what lies there may be another's.
    OLDER: It comes from an older image of a chain, since the directory is damaged (DARI-INC-015).
    """

    PROVEN = 0
    CLOSED = 1
    DOUBTFUL = 2
    MOVED = 3
    OLDER = 4


def _none() -> npt.NDArray[np.uint8]:
    return np.zeros(0, np.uint8)


@dataclass(frozen=True)
class DirectoryTable:
    """Directories as columns; ``owner`` and the piece columns run over pieces of their data.

    A piece is the data under one header. Pieces of a directory follow one another in ``data``, but
    some may be missing (a damaged image).

    Attributes:
        order: Byte order of the image.
        old_format: Entries and owners are those of images without ``DR_NEWINODEFMT``.
        cut: How the image is cut into volumes.
        chunk: Bytes that no entry crosses (DARI-DIR-004; 1,024 in plain dumps).
        rows: The ``TS_INODE`` header of each directory, shape (n, 1024).
        records: Record number of each, ascending.
        data: All pieces one after another, each padded to records.
        piece_owner: Row of the directory each piece belongs to, ascending.
        piece_start: First byte of each piece in ``data``.
        piece_length: Bytes of each piece that lie within the directory's size.
        piece_trust: What speaks for each piece, a ``Trust``; by default all are closed.
        row_states: The ``State`` of each directory as far as its records tell; by default whole.
    """

    order: Order
    old_format: bool
    cut: Cut
    chunk: int
    rows: npt.NDArray[np.uint8]
    records: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]
    piece_owner: npt.NDArray[np.int64]
    piece_start: npt.NDArray[np.int64]
    piece_length: npt.NDArray[np.int64]
    piece_trust: npt.NDArray[np.uint8] = field(default_factory=_none)
    row_states: npt.NDArray[np.uint8] = field(default_factory=_none)

    @cached_property
    def trust(self) -> npt.NDArray[np.uint8]:
        """What speaks for each piece."""
        known = len(self.piece_trust) == len(self.piece_owner)
        return self.piece_trust if known else np.full(len(self.piece_owner), Trust.CLOSED, np.uint8)

    @cached_property
    def states(self) -> npt.NDArray[np.uint8]:
        """The state of each row as far as its records tell."""
        known = len(self.row_states) == len(self.rows)
        return self.row_states if known else np.zeros(len(self.rows), np.uint8)

    @cached_property
    def numbers(self) -> npt.NDArray[np.int64]:
        """Inode number of each row."""
        return as_headers(self.rows, self.order)["c_inumber"].astype(np.int64)

    @cached_property
    def row_of(self) -> dict[int, int]:
        """The first row of each inode number."""
        count = len(self.rows)
        return dict(zip(reversed(self.numbers.tolist()), range(count - 1, -1, -1), strict=True))

    def inode(self, row: int) -> Inode:
        """Return the inode of a row."""
        return Inode.of(
            self.rows[row].tobytes(),
            self.order,
            int(self.records[row]),
            old_format=self.old_format,
            cut=self.cut,
        )

    def inodes(self) -> list[Inode]:
        """Return the inodes of all rows."""
        return self.inodes_of(slice(None))

    def inodes_of(self, rows: slice | npt.NDArray[np.int64]) -> list[Inode]:
        """Return the inodes of some rows."""
        return Inode.many(
            self.rows[rows],
            self.order,
            self.records[rows],
            old_format=self.old_format,
            cut=self.cut,
        )

    def chunk_trust(self) -> npt.NDArray[np.uint8]:
        """Return what speaks for each chunk of ``chunks``."""
        return np.repeat(self.trust, self._chunk_counts)

    @property
    def _chunk_counts(self) -> npt.NDArray[np.int64]:
        """How many chunks each piece has."""
        return -(-self.piece_length // self.chunk)

    def chunks(self) -> tuple[npt.NDArray[np.int64], ...]:
        """Return owner row, first byte and length of each chunk."""
        counts = self._chunk_counts
        piece = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(piece)) - np.repeat(np.cumsum(counts) - counts, counts)
        start = within * self.chunk
        length = np.minimum(self.piece_length[piece] - start, self.chunk)
        return self.piece_owner[piece], self.piece_start[piece] + start, length
