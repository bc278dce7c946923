"""Source trees on ext4 with both images of each, and what the old `restore` makes of them."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import stat
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support import legacy, trees
from support.compare import Difference, Options, compare_trees, to_second_32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: restore -r leaves this behind for the next level.
SYMBOL_TABLE = b"restoresymtable"

#: How the two images of a source are called.
OURS, DUMPS = "darimage", "dump"


@dataclass(frozen=True)
class Verdict:
    """What one mode of the old `restore` made of one image.

    Attributes:
        run: The finished program; the tree it restored is gone already.
        differences: Between the source and that tree, times to the second (none for -t and -C).
    """

    run: legacy.Run
    differences: tuple[Difference, ...]


class Case:
    """One source tree on a mounted ext4 file system, its images, and the verdicts on them.

    Images and verdicts are made when first asked for, and once.
    """

    def __init__(self, name: str, source: Path, folder: Path, on_disk: bool = False) -> None:
        self.name = name
        self.source = source
        self._folder = folder
        self._on_disk = on_disk
        self._verdicts: dict[tuple[str, str, str], Verdict] = {}

    @functools.cached_property
    def dump_image(self) -> Path:
        """The image real `dump` makes of the source."""
        image = self._folder / f"{self.name}.dump"
        legacy.dump_tree(self.source, image)
        return image

    @functools.cached_property
    def plain_dump_image(self) -> Path:
        """The same, where each block is described by itself: all old programs read that."""
        command = legacy.plain_dump()
        if command == legacy.installed("dump"):
            return self.dump_image
        image = self._folder / f"{self.name}-plain.dump"
        legacy.dump_tree(self.source, image, command=command)
        return image

    @functools.cached_property
    def _creation(self) -> tuple[Path, legacy.Run]:
        image = self._folder / f"{self.name}.dari"
        return image, legacy.darimage("create", self.source, image, timeout=600)

    @property
    def darimage_image(self) -> Path:
        """The image this project makes of the source."""
        image, made = self._creation
        assert made.rc == 0, f"darimage create failed ({made.rc}): {made.stderr[-2000:]}"
        return image

    def image(self, origin: str) -> Path:
        """The image made by `OURS` or `DUMPS`."""
        return self.darimage_image if origin == OURS else self.plain_dump_image

    def verdict(self, origin: str, mode: str, timeout: float = 120.0) -> Verdict:
        """Let `restore` read an image in one mode and compare what comes out with the source.

        Which `restore` that is says `legacy.judge`.

        Args:
            origin: `OURS` or `DUMPS`.
            mode: `t`, `x`, `i`, `r` or `C`; -C compares with the source in its place.
            timeout: Seconds until restore is killed.
        """
        key = (legacy.judge(), origin, mode)
        if key not in self._verdicts:
            self._verdicts[key] = self._judge(origin, mode, timeout)
        return self._verdicts[key]

    def _judge(self, origin: str, mode: str, timeout: float) -> Verdict:
        image = self.image(origin)
        if mode in "tC":
            return Verdict(legacy.restore(mode, image, self.source, timeout=timeout), ())
        with legacy.scratch_directory(self._on_disk) as target:
            run = legacy.restore(mode, image, target, timeout=timeout)
            ignored = (SYMBOL_TABLE,) if mode == "r" else ()
            options = Options(mtime=to_second_32, ignore=ignored, end_hole=origin == DUMPS)
            return Verdict(run, tuple(compare_trees(self.source, target, options)))


class Workbench:
    """Makes cases and keeps them mounted until it is closed."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._cases: dict[object, Case] = {}

    def case(self, name: str, **sizes: int) -> Case:
        """Give the case of a named tree; the same arguments give the same case."""
        key = (name, tuple(sorted(sizes.items())))
        if key not in self._cases:
            self._cases[key] = self._stack.enter_context(open_case(name, sizes))
        return self._cases[key]

    def close(self) -> None:
        """Unmount and delete everything."""
        self._cases.clear()
        self._stack.close()


@contextlib.contextmanager
def open_case(
    name: str,
    sizes: Mapping[str, int] | None = None,
    *,
    file_system: int = trees.GIB,
    on_disk: bool = False,
) -> Iterator[Case]:
    """Build a named tree on a new ext4 file system, for as long as the context lasts.

    Args:
        name: A key of `trees.TREES`.
        sizes: What the tree's builder lets one adjust, and `block_size` (1024 or 4096) of ext4.
        file_system: Bytes of the file system.
        on_disk: Whether nothing of it may lie in memory.
    """
    adjusted = dict(sizes or {})
    block_size = adjusted.pop("block_size", 4096)
    with (
        legacy.loop_ext4(
            file_system, block_size=block_size, inodes=150_000, on_disk=on_disk
        ) as source,
        legacy.scratch_directory(on_disk) as folder,
    ):
        trees.build(name, source, **adjusted)
        os.sync()
        yield Case(name, source, folder, on_disk)


def paths_below(root: Path) -> list[bytes]:
    """Every path of a tree relative to its root, the root itself left out."""
    found = []
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    pending: list[tuple[int, bytes]] = [(here, b"")]
    # By descriptors, one for each directory on the way: a path may be too long for the system.
    while pending:
        here, above = pending.pop()
        for name in map(os.fsencode, os.listdir(here)):
            found.append(above + name)
            if stat.S_ISDIR(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                pending.append((below, above + name + b"/"))
        os.close(here)
    return found


def lines_listed(listing: str) -> Counter[str]:
    """The lines of a `restore -t` listing, without its head and the inode numbers.

    A name with a newline gives several lines, as in `lines_of`.
    """
    _, _, body = listing.partition("         2\t.\n")
    return Counter(re.sub(r"^ *\d+\t", "", line) for line in body.split("\n")[:-1])


def lines_of(root: Path) -> Counter[str]:
    """What `lines_listed` must give for a tree."""
    return Counter(
        line for path in paths_below(root) for line in f"./{os.fsdecode(path)}".split("\n")
    )
