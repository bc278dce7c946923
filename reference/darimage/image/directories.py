"""The directories of an image as they come from it: headers and data, not yet entries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.image.inode import Inode
from darimage.schema import Order
from darimage.sections.header import as_headers
from darimage.volumes.cut import Cut


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

    @cached_property
    def numbers(self) -> npt.NDArray[np.int64]:
        """Inode number of each row."""
        return as_headers(self.rows, self.order)["c_inumber"].astype(np.int64)

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

    def chunks(self) -> tuple[npt.NDArray[np.int64], ...]:
        """Return owner row, first byte and length of each chunk."""
        counts = -(-self.piece_length // self.chunk)
        piece = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(piece)) - np.repeat(np.cumsum(counts) - counts, counts)
        start = within * self.chunk
        length = np.minimum(self.piece_length[piece] - start, self.chunk)
        return self.piece_owner[piece], self.piece_start[piece] + start, length
