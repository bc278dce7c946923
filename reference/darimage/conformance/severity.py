"""How bad a fault is that the reference reports, by the tables of chapter 88."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from darimage.conformance.fault_table import FAULT, FAULTS, LOSS, NOTE
from darimage.faults import Fault

_COUNTERS = ("mismatches", "substituted", "attributed")
"""Fields of an end record that a reader ignores (`end-counts`)."""

_ALSO = {
    "DARI-BMP-001": FAULT,
    "DARI-END-004": FAULT,
    "DARI-END-005": NOTE,
    "DARI-EXT-001": FAULT,
    "DARI-REC-010": NOTE,
    "DARI-SCT-001": NOTE,
    "DARI-XAT-010": NOTE,
}
"""Requirements that chapter 88 does not name, or names for something else as well."""


def severity_of(fault: Fault) -> str:
    """Return the severity of a fault: by its name, else by the requirement that it is about.

    What no name is about is of interest to validators alone, and a note.
    """
    if fault.kind in FAULTS:
        return FAULTS[fault.kind].severity
    required = fault.requirement or ""
    field = "" if fault.field is None else fault.field.path.rpartition(".")[2]
    if required == "DARI-END-001" and field in _COUNTERS:
        return NOTE
    if required in _ALSO:
        return _ALSO[required]
    if required.startswith(("DARI-SDE-", "DARI-ACL-")) and required != "DARI-ACL-009":
        return LOSS
    known = {one.severity for one in FAULTS.values() if required in one.requirements}
    return next((severity for severity in (LOSS, FAULT) if severity in known), NOTE)


def is_faulty(inventory: Mapping[str, Any], faults: Iterable[Fault]) -> bool:
    """Return whether reading an image was done with faults (DARI-FLT-003).

    Args:
        inventory: What was found.
        faults: All that was reported.
    """
    states = (
        one
        for inode in inventory["inodes"]
        for one in (inode, *inode.get("streams", ()))
        if "state" in one or one.get("attributes") is False
    )
    if next(states, None) is not None:
        return True
    return any(severity_of(fault) in (FAULT, LOSS) for fault in faults)
