"""Another order for serpentine tapes: near in bytes is not near on the tape, and the other way.

The best order is that of a travelling salesman whose ways differ by direction. Of a few it is
found. Where at least all ways between what is wanted on a tape can be computed, the shortest ones
are put together that fit (greedy edges), and short segments are moved as long as that gains
(Or-opt). With more to read only
sweeps along the tape are tried, in the manner of Sandstå and Midtstraum's MPScan. Nothing depends
on the clock: the same extents give the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from darimage.drives import exact
from darimage.drives.edges import joined
from darimage.drives.model import Drive, Serpentine
from darimage.drives.segments import improved

Ints = npt.NDArray[np.int64]
Ways = npt.NDArray[np.floating[Any]]

MOST_WAYS = 1_500_000
"""Ways that are computed, over all tapes."""

SOME = 200
"""Reads on a tape up to which the forward order is improved as well."""


def reordered(extents: Ints, reads: Ints, drive: Drive, at: int) -> Ints:
    """Return what to read in a quick order, tape by tape.

    Args:
        extents: What is wanted, ``[start, end)`` ascending, none over or at another.
        reads: The same with what a forward pass reads between, which are fewer.
        drive: The model.
        at: Where the drive is.
    """
    if not isinstance(drive, Serpentine):
        return reads
    groups = by_tape(extents, drive)
    if _ways_of(groups) > MOST_WAYS:
        groups = by_tape(reads, drive)
    known = _ways_of(groups) <= MOST_WAYS
    found: list[Ints] = []
    place = at
    for number, group in enumerate(groups):
        leaves = number + 1 < len(groups)
        found.append(group[_order(group, drive, place, leaves=leaves, known=known)])
        place = int(found[-1][-1, 1])
    return np.concatenate(found)


def _order(spans: Ints, drive: Serpentine, place: int, *, leaves: bool, known: bool) -> Ints:
    """Return the order of what is wanted on one tape."""
    if known:
        return by_ways(ways(spans, drive, place, leaves=leaves))
    return sweeps(spans, drive)


def _ways_of(groups: list[Ints]) -> int:
    return sum(len(group) ** 2 for group in groups)


def by_tape(spans: Ints, drive: Drive) -> list[Ints]:
    """Return ascending spans in groups of those that lie on one tape, cut where a tape ends."""
    span = drive.span
    first, last = spans[:, 0] // span, (spans[:, 1] - 1) // span
    pieces: list[Ints] = []
    whole = first == last
    for start, end in spans[~whole].tolist():
        cuts = [start, *range((start // span + 1) * span, end, span), end]
        pieces.append(np.column_stack((cuts[:-1], cuts[1:])).astype(np.int64))
    pieces.append(spans[whole])
    cut = np.concatenate(pieces)
    cut = cut[np.argsort(cut[:, 0], kind="stable")]
    return np.split(cut, np.flatnonzero(np.diff(cut[:, 0] // span)) + 1)


def ways(spans: Ints, drive: Drive, place: int, *, leaves: bool) -> Ways:
    """Return the seconds from the end of each to the beginning of each; shape ``(m + 1, m + 1)``.

    Row 0 has the ways from ``place``, column 0 what leaving the tape takes: a way round by all of
    them begins and ends at 0.
    """
    starts, ends = spans[:, 0], np.append(place, spans[:, 1])
    found = np.zeros((len(ends), len(ends)))
    found[:, 1:] = drive.locate(ends[:, None], starts[None, :])
    on = drive.through(ends[:, None], starts[None, :])
    np.minimum(found[:, 1:], on, out=found[:, 1:])
    if leaves:
        found[1:, 0] = drive.change(spans[:, 1])
    return found


def by_ways(cost: Ways) -> Ints:
    """Return a quick order of 0..m - 1 for known ways (see ``ways``), of a few the best."""
    forward = np.arange(len(cost) - 1)
    if len(cost) <= 2:
        return forward
    if len(forward) <= exact.FEW:
        return exact.best(cost)
    begins = [joined(cost), forward] if len(forward) <= SOME else [joined(cost)]
    found = [forward, *(improved(order, cost) for order in begins)]
    return min(found, key=lambda order: length(order, cost))


def length(order: Ints, cost: Ways) -> float:
    """Return the seconds of all ways of an order."""
    nodes = np.append(0, order + 1)
    return float(cost[nodes, np.append(nodes[1:], 0)].sum())


def sweeps(spans: Ints, drive: Serpentine) -> Ints:
    """Return the order of sweeps along a tape: up on forward wraps, down on backward ones.

    What begins before the one ahead of it has ended waits for a later sweep.
    """
    within = spans - drive.tape_of(spans[:1, 0])[0] * drive.span
    wrap, along = drive.place_of(within[:, 0])
    begins = drive.entered(along)
    last_wrap, ends = drive.place_at(within[:, 1])
    backward = wrap % 2 == 1
    ends = np.where(wrap == last_wrap, ends, drive.length)
    # Metres along a wrap ascend in the direction it is read in, up or down the tape.
    by_place = np.argsort(begins, kind="stable")
    waiting = [by_place[~backward[by_place]], by_place[backward[by_place]]]
    order: list[int] = []
    side = 0
    while len(waiting[0]) or len(waiting[1]):
        taken = _one_sweep(begins[waiting[side]], ends[waiting[side]])
        order += waiting[side][taken].tolist()
        waiting[side] = np.delete(waiting[side], taken)
        side = 1 - side
    return np.array(order, np.int64)


def _one_sweep(begins: Ways, ends: Ways) -> list[int]:
    """Return which of some that ascend one sweep takes."""
    taken: list[int] = []
    reached = -1.0
    for at, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        if begin >= reached:
            taken.append(at)
            reached = end
    return taken
