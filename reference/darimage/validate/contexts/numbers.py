"""How ``c_tapea`` goes on from header to header in a plain dump (DARI-REC-031).

There it counts only by difference: some writers begin at another number, and one writes a number
too low by one behind a ``TS_TAPE``. Where it grows by more than the records that are there some are
missing, where by less some are twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.image.batch import Batch
from darimage.image.inode import shifts
from darimage.schema import CType
from darimage.volumes.cut import Cut

Ints = npt.NDArray[np.int64]

_KEPT = 1000


class Jump(NamedTuple):
    """A header whose number does not follow from that of the header before.

    Attributes:
        record: Its record number.
        inode: Its inode.
        before: Record number of the header before.
        inode_before: The inode of that: what lies between the two is in doubt.
        missing: Records that are missing between the two; negative if some are too many.
        found: Its ``c_tapea``.
    """

    record: int
    inode: int
    before: int
    inode_before: int
    missing: int
    found: int


@dataclass
class Numbers:
    """What was seen of ``c_tapea``.

    Attributes:
        cut: How the dump is cut into volumes.
        headers: Headers that were compared with the one before.
        jumps: How many of them do not follow.
        kept: The first of these.
    """

    cut: Cut
    headers: int = 0
    jumps: int = 0
    kept: list[Jump] = field(default_factory=list)
    _last: tuple[int, int, int, int] | None = None

    @property
    def mean_nothing(self) -> bool:
        """Whether the numbers say nothing in this dump: more than half of them do not follow."""
        return self.jumps * 2 > self.headers

    def add(self, batch: Batch) -> None:
        """Look at headers that follow those before."""
        found = shifts(batch.headers(), batch.record, self.cut)
        tapea = batch.headers()["c_tapea"].astype(np.int64)
        last = self._last or (int(batch.record[0]), int(batch.inode[0]), 0, int(found[0]))
        record, inode, kind, shift = last
        before = np.concatenate(([shift], found[:-1]))
        kinds = np.concatenate(([kind], batch.c_type[:-1]))
        step = before - found
        free = (kinds == CType.TS_TAPE) & (np.abs(step) <= 1)
        self.headers += len(batch) - (self._last is None)
        at = np.flatnonzero((step != 0) & ~free)
        self.jumps += len(at)
        records = np.concatenate(([record], batch.record[:-1]))
        inodes = np.concatenate(([inode], batch.inode[:-1]))
        columns = (batch.record, batch.inode, records, inodes, step, tapea)
        some = (column[at[: _KEPT - len(self.kept)]].tolist() for column in columns)
        self.kept += [Jump(*row) for row in zip(*some, strict=True)]
        self._last = (
            int(batch.record[-1]),
            int(batch.inode[-1]),
            int(batch.c_type[-1]),
            int(found[-1]),
        )
