"""Measures darimage against tar, dump and restore; prints, asserts nothing (``make bench``)."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import creating, driving, footprint, judging, place, reading, restoring
from benchmarks.place import Place
from benchmarks.table import Table

TOPICS: dict[str, Callable[[Place], Iterator[Table]]] = {
    "small": creating.small,
    "large": creating.large,
    "sparse": creating.sparse,
    "one": restoring.one,
    "full": restoring.everything,
    "verify": reading.verify,
    "validate": judging.validate,
    "start": reading.start,
    "drives": driving.drives,
    "memory": footprint.memory,
    "million": footprint.memory_million,
    "validate-million": judging.validate_million,
}

ASKED_FOR = {"million", "validate-million"}
"""Topics that are measured only by name: they take long."""


def main() -> None:
    """Measure the topics asked for."""
    options = _arguments()
    names = options.only or [name for name in TOPICS if name not in ASKED_FOR]
    report: list[dict[str, Any]] = []
    say = (lambda text: print(text, file=sys.stderr)) if options.json else print
    say(f"{time.strftime('%Y-%m-%d')}: {place.machine()}")
    for where in _places(options):
        kind = place.file_system(where)
        say(f"measured in {where} ({kind}); {options.rounds} rounds; seconds are medians")
        say("ratios are taken round by round and mean nothing across runs\n")
        for name in names:
            with tempfile.TemporaryDirectory(prefix="darimage-bench-", dir=where) as root:
                here = Place(Path(root), options.rounds, options.quick)
                say(f"[{name}] load {os.getloadavg()[0]:.2f}")
                for table in TOPICS[name](here):
                    say(table.text())
                    report.append({"topic": name, "where": str(where), **table.as_json()})
    if options.json:
        head = {"machine": place.machine(), "date": time.strftime("%Y-%m-%d")}
        print(json.dumps({**head, "rounds": options.rounds, "tables": report}, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less data, 3 rounds")
    parser.add_argument(
        "--only", action="append", choices=list(TOPICS), metavar="TOPIC", help=", ".join(TOPICS)
    )
    parser.add_argument(
        "--where",
        action="append",
        type=Path,
        help="measure in DIR; may be repeated; default: /dev/shm if it has 10 GiB free, "
        "else the directory for temporary files",
    )
    parser.add_argument(
        "--both", action="store_true", help="/dev/shm and the directory for temporary files"
    )
    parser.add_argument("--rounds", type=int, help="runs of each command (5, or 3 with --quick)")
    parser.add_argument("--json", action="store_true", help="tables as JSON; the text to stderr")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 5)
    return options


def _places(options: argparse.Namespace) -> list[Path]:
    if options.both:
        return [place.SHM, Path(tempfile.gettempdir())]
    return options.where or [place.default()]


if __name__ == "__main__":
    main()
