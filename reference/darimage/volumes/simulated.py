"""A volume that is read as if it lay in a drive, with a virtual clock (see ``drives.deck``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from darimage.drives.deck import Counts, deck
from darimage.drives.model import Drive
from darimage.volumes.cut import Cut
from darimage.volumes.reading import Gap, Volume, read_up_to

SMALL = 1 << 16
"""Bytes that smaller blocks are put together to."""


@dataclass
class _Ahead:
    """What a drive read while nobody asked."""

    bytes: int = 0
    stopped: bool = False


class SimulatedDrive:
    """A volume that is read as if it lay in a drive.

    Whole blocks are read; the last one is kept, so that the rest of it costs nothing.

    Attributes:
        volume: What is read.
        drive: The model.
        name: What to call it in messages.
        size: Bytes that are there.
        counts: What the drive has done.
        is_slow: It is, by its own clock.
    """

    is_slow = True

    def __init__(self, volume: Volume, drive: Drive) -> None:
        """Put a volume into a drive, at its beginning."""
        self.volume = volume
        self.name = volume.name
        self.size = volume.size
        self.drive = drive
        self.counts = Counts()
        self._deck = deck(drive, self.counts)
        self._ahead = _Ahead()

    @property
    def cut(self) -> Cut:
        """Where continuation headers were taken out of it."""
        return self.volume.cut

    @property
    def bytes_read(self) -> int:
        """Bytes read so far."""
        return self.volume.bytes_read

    @bytes_read.setter
    def bytes_read(self, value: int) -> None:
        self.volume.bytes_read = value

    @property
    def reads(self) -> int:
        """Read calls so far."""
        return self.volume.reads

    @reads.setter
    def reads(self, value: int) -> None:
        self.volume.reads = value

    @property
    def position(self) -> int:
        """The byte behind the last one that was read."""
        return max(0, self._deck.place)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only at the end."""
        return read_up_to(self, offset, length)

    def readinto_at(self, offset: int, views: Sequence[memoryview]) -> int:
        """Fill the views one after another; return bytes read, fewer only at the end."""
        got = self.volume.readinto_at(offset, views)
        if got:
            self._pass(offset, offset + got)
        return got

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the gaps among some bytes."""
        return self.volume.missing(start, end)

    def close(self) -> None:
        """Close what is behind."""
        self.volume.close()

    def wait(self, seconds: float) -> None:
        """Let time go by in which nobody takes data; a drive whose buffer is full stops."""
        self.counts.clock += seconds
        filled = self._ahead.bytes + int(seconds * self.drive.rate)
        if self.drive.buffer and filled > self.drive.buffer:
            filled = self.drive.buffer
            self._ahead.stopped = True
        self._ahead.bytes = filled

    def _pass(self, start: int, end: int) -> None:
        """Move over the blocks of some bytes."""
        block, place = self.drive.block, self._deck.place
        start = start // block * block
        end = -(-end // block) * block
        if place - block <= start < place:
            start = place
        if start != place:
            self._ahead = _Ahead()
            self.counts.seeks += 1
            self._deck.go(start)
        step = block * max(1, SMALL // block)
        while start < end:
            self._on(min(step, end - start))
            start += step

    def _on(self, length: int) -> None:
        """Move over some blocks."""
        self.counts.blocks += length // self.drive.block
        before = self.counts.clock
        self._deck.pass_block(length)
        ahead = self._ahead
        if ahead.bytes > 0:
            ahead.bytes -= length
            self.counts.clock = before
        elif ahead.stopped:
            ahead.stopped = False
            self.counts.stops += 1
            self.counts.clock += self.drive.stop
