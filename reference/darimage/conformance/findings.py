"""What is found wrong with an image, in the few words that a vector pins down."""

from __future__ import annotations

from typing import Any, NamedTuple

from darimage.errors import FormatError
from darimage.image.verify import verify
from darimage.volumes.reading import Volume


class Finding(NamedTuple):
    """One thing found wrong.

    Attributes:
        requirement: Id of the sentence that is broken; empty if the fault breaks none.
        record: Record number; -1 if it has no place.
        rule: What found it: the requirement and what is told.
    """

    requirement: str
    record: int
    rule: str

    def as_told(self) -> dict[str, Any]:
        """Return it as vectors have it."""
        told: dict[str, Any] = {"requirement": self.requirement or None}
        return told if self.record < 0 else {**told, "record": self.record}


def judge(image: bytes | Volume) -> list[Finding]:
    """Return all that is wrong with an image, in a fixed order; what is none has one finding."""
    try:
        faults = list(verify(image).faults)
    except FormatError as error:
        return [_finding(error.requirement, error.record, error.message)]
    return sorted(_finding(fault.requirement, fault.record, fault.message) for fault in faults)


def _finding(requirement: str | None, record: int | None, message: str) -> Finding:
    return Finding(requirement or "", -1 if record is None else record, message)
