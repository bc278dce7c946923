"""Adapter: the newest `restore` that can be had, beside the one that is installed.

``RESTORE_NEWER`` in the environment names it. Otherwise ``tools/newer-dump`` brings it from a later
suite of Debian, or has done so before; where that fails, every task is skipped with its reason.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOL = HERE.parents[2] / "tools" / "newer-dump"
SUITES = ("sid", "trixie")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "darimage"
PATIENCE_SECONDS = 20


def newest() -> tuple[str, str]:
    """Return the path of the program and nothing, or nothing and why there is none."""
    if chosen := os.environ.get("RESTORE_NEWER"):
        return chosen, ""
    reason = "no newer restore here: RESTORE_NEWER names none, and tools/newer-dump is not there"
    for suite in SUITES:
        there = CACHE / f"dump-{suite}" / "bin" / "restore"
        if there.is_file():
            return str(there), ""
        if TOOL.is_file():
            made, reason = _bring(suite)
            if made:
                return made, ""
    return "", reason


def _bring(suite: str) -> tuple[str, str]:
    try:
        done = subprocess.run(
            [TOOL, suite],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"no newer restore here: {error}"
    if done.returncode:
        return "", (done.stderr.strip().splitlines() or ["tools/newer-dump failed"])[-1]
    return str(Path(done.stdout.strip()) / "restore"), ""


if __name__ == "__main__":
    program, why_not = newest()
    os.environ["RESTORE"] = program or str(HERE / "restore")
    os.environ["RESTORE_WHY_NOT"], os.environ["RESTORE_NAME"] = why_not, "restore-newer"
    sys.argv[0] = str(HERE.parent / "restore" / "adapter.py")
    runpy.run_path(sys.argv[0], run_name="__main__")
