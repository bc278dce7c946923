"""Open directories of a tree by number, however deep and however many."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def open_directory(name: bytes | str, *, dir_fd: int | None = None, follow: bool = False) -> int:
    """Open a directory for reading, without touching its access time where that is allowed.

    Raises:
        OSError: It is none, or a symbolic link that is not to be followed.
    """
    flags = _DIRECTORY if follow else _DIRECTORY | os.O_NOFOLLOW
    try:
        return os.open(name, flags | os.O_NOATIME, dir_fd=dir_fd)
    except PermissionError:
        # Only the owner may read a directory that way.
        return os.open(name, flags, dir_fd=dir_fd)


class DirectoryHandles:
    """Keeps the directories used last open, each opened relative to the one above it.

    No symbolic link is followed and no path is built, so a tree deeper than ``PATH_MAX`` works and
    one that is changed meanwhile leads nowhere else.
    """

    def __init__(
        self,
        root: int,
        above: Callable[[int], tuple[int, bytes]],
        *,
        capacity: int = 64,
    ) -> None:
        """Take over the root's descriptor.

        Args:
            root: Descriptor of directory number 0.
            above: Returns the number of the directory above another and the name in it.
            capacity: Descriptors kept besides the root's.
        """
        self._root = root
        self._above = above
        self._capacity = capacity
        self._open: OrderedDict[int, int] = OrderedDict()

    def descriptor(self, number: int) -> int:
        """Return a descriptor of a directory; valid until the next call.

        Raises:
            OSError: It, or one above it, is not there any more.
        """
        if number == 0:
            return self._root
        held = self._open.get(number)
        if held is not None:
            self._open.move_to_end(number)
            return held
        return self._descend(number)

    def _descend(self, number: int) -> int:
        missing: list[tuple[int, bytes]] = []
        while number and number not in self._open:
            parent, name = self._above(number)
            missing.append((number, name))
            number = parent
        descriptor = self._open[number] if number else self._root
        for below, name in reversed(missing):
            descriptor = open_directory(name, dir_fd=descriptor)
            self._open[below] = descriptor
            if len(self._open) > self._capacity:
                os.close(self._open.popitem(last=False)[1])
        return descriptor

    def keep(self, number: int, descriptor: int) -> None:
        """Take over the descriptor of a directory that was found elsewhere."""
        old = self._open.pop(number, None)
        if old is not None:
            os.close(old)
        self._open[number] = descriptor

    def close(self) -> None:
        """Close all descriptors."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
        if self._root >= 0:
            os.close(self._root)
            self._root = -1
