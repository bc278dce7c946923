"""What attribute records must be, kept up from batch to batch (chapter 65)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.faults import Fault, FaultyField
from darimage.image import blame
from darimage.image.batch import SECTIONS_INODE, Batch, Marks
from darimage.schema import CType, DrFlag, XattrMagic
from darimage.sections import xattrs
from darimage.sections.header import Headers, as_headers, field_span
from darimage.units import RECORD
from darimage.volumes.reading import Volume

OnFault = Callable[[Fault], None]
Row = npt.NDArray[np.uint8]

_RECORDS = "extension.body.attribute_records"
_REPEATED = (slice(*field_span("c_dinode")), slice(*field_span("extension.body")))
_BLOCK = int(XattrMagic.BLOCK).to_bytes(4, "little")


@dataclass
class _Lead:
    """The header that attribute records have to follow, as long as they may come."""

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


class AttributeRules:
    """Judges attribute records as batches come.

    Attributes:
        runs: Runs of attributes that were found.
    """

    def __init__(self, volume: Volume, marks: Marks, on_fault: OnFault) -> None:
        self.volume = volume
        self.marks = marks
        self.on_fault = on_fault
        self.runs = 0
        self._lead: _Lead | None = None

    def add(self, batch: Batch) -> None:
        """Judge a batch."""
        is_addr = batch.c_type == CType.TS_ADDR
        attributes = (batch.flags & DrFlag.DR_EXTATTRIBUTES != 0) & ~is_addr
        leads = ~attributes & ~is_addr
        if not self.marks.numbered:
            for at in np.flatnonzero(attributes).tolist():
                self._payload(batch, at)
            return
        said = batch.headers()["extension"]["body"]["attribute_records"] != 0
        followed = np.append(attributes[1:], True)
        # Of most headers neither they themselves nor the next ones tell of attributes.
        for at in np.flatnonzero(attributes | (leads & (said | followed))).tolist():
            if leads[at]:
                self._close()
                self._lead = _lead(batch, at)
            else:
                self._attributes(batch, at)

    def finish(self) -> None:
        """Judge the last inode."""
        self._close()

    def _close(self) -> None:
        lead, self._lead = self._lead, None
        if lead is not None and lead.records and not lead.runs:
            told = f"attribute_records is {lead.records}, there are none"
            field = blame.field(_RECORDS, lead.records, 0)
            self._tell(told, lead.inode, lead.record, "DARI-XAT-003", field)

    def _attributes(self, batch: Batch, at: int) -> None:
        """Judge the header of attributes, and these."""
        lead, record = self._lead, int(batch.record[at])
        self._payload(batch, at)
        if lead is None or not lead.inode or lead.inode != batch.inode[at]:
            told = "attributes that do not follow their inode"
            field = blame.field("c_inumber", batch.inode[at])
            self._tell(told, int(batch.inode[at]), record, "DARI-XAT-003", field)
            return
        lead.runs += 1
        if record != lead.place or 1 + batch.following[at] != lead.records:
            told = "attributes that are not what attribute_records says"
            self._tell(told, lead.inode, record, "DARI-XAT-003")
        pair = (_cleared(as_headers(batch.rows[at : at + 1], batch.order)), _cleared(lead.header))
        if any((pair[0][span] != pair[1][span]).any() for span in _REPEATED):
            told = "attributes whose header does not repeat their inode"
            different = blame.first_difference(*pair, batch.order, ("c_dinode", "extension.body"))
            self._tell(told, lead.inode, record, "DARI-XAT-010", different)

    def _payload(self, batch: Batch, at: int) -> None:
        """Judge the list, and what lies behind it."""
        self.runs += 1
        record, count = int(batch.record[at]), int(batch.following[at])
        data = batch.read_behind(record, count)
        if data is None:
            data = self.volume.read_at((record + 1) * RECORD, count * RECORD)
        size = min(int(batch.size[at]), len(data))

        def tell(error: FormatError) -> None:
            fault = Fault.of(error, inode=int(batch.inode[at]))
            self.on_fault(fault._replace(record=record))

        if self.marks.numbered:
            if not data.startswith(_BLOCK):
                told = "a list of attributes that is not of the form block"
                self._tell(told, int(batch.inode[at]), record, "DARI-XAT-001")
            xattrs.decode(data, size, tell)
        else:
            xattrs.decode(data[:size], size, tell)

    def _tell(
        self,
        told: str,
        inode: int,
        record: int,
        requirement: str,
        field: FaultyField | None = None,
    ) -> None:
        fault = Fault("format", told, None, inode, record, requirement)
        self.on_fault(fault._replace(field=field))


def _lead(batch: Batch, at: int) -> _Lead:
    row: Row = batch.rows[at : at + 1].copy()
    return _Lead(int(batch.record[at]), as_headers(row, batch.order))


def _cleared(header: Headers) -> Row:
    """Return a header without that in which those of attributes differ from their inode's."""
    copy = header.copy()
    copy["c_dinode"]["di_size"] = 0
    copy["extension"]["body"]["first_block"] = 0
    copy["extension"]["body"]["data_crc32c"] = 0
    return copy.view(np.uint8).reshape(RECORD)
