"""A scan in a process of its own finds what a scan in this one finds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from array import array

import pytest
from support import trees

from darimage.errors import StorageError
from darimage.progress import SILENT
from darimage.sources import ahead
from darimage.sources.ahead import ScanAhead, ScanError
from darimage.sources.posix import PosixSource
from darimage.sources.scan import FIELDS, WIDTH


class Counted:
    """Progress that adds up."""

    def __init__(self):
        self.done = 0

    def start(self, what, total):
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
