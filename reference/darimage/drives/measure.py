"""Measuring a real device: a handful of ways and reads, and the model that fits them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from darimage.errors import UsageError

BLOCK = 64 << 10
"""Bytes of a read behind a way."""

SAMPLE = 64 << 20
"""Bytes that are read at one place to see how fast that goes."""

DISTANCES = 16
"""Distances that are tried."""

LEAST = 64 * BLOCK
"""Bytes of the smallest medium that anything can be said of."""


class Probe(Protocol):
    """A device to measure.

    Attributes:
        name: What to call it.
        size: Bytes that can be read.
    """

    name: str
    size: int

    def read(self, offset: int, length: int) -> None:
        """Read bytes at a place, from the medium and not from memory."""
        ...


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        rate: Bytes a second.
        seek: Distances in bytes, ascending, and the seconds that they take.
        reads: How many reads that took.
    """

    rate: float
    seek: list[tuple[int, float]]
    reads: int


def measured(probe: Probe, clock: Callable[[], float], rounds: int = 3) -> Measured:
    """Measure a device.

    Args:
        probe: The device.
        clock: Tells the seconds.
        rounds: How often each distance is tried.

    Raises:
        UsageError: It is too small.
    """
    if probe.size < LEAST:
        raise UsageError(f"{probe.name}: {probe.size} bytes are too few to measure anything")
    run = _Run(probe, clock)
    rate = run.rate()
    points: list[tuple[int, float]] = []
    for distance in _distances(probe.size):
        seconds = statistics.median(run.ways(distance, rounds)) - BLOCK / rate
        # A longer way that takes less is chance, or memory that was not passed by.
        points.append((distance, max(seconds, points[-1][1] if points else 0.0)))
    return Measured(rate, points, run.reads)


def _distances(size: int) -> list[int]:
    """Return distances from a few blocks to most of the medium, each as much longer."""
    first, last = 4 * BLOCK, size - size // 8
    step = (last / first) ** (1 / (DISTANCES - 1))
    return sorted({int(first * step**number) for number in range(DISTANCES)})


@dataclass
class _Run:
    """Reads, timed."""

    probe: Probe
    clock: Callable[[], float]
    reads: int = 0

    def timed(self, offset: int, length: int) -> float:
        """Return the seconds that a read takes."""
        begin = self.clock()
        self.probe.read(offset, length)
        self.reads += 1
        return self.clock() - begin

    def rate(self) -> float:
        """Return bytes a second, the median of three places."""
        sample = min(SAMPLE, self.probe.size // 4)
        rates = []
        for place in (0, (self.probe.size - sample) // 2, self.probe.size - sample):
            self.timed(place, BLOCK)
            seconds = self.timed(place + BLOCK, sample - BLOCK)
            rates.append((sample - BLOCK) / max(seconds, 1e-9))
        return statistics.median(rates)

    def ways(self, distance: int, rounds: int) -> Iterator[float]:
        """Yield the seconds of ways of some length and a block behind each, there and back."""
        room = self.probe.size - distance - 2 * BLOCK
        for number in range(rounds):
            start = room * number // rounds
            self.timed(start, BLOCK)
            yield self.timed(start + BLOCK + distance, BLOCK)
            self.timed(start + distance + BLOCK, BLOCK)
            yield self.timed(max(0, start), BLOCK)


def toml(found: Measured, *, name: str, source: str) -> str:
    """Return a model's file.

    Args:
        found: What was measured.
        name: Of the device.
        source: When and how.
    """
    points = ", ".join(f"[{distance}, {seconds:.6f}]" for distance, seconds in found.seek)
    lines = [
        f"title = {_quoted(name)}",
        'kind = "distance"',
        "",
        f"block = [{BLOCK}, {_quoted('as measured with')}]",
        f"rate = [{found.rate:.0f}, {_quoted(source)}]",
        f"seek = [[{points}], {_quoted(source)}]",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a text as TOML has it."""
    safe = "".join(c if c.isprintable() else "?" for c in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'
