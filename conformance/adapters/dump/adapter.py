"""Adapter: Debian's `dump` as a writer of plain dump streams.

It reads file systems and not trees: the tree is copied to an ext4 file system in a file, mounted
where nobody else sees it, so that nothing stays mounted however this ends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "common"))

import protocol

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
NEEDED = ("dump", "mkfs.ext4", "mount", "unshare", "cp")
CANNOT_MOUNT = 77

SCRIPT = f"""
mount -o loop,noatime "$1/ext4" "$1/mounted" || exit {CANNOT_MOUNT}
rmdir "$1/mounted/lost+found" && cp -a "$2/." "$1/mounted/" && sync || exit {CANNOT_MOUNT}
exec dump -0 -f "$3" "$1/mounted"
"""


def encode(tree: bytes, image: bytes) -> None:
    """Make a dump of a tree.

    Raises:
        protocol.Skipped: There is no file system to be had for it.
    """
    missing = [name for name in NEEDED if shutil.which(name, path=PATH) is None]
    if missing:
        raise protocol.Skipped(f"no {missing[0]} here (Debian packages dump, e2fsprogs, mount)")
    if os.geteuid():
        raise protocol.Skipped("mounting a file system needs root")
    with tempfile.TemporaryDirectory() as folder:
        _make(Path(folder), _size(tree))
        done = _run(
            ["unshare", "--mount", "/bin/sh", "-c", SCRIPT, "sh", folder, tree, image], folder
        )
    if done.returncode == CANNOT_MOUNT:
        raise protocol.Skipped(f"no loop mounts here: {_last(done)}")
    if done.returncode < 0:
        os.kill(os.getpid(), -done.returncode)
    if done.returncode:
        raise protocol.Rejected(_last(done))


def _make(folder: Path, size: int) -> None:
    (folder / "mounted").mkdir()
    with (folder / "ext4").open("wb") as file:
        file.truncate(size)
    made = _run(
        ["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-I", "256", "-m", "0", "ext4"], folder
    )
    if made.returncode:
        raise protocol.Skipped(f"mkfs.ext4: {_last(made)}")


def _size(tree: bytes) -> int:
    """Return how big a file system for a tree has to be; the file is sparse."""
    used = sum(
        os.lstat(os.path.join(top, name)).st_blocks * 512 + 8192
        for top, folders, names in os.walk(tree)
        for name in [*folders, *names]
    )
    return used * 3 // 2 + (32 << 20)


def _run(command: list[Any], folder: str | Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PATH": PATH}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def _last(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"


def version() -> str:
    """Return the version that dump tells."""
    program = shutil.which("dump", path=PATH)
    if program is None:
        return ""
    told = subprocess.run([program], capture_output=True, check=False).stderr.decode()
    found = re.search(r"dump (0\.4b\d+)", told)
    return found[1] if found else ""


ABOUT = {
    "implementation": {
        "name": "dump",
        "version": version(),
        "language": "C",
        "homepage": "https://dump.sourceforge.io",
    },
    "features": ["dump"],
    "time_resolution_ns": 1_000_000_000,
}

if __name__ == "__main__":
    protocol.main(ABOUT, {"encode": encode})
