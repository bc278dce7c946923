"""Restoring as a user who may neither give files away nor make devices (DARI-SAF-004)."""

from __future__ import annotations

import json
import os
import stat
import traceback

import pytest
from support import trees
from support.everybody import let_through
from test_restore_run import bring, image_of

from darimage.sources.memory import Node

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")

NOBODY = 65534


def as_nobody(work):
    """Do ``work`` in a process of user and group ``nobody`` and return its answer."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            answer = work()
        except BaseException:  # noqa: BLE001  the parent tells
            answer = {"error": traceback.format_exc()}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = json.load(stream)
    os.waitpid(pid, 0)
    assert "error" not in answer, answer["error"]
    return answer


def tree():
    def file(mode, uid, gid):
        node = Node.file(b"data")
        node.mode, node.uid, node.gid = stat.S_IFREG | mode, uid, gid
        return node

    fifo = Node(stat.S_IFIFO | 0o620)
    device = Node(stat.S_IFCHR | 0o666, rdev=os.makedev(1, 3))
    shut = Node.directory({b"inside": file(0o444, NOBODY, NOBODY)}, mode=0o555)
    shut.mtime_ns = 12345
    return Node.directory({
        b"theirs": file(0o6755, 0, 0),
        b"ours": file(0o6755, NOBODY, NOBODY),
        b"half": file(0o6755, NOBODY, 0),
        b"unreadable": file(0o000, NOBODY, NOBODY),
        b"fifo": fifo, b"null": device, b"link": Node.symlink(b"x"), b"shut": shut,
    })  # fmt: skip


@pytest.fixture
def place(tmp_path):
    let_through(tmp_path)
    folder = tmp_path / "place"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    yield folder
    trees.remove(folder)


def test_owners_are_told_of_once_and_devices_are_reported(place):
    image = image_of(tree())
    answer = as_nobody(lambda: bring(image, place / "out").as_json())
    assert [(fault["path"], fault["kind"]) for fault in answer["faults"]] == [("null", "target")]
    assert [note["kind"] for note in answer["notes"]] == ["owners", "set-id"]
    assert "so for 6 inodes" in answer["notes"][0]["message"]
    assert (answer["files"], answer["symlinks"], answer["others"]) == (5, 1, 1)
    seen = {path.name: path.lstat() for path in (place / "out").iterdir()}
    assert {info.st_uid for info in seen.values()} == {NOBODY}
    modes = {name: stat.S_IMODE(info.st_mode) for name, info in seen.items() if name != "link"}
    assert modes == {
        "theirs": 0o755, "ours": 0o6755, "half": 0o755, "unreadable": 0, "fifo": 0o620,
        "shut": 0o555,
    }  # fmt: skip
    assert (place / "out/shut/inside").read_bytes() == b"data"
    assert seen["shut"].st_mtime_ns == 12345


def test_where_one_may_not_write(place):
    (place / "shut").mkdir(0o755)
    image = image_of(tree())
    answer = as_nobody(lambda: bring(image, place / "shut").as_json())
    assert answer["files"] == 0
    assert {fault["kind"] for fault in answer["faults"]} <= {"target", "blocked", "attributes"}
    assert len(answer["faults"]) >= 8
    assert os.listdir(place / "shut") == []


def test_what_lies_in_directories_that_will_be_shut(place):
    """Attributes go to what is inside first: afterwards there is no way in."""
    inner = {b"%d" % n: Node.directory(mode=0o500) for n in range(200)}
    image = image_of(Node.directory({b"a": Node.directory({b"b": Node.directory(inner, 0)}, 0)}))
    answer = as_nobody(lambda: bring(image, place / "out").as_json())
    assert answer["faults"] == []
    assert stat.S_IMODE(os.stat(place / "out/a").st_mode) == 0
    assert stat.S_IMODE(os.stat(place / "out/a/b/199").st_mode) == 0o500
