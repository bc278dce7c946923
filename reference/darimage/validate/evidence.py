"""What a drawing of an image needs: where its parts and files lie, and the records at fault."""

from __future__ import annotations

import numpy as np

from darimage.image.first_headers import inodes_at
from darimage.image.names import Names
from darimage.image.reader import Image
from darimage.showing import display
from darimage.units import RECORD
from darimage.validate.judging import Outcome
from darimage.validate.places import Ints, Places
from darimage.validate.report import Evidence, ImageReport, Stretch

SHOWN_RECORDS = 200
"""Records that are kept to be shown."""

_FILES_DRAWN = 2000
_DIRECTORIES_DRAWN = 500


def gather(image: Image, report: ImageReport, outcome: Outcome) -> Evidence:
    """Return the evidence for the findings of an image that was judged.

    Args:
        image: The image.
        report: What came of it.
        outcome: What was seen of it.
    """
    kept, places = Evidence(), Places(image)
    for told in report.told:
        record = told.finding.record
        if record is not None and len(kept.records) < SHOWN_RECORDS:
            content = places.read(record)
            if content:
                kept.records[record] = content
    kept.stretches += [
        Stretch(part.kind, part.title, part.record, part.records) for part in image.parts
    ]
    kept.stretches += _directories(image, outcome.tree, places)
    kept.stretches += _files(image, outcome.tree, places, *outcome.placed)
    return kept


def _directories(image: Image, tree: Names, places: Places) -> list[Stretch]:
    table = image.front.directories
    records = places.real(table.records)
    ends = np.append(records[1:], places.real(np.array([image.front.directories_end])))
    drawn = _widest(records, ends - records, _DIRECTORIES_DRAWN)
    return [
        Stretch(
            "directory",
            _title(tree, int(table.numbers[at])),
            int(records[at]),
            int(ends[at] - records[at]),
        )
        for at in drawn
    ]


def _files(image: Image, tree: Names, places: Places, numbers: Ints, found: Ints) -> list[Stretch]:
    """Return the widest files: as long as they say, but none beyond where the next begins."""
    records = places.real(found)
    last = next((part for part in image.parts if part.kind == "files"), None)
    end = places.total(image.records) if last is None else last.record + last.records
    widths = np.diff(np.append(records, max(end, int(records[-1]) if len(records) else 0)))
    drawn = _widest(records, widths, _FILES_DRAWN)
    at = numbers[drawn], found[drawn] * RECORD
    seen = inodes_at(image.volume, image.marks, *at, lambda _: None, old_format=image.old_format)
    said = {inode.number: inode.run_records for inode in seen}
    return [
        Stretch(
            "file",
            _title(tree, int(numbers[at])),
            int(records[at]),
            min(int(widths[at]), said.get(int(numbers[at])) or int(widths[at])),
        )
        for at in drawn
    ]


def _widest(records: np.ndarray, widths: np.ndarray, most: int) -> list[int]:
    """Return the places of the widest, in the order they lie."""
    if len(records) > most:
        return sorted(np.argpartition(widths, -most)[-most:].tolist())
    return list(range(len(records)))


def _title(tree: Names, inode: int) -> str:
    path = tree.path(inode)
    return f"inode {inode}" if path is None else display(path[-200:]) or "."
