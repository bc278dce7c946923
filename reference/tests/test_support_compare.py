"""The tree comparer finds each kind of planted difference, and only that."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import legacy, trees
from support.compare import (
    Options,
    compare_trees,
    to_microsecond,
    to_second,
    to_second_32,
)

if TYPE_CHECKING:
    from collections.abc import Callable

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

STAMP = trees.STAMP_NS


def _fill(root: Path) -> None:
    root.mkdir()
    (root / "folder").mkdir()
    (root / "folder" / "file").write_bytes(b"content" * 10_000)
    (root / "other").write_bytes(b"other")
    os.link(root / "other", root / "folder" / "linked")
    os.symlink("target", root / "symlink")
    os.mkfifo(root / "fifo")
    os.mknod(root / "socket", stat.S_IFSOCK | 0o600)
    trees.put_sparse(os.fsencode(root / "sparse"), 1 << 20, [(512 << 10, b"d" * (64 << 10))])
    trees.stamp(root)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two equal trees."""
    source, copy = tmp_path / "source", tmp_path / "copy"
    _fill(source)
    _fill(copy)
    return source, copy


def _found(pair: tuple[Path, Path], options: Options | None = None) -> set[tuple[bytes, str]]:
    return {(found.path, found.kind) for found in compare_trees(*pair, options)}


def _keep_time(path: Path, change: Callable[[Path], object]) -> None:
    folder = path.parent.stat()
    when = path.lstat()
    change(path)
    if os.path.lexists(path):
        os.utime(path, ns=(when.st_atime_ns, when.st_mtime_ns), follow_symlinks=False)
    os.utime(path.parent, ns=(folder.st_atime_ns, folder.st_mtime_ns))


def _replace_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


def _replace_by_file(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"")


def _unlink_from_group(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def _last_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"?")


def _fill_hole(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(64 << 10)
        file.write(bytes(16 << 10))
        os.fsync(file.fileno())


def test_equal_trees(pair: tuple[Path, Path]) -> None:
    assert compare_trees(*pair) == []


PLANTED: list[tuple[str, Callable[[Path], object], str]] = [
    ("folder/file", Path.unlink, "missing"),
    ("folder/new", Path.touch, "extra"),
    ("folder/file", _last_byte, "content"),
    ("folder/file", lambda path: os.truncate(path, 5), "size"),
    ("folder/file", lambda path: path.chmod(0o4755), "mode"),
    ("folder", lambda path: path.chmod(0o1777), "mode"),
    ("symlink", _replace_link, "target"),
    ("fifo", _replace_by_file, "type"),
    ("socket", lambda path: path.chmod(0o777), "mode"),
    ("sparse", _fill_hole, "hole filled"),
]


@pytest.mark.parametrize(("name", "change", "kind"), PLANTED)
def test_planted_difference(
    pair: tuple[Path, Path], name: str, change: Callable[[Path], object], kind: str
) -> None:
    path = pair[1] / name
    if kind == "extra":
        folder = path.parent.stat()
        change(path)
        os.utime(path.parent, ns=(folder.st_atime_ns, folder.st_mtime_ns))
    else:
        _keep_time(path, change)

    assert _found(pair) == {(os.fsencode(name), kind)}


def test_hole_opened(pair: tuple[Path, Path]) -> None:
    _keep_time(pair[0] / "sparse", _fill_hole)
    assert _found(pair) == {(b"sparse", "hole opened")}
    assert not compare_trees(*pair, Options(extra_holes=False))


@pytest.mark.parametrize("size", [8192 + 17, 1 << 20])
def test_hole_in_the_last_record(pair: tuple[Path, Path], size: int) -> None:
    for root in pair:
        trees.put_sparse(os.fsencode(root / "ends"), size, [(0, b"d" * 4096)])
    with (pair[1] / "ends").open("r+b") as file:
        file.seek(size - 17)
        file.write(bytes(17))
    for root in pair:
        trees.stamp(root)
    assert _found(pair) == {(b"ends", "hole filled")}
    assert not compare_trees(*pair, Options(end_hole=False))
    assert not compare_trees(pair[1], pair[0], Options(end_hole=False, extra_holes=False))


def test_hole_before_the_last_record(pair: tuple[Path, Path]) -> None:
    for root in pair:
        trees.put_sparse(os.fsencode(root / "ends"), 1 << 20, [(0, b"d" * 4096)])
    with (pair[1] / "ends").open("r+b") as file:
        file.seek(1 << 19)
        file.write(bytes(17))
    for root in pair:
        trees.stamp(root)
    assert {found.kind for found in compare_trees(*pair, Options(end_hole=False))} == {
        "hole filled"
    }


def test_broken_and_new_hard_links(pair: tuple[Path, Path]) -> None:
    _keep_time(pair[1] / "folder/linked", _unlink_from_group)
    assert _found(pair) == {(b"folder/linked", "hard link")}
    assert {found.kind for found in compare_trees(pair[1], pair[0])} == {"hard link"}
    assert not compare_trees(*pair, Options(hard_links=False))


@needs_root
@pytest.mark.parametrize("name", ["folder", "folder/file", "symlink", "fifo", "."])
def test_owner(pair: tuple[Path, Path], name: str) -> None:
    os.chown(pair[1] / name, 0, 3_000_000_000, follow_symlinks=False)
    assert _found(pair) == {(os.fsencode(name), "owner")}
    assert not compare_trees(*pair, Options(owners=False))


@needs_root
def test_device_number(pair: tuple[Path, Path]) -> None:
    for root, minor in zip(pair, (70_000, 70_001), strict=True):
        os.mknod(root / "device", stat.S_IFBLK, os.makedev(300, minor))
        trees.stamp(root)
    assert _found(pair) == {(b"device", "device")}


@pytest.mark.parametrize("name", ["folder", "folder/file", "symlink", "fifo", "."])
def test_times_by_precision(pair: tuple[Path, Path], name: str) -> None:
    def shift(nanoseconds: int) -> None:
        when = (pair[0] / name).lstat().st_mtime_ns // 10**9 * 10**9
        for root, moved in zip(pair, (0, nanoseconds), strict=True):
            os.utime(root / name, ns=(STAMP, when + moved), follow_symlinks=False)

    shift(999)
    assert _found(pair) == {(os.fsencode(name), "mtime")}
    assert not compare_trees(*pair, Options(mtime=to_microsecond))
    shift(999_999_999)
    assert _found(pair, Options(mtime=to_microsecond)) == {(os.fsencode(name), "mtime")}
    assert not compare_trees(*pair, Options(mtime=to_second))
    shift(-1)
    assert _found(pair, Options(mtime=to_second)) == {(os.fsencode(name), "mtime")}
    assert not compare_trees(*pair, Options(mtime=None))


def test_times_in_32_bits() -> None:
    assert to_second_32(-1) == to_second_32((2**32 - 1) * 10**9)
    assert to_second_32(2**31 * 10**9) == to_second_32(-(2**31) * 10**9)
    assert to_second_32(10**9) != to_second_32(2 * 10**9)


def test_times_of_links_can_be_left_out(pair: tuple[Path, Path]) -> None:
    os.utime(pair[1] / "symlink", ns=(STAMP, 0), follow_symlinks=False)
    assert not compare_trees(*pair, Options(symlink_mtime=None))


def test_access_times(pair: tuple[Path, Path]) -> None:
    info = (pair[1] / "fifo").stat()
    os.utime(pair[1] / "fifo", ns=(info.st_atime_ns + 1, info.st_mtime_ns))
    assert not compare_trees(*pair)
    assert (b"fifo", "atime") in _found(pair, Options(atime=lambda time_ns: time_ns))


def test_sockets_can_be_left_out(pair: tuple[Path, Path]) -> None:
    (pair[1] / "socket").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(pair[1] / "another"))
    options = Options(mtime=None)
    assert _found(pair, options) == {(b"socket", "missing"), (b"another", "extra")}
    assert not compare_trees(*pair, Options(mtime=None, sockets=False))


