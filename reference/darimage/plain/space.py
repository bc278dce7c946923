"""The bytes of an image at their addresses: volumes side by side, with gaps where nothing is."""

from __future__ import annotations

from collections.abc import Iterator

from darimage.plain.faults import RECORD

Buffer = bytes | memoryview


class Space:
    """Stretches of bytes at addresses; what lies between them cannot be read (DARI-TAP-007).

    Attributes:
        start: The address of the first byte.
        size: The address behind the last byte.
        is_placed: Whether it was put together from volumes, whose places are known.
        openings: Where these begin, the first apart, in a plain dump; also where one is missing.
        lacks_end: Whether the last of these are missing.
        gaps: What lies between the stretches: first address and end.
    """

    def __init__(self, stretches: list[tuple[int, bytes]]) -> None:
        """Take stretches, ascending and not overlapping."""
        self._stretches = [(start, data) for start, data in stretches if data]
        self.size = max((start + len(data) for start, data in self._stretches), default=0)
        self.start = self._stretches[0][0] if self._stretches else 0
        self.is_placed = self.lacks_end = False
        self.openings: list[int] = []
        ends = [start + len(data) for start, data in self._stretches]
        starts = [start for start, _ in self._stretches[1:]]
        self.gaps = [(end, start) for end, start in zip(ends, starts, strict=False) if end < start]

    def read(self, start: int, length: int) -> bytes | None:
        """Return bytes; ``None`` if not all of them can be read."""
        parts, at = [], start
        for first, data in self._stretches:
            if first <= at < first + len(data):
                parts.append(data[at - first : start + length - first])
                at += len(parts[-1])
        return b"".join(parts) if at == start + length else None

    def record(self, at: int) -> bytes | None:
        """Return the 1,024 bytes at an address; ``None`` if not all of them can be read."""
        return self.read(at, RECORD)

    def find(self, pattern: bytes, start: int, end: int | None = None) -> int | None:
        """Return the lowest address from ``start`` on where a pattern lies, within a stretch.

        Args:
            pattern: What is looked for.
            start: Where to begin.
            end: Where the pattern has to begin before; by default the end of all.
        """
        for first, data in self._stretches:
            stop = len(data) if end is None else min(len(data), end - first + len(pattern) - 1)
            found = data.find(pattern, max(0, start - first), max(0, stop))
            if found >= 0:
                return first + found
        return None

    def readable(self, start: int, count: int) -> Iterator[tuple[int, int, bool]]:
        """Yield address, number and readability of records that are alike, in order."""
        at, left = start, count
        while left:
            can = self.record(at) is not None
            length = self._alike(at, left, can=can)
            yield at, length, can
            at += length * RECORD
            left -= length

    def _alike(self, at: int, most: int, *, can: bool) -> int:
        """Return how many records from an address on can, or cannot, be read."""
        if can and self.read(at, most * RECORD) is not None:
            return most
        if not can and at >= self.size:
            return most
        count = 1
        while count < most and (self.record(at + count * RECORD) is not None) == can:
            count += 1
        return count

    def exchanged(self) -> Space:
        """Return the same with the bytes of each pair exchanged (DARI-REC-034)."""
        made = []
        for start, data in self._stretches:
            pairs = bytearray(data)
            even = len(pairs) // 2 * 2
            pairs[0:even:2], pairs[1:even:2] = data[1:even:2], data[0:even:2]
            made.append((start, bytes(pairs)))
        return Space(made)
