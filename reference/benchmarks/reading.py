"""Topics on reading images: verify, and how long small jobs take to start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks import trees
from benchmarks.creating import GIB, MIB
from benchmarks.measure import Command, race
from benchmarks.place import Place, darimage, tool
from benchmarks.restoring import images
from benchmarks.table import Table, of_race


def verify(place: Place) -> Iterator[Table]:
    """Check images against themselves."""
    count, size = place.amount(50_000, 5_000), place.amount(GIB, 64 * MIB)
    tree = place.root / "tree"
    trees.small(tree, count)
    yield _verify(place, f"verify, {count:,} files of 1-8 KiB", "≤ 6 x cat")
    trees.large(tree, 2, size)
    yield _verify(place, f"verify, 2 files of {size // MIB} MiB", "≤ 1.5 x cat")


def _verify(place: Place, title: str, target: str) -> Table:
    tar, image = images(place, place.root / "tree")
    tar.unlink()
    commands = [
        Command("cat", ["sh", "-c", 'exec cat "$1" >/dev/null', "sh", str(image)]),
        Command("cat | cat", ["sh", "-c", 'cat "$1" | cat >/dev/null', "sh", str(image)]),
        Command("darimage verify", [*darimage(), "verify", "--json", str(image)], target=target),
        Command(
            "darimage verify --quick", [*darimage(), "verify", "--quick", "--json", str(image)]
        ),
    ]
    table = of_race(title, race(commands, place.rounds), ["cat", "cat | cat"], reads=True)
    place.clear()
    return table


def start(place: Place) -> Iterator[Table]:
    """Start up."""
    tree, tar, image = place.root / "tree", place.root / "in.tar", place.root / "in.dari"
    trees.small(tree, 100, a_directory=10)
    subprocess.run(["tar", "-C", place.root, "-cf", tar, "tree"], check=True)
    subprocess.run([*darimage(), "create", "--quiet", tree, image], check=True)
    out = place.root / "out.dari"
    commands = [
        Command("python -c pass", [sys.executable, "-c", "pass"]),
        Command("darimage --version", [*darimage(), "--version"], target="≤ 0.060 s"),
        Command("darimage list", [*darimage(), "list", str(image)]),
        Command("darimage info", [*darimage(), "info", str(image)]),
        Command(
            "darimage create",
            [*darimage(), "create", "--quiet", str(tree), str(out)],
            clear=[out],
        ),
        Command("tar -t", ["tar", "-tf", str(tar)]),
    ]
    if restore := tool("restore"):
        commands.append(Command("restore -t", [restore, "-t", "-f", str(image)]))
    results = race(commands, 3 * place.rounds)
    yield of_race("start-up, image of 100 small files", results, ["python -c pass"])
    place.clear()
