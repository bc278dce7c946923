"""A section (chapter 70)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image import payload
from darimage.image.parts import SectionHeader
from darimage.image.payload import Payload
from darimage.image.reader import Image
from darimage.schema import Section

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]

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

    @cached_property
    def is_sound(self) -> bool:
        """Whether its payload is there and its groups have the CRCs that its headers say."""
        if self.payload is None:
            return False
        for _ in self.payload.pieces():
            pass
        return not self.payload.damaged

    @cached_property
    def sha256(self) -> bytes:
        """The digest of its payload."""
        digest = hashlib.sha256()
        if self.payload is not None:
            for data in self.payload.stream():
                digest.update(data)
        return digest.digest()
