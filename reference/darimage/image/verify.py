"""Holds a whole image against the specification (chapters 10 to 85).

Every header is looked at, and the offset map is computed again from where files really are. No
fault ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault, FaultyField
from darimage.image import blame, increment_rules, stream_rules, tree_rules
from darimage.image.attribute_rules import AttributeRules
from darimage.image.batch import SECTIONS_INODE, Batch
from darimage.image.end_rules import Files, Judge
from darimage.image.gaps import tell_gaps
from darimage.image.parts import SectionHeader, has_extension, kind_of, section_header
from darimage.image.reader import Image
from darimage.image.rules import RULES
from darimage.image.run_rules import Found, Runs
from darimage.image.seen import Seen
from darimage.image.told import Faults
from darimage.image.volume_rules import Volumes
from darimage.image.volume_set import Name
from darimage.image.walk import walk
from darimage.progress import SILENT, Progress
from darimage.schema import CType, Kind, Verdict
from darimage.sections.header import Headers, as_headers, field_span
from darimage.units import RECORD
from darimage.volumes.reading import Volume

Row = npt.NDArray[np.uint8]
Blamed = Callable[[int], FaultyField | None]

_BODY, _ = field_span("extension.body")
_KINDS = {int(kind): kind.name for kind in CType}


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
        faults: What was found wrong, at most 1,000.
        fault_count: How many there were.
    """

    image: str
    is_dari: bool
    records: int
    headers: int
    inodes: int
    files: int
    map_equal: bool | None
    verdict: str | None
    faults: list[Fault]
    fault_count: int

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
            "good": self.good,
            "fault_count": self.fault_count,
            "faults": [fault.as_json() for fault in self.faults],
        }


def verify(
    image: Name | Sequence[Name] | bytes | Volume | Image, progress: Progress = SILENT
) -> Verification:
    """Verify an image.

    Args:
        image: What ``Image.open`` takes, or an open image, which stays open.
        progress: Told of the bytes passed.

    Raises:
        FormatError: It is no image at all.
        StorageError: It cannot be read.
    """
    if isinstance(image, Image):
        return _Verifier(image, progress).run()
    with Image.open(image, sequential=True) as opened:
        return _Verifier(opened, progress).run()


