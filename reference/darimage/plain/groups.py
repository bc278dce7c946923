"""Groups: a header and the records that it announces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from darimage.plain.records import Head

PROVEN, CLOSED, OPEN = 2, 1, 0
"""What is known of a group: its CRC is right; it lies in its place; neither."""


class Piece(NamedTuple):
    """Blocks that the hole map promises.

    Attributes:
        block: The first one, counted from the group's first.
        length: How many.
        at: Address of the first; ``None`` if they are missing.
    """

    block: int
    length: int
    at: int | None


@dataclass(eq=False)
class Group:
    """A header and the records that follow it.

    Attributes:
        head: The header.
        number: Its record number.
        known: ``PROVEN``, ``CLOSED`` or ``OPEN``.
        wrong: Whether its CRC is wrong.
        covers: Blocks of its hole map, holes included.
        pieces: Those that are no holes.
        impossible: Whether its hole map is (DARI-REC-035).
        start: Block of the inode that it begins with.
    """

    head: Head
    number: int
    known: int = CLOSED
    wrong: bool = False
    covers: int = 0
    pieces: list[Piece] = field(default_factory=list)
    impossible: bool = False
    start: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all its blocks are there, proven or closed."""
        return self.known != OPEN and all(piece.at is not None for piece in self.pieces)
