"""A section (chapter 70)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image import payload
from darimage.image.parts import SectionHeader
from darimage.image.payload import Payload
from darimage.image.reader import Image
from darimage.schema import Section
from darimage.units import RECORD, records_of

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]

_ZEROS = bytes(1 << 20)

ORDER = (
    Section.STREAM_DIRECTORIES,
    Section.NT_ACLS_FRONT,
    Section.OFFSET_MAP,
    Section.NT_ACLS_TRAILING,
)
"""The sections in the order they come."""


@dataclass
class SectionSeen:
    """A section.

    Attributes:
        image: The image.
        header: Its first header.
        before: Sections before it.
        files: Places of the files.
        on_fault: Told why its payload cannot be found.
    """

    image: Image
    header: SectionHeader
    before: tuple[SectionSeen, ...]
    files: Ints
    on_fault: OnFault

    @property
    def kind(self) -> int:
        """Which section."""
        return self.header.section

    @property
    def title(self) -> str:
        """What it is called."""
        return self.header.title

    @property
    def is_second(self) -> bool:
        """Whether a sound one of its kind comes before it."""
        return any(one.kind == self.kind and one.is_sound for one in self.before)

    @property
    def place(self) -> int:
        """Its number in the order of sections; -1 if it is of an unknown kind."""
        return ORDER.index(Section(self.kind)) if self.kind in ORDER else -1

    @cached_property
    def payload(self) -> Payload | None:
        """Where its payload lies; ``None`` if that cannot be found."""
        return payload.find(self.image.volume, self.image.marks, self.header, 0, self.on_fault)

    @property
    def is_sound(self) -> bool:
        """Whether its payload is there and its groups have the checksums of their headers."""
        return self.payload is not None and not self.content.damaged

    @property
    def sha256(self) -> bytes:
        """The digest of its payload."""
        return self.content.sha256

    @cached_property
    def content(self) -> Content:
        """What its payload holds."""
        return _read(self.payload, words=self.kind == Section.OFFSET_MAP)


class Content(NamedTuple):
    """What was seen of a payload, which was read once.

    Attributes:
        sha256: The digest of all bytes, holes included.
        zeros: Whether a present block that is not the last holds nothing but zeros.
        numbers: Of an offset map the numbers of the 8-byte words that are not zero.
        words: These words, shape (n, 8).
        damaged: Whether some group has not the CRC-32C of its header.
    """

    sha256: bytes
    zeros: bool
    numbers: Ints
    words: npt.NDArray[np.uint8]
    damaged: bool


def _read(payload: Payload | None, *, words: bool) -> Content:
    digest, at, zeros = hashlib.sha256(), 0, False
    numbers, found = [np.zeros(0, np.int64)], [np.zeros((0, 8), np.uint8)]
    last = 0 if payload is None else records_of(payload.size) - 1
    for offset, data in () if payload is None else payload.pieces():
        _update(digest, offset - at)
        digest.update(data)
        at = offset + len(data)
        blocks = np.flatnonzero(~_used(data)) + offset // RECORD
        zeros = zeros or bool((blocks < last).any())
        if words:
            rows = np.frombuffer(data, np.uint8, len(data) // 8 * 8).reshape(-1, 8)
            used = np.flatnonzero(rows.view(np.uint64).reshape(-1))
            numbers.append(used + offset // 8)
            found.append(rows[used])
    if payload is not None:
        _update(digest, payload.size - at)
    damaged = payload is not None and payload.damaged
    return Content(digest.digest(), zeros, np.concatenate(numbers), np.concatenate(found), damaged)


def _update(digest: hashlib._Hash, zeros: int) -> None:
    """Add zeros to a digest."""
    for done in range(0, zeros, len(_ZEROS)):
        digest.update(_ZEROS[: zeros - done])


def _used(data: bytes) -> npt.NDArray[np.bool_]:
    """Tell of each record whether it holds anything but zeros."""
    padded = np.frombuffer(data.ljust(-(-len(data) // RECORD) * RECORD, b"\0"), np.uint64)
    return np.asarray(padded.reshape(-1, RECORD // 8).any(axis=1))
