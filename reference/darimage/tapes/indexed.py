"""The bytes of an image in blocks: offset to block without reading the others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from darimage.tapes.index import Blocks, Index
from darimage.volumes.cut import ONE_VOLUME, Cut
from darimage.volumes.reading import Gap, read_up_to


class IndexedVolume(ABC):
    """One file of a tape whose blocks are known.

    Attributes:
        name: What to call it in messages.
        size: Bytes of the image.
        bytes_read: Bytes of the image read so far.
        reads: Read calls so far.
        index: Where its blocks are.
        form: What kind of tape or container it is.
        locates: Reads so far that did not begin where the one before ended.
    """

    cut: Cut = ONE_VOLUME

    def __init__(self, name: str, form: str, index: Index) -> None:
        """Know the blocks, and those that could not be read when the index was made."""
        self.name = name
        self.form = form
        self.index = index
        self.size = index.size
        self.bytes_read = 0
        self.reads = 0
        self.locates = 0
        self._at = 0
        ends = index.start + index.count * index.length
        self._starts, self._ends = index.start.tolist(), ends.tolist()
        bad = np.flatnonzero(index.bad)
        self._bad_starts, self._bad_ends = index.start[bad], ends[bad]
        self._bad_first = (np.cumsum(index.count) - index.count)[bad]
        self._bad_count = index.count[bad]

    @property
    def blocks(self) -> Blocks:
        """All pieces of blocks with their places."""
        return self.index.expanded()

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only at the end."""
        return read_up_to(self, offset, length)

    def readinto_at(self, offset: int, views: Sequence[memoryview]) -> int:
        """Fill the views one after another; return bytes read, fewer only at the end.

        Bytes of blocks that could not be read are zeros; ``missing`` names them.
        """
        if offset != self._at:
            self.locates += 1
        total = 0
        for view in views:
            wanted = view.cast("B")[: max(0, self.size - offset - total)]
            self._fill(offset + total, wanted)
            total += len(wanted)
            if len(wanted) < view.nbytes:
                break
        self._at = offset + total
        self.bytes_read += total
        return total

    def _fill(self, offset: int, view: memoryview) -> None:
        done = 0
        while done < len(view):
            row = self._row(offset + done)
            part = view[done : done + self._ends[row] - offset - done]
            if self.index.bad[row]:
                part[:] = bytes(len(part))
                done += len(part)
                continue
            number, into = divmod(offset + done - self._starts[row], int(self.index.length[row]))
            done += self._from_row(row, number, into, part)

    def _row(self, offset: int) -> int:
        return int(np.searchsorted(self.index.start, offset, side="right")) - 1

    @abstractmethod
    def _from_row(self, row: int, number: int, into: int, view: memoryview) -> int:
        """Fill the beginning of a view with blocks of one length; return how much it was.

        Args:
            row: Row of the index.
            number: Piece of the row.
            into: Byte of that piece.
            view: What to fill, not beyond the row.
        """

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the blocks among some bytes that could not be read."""
        first = int(np.searchsorted(self._bad_ends, start, side="right"))
        last = int(np.searchsorted(self._bad_starts, end, side="left"))
        return [self._gap(at) for at in range(first, last)]

    def _gap(self, at: int) -> Gap:
        start, end = int(self._bad_starts[at]), int(self._bad_ends[at])
        first, count = int(self._bad_first[at]), int(self._bad_count[at])
        which = f"block {first}" if count == 1 else f"blocks {first} to {first + count - 1}"
        return Gap(start, end, f"{which} of {self.name} could not be read")

    @abstractmethod
    def close(self) -> None:
        """Give up what is held."""
