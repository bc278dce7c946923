"""Judges an image and tells what the rules found, as findings."""

from __future__ import annotations

from typing import Protocol

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.batch import SECTIONS_INODE
from darimage.image.names import Names
from darimage.image.reader import Image
from darimage.progress import SILENT, Progress
from darimage.units import RECORD
from darimage.validate import judging
from darimage.validate.finding import Finding
from darimage.validate.judging import Outcome
from darimage.validate.places import Places
from darimage.validate.rules import decoded
from darimage.validate.rules.rule import Rule
from darimage.validate.selection import CORE

_PLAIN = "DARI-EXT-002"
"""What is broken by a plain dump where more was asked for."""

_PATH_BYTES = 1 << 24
"""Bytes of all paths: a tree may be so deep that a thousand of them fill the memory."""


class Report(Protocol):
    """What findings are told to."""

    def wants(self, requirement: str, rule: str) -> bool:
        """Tell whether the next finding of a rule is to be told in full."""

    def tell(self, finding: Finding) -> None:
        """Take a finding in."""

    def count(self, requirement: str, rule: str, more: int) -> None:
        """Take findings in that are only counted."""


def judge(
    image: Image, profiles: frozenset[str], report: Report, progress: Progress = SILENT
) -> Outcome:
    """Judge an image, and tell each place where it breaks a requirement.

    Args:
        image: The image; opened for reading in sequence.
        profiles: The profiles that it is judged by.
        report: Told of each finding, whatever its profile.
        progress: Told of the bytes passed.

    Returns:
        What was seen of it.
    """
    teller = _Teller(image, report)
    if CORE in profiles and not image.is_dari:
        told = "the extension area does not begin with `DARI`: this is a plain dump"
        teller.tell(decoded.of(_PLAIN), Fault("format", told, None, None, 0, _PLAIN))
    return judging.judge(image, teller, progress)


def refused(error: FormatError) -> Finding:
    """Return the finding that says why an image could not even be opened."""
    return _finding(decoded.of(error.requirement), Fault.of(error), None)


class _Teller:
    """Makes findings of faults: gives them places, and paths as long as all together stay short."""

    def __init__(self, image: Image, report: Report) -> None:
        self._image = image
        self._report = report
        self._places = Places(image)
        self._names: Names | None = None
        self._left = _PATH_BYTES

    def wants(self, rule: Rule) -> bool:
        return self._report.wants(rule.requirement, rule.name)

    def tell(self, rule: Rule, fault: Fault) -> None:
        self._report.tell(_finding(rule, self._named(fault), self._places))

    def count(self, rule: Rule, more: int) -> None:
        self._report.count(rule.requirement, rule.name, more)

    def _named(self, fault: Fault) -> Fault:
        """Return a fault with its path."""
        if fault.path is not None or fault.inode in (None, SECTIONS_INODE) or self._left <= 0:
            return fault
        if self._names is None:
            # Whatever is wrong with the tree is found elsewhere.
            self._names = Names(self._image.front.directories, lambda _fault: None)
        path = self._names.path(fault.inode)
        self._left -= len(path or b"")
        return fault._replace(path=path)


def _finding(rule: Rule, fault: Fault, places: Places | None) -> Finding:
    field, volume, offset, length = fault.field, None, None, None
    if fault.record is not None:
        volume = 1 if places is None else places.volume_of(fault.record)
        offset = fault.record * RECORD + (0 if field is None else field.offset)
        length = RECORD if field is None else field.length
        length = length if places is None else max(0, min(length, places.size - offset))
    return Finding(
        requirement=rule.requirement,
        level=rule.level,
        rule=rule.name,
        message=fault.message,
        volume=volume,
        record=fault.record,
        offset=offset,
        length=length,
        field=None if field is None else field.path,
        inode=fault.inode,
        path=fault.path,
        found=None if field is None else field.found,
        expected=None if field is None else field.expected,
    )
