"""A volume each two bytes of which were exchanged, as ``dd conv=swab`` does."""

from __future__ import annotations

from collections.abc import Sequence

from darimage.volumes.cut import ONE_VOLUME, Cut
from darimage.volumes.reading import Gap, Volume, is_slow, medium, read_up_to


class Exchanged:
    """The bytes of a volume with each two exchanged back; a last odd one stays what it is.

    Attributes:
        behind: What is read.
        name: What to call it in messages.
        size: Bytes that are there.
        is_slow: Whether what is behind is slow.
        medium: What is behind is on.
    """

    cut: Cut = ONE_VOLUME

    def __init__(self, behind: Volume) -> None:
        """Take over ``behind``."""
        self.behind = behind
        self.name = behind.name
        self.size = behind.size
        self.is_slow = is_slow(behind)
        self.medium = medium(behind)

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
            at = offset + total
            begin = at - at % 2
            end = at + view.nbytes
            data = bytearray(self.behind.read_at(begin, end + end % 2 - begin))
            whole = len(data) - len(data) % 2
            data[0:whole:2], data[1:whole:2] = data[1:whole:2], data[0:whole:2]
            piece = memoryview(data)[at - begin : at - begin + view.nbytes]
            view.cast("B")[: len(piece)] = piece
            total += len(piece)
            if len(piece) < view.nbytes:
                break
        return total

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the gaps among some bytes."""
        return self.behind.missing(start, end)

    def forgive(self, yes: bool) -> None:
        """Pass it on; see ``reading.forgiving``."""
        getattr(self.behind, "forgive", lambda _: None)(yes)

    def close(self) -> None:
        """Close what is behind."""
        self.behind.close()
