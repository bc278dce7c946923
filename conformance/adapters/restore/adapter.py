"""Adapter: Debian's `restore`, a reader that is older than the format and knows dump streams.

It cannot tell what an image holds without restoring it, so ``decode`` restores into a directory
and takes the inventory of that.
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

from darimage.conformance.directory import fields, inventory_of
from darimage.conformance.removing import remove

ANSWERS = b"1\ny\n"
"""To what ``-x`` asks: which volume, and whether the root's own mode and owner are to be set."""

SAID_MAX = 300


def decode(image: bytes) -> Any:
    """Restore an image and return the inventory of what came back."""
    folder = Path(tempfile.mkdtemp())
    try:
        _restore(image, [], str(folder))
        return inventory_of(folder)
    finally:
        # It brings back flags too, such as "immutable".
        remove(folder)


def bring_back(image: bytes, selection: bytes, destination: bytes) -> None:
    """Restore."""
    _restore(image, [selection] if selection else [], os.fsdecode(destination))


def _restore(image: bytes, names: list[bytes], folder: str) -> None:
    """Run ``restore -x``.

    Raises:
        protocol.Rejected: It ends with an error.
        protocol.Skipped: It is not installed, or the user may not make what it makes.
    """
    if os.geteuid():
        raise protocol.Skipped("restoring owners and devices needs root")
    program = _program()
    # It names its work files by the dump's date alone.
    with tempfile.TemporaryDirectory() as own:
        done = subprocess.run(
            [program, "-x", "-y", "-f", image, *names],
            cwd=folder,
            env={**os.environ, "TMPDIR": own},
            input=ANSWERS,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    if done.returncode < 0:
        # As it would be without this adapter around it.
        os.kill(os.getpid(), -done.returncode)
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        raise protocol.Rejected((said or ["no message"])[-1][:SAID_MAX])


def _program() -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = os.environ.get("RESTORE") or shutil.which("restore", path=path)
    if not found:
        raise protocol.Skipped("no restore here (Debian package dump)")
    return found


def version() -> tuple[str, int]:
    """Return the version that restore tells, and its number behind ``0.4b``."""
    try:
        told = subprocess.run([_program()], capture_output=True, check=False).stderr.decode()
    except protocol.Skipped:
        return "", 0
    found = re.search(r"restore (0\.4b(\d+))", told)
    return (found[1], int(found[2])) if found else ("", 0)


def about() -> dict[str, Any]:
    """Return what it says of itself: run-coded hole maps came with 0.4b49."""
    name, number = version()
    features = ["dump", "dari-core", "big-endian", "acl", "xattr", "streams"]
    return {
        "implementation": {
            "name": "restore",
            "version": name,
            "language": "C",
            "homepage": "https://dump.sourceforge.io",
        },
        "features": features + (["run-coded-holes"] if number >= 49 else []),
        "fields": list(fields()),
        "time_resolution_ns": 1000,
    }


if __name__ == "__main__":
    protocol.main(about(), {"decode": decode, "restore": bring_back})
