"""What an inode is called, as a number: so that a new name is seen without keeping all names.

For each entry, a hash of its name and of the directory it is in is added to the inode that it leads
to, and a hash of its name and of that inode to the directory. The sums, modulo 2^64, change when an
inode gets, loses or changes a name, and when a directory names something else.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from darimage.sections.crc import crc32c

Words = npt.NDArray[np.uint64]
Column = npt.NDArray[np.int64]

_IN_DIRECTORY = np.uint64(0x5851F42D4C957F2D)
_IN_INODE = np.uint64(0x14057B7EF767814F)


class Links:
    """Names, with what they are in and what they lead to, by row of some table of inodes."""

    def __init__(self, names: list[bytes], owners: Column, targets: Column) -> None:
        """Take the entries of directories.

        Args:
            names: Name of each entry; more may be added.
            owners: Row of the directory it is in.
            targets: Row of what it leads to; -1 if that is nothing.
        """
        self._names = names
        self._owners = owners
        self._targets = targets
        self._streams: list[tuple[int, int]] = []

    def stream(self, owner: int, target: int, name: bytes) -> None:
        """Add a stream, by the rows of the inode that it belongs to and of its own."""
        # No name holds a slash: a stream is never taken for a file.
        self._names.append(b"/" + name)
        self._streams.append((owner, target))

    def sums(self, numbers: Column) -> Column:
        """Return the sum of each row, given the rows' inode numbers."""
        streams = np.array(self._streams, np.int64).reshape(-1, 2)
        owners = np.concatenate((self._owners, streams[:, 0]))
        targets = np.concatenate((self._targets, streams[:, 1]))
        names = np.array([crc32c(n) << 32 | zlib.crc32(n) for n in self._names], np.uint64)
        known = targets >= 0
        names, owners, targets = names[known], owners[known], targets[known]
        words = numbers.astype(np.uint64)
        total = np.zeros(len(numbers), np.uint64)
        _add(total, targets, names, words[owners] ^ _IN_DIRECTORY)
        _add(total, owners, names, words[targets] ^ _IN_INODE)
        return total.view(np.int64)


def _add(total: Words, rows: Column, names: Words, numbers: Words) -> None:
    np.add.at(total, rows, _mixed(names ^ _mixed(numbers)))


def _mixed(words: Words) -> Words:
    """Spread each word over all of its bits (the last steps of the generator SplitMix64)."""
    words = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ words >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return words ^ words >> np.uint64(31)
