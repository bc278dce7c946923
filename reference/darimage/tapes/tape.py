"""What a tape can do, whatever holds it: blocks and file marks in order, and positions."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from darimage.errors import StorageError
from darimage.tapes.element import Kind
from darimage.volumes.writing import Buffer


class EndOfMediumError(StorageError):
    """There is no room for what was to be written; nothing of it was."""


class Read(NamedTuple):
    """What was read at a position.

    Attributes:
        kind: ``DATA``, ``BAD``, ``MARK`` or ``END``.
        data: The block, or what could be read of it.
    """

    kind: Kind
    data: bytes = b""


class Tape(Protocol):
    """A tape in a drive, or a file that stands for one.

    Attributes:
        name: What to call it in messages.
        position: Blocks and file marks before the head.
        early_warning: Whether the end of the medium is near: a block or two still fit, and a mark.
    """

    name: str
    position: int

    @property
    def early_warning(self) -> bool:
        """Whether the end of the medium is near."""
        ...

    def read(self) -> Read:
        """Read the block or file mark at the head and move behind it; at the end stay there."""
        ...

    def write(self, block: Buffer) -> None:
        """Write a block; what lies behind it is gone.

        Raises:
            EndOfMediumError: It does not fit; the tape is as it was.
            StorageError: It cannot be written.
        """
        ...

    def write_mark(self) -> None:
        """Write a file mark.

        Raises:
            EndOfMediumError: It does not fit.
        """
        ...

    def locate(self, position: int) -> None:
        """Move the head so that ``position`` blocks and marks lie before it.

        Raises:
            StorageError: There are not that many.
        """
        ...

    def next_file(self) -> bool:
        """Move behind the next file mark, or to the end of data; tell whether there was a mark."""
        ...

    def rewind(self) -> None:
        """Move to the beginning."""
        ...

    def close(self) -> None:
        """Give up what is held; the tape stays as it is."""
        ...
