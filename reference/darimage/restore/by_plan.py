"""Restoring in the order that is quickest on a drive: what a plan is made of, and going by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darimage.drives import planner
from darimage.drives.model import Drive
from darimage.drives.planner import ReadingPlan
from darimage.image.volume_set import real_of
from darimage.units import RECORD
from darimage.volumes.ahead import Ahead
from darimage.volumes.pieces import Pieces

if TYPE_CHECKING:
    from darimage.image.reader import Image
    from darimage.restore.plan import Files
    from darimage.volumes.cut import Cut

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ImagePlan:
    """What is read of one image.

    Attributes:
        image: The image.
        rows: Rows of ``Files`` that come from it, ascending.
        extents: Bytes of each row as they really lie, shape ``(n, 2)``.
        reading: How they are read; its bytes are real ones.
        read_of: The read that each row lies in.
    """

    image: Image
    rows: Ints
    extents: Ints
    reading: ReadingPlan
    read_of: Ints

    @property
    def size(self) -> int:
        """Bytes of the image as it lies."""
        return real_of(self.image.volume).size

    @property
    def spans(self) -> Ints:
        """The reads in logical bytes, which is what everything else counts by."""
        cut = self.image.volume.cut
        spans = _shown(cut, self.reading.reads)
        return np.minimum(spans, self.image.volume.size)

    @property
    def wanted(self) -> Ints:
        """What of the reads is wanted, in logical bytes."""
        return np.minimum(_shown(self.image.volume.cut, self.extents), self.image.volume.size)

    def groups(self) -> Iterator[list[int]]:
        """Yield the rows of each read, ascending, in the order of the reads."""
        order = np.argsort(self.read_of, kind="stable")
        bounds = np.flatnonzero(np.diff(self.read_of[order])) + 1
        for group in np.split(self.rows[order], bounds):
            if group.size:
                yield group.tolist()

    def whole(self) -> float:
        """Return the seconds to read all of the image, from its beginning."""
        return planner.whole(self.reading.drive, self.size)

    def one_by_one(self) -> float:
        """Return the seconds with a seek for each file."""
        return planner.one_by_one(self.extents, self.reading.drive, at=self.reading.at)


def plan_of(image: Image, chosen: Files, rows: Ints, drive: Drive) -> ImagePlan:
    """Plan how to read some files of an image.

    Args:
        image: The image.
        chosen: All files.
        rows: Which of them, ascending; all come from this image.
        drive: What the image's tapes are read by.
    """
    cut = image.volume.cut
    extents = np.column_stack(
        (_placed(cut, chosen.offsets[rows]), _placed(cut, chosen.ends[rows] - RECORD) + RECORD)
    ).astype(np.int64)
    drive = fitted(drive, image)
    reading = planner.plan(extents, drive, at=position_of(image))
    return ImagePlan(image, rows, extents, reading, _read_of(extents, reading.reads))


def fitted(drive: Drive, image: Image) -> Drive:
    """Return a model with the block of an image and the size of its volumes, if it has tapes."""
    if not drive.capacity:
        return drive
    tape = image.volume.cut.capacity * RECORD
    real = real_of(image.volume)
    if not tape and isinstance(real, Pieces) and len(real.places) > 1:
        # Tapes of a folder, or pieces: all but the last are about as long as the first.
        tape = real.places[0].end - real.places[0].start
    return replace(drive, block=max(1, image.identity.ntrec) * RECORD, tape=tape or drive.tape)


def position_of(image: Image) -> int:
    """Return where the drive is when the names, the map and the verdict have been read."""
    real = real_of(image.volume)
    known = getattr(real, "position", None)
    if known is not None or image.ends_at_end:
        return int(real.size if known is None else known)
    return int(image.volume.cut.physical(image.front.files)) * RECORD


@contextmanager
def reading(image: Image, plan: ImagePlan) -> Iterator[None]:
    """Have all reads of an image come from one reader that goes by a plan."""
    behind = image.volume
    with Ahead(behind, plan.spans, plan.wanted) as ahead:
        image.volume = ahead
        try:
            yield
        finally:
            image.volume = behind


def _placed(cut: Cut, offsets: Ints) -> Ints:
    """Return where bytes at the beginning of records really lie."""
    return cut.physical(offsets // RECORD) * RECORD


def _shown(cut: Cut, reads: Ints) -> Ints:
    """Return how many bytes are shown before real ones, in whole records."""
    records = np.column_stack((reads[:, 0] // RECORD, -(-reads[:, 1] // RECORD)))
    before = cut.logical(np.maximum(records - 1, 0)) + 1
    return np.where(records > 0, before, 0) * RECORD


def _read_of(extents: Ints, reads: Ints) -> Ints:
    """Return for each extent the first read that has all of it, or at least its beginning."""
    if not len(reads):
        return np.zeros(len(extents), np.int64)
    order = np.argsort(reads[:, 0], kind="stable")
    at = np.searchsorted(reads[order, 0], extents[:, 0], side="right") - 1
    found = order[np.maximum(at, 0)]
    for row in np.flatnonzero(reads[found, 1] < extents[:, 1]).tolist():
        start, end = extents[row]
        begins = (reads[:, 0] <= start) & (start < reads[:, 1])
        holds = np.flatnonzero(begins & (end <= reads[:, 1]))
        holds = holds if holds.size else np.flatnonzero(begins)
        found[row] = holds[0] if holds.size else len(reads) - 1
    return found