def test_ignored_paths(pair: tuple[Path, Path]) -> None:
    shutil.rmtree(pair[1] / "folder")
    (pair[1] / "restoresymtable").touch()
    ignored = Options(mtime=None, hard_links=False, ignore=(b"folder", b"restoresymtable"))
    assert not compare_trees(*pair, ignored)


def test_paths_beyond_path_max(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    for root in (source, copy):
        root.mkdir()
        trees.build("deep_long", root)
    try:
        assert not compare_trees(source, copy, Options(mtime=None))
        fd = os.open(copy, os.O_RDONLY)
        for level in range(60):
            name = b"%03d-" % level
            below = os.open(name + b"d" * (200 - len(name)), os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        os.unlink("leaf", dir_fd=fd)
        os.close(fd)
        (found,) = compare_trees(source, copy, Options(mtime=None))
        assert found.kind == "missing"
        assert len(found.path) == 60 * 201 + len("leaf")
    finally:
        trees.remove(source)
        trees.remove(copy)


def test_a_terabyte_of_holes_costs_nothing(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    for root in (source, copy):
        root.mkdir()
        trees.build("sparse_1tib", root)
    began = time.monotonic()
    assert not compare_trees(source, copy)
    assert time.monotonic() - began < 10
    with (copy / "huge").open("r+b") as file:
        file.seek(trees.TIB // 16 * 15 + 100)
        file.write(b"????")
    trees.stamp(copy)
    assert {found.kind for found in compare_trees(source, copy)} == {"content"}


def test_hundred_thousand_entries() -> None:
    with legacy.scratch_directory() as folder:
        for name in ("source", "copy"):
            (folder / name).mkdir()
            trees.build("wide", folder / name)
        began = time.monotonic()
        assert not compare_trees(folder / "source", folder / "copy", Options(mtime=None))
        # Three seconds when nobody else computes; the limit here only catches quadratic work.
        assert time.monotonic() - began < 30


@pytest.mark.parametrize("name", ["kinds", "names_255", "deep", "sizes", "sparse"])
def test_builders_are_reproducible(tmp_path: Path, name: str) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    for root in (source, copy):
        root.mkdir()
        trees.build(name, root)
    try:
        options = Options(mtime=None) if name == "deep" else Options()
        assert not compare_trees(source, copy, options)
    finally:
        trees.remove(source)
        trees.remove(copy)
