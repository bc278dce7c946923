"""The bytes of an image in a tape container: offset to block without reading the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from darimage.errors import StorageError
from darimage.tapes.element import Form
from darimage.tapes.index import Blocks, Index, scan
from darimage.volumes.cut import ONE_VOLUME, Cut
from darimage.volumes.reading import Gap, Volume, is_slow, read_up_to

_TOGETHER = 400
"""Blocks that are read with one call; each takes two of its buffers, and 1,024 are allowed."""

_BETWEEN_MOST = 4096


class TapeVolume:
    """One file of a tape in a container.

    Attributes:
        name: What to call it in messages.
        size: Bytes of the image.
        bytes_read: Bytes of the image read so far.
        reads: Read calls so far.
        index: Where its blocks are.
        form: Kind of container.
        locates: Reads so far that did not begin where the one before ended.
    """

    cut: Cut = ONE_VOLUME

    def __init__(self, container: Volume, form: Form, number: int | None = None) -> None:
        """Take over ``container`` and look where its blocks are.

        Args:
            container: The file.
            form: Its form.
            number: Which file of the tape, from 1; by default the first that is not empty.

        Raises:
            FormatError: There is no such file on it, or it is compressed.
        """
        self.form = form
        self.index: Index = scan(container, form, number)
        self.name = container.name if number is None else f"{container.name}:{number}"
        self.size = self.index.size
        self.bytes_read = 0
        self.reads = 0
        self.locates = 0
        self._container = container
        self._at = 0
        index = self.index
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

    @property
    def is_slow(self) -> bool:
        """Whether the container is behind something slow, such as a URL."""
        return is_slow(self._container)

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
            got = self._fill(offset + total, wanted)
            total += got
            if got < view.nbytes:
                break
        self._at = offset + total
        self.bytes_read += total
        return total

    def _fill(self, offset: int, view: memoryview) -> int:
        done = 0
        while done < len(view):
            got = self._from_row(self._row(offset + done), offset + done, view[done:])
            if not got:
                break
            done += got
        return done

    def _row(self, offset: int) -> int:
        return int(np.searchsorted(self.index.start, offset, side="right")) - 1

    def _from_row(self, row: int, offset: int, view: memoryview) -> int:
        """Fill the beginning of a view with bytes of blocks of one length."""
        index = self.index
        view = view[: self._ends[row] - offset]
        if index.bad[row]:
            view[:] = bytes(len(view))
            return len(view)
        length, stride = int(index.length[row]), int(index.stride[row])
        number, into = divmod(offset - self._starts[row], length)
        between = stride - length
        most = 1 if between > _BETWEEN_MOST else _TOGETHER
        place = int(index.offset[row]) + number * stride + into
        junk = memoryview(bytearray(max(0, between) if most > 1 else 0))
        pieces: list[memoryview] = []
        done = 0
        while done < len(view) and len(pieces) < 2 * most:
            held = min(length - into, len(view) - done)
            pieces += [view[done : done + held], junk]
            done += held
            into = 0
        pieces.pop()
        got = self._container.readinto_at(place, pieces)
        self.reads += 1
        if got < sum(piece.nbytes for piece in pieces):
            raise StorageError(f"{self.name}: ends sooner than it did when it was opened")
        return done

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the blocks among some bytes that could not be read when the tape was."""
        first = int(np.searchsorted(self._bad_ends, start, side="right"))
        last = int(np.searchsorted(self._bad_starts, end, side="left"))
        return [self._gap(at) for at in range(first, last)]

    def _gap(self, at: int) -> Gap:
        start, end = int(self._bad_starts[at]), int(self._bad_ends[at])
        first, count = int(self._bad_first[at]), int(self._bad_count[at])
        which = f"block {first}" if count == 1 else f"blocks {first} to {first + count - 1}"
        return Gap(start, end, f"{which} of {self.name} could not be read")

    def close(self) -> None:
        """Close the container."""
        self._container.close()
