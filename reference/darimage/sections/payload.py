"""The payload of a section as a writer holds it: without records that are zero (chapter 70)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from darimage.sections.holes import Extents
from darimage.units import RECORD, records_of

_CHUNK = 1 << 20
_ZEROS = bytes(_CHUNK)


def extents_of(filled: npt.NDArray[np.bool_]) -> Extents:
    """Return the extents of a section from which of its records are not all zero.

    The last record is always there: Linux restore complains of a file that it skips and that ends
    with a hole.
    """
    filled[-1:] = True
    edges = np.flatnonzero(np.diff(np.concatenate(([0], filled.view(np.int8), [0]))))
    starts, ends = edges[::2], edges[1::2]
    return np.stack([starts, ends - starts], axis=1).astype(np.int64)


@dataclass(frozen=True)
class Payload:
    """The bytes of a section.

    Attributes:
        size: Bytes, holes included.
        extents: Which of its records are present (DARI-SCT-007).
        records: Those records, one after another; the last one is filled up with zeros.
    """

    size: int
    extents: Extents
    records: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, payload: bytes) -> Self:
        """Return a payload from all of its bytes."""
        padded = payload.ljust(records_of(len(payload)) * RECORD, b"\0")
        rows = np.frombuffer(padded, np.uint8).reshape(-1, RECORD)
        extents = extents_of(rows.max(axis=1, initial=0) > 0)
        pieces = [rows[first : first + count] for first, count in extents.tolist()]
        return cls(len(payload), extents, np.concatenate([*pieces, rows[:0]]))

    def stream(self) -> Iterator[bytes | memoryview]:
        """Yield all bytes in order, holes as zeros, at most 1 MiB at once."""
        data = self.records.reshape(-1).data
        at = done = 0
        for first, count in self.extents.tolist():
            yield from _zeros(first * RECORD - at)
            at = min((first + count) * RECORD, self.size)
            for length in _lengths(at - first * RECORD):
                yield data[done : done + length]
                done += length
        yield from _zeros(self.size - at)

    def sha256(self) -> bytes:
        """Return the SHA-256 of all bytes."""
        import hashlib

        hashed = hashlib.sha256()
        for piece in self.stream():
            hashed.update(piece)
        return hashed.digest()


def _lengths(total: int) -> Iterator[int]:
    while total > 0:
        yield min(total, _CHUNK)
        total -= _CHUNK


def _zeros(count: int) -> Iterator[bytes]:
    for length in _lengths(count):
        yield _ZEROS if length == _CHUNK else _ZEROS[:length]
