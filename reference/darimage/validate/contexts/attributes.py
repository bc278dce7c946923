"""Headers of attributes, and the headers that they follow, kept up from batch to batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.image.batch import SECTIONS_INODE, Batch, Marks
from darimage.schema import CType, DrFlag, Order
from darimage.sections import xattr_form, xattrs
from darimage.sections.header import Headers, as_headers
from darimage.units import RECORD
from darimage.volumes.reading import Volume
from darimage.volumes.recovered import LOST

Row = npt.NDArray[np.uint8]


@dataclass
class Lead:
    """The header that attributes have to follow, as long as they may come.

    Attributes:
        record: Its record number.
        header: The header, shape (1,).
        runs: Headers of attributes that follow it.
    """

    record: int
    header: Headers
    runs: int = 0

    @property
    def inode(self) -> int:
        """Its inode, 0 if it can have no attributes."""
        number = int(self.header["c_inumber"][0])
        is_inode = self.header["c_type"][0] == CType.TS_INODE and number != SECTIONS_INODE
        return number if is_inode else 0

    @property
    def records(self) -> int:
        """How many attribute records it says that there are."""
        return int(self.header["extension"]["body"]["attribute_records"][0]) if self.inode else 0

    @property
    def place(self) -> int:
        """Record number that these begin at."""
        return self.record + int(self.header["extension"]["body"]["run_records"][0]) - self.records


@dataclass(frozen=True)
class AttributesSeen:
    """A header of attributes, and these.

    Attributes:
        order: Byte order of the image.
        record: Its record number.
        inode: Its inode.
        header: The header, shape (1,).
        following: Records that follow it.
        data: These records, of a plain dump only the list.
        lead: The header that it has to follow; ``None`` if there is none.
    """

    order: Order
    record: int
    inode: int
    header: Headers
    following: int
    data: bytes
    lead: Lead | None

    @property
    def owner(self) -> Lead | None:
        """The header that it follows, if that is of the same inode."""
        lead = self.lead
        return lead if lead is not None and lead.inode and lead.inode == self.inode else None

    @cached_property
    def errors(self) -> list[FormatError]:
        """What cannot be decoded."""
        found: list[FormatError] = []
        xattrs.decode(self.data, self.size, found.append)
        return found

    @cached_property
    def untidy(self) -> list[tuple[str, str]]:
        """What can be decoded and is not laid out as it must be, with the requirement."""
        return [] if self.errors else list(xattr_form.untidy(self.data, self.size))

    @property
    def size(self) -> int:
        """Bytes of the list."""
        return min(int(self.header["c_dinode"]["di_size"][0]), len(self.data))


class AttributeRuns:
    """Finds headers of attributes as batches come.

    Attributes:
        runs: How many were found.
    """

    def __init__(self, volume: Volume, marks: Marks) -> None:
        self.volume = volume
        self.marks = marks
        self.runs = 0
        self._lead: Lead | None = None
        self._lead_is_missing = False

    def interrupt(self) -> None:
        """Forget the last header: some records are missing, and attributes among them.

        Those behind them may belong to a header that is missing as well.
        """
        self._lead, self._lead_is_missing = None, True

    def add(self, batch: Batch) -> Iterator[AttributesSeen | Lead]:
        """Yield what rules see of a batch."""
        is_addr = batch.c_type == CType.TS_ADDR
        attributes = (batch.flags & DrFlag.DR_EXTATTRIBUTES != 0) & ~is_addr
        if not self.marks.numbered:
            for at in np.flatnonzero(attributes).tolist():
                yield self._seen(batch, at)
            return
        leads = ~attributes & ~is_addr
        said = batch.headers()["extension"]["body"]["attribute_records"] != 0
        followed = np.append(attributes[1:], True)
        # Of most headers neither they themselves nor the next ones tell of attributes.
        for at in np.flatnonzero(attributes | (leads & (said | followed))).tolist():
            if leads[at]:
                yield from self.finish()
                row: Row = batch.rows[at : at + 1].copy()
                self._lead = Lead(int(batch.record[at]), as_headers(row, batch.order))
                self._lead_is_missing = False
            else:
                seen = self._seen(batch, at)
                if not self._lead_is_missing and not self._is_lacking(seen):
                    yield seen

    def finish(self) -> Iterator[Lead]:
        """Yield the last header that attributes may follow: none can any more."""
        lead, self._lead = self._lead, None
        if lead is not None:
            yield lead

    def _is_lacking(self, seen: AttributesSeen) -> bool:
        """Tell whether some of a list is on a volume that is missing, which is found itself."""
        begin = (seen.record + 1) * RECORD
        gaps = self.volume.missing(begin, begin + seen.following * RECORD)
        return any(gap.told != LOST for gap in gaps)

    def _seen(self, batch: Batch, at: int) -> AttributesSeen:
        self.runs += 1
        record, count = int(batch.record[at]), int(batch.following[at])
        data = batch.read_behind(record, count)
        if data is None:
            data = self.volume.read_at((record + 1) * RECORD, count * RECORD)
        header = as_headers(batch.rows[at : at + 1], batch.order)
        if not self.marks.numbered:
            # In plain dumps nothing is said of what lies behind a list.
            data = data[: int(batch.size[at])]
        inode, lead = int(batch.inode[at]), self._lead
        seen = AttributesSeen(batch.order, record, inode, header, count, data, lead)
        if seen.owner is not None:
            seen.owner.runs += 1
        return seen
