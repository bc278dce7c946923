"""Topics on memory: peak of create and of full restore."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import trees
from benchmarks.measure import Command, remove
from benchmarks.memory import peak
from benchmarks.place import Place, darimage
from benchmarks.table import Table

_BASE_MIB = 100
_BYTES_A_FILE = 400


def memory(place: Place) -> Iterator[Table]:
    """Peak memory with 50,000 small files."""
    count = place.amount(50_000, 5_000)
    trees.small(place.root / "tree", count)
    yield _peaks(place, f"peak memory, {count:,} files of 1-8 KiB", count)


def memory_million(place: Place) -> Iterator[Table]:
    """Peak memory with 1,000,000 empty files."""
    count = place.amount(1_000_000, 100_000)
    trees.empty(place.root / "tree", count)
    yield _peaks(place, f"peak memory, {count:,} empty files", count)


def _peaks(place: Place, title: str, count: int) -> Table:
    tree, image, out = place.root / "tree", place.root / "out.dari", place.root / "out"
    create = Command(
        "darimage create", [*darimage(), "create", "--quiet", str(tree), str(image)], clear=[image]
    )
    restore = Command(
        "darimage restore",
        [*darimage(), "restore", "--quiet", str(image), str(out)],
        clear=[out],
    )
    columns = ["command", "together", "largest process", "processes", "target"]
    target = f"≤ {_BASE_MIB + _BYTES_A_FILE * count / 2**20:.0f} MiB"
    table = Table(title, [*columns[:3], "bytes a file over 100 MiB", *columns[3:]])
    for command in (create, restore):
        found = peak(command)
        over = max(0, found.together * 1024 - (_BASE_MIB << 20)) // count
        table.rows.append(
            [
                command.name,
                f"{found.together / 1024:.0f} MiB",
                f"{found.largest / 1024:.0f} MiB",
                over,
                found.processes,
                target,
            ]
        )
        if command is create:
            remove([tree])
    table.notes.append(f"target: {_BASE_MIB} MiB + {_BYTES_A_FILE} bytes a file")
    place.clear()
    return table
