"""A damaged image with its records back at their numbers, whatever order they lie in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from darimage.volumes.cut import ONE_VOLUME, Cut
from darimage.volumes.reading import Gap, Volume, expect, is_slow, medium, read_up_to

if TYPE_CHECKING:
    from darimage.volumes.reading import Spans

LOST = "these records are not in the image"


class Recovered:
    """The records of an image at their record numbers; those that are lost are gaps.

    Attributes:
        real: The bytes as they lie.
        name: What to call it in messages.
        size: Bytes up to the end of the last record that is there.
        is_slow: Whether what is behind is slow.
        medium: What is behind is on.
    """

    cut: Cut = ONE_VOLUME
    is_recovered = True

    def __init__(self, real: Volume, segments: Spans, doubtful: Spans) -> None:
        """Take over ``real``.

        Args:
            real: The bytes as they lie.
            segments: First byte of the image, the one after the last, and where the first lies,
                shape (n, 3); ascending, none over another.
            doubtful: Bytes of the image that may be others than were written, shape (n, 2),
                ascending, none over another.
        """
        self.real = real
        self.name = real.name
        self.is_slow = is_slow(real)
        self.medium = medium(real)
        self._starts: list[int] = segments[:, 0].tolist()
        self._ends: list[int] = segments[:, 1].tolist()
        self._places: list[int] = segments[:, 2].tolist()
        self._doubtful = doubtful
        self.size = self._ends[-1] if self._ends else 0

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
            flat = view.cast("B")[: max(0, self.size - offset - total)]
            done = 0
            while done < len(flat):
                done += self._read(offset + total + done, flat[done:])
            total += done
            if done < view.nbytes:
                break
        return total

    def _read(self, offset: int, view: memoryview) -> int:
        """Fill the beginning of a view from one segment, or with zeros from a gap."""
        at = bisect_right(self._starts, offset) - 1
        if at >= 0 and offset < self._ends[at]:
            view = view[: self._ends[at] - offset]
            got = self.real.readinto_at(self._places[at] + offset - self._starts[at], [view])
        else:
            end = self._starts[at + 1] if at + 1 < len(self._starts) else self.size
            view = view[: end - offset]
            got = 0
        if not got:
            view[:] = bytes(len(view))
        return got or len(view)

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the gaps that begin or lie among some bytes, each up to its end."""
        found: list[Gap] = []
        end = min(end, self.size)
        while start < end:
            at = bisect_right(self._starts, start) - 1
            if at >= 0 and start < self._ends[at]:
                upto = self._ends[at]
                moved = self._starts[at] - self._places[at]
                inner = self.real.missing(start - moved, min(upto, end) - moved)
                found += [
                    gap._replace(start=gap.start + moved, end=min(gap.end + moved, upto))
                    for gap in inner
                    if gap.start + moved < upto
                ]
            else:
                upto = self._starts[at + 1] if at + 1 < len(self._starts) else self.size
                found.append(Gap(start, upto, LOST))
            start = upto
        return found

    def doubtful(self, start: int, end: int) -> bool:
        """Tell whether some of the bytes may be others than were written (DARI-REC-031)."""
        at = int(np.searchsorted(self._doubtful[:, 1], start, side="right"))
        return at < len(self._doubtful) and int(self._doubtful[at, 0]) < end

    def forgive(self, yes: bool) -> None:
        """Pass it on; see ``reading.forgiving``."""
        getattr(self.real, "forgive", lambda _: None)(yes)

    def expect(self, spans: Spans) -> None:
        """Tell what is behind of the spans that lie in one piece; see ``reading.expect``."""
        if not self._starts:
            return
        starts, ends, places = (
            np.array(column, np.int64) for column in (self._starts, self._ends, self._places)
        )
        at = np.maximum(np.searchsorted(starts, spans[:, 0], side="right") - 1, 0)
        whole = (spans[:, 0] >= starts[at]) & (spans[:, 1] <= ends[at])
        expect(self.real, (spans + (places - starts)[at][:, None])[whole])

    def close(self) -> None:
        """Close what is behind."""
        self.real.close()
