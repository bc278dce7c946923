"""An image on volumes as if it had one: its bytes without the continuation headers (chapter 35)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from darimage.units import RECORD
from darimage.volumes.cut import Cut
from darimage.volumes.reading import (
    Gap,
    Volume,
    expect,
    is_recovered,
    is_slow,
    medium,
    read_up_to,
)

if TYPE_CHECKING:
    from darimage.volumes.reading import Spans


class Joined:
    """The logical records of an image that is cut.

    Attributes:
        real: The records as they lie, continuation headers among them.
        cut: Where it is cut.
        name: What to call it in messages.
        size: Bytes without continuation headers.
    """

    def __init__(self, real: Volume, cut: Cut) -> None:
        """Take over ``real``."""
        self.real = real
        self.cut = cut
        self.name = real.name
        self.size = self._shown(real.size)

    @property
    def bytes_read(self) -> int:
        """Bytes read so far."""
        return self.real.bytes_read

    @bytes_read.setter
    def bytes_read(self, value: int) -> None:
        self.real.bytes_read = value

    @property
    def reads(self) -> int:
        """Read calls so far."""
        return self.real.reads

    @reads.setter
    def reads(self, value: int) -> None:
        self.real.reads = value

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only at the end."""
        return read_up_to(self, offset, length)

    def readinto_at(self, offset: int, views: Sequence[memoryview]) -> int:
        """Fill the views one after another; return bytes read, fewer only at the end."""
        total = 0
        for view in views:
            wanted = view.cast("B")[: max(0, self.size - offset - total)]
            done = 0
            for place, length in self._stretches(offset + total, len(wanted)):
                got = self.real.readinto_at(place, [wanted[done : done + length]])
                done += got
                if got < length:
                    break
            total += done
            if done < view.nbytes:
                break
        return total

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the gaps that begin or lie among some bytes, each up to its end.

        Volumes that belong there are opened to find out.
        """
        end = min(end, self.size)
        if start >= end:
            return []
        gaps = self.real.missing(self._really(start), self._really(end - 1) + 1)
        moved = [Gap(self._shown(gap.start), self._shown(gap.end), gap.told) for gap in gaps]
        return [gap for gap in moved if gap.start < min(gap.end, end)]

    @property
    def is_recovered(self) -> bool:
        """Whether the records behind were put at their numbers."""
        return is_recovered(self.real)

    @property
    def is_slow(self) -> bool:
        """Whether what is behind is slow."""
        return is_slow(self.real)

    @property
    def medium(self) -> str:
        """What is behind is on."""
        return medium(self.real)

    def forgive(self, yes: bool) -> None:
        """Pass it on; see ``reading.forgiving``."""
        getattr(self.real, "forgive", lambda _: None)(yes)

    def expect(self, spans: Spans) -> None:
        """Tell what is behind which of its bytes will be read; see ``reading.expect``."""
        first, into = np.divmod(spans[:, 0], RECORD)
        last, before = np.divmod(np.maximum(spans[:, 1] - 1, spans[:, 0]), RECORD)
        starts = self.cut.physical(first) * RECORD + into
        ends = self.cut.physical(last) * RECORD + before + 1
        expect(self.real, np.stack((starts, ends), axis=1))

    def _really(self, offset: int) -> int:
        """Return where a byte really lies."""
        record, within = divmod(offset, RECORD)
        return self.cut.physical(record) * RECORD + within

    def _shown(self, place: int) -> int:
        """Return how many bytes before a real one are shown."""
        record, within = divmod(place, RECORD)
        shown = self.cut.contents(record) * RECORD
        return shown if self.cut.is_continuation(record) else shown + within

    def _stretches(self, offset: int, length: int) -> list[tuple[int, int]]:
        """Return where bytes really lie, in stretches without a continuation header."""
        if length <= 0:
            return []
        first, into = divmod(offset, RECORD)
        count = -(-(into + length) // RECORD)
        found = []
        for piece in self.cut.pieces(first, count):
            held = min(piece.records * RECORD - into, length)
            found.append((self.cut.physical(piece.first) * RECORD + into, held))
            length -= held
            into = 0
        return found

    def close(self) -> None:
        """Close what is behind."""
        self.real.close()
