"""A volume that would rather read on than jump a little: for the front of an image on a tape."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from darimage.errors import StorageError
from darimage.volumes.cut import Cut
from darimage.volumes.reading import Gap, Volume, read_up_to

NEAR = 8 << 20
"""Bytes that are read rather than passed over: less than a tape drive reads while it locates."""

KEPT = 32 << 20
"""Bytes that are kept of what was read, for who comes back to them."""

STEP = 1 << 20
"""Bytes that are read at once."""


class Patient:
    """A volume whose bytes are read one after the other where they lie near each other.

    Attributes:
        behind: What is read.
        name: What to call it in messages.
        size: Bytes that are there.
        is_slow: What is behind is a tape.
    """

    is_slow = True

    def __init__(self, behind: Volume) -> None:
        """Keep nothing yet."""
        self.behind = behind
        self.name = behind.name
        self.size = behind.size
        self._pieces: deque[tuple[int, memoryview]] = deque()
        self._held = 0
        self._at = 0

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
            done = 0
            while done < len(flat):
                got = self._some(offset + total + done, flat[done:])
                if not got:
                    return total + done
                done += got
            total += done
            if done < view.nbytes:
                break
        return total

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the gaps among some bytes."""
        return self.behind.missing(start, end)

    def close(self) -> None:
        """Close what is behind."""
        self.behind.close()

    def _some(self, offset: int, view: memoryview) -> int:
        """Fill the beginning of a view; return how much that is."""
        for start, piece in reversed(self._pieces):
            if start <= offset < start + len(piece):
                part = piece[offset - start : offset - start + len(view)]
                view[: len(part)] = part
                return len(part)
        if not self._at <= offset <= self._at + NEAR:
            self._at = offset
        while self._at <= offset:
            try:
                if not self._read_on(offset + len(view) - self._at):
                    return 0
            except StorageError:
                if self._at == offset:
                    raise
                # It is between here and there, where nobody wants anything.
                self._at = offset
        return self._some(offset, view)

    def _read_on(self, length: int) -> bool:
        """Read the next bytes and keep them; tell whether there were any."""
        piece = memoryview(bytearray(min(length, STEP)))
        got = self.behind.readinto_at(self._at, [piece])
        if not got:
            return False
        self._pieces.append((self._at, piece[:got]))
        self._at += got
        self._held += got
        while self._held > KEPT:
            self._held -= len(self._pieces.popleft()[1])
        return True
