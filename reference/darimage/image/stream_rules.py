"""What holds of streams in the whole of an image (chapter 72)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault, display
from darimage.image import blame
from darimage.schema import Compat, Section
from darimage.sections.streams import has_strays

if TYPE_CHECKING:
    from darimage.image.reader import Image
    from darimage.image.run_rules import Found
    from darimage.sections.streams import StreamDirectory

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]


def streams(image: Image, found: Found, on_fault: OnFault) -> None:
    """Stream directories, their bases and stream files agree."""
    base_of = _nonzero(found.inode, found.base_inode)
    directory_of = _nonzero(found.inode, found.stream_directory)
    there = set(found.inode.tolist())
    table = image.streams.by_base
    for one in table.values():
        for told, requirement in _directory(image, one, base_of, there):
            on_fault(Fault("format", told, None, one.number, None, requirement))
        if one.base in there and directory_of.get(one.base) != one.number:
            told = f"stream_directory is {directory_of.get(one.base, 0)}, not {one.number}"
            on_fault(Fault("format", told, None, one.base, None, "DARI-STR-011"))
    for inode, number in directory_of.items():
        known = table.get(inode)
        if known is None or known.number != number:
            told = f"stream_directory is {number}, which is none of it"
            on_fault(Fault("format", told, None, inode, None, "DARI-STR-011"))
    for inode in base_of.keys() & directory_of.keys():
        on_fault(Fault("format", "a stream has streams", None, inode, None, "DARI-STR-011"))
    _section(image, on_fault)


def _nonzero(inodes: Ints, values: Ints) -> dict[int, int]:
    at = np.flatnonzero(values)
    return dict(zip(inodes[at].tolist(), values[at].tolist(), strict=True))


def _directory(
    image: Image, one: StreamDirectory, base_of: dict[int, int], there: set[int]
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a stream directory, and by which sentence."""
    if not image.dumped.holds([one.number])[0]:
        yield "is in the image and not in bitmap II", "DARI-STR-016"
    if not image.exists.holds([one.base])[0]:
        yield f"belongs to inode {one.base}, which does not exist", "DARI-STR-011"
    for name, inode in one.entries:
        if inode in there and base_of.get(inode) != one.base:
            told = f"stream {display(name)}, inode {inode}, has base_inode {base_of.get(inode, 0)}"
            yield told, "DARI-STR-001"
        elif not image.exists.holds([inode])[0]:
            yield f"stream {display(name)} is inode {inode}, which does not exist", "DARI-STR-016"
    if (data := image.streams.payload) and has_strays(data, one.at, image.order):
        yield "its record holds what it must not", "DARI-STR-005"


def _section(image: Image, on_fault: OnFault) -> None:
    """The section and its feature bit are there if there are streams."""
    if image.extension is None:
        return
    sections = [s for s in image.front.sections if s.section == Section.STREAM_DIRECTORIES]
    is_set = bool(image.extension.feature_compat & Compat.STREAMS)
    if is_set != bool(sections):
        told = f"compat feature streams is {'set' if is_set else 'clear'}, stream directories are "
        told += "there" if sections else "not there"
        flags = image.extension.feature_compat
        field = blame.in_volume("feature_compat", flags, flags ^ Compat.STREAMS)
        on_fault(Fault("format", told, record=0, requirement="DARI-VOL-010", field=field))
    if sections and not sections[0].payload_size:
        told = "a stream section without stream directories"
        on_fault(Fault("format", told, None, None, sections[0].record, "DARI-STR-016"))
