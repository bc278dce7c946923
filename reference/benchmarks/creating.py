"""Topics on making images: many small files, a few large ones, sparse ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import floor, trees
from benchmarks.measure import Command, race, warm
from benchmarks.place import Place, darimage, ext4, tool
from benchmarks.table import Table, of_race

GIB = 1 << 30
MIB = 1 << 20


def small(place: Place) -> Iterator[Table]:
    """Create from 50,000 small files."""
    count = place.amount(50_000, 5_000)
    tree = place.root / "small"
    trees.small(tree, count)
    title = f"create, {count:,} files of 1-8 KiB in {count // 100} directories"
    yield _against_tar(place, tree, title, "≤ 1.2 x tar, ≤ 0.8 x tar --acls --xattrs", xattrs=True)
    yield from _against_dump(place, tree, title, count * 8192)


def large(place: Place) -> Iterator[Table]:
    """Create from four large files."""
    size = place.amount(GIB, 64 * MIB)
    tree = place.root / "large"
    trees.large(tree, 4, size)
    title = f"create, 4 files of {size // MIB} MiB"
    yield _against_tar(place, tree, title, "≤ 0.75 x tar")
    yield from _against_dump(place, tree, title, 4 * size)


def sparse(place: Place) -> Iterator[Table]:
    """Create from sparse files: so few that the start decides, and more."""
    for count in (place.amount(100, 10), place.amount(1000, 100)):
        yield _sparse(place, count)


def _sparse(place: Place, count: int) -> Table:
    tree = place.root / "sparse"
    trees.sparse(tree, count, 64 * MIB, MIB)
    warm(*sorted(tree.iterdir())[:1])
    outputs = [place.root / "out.tar", place.root / "out.dari"]
    commands = [
        Command("tar -S", ["tar", "-S", "-cf", str(outputs[0]), tree.name], place.root, outputs),
        _darimage(tree, outputs[1], outputs, "≤ 1.0 x tar -S"),
    ]
    if bsdtar := tool("bsdtar"):
        argv = [bsdtar, "-cf", str(outputs[0]), tree.name]
        commands.append(Command("bsdtar", argv, place.root, outputs))
    title = f"create, {count} files of 64 MiB with 1 MiB of data in 16 pieces"
    table = of_race(title, race(commands, place.rounds), ["tar -S", "bsdtar"])
    place.clear()
    return table


def _darimage(
    tree: Path, image: Path, clear: list[Path], target: str = "", *options: str
) -> Command:
    name = " ".join(["darimage create", *options])
    argv = [*darimage(), "create", "--quiet", *options, str(tree), str(image)]
    return Command(name, argv, tree.parent, clear, target=target)


def _against_tar(
    place: Place, tree: Path, title: str, target: str, *, xattrs: bool = False
) -> Table:
    """Measure against programs that read the tree wherever it is."""
    tar, image = place.root / "out.tar", place.root / "out.dari"
    outputs, name = [tar, image], tree.name
    warm(tree)

    def command(row: str, *argv: str) -> Command:
        return Command(row, argv, place.root, outputs)

    commands = [
        command("tar", "tar", "-cf", str(tar), name),
        command("tar + sync", "sh", "-c", 'tar -cf "$1" "$2" && sync "$1"', "sh", str(tar), name),
        _darimage(tree, image, outputs, target),
        _darimage(tree, image, outputs, "", "--workers", "1"),
    ]
    if xattrs:
        argv = ["tar", "--acls", "--xattrs", "-cf", str(tar), name]
        commands.append(command("tar --acls --xattrs", *argv))
        argv = [sys.executable, "-I", floor.__file__, name, str(tar)]
        commands.append(command("least in Python", *argv))
    if bsdtar := tool("bsdtar"):
        commands.append(command("bsdtar", bsdtar, "-cf", str(tar), name))
    bases = ["tar", "tar + sync", "tar --acls --xattrs"]
    return of_race(title, race(commands, place.rounds), bases)


def _against_dump(place: Place, tree: Path, title: str, size: int) -> Iterator[Table]:
    """Measure against ``dump``, which reads a file system: the tree moves onto one of its own."""
    dump = tool("dump")
    with ext4(place, size) as mounted:
        if mounted is None or dump is None:
            yield Table(f"{title}: not against dump, which takes root, loop devices, mkfs.ext4", [])
            place.clear()
            return
        device, mount = mounted
        # A file at a time, so that the tree is never held twice.
        for entry in sorted(tree.iterdir()):
            shutil.move(entry, mount / entry.name)
        subprocess.run(["sync", "--file-system", mount], check=True)
        warm(mount)
        image, old = place.root / "out.dari", place.root / "out.dump"
        commands = [
            Command("dump", [dump, "-0", "-f", str(old), device], place.root, [old, image]),
            _darimage(mount, image, [old, image]),
        ]
        yield of_race(f"{title}, on ext4", race(commands, place.rounds), ["dump"])
    place.clear()
