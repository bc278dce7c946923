"""Several processes restore the same as one does, and their trouble comes back."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trees
from support.compare import compare_trees
from test_restore_run import archived, bring, image_of

from darimage.parallel import WorkerError
from darimage.progress import SILENT
from darimage.restore import contents, run
from darimage.restore.sharing import MOST_PIECES, cut, share
from darimage.sources.memory import Node


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    yield folder
    trees.remove(folder)


class Total:
    """A progress that adds up."""

    def __init__(self):
        self.phases = []

    def start(self, what, total, unit="bytes"):
        self.phases.append([what, total, 0])

    def advance(self, amount):
        self.phases[-1][2] += amount

    def finish(self):
        pass


def test_twenty_thousand_files(tmp_path, out):
    source = tmp_path / "source"
    for folder in range(100):
        (source / f"{folder // 10}" / f"{folder}").mkdir(parents=True)
        for number in range(200):
            name = source / f"{folder // 10}/{folder}/{number}"
            name.write_bytes(b"%d-%d;" % (folder, number) * (number * 3))
    os.link(source / "3/31/7", source / "8/80/linked")
    os.symlink("x", source / "8/80/symlink")
    (source / "big").write_bytes(os.urandom(9 << 20))
    with archived(source, tmp_path / "image") as image:
        progress = Total()
        report = bring(image, out, workers=2, progress=progress)
        assert report.faults == []
        assert (report.files, report.links, report.symlinks) == (20_001, 1, 1)
        assert [str(d) for d in compare_trees(source, out)] == []
        # Metadata may be read twice, data not.
        assert report.bytes_read < image.volume.size + (1 << 20)
        sizes = {path.lstat().st_ino: path.lstat().st_size for path in out.rglob("*[!k]")}
        folders = {path.stat().st_ino for path in out.rglob("*") if path.is_dir()}
        written = sum(size for inode, size in sizes.items() if inode not in folders)
        assert report.bytes_written == written
        for what, total, done in progress.phases:
            assert done == total, what


@pytest.fixture
def small(monkeypatch):
    """Several processes and pieces, however little there is to do."""
    monkeypatch.setattr(run, "FORKED_FROM", 1)
    monkeypatch.setattr(run, "FILES_PER_PIECE", 3)
    monkeypatch.setattr(run, "BYTES_PER_PIECE", 20 << 10)


def forty(data=b"x"):
    return Node.directory({b"%02d" % n: Node.file(data + b"%d" % n) for n in range(40)})


@pytest.mark.usefixtures("small")
def test_faults_come_back_from_processes(out):
    out.mkdir()
    for number in range(0, 40, 4):
        (out / f"{number:02}").write_bytes(b"there before")
    report = bring(image_of(forty()), out, workers=3)
    assert sorted(fault.path for fault in report.faults) == [b"%02d" % n for n in range(0, 40, 4)]
    assert (report.files, report.exit_code) == (30, 1)


def children():
    """Return the processes this one has started and not waited for."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("phase", ["make_file", "open_file"])
def test_a_process_that_dies_is_an_error(out, monkeypatch, phase):
    parent, before = os.getpid(), children()
    original = getattr(run.Target, phase)

    def deadly(self, directory, name):
        if name == b"20" and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, directory, name)

    monkeypatch.setattr(run.Target, phase, deadly)
    with pytest.raises(WorkerError):
        bring(image_of(forty()), out, workers=2)
    assert children() == before


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_ends_the_run(out, monkeypatch, workers):
    def full(fd, data, offset):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(contents.os, "pwrite", full)
    with pytest.raises(OSError, match="destination: No space left on device") as caught:
        bring(image_of(forty()), out, workers=workers)
    assert caught.value.exit_code == 3


@given(st.lists(st.integers(1, 1 << 40), max_size=300), st.integers(1, 1 << 38))
def test_pieces_are_all_rows_in_order(weights, most):
    rows = np.arange(0, 3 * len(weights), 3)
    pieces = cut(rows, np.array(weights, np.int64), most)
    assert [row for piece in pieces for row in piece] == rows.tolist()
    assert all(pieces)


def test_pieces_fit_into_the_queue():
    count = 300_000
    pieces = cut(np.arange(count), np.ones(count, np.int64), 1)
    assert len(pieces) <= MOST_PIECES
    assert max(map(len, pieces)) <= 2 * count // len(pieces)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_piece_is_done_once(workers):
    pieces = [[n] for n in range(MOST_PIECES)]
    done = share(pieces, workers, lambda mine, _: [row for piece in mine for row in piece], SILENT)
    assert sorted(row for rows in done for row in rows) == list(range(MOST_PIECES))
    assert len(done) == workers
