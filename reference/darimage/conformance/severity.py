"""How bad a fault is that the reference reports, by the tables of chapter 88."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from darimage.conformance.fault_table import FAULT, FAULTS, LOSS, NOTE
from darimage.conformance.inventory import inventory
from darimage.faults import Fault
from darimage.image.reader import Image
from darimage.image.volume_set import Name
from darimage.validate.verify import verify

_ALSO = {
    "DARI-ACL-006": NOTE,
    "DARI-ACL-007": NOTE,
    "DARI-ACL-008": NOTE,
    "DARI-ACL-009": NOTE,
    "DARI-BMP-001": FAULT,
    "DARI-END-004": FAULT,
    "DARI-END-005": NOTE,
    "DARI-EXT-001": FAULT,
    "DARI-REC-010": NOTE,
    "DARI-SCT-001": NOTE,
    "DARI-SDE-012": NOTE,
    "DARI-STR-002": NOTE,
    "DARI-XAT-001": NOTE,
    "DARI-XAT-010": NOTE,
}
"""Requirements that chapter 88 does not name, or names for something else as well."""

_STATES = ("suspect", "incomplete", "damaged", "lost")
"""Faults that say what the inventory says of an inode: they are seen there."""

_NOTES = {
    "DARI-ACL-002": "do not ascend",
    "DARI-END-001": "the image has",
    "DARI-FIL-008": "a fifo, socket or device",
    "DARI-VOL-014": "c_dinode",
}
"""Words of what is a note, where the same requirement is also about something worse."""


def severity_of(fault: Fault) -> str:
    """Return the severity of a fault: by its name, else by the requirement that it is about.

    What no name is about is of interest to validators alone, and a note.
    """
    if fault.kind in FAULTS:
        return FAULTS[fault.kind].severity
    required = fault.requirement or ""
    if required in _NOTES and _NOTES[required] in fault.message:
        return NOTE
    if required in _ALSO:
        return _ALSO[required]
    if required.startswith(("DARI-SDE-", "DARI-ACL-")):
        return LOSS
    known = {
        one.severity
        for name, one in FAULTS.items()
        if required in one.requirements and name not in _STATES
    }
    return next((severity for severity in (LOSS, FAULT) if severity in known), NOTE)


def examined(image: Name | bytes) -> tuple[dict[str, Any], list[Fault], bool]:
    """Return what reading and verifying an image find, what is reported, and whether it is faulty.

    Raises:
        FormatError: It is refused.
        StorageError: It cannot be read.
    """
    faults: list[Fault] = []
    with Image.open(image) as opened:
        found = inventory(opened, faults.append)
        faults += opened.faults
    faults += verify(image).faults
    return found, faults, is_faulty(found, faults)


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
        if "state" in one or False in (one.get("attributes"), one.get("contents"))
    )
    if next(states, None) is not None:
        return True
    return any(severity_of(fault) in (FAULT, LOSS) for fault in faults)
