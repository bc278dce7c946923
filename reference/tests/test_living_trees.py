"""Files and directories that are renamed, removed or replaced between the scan and the reading."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import legacy
from test_posix_source import Disturbed, encode

from darimage.errors import StorageError
from darimage.sources.posix import PosixSource
from darimage.sources.scan import FIELDS, WIDTH

_INODE = FIELDS.index("source_inode")


def below(image, path):
    """Return what an image has at a path."""
    at = 2
    for name in path.split(b"/"):
        at = next(n for n, _, entry in image.inodes[at].entries if entry == name)
    return image.inodes[at]


def test_another_name_of_a_file_does_as_well(tmp_path):
    """Shows DARI-FIL-025."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_bytes(b"data")
    os.link(tmp_path / "a", tmp_path / "sub/z")
    image, report = encode(Disturbed(tmp_path, (tmp_path / "a").unlink))
    assert below(image, b"a").content == b"data"
    assert [(fault.kind, fault.path) for fault in report.faults] == [("vanished", b"a")]
    assert "sub/z" in report.faults[0].message
    assert report.substituted == 0


def test_another_name_is_read_rather_than_another_file(tmp_path):
    (tmp_path / "a").write_bytes(b"data")
    os.link(tmp_path / "a", tmp_path / "b")

    def disturb():
        (tmp_path / "new").write_bytes(b"else")
        (tmp_path / "new").rename(tmp_path / "a")

    image, report = encode(Disturbed(tmp_path, disturb))
    assert below(image, b"a").content == b"data"
    assert [fault.kind for fault in report.faults] == ["vanished"]


def grove(path):
    """Make a tree of three levels."""
    for name in ("d/e", "d/f", "g"):
        (path / name).mkdir(parents=True)
    for name in ("d/1", "d/e/2", "d/f/3", "g/4"):
        (path / name).write_bytes(name.encode() * 100)


MOVES = {
    "beside": [("d", "x")],
    "elsewhere": [("d", "g/x")],
    "further up": [("d/e", "x")],
    "twice": [("d/e", "g/e"), ("d", "g/d")],
    "into one another": [("g", "d/g"), ("d", "x")],
    "exchanged": [("d", "x"), ("g", "d"), ("x", "g")],
    "its place taken": [("d", "x"), (None, "d")],
}


@pytest.mark.parametrize("moves", MOVES.values(), ids=MOVES)
def test_a_directory_is_found_where_it_is_now(tmp_path, moves):
    """Shows DARI-FIL-025."""
    grove(tmp_path)

    def disturb():
        for old, new in moves:
            if old is None:
                (tmp_path / new).mkdir()
            else:
                (tmp_path / old).rename(tmp_path / new)

    image, report = encode(Disturbed(tmp_path, disturb))
    for name in (b"d/1", b"d/e/2", b"d/f/3", b"g/4"):
        assert below(image, name).content == name * 100
    assert {fault.kind for fault in report.faults} == {"moved"}
    assert report.substituted == 0


def test_a_directory_that_is_gone_is_looked_for_once(tmp_path, monkeypatch):
    grove(tmp_path)
    for number in range(30):
        (tmp_path / "d/e" / f"n{number}").write_bytes(b"x")
    from darimage.sources import moved

    walks = []
    walk = moved._walk
    monkeypatch.setattr(moved, "_walk", lambda root: walks.append(root) or walk(root))
    monkeypatch.setattr(moved.time, "monotonic", lambda: 1.0)

    def disturb():
        for path in (tmp_path / "d/e").iterdir():
            path.unlink()
        (tmp_path / "d/e").rmdir()

    image, report = encode(Disturbed(tmp_path, disturb))
    assert {fault.kind for fault in report.faults} == {"vanished"}
    assert report.substituted == 31
    assert len(walks) <= 62
    assert below(image, b"d/1").content == b"d/1" * 100


class Unlasting(PosixSource):
    """A tree whose inode numbers are others each time, as those of some FUSE file systems."""

    def contents(self, scan):
        for number in range(len(scan.other_parent)):
            scan.others[number * WIDTH + _INODE] += 1000
        for number in range(len(scan.directory_parent)):
            scan.directories[number * WIDTH + _INODE] += 1000
        return super().contents(scan)


def test_inode_numbers_need_not_last(tmp_path):
    """Shows DARI-FIL-025."""
    grove(tmp_path)
    os.truncate(tmp_path / "d/1", 3 << 20)
    image, report = encode(Unlasting(tmp_path))
    assert report.faults == []
    assert below(image, b"d/e/2").content == b"d/e/2" * 100


def test_another_file_has_no_place_for_data_in_holes(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 20)

    def disturb():
        (tmp_path / "new").write_bytes(b"y" * (1 << 20))
        (tmp_path / "new").rename(tmp_path / "a")

    _, report = encode(Disturbed(tmp_path, disturb))
    assert [fault.kind for fault in report.faults] == ["replaced"]
    assert report.substituted == 1


@pytest.mark.parametrize("when", ["scan", "reading"])
def test_too_many_open_files_is_no_fault_of_a_file(tmp_path, when):
    grove(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def disturb():
        top = max(map(int, os.listdir("/proc/self/fd")))
        spare = [os.open("/dev/null", os.O_RDONLY) for _ in range(top)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(spare) + 3, before[1]))
        held.extend(spare)

    held: list[int] = []
    try:
        if when == "scan":
            disturb()
            source = PosixSource(tmp_path)
        else:
            source = Disturbed(tmp_path, disturb)
        with pytest.raises(StorageError, match="Too many open files"):
            encode(source)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for one in held:
            os.close(one)


names = st.sampled_from(["d", "d/e", "d/f", "g", "x", "d/x", "g/x", "d/e/x"])


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(["move", "remove", "save"]), names, names), max_size=4))
def test_whatever_happens_each_file_is_right_or_told(steps):
    """What was scanned, what its path leads to now, or zeros that are marked; told in any case."""
    with legacy.scratch_directory() as folder:
        grove(folder)

        def disturb():
            for what, one, two in steps:
                try:
                    if what == "move":
                        (folder / one).rename(folder / two)
                    elif what == "remove":
                        for file in Path(folder / one).iterdir():
                            file.unlink()
                    else:
                        for file in Path(folder / one).iterdir():
                            (folder / "new").write_bytes(b"now" * 100)
                            (folder / "new").rename(file)
                except OSError:
                    continue

        image, report = encode(Disturbed(folder, disturb))
        told = {fault.path: fault.kind for fault in report.faults}
        for name in (b"d/1", b"d/e/2", b"d/f/3", b"g/4"):
            found = below(image, name)
            if found.content == name * 100:
                continue
            assert told[name] in ("replaced", "vanished")
            marked = any(head.extension.flags for head in found.headers)
            if not found.content.startswith(b"now"):
                assert marked
                assert found.content == bytes(len(name) * 100)
        assert report.mismatches == 0
