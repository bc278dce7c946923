"""An image held against the specification, as faults: what ``darimage verify`` tells."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from darimage.faults import Fault
from darimage.image.reader import Image
from darimage.image.volume_set import Name
from darimage.progress import SILENT, Progress
from darimage.schema import Verdict
from darimage.units import RECORD
from darimage.validate import judging
from darimage.validate.gathering import KEPT, Kept
from darimage.validate.rules import all_rules
from darimage.validate.rules.rule import Grade
from darimage.volumes.reading import Volume


@dataclass(frozen=True)
class Verification:
    """What came of verifying an image.

    Attributes:
        image: Its name.
        is_dari: Whether it carries the extension.
        records: Its records.
        headers: Headers that were found.
        inodes: Inodes that were found.
        files: Those that are no directories.
        map_equal: Whether the offset map is what was computed from the image; ``None`` in a plain
            dump.
        verdict: What the end record says of the map; ``None`` if there is none.
        told: What was found, with the names of the rules that found it; of each rule at most as
            many as were asked for.
        untold: How many more were found, by rule.
        quick: Whether the contents of files were left out.
    """

    image: str
    is_dari: bool
    records: int
    headers: int
    inodes: int
    files: int
    map_equal: bool | None
    verdict: str | None
    told: list[tuple[str, Fault]] = field(default_factory=list)
    untold: dict[str, int] = field(default_factory=dict)
    quick: bool = False

    @property
    def faults(self) -> list[Fault]:
        """What was found wrong."""
        return [fault for name, fault in self.told if grade_of(name).is_bad]

    @property
    def notes(self) -> list[Fault]:
        """What people want to know, and what may be wrong and may be right."""
        return [fault for name, fault in self.told if not grade_of(name).is_bad]

    @property
    def fault_count(self) -> int:
        """How much was found wrong, in all."""
        more = sum(count for name, count in self.untold.items() if grade_of(name).is_bad)
        return len(self.faults) + more

    @property
    def contents(self) -> str:
        """``checked``, ``not checked``, or ``no checksums`` in a plain dump."""
        if self.quick:
            return "not checked"
        return "checked" if self.is_dari else "no checksums"

    @property
    def good(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.fault_count

    def as_json(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON."""
        return {
            "image": self.image,
            "dari": self.is_dari,
            "records": self.records,
            "bytes": self.records * RECORD,
            "headers": self.headers,
            "inodes": self.inodes,
            "files": self.files,
            "map_equal": self.map_equal,
            "verdict": self.verdict,
            "quick": self.quick,
            "contents": self.contents,
            "good": self.good,
            "fault_count": self.fault_count,
            "faults": [fault.as_json() for fault in self.faults],
            "notes": [fault.as_json() for fault in self.notes],
            "untold": [
                {"rule": name, "requirement": all_rules()[name].requirement, "count": count}
                for name, count in self.untold.items()
            ],
        }


def grade_of(name: str) -> Grade:
    """Return how much it matters what a rule found."""
    rule = all_rules().get(name)
    return Grade.FAULT if rule is None else rule.grade


def verify(
    image: Name | Sequence[Name] | bytes | Volume | Image,
    progress: Progress = SILENT,
    *,
    most: int = KEPT,
    off: AbstractSet[str] = frozenset(),
    quick: bool = False,
) -> Verification:
    """Verify an image.

    Args:
        image: What ``Image.open`` takes, or an open image, which stays open.
        progress: Told of the bytes passed.
        most: How many faults of each rule are kept.
        off: Names of rules that are switched off.
        quick: Leave out the contents of files.

    Raises:
        FormatError: It is no image at all.
        StorageError: It cannot be read.
    """
    if isinstance(image, Image):
        return _verified(image, progress, most, off, quick=quick)
    with Image.open(image, sequential=True) as opened:
        return _verified(opened, progress, most, off, quick=quick)


def _verified(
    image: Image, progress: Progress, most: int, off: AbstractSet[str], *, quick: bool
) -> Verification:
    kept = Kept(most)
    seen = judging.judge(image, kept, progress, off=off, quick=quick)
    verdict = None if image.end is None else image.end.verdict
    names = {int(known): known.name.lower() for known in Verdict}
    return Verification(
        image=image.name,
        is_dari=image.is_dari,
        records=image.records,
        headers=seen.headers,
        inodes=seen.inodes,
        files=seen.files,
        map_equal=seen.map_equal,
        verdict=None if verdict is None else names.get(verdict, str(verdict)),
        told=kept.in_order,
        untold=dict(kept.untold),
        quick=quick,
    )
