"""One reader that goes through an image in a given order, and others that take from what it has.

On a tape each jump costs seconds. Here the bytes of a plan are read from the beginning of each
span to its end, whatever is asked for: what lies between two files is read over, as the plan says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from darimage.errors import StorageError
from darimage.volumes.cut import Cut
from darimage.volumes.reading import Gap, Volume, read_up_to

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

STEP = 256 << 10
"""Bytes read at once."""

KEPT = 32 << 20
"""Bytes kept behind the reader for those who come back to them."""

HEADERS_AHEAD = 16
"""Headers of a file to look at before its data: they lie at most half a MiB apart."""


class InOrder:
    """A volume whose spans are read one after the other.

    Bytes in no span, or behind what is kept, are read where they are: a stray read.

    Attributes:
        behind: What is read.
        name: What to call it in messages.
        size: Bytes that are there.
        strays: Reads of bytes that the reader did not have and was not to come to.
        headers_ahead: Headers of a file to look at before its data.
    """

    headers_ahead = HEADERS_AHEAD

    def __init__(self, behind: Volume, spans: npt.NDArray[np.int64]) -> None:
        """Go through ``spans``, shape ``(m, 2)``, in their order."""
        self.behind = behind
        self.name = behind.name
        self.size = behind.size
        self.strays = 0
        self._pending: deque[tuple[int, int]] = deque((low, high) for low, high in spans.tolist())
        self._at = self._end = 0
        self._pieces: deque[tuple[int, memoryview]] = deque()
        self._held = 0

    @property
    def cut(self) -> Cut:
        """Where continuation headers were taken out of it."""
        return self.behind.cut

    @property
    def bytes_read(self) -> int:
        """Bytes read so far."""
        return self.behind.bytes_read

    @bytes_read.setter
    def bytes_read(self, value: int) -> None:
        self.behind.bytes_read = value

    @property
    def reads(self) -> int:
        """Read calls so far."""
        return self.behind.reads

    @reads.setter
    def reads(self, value: int) -> None:
        self.behind.reads = value

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only at the end."""
        return read_up_to(self, offset, length)

    def readinto_at(self, offset: int, views: Sequence[memoryview]) -> int:
        """Fill the views one after another; return bytes read, fewer only at the end."""
        total = 0
        for view in views:
            flat = view.cast("B")[: max(0, self.size - offset - total)]
            got = self._fill(offset + total, flat)
            total += got
            if got < view.nbytes:
                break
        return total

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the gaps among some bytes."""
        return self.behind.missing(start, end)

    def close(self) -> None:
        """Close what is behind."""
        self.behind.close()

    def _fill(self, offset: int, view: memoryview) -> int:
        done = 0
        while done < len(view):
            got = self._kept(offset + done, view[done:]) if self._comes_to(offset + done) else 0
            if not got:
                self.strays += 1
                return done + self.behind.readinto_at(offset + done, [view[done:]])
            done += got
        return done

    def _kept(self, offset: int, view: memoryview) -> int:
        """Fill the beginning of a view with what is kept; return how much that is."""
        for start, piece in reversed(self._pieces):
            if start <= offset < start + len(piece):
                part = piece[offset - start : offset - start + len(view)]
                view[: len(part)] = part
                return len(part)
        return 0

    def _comes_to(self, offset: int) -> bool:
        """Read on up to a byte if it lies ahead; tell whether it may be among what is kept."""
        if not self._at <= offset < self._end:
            ahead = self._span_of(offset)
            if ahead is None:
                return True
            for _ in range(ahead + 1):
                self._at, self._end = self._pending.popleft()
        while self._at <= offset:
            if not self._read_on():
                return False
        return True

    def _span_of(self, offset: int) -> int | None:
        """Return how many spans lie before the one ahead that has a byte; ``None`` if none has."""
        if any(start <= offset < start + len(piece) for start, piece in self._pieces):
            return None
        for number, (start, end) in enumerate(self._pending):
            if start <= offset < end:
                return number
        return None

    def _read_on(self) -> bool:
        """Read the next step; tell whether there was anything."""
        piece = memoryview(bytearray(min(STEP, self._end - self._at)))
        try:
            got = self.behind.readinto_at(self._at, [piece])
        except StorageError:
            # Whoever needs just these bytes will meet the error; others must not.
            self._at += len(piece)
            return True
        if not got:
            return False
        self._pieces.append((self._at, piece[:got]))
        self._at += got
        self._held += got
        while self._held > KEPT:
            self._held -= len(self._pieces.popleft()[1])
        return True
