"""The plan to seek or to read on: the least time there is, and what it says of itself."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.drives import SIZE, drives, every_forward_pass, extents, serpentines

from darimage.drives import exact, files, ordering, planner
from darimage.drives.model import Distance, Requests

places = st.integers(0, SIZE)


def covers(reads, spans):
    """Tell whether each of some spans lies in one of the reads."""
    return all(
        any(start <= low and high <= end for start, end in reads.tolist())
        for low, high in spans.tolist()
    )


@given(drives, extents(), places)
def test_a_forward_pass_is_the_quickest_there_is(drive, wanted, at):
    """Each of the 2 ** n ways to seek or to read on at n gaps is tried."""
    plan = planner.plan(wanted, drive, at=at)
    if len(plan.extents):
        least = min(every_forward_pass(plan.extents, drive, at))
        assert plan.forward_seconds == pytest.approx(least, abs=1e-6)
    assert plan.seconds <= plan.forward_seconds


@given(drives, extents(12), places)
def test_all_that_was_asked_for_is_read_and_the_numbers_are_right(drive, wanted, at):
    plan = planner.plan(wanted, drive, at=at)
    spans = wanted[wanted[:, 1] > wanted[:, 0]]
    pieces = spans
    if plan.order == "serpentine":
        pieces = np.concatenate(ordering.by_tape(spans, drive))
    assert covers(plan.reads, pieces)
    bytes_wanted = len({b // drive.block for low, high in spans.tolist() for b in range(low, high)})
    assert plan.wanted == bytes_wanted * drive.block
    read = int((plan.reads[:, 1] - plan.reads[:, 0]).sum())
    assert read == plan.wanted + plan.discarded
    assert plan.seconds == pytest.approx(planner.time_of(plan.reads, drive, at), abs=1e-6)
    assert plan.gain == pytest.approx(plan.forward_seconds - plan.seconds)
    assert plan.seeks <= len(plan.reads)


@given(drives, extents(12), places)
def test_no_other_way_is_quicker_than_the_plan(drive, wanted, at):
    plan = planner.plan(wanted, drive, at=at)
    assert plan.seconds <= planner.one_by_one(wanted, drive, at=at) + 1e-6
    if at == 0 and len(plan.extents):
        end = int(plan.extents[-1, 1])
        assert plan.seconds <= planner.whole(drive, end, at=at) + 1e-6


@given(drives, extents(), places)
def test_extents_that_come_again_or_in_parts_change_nothing(drive, wanted, at):
    assume(len(wanted))
    middle = wanted.mean(axis=1).astype(np.int64)
    parts = np.concatenate(
        (
            wanted[::-1],
            np.column_stack((wanted[:, 0], middle)),
            np.column_stack((middle, wanted[:, 1])),
        )
    )
    once, again = planner.plan(wanted, drive, at=at), planner.plan(parts, drive, at=at)
    np.testing.assert_array_equal(once.reads, again.reads)
    assert (once.seconds, once.wanted) == (again.seconds, again.wanted)


def test_a_block_that_two_files_share_is_read_once():
    drive = Distance("line", rate=1.0, block=64, seek=((0.0, 1000.0),))
    plan = planner.plan([[0, 60], [60, 130], [120, 128]], drive)
    assert plan.reads.tolist() == [[0, 192]]
    assert (plan.wanted, plan.discarded, plan.seeks) == (192, 0, 0)


def test_a_gap_is_read_where_that_is_quicker_and_sought_where_not():
    drive = Distance("line", rate=10.0, seek=((0.0, 5.0),))
    plan = planner.plan([[100, 110], [150, 160], [260, 270]], drive)
    assert plan.reads.tolist() == [[100, 160], [260, 270]]
    assert (plan.seeks, plan.wanted, plan.discarded) == (2, 30, 40)
    assert plan.seconds == 5 + 6 + 5 + 1
    assert plan.order == "forward"


def test_requests_are_merged_as_gaps_are():
    drive = Requests("wire", rate=10.0, latency=5.0)
    plan = planner.plan([[0, 10], [55, 60], [200, 210]], drive)
    assert plan.reads.tolist() == [[0, 60], [200, 210]]
    assert plan.seeks == 2


def test_nothing_to_read_takes_no_time():
    plan = planner.plan(np.zeros((0, 2)), files.find("lto-9"))
    assert (plan.seconds, plan.seeks, plan.wanted, len(plan.reads)) == (0, 0, 0, 0)
    assert planner.plan([[5, 5]], files.find("disk")).reads.shape == (0, 2)


# -- another order -------------------------------------------------------------------------


def exhaustive(cost):
    """Return the least seconds of all orders."""
    count = len(cost) - 1
    return min(
        ordering.length(np.array(order), cost) for order in itertools.permutations(range(count))
    )


@settings(max_examples=200)
@given(serpentines(spans=(SIZE,)), extents(6), places)
def test_of_a_few_the_order_is_the_best_of_all(drive, wanted, at):
    spans = planner.merged(wanted, drive.block)
    assume(len(spans) > 1)
    cost = ordering.ways(spans, drive, at, leaves=False)
    found = ordering.by_ways(cost)
    assert sorted(found) == list(range(len(spans)))
    assert ordering.length(found, cost) == pytest.approx(exhaustive(cost), abs=1e-6)


@pytest.mark.parametrize("name", ["dlt-7000", "sdlt-320", "lto-5", "lto-9"])
def test_without_the_best_of_a_few_the_order_is_near_it(name, monkeypatch):
    """Real drives, seven files: on average within 1 %, at most 15 % above the best."""
    drive = files.find(name)
    rng = np.random.default_rng(11)
    over = []
    for _ in range(60):
        starts = np.sort(rng.integers(0, drive.capacity - 10**7, 7))
        spans = planner.merged(np.column_stack((starts, starts + 10**6)), drive.block)
        cost = ordering.ways(spans, drive, 0, leaves=False)
        best = ordering.length(exact.best(cost), cost)
        with monkeypatch.context() as patch:
            patch.setattr(exact, "FEW", 0)
            over.append(ordering.length(ordering.by_ways(cost), cost) / best)
    assert min(over) >= 1 - 1e-9
    assert np.mean(over) <= 1.01
    assert max(over) <= 1.15


@given(serpentines(), extents(12), places)
def test_every_order_has_all_that_was_wanted(drive, wanted, at):
    spans = planner.merged(wanted, drive.block)
    assume(len(spans))
    pieces = np.concatenate(ordering.by_tape(spans, drive))
    assert int((pieces[:, 1] - pieces[:, 0]).sum()) == int((spans[:, 1] - spans[:, 0]).sum())
    assert (drive.tape_of(pieces[:, 0]) == drive.tape_of(pieces[:, 1] - 1)).all()
    for group in ordering.by_tape(spans, drive):
        assert sorted(ordering.sweeps(group, drive).tolist()) == list(range(len(group)))


def test_another_order_is_taken_where_it_gains():
    drive = files.find("lto-9")
    starts = np.random.default_rng(7).integers(0, drive.capacity - 10**7, 300)
    wanted = np.column_stack((starts, starts + 10**6))
    plan = planner.plan(wanted, drive)
    assert plan.order == "serpentine"
    assert plan.gain > 0.5 * plan.forward_seconds
    assert plan.seconds == pytest.approx(planner.time_of(plan.reads, drive))


def test_with_many_reads_there_are_sweeps(monkeypatch):
    drive = files.find("lto-9")
    starts = np.random.default_rng(7).integers(0, drive.capacity - 10**7, 300)
    wanted = np.column_stack((starts, starts + 10**6))
    best = planner.plan(wanted, drive)
    monkeypatch.setattr(ordering, "MOST_WAYS", 100)
    plan = planner.plan(wanted, drive)
    assert plan.order == "serpentine"
    assert best.seconds <= plan.seconds < 0.5 * plan.forward_seconds


@pytest.mark.parametrize("name", ["disk", "object-store", "ait-2", "dlt-7000", "lto-5", "lto-9"])
def test_planning_is_quick(name):
    """At most 1 s of processor time for 100,000 extents (others may run beside the test)."""
    starts = np.random.default_rng(3).integers(0, 2 * 10**12, 100_000)
    wanted = np.column_stack((starts, starts + 200_000))
    begin = time.process_time()
    planner.plan(wanted, files.find(name))
    assert time.process_time() - begin <= 1.0


def test_what_touches_or_overlaps_is_one():
    assert planner.merged([[5, 9], [0, 3], [3, 5], [20, 30], [22, 25]]).tolist() == [
        [0, 9],
        [20, 30],
    ]
    assert planner.merged([[1, 2], [17, 18], [40, 40]], 16).tolist() == [[0, 32]]
