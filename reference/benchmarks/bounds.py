"""How short a way round can be at least: the optimum, or a bound below it."""

from __future__ import annotations

import numpy as np

from darimage.drives import exact, ordering
from darimage.drives.model import Drive

EXACT = 18
"""Stops of which the optimum is computed."""


def optimum(spans, drive: Drive, at: int = 0) -> tuple[float, str]:
    """Return seconds that no order of reading ``spans`` can beat, and what they are.

    Tapes are taken in ascending order, as the planner takes them.
    """
    seconds = float(sum(drive.inside(*group.T).sum() for group in ordering.by_tape(spans, drive)))
    groups = ordering.by_tape(spans, drive)
    kinds = set()
    for number, group in enumerate(groups):
        place = at if not number else int(groups[number - 1][-1, 1])
        leaves = number + 1 < len(groups)
        cost = ordering.ways(group, drive, place, leaves=leaves)
        if number:
            # What leaving the tape before takes is counted with that tape.
            cost[0, 1:] -= float(drive.change(place))
        if len(group) <= EXACT:
            seconds += ordering.length(exact.best(cost), cost)
            kinds.add("optimum")
        else:
            seconds += assignment(cost)
            kinds.add("bound")
    return seconds, "optimum" if kinds == {"optimum"} else "lower bound"


def assignment(cost, tolerance: float = 1e-3) -> float:
    """Return a lower bound of the assignment problem, which is one of the way round.

    Bertsekas' auction gives prices; whatever they are, what each stop would pay at best is a bound.
    """
    count = len(cost)
    value = -cost.astype(float)
    np.fill_diagonal(value, -1e12)
    prices = np.zeros(count)
    step = float(cost.max()) / 4
    while step > tolerance:
        step /= 5
        _auction(value, prices, step)
    best = (value - prices).max(axis=1)
    return float(-(best.sum() + prices.sum()))


def _auction(value, prices, step: float) -> None:
    """Let all bid until each has something; prices rise."""
    count = len(value)
    holder = np.full(count, -1)
    free = list(range(count))
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
