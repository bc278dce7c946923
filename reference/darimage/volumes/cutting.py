"""Takes an image as if it had one volume, and writes it with continuation headers (chapter 35)."""

from __future__ import annotations

from collections.abc import Callable

from darimage.units import RECORD
from darimage.volumes.cut import Cut
from darimage.volumes.writing import Buffer, Sink


class CutSink:
    """Moves what is written to where it really lies.

    Whoever writes the first record behind a continuation header writes that too, so any process
    may write any records, and a stream gets everything in order.

    Attributes:
        name: What to call it in messages.
        seekable: As that of the sink behind.
    """

    def __init__(self, real: Sink, cut: Cut, head: Callable[[int], bytes]) -> None:
        """Write to ``real``; ``head`` gives the header of a volume."""
        self.name = real.name
        self.seekable = real.seekable
        self._real = real
        self._cut = cut
        self._head = head

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write whole records at the byte offset of a logical one."""
        view = memoryview(data).cast("B")
        done = 0
        for piece in self._cut.pieces(offset // RECORD, view.nbytes // RECORD):
            if piece.volume > 1 and piece.place == 1:
                at = (piece.volume - 1) * self._cut.capacity
                self._real.write_at(at * RECORD, self._head(piece.volume))
            length = piece.records * RECORD
            at = self._cut.physical(piece.first)
            self._real.write_at(at * RECORD, view[done : done + length])
            done += length

    def finish(self) -> None:
        """Finish the sink behind."""
        self._real.finish()

    def abort(self) -> None:
        """Abort the sink behind."""
        self._real.abort()
