"""Peak memory of a program and of the workers it forks."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Command, prepare

_PERIOD = 0.01


@dataclass(frozen=True)
class Peak:
    """Peak memory of one run, in KiB.

    Attributes:
        largest: Greatest resident set of any single process (``VmHWM``). Not ``ru_maxrss``: a
            process inherits that from the one it was forked from, also over ``exec``.
        together: Greatest sum over the processes, memory they share counted once (``Pss``).
            Both are looked at every 10 ms, so what grows just before the end may be missed.
        processes: How many processes were seen.
    """

    largest: int
    together: int
    processes: int


def peak(command: Command) -> Peak:
    """Run a command once and watch its memory."""
    prepare(command)
    child = subprocess.Popen(
        command.argv,
        cwd=command.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seen: set[int] = set()
    largest = together = 0
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        tree = _tree(child.pid)
        seen.update(tree)
        largest = max(largest, *map(_highest, tree))
        together = max(together, sum(map(_pss, tree)))
        time.sleep(_PERIOD)
    if child.wait() not in (0, 1):
        raise RuntimeError(f"{command.name}: exit code {child.returncode}")
    return Peak(largest, together, len(seen))


def _tree(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for parent in found:
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        except OSError:
            continue
        found += map(int, children.split())
    return found


def _pss(pid: int) -> int:
    return _number(pid, "smaps_rollup", "Pss:")


def _highest(pid: int) -> int:
    return _number(pid, "status", "VmHWM:")


def _number(pid: int, name: str, key: str) -> int:
    """Return a number that the kernel tells of a process; 0 if it is gone."""
    try:
        for line in Path(f"/proc/{pid}/{name}").read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
