"""A plain file as a tape: the image as it lies, without file marks and without lengths."""

from __future__ import annotations

from collections.abc import Sequence

from darimage.tapes.element import Element, Kind, Look
from darimage.volumes.writing import Buffer

_LONGEST = 1 << 28


class Plain:
    """Writes blocks one behind the other; what reads them back is ``FileVolume``.

    Attributes:
        name: What people call it.
        suffix: What names of its files end in.
        longest: Bytes of the longest block it can hold.
    """

    name = "plain"
    suffix = ".dari"
    longest = _LONGEST

    def element(self, look: Look, at: int) -> Element:
        """Return all that follows as one block: nothing tells where blocks end."""
        kind = Kind.DATA if at < look.size else Kind.END
        return Element(kind, at, look.size - at, look.size)

    def behind(self, _length: int) -> int:
        """Nothing lies between blocks."""
        return 0

    def frame(self, block: Buffer, _before: int) -> tuple[Sequence[Buffer], int]:
        """Return the block itself."""
        return [block], 0

    def mark(self, _before: int) -> bytes:
        """Return nothing: the end of the file is the mark."""
        return b""
