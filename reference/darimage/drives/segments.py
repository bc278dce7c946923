"""Or-opt: moving short segments of a way round to where they cost less."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

from darimage.drives.edges import nearest

Ints = npt.NDArray[np.int64]
Ways = npt.NDArray[np.floating[Any]]

SEGMENT = 8
"""Stops that are moved together at most."""

LOOKS = 30
"""Times that each stop is looked at, on average, at most."""

LEAST_GAIN = 1e-6
"""Seconds; less is rounding."""


def improved(order: Ints, cost: Ways) -> Ints:
    """Return an order that no short segment can be moved in with a gain, or that is near that.

    Args:
        order: Each of 0..m - 1 once.
        cost: Ways between 0..m, where 0 is beginning and end.
    """
    way = _Way(order, cost)
    pending = deque(range(len(cost)))
    waits = [True] * len(cost)
    for _ in range(LOOKS * len(cost)):
        if not pending:
            break
        first = pending.popleft()
        waits[first] = False
        for node in way.improve(first):
            if not waits[node]:
                waits[node] = True
                pending.append(node)
    return way.order()


class _Way:
    """A way round as a list that is linked both ways."""

    def __init__(self, order: Ints, cost: Ways) -> None:
        nodes = [0, *(order + 1).tolist()]
        self.after = [0] * len(nodes)
        self.before = [0] * len(nodes)
        for node, following in zip(nodes, [*nodes[1:], 0], strict=True):
            self.after[node], self.before[following] = following, node
        self.cost: list[list[float]] = cost.tolist()
        ways = cost.copy()
        np.fill_diagonal(ways, np.inf)
        after, before = nearest(ways)
        self.near_after: list[list[int]] = after.tolist()
        self.near_before: list[list[int]] = before.tolist()

    def order(self) -> Ints:
        """Return the stops without 0, counted from 0."""
        nodes: list[int] = []
        node = self.after[0]
        while node:
            nodes.append(node - 1)
            node = self.after[node]
        return np.array(nodes, np.int64)

    def improve(self, first: int) -> list[int]:
        """Move the segment that begins with a stop; return the stops whose ways changed."""
        if first == 0:
            return []
        cost, after = self.cost, self.after
        start = self.before[first]
        segment: set[int] = set()
        last = first
        for _ in range(SEGMENT):
            if last == 0:
                break
            segment.add(last)
            goal = after[last]
            if goal == start:
                break
            saved = cost[start][first] + cost[last][goal] - cost[start][goal]
            place = self._place(first, last, segment, saved - LEAST_GAIN)
            if place is not None:
                following = after[place]
                self._link(start, goal)
                self._link(place, first)
                self._link(last, following)
                return [start, goal, place, first, last, following]
            last = goal
        return []

    def _place(self, first: int, last: int, segment: set[int], most: float) -> int | None:
        """Return after which stop a segment costs least, if that is less than ``most``."""
        cost, after, before = self.cost, self.after, self.before
        best: int | None = None
        for place in self.near_before[first]:
            if place not in segment:
                goal = after[place]
                if goal not in segment:
                    added = cost[place][first] + cost[last][goal] - cost[place][goal]
                    if added < most:
                        best, most = place, added
        for goal in self.near_after[last]:
            if goal not in segment:
                place = before[goal]
                if place not in segment:
                    added = cost[place][first] + cost[last][goal] - cost[place][goal]
                    if added < most:
                        best, most = place, added
        return best

    def _link(self, node: int, following: int) -> None:
        self.after[node], self.before[following] = following, node
