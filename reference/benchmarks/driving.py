"""Simulated drives: what plans take beside other ways, and beside what no order can beat."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import bounds
from benchmarks.place import Place
from benchmarks.table import Ratio, Table
from darimage.drives import files, planner
from darimage.image.chain import Chain
from darimage.image.reader import Image
from darimage.restore import by_plan
from darimage.restore.options import Options
from darimage.restore.plan import make_plan
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.units import RECORD
from darimage.volumes.simulated import SimulatedDrive

DRIVES = ("dlt-7000", "lto-5", "lto-9")


def drives(place: Place) -> Iterator[Table]:
    """Plans on simulated drives; nothing here depends on this machine but the last table."""
    yield _directory(place)
    yield _thousand()
    yield _planning()


def _directory(place: Place) -> Table:
    """A directory of 200 files out of an image of 2 TB, restored."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from support import recipe

    small = b"d0250"
    names = [b"f%04d" % file for file in range(200)]
    paths = [b"d%04d" % number for number in range(500)]
    image = [(path, names, [200_000 if path == small else 20_000_000] * 200) for path in paths]
    volume = recipe.Recipe(recipe.scan_of(image))
    table = Table(
        f"one directory of 200 files out of {volume.size / 1e12:.1f} TB, virtual seconds",
        ["drive", "open", "plan", "simulated", "whole", "x whole", "seek a file", "target"],
    )
    for name in DRIVES:
        for force in (False, True):
            numbers = _restored(volume, name, small, place, force=force)
            named = f"{name}, --force" if force else name
            table.rows.append([named, *numbers, "<= 0.01 x, simulated = plan +- 1 %"])
    table.notes.append("open: names, map and verdict; with --force names and map only")
    return table


def _restored(volume: Any, name: str, path: bytes, place: Place, *, force: bool) -> list[Any]:
    drive = files.find(name)
    simulated = SimulatedDrive(volume, drive)
    with Image.open(simulated, map_first=True, trust_map=force) as image:
        chain = Chain.of(image)
        selection = select(chain.names, [path])
        found = make_plan(chain, selection)
        opened = simulated.counts.clock
        plan = by_plan.plan_of(image, found.files, np.arange(len(found.files)), drive)
        restore(chain, place.root / f"{name}-{force}", selection, Options(drive=drive))
        taken = simulated.counts.clock - opened
    whole = plan.whole()
    return [opened, plan.reading.seconds, taken, whole, f"{taken / whole:.4f}", plan.one_by_one()]


def ten_million() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where each of 10 million files of an image of 2 TB begins and ends."""
    sizes = np.random.default_rng(4).lognormal(11.5, 1.0, 10_000_000).astype(np.int64)
    blocks = -(-sizes // RECORD)
    ends = np.cumsum(blocks + np.maximum(1, -(-blocks // 512))) * RECORD + (1 << 30)
    return np.append(1 << 30, ends[:-1]), ends


def _thousand() -> Table:
    """1,000 files out of 10 million."""
    starts, ends = ten_million()
    rows = np.sort(np.random.default_rng(8).choice(len(starts), 1000, replace=False))
    wanted = np.column_stack((starts[rows], ends[rows]))
    table = Table(
        f"1,000 random files out of 10 million, {ends[-1] / 1e12:.1f} TB, predicted seconds",
        [
            "drive",
            "plan",
            "least",
            "x least",
            "forward",
            "seek a file",
            "x seek",
            "whole",
            "seeks",
            "target",
        ],
    )
    for name in DRIVES:
        drive = files.find(name)
        plan = planner.plan(wanted, drive)
        least = bounds.least(plan.extents, drive)
        each = planner.one_by_one(wanted, drive)
        whole = planner.whole(drive, int(ends[-1]))
        table.rows.append(
            [
                name,
                plan.seconds,
                least,
                Ratio(plan.seconds / least),
                plan.forward_seconds,
                each,
                Ratio(plan.seconds / each),
                whole,
                plan.seeks,
                "<= 1.05 x least",
            ]
        )
    table.notes.append("least: the optimum, or a lower bound of it where it cannot be computed")
    return table


def _planning() -> Table:
    """How long planning takes."""
    starts = np.random.default_rng(3).integers(0, 2 * 10**12, 100_000)
    wanted = np.column_stack((starts, starts + 200_000))
    table = Table("planning for 100,000 extents", ["drive", "seconds", "reads", "target"])
    for name in (*DRIVES, "disk", "object-store"):
        begin = time.process_time()
        plan = planner.plan(wanted, files.find(name))
        table.rows.append([name, time.process_time() - begin, len(plan.reads), "<= 1 s"])
    table.notes.append("seconds of this machine's processor")
    return table
