"""What is found wrong with an image, in the few words that a vector pins down."""

from __future__ import annotations

from typing import Any, NamedTuple

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.validate.verify import verify
from darimage.volumes.reading import Volume


class Finding(NamedTuple):
    """One thing found wrong.

    Attributes:
        requirement: Id of the sentence that is broken; empty if the fault breaks none.
        record: Record number; -1 if it has no place.
        field: Path of the field of that record that it is about; empty if it is about none.
        rule: What found it: the requirement and what is told.
    """

    requirement: str
    record: int
    field: str
    rule: str

    def as_told(self) -> dict[str, Any]:
        """Return it as vectors have it."""
        told: dict[str, Any] = {"requirement": self.requirement or None}
        if self.record >= 0:
            told["record"] = self.record
        return {**told, "field": self.field} if self.field else told


def judge(image: bytes | Volume) -> list[Finding]:
    """Return all that is wrong with an image, in a fixed order; what is none has one finding."""
    try:
        faults = list(verify(image).faults)
    except FormatError as error:
        faults = [Fault.of(error)]
    return sorted(_finding(fault) for fault in faults)


def _finding(fault: Fault) -> Finding:
    record = -1 if fault.record is None else fault.record
    field = fault.field.path if fault.field else ""
    return Finding(fault.requirement or "", record, field, fault.message)
