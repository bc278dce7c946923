"""The insides of a drive that is not there: what moves, and a virtual clock.

It shares nothing with the model but its figures. The model computes what a way takes in one
expression; this moves a head over a tape, block by block and metre by metre, and looks at its
clock. So that the two agree says something.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from darimage.drives.model import Distance, Drive, Requests, Serpentine

STRIDE = 5.0
"""Metres of tape that are wound at once."""


@dataclass
class Counts:
    """What a drive has done.

    Attributes:
        clock: Seconds since it began.
        seeks: How often it went to another place.
        blocks: Blocks it read.
        stops: How often it had to stop because nobody took its data.
        changes: How often another medium was put in.
    """

    clock: float = 0.0
    seeks: int = 0
    blocks: int = 0
    stops: int = 0
    changes: int = 0


class Deck:
    """A medium with all places equally near, and what changes it.

    Attributes:
        place: The byte behind the last one read.
    """

    def __init__(self, drive: Drive, counts: Counts) -> None:
        """Put in the first medium."""
        self.drive = drive
        self.counts = counts
        self.place = 0
        self.tape = 0
        self._left = drive.span

    def pass_block(self, length: int) -> None:
        """Read bytes that end on the block they begin in."""
        while length > 0:
            if self._left == 0:
                self.put_in(self.tape + 1)
            step = min(length, self._left)
            self.pass_bytes(step)
            self.counts.clock += step / self.drive.rate
            self.place += step
            self._left -= step
            length -= step

    def go(self, byte: int) -> None:
        """Go to a byte."""
        tape = byte // self.drive.span
        if tape != self.tape:
            self.put_in(tape)
        within = byte - tape * self.drive.span
        if within != self.drive.span - self._left or byte != self.place:
            self.move(within)
        self.place = byte
        self._left = self.drive.span - within

    def put_in(self, tape: int) -> None:
        """Rewind, and put in another medium."""
        self.wind_back()
        drive = self.drive
        for seconds in (drive.unload, drive.exchange, drive.load):
            self.counts.clock += seconds
        self.counts.changes += 1
        self.tape = tape
        self._left = drive.span

    def within(self) -> int:
        """Return the byte of the medium that the drive is behind."""
        return self.drive.span - self._left

    def pass_bytes(self, length: int) -> None:
        """Move over bytes that are read."""

    def move(self, within: int) -> None:
        """Move to a byte of the medium."""

    def wind_back(self) -> None:
        """Move to the beginning of the medium."""


class Line(Deck):
    """A medium on which ways are as long as they are far."""

    drive: Distance

    def move(self, within: int) -> None:
        """Look the way up in the table of the model."""
        way = abs(within - self.within())
        if way == 0:
            return
        table = self.drive.seek
        for (near, short), (far, long) in pairwise(table):
            if near <= way <= far:
                self.counts.clock += short + (long - short) / (far - near) * (way - near)
                return
        if table:
            self.counts.clock += table[0][1] if way < table[0][0] else table[-1][1]

    def wind_back(self) -> None:
        """As any other way."""
        self.move(0)


class Reel(Deck):
    """A tape under a head that is on one of its wraps, at some metre, and moves one way."""

    drive: Serpentine

    def __init__(self, drive: Serpentine, counts: Counts) -> None:
        """Put in the first tape."""
        super().__init__(drive, counts)
        self.metre = 0.0
        self.wrap = 0
        self.heading = 1
        self._on_wrap = 0

    def pass_bytes(self, length: int) -> None:
        """Move over bytes; at the end of a wrap turn round to the next."""
        drive = self.drive
        while length > 0:
            if self._on_wrap == drive.per_wrap:
                self.counts.clock += drive.reverse
                self.wrap += 1
                self.heading = -self.heading
                self._on_wrap = 0
            step = min(length, drive.per_wrap - self._on_wrap)
            self._on_wrap += step
            self.metre += self.heading * (step * drive.length / drive.per_wrap)
            length -= step

    def wind_back(self) -> None:
        """Rewind."""
        self._wind(0.0, self.drive.back)
        self.metre, self.wrap, self.heading, self._on_wrap = 0.0, 0, 1, 0

    def move(self, within: int) -> None:
        """Locate."""
        drive = self.drive
        self.counts.clock += drive.command
        wrap, ahead = 0, within
        while ahead >= drive.per_wrap:
            wrap, ahead = wrap + 1, ahead - drive.per_wrap
        metres = ahead * drive.length / drive.per_wrap
        if wrap == self.wrap and ahead >= self._on_wrap:
            reading = (ahead - self._on_wrap) / drive.rate
            before = self.counts.clock, self.metre, self.heading
            self._fetch(wrap, metres)
            if self.counts.clock - before[0] > reading:
                self.counts.clock = before[0] + reading
        else:
            self._fetch(wrap, metres)
        self.wrap, self._on_wrap = wrap, ahead
        self.heading = 1 if wrap % 2 == 0 else -1
        self.metre = metres if wrap % 2 == 0 else drive.length - metres

    def _fetch(self, wrap: int, metres: float) -> None:
        """Wind to where reading can begin, and read up to the goal."""
        drive, counts = self.drive, self.counts
        entry = metres
        if drive.sections:
            section, entry = drive.length / drive.sections, 0.0
            while entry + section <= metres:
                entry += section
        entry = max(0.0, entry - drive.approach)
        aim = entry if wrap % 2 == 0 else drive.length - entry
        aside = 0.0
        if wrap != self.wrap:
            per_band = -(-drive.wraps // drive.bands)
            aside = drive.wrap
            if wrap // per_band != self.wrap // per_band:
                aside += drive.band
        if aim != self.metre:
            self._turn(1 if aim > self.metre else -1)
        there = counts.clock + aside
        self._wind(aim, drive.search)
        counts.clock = max(counts.clock, there)
        self._turn(1 if wrap % 2 == 0 else -1)
        counts.clock += (metres - entry) * drive.per_wrap / (drive.rate * drive.length)

    def _turn(self, heading: int) -> None:
        if heading != self.heading:
            self.counts.clock += self.drive.reverse
            self.heading = heading

    def _wind(self, aim: float, speed: float) -> None:
        """Wind to a metre, some metres at a time."""
        while self.metre != aim:
            step = min(STRIDE, abs(aim - self.metre))
            ends = step < STRIDE
            self.metre = aim if ends else self.metre + (step if aim > self.metre else -step)
            self.counts.clock += step / speed


class Wire(Deck):
    """An object that is asked for."""

    drive: Requests

    def __init__(self, drive: Requests, counts: Counts) -> None:
        """Ask for nothing yet."""
        super().__init__(drive, counts)
        self.place = -1

    def go(self, byte: int) -> None:
        """Ask."""
        self.counts.clock += self.drive.latency
        self.place = byte


def deck(drive: Drive, counts: Counts) -> Deck:
    """Return what moves as a drive's model says."""
    if isinstance(drive, Serpentine):
        return Reel(drive, counts)
    if isinstance(drive, Distance):
        return Line(drive, counts)
    if isinstance(drive, Requests):
        return Wire(drive, counts)
    return Deck(drive, counts)
