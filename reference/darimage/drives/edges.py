"""Greedy edges: a way round made of the shortest ways that still fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Ways = npt.NDArray[np.floating[Any]]

NEAREST = 12
"""Ways from each, and to each, that are looked at first."""


def joined(cost: Ways) -> Ints:
    """Return an order of 0..m - 1 for the ways between 0..m, where 0 is beginning and end."""
    cost = cost.copy()
    np.fill_diagonal(cost, np.inf)
    chains = _Chains(len(cost))
    chains.join(*_short(cost), cost)
    while chains.left:
        chains.join(*_between(chains, cost), cost)
    return chains.order()


def nearest(cost: Ways, count: int = NEAREST) -> tuple[Ints, Ints]:
    """Return for each the nearest to go on to, and the nearest to come from.

    Both have the shape ``(m + 1, count)``, or less if there are less.
    """
    count = min(count, len(cost) - 1)
    after = np.argpartition(cost, count - 1, axis=1)[:, :count]
    before = np.argpartition(cost, count - 1, axis=0)[:count].T
    return after, before


def _short(cost: Ways) -> tuple[Ints, Ints]:
    """Return the ways to the nearest of each and from the nearest of each."""
    after, before = nearest(cost)
    every = np.repeat(np.arange(len(cost)), after.shape[1])
    return np.concatenate((every, before.ravel())), np.concatenate((after.ravel(), every))


def _between(chains: _Chains, cost: Ways) -> tuple[Ints, Ints]:
    """Return the shortest way from the end of each chain to another's beginning."""
    ends, starts = chains.ends(), chains.starts()
    free = cost[np.ix_(ends, starts)]
    of_end = np.array([chains.of(end) for end in ends.tolist()])
    of_start = np.array([chains.of(start) for start in starts.tolist()])
    free[of_end[:, None] == of_start[None, :]] = np.inf
    return ends, starts[free.argmin(axis=1)]


class _Chains:
    """Ways put together so far, as chains.

    Attributes:
        left: How many ways are missing until there is one chain.
    """

    def __init__(self, count: int) -> None:
        self.after = [-1] * count
        self.before = [-1] * count
        self._leader = list(range(count))
        self.left = count - 1

    def of(self, node: int) -> int:
        """Return what all of a chain have in common."""
        leader = self._leader
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    def join(self, starts: Ints, goals: Ints, cost: Ways) -> None:
        """Take the ways that fit, the shortest first."""
        shortest = np.argsort(cost[starts, goals], kind="stable")
        for start, goal in zip(starts[shortest].tolist(), goals[shortest].tolist(), strict=True):
            if self.after[start] >= 0 or self.before[goal] >= 0:
                continue
            one, other = self.of(start), self.of(goal)
            if one != other:
                self.after[start], self.before[goal] = goal, start
                self._leader[one] = other
                self.left -= 1

    def ends(self) -> Ints:
        """Return the last of each chain."""
        return np.flatnonzero(np.array(self.after) < 0)

    def starts(self) -> Ints:
        """Return the first of each chain."""
        return np.flatnonzero(np.array(self.before) < 0)

    def order(self) -> Ints:
        """Return the one chain as a way round from 0, without 0 and counted from 0."""
        after = list(self.after)
        after[int(self.ends()[0])] = int(self.starts()[0])
        nodes: list[int] = []
        node = after[0]
        while node:
            nodes.append(node - 1)
            node = after[node]
        return np.array(nodes, np.int64)