class _Verifier:
    """One verification."""

    def __init__(self, image: Image, progress: Progress) -> None:
        self.image = image
        self.progress = progress
        self.faults = Faults(image.located)
        self.runs = Runs(image.volume, image.marks, self.faults.tell)
        self.attributes = AttributeRules(image.volume, image.marks, self.faults.tell)
        self.volumes = Volumes(image, self.faults)
        self.headers = 0
        self.sections: list[SectionHeader] = []
        self.first: Headers | None = None
        self.end: Row | None = None
        self.phase = 0
        self.shift = 0

    def run(self) -> Verification:
        image = self.image
        self._walk()
        found = self.runs.finish()
        self.attributes.finish()
        is_directory = found.is_directory
        map_equal = None
        if image.is_dari:
            map_equal = self._dari(found, is_directory)
        else:
            tree_rules.maps(image, found, self.faults.tell)
        _ = image.names
        tell_gaps(image, self.faults)
        self._take_over()
        verdict = None if image.end is None else image.end.verdict
        names = {int(known): known.name.lower() for known in Verdict}
        return Verification(
            image=image.name,
            is_dari=image.is_dari,
            records=image.records,
            headers=self.headers,
            inodes=len(found.inode),
            files=int((~is_directory).sum()),
            map_equal=map_equal,
            verdict=None if verdict is None else names.get(verdict, str(verdict)),
            faults=list(self.faults),
            fault_count=self.faults.total,
        )

    def _walk(self) -> None:
        image, before = self.image, 0
        self.progress.start("verify", image.records * RECORD)
        start = image.first_record
        for batch in walk(image.volume, image.marks, start, on_fault=self.faults.tell):
            self._batch(batch)
            self.progress.advance((int(batch.record[-1]) - before) * RECORD)
            before = int(batch.record[-1])
        self.progress.finish()

    def _batch(self, batch: Batch) -> None:
        self.headers += len(batch)
        if self.image.is_dari:
            if self.first is None:
                self.first = as_headers(batch.rows[:1].copy(), self.image.order)
            seen = Seen(batch, self.first, self.image.marks.cut, self.shift)
            self.shift = int(seen.shifts[-1])
            for rule in RULES:
                blamed = partial(rule.blamed, seen)
                self._tell(batch, rule.broken(seen), rule.requirement, rule.told, blamed)
            self._sections(batch)
            self._ends(batch)
            self.volumes.add(batch)
        self._phases(batch)
        self.runs.add(batch)
        self.attributes.add(batch)

    def _tell(self, batch: Batch, broken: Any, requirement: str, told: str, blamed: Blamed) -> None:
        for at in np.flatnonzero(broken).tolist():
            c_type = _KINDS.get(int(batch.c_type[at]), "header")
            inode = int(batch.inode[at]) or None
            record = int(batch.record[at])
            fault = Fault("format", f"{c_type}: {told}", None, inode, record, requirement)
            self.faults.tell(fault if self.faults.full else fault._replace(field=blamed(at)))

    def _phases(self, batch: Batch) -> None:
        """The parts come in their order (DARI-REC-002)."""
        kinds = batch.c_type
        wanted = np.select(
            [kinds == CType.TS_TAPE, kinds == CType.TS_CLRI, kinds == CType.TS_BITS],
            [0, 1, 2],
            np.where(kinds == CType.TS_END, 4, 3),
        )
        so_far = np.maximum.accumulate(np.concatenate(([self.phase], wanted)))[:-1]
        repeated = (wanted < 3) & (wanted == so_far) & (batch.record > 0)

        def blamed(at: int) -> FaultyField:
            return blame.field("c_type", kinds[at])

        self._tell(batch, (wanted < so_far) | repeated, "DARI-REC-002", "out of order", blamed)
        self.phase = max(self.phase, int(wanted.max()))

    def _sections(self, batch: Batch) -> None:
        for at in np.flatnonzero(batch.starts_inode & (batch.inode == SECTIONS_INODE)).tolist():
            row = batch.rows[at].tobytes()
            if has_extension(row) and kind_of(row) == Kind.SECTION:
                record = int(batch.record[at])
                self.sections.append(section_header(row, self.image.order, record))

    def _ends(self, batch: Batch) -> None:
        """All end records say the same (DARI-END-001)."""
        for at in np.flatnonzero(batch.c_type == CType.TS_END).tolist():
            row = batch.rows[at]
            if self.end is None:
                self.end = row.copy()
            elif (row[_BODY:] != self.end[_BODY:]).any():
                told = "TS_END: differs from the one before"
                fault = Fault("format", told, None, None, int(batch.record[at]), "DARI-END-001")
                blamed = blame.first_difference(row, self.end, batch.order, ("extension.body",))
                self.faults.tell(fault._replace(field=blamed))

    def _dari(self, found: Found, is_directory: Any) -> bool:
        """Judge what only a DARI image has; tell whether its offset map is true."""
        image, tell = self.image, self.faults.tell
        files = Files(
            found.inode[~is_directory], found.record[~is_directory], self.runs.substituted
        )
        judge = Judge(image, self.sections, files, tell)
        judge.volume_header()
        judge.attributes(self.attributes.runs)
        self.volumes.finish()
        tree_rules.order(found, tell)
        tree_rules.maps(image, found, tell)
        tree_rules.directories(image, found, tell)
        tree_rules.links(image, found, tell)
        stream_rules.streams(image, found, tell)
        increment_rules.increment(image, tell)
        sound = judge.all_sections()
        judge.acls(sound)
        map_equal = judge.offset_map(sound)
        judge.end(sound, map_equal)
        return map_equal

    def _take_over(self) -> None:
        """Add what was found wrong while opening, unless the walk found it as well."""
        known = {(fault.record, fault.requirement) for fault in self.faults}
        for fault in self.image.faults:
            if fault.record is None or (fault.record, fault.requirement) not in known:
                self.faults.tell(fault)
