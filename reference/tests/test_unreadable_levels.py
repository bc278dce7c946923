"""What cannot be read in an increment is as the level before has it (DARI-INC-016)."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.levels import Levels, bring

from darimage.image.reader import Image
from darimage.sources import posix
from darimage.validate.verify import verify


@pytest.fixture
def levels(tmp_path):
    source = tmp_path / "source"
    for name in ("keep/below/deep", "keep/other", "g", "h", "rest/x"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} at first")
    os.link(source / "g", source / "rest/g")
    time.sleep(0.05)
    return Levels(source, tmp_path)


@contextmanager
def unreadable(monkeypatch, *inodes):
    """Let some inodes be unreadable, also for root."""
    opened = os.open

    def refused(path, flags, *rest, **options):
        fd = opened(path, flags, *rest, **options)
        if os.fstat(fd).st_ino in inodes and not flags & os.O_WRONLY:
            os.close(fd)
            raise PermissionError(13, "Permission denied")
        return fd

    with monkeypatch.context() as patch:
        patch.setattr(posix.os, "open", refused)
        yield


def tree(path):
    """Return the contents of all files below a path."""
    return {
        os.path.relpath(os.path.join(top, name), path): Path(top, name).read_text()
        for top, _, names in os.walk(path)
        for name in names
    }


def touch(path):
    path.write_text(f"{path.name} later")
    return path.stat().st_ino


def test_a_directory_is_as_it_was(levels, monkeypatch, tmp_path):
    """Shows DARI-INC-016."""
    levels.make(0)
    first = tree(levels.source)
    inode = (levels.source / "keep").stat().st_ino
    touch(levels.source / "h")
    touch(levels.source / "keep/other")
    with unreadable(monkeypatch, inode):
        report = levels.make(1)
    assert [fault.path for fault in report.faults] == [b"keep"]
    assert "stays in the chain" in report.faults[0].message
    assert verify(levels.images[-1]).good
    bring(levels.chain(), tmp_path / "out")
    assert tree(tmp_path / "out") == first | {"h": "h later"}
    with Image.open(levels.images[-1]) as image:
        assert len(list(image.dumped.numbers())) == 2


def test_it_is_taken_again_when_it_can_be_read(levels, monkeypatch, tmp_path):
    levels.make(0)
    with Image.open(levels.images[0]) as image:
        numbers = {path: entry.inode for path, entry, _ in image.names.walk()}
    inode = (levels.source / "keep").stat().st_ino
    touch(levels.source / "keep/other")
    with unreadable(monkeypatch, inode):
        levels.make(1)
    (levels.source / "keep/below/deep").unlink()
    assert levels.make(2).good
    bring(levels.chain(), tmp_path / "out")
    assert tree(tmp_path / "out") == tree(levels.source)
    with Image.open(levels.images[-1]) as image:
        assert all(
            numbers[path] == entry.inode for path, entry, _ in image.names.walk() if path in numbers
        )


@pytest.mark.parametrize("at_scan", [True, False])
def test_a_file_is_as_it_was(levels, monkeypatch, tmp_path, at_scan):
    levels.make(0)
    inode = touch(levels.source / "g")
    touch(levels.source / "h")
    with unreadable(monkeypatch, inode), monkeypatch.context() as patch:
        if at_scan:
            patch.setattr(posix.os, "geteuid", lambda: 1000)
            patch.setattr(posix, "_readable", lambda name, _at: name != b"g")
        report = levels.make(1)
    assert {fault.path for fault in report.faults} == {b"g"}
    bring(levels.chain(), tmp_path / "out")
    found = tree(tmp_path / "out")
    assert found["g"] == found["rest/g"] == "g at first"
    assert found["h"] == "h later"


def test_a_new_file_is_marked(levels, monkeypatch):
    levels.make(0)
    inode = touch(levels.source / "new")
    with unreadable(monkeypatch, inode):
        report = levels.make(1)
    assert [(fault.kind, fault.path) for fault in report.faults] == [("unreadable", b"new")]
    assert report.substituted == 1


def test_what_is_gone_elsewhere_stays_gone(levels, monkeypatch, tmp_path):
    levels.make(0)
    inode = (levels.source / "keep").stat().st_ino
    shutil.rmtree(levels.source / "rest")
    with unreadable(monkeypatch, inode):
        levels.make(1)
    bring(levels.chain(), tmp_path / "out")
    assert "rest/x" not in tree(tmp_path / "out")
    assert tree(tmp_path / "out")["keep/below/deep"] == "keep/below/deep at first"
