"""Builders of real directory trees.

Each builder fills an existing, empty directory and is reproducible: names, contents, owners and
times come from a fixed seed. `TREES` names them; `build` runs one by its name.
"""

from __future__ import annotations

import importlib
import os
import random
import shutil
import stat
import sysconfig
from collections.abc import Callable
from pathlib import Path

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

#: The newest whole second that trees are stamped with (2024-05-05 05:05:05 UTC), plus nanoseconds.
STAMP_NS = 1_714_885_505_123_456_789

TreeBuilder = Callable[..., None]

TREES: dict[str, TreeBuilder] = {}


def tree(name: str) -> Callable[[TreeBuilder], TreeBuilder]:
    """Enter a builder into `TREES` under a name."""

    def enter(builder: TreeBuilder) -> TreeBuilder:
        TREES[name] = builder
        return builder

    return enter


def build(name: str, root: Path, **sizes: int) -> None:
    """Fill a directory with a named tree.

    Args:
        name: A key of `TREES`.
        root: An existing empty directory.
        **sizes: What the builder lets the caller adjust (entries, levels, bytes).
    """
    # This module enters its trees when it is imported, and needs `tree` from here to do so.
    importlib.import_module("support.kinds")

    TREES[name](root, **sizes)


def put(path: bytes, data: bytes, mode: int = 0o644) -> bytes:
    """Write a whole new file, past any umask, and give its path back."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fchmod(fd, mode)
    finally:
        os.close(fd)
    return path


def put_sparse(path: bytes, size: int, pieces: list[tuple[int, bytes]]) -> None:
    """Write a file that holds only the given pieces.

    Args:
        path: The new file.
        size: Its logical size in bytes.
        pieces: (offset, data) pairs; all between them stays a hole.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.ftruncate(fd, size)
        for offset, data in pieces:
            os.pwrite(fd, data, offset)
    finally:
        os.close(fd)


def stamp(root: Path, base_ns: int = STAMP_NS) -> None:
    """Give every file and directory of a tree its own mtime and atime, deepest first.

    Directories are stamped after what they hold, because filling one moves its time.
    """
    step = 0
    for folder, folder_names, file_names, fd in os.fwalk(os.fsencode(root), topdown=False):
        del folder
        for name in sorted(file_names) + sorted(folder_names):
            step += 1
            when = base_ns - step * 61_000_000_007
            os.utime(name, ns=(when + 1_000, when), dir_fd=fd, follow_symlinks=False)
    os.utime(root, ns=(base_ns, base_ns))


@tree("stdlib")
def stdlib(root: Path) -> None:
    """Copy the running Python's standard library, as `cp -a` would (about 40 MB, 2,000 files)."""
    source = Path(sysconfig.get_path("stdlib"))
    unwanted = shutil.ignore_patterns(
        "__pycache__", "site-packages", "dist-packages", "test", "tests", "idle_test", "config-*"
    )
    shutil.copytree(source, root, symlinks=True, ignore=unwanted, dirs_exist_ok=True)
    for folder, _, file_names, fd in os.fwalk(root):
        del folder
        for name in file_names:
            info = os.stat(name, dir_fd=fd, follow_symlinks=False)
            os.utime(
                name, ns=(info.st_atime_ns, info.st_mtime_ns), dir_fd=fd, follow_symlinks=False
            )


