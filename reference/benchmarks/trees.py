"""The trees that are measured; the same bytes on every machine."""

from __future__ import annotations

import os
import random
from pathlib import Path

_POOL = 1 << 20
_PATCH = 64 << 10


def small(root: Path, files: int, *, a_directory: int = 100, times: int = 1) -> None:
    """Make files of 1 to 8 KiB (``times`` as big), a hundred to a directory."""
    chance = random.Random(1)
    pool = chance.randbytes(_POOL)
    for number in range(files):
        directory, name = divmod(number, a_directory)
        if name == 0:
            (root / f"d{directory:03d}").mkdir(parents=True)
        size = chance.randint(1 << 10, 8 << 10) * times
        begin = chance.randrange(_POOL - size)
        _write(root / f"d{directory:03d}" / f"f{name:03d}.bin", pool[begin : begin + size])


def large(root: Path, files: int, size: int) -> None:
    """Make files of ``size`` bytes without holes."""
    root.mkdir(parents=True)
    pool = random.Random(2).randbytes(16 * _POOL)
    for number in range(files):
        with (root / f"big{number}.bin").open("wb", buffering=0) as stream:
            left = size
            while left:
                left -= stream.write(pool[: min(left, len(pool))])


def sparse(root: Path, files: int, size: int, data: int) -> None:
    """Make files of ``size`` bytes with ``data`` bytes in pieces of 64 KiB, evenly apart."""
    root.mkdir(parents=True)
    piece = random.Random(3).randbytes(_PATCH)
    pieces = data // _PATCH
    for number in range(files):
        with (root / f"sparse{number:03d}.bin").open("wb", buffering=0) as stream:
            for at in range(pieces):
                os.pwrite(stream.fileno(), piece, at * (size // pieces))
            stream.truncate(size)


def mixed(root: Path, total: int) -> None:
    """Make a hundred small files in ``m/`` with two big files (``total`` bytes) on each side."""
    large(root / "a", 2, total // 4)
    small(root / "m", 100)
    large(root / "z", 2, total // 4)


def empty(root: Path, files: int, a_directory: int = 1000) -> None:
    """Make empty files."""
    for number in range(files):
        directory, name = divmod(number, a_directory)
        if name == 0:
            (root / f"d{directory:04d}").mkdir(parents=True)
        _write(root / f"d{directory:04d}" / f"f{name:04d}", b"")


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
