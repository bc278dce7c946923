"""The bytes of an image in a tape container."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from darimage.errors import StorageError
from darimage.tapes.element import Form
from darimage.tapes.index import scan
from darimage.tapes.indexed import IndexedVolume
from darimage.volumes.reading import Volume, expect, is_slow, medium

if TYPE_CHECKING:
    from darimage.volumes.reading import Spans

_TOGETHER = 400
"""Blocks that are read with one call; each takes two of its buffers, and 1,024 are allowed."""

_BETWEEN_MOST = 4096


class TapeVolume(IndexedVolume):
    """One file of a tape in a container.

    Attributes:
        is_slow: Whether the container is.
        medium: What the container is on.
    """

    def __init__(self, container: Volume, form: Form, number: int | None = None) -> None:
        """Take over ``container`` and look where its blocks are.

        Args:
            container: The file.
            form: Its form.
            number: Which file of the tape, from 1; by default the first that is not empty.

        Raises:
            FormatError: There is no such file on it, or it is compressed.
        """
        name = container.name if number is None else f"{container.name}:{number}"
        super().__init__(name, form.name, scan(container, form, number))
        self.is_slow = is_slow(container)
        self.medium = medium(container)
        self._container = container

    def expect(self, spans: Spans) -> None:
        """Tell the container which of its bytes will be read; see ``volumes.reading.expect``."""
        last = np.maximum(spans[:, 1] - 1, spans[:, 0])
        expect(self._container, np.stack((self._place(spans[:, 0]), self._place(last) + 1), axis=1))

    def _place(self, offsets: Spans) -> Spans:
        """Return which bytes of the container hold bytes of the image."""
        index = self.index
        rows = np.clip(np.searchsorted(index.start, offsets, side="right") - 1, 0, None)
        behind: Spans = offsets - index.start[rows]
        number: Spans = behind // index.length[rows]
        between: Spans = index.stride[rows] - index.length[rows]
        return index.offset[rows] + behind + number * between

    def _from_row(self, row: int, number: int, into: int, view: memoryview) -> int:
        index = self.index
        length, stride = int(index.length[row]), int(index.stride[row])
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

    def close(self) -> None:
        """Close the container."""
        self._container.close()
