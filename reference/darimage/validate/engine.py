"""Finds where an image breaks the specification: today what ``image.verify`` tells, as findings.

This is the seam: whatever finds faults has the two functions ``checked`` and ``judge``, and nothing
else of the package knows how they come about.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.batch import SECTIONS_INODE
from darimage.image.reader import Image
from darimage.image.verify import verify
from darimage.progress import SILENT, Progress
from darimage.units import RECORD
from darimage.validate.finding import Finding
from darimage.validate.places import Places
from darimage.validate.registry import requirements
from darimage.validate.selection import CORE

Tell = Callable[[Finding], None]

_ID = re.compile(r"DARI-[A-Z]{3}-\d{3}")
_PLACES = {
    "darimage.image": "front names nt_acls offsets opening payload reader streams verify walk",
    "darimage.sections": "directory names nt_acls offset_map streams xattrs",
    "darimage.sections.security": "ace acl descriptor sid",
}
"""Modules that tell faults while an image is verified, besides those called rules."""

_NO_IMAGE = "DARI-REC-001"
"""What is broken by that which is no sequence of records at all."""

_PATH_BYTES = 1 << 24
"""Bytes of all paths: a tree may be so deep that a thousand of them fill the memory."""


@cache
def checked() -> Mapping[str, tuple[str, ...]]:
    """Return the requirements that are checked, and for each the names of the rules."""
    found: dict[str, set[str]] = {}
    for package, names in _PLACES.items():
        for path in resources.files(package).iterdir():
            name = path.name.removesuffix(".py")
            if name.endswith("rules") or name in names.split():
                rule = f"{package.removeprefix('darimage.')}.{name}"
                for one in _cited(path.read_text(encoding="utf-8")):
                    found.setdefault(one, set()).add(rule)
    return {one: tuple(sorted(found[one])) for one in requirements() if one in found}


def _cited(source: str) -> Iterator[str]:
    """Yield the requirements that code, not its comments, names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and _ID.fullmatch(str(node.value)):
            yield str(node.value)


def judge(image: Image, profiles: frozenset[str], tell: Tell, progress: Progress = SILENT) -> int:
    """Judge an image, and tell each place where it breaks a requirement.

    Args:
        image: The image; opened for reading in sequence.
        profiles: The profiles that it is judged by.
        tell: Told of each finding, whatever its profile.
        progress: Told of the bytes passed.

    Returns:
        Findings that were counted but not told.
    """
    places = Places(image)
    if CORE in profiles and not image.is_dari:
        told = "the extension area does not begin with `DARI`: this is a plain dump"
        tell(_finding(Fault("format", told, None, None, 0, "DARI-EXT-002"), places))
    result = verify(image, progress)
    paths = _Paths(image)
    for fault in result.faults:
        tell(_finding(paths.add(fault), places))
    return result.fault_count - len(result.faults)


def refused(error: FormatError) -> Finding:
    """Return the finding that says why an image could not even be opened."""
    return _finding(Fault.of(error), None)


class _Paths:
    """Gives faults the path of their inode, as long as all paths together stay short."""

    def __init__(self, image: Image) -> None:
        self._names = image.names
        self._left = _PATH_BYTES

    def add(self, fault: Fault) -> Fault:
        """Return a fault with its path."""
        if fault.path is not None or fault.inode in (None, SECTIONS_INODE) or self._left <= 0:
            return fault
        path = self._names.path(fault.inode)
        self._left -= len(path or b"")
        return fault._replace(path=path)


def _finding(fault: Fault, places: Places | None) -> Finding:
    requirement, field = requirements()[fault.requirement or _NO_IMAGE], fault.field
    volume = offset = length = None
    if fault.record is not None:
        volume = 1 if places is None else places.volume_of(fault.record)
        offset = fault.record * RECORD + (0 if field is None else field.offset)
        length = RECORD if field is None else field.length
        length = length if places is None else max(0, min(length, places.size - offset))
    return Finding(
        requirement=requirement.id,
        level=requirement.strength,
        rule=f"verify.{fault.kind}",
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
