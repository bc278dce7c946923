"""The best order of a few, by way of the best order of each part of them (Held and Karp)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Ways = npt.NDArray[np.floating[Any]]

FEW = 10
"""Stops that the best order is found of: 2 ** 10 parts of them, each with 10 ends."""


def best(cost: Ways) -> Ints:
    """Return the best order of 0..m - 1 for the ways between 0..m; 0 is beginning and end."""
    count = len(cost) - 1
    bits = 1 << np.arange(count)
    # seconds[part, last]: the least from 0 by all of a part (a bit for each stop) to its last.
    seconds = np.full((1 << count, count), np.inf)
    seconds[bits, np.arange(count)] = cost[0, 1:]
    parts = np.arange(1 << count)
    sizes = (parts[:, None] & bits > 0).sum(axis=1)
    for size in range(1, count):
        here = parts[sizes == size]
        for stop in range(count):
            without = here[here & bits[stop] == 0]
            ways = seconds[without] + cost[1:, stop + 1]
            seconds[without | bits[stop], stop] = ways.min(axis=1)
    return _traced(seconds, cost)


def _traced(seconds: Ways, cost: Ways) -> Ints:
    """Return the order behind the least of all seconds, from its end to its beginning."""
    count = len(cost) - 1
    part = (1 << count) - 1
    order = [int((seconds[part] + cost[1:, 0]).argmin())]
    while len(order) < count:
        part ^= 1 << order[-1]
        order.append(int((seconds[part] + cost[1:, order[-1] + 1]).argmin()))
    return np.array(order[::-1], np.int64)
