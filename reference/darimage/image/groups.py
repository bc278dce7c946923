"""Groups: the records under one header, and the CRC-32C that says what they are (DARI-REC-029)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image.batch import Batch, Rows
from darimage.image.inode import crcs_under

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

UNKNOWN = -1
"""Stands for the CRC of a group that has none, or of which not all records are there."""


class Groups(NamedTuple):
    """Groups as columns, ascending by where they lie.

    Attributes:
        first: Record number of the first record of each, behind its header.
        records: How many records it has.
        crc32c: What its header says of them; ``UNKNOWN`` in a plain dump.
    """

    first: Ints
    records: Ints
    crc32c: Ints

    @classmethod
    def of(cls, batch: Batch) -> Groups:
        """Return the groups under the headers of a batch."""
        return cls(batch.record + 1, batch.following, crcs_under(batch.headers()))


def is_right(data: Bytes, crc32c: int) -> bool:
    """Tell whether whole records, one after another, have a CRC; any have ``UNKNOWN``."""
    if crc32c == UNKNOWN:
        return True
    from google_crc32c import value

    return bool(value(data) == crc32c)


def zero_blocks(rows: Rows, record: int, block: int) -> list[int]:
    """Return the record number of the first record of each tape block that is all zero.

    Args:
        rows: Records that follow one another, shape (n, 1024).
        record: Record number of the first.
        block: Records of a tape block.
    """
    skipped = -record % block
    blocks = max(0, len(rows) - skipped) // block
    if not blocks:
        return []
    whole = rows[skipped : skipped + blocks * block]
    empty = ~whole[:, :8].any(axis=1).reshape(blocks, block).any(axis=1)
    return [
        record + skipped + at * block
        for at in np.flatnonzero(empty).tolist()
        if not whole[at * block : (at + 1) * block].any()
    ]


def damaged(what: str, record: int, inode: int | None = None) -> Fault:
    """Return the fault of a group whose CRC is wrong.

    Args:
        what: What its records hold.
        record: Record number of its header.
        inode: Whose it is.
    """
    told = f"{what}: the records under this header do not have its records_crc32c"
    return Fault("data-damaged", told, None, inode, record, "DARI-REC-029")
