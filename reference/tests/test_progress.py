"""What the progress of commands counts, and how the bar shows it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_restore_run import bring, image_of

from darimage.cli import common
from darimage.image.writer import create
from darimage.progress import SILENT
from darimage.restore.wish import Wish
from darimage.sources.memory import Node
from darimage.sources.posix import PosixSource
from darimage.validate.verify import verify
from darimage.volumes.writing import MemorySink


class Counted:
    """A progress that keeps all steps: what, total, unit, and how much was told."""

    def __init__(self):
        self.steps = []

    def start(self, what, total, unit="bytes"):
        self.steps.append([what, total, unit, 0])

    def advance(self, amount):
        self.steps[-1][3] += amount

    def finish(self):
        pass

    def units(self):
        return {what: unit for what, _, unit, _ in self.steps}


def tree():
    """Return a tree that has something of each kind in it."""
    both = Node.file(b"two names")
    tagged = Node.file(b"x" * 5000)
    tagged.streams = {b"one": Node.file(b"1"), b"two": Node.file(b"2"), b"three": Node.file(b"3")}
    below = {b"f%d" % number: Node.file(b"%d" % number) for number in range(40)}
    return Node.directory({
        b"a": Node.directory({b"both": both, b"link": Node.symlink(b"there")}),
        b"b": Node.directory({b"both": both, b"tagged": tagged}),
        b"c": Node.directory(below),
        b"d": Node(mode=0o10644),
    })  # fmt: skip


def test_restoring_counts_things_as_things(tmp_path):
    counted = Counted()
    image = image_of(tree())
    beside = Wish.parse(f"beside={tmp_path / 'streams'}")
    (tmp_path / "streams").mkdir()
    report = bring(image, tmp_path / "out", progress=counted, streams=beside)
    assert report.faults == []
    assert counted.units() == {
        "directories": "directories",
        "files": "files",
        "contents": "bytes",
        "links": "names",
        "streams": "streams",
        "attributes": "directories",
    }
    for what, total, _, told in counted.steps:
        assert total == told, what
    assert {what: total for what, total, _, _ in counted.steps}["streams"] == 3


def test_making_and_checking_count_names_and_bytes(tmp_path):
    for number in range(30):
        (tmp_path / str(number)).write_bytes(b"x" * number * 100)
    counted, sink = Counted(), MemorySink()
    report = create(PosixSource(tmp_path), sink, progress=counted)
    verify(bytes(sink.data), counted)
    names, written, checked = counted.steps
    assert names[0::2] == ["scan", "names"]
    assert names[3] == 30
    assert written == ["write", report.records * 1024, "bytes", report.records * 1024]
    assert checked[:3] == ["verify", report.records * 1024, "bytes"]


amounts = st.integers(0, 1 << 50)


@given(amounts, amounts, st.sampled_from(["files", "names", "cases"]), st.floats(0, 1e12))
def test_only_bytes_are_shown_as_bytes(done, total, unit, speed):
    shown = common.amount_text(done, total, unit, speed)
    assert re.fullmatch(rf"[\d,]+( of [\d,]+)? {unit}(, [\d,]+/s)?", shown)
    assert f"{done:,}" in shown
    as_bytes = common.amount_text(done, total, "bytes", speed)
    # Never decimal units beside binary ones.
    assert not re.search(r"\d [kKMGT]B", as_bytes)


def test_the_bar_on_a_terminal(tmp_path):
    image = tmp_path / "image"
    image.write_bytes(bytes(image_of(tree()).volume.read_at(0, 1 << 30)))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "darimage", "restore", str(image), str(tmp_path / "out")]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, stderr=theirs, stdout=subprocess.PIPE, env=environment) as run:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 1 << 16):
                shown += piece
        except OSError:  # the terminal is closed
            pass
        assert run.wait() in (0, 1)
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    steps = {line.split()[0]: line for line in re.split(r"[\r\n]+", text) if "%" in line}
    assert re.search(r"\d of 3 directories", steps["directories"])
    assert re.search(r"\d of \d+ files", steps["files"])
    assert re.search(r"of [\d.]+ KiB", steps["contents"])
    for what in ("directories", "files", "links", "attributes"):
        assert not re.search(r"bytes|B/s|iB", steps[what])


@pytest.mark.parametrize("quiet", [True, False])
def test_no_bar_without_a_terminal(quiet):
    assert common.progress(quiet=quiet) is SILENT
