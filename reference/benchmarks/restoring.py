"""Topics on bringing files back: one file, one directory, everything."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks import trees
from benchmarks.creating import GIB, MIB
from benchmarks.measure import Command, race, remove, warm
from benchmarks.place import Place, darimage, file_system, on_disk, tool
from benchmarks.table import Cell, Table, of_race
from darimage.units import RECORD


def one(place: Place) -> Iterator[Table]:
    """Bring back one file, and one directory of a hundred files."""
    count = place.amount(50_000, 5_000)
    tree = place.root / "tree"
    trees.small(tree, count)
    yield from _parts(place, tree, f"d{count // 200:03d}", f"{count:,} small files")
    size = place.amount(2 * GIB, 256 * MIB)
    trees.mixed(tree, size)
    title = f"{size // MIB} MiB in 4 files, 100 small ones among them"
    yield from _parts(place, tree, "m/d000", title, "≤ 0.10 x restore -x", cold=True)
    yield _growth(place)


def everything(place: Place) -> Iterator[Table]:
    """Bring back all of an image."""
    count = place.amount(50_000, 5_000)
    trees.small(place.root / "tree", count)
    yield _whole(place, f"full restore, {count:,} files of 1-8 KiB")
    size = place.amount(GIB, 64 * MIB)
    trees.large(place.root / "tree", 2, size)
    yield _whole(place, f"full restore, 2 files of {size // MIB} MiB")


def images(place: Place, tree: Path) -> tuple[Path, Path]:
    """Make a tar archive and a DARI image of a tree, warm, and remove the tree."""
    tar, image = place.root / "in.tar", place.root / "in.dari"
    subprocess.run(["tar", "-C", tree, "-cf", tar, "."], check=True)
    subprocess.run([*darimage(), "create", "--quiet", tree, image], check=True)
    remove([tree])
    warm(tar, image)
    return tar, image


def _parts(
    place: Place,
    tree: Path,
    directory: str,
    title: str,
    target: str = "",
    *,
    cold: bool = False,
) -> Iterator[Table]:
    tar, image = images(place, tree)
    for what, path in (("one file", f"{directory}/f050.bin"), ("100 files", directory)):
        commands = _extractions(place, tar, image, path, target)
        results = race(commands, place.rounds)
        table = of_race(f"{what} out of {title}", results, ["restore -x", "tar -x"], reads=True)
        metadata, asked = _metadata(image), results[-1].answered("bytes_written") or 0
        records = 2 * RECORD * (results[-1].answered("files") or 0)
        limit = (
            f"{metadata:,} of metadata + {asked:,} asked for + {records:,} for headers and "
            f"what ends are filled up with = {metadata + asked + records:,}"
        )
        table.notes.append(f"target for bytes read from the image: ≤ {limit}")
        yield table
    if cold:
        path = f"{directory}/f050.bin"
        yield _cold(place, tar, image, path, f"one file out of {title}, cold", target)
    place.clear()


def _cold(place: Place, tar: Path, image: Path, path: str, title: str, target: str) -> Table:
    """Bring back a file out of archives on a disk that are not in the page cache."""
    size = tar.stat().st_size + image.stat().st_size
    with on_disk(place, size) as disk:
        if disk is None:
            return Table(f"{title}: not measured, there is no disk with room for the archives", [])
        copies = [Path(shutil.copy(archive, disk)) for archive in (tar, image)]
        commands = [
            replace(command, cold=copies) for command in _extractions(place, *copies, path, target)
        ]
        table = of_race(title, race(commands, place.rounds), ["restore -x", "tar -x"], reads=True)
        table.notes.append(f"archives on {file_system(disk)}; programs are in the page cache")
        return table


def _extractions(
    place: Place, tar: Path, image: Path, path: str, target: str = ""
) -> list[Command]:
    """Return the commands that bring back a path, or with ``.`` everything."""
    out = place.root / "out"
    wanted = [] if path == "." else [path]

    def command(name: str, *argv: str, answer: bytes = b"", target: str = "") -> Command:
        return Command(name, argv, out, clear=[out], make=[out], answer=answer, target=target)

    commands = [command("tar -x", "tar", "-xf", str(tar), f"./{path}" if wanted else ".")]
    if restore := tool("restore"):
        argv = [restore, "-x", "-a", "-f", str(image), f"./{path}"]
        # It asks whether "." gets its mode as well.
        commands.append(command("restore -x", *argv, answer=b"n\n"))
    if bsdtar := tool("bsdtar"):
        first = ["-q"] if wanted else []
        argv = [bsdtar, "-xf", str(tar), *first, f"./{path}"]
        commands.append(command(" ".join(["bsdtar -x", *first]), *argv))
    argv = [*darimage(), "restore", "--json", "--quiet", str(image), str(out), *wanted]
    commands.append(command("darimage restore", *argv, target=target))
    return commands


def _metadata(image: Path) -> int:
    """Return the bytes of an image that are neither files nor what old readers get once more."""
    answer = subprocess.run(
        [*darimage(), "info", "--json", image], capture_output=True, check=True
    ).stdout
    parts = json.loads(answer)["parts"]
    files = next(part["offset"] for part in parts if part["kind"] == "files")
    ends = sum(part["bytes"] for part in parts if part["kind"] == "end")
    return int(files + ends)


def _growth(place: Place) -> Table:
    """Show what is read for one file when all others become ten times as big."""
    count = place.amount(20_000, 2_000)
    rows: list[list[Cell]] = []
    for times in (1, 10):
        tree = place.root / "tree"
        trees.small(tree, count, times=times)
        path = f"d{count // 200:03d}/asked.bin"
        (tree / path).write_bytes(bytes(range(256)) * 16)
        tar, image = images(place, tree)
        for result in race(_extractions(place, tar, image, path), 1):
            name = f"{result.command.name}, files x {times}"
            asked = result.answered("bytes_read")
            target = "" if asked is None else "not growing"
            rows.append([name, image.stat().st_size, result.read, asked, target])
        place.clear()
    columns = ["command", "image bytes", "read by process", "read from image", "target"]
    rows.sort(key=lambda row: str(row[0]))
    return Table(f"bytes read for one file of 4 KiB among {count:,}", columns, rows)


def _whole(place: Place, title: str) -> Table:
    tar, image = images(place, place.root / "tree")
    results = race(_extractions(place, tar, image, "."), place.rounds)
    table = of_race(title, results, ["tar -x", "restore -x"])
    place.clear()
    return table