@tree("wide")
def wide(root: Path, entries: int = 100_000, links: int = 20) -> None:
    """One directory of many entries: empty files, each with several hard links.

    Args:
        root: Where to build.
        entries: Names in the one directory.
        links: Names each file has, so that `entries / links` inodes carry them all.
    """
    folder = os.open(_folder(root, "wide"), os.O_RDONLY | os.O_DIRECTORY)
    try:
        first = b""
        for number in range(entries):
            name = b"entry-%06d" % number
            if number % links == 0:
                os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644, dir_fd=folder))
                first = name
            else:
                os.link(first, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        os.close(folder)


@tree("deep")
def deep(root: Path, levels: int = 60, name_length: int = 24) -> None:
    """A chain of directories with one file in each.

    The default keeps the longest path below the 4,096 bytes that old `restore` has room for.
    """
    _chain(root, levels, name_length)


@tree("deep_long")
def deep_long(root: Path, levels: int = 60, name_length: int = 200) -> None:
    """The same chain with paths far beyond PATH_MAX: for readers that walk by descriptor."""
    _chain(root, levels, name_length)


def _chain(root: Path, levels: int, name_length: int) -> None:
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for level in range(levels):
            name = b"%03d-" % level
            name += b"d" * (name_length - len(name))
            os.mkdir(name, 0o755, dir_fd=here)
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
            fd = os.open(b"leaf", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=here)
            os.write(fd, b"level %d\n" % level)
            os.close(fd)
    finally:
        os.close(here)


#: Around the record (1 KiB), one header's hole map (512 KiB), and two headers.
SIZES = (0, 1, 1023, 1024, 1025, 512 * KIB - 1, 512 * KIB, 512 * KIB + 1, MIB - 1, MIB, MIB + 1)


@tree("sizes")
def sizes(root: Path) -> None:
    """Files of random bytes with sizes at the borders of records and headers (`SIZES`)."""
    dice = random.Random(20261123)
    for size in SIZES:
        put(os.fsencode(root / f"{size:09d}"), dice.randbytes(size))
    stamp(root)


@tree("sparse")
def sparse(root: Path) -> None:
    """Small files with holes in every place, aligned and not."""
    dice = random.Random(4096)
    base = os.fsencode(root) + b"/"

    def block(size: int = 4 * KIB) -> bytes:
        return dice.randbytes(size)

    put_sparse(base + b"hole-first", 300 * KIB, [(256 * KIB, block(44 * KIB))])
    put_sparse(base + b"hole-last", 300 * KIB, [(0, block(44 * KIB))])
    put_sparse(base + b"hole-all", 700 * KIB, [])
    put_sparse(base + b"hole-all-unaligned", 700 * KIB + 1, [])
    put_sparse(base + b"hole-one-byte", 1, [])
    put_sparse(base + b"hole-short-of-record", 1023, [])
    put_sparse(
        base + b"alternating", 256 * KIB, [(at, block()) for at in range(0, 256 * KIB, 8 * KIB)]
    )
    put_sparse(
        base + b"alternating-hole-first",
        256 * KIB + 17,
        [(at, block()) for at in range(4 * KIB, 256 * KIB, 8 * KIB)],
    )
    put_sparse(base + b"unaligned", 1_000_003, [(0, block()), (900_001, block(777))])
    put_sparse(base + b"unaligned-last-data", 1_000_003, [(1_000_000, b"end")])
    put_sparse(base + b"one-byte", 2 * MIB, [(MIB + 5, b"x")])
    put_sparse(base + b"across-headers", 3 * MIB, [(512 * KIB - 100, block(200)), (MIB, block())])
    put_sparse(base + b"written-zeros", 256 * KIB, [(64 * KIB, bytes(64 * KIB)), (0, block())])
    stamp(root)


@tree("sparse_1tib")
def sparse_1tib(root: Path, size: int = TIB, data: int = MIB) -> None:
    """One huge file, almost all hole, with its data in 16 pieces spread over all of it."""
    dice = random.Random(1)
    pieces = 16
    spread = [
        (number * (size // pieces) // (4 * KIB) * (4 * KIB), dice.randbytes(data // pieces))
        for number in range(pieces)
    ]
    put_sparse(os.fsencode(root / "huge"), size, spread)
    stamp(root)


@tree("big_5gib")
def big_5gib(root: Path, size: int = 5 * GIB) -> None:
    """One big file without holes: a random MiB over and over, each with its own number in front."""
    random_mib = bytearray(random.Random(5).randbytes(MIB))
    with (root / "big").open("wb", buffering=0) as out:
        for number in range(-(-size // MIB)):
            random_mib[:8] = number.to_bytes(8, "little")
            out.write(memoryview(random_mib)[: min(MIB, size - number * MIB)])
    stamp(root)


def _folder(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir()
    return folder


def remove(root: Path) -> None:
    """Delete a tree of any depth, whatever the modes of its directories; gone already is fine."""
    if not os.path.lexists(root):
        return
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _empty(folder)
    finally:
        os.close(folder)
    os.rmdir(root)


def _empty(folder: int) -> None:
    # A stack of descriptors, not recursion: PATH_MAX and the recursion limit do not matter here.
    stack: list[tuple[int, bytes, list[bytes]]] = [(folder, b"", os.listdir(folder))]  # type: ignore[list-item]
    while stack:
        here, name, names = stack[-1]
        if not names:
            stack.pop()
            if stack:
                os.close(here)
                os.rmdir(name, dir_fd=stack[-1][0])
            continue
        child = os.fsencode(names.pop())
        info = os.stat(child, dir_fd=here, follow_symlinks=False)
        if not stat.S_ISDIR(info.st_mode):
            os.unlink(child, dir_fd=here)
            continue
        if info.st_mode & 0o700 != 0o700:
            os.chmod(child, 0o700, dir_fd=here)
        below = os.open(child, os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
        stack.append((below, child, os.listdir(below)))  # type: ignore[arg-type]
