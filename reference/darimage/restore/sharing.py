"""Rows shared out to processes, which take the next piece whenever they are free."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from darimage import parallel
from darimage.progress import Progress

T = TypeVar("T")
Advance = Callable[[int], None]
Piece = list[int]
"""Rows, ascending."""

_NUMBER = struct.Struct("=I")

MOST_PIECES = 4096
"""All their numbers fit into a pipe at once (16 KiB at the least on Linux)."""


def cut(rows: npt.NDArray[np.int64], weights: npt.NDArray[np.int64], most: int) -> list[Piece]:
    """Cut rows into pieces of about equal weight.

    Args:
        rows: Ascending.
        weights: What each costs.
        most: Weight of a piece that is worth taking on its own.
    """
    if not len(rows):
        return []
    total = int(weights.sum())
    most = max(most, -(-total // (MOST_PIECES // 2)))
    numbers = (np.cumsum(weights) - weights) // most
    starts = np.flatnonzero(np.diff(numbers)) + 1
    return [piece.tolist() for piece in np.split(rows, starts)]


def share(
    pieces: list[Piece],
    workers: int,
    work: Callable[[Iterable[Piece], Advance], T],
    progress: Progress,
) -> list[T]:
    """Have ``work`` done on all pieces, by one process here or by several that are forked.

    Returns:
        What each process's ``work`` returned.

    Raises:
        WorkerError: A process died.
    """
    workers = min(workers, len(pieces))
    if workers <= 1:
        return [work(pieces, progress.advance)]
    queue, feed = os.pipe()
    try:
        os.write(feed, b"".join(_NUMBER.pack(number) for number in range(len(pieces))))
        os.close(feed)

        def job(advance: Advance) -> T:
            return work(_taken(queue, pieces), advance)

        return parallel.run([job] * workers, progress)
    finally:
        os.close(queue)


def _taken(queue: int, pieces: list[Piece]) -> Iterator[Piece]:
    """Yield the pieces that this process is the first to take."""
    while number := os.read(queue, _NUMBER.size):
        yield pieces[_NUMBER.unpack(number)[0]]
