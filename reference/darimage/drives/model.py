"""What a drive takes to go somewhere and to read: numbers, and what follows from them.

Everything is computed for columns of positions at once. A position is a byte of the image. As the
place that a drive *is* at it means that all before it was just read: at the end of a wrap the drive
is still on that wrap, at the end of a tape still on that tape. 0 is the beginning of the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.floating[Any]]
Bytes = int | Ints

NO_END = 1 << 62
"""Bytes of a medium that never ends: a disk, an object."""


class Figure(NamedTuple):
    """A number of a model, as its file has it.

    Attributes:
        value: The number, or a list of pairs of bytes and seconds.
        source: Where it is from.
    """

    value: float | list[list[float]]
    source: str


@dataclass(frozen=True)
class Drive:
    """A drive: common to all kinds. By itself it goes everywhere at once.

    Attributes:
        name: What ``--drive`` calls it.
        title: What people call it, with its medium.
        kind: ``serpentine``, ``distance`` or ``requests``.
        rate: Bytes a second while it reads.
        block: Bytes that are read as one.
        capacity: Bytes of a medium; 0 without end.
        tape: Bytes of the image on each medium; by default ``capacity``.
        load: Seconds until a medium that was put in is ready.
        unload: Seconds until one can be taken out.
        exchange: Seconds that a changer, or somebody, takes from one to the next.
        stop: Seconds lost when the drive has to stop and come back because nobody takes its data.
        buffer: Bytes it reads ahead before it stops.
        figures: All numbers of its file.
        documents: Titles of the documents that the figures' sources name.
    """

    name: str
    title: str = ""
    kind: str = "distance"
    rate: float = 1e8
    block: int = 1
    capacity: int = 0
    tape: int = 0
    load: float = 0.0
    unload: float = 0.0
    exchange: float = 0.0
    stop: float = 0.0
    buffer: int = 0
    figures: dict[str, Figure] = field(default_factory=dict, compare=False, repr=False)
    documents: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def reorders(self) -> bool:
        """Whether another order than that of the addresses may be quicker."""
        return False

    @property
    def asks(self) -> bool:
        """Whether each read costs a request, the first one too."""
        return False

    @cached_property
    def span(self) -> int:
        """Bytes of the image on each medium, in whole blocks."""
        held = self.tape or self.capacity or NO_END
        return max(1, held // self.block) * self.block

    def tape_at(self, place: Bytes) -> Ints:
        """Return the number of the medium, from 0, that a drive is on (see the module)."""
        return (np.maximum(np.asarray(place, np.int64), 1) - 1) // self.span

    def tape_of(self, byte: Bytes) -> Ints:
        """Return the number of the medium that holds a byte."""
        return np.asarray(byte, np.int64) // self.span

    # -- times --------------------------------------------------------------------------------

    def read(self, length: Bytes) -> Seconds:
        """Return the seconds to read bytes that lie side by side, turns not counted."""
        return np.asarray(length, np.float64) / self.rate

    def locate(self, from_byte: Bytes, to_byte: Bytes) -> Seconds:
        """Return the seconds to go from one place to a byte (arrays are broadcast)."""
        start, goal = np.broadcast_arrays(
            np.asarray(from_byte, np.int64), np.asarray(to_byte, np.int64)
        )
        tape = self.tape_of(goal)
        within = start - tape * self.span
        goal_within = goal - tape * self.span
        same = self.tape_at(start) == tape
        moved = self._moved(np.clip(within, 0, self.span), goal_within)
        if not same.all():
            fresh = self._moved(np.zeros_like(goal_within), goal_within)
            moved = np.where(same, moved, self.change(start) + fresh)
        return np.where(start == goal, self.through(goal, goal), moved)

    def through(self, from_byte: Bytes, to_byte: Bytes) -> Seconds:
        """Return the seconds to read on and discard up to a byte; infinite if it lies behind."""
        start, goal = np.asarray(from_byte, np.int64), np.asarray(to_byte, np.int64)
        last = np.maximum(start, 1) - 1
        seconds = (goal - start) / self.rate + self._turned(last, goal)
        return np.where(goal >= start, seconds, np.inf)

    def inside(self, start: Bytes, end: Bytes) -> Seconds:
        """Return the seconds to read from a byte to before another, from its first on."""
        first, last = np.asarray(start, np.int64), np.asarray(end, np.int64) - 1
        return (last + 1 - first) / self.rate + self._turned(first, last)

    def change(self, place: Bytes) -> Seconds:
        """Return the seconds from a place to the beginning of another medium."""
        tape = self.tape_at(place)
        within = np.asarray(place, np.int64) - tape * self.span
        return self.rewind(within) + (self.unload + self.exchange + self.load)

    def rewind(self, within: Bytes) -> Seconds:
        """Return the seconds from a place within a medium back to its beginning."""
        return np.zeros(np.shape(within))

    def _moved(self, start: Ints, goal: Ints) -> Seconds:
        """Return the seconds between two places within a medium."""
        return np.zeros(np.shape(start))

    def _turned(self, last: Ints, byte: Ints) -> Seconds:
        """Return the seconds that turns and changes take between one byte and another behind."""
        changes = self.tape_of(byte) - self.tape_of(last)
        if not changes.any():
            return np.zeros(changes.shape)
        return changes * float(self.change(self.span))


@dataclass(frozen=True)
class Requests(Drive):
    """An object store: each read is a request.

    Attributes:
        latency: Seconds before the first byte of any request.
    """

    latency: float = 0.0

    @property
    def asks(self) -> bool:
        """Whether each read costs a request: yes."""
        return True

    def locate(self, from_byte: Bytes, to_byte: Bytes) -> Seconds:
        """Return the seconds before the first byte, wherever it is."""
        shape = np.broadcast_shapes(np.shape(from_byte), np.shape(to_byte))
        return np.full(shape, self.latency)


@dataclass(frozen=True)
class Distance(Drive):
    """A drive whose way takes longer the farther it goes: helical tapes, disks.

    Attributes:
        seek: Pairs of a distance in bytes and seconds, ascending; straight lines between them,
            constant behind the last.
    """

    seek: tuple[tuple[float, float], ...] = ()

    def rewind(self, within: Bytes) -> Seconds:
        """Return the seconds from a place within a medium back to its beginning."""
        return self._moved(np.asarray(within, np.int64), np.zeros(np.shape(within), np.int64))

    def _moved(self, start: Ints, goal: Ints) -> Seconds:
        way = np.abs(goal - start)
        distances, seconds = zip(*self.seek, strict=True) if self.seek else ((0.0,), (0.0,))
        return np.where(way > 0, np.interp(way, distances, seconds), 0.0)


@dataclass(frozen=True)
class Serpentine(Drive):
    """A tape written in wraps, forward and backward in turn (docs/decisions/0190).

    Attributes:
        wraps: Passes over the tape, all tracks that are read at once counted as one.
        bands: Groups of wraps that lie together across the tape.
        length: Metres of tape.
        search: Metres a second while it goes somewhere.
        back: Metres a second while it rewinds.
        command: Seconds that any locate takes, however near.
        wrap: Seconds to another wrap; the tape moves meanwhile.
        band: Seconds more if that is in another band.
        reverse: Seconds to stop and go the other way.
        approach: Metres before the goal at which it goes over to reading.
        sections: Stretches of a wrap that a drive can only enter at their beginning; 0 for none.
    """

    wraps: int = 1
    bands: int = 1
    length: float = 1.0
    search: float = 1.0
    back: float = 1.0
    command: float = 0.0
    wrap: float = 0.0
    band: float = 0.0
    reverse: float = 0.0
    approach: float = 0.0
    sections: int = 0

    @property
    def reorders(self) -> bool:
        """Whether another order than that of the addresses may be quicker: yes."""
        return True

    @cached_property
    def per_wrap(self) -> int:
        """Bytes on a wrap."""
        return -(-max(self.capacity, self.tape) // self.wraps)

    @property
    def speed(self) -> float:
        """Metres a second while it reads."""
        return self.rate * self.length / self.per_wrap

    def rewind(self, within: Bytes) -> Seconds:
        """Return the seconds from a place within a medium back to its beginning."""
        wrap, along = self.place_at(np.asarray(within, np.int64))
        return self.across(wrap, along) / self.back

    def place_at(self, within: Ints) -> tuple[Ints, Seconds]:
        """Return the wrap that a drive is on, and the metres it has read of it."""
        wrap = (np.maximum(within, 1) - 1) // self.per_wrap
        return wrap, (within - wrap * self.per_wrap) * (self.length / self.per_wrap)

    def place_of(self, within: Ints) -> tuple[Ints, Seconds]:
        """Return the wrap of a byte, and the metres before it on the wrap."""
        wrap = within // self.per_wrap
        return wrap, (within - wrap * self.per_wrap) * (self.length / self.per_wrap)

    def across(self, wrap: Ints, along: Seconds) -> Seconds:
        """Return metres from the beginning of the tape, of metres along a wrap."""
        return np.where(wrap % 2 == 0, along, self.length - along)

    def entered(self, along: Seconds) -> Seconds:
        """Return where on its wrap a drive begins to read in order to get somewhere."""
        if self.sections:
            section = self.length / self.sections
            along = np.floor(along / section) * section
        entry: Seconds = np.maximum(along - self.approach, 0.0)
        return entry

    def _moved(self, start: Ints, goal: Ints) -> Seconds:
        wrap, along = self.place_at(start)
        to_wrap, to_along = self.place_of(goal)
        entry = self.entered(to_along)
        way = self.across(to_wrap, entry) - self.across(wrap, along)
        backward, to_backward = wrap % 2 == 1, to_wrap % 2 == 1
        winds_back = np.where(way == 0, backward, way < 0)
        turns = (winds_back != backward).astype(np.int64) + (winds_back != to_backward)
        per_band = -(-self.wraps // self.bands)
        aside = (wrap != to_wrap) * self.wrap
        aside = aside + (wrap // per_band != to_wrap // per_band) * self.band
        seconds: Seconds = (
            self.command
            + np.maximum(np.abs(way) / self.search, aside)
            + turns * self.reverse
            + (to_along - entry) / self.speed
        )
        ahead = (wrap == to_wrap) & (to_along >= along)
        reading = self.command + (to_along - along) / self.speed
        return np.where(ahead, np.minimum(seconds, reading), seconds)

    def _turned(self, last: Ints, byte: Ints) -> Seconds:
        changes = self.tape_of(byte) - self.tape_of(last)
        turns = self._wraps_before(byte) - self._wraps_before(last) - changes
        turned: Seconds = turns * self.reverse + super()._turned(last, byte)
        return turned

    def _wraps_before(self, byte: Ints) -> Ints:
        """Return how many wraps begin before a byte or with it, over all tapes."""
        tape, within = np.divmod(byte, self.span)
        before: Ints = tape * -(-self.span // self.per_wrap) + within // self.per_wrap
        return before
