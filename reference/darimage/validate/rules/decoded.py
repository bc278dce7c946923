"""What readers tell while they decode: a rule a requirement, and who tells it.

A reader has to find these anyway, with or without a validator, so they are no functions here; the
tests hold this table against the sources of the modules it names.
"""

from __future__ import annotations

from collections.abc import Iterable

from darimage.validate.rules.rule import RULES, Hit, Rule, Scope, enter

DECODERS = {
    "DARI-ACL-001": "sections.nt_acls",
    "DARI-ACL-002": "sections.nt_acls",
    "DARI-ACL-006": "sections.nt_acls",
    "DARI-ACL-007": "sections.nt_acls sections.security.samba",
    "DARI-ACL-008": "sections.nt_acls",
    "DARI-ACL-009": "sections.nt_acls",
    "DARI-ACL-013": "sections.nt_acls",
    "DARI-BMP-007": "image.front",
    "DARI-CNV-004": "sections.nt_acls",
    "DARI-DIR-001": "image.front image.names",
    "DARI-DIR-002": "image.names",
    "DARI-DIR-003": "image.names",
    "DARI-DIR-004": "image.names sections.directory",
    "DARI-DIR-005": "image.names sections.directory",
    "DARI-DIR-007": "image.names sections.names",
    "DARI-DIR-008": "image.names",
    "DARI-DIR-011": "image.names",
    "DARI-DIR-015": "image.names",
    "DARI-END-001": "image.opening",
    "DARI-EXT-002": "validate.engine",
    "DARI-EXT-008": "image.walk sections.streams",
    "DARI-FIL-007": "image.runs",
    "DARI-FIL-015": "image.runs",
    "DARI-REC-001": "image.runs image.walk",
    "DARI-REC-002": "image.beginning",
    "DARI-REC-003": "image.opening image.walk",
    "DARI-REC-004": "image.walk",
    "DARI-REC-005": "image.walk",
    "DARI-REC-006": "image.placing image.walk",
    "DARI-REC-007": "image.walk",
    "DARI-REC-011": "image.walk",
    "DARI-REC-017": "image.walk",
    "DARI-REC-018": "image.opening",
    "DARI-REC-028": "image.walk sections.streams",
    "DARI-REC-029": "image.groups sections.streams",
    "DARI-REC-030": "image.placing",
    "DARI-REC-031": "image.placing image.walk",
    "DARI-SCT-005": "image.payload",
    "DARI-SCT-009": "image.streams",
    "DARI-SDE-001": "sections.security.descriptor",
    "DARI-SDE-003": "sections.security.descriptor",
    "DARI-SDE-004": "sections.security.sid",
    "DARI-SDE-005": "sections.security.acl",
    "DARI-SDE-006": "sections.security.ace",
    "DARI-SDE-009": "sections.nt_acls sections.security.descriptor",
    "DARI-SDE-012": "sections.security.samba",
    "DARI-STR-003": "sections.streams",
    "DARI-STR-004": "sections.streams",
    "DARI-STR-006": "sections.streams",
    "DARI-STR-007": "sections.streams",
    "DARI-STR-008": "sections.streams",
    "DARI-STR-009": "sections.names",
    "DARI-STR-011": "image.streams",
    "DARI-STR-020": "image.streams",
    "DARI-STR-021": "image.streams",
    "DARI-VOL-001": "image.opening image.volume_set",
    "DARI-VOL-005": "image.opening",
    "DARI-VOL-007": "image.opening",
    "DARI-VOL-008": "image.beginning",
    "DARI-VOL-011": "image.opening",
    "DARI-VOL-012": "image.volume_set",
    "DARI-VOL-014": "image.volume_set",
    "DARI-VOL-019": "image.volume_set",
    "DARI-VOL-020": "image.front image.opening image.payload image.volume_set image.walk",
    "DARI-XAT-001": "sections.xattrs",
    "DARI-XAT-004": "sections.xattrs",
    "DARI-XAT-005": "sections.xattrs",
    "DARI-XAT-006": "sections.xattrs",
    "DARI-XAT-007": "sections.posix_acl",
    "DARI-XAT-008": "sections.xattrs",
    "DARI-XAT-020": "sections.xattrs",
}
"""Modules that report each requirement, below ``darimage``, or one that stands for it
(``contexts.tree.BROKEN``)."""

ELSEWHERE = {
    "image.runs": "DARI-FIL-014",
    "sections.security.samba": "DARI-SDE-015",
    "sections.streams": "DARI-STR-002",
    "sections.xattrs": "DARI-XAT-009",
}
"""What these modules tell only when no image is judged."""

NO_IMAGE = "DARI-REC-001"
"""What is broken by that which is no sequence of records at all."""


def _nothing(_seen: object) -> Iterable[Hit]:
    return ()


def _made(requirement: str) -> Rule:
    name = f"decoded.{requirement.removeprefix('DARI-').lower()}"
    return Rule(name, requirement, Scope.DECODED, "cannot be decoded", _nothing, plain=True)


for _requirement in DECODERS:
    enter(_made(_requirement))


def of(requirement: str | None) -> Rule:
    """Return the rule of a fault that a decoder told."""
    made = _made(requirement or NO_IMAGE)
    return RULES.get(made.name, made)
