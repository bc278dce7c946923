"""Names of faults with their severities and the requirements that say what is done (chapter 88)."""

from __future__ import annotations

from typing import Any, NamedTuple

NOTE, FAULT, LOSS, REFUSAL = "note", "fault", "loss", "refusal"
"""Severities, the least first (DARI-FLT-003)."""

_LETTERS = {"N": NOTE, "F": FAULT, "L": LOSS, "R": REFUSAL}

_TABLE = """
first-record F VOL-001 REC-034
no-dump R REC-018
byte-pairs F REC-034
dialect R REC-018 REC-026
feature R VOL-005
ext-version N EXT-004
part-place F VOL-002 VOL-008
total-records F VOL-007
uuid N VOL-003
image-cut F VOL-011
header-sum F REC-004 REC-028
header-damaged F REC-028
ext-missing F EXT-007
ext-kind F EXT-003 EXT-006
foreign-header F REC-007 REC-030 EXT-008
unknown-type F REC-005
wrong-place F REC-006 REC-020 REC-031
hole-map F REC-025 REC-035
inode-number L REC-010
inode-twice L FIL-001 DIR-001 REC-033
records-missing F REC-031 REC-032
records-extra F REC-033
records-order F REC-033
unreadable F TAP-007 VOL-020
damaged L REC-029 FIL-023 DIR-021
suspect L REC-031 FIL-023
zeros N FLT-008
numbers N REC-031
no-checksums N FLT-007
feature-volumes F VOL-023
tape-again F REC-002
part-order F REC-002 FIL-001 SCT-002
orphan F BMP-004 REC-027 XAT-019
first-group-missing F FIL-005 FIL-022
group-differs F FIL-005
incomplete L FIL-002 FIL-007 FIL-015 FIL-023 VOL-020
run-records N FIL-006
size N FIL-008 FIL-018
tail N FIL-004
no-end F END-001
end-early F END-009
padding N END-002
end-differs F END-001
end-counts N END-005 END-008
more-behind N END-007 END-010
bitmap-damaged F BMP-007 BMP-010
bitmap-size N BMP-003 REC-012
bitmap-differs F BMP-005 BMP-006 BMP-008 BMP-009
lost L BMP-009 DIR-001 FIL-015 INC-013
directory-header F DIR-023
directory-size F DIR-004 DIR-013
dot F DIR-003 DIR-023
dot-dot F DIR-003
entry L DIR-005 DIR-015 DIR-022
name-overwritten L DIR-022
chunk L DIR-004 DIR-022
name-doubtful L DIR-021
name L DIR-007
name-twice L DIR-008 DIR-018
second-way F DIR-002 DIR-011 DIR-019
cycle L DIR-011 DIR-020
unnamed L DIR-016 DIR-020 RST-007
entry-type F DIR-012
type L FIL-017
target L FIL-008
no-contents L REC-001
substituted L FIL-014 FIL-015
end-is-hole N FIL-020 FIL-021
nlink N FIL-009
time N FIL-024
attributes-damaged L REC-029 XAT-004 XAT-009 XAT-015 XAT-019
attribute-records F XAT-003 XAT-010
attribute L XAT-001 XAT-005 XAT-006 XAT-007 XAT-020
map-damaged F REC-029 SCT-009 OFF-007
map-element F OFF-002 OFF-005 OFF-007
verdict F END-003 END-006
section F SCT-002 SCT-004 SCT-005 SCT-009
section-damaged F REC-029
stream-directory L STR-003 STR-011 STR-018 STR-021
stream-name L STR-008 STR-009 STR-020
stream L STR-018 STR-020
acls-front F ACL-003 ACL-011 ACL-015
acls-trailing F ACL-003 ACL-011 ACL-015
acls L ACL-015
acls-differ L ACL-003 ACL-015
acl-row L ACL-002 ACL-010
acl-order N ACL-002
acl-origin N ACL-007 ACL-008
descriptor L SDE-011 SDE-015
volume-missing F VOL-020 VOL-025
volume-header F VOL-014
volume-foreign F VOL-019
volume-order F VOL-019 VOL-024
volume-twice F VOL-024
capacity F VOL-023
chain R INC-008 INC-009
older-names L INC-015
container F TAP-010
file-mark F TAP-006 TAP-011
end-marks N TAP-006
"""
"""Name, severity (a letter), and requirements without `DARI-`, a line each."""


class Known(NamedTuple):
    """What chapter 88 says of a fault.

    Attributes:
        severity: That it has unless its row says otherwise.
        requirements: Ids of the sentences that it is about, the first for reports.
    """

    severity: str
    requirements: tuple[str, ...]


def _rows() -> dict[str, Known]:
    found = {}
    for line in _TABLE.split("\n")[1:-1]:
        name, letter, *ids = line.split(" ")
        found[name] = Known(_LETTERS[letter], tuple(f"DARI-{one}" for one in ids))
    return found


FAULTS = _rows()
"""All names."""


def fault(name: str, *, severity: str | None = None, inode: int | None = None) -> dict[str, Any]:
    """Return a fault as an inventory has it.

    Raises:
        KeyError: Chapter 88 has no such name.
    """
    known = FAULTS[name]
    made: dict[str, Any] = {
        "name": name,
        "severity": severity or known.severity,
        "requirement": known.requirements[0],
    }
    return made if inode is None else {**made, "inode": inode}
