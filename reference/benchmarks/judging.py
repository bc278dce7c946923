"""Topic on validate: how fast images are judged beside ``cat``, and in how much memory."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

from benchmarks import trees
from benchmarks.creating import GIB, MIB
from benchmarks.measure import Command, race, remove, warm
from benchmarks.memory import peak
from benchmarks.place import Place, darimage
from benchmarks.table import Table, of_race

_BASE_MIB = 150
_BYTES_AN_INODE = 100


def validate(place: Place) -> Iterator[Table]:
    """Judge an image of large files and one of small files."""
    tree = place.root / "tree"
    size = place.amount(GIB, 64 * MIB)
    trees.large(tree, 4, size)
    yield from _judged(place, f"validate, 4 files of {size // MIB} MiB", "≤ 2.0 x cat")
    count = place.amount(100_000, 10_000)
    trees.small(tree, count)
    yield from _judged(place, f"validate, {count:,} files of 1-8 KiB", "≤ 5.0 x cat")


def validate_million(place: Place) -> Iterator[Table]:
    """Judge an image of a million empty files."""
    count = place.amount(1_000_000, 100_000)
    trees.empty(place.root / "tree", count)
    yield from _judged(place, f"validate, {count:,} empty files", "")


def _judged(place: Place, title: str, target: str) -> Iterator[Table]:
    tree, image = place.root / "tree", place.root / "in.dari"
    create = [*darimage(), "create", "--quiet", "--json", tree, image]
    inodes = json.loads(subprocess.run(create, capture_output=True, check=True).stdout)["inodes"]
    remove([tree])
    warm(image)
    judge = [*darimage(), "validate", "--json", str(image)]
    commands = [
        Command("cat", ["sh", "-c", 'exec cat "$1" >/dev/null', "sh", str(image)]),
        Command("cat | cat", ["sh", "-c", 'cat "$1" | cat >/dev/null', "sh", str(image)]),
        Command("darimage validate", judge, target=target),
    ]
    yield of_race(title, race(commands, place.rounds), ["cat", "cat | cat"])
    yield _memory(title, Command("darimage validate", judge), inodes)
    place.clear()


def _memory(title: str, command: Command, inodes: int) -> Table:
    found = peak(command)
    over = max(0, found.together * 1024 - (_BASE_MIB << 20))
    target = f"≤ {_BASE_MIB + _BYTES_AN_INODE * inodes / 2**20:.0f} MiB"
    columns = ["command", "together", "largest process", f"bytes an inode over {_BASE_MIB} MiB"]
    table = Table(f"{title}: peak memory", [*columns, "processes", "target"])
    together, largest = (f"{kib / 1024:.0f} MiB" for kib in (found.together, found.largest))
    table.rows.append([command.name, together, largest, over // inodes, found.processes, target])
    table.notes.append(f"target: {_BASE_MIB} MiB + {_BYTES_AN_INODE} bytes an inode")
    table.notes.append(f"{inodes:,} inodes")
    return table
