"""The plan: at each gap, is it quicker to seek, or to read on and discard?

In a forward pass the drive is at the end of an extent whether it sought or read before it. So what
a gap costs depends on nothing but the gap, and the lesser of two times at each gap is the least
time in all. On serpentine tapes another order may be quicker still: see ``ordering``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from darimage.drives import ordering
from darimage.drives.model import Drive

Ints = npt.NDArray[np.int64]
Order = Literal["forward", "serpentine"]

WORTH_IT = 1e-6
"""Part of the time that another order has to gain; less may be rounding."""

NOTHING = np.zeros((0, 2), np.int64)


@dataclass(frozen=True)
class ReadingPlan:
    """What to read, in which order, and how long that takes.

    Attributes:
        reads: Bytes ``[start, end)`` that are read without a seek, in the order to read them;
            shape ``(m, 2)``.
        seconds: From ``at`` to the last byte.
        seeks: Reads that begin with a seek.
        wanted: Bytes that were asked for, in whole blocks.
        discarded: Bytes that are read besides.
        order: ``serpentine`` if another order than that of the addresses is quicker.
        extents: What was asked for, in whole blocks, ascending, none over or at another; shape
            ``(k, 2)``.
        forward_seconds: The least time of a forward pass.
        drive: What the plan is for.
        at: Where the drive was.
    """

    reads: Ints
    seconds: float
    seeks: int
    wanted: int
    discarded: int
    order: Order
    extents: Ints
    forward_seconds: float
    drive: Drive
    at: int = 0

    @cached_property
    def gain(self) -> float:
        """Seconds that the order gains over a forward pass."""
        return self.forward_seconds - self.seconds


def plan(extents: npt.ArrayLike, drive: Drive, *, at: int = 0) -> ReadingPlan:
    """Decide how to read extents of an image.

    Args:
        extents: ``[start, end)`` in bytes, shape ``(n, 2)``, in any order; they may overlap.
        drive: The model that times come from.
        at: Where the drive is.
    """
    spans = merged(extents, drive.block)
    if not len(spans):
        return ReadingPlan(NOTHING, 0.0, 0, 0, 0, "forward", spans, 0.0, drive, at)
    forward = _decided(spans, spans, drive, at)
    if not drive.reorders or len(spans) < 2:
        return forward
    order = ordering.reordered(spans, forward.reads, drive, at)
    other = _decided(order, spans, drive, at)
    if other.seconds > forward.seconds * (1 - WORTH_IT):
        return forward
    return replace(other, order="serpentine", forward_seconds=forward.seconds)


def merged(extents: npt.ArrayLike, block: int = 1) -> Ints:
    """Return extents widened to blocks, ascending; what touches or overlaps is one."""
    spans = np.asarray(extents, np.int64).reshape(-1, 2)
    spans = spans[spans[:, 1] > spans[:, 0]]
    if not len(spans):
        return NOTHING
    starts = spans[:, 0] // block * block
    ends = -(-spans[:, 1] // block) * block
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    first = np.flatnonzero(np.append(True, starts[1:] > ends[:-1]))
    last = np.append(first[1:], len(starts)) - 1
    return np.column_stack((starts[first], ends[last]))


def time_of(reads: Ints, drive: Drive, at: int = 0) -> float:
    """Return the seconds that reads take in their order, each with a seek before it."""
    if not len(reads):
        return 0.0
    places = np.append(at, reads[:-1, 1])
    seconds = drive.locate(places, reads[:, 0]).sum() + drive.inside(*reads.T).sum()
    return float(seconds)


def whole(drive: Drive, size: int, *, at: int = 0) -> float:
    """Return the seconds to read a whole image of ``size`` bytes."""
    return time_of(np.array([[0, size]], np.int64), drive, at) if size > 0 else 0.0


def one_by_one(extents: npt.ArrayLike, drive: Drive, *, at: int = 0) -> float:
    """Return the seconds with a seek for each extent, in the order of their addresses."""
    spans = np.asarray(extents, np.int64).reshape(-1, 2)
    spans = spans[spans[:, 1] > spans[:, 0]]
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    spans = np.column_stack(
        (spans[:, 0] // drive.block * drive.block, -(-spans[:, 1] // drive.block) * drive.block)
    )
    return time_of(spans, drive, at)


def _decided(stops: Ints, spans: Ints, drive: Drive, at: int) -> ReadingPlan:
    """Return the quickest plan that reads ``stops`` in their order, to get ``spans``."""
    places = np.append(at, stops[:-1, 1])
    seek = drive.locate(places, stops[:, 0])
    on = drive.through(places, stops[:, 0])
    seeks = seek < on
    # There is nothing to read on with before the first request.
    seeks[0] |= drive.asks
    starts = stops[:, 0].copy()
    starts[0] = stops[0, 0] if seeks[0] else at
    first = np.flatnonzero(np.append(True, seeks[1:]))
    last = np.append(first[1:], len(stops)) - 1
    reads = np.column_stack((starts[first], stops[last, 1]))
    seconds = float(np.where(seeks, seek, on).sum() + drive.inside(*stops.T).sum())
    wanted = _bytes(spans)
    return ReadingPlan(
        reads=reads,
        seconds=seconds,
        seeks=int(seeks.sum()),
        wanted=wanted,
        discarded=_bytes(reads) - wanted,
        order="forward",
        extents=spans,
        forward_seconds=seconds,
        drive=drive,
        at=at,
    )


def _bytes(spans: Ints) -> int:
    return int((spans[:, 1] - spans[:, 0]).sum())
