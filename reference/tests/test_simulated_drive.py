"""The simulated drive moves step by step, the model computes: their clocks agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.drives import SIZE, Endless, drives, extents

from darimage.drives import files, planner
from darimage.drives.model import Distance, Serpentine
from darimage.volumes.reading import MemoryVolume
from darimage.volumes.simulated import SimulatedDrive


def put_in(drive, size=SIZE):
    return SimulatedDrive(MemoryVolume(bytes(range(256)) * (size // 256 + 1)), drive)


def follow(volume, reads, step=97):
    """Read what a plan says, in small pieces."""
    for start, end in reads.tolist():
        for at in range(start, end, step):
            volume.read_at(at, min(step, end - at))


@settings(max_examples=300)
@given(drives, extents(10))
def test_a_plan_takes_what_it_says(drive, wanted):
    plan = planner.plan(wanted, drive)
    volume = put_in(drive, SIZE + 256)
    follow(volume, plan.reads)
    assert volume.counts.clock == pytest.approx(plan.seconds, rel=1e-6, abs=1e-6)
    assert volume.counts.seeks == plan.seeks


@given(drives, st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(1, 300)), max_size=8))
def test_any_reads_take_what_the_model_says_and_are_the_bytes(drive, wanted):
    volume = put_in(drive, 2 * SIZE)
    place, seconds = -1 if drive.asks else 0, 0.0
    for start, length in wanted:
        low, high = start // drive.block * drive.block, -(-(start + length) // drive.block)
        high *= drive.block
        assert volume.read_at(start, length) == volume.volume.read_at(start, length)
        if place - drive.block <= low < place:
            low = place
        if low != place:
            seconds += float(drive.locate(place, low))
        elif low < high:
            seconds += float(drive.through(place, low))
        if low < high:
            seconds += float(drive.inside(low, high))
            place = high
        elif low != place:
            place = low
    assert volume.counts.clock == pytest.approx(seconds, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", files.names())
def test_a_real_model_far_and_near(name):
    drive = replace(files.find(name), block=65536)
    rng = np.random.default_rng(2)
    size = drive.capacity or 10**12
    starts = rng.integers(0, size - 10**6, 60)
    starts[30:] = starts[:30] + rng.integers(-(10**9), 10**9, 30)
    starts = np.clip(starts, 0, size - 10**6)
    plan = planner.plan(np.column_stack((starts, starts + 50_000)), drive)
    volume = SimulatedDrive(Endless(size), drive)
    for start, end in plan.reads.tolist():
        volume.readinto_at(start, [Endless(end - start)])
    assert volume.counts.clock == pytest.approx(plan.seconds, rel=0.001)


def test_a_drive_whose_data_nobody_takes_stops():
    drive = Distance("line", rate=10.0, buffer=50, stop=7.0)
    volume = put_in(drive)
    volume.read_at(0, 10)
    volume.wait(2.0)
    volume.read_at(10, 20)
    assert (volume.counts.clock, volume.counts.stops) == (1 + 2, 0)
    volume.wait(100.0)
    volume.read_at(30, 50)
    for at in range(80, 100):
        volume.read_at(at, 1)
    assert volume.counts.stops == 1
    assert volume.counts.clock == pytest.approx(3 + 100 + 7 + 2)


def test_tapes_are_changed():
    drive = Serpentine(
        "tape", rate=10.0, capacity=100, wraps=2, length=10.0, load=3.0, unload=5.0, exchange=1.0
    )
    volume = put_in(drive)
    volume.read_at(0, 250)
    assert volume.counts.changes == 2
    assert volume.counts.seeks == 0
    volume.read_at(0, 10)
    assert (volume.counts.changes, volume.counts.seeks) == (3, 1)
    assert volume.position == 10
