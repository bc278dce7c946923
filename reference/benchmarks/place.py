"""Where it is measured: a directory, what is installed, and an ext4 file system for ``dump``."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SHM = Path("/dev/shm")
DARIMAGE = (sys.executable, "-m", "darimage")


@dataclass(frozen=True)
class Place:
    """A directory to measure in, and how much.

    Attributes:
        root: A directory of our own, removed at the end.
        rounds: How often each command is run.
        quick: Whether less data is used.
    """

    root: Path
    rounds: int
    quick: bool

    def amount(self, full: int, quick: int) -> int:
        """Return one of two amounts."""
        return quick if self.quick else full

    def clear(self) -> None:
        """Remove everything that a topic left."""
        shutil.rmtree(self.root)
        self.root.mkdir()


def darimage() -> tuple[str, ...]:
    """Return how to call darimage: the script beside this Python if there is one."""
    script = Path(sys.executable).with_name("darimage")
    return (str(script),) if script.exists() else DARIMAGE


def tool(name: str) -> str | None:
    """Return the path of a program, ``None`` if it is not installed."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def default() -> Path:
    """Return ``/dev/shm`` if the largest topic fits, else the directory for temporary files."""
    if SHM.is_dir() and os.access(SHM, os.W_OK) and shutil.disk_usage(SHM).free > NEEDED:
        return SHM
    return Path(tempfile.gettempdir())


NEEDED = 10 << 30
"""Bytes that the largest topic holds at once."""


@contextmanager
def on_disk(place: Place, size: int) -> Iterator[Path | None]:
    """Yield a directory that is not in memory and has room for ``size`` bytes, if there is one."""
    temporary = Path(tempfile.gettempdir())
    for where in (place.root, temporary):
        if file_system(where) not in _IN_MEMORY and shutil.disk_usage(where).free > 2 * size:
            with tempfile.TemporaryDirectory(prefix="darimage-bench-", dir=where) as root:
                yield Path(root)
            return
    yield None


_IN_MEMORY = {"tmpfs", "ramfs"}


@contextmanager
def ext4(place: Place, size: int) -> Iterator[tuple[str, Path] | None]:
    """Mount a new ext4 file system with room for ``size`` bytes; yield its device and directory.

    ``None`` is yielded where that cannot be done: it takes root, loop devices and mkfs.ext4.
    """
    mkfs, image, mount = tool("mkfs.ext4"), place.root / "ext4.img", place.root / "ext4"
    if os.geteuid() != 0 or mkfs is None:
        yield None
        return
    with image.open("wb") as stream:
        stream.truncate(size + size // 8 + (256 << 20))
    subprocess.run([mkfs, "-q", "-F", "-m", "0", "-i", "4096", image], check=True)
    mount.mkdir()
    found = subprocess.run(
        ["losetup", "--find", "--show", image], capture_output=True, text=True, check=False
    )
    if found.returncode:
        yield None
        return
    device = found.stdout.strip()
    try:
        subprocess.run(["mount", device, mount], check=True)
        try:
            (mount / "lost+found").rmdir()
            yield device, mount
        finally:
            subprocess.run(["umount", mount], check=True)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
        image.unlink()
        mount.rmdir()


def machine() -> str:
    """Return a line on this machine."""
    with open("/proc/cpuinfo") as stream:
        model = next((line.split(":")[1].strip() for line in stream if "model name" in line), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{len(os.sched_getaffinity(0))} processors ({model}), {memory:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def file_system(path: Path) -> str:
    """Return the type of the file system a directory is on."""
    answer = subprocess.run(
        ["stat", "--file-system", "--format=%T", path], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or "?"
