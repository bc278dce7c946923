"""How short a way round can be at least: the optimum, or a bound below it.

Two bounds, both of problems that a way round solves too: each stop has one way in and one way out
(the assignment problem, by Bertsekas' auction), and every stop is reached from the first (Edmonds'
arborescence, with prices for stops that are left too often: Held and Karp).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from darimage.drives import exact, ordering
from darimage.drives.model import Drive

Ints = npt.NDArray[np.int64]
Ways = npt.NDArray[np.floating[Any]]

EXACT = 16
"""Stops of which the optimum is computed."""

SMALL = 60
"""Stops of which the better bound is computed."""

ROUNDS = 250


def least(spans: Ints, drive: Drive, at: int = 0) -> float:
    """Return seconds that no order of reading ``spans`` can beat.

    Tapes are taken in ascending order, as the planner takes them.
    """
    groups = ordering.by_tape(spans, drive)
    seconds = float(sum(drive.inside(*group.T).sum() for group in groups))
    for number, group in enumerate(groups):
        place = at if not number else int(groups[number - 1][-1, 1])
        cost = ordering.ways(group, drive, place, leaves=number + 1 < len(groups))
        if number:
            # What leaving the tape before takes is counted with that tape.
            cost[0, 1:] -= float(drive.change(place))
        seconds += of_ways(cost)
    return seconds


def of_ways(cost: Ways) -> float:
    """Return a bound of the way round, or its length where that can be had."""
    count = len(cost) - 1
    if count <= EXACT:
        return ordering.length(exact.best(cost), cost)
    bound = assignment(cost)
    if count <= SMALL:
        reached = ordering.length(ordering.by_ways(cost), cost)
        bound = max(bound, held_karp(cost, reached))
    return bound


def assignment(cost: Ways, tolerance: float = 1e-3) -> float:
    """Return a lower bound by prices: whatever they are, what each pays at best is one."""
    value = -cost.astype(float)
    np.fill_diagonal(value, -1e12)
    prices = np.zeros(len(cost))
    step = float(cost.max()) / 4
    while step > tolerance:
        step /= 5
        _auction(value, prices, step)
    return float(-((value - prices).max(axis=1).sum() + prices.sum()))


def _auction(value: Ways, prices: Ways, step: float) -> None:
    """Let all bid until each has something; prices rise."""
    holder = np.full(len(value), -1)
    free = list(range(len(value)))
    while free:
        bidder = free.pop()
        net = value[bidder] - prices
        wanted = int(net.argmax())
        most = net[wanted]
        net[wanted] = -np.inf
        prices[wanted] += most - net.max() + step
        if holder[wanted] >= 0:
            free.append(int(holder[wanted]))
        holder[wanted] = bidder


def held_karp(cost: Ways, reached: float) -> float:
    """Return a lower bound by arborescences, given the length of some way round."""
    ways = cost.copy()
    np.fill_diagonal(ways, np.inf)
    prices = np.zeros(len(ways))
    best, pace = -np.inf, 1.0
    for number in range(ROUNDS):
        priced = ways + prices[:, None]
        before = arborescence(priced)
        before[0] = int(priced[:, 0].argmin())
        bound = float(priced[before, np.arange(len(ways))].sum() - prices.sum())
        best = max(best, bound)
        often = np.bincount(before, minlength=len(ways)) - 1
        if not often.any():
            break
        prices += pace * max(reached - bound, 1e-6) / float((often**2).sum()) * often
        if number % 20 == 19:
            pace *= 0.75
    return best


def arborescence(ways: Ways) -> Ints:
    """Return from where each stop is reached in the cheapest tree of ways from stop 0."""
    before = ways.argmin(axis=0)
    before[0] = 0
    loop = _loop(before)
    if loop is None:
        return before
    inside = np.zeros(len(ways), np.bool_)
    inside[loop] = True
    outside = np.flatnonzero(~inside)
    smaller = np.full((len(outside) + 1, len(outside) + 1), np.inf)
    smaller[:-1, :-1] = ways[np.ix_(outside, outside)]
    into = ways[np.ix_(outside, loop)] - ways[before[loop], loop]
    out = ways[np.ix_(loop, outside)]
    smaller[:-1, -1], smaller[-1, :-1] = into.min(axis=1), out.min(axis=0)
    found = arborescence(smaller)
    for at, stop in enumerate(outside.tolist()):
        if at:
            source = int(found[at])
            last = source == len(outside)
            before[stop] = loop[out[:, at].argmin()] if last else outside[source]
    entered = int(found[-1])
    before[loop[into[entered].argmin()]] = outside[entered]
    return before


def _loop(before: Ints) -> Ints | None:
    """Return the stops of a loop, if there is one that does not hold stop 0."""
    seen = np.zeros(len(before), np.int64)
    for start in range(1, len(before)):
        stop = start
        while stop and not seen[stop]:
            seen[stop] = start
            stop = int(before[stop])
        if stop and seen[stop] == start:
            loop = [stop]
            while before[loop[-1]] != stop:
                loop.append(int(before[loop[-1]]))
            return np.array(loop)
    return None
