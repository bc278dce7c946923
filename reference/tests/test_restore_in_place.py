"""Restoring where something is already: what stays, what is replaced, and by what."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess

import pytest
from support import legacy, trees
from support.images import encode
from test_outputs import called
from test_restore_run import bring, image_of

from darimage.image.reader import Image
from darimage.restore import inode_flags as giving
from darimage.sources.inode_flags import inode_flags
from darimage.sources.memory import Node

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="flags need root and a loop device")
OLD = 10**18


def tree():
    """Return a tree of all kinds of things."""
    twice = Node.file(b"twice")
    root = Node.directory(
        {
            b"file": Node.file(b"new"),
            b"one": twice,
            b"two": twice,
            b"link": Node.symlink(b"new"),
            b"fifo": Node(stat.S_IFIFO | 0o644),
            b"sub": Node.directory({b"below": Node.file(b"new")}),
        }
    )
    for node in (root.children[b"file"], twice, root.children[b"link"], root.children[b"fifo"]):
        node.mtime_ns = OLD
    return root


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    for name in ("file", "one", "two", "sub/below", "fifo"):
        (folder / name).write_text("old")
    (folder / "link").symlink_to("old")
    yield folder
    trees.remove(folder)


def state(folder):
    """Return what each name has."""
    found = {name: (folder / name).read_text() for name in ("file", "one", "two", "sub/below")}
    found["link"] = os.readlink(folder / "link")
    found["fifo"] = "new" if stat.S_ISFIFO((folder / "fifo").stat().st_mode) else "old"
    return found


REPLACED = {"file": "new", "one": "twice", "two": "twice", "sub/below": "new"}
REPLACED |= {"link": "new", "fifo": "new"}


def test_by_default_all_stays_and_is_reported(out):
    """Shows DARI-SAF-005."""
    before = state(out)
    report = bring(image_of(tree()), out)
    assert state(out) == before
    assert {fault.kind for fault in report.faults} <= {"exists", "lost"}
    assert report.exit_code == 1


def test_what_is_skipped_stays_without_a_word(out):
    before = state(out)
    (out / "sub/below").unlink()
    report = bring(image_of(tree()), out, existing="skip")
    assert state(out) == before | {"sub/below": "new"}
    assert (report.faults, report.kept, report.exit_code) == ([], 5, 0)


def test_a_missing_name_of_what_stays_is_made(out):
    (out / "two").unlink()
    report = bring(image_of(tree()), out, existing="skip")
    assert report.exit_code == 0
    assert os.path.samestat((out / "one").stat(), (out / "two").stat())
    assert (out / "two").read_text() == "old"


def test_what_is_there_is_replaced_as_a_whole(out):
    report = bring(image_of(tree()), out, existing="replace")
    assert (report.faults, report.kept) == ([], 0)
    assert state(out) == REPLACED
    assert os.path.samestat((out / "one").stat(), (out / "two").stat())


def test_only_what_is_older_is_replaced(out):
    for name, when in (("file", OLD + 1), ("one", OLD - 1), ("link", OLD), ("fifo", OLD - 1)):
        os.utime(out / name, ns=(when, when), follow_symlinks=False)
    before = state(out)
    report = bring(image_of(tree()), out, existing="newer")
    assert report.faults == []
    kept = {name: before[name] for name in ("file", "link", "sub/below")}
    assert state(out) == REPLACED | kept
    assert report.kept == 3


def damaged():
    """Return an image of which a file's data is damaged."""
    node = Node.file(b"n" * 5000)
    node.mtime_ns = OLD
    data = bytearray(encode(Node.directory({b"file": node})))
    data[data.find(b"n" * 100)] ^= 1
    return Image.open(bytes(data))


@pytest.mark.parametrize("existing", ["replace", "newer"])
def test_what_is_not_whole_replaces_only_if_that_is_meant(out, existing):
    """Shows DARI-RST-006."""
    os.utime(out / "file", ns=(0, 0))
    (out / "file").chmod(0o644)
    report = bring(damaged(), out, existing=existing)
    assert (out / "file").read_text() == "old"
    assert (report.left_out, report.exit_code) == (1, 1)
    report = bring(damaged(), out, existing=existing, partial=True)
    assert (report.marked, report.exit_code) == (1, 1)
    assert (out / "file").stat().st_size == 5000
    assert stat.S_IMODE((out / "file").stat().st_mode) == 0o600


