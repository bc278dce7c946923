"""Finds directories of a scanned tree again that were renamed or moved since."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from darimage.errors import check_machine
from darimage.sources.handles import DirectoryHandles, open_directory
from darimage.sources.scan import FIELDS, WIDTH, Scan

_DEVICE, _INODE = FIELDS.index("source_device"), FIELDS.index("source_inode")

_SHARE = 10
"""The tree is walked again only after so many times as long as the last walk took."""


class Moved:
    """The directories of a scan, by what they are instead of where they were."""

    def __init__(self, scan: Scan, root: int, handles: DirectoryHandles) -> None:
        """Look below a root.

        Args:
            scan: What was scanned.
            root: Descriptor of the tree's root; it is not closed.
            handles: Takes what is found.
        """
        self._scan = scan
        self._root = root
        self._handles = handles
        self._found: dict[int, tuple[int, bytes]] = {}
        self._not_before = 0.0

    def find(self, number: int) -> int | None:
        """Return the descriptor of a directory that is elsewhere now, good as those of handles.

        ``None`` if it is where it was, or is nowhere to be found: next to where it was, and then in
        the whole tree.
        """
        if not number:
            return None
        for found in self._candidates(number):
            if self._is(found, number):
                self._handles.keep(number, found)
                return found
            os.close(found)
        return None

    def is_in_place(self, number: int) -> bool:
        """Tell whether the name of a directory leads to it still."""
        try:
            return self._is(self._handles.descriptor(number), number)
        except OSError as error:
            check_machine(error)
            return False

    def _is(self, descriptor: int, number: int) -> bool:
        info, row = os.fstat(descriptor), number * WIDTH
        directories = self._scan.directories
        return (info.st_dev, info.st_ino) == (
            directories[row + _DEVICE],
            directories[row + _INODE],
        )

    def _candidates(self, number: int) -> Iterator[int]:
        """Yield descriptors of directories that have its inode number."""
        inode = self._scan.directories[number * WIDTH + _INODE]
        parent = self._scan.directory_parent[number]
        above = self._descriptor(parent)
        if above is not None:
            yield from _opened(above, [[name] for name in _beside(above, inode)])
        yield from _opened(self._root, self._anywhere(inode))

    def _descriptor(self, number: int) -> int | None:
        """Return the descriptor of a directory, wherever it is."""
        if not number or self.is_in_place(number):
            return self._handles.descriptor(number)
        return self.find(number)

    def _anywhere(self, inode: int) -> list[list[bytes]]:
        """Return the paths of directories with an inode number, below the root."""
        now = time.monotonic()
        if inode not in self._found and now >= self._not_before:
            self._found = _walk(self._root)
            self._not_before = time.monotonic() + _SHARE * (time.monotonic() - now)
        path = _path(self._found, inode)
        return [path] if path else []


def _beside(directory: int, inode: int) -> list[bytes]:
    """Return the names in a directory that lead to a directory with an inode number."""
    with os.scandir(directory) as entries:
        found = [entry for entry in entries if entry.inode() == inode]
    return [os.fsencode(one.name) for one in found if one.is_dir(follow_symlinks=False)]


def _walk(root: int) -> dict[int, tuple[int, bytes]]:
    """Return what is above each directory below a root, by inode number, and its name there."""
    top = os.fstat(root).st_ino
    found: dict[int, tuple[int, bytes]] = {}
    pending = [top]
    while pending:
        number = pending.pop()
        for descriptor in _opened(root, [_path(found, number)]):
            try:
                with os.scandir(descriptor) as entries:
                    below = [
                        (entry.inode(), os.fsencode(entry.name))
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False)
                    ]
            except OSError as error:  # its directories are not found then
                check_machine(error)
                below = []
            finally:
                os.close(descriptor)
            new = [(inode, name) for inode, name in below if inode not in found and inode != top]
            found.update((inode, (number, name)) for inode, name in new)
            pending += [inode for inode, _ in new]
    return found


def _path(found: dict[int, tuple[int, bytes]], inode: int) -> list[bytes]:
    """Return the names that lead from the root to a directory; none if it is not known."""
    path: list[bytes] = []
    while inode in found:
        inode, name = found[inode]
        path.append(name)
    return path[::-1]


def _opened(start: int, paths: list[list[bytes]]) -> Iterator[int]:
    """Yield new descriptors of the directories that some names lead to, as far as they do."""
    for path in paths:
        here = -1
        try:
            here = os.dup(start) if not path else open_directory(path[0], dir_fd=start)
            for name in path[1:]:
                above, here = here, open_directory(name, dir_fd=here)
                os.close(above)
        except OSError as error:
            if here >= 0:
                os.close(here)
            check_machine(error)
            continue
        yield here
