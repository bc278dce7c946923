"""What lies on a tape one behind the other, as a container keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from darimage.volumes.reading import Volume
    from darimage.volumes.writing import Buffer

_FAR = 1024
_WINDOW = 1 << 16
_NEAR = 32


class Kind(Enum):
    """What an element of a tape is."""

    DATA = "a block"
    BAD = "a block that could not be read"
    MARK = "a file mark"
    SKIP = "nothing of ours"
    PACKED = "a compressed block"
    CUT = "a block that the container ends within"
    BROKEN = "no element"
    END = "the end of the medium"


class Element(NamedTuple):
    """One thing on a tape.

    Attributes:
        kind: What it is.
        data: Byte of the container that its data begins with.
        length: Bytes of its data, as it says; of one that is cut, more than there are.
        next: Byte of the container that the next element begins with.
        goes_on: It continues the block of the element before it.
        told: What is wrong with it.
    """

    kind: Kind
    data: int
    length: int
    next: int
    goes_on: bool = False
    told: str = ""


class Look:
    """Looks at a few bytes here and there of a container, and at many that lie close together.

    Attributes:
        size: Bytes of the container.
    """

    def __init__(self, volume: Volume) -> None:
        """Look at ``volume``, which stays open."""
        self.size = volume.size
        self._volume = volume
        self._start = 0
        self._held = b""

    def at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes, at most a few; fewer only at the end."""
        place = offset - self._start
        if place < 0 or place + length > len(self._held):
            near = 0 <= place < len(self._held) + _FAR
            self._held = self._volume.read_at(offset, _WINDOW if near else max(_NEAR, length))
            self._start, place = offset, 0
        return self._held[place : place + length]


class Form(Protocol):
    """A kind of container: how elements lie in a file.

    Attributes:
        name: What people call it.
        suffix: What names of its files end in.
        longest: Bytes of the longest block it can hold.
    """

    name: str
    suffix: str
    longest: int

    def element(self, look: Look, at: int) -> Element:
        """Return the element at a byte."""
        ...

    def behind(self, length: int) -> int:
        """Return how many bytes there are between data of a length and the next element."""
        ...

    def frame(self, block: Buffer, before: int) -> tuple[Sequence[Buffer], int]:
        """Return the pieces that hold a block, one behind the other.

        Args:
            block: The block.
            before: Length of what lies before it, as the call before returned it; at first and
                after a mark 0.
        """
        ...

    def mark(self, before: int) -> bytes:
        """Return a file mark."""
        ...
