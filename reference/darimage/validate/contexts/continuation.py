"""The headers that open the volumes after the first (chapter 35)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darimage.image import continuation, parts, volume_set
from darimage.image.batch import Batch, Ints
from darimage.image.reader import Image
from darimage.schema import CType, Order
from darimage.sections.header import Headers, as_headers
from darimage.units import RECORD
from darimage.volumes.joined import Joined

_AT_ONCE = 4096


@dataclass(frozen=True)
class Continuation:
    """A continuation header that is not what it must be.

    Attributes:
        record: Where it really lies, counted over all volumes.
        volume: What its volume is called.
        order: Byte order of the image.
        found: The header, shape (1,).
        wanted: What it must be.
    """

    record: int
    volume: str | None
    order: Order
    found: Headers
    wanted: Headers

    @property
    def rows(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """The bytes of both."""
        pair = (one.view(np.uint8).reshape(RECORD) for one in (self.found, self.wanted))
        return next(pair), next(pair)


class Continuations:
    """Finds continuation headers while the headers between them go by."""

    def __init__(self, image: Image) -> None:
        """Prepare; nothing is found in an image on one volume."""
        self.image = image
        self.joined = image.volume if isinstance(image.volume, Joined) else None
        there = volume_set.numbers(image.volume) if self.joined and image.is_dari else []
        self.pending = np.array([number for number in there if number > 1], np.int64)
        first = self._first() if self.pending.size else bytes(RECORD)
        self.first = np.frombuffer(first, np.uint8).reshape(1, RECORD)

    def _first(self) -> bytes:
        """Return the volume header; if it is missing the next sound one, which says the same."""
        assert self.joined is not None  # noqa: S101 - nothing is pending otherwise
        real, size = self.joined.real, self.image.marks.cut.capacity * RECORD
        first = real.read_at(0, RECORD)
        if not real.missing(0, 1):
            return first
        others = (real.read_at((number - 1) * size, RECORD) for number in self.pending.tolist())
        return next((one for one in others if parts.volume_of(one) is not None), first)

    def add(self, batch: Batch) -> Iterator[Continuation]:
        """Yield those that are at fault, up to the last of some headers."""
        if self.pending.size:
            yield from self._until(batch.record[batch.c_type != CType.TS_ADDR])

    def _until(self, runs: Ints) -> Iterator[Continuation]:
        """Yield those of the volumes that begin at or before the last of some runs."""
        if not runs.size:
            return
        cut = self.image.marks.cut
        begins = cut.logical((self.pending - 1) * cut.capacity + 1)
        count = int(np.searchsorted(begins, runs[-1], side="right"))
        volumes, self.pending = self.pending[:count], self.pending[count:]
        for at in range(0, count, _AT_ONCE):
            some = volumes[at : at + _AT_ONCE]
            yield from self._compared(some, continuation.left(cut, some, runs))

    def _compared(self, volumes: Ints, counts: Ints) -> Iterator[Continuation]:
        order, cut = self.image.order, self.image.marks.cut
        wanted = continuation.headers(self.first, order, cut, volumes, counts)
        for at, number in enumerate(volumes.tolist()):
            yield from self._one(number, wanted[at : at + 1])

    def _one(self, number: int, wanted: Headers) -> Iterator[Continuation]:
        assert self.joined is not None  # noqa: S101 - nothing is pending otherwise
        real = (number - 1) * self.image.marks.cut.capacity
        record = self.joined.real.read_at(real * RECORD, RECORD)
        if record == wanted.tobytes() or self.joined.real.missing(real * RECORD, real * RECORD + 1):
            return
        row = np.frombuffer(record.ljust(RECORD, b"\0"), np.uint8).reshape(1, RECORD)
        found = as_headers(row, self.image.order, "volume_body")
        called = volume_set.name_of(self.image.volume, real)
        yield Continuation(real, called, self.image.order, found, wanted)
