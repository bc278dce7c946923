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

WHICH, TRUST = b"1\n", b"y\n"
"""Answers to what ``-x`` asks: which volume, and whether the root's own mode is to be set."""

VOLUMES: list[str | bytes] = ["-a", "-b", "10", "-M", "-f"]
"""Options for images on several volumes, before what their names have in common."""

TABLE = "restoresymtable"
"""What ``-r`` leaves for the next image."""

SAID_MAX = 300


def decode(image: bytes) -> Any:
    """Restore an image and return the inventory of what came back."""
    folder = Path(tempfile.mkdtemp())
    try:
        _extract(image, [], str(folder))
        return inventory_of(folder)
    finally:
        # It brings back flags too, such as "immutable".
        remove(folder)


def bring_back(image: bytes, selection: bytes, destination: bytes, *bases: bytes) -> None:
    """Restore; a chain image after image, as its manual has it."""
    folder = os.fsdecode(destination)
    if not bases:
        _extract(image, [selection] if selection else [], folder)
        return
    if selection:
        raise protocol.Unsupported("restore -r brings back all of a chain or nothing")
    for one in (*bases, image):
        _run(["-r", "-y", *_named(one)], b"", folder)
    before = os.stat(folder)
    os.remove(os.path.join(folder, TABLE))
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))


def _extract(image: bytes, names: list[bytes], folder: str) -> None:
    """Run ``restore -x``."""
    named = _named(image)
    _run(["-x", "-y", *named, *names], TRUST if "-M" in named else WHICH + TRUST, folder)


def _named(image: bytes) -> list[str | bytes]:
    """Return the options that name an image, or the first of its volumes."""
    # A suite has volumes of any size: the blocks that it reads must not be greater.
    return [*VOLUMES, image[:-3]] if re.search(rb"\d{3}$", image) else ["-f", image]


def _run(words: list[str | bytes], answers: bytes, folder: str) -> None:
    """Run ``restore``.

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
            [program, *words],
            cwd=folder,
            env={**os.environ, "TMPDIR": own},
            input=answers,
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
    if reason := os.environ.get("RESTORE_WHY_NOT"):
        raise protocol.Skipped(reason)
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = os.environ.get("RESTORE") or shutil.which("restore", path=path)
    if not found:
        raise protocol.Skipped("no restore here (Debian package dump)")
    return found


def version() -> tuple[str, int]:
    """Return the version that restore tells, and its number behind ``0.4b``."""
    try:
        told = subprocess.run([_program()], capture_output=True, check=False).stderr.decode()
    except (protocol.Skipped, OSError):
        return "", 0
    found = re.search(r"restore (0\.4b(\d+))", told)
    return (found[1], int(found[2])) if found else ("", 0)


def about() -> dict[str, Any]:
    """Return what it says of itself: run-coded hole maps came with 0.4b49."""
    name, number = version()
    features = ["dump", "dari-core", "big-endian", "acl", "xattr", "streams"]
    features += ["incremental", "volumes"]
    return {
        "implementation": {
            "name": os.environ.get("RESTORE_NAME", "restore"),
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
