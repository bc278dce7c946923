"""A scan in a process of its own finds what a scan in this one finds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import trees
from support.everybody import let_through

from darimage.errors import StorageError
from darimage.progress import SILENT
from darimage.sources import ahead
from darimage.sources.ahead import ScanAhead, ScanError, Sender
from darimage.sources.attached import Wanted
from darimage.sources.posix import PosixSource
from darimage.sources.scan import FIELDS, WIDTH
from darimage.sources.streams.choice import Choice


class Counted:
    """Progress that adds up."""

    def __init__(self):
        self.done = 0

    def start(self, what, total, unit="bytes"):
        self.done = 0

    def advance(self, amount):
        self.done += amount

    def finish(self):
        pass


def both(path):
    here = PosixSource(path).scan(SILENT)
    source = PosixSource(path)
    source.begin()
    progress = Counted()
    there = source.scan(progress)
    assert progress.done == len(here.names)
    return without_access_times(here), without_access_times(there)


def without_access_times(scan):
    """Return a scan's columns; looking at symbolic links changes when they were looked at last."""
    at = FIELDS.index("atime_ns")
    for columns in (scan.directories, scan.others):
        columns[at::WIDTH] = array("q", bytes(8 * (len(columns) // WIDTH)))
    return vars(scan)


@pytest.mark.parametrize("batch", [1, 7, 1 << 12])
@pytest.mark.parametrize(
    ("name", "sizes"),
    [("kinds", {}), ("deep_long", {}), ("sparse", {}), ("wide", {"entries": 9000})],
)
def test_the_same_tree(name, sizes, batch, tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "_BATCH", batch)
    tree = tmp_path / "tree"
    tree.mkdir()
    try:
        trees.build(name, tree, **sizes)
        here, there = both(tree)
        assert here == there
    finally:
        trees.remove(tree)


def test_an_empty_tree(tmp_path):
    here, there = both(tmp_path)
    assert here == there


def test_an_error_comes_back(tmp_path):
    source = PosixSource(tmp_path / "nothing")
    source.begin()
    with pytest.raises(StorageError, match="nothing: No such file"):
        source.scan(SILENT)


def test_a_process_that_dies_is_an_error():
    scan = ScanAhead(lambda _scan, _progress: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(ScanError, match="died"):
        scan.result(SILENT)


def test_times_that_do_not_fit_are_told(tmp_path):
    (tmp_path / "file").touch()
    os.utime(tmp_path / "file", (9_999_999_999, 9_999_999_999))
    if (tmp_path / "file").stat().st_mtime != 9_999_999_999:
        pytest.skip("the file system here cannot hold such a time either")
    here, there = both(tmp_path)
    assert [fault.kind for fault in there["faults"]] == ["clamped"]
    assert here == there


def test_a_scan_needs_little():
    """What else a run needs is imported while a tree is scanned: no scan must wait for it."""
    code = "import sys, darimage.cli.create; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    waits_for = {"numpy", "google_crc32c", "hashlib", "ctypes", "pathlib", "shutil", "json"}
    assert waits_for & set(run.stdout.split()) == set()


# -- both processes scan ------------------------------------------------------------------------


def leave_after(directories):
    """Return a ``leave`` that waits until it is asked, once some directories are scanned."""
    original = Sender.leave
    seen = 0

    def leave(self, pending):
        nonlocal seen
        seen += 1
        while seen >= directories and len(pending) > 1 and not self._asked[0]:
            time.sleep(0.001)
        return original(self, pending)

    return leave


KINDS = ["plain", "sparse", "symlink", "link", "attributes", "streams"]


@st.composite
def plants(draw):
    """Directories by the number of the one above, and what is in them."""
    count = draw(st.integers(2, 12))
    above = [draw(st.integers(0, number)) for number in range(count)]
    files = draw(st.lists(st.tuples(st.integers(0, count), st.sampled_from(KINDS)), max_size=20))
    return above, files


def grow(root, above, files):
    folders = [root]
    for number, parent in enumerate(above):
        folders.append(folders[parent] / f"d{(number * 7) % 5}{number}")
        folders[-1].mkdir()
    first = None
    for number, (folder, kind) in enumerate(files):
        path = folders[folder] / f"f{number}"
        if kind == "symlink":
            path.symlink_to("elsewhere")
            continue
        if kind == "link" and first is not None:
            path.hardlink_to(first)
            continue
        path.write_bytes(b"x" * number)
        if kind in ("plain", "streams"):
            first = path
        if kind == "sparse":
            os.truncate(path, 1 << 20)
        if kind in ("attributes", "streams"):
            name = "user.DosStream.here:$DATA" if kind == "streams" else "user.colour"
            os.setxattr(path, name, b"blue\0")


@settings(max_examples=40, deadline=None)
@given(plant=plants(), directories=st.integers(1, 8))
@example(([0, 0], [(1, "streams"), (1, "plain"), (2, "link"), (2, "plain")]), 1)
def test_the_same_tree_by_two_processes(plant, directories):
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(Sender, "leave", leave_after(directories)),
    ):
        grow(Path(folder), *plant)
        here, there = both(folder)
        assert here == there
        assert here["linked"] == {}


def test_what_a_depot_holds_is_scanned_by_one(tmp_path, monkeypatch):
    for name in (".streams/ab", "one", "two"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".streams/ab/cd").mkdir()
    monkeypatch.setattr(Sender, "leave", lambda _self, _pending: os.kill(os.getpid(), 9))
    source = PosixSource(tmp_path, wanted=Wanted(streams=Choice("depot")))
    source.begin()
    assert len(source.scan(SILENT).directory_parent) == 3


def test_whoever_helps_is_back_in_its_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(Sender, "leave", leave_after(1))
    grow(tmp_path, [0, 0, 0, 0], [])
    before = os.getcwd()
    both(tmp_path)
    assert os.getcwd() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else needs root")
def test_whoever_could_not_come_back_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(Sender, "leave", leave_after(1))
    tree, shut = tmp_path / "tree", tmp_path / "shut"
    tree.mkdir()
    grow(tree, [0, 0, 0, 0], [(number, "plain") for number in range(5)])
    let_through(tmp_path)
    shut.mkdir(0o700)
    monkeypatch.chdir(shut)
    os.seteuid(65534)
    try:
        here, there = both(tree)
    finally:
        os.seteuid(0)
    assert here == there
    assert os.getcwd() == str(shut)
