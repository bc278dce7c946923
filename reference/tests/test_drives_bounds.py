"""How near plans come to what no order can beat; and that nothing beats it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.drives import Endless

from benchmarks import bounds, driving
from darimage.drives import exact, files, ordering, planner
from darimage.volumes import simulated


@given(st.integers(2, 6), st.integers(0, 10**6), st.booleans())
def test_no_order_beats_a_bound(count, seed, is_free):
    rng = np.random.default_rng(seed)
    cost = rng.integers(0, 50, (count + 1, count + 1)).astype(float)
    cost[:, 0] *= not is_free
    orders = itertools.permutations(range(count))
    least = min(ordering.length(np.array(order), cost) for order in orders)
    assert ordering.length(exact.best(cost), cost) == least
    assert bounds.assignment(cost) <= least + 1e-6
    assert bounds.held_karp(cost, least) <= least + 1e-6


@given(st.integers(1, 5), st.integers(0, 10**6))
def test_an_arborescence_is_the_cheapest(count, seed):
    ways = np.random.default_rng(seed).integers(0, 30, (count + 1, count + 1)).astype(float)
    np.fill_diagonal(ways, np.inf)
    found = bounds.arborescence(ways)
    stops = np.arange(1, count + 1)
    least = np.inf
    for before in itertools.product(range(count + 1), repeat=count):
        if reaches(before):
            least = min(least, ways[np.array(before), stops].sum())
    assert reaches(found[1:].tolist())
    assert ways[found[1:], stops].sum() == least


def reaches(before):
    """Tell whether each stop is reached from stop 0."""
    for stop in range(1, len(before) + 1):
        for _ in before:
            stop = before[stop - 1] if stop else 0
        if stop:
            return False
    return True


@pytest.fixture(scope="module")
def a_thousand():
    starts, ends = driving.ten_million()
    assert 1.5e12 < ends[-1] < 2.5e12
    rows = np.sort(np.random.default_rng(8).choice(len(starts), 1000, replace=False))
    return np.column_stack((starts[rows], ends[rows]))


@pytest.mark.parametrize("name", ["dlt-7000", "lto-5", "lto-9"])
def test_a_thousand_files_out_of_ten_million(name, a_thousand, monkeypatch):
    """Within 5 % of what no order can beat, less than any plain way, and as predicted."""
    drive = files.find(name)
    plan = planner.plan(a_thousand, drive)
    assert plan.seconds <= 1.05 * bounds.least(plan.extents, drive)
    assert plan.seconds < 0.9 * planner.one_by_one(a_thousand, drive)
    monkeypatch.setattr(simulated, "SMALL", 1 << 30)
    volume = simulated.SimulatedDrive(Endless(int(a_thousand[-1, 1])), drive)
    for start, end in plan.reads.tolist():
        volume.readinto_at(start, [Endless(end - start)])
    assert volume.counts.clock == pytest.approx(plan.seconds, rel=0.01)
