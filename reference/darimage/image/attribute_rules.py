"""What attribute records must be, kept up from batch to batch (chapter 65)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.batch import Batch, Marks
from darimage.image.front import SECTIONS_INODE
from darimage.schema import CType, DrFlag, XattrMagic
from darimage.sections import xattrs
from darimage.sections.header import Headers, as_headers, field_span
from darimage.units import RECORD
from darimage.volumes.reading import Volume

OnFault = Callable[[Fault], None]
Row = npt.NDArray[np.uint8]

_INODE, _INODE_END = field_span("c_dinode")
_BODY, _BODY_END = field_span("extension.body")
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
            self._tell(told, lead.inode, lead.record, "DARI-XAT-003")

    def _attributes(self, batch: Batch, at: int) -> None:
        """Judge the header of attributes, and these."""
        lead, record = self._lead, int(batch.record[at])
        self._payload(batch, at)
        if lead is None or not lead.inode or lead.inode != batch.inode[at]:
            told = "attributes that do not follow their inode"
            self._tell(told, int(batch.inode[at]), record, "DARI-XAT-003")
            return
        lead.runs += 1
        if record != lead.place or 1 + batch.following[at] != lead.records:
            told = "attributes that are not what attribute_records says"
            self._tell(told, lead.inode, record, "DARI-XAT-003")
        row = batch.rows[at : at + 1].copy()
        if not _repeats(as_headers(row, batch.order), lead.header):
            told = "attributes whose header does not repeat their inode"
            self._tell(told, lead.inode, record, "DARI-XAT-010")

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

    def _tell(self, told: str, inode: int, record: int, requirement: str) -> None:
        self.on_fault(Fault("format", told, None, inode, record, requirement))


def _lead(batch: Batch, at: int) -> _Lead:
    row: Row = batch.rows[at : at + 1].copy()
    return _Lead(int(batch.record[at]), as_headers(row, batch.order))


def _repeats(one: Headers, two: Headers) -> bool:
    """Tell whether a header of attributes says of the inode what its first header does."""
    cleared = []
    for header in (one.copy(), two.copy()):
        header["c_dinode"]["di_size"] = 0
        header["extension"]["body"]["first_block"] = 0
        header["extension"]["body"]["data_crc32c"] = 0
        bytes_ = header.tobytes()
        cleared.append((bytes_[_INODE:_INODE_END], bytes_[_BODY:_BODY_END]))
    return cleared[0] == cleared[1]