@pytest.mark.parametrize("existing", ["fail", "skip", "replace"])
def test_directories_that_are_there_keep_what_they_have(out, existing):
    source = tree()
    source.mode = source.children[b"sub"].mode = stat.S_IFDIR | 0o777
    for folder in (out, out / "sub"):
        folder.chmod(0o700)
    bring(image_of(source), out, existing=existing)
    assert [stat.S_IMODE(f.stat().st_mode) for f in (out, out / "sub")] == [0o700, 0o700]
    bring(image_of(source), out, existing="replace", overwrite_directories=True)
    assert [stat.S_IMODE(f.stat().st_mode) for f in (out, out / "sub")] == [0o777, 0o777]


def test_a_link_in_the_place_of_a_directory(out, tmp_path):
    shutil.rmtree(out / "sub")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (out / "sub").symlink_to(elsewhere)
    report = bring(image_of(tree()), out, existing="replace")
    assert "blocked" in {fault.kind for fault in report.faults}
    assert os.listdir(elsewhere) == []
    report = bring(image_of(tree()), out, existing="replace", follow=True)
    assert report.exit_code == 0
    assert (elsewhere / "below").read_text() == "new"


def test_no_link_of_the_image_is_followed(tmp_path):
    out, secret = tmp_path / "out", tmp_path / "secret"
    secret.mkdir()
    inner = Node.directory({b"x": Node.symlink(os.fsencode(secret))})
    bring(image_of(inner), out, follow=True)
    again = Node.directory({b"x": Node.file(b"data")})
    bring(image_of(again), out, existing="replace", follow=True)
    assert os.listdir(secret) == []
    assert (out / "x").read_text() == "data"


FLAGS = {b"i": 0x10, b"a": 0x20, b"d": 0x40, b"A": 0x80}


@pytest.fixture
def ext4():
    with legacy.loop_ext4() as point:
        yield point
        subprocess.run(["chattr", "-R", "-i", "-a", point], check=False, capture_output=True)


def flags_of(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return inode_flags(fd) & 0xF0
    finally:
        os.close(fd)


@AS_ROOT
@pytest.mark.root
@pytest.mark.parametrize("workers", [1, 2])
def test_inode_flags_come_back_last(ext4, workers):
    """Shows DARI-FIL-016."""
    children = {name: Node.file(name * 100) for name in FLAGS}
    for name, node in children.items():
        node.flags = FLAGS[name] | 0x80000  # extents, which are the file system's own affair
    children[b"again"] = children[b"i"]
    shut = Node.directory({b"in": Node.file(b"in")})
    shut.flags = 0x10
    image = image_of(Node.directory({**children, b"shut": shut}))
    assert bring(image, ext4 / "out", workers=workers).faults == []
    for name, flag in {**FLAGS, b"again": 0x10, b"shut": 0x10}.items():
        assert flags_of(os.fsencode(ext4 / "out") + b"/" + name) == flag
    assert (ext4 / "out/shut/in").read_text() == "in"
    bring(image_of(Node.directory(children)), ext4 / "plain", flags=False)
    assert flags_of(ext4 / "plain/i") == 0


def test_flags_that_cannot_be_set_are_told_once(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(giving, "give", refused)
    children = {b"%d" % number: Node.file(b"x") for number in range(5)}
    for node in children.values():
        node.flags = 0x40
    report = bring(image_of(Node.directory(children)), tmp_path / "out")
    (fault,) = [fault for fault in report.faults if not fault.is_note]
    assert (fault.kind, report.exit_code) == ("flags", 1)
    assert "so for 5 inodes" in fault.message


def test_an_empty_selection_is_refused(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/file").write_text("x")
    assert legacy.darimage("create", "-q", tmp_path / "source", tmp_path / "x").rc == 0
    for command in (["restore", "x", "out", ""], ["list", "x", ""], ["restore", "x", "o", "", "f"]):
        run = called(tmp_path, *command)
        assert run.rc == 2
        assert "SELECTION is empty" in run.stderr
    assert not (tmp_path / "out").exists()


def test_options_that_do_not_go_together(tmp_path):
    for options in (["--overwrite", "--existing", "skip"], ["--partial"], ["--existing", "other"]):
        assert called(tmp_path, "restore", *options, "x", "out").rc == 2
