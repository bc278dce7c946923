"""``darimage drive``: the models, and measuring a device."""

from __future__ import annotations

import itertools
import json
import os

import pytest
from support.drive import Drive
from support.drives import Endless
from test_cli_plan import run

from darimage.drives import files, measure
from darimage.drives.model import Distance
from darimage.errors import StorageError, UsageError
from darimage.tapes.linux import LinuxTape
from darimage.tapes.probe import TapeProbe
from darimage.volumes.simulated import SimulatedDrive


class Simulated:
    """A device whose clock is virtual."""

    name = "simulated"

    def __init__(self, drive, size):
        self.size = size
        self.volume = SimulatedDrive(Endless(size), drive)

    def read(self, offset, length):
        self.volume.readinto_at(offset, [Endless(length)])

    def clock(self):
        return self.volume.counts.clock


@pytest.mark.parametrize("name", ["disk", "ssd", "ait-2"])
def test_measuring_finds_the_figures_again(name):
    drive = files.find(name)
    size = drive.capacity or 4 * 10**12
    probe = Simulated(drive, size)
    found = measure.measured(probe, probe.clock)
    assert found.rate == pytest.approx(drive.rate, rel=0.01)
    model = files.parse(measure.toml(found, name="it", source="a test"), "it.toml")
    assert isinstance(model, Distance)
    for distance in (10**6, 10**8, 10**10, 3 * 10**10):
        expected = float(drive.locate(0, distance))
        assert float(model.locate(0, distance)) == pytest.approx(expected, rel=0.12, abs=1e-4)


def test_measuring_goes_a_handful_of_ways():
    probe = Simulated(files.find("disk"), 10**12)
    found = measure.measured(probe, probe.clock)
    assert found.reads <= 200
    assert probe.volume.bytes_read == 0
    distances = [distance for distance, _ in found.seek]
    assert distances == sorted(distances)
    times = [seconds for _, seconds in found.seek]
    assert times == sorted(times)


def test_what_is_too_small_is_refused():
    probe = Simulated(files.find("disk"), 1000)
    with pytest.raises(UsageError, match="too few"):
        measure.measured(probe, probe.clock)


def test_a_clock_that_stands_still_is_survived():
    """A file in memory may be read faster than the clock can tell."""
    probe = Simulated(files.find("disk"), 10**9)
    found = measure.measured(probe, itertools.repeat(1.0).__next__)
    assert files.parse(measure.toml(found, name='q"\n', source="a"), "it.toml").rate > 0


class Timed(Drive):
    """The stand-in for a tape drive, with a clock that a model moves."""

    def __init__(self, block, count, model):
        super().__init__([bytes(block)] * count)
        self.block, self.model, self.clock = block, model, 0.0

    def read(self, length):
        self.clock += float(self.model.read(self.block))
        return super().read(length)

    def _go(self, position):
        self.clock += float(self.model.locate(self.head * self.block, position * self.block))
        super()._go(position)


def test_a_tape_is_measured_by_its_blocks():
    """A stand-in: no real drive has been measured."""
    model = files.find("ait-2")
    drive = Timed(32768, 300_000, model)
    with TapeProbe(LinuxTape(drive, "/dev/nst0")) as probe:
        assert probe.size == 32768 * 300_000
        found = measure.measured(probe, lambda: drive.clock)
    assert found.rate == pytest.approx(model.rate, rel=0.01)
    made = files.parse(measure.toml(found, name="it", source="a test"), "it.toml")
    for distance in (10**8, 10**9, 5 * 10**9):
        expected = float(model.locate(0, distance))
        assert float(made.locate(0, distance)) == pytest.approx(expected, rel=0.1)


def test_a_tape_that_cannot_be_read_is_told_of():
    drive = Drive([bytes(1 << 16)] * 200, bad=[100])
    with (
        TapeProbe(LinuxTape(drive, "/dev/nst0")) as probe,
        pytest.raises(StorageError, match="block 100 could not be read"),
    ):
        probe.read(100 << 16, 10)


def test_a_file_is_measured_and_the_model_is_used(tmp_path):
    device, model = tmp_path / "device", tmp_path / "mine.toml"
    device.write_bytes(os.urandom(16 << 20))
    told = json.loads(run("drive", "measure", "--json", device, "-o", model).stdout)
    assert told["rate"] > 0
    assert told["output"] == str(model)
    drive = files.find(str(model))
    assert drive.rate == pytest.approx(told["rate"], rel=0.001)
    assert "measured on" in drive.figures["seek"].source
    shown = json.loads(run("drive", "show", "--json", model).stdout)
    assert shown["name"] == "mine"
    assert "is there already" in run("drive", "measure", device, "-o", model, code=2).stderr


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (["measure", "/dev/null", "-o", "x.toml"], "neither a file, a block device", 2),
        (["measure", "none", "-o", "x.toml"], "none: No such file", 3),
        (["measure", ".", "-o", "x.toml"], "neither a file", 2),
        (["measure", "none", "-o", "x"], "ends in .toml", 2),
        (["show", "lto-99"], "no drive model", 2),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(words, told, code):
    done = run("drive", *words, code=code)
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_all_models_are_listed_and_shown():
    listed = json.loads(run("drive", "list", "--json").stdout)["drives"]
    assert [drive["name"] for drive in listed] == files.names()
    text = run("drive", "list").stdout
    assert [line.split()[0] for line in text.splitlines()] == files.names()
    shown = run("drive", "show", "lto-9").stdout
    assert "18,000,000,000,000 bytes" in shown
    assert "ibm-dtl: IBM" in shown
    figures = json.loads(run("drive", "show", "--json", "disk").stdout)["figures"]
    assert {figure["name"] for figure in figures} == {"block", "rate", "seek"}
