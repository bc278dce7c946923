"""Groups: the records under one header, and the CRC-32C that says what they are (DARI-REC-029)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image.batch import Batch
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


def damaged(what: str, record: int, inode: int | None = None) -> Fault:
    """Return the fault of a group whose CRC is wrong.

    Args:
        what: What its records hold.
        record: Record number of its header.
        inode: Whose it is.
    """
    told = f"{what}: the records under this header do not have its records_crc32c"
    return Fault("data-damaged", told, None, inode, record, "DARI-REC-029")
