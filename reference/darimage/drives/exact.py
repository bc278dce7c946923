"""The best order of a few, by way of the best order of each part of them (Held and Karp)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Ways = npt.NDArray[np.floating[Any]]

FEW = 8
"""Stops that the best order is found of: 2 ** 8 parts of them, each with 8 ends."""


def best(cost: Ways) -> Ints:
    """Return the best order of 0..m - 1 for the ways between 0..m; 0 is beginning and end."""
    count = len(cost) - 1
    # seconds[part, last]: the least from 0 by all of a part (a bit for each stop) to its last.
    seconds = np.full((1 << count, count), np.inf)
    before = np.zeros((1 << count, count), np.int64)
    seconds[1 << np.arange(count), np.arange(count)] = cost[0, 1:]
    for part in range(1, 1 << count):
        stops = [stop for stop in range(count) if part >> stop & 1]
        for last in stops if len(stops) > 1 else ():
            ways = seconds[part ^ 1 << last] + cost[1:, last + 1]
            before[part, last] = ways.argmin()
            seconds[part, last] = ways[before[part, last]]
    part = (1 << count) - 1
    order = [int((seconds[part] + cost[1:, 0]).argmin())]
    while len(order) < count:
        last = order[-1]
        order.append(int(before[part, last]))
        part ^= 1 << last
    return np.array(order[::-1], np.int64)
