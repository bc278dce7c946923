"""What is found wrong with an image, in the few words that a vector pins down."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.validate.rules import decoded
from darimage.validate.verify import verify
from darimage.volumes.reading import Volume

_MOST = 1000
"""Findings of one rule: a vector has fewer."""


class Finding(NamedTuple):
    """One thing found wrong.

    Attributes:
        requirement: Id of the sentence that is broken; empty if the fault breaks none.
        record: Record number; -1 if it has no place.
        field: Path of the field of that record that it is about; empty if it is about none.
        rule: Name of the rule that found it.
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


def judge(image: bytes | Path | Volume, *, off: AbstractSet[str] = frozenset()) -> list[Finding]:
    """Return all that is wrong with an image, in a fixed order; what is none has one finding.

    Args:
        image: The image.
        off: Names of rules that are switched off.
    """
    try:
        told = verify(image, most=_MOST, off=off).told
    except FormatError as error:
        told = [refused(error)]
    return sorted(_finding(rule, fault) for rule, fault in told if rule not in off)


def refused(error: FormatError) -> tuple[str, Fault]:
    """Return why an image could not be opened, and the name of the rule that says so."""
    return decoded.of(error.requirement).name, Fault.of(error)


def _finding(rule: str, fault: Fault) -> Finding:
    record = -1 if fault.record is None else fault.record
    field = fault.field.path if fault.field else ""
    return Finding(fault.requirement or "", record, field, rule)
