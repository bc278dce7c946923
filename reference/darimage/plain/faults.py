"""What a reader reports: names and severities of faults (chapter 88)."""

from __future__ import annotations

from collections import Counter
from typing import Any

NOTE, FAULT, LOSS, REFUSAL = "N", "F", "L", "R"

SEVERITIES = {
    NOTE: """acl-order acl-origin bitmap-size end-counts end-is-hole end-marks ext-version
        more-behind nlink no-checksums numbers padding run-records size tail time uuid zeros""",
    FAULT: """acls-front acls-trailing attribute-records bitmap-damaged bitmap-differs byte-pairs
        capacity container directory-header directory-size dot dot-dot end-differs end-early
        entry-type ext-kind ext-missing feature-volumes file-mark first-group-missing first-record
        foreign-header group-differs header-damaged header-sum hole-map image-cut map-damaged
        map-element no-end orphan part-order part-place records-extra records-missing records-order
        second-way section section-damaged tape-again total-records unknown-type unreadable verdict
        volume-foreign volume-header volume-missing volume-order volume-twice wrong-place""",
    LOSS: """acl-row acls acls-differ attribute attributes-damaged chunk cycle damaged descriptor
        entry incomplete inode-number inode-twice lost name name-doubtful name-overwritten
        name-twice no-contents older-names stream stream-directory stream-name substituted suspect
        target type unnamed""",
    REFUSAL: "chain dialect feature no-dump",
}
"""Names by the severity that they have unless a rule says otherwise."""

_SEVERITY = {name: letter for letter, names in SEVERITIES.items() for name in names.split()}

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
        self._found[record, name, number, severity or _SEVERITY[name]] += count

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
                "record": None if record < 0 else record,
                "inode": None if inode < 0 else inode,
                "count": count,
            }
            for (record, name, inode, severity), count in sorted(self._found.items())
        ]
