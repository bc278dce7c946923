"""What a reader reports: names and severities of faults (chapter 88)."""

from __future__ import annotations

from collections import Counter
from typing import Any

NOTE, FAULT, LOSS, REFUSAL = "note", "fault", "loss", "refusal"

_TABLE = """
acl-order N ACL-002
acl-origin N ACL-007
acl-row L ACL-002
acls L ACL-015
acls-differ L ACL-003
acls-front F ACL-003
acls-trailing F ACL-003
attribute L XAT-001
attribute-records F XAT-003
attributes-damaged L REC-029
bitmap-damaged F BMP-007
bitmap-differs F BMP-005
byte-pairs F REC-034
capacity F VOL-023
chain R INC-008
chunk L DIR-004
cycle L DIR-011
damaged L REC-029
descriptor L SDE-011
dialect R REC-018
directory-header F DIR-023
directory-size F DIR-004
dot F DIR-003
dot-dot F DIR-003
end-differs F END-001
end-early F END-009
end-is-hole N FIL-020
entry L DIR-005
entry-type F DIR-012
ext-kind F EXT-003
ext-missing F EXT-007
ext-version N EXT-004
feature R VOL-005
feature-volumes F VOL-023
first-group-missing F FIL-005
first-record F VOL-001
foreign-header F REC-007
group-differs F FIL-005
header-damaged F REC-028
header-sum F REC-004
hole-map F REC-025
image-cut F VOL-011
incomplete L FIL-002
inode-number L REC-010
inode-twice L FIL-001
lost L BMP-009
map-damaged F REC-029
map-element F OFF-002
more-behind N END-007
name L DIR-007
name-doubtful L DIR-021
name-overwritten L DIR-022
name-twice L DIR-008
no-checksums N FLT-007
no-contents L REC-001
no-dump R REC-018
no-end F END-001
numbers N REC-031
older-names L INC-015
orphan F BMP-004
part-order F REC-002
part-place F VOL-002
records-extra F REC-033
records-missing F REC-031
records-order F REC-033
second-way F DIR-002
section F SCT-002
section-damaged F REC-029
size N FIL-008
stream L STR-018
stream-directory L STR-003
stream-name L STR-008
substituted L FIL-014
suspect L REC-031
tape-again F REC-002
target L FIL-008
time N FIL-024
total-records F VOL-007
type L FIL-017
unknown-type F REC-005
unnamed L DIR-016
unreadable F TAP-007
uuid N VOL-003
verdict F END-003
volume-foreign F VOL-019
volume-header F VOL-014
volume-missing F VOL-020
volume-order F VOL-019
volume-twice F VOL-024
wrong-place F REC-006
zeros N FLT-008
"""
"""Name, severity, and the first requirement that chapter 88 is about, a line each."""

_WORDS = {"N": NOTE, "F": FAULT, "L": LOSS, "R": REFUSAL}
_ROWS = [line.split(" ") for line in _TABLE.strip().split("\n")]
SEVERITY = {name: _WORDS[letter] for name, letter, _ in _ROWS}
REQUIREMENT = {name: f"DARI-{short}" for name, _, short in _ROWS}

RECORD = 1024


class Refused(Exception):  # noqa: N818 - the outcome that the specification calls so
    """The input, or the way of reading that was asked for, is refused: nothing is brought back.

    Attributes:
        name: Name of the fault.
    """

    def __init__(self, name: str, message: str) -> None:
        """Keep the fault's name."""
        super().__init__(f"{name}: {message}")
        self.name = name


class Faults:
    """Collects reports: each fault once for its record or inode, with a count (DARI-FLT-001)."""

    def __init__(self) -> None:
        """Start without any."""
        self._found: Counter[tuple[int, str, int, str]] = Counter()

    def report(
        self,
        name: str,
        at: int | None = None,
        inode: int | None = None,
        severity: str = "",
        count: int = 1,
    ) -> None:
        """Take in a fault.

        Args:
            name: Its name.
            at: Address in bytes.
            inode: Inode number.
            severity: If it is not the usual one of the name.
            count: How often.
        """
        record = -1 if at is None else at // RECORD
        number = -1 if inode is None else inode
        self._found[record, name, number, severity or SEVERITY[name]] += count

    @property
    def serious(self) -> bool:
        """Whether there is a fault or a loss: the outcome is *done with faults* (DARI-FLT-003)."""
        return any(severity in (FAULT, LOSS) for *_, severity in self._found)

    def as_json(self) -> list[dict[str, Any]]:
        """Return them by record, name and inode."""
        return [
            {
                "name": name,
                "severity": severity,
                "requirement": REQUIREMENT[name],
                "record": None if record < 0 else record,
                "inode": None if inode < 0 else inode,
                "count": count,
            }
            for (record, name, inode, severity), count in sorted(self._found.items())
        ]
