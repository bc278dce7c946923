"""A tape in a drive, to be measured (``drives.measure``)."""

from __future__ import annotations

from typing import Self

from darimage.errors import StorageError
from darimage.tapes.device import DeviceVolume
from darimage.tapes.element import Kind
from darimage.tapes.tape import Tape


class TapeProbe:
    """The first file of a tape, read block by block and past all memory of ours.

    Attributes:
        name: What to call it in messages.
        size: Its bytes.
        is_direct: Nothing is kept of what is read: true.
    """

    is_direct = True

    def __init__(self, tape: Tape) -> None:
        """Take over a tape and find its first file.

        Raises:
            FormatError: It is empty.
            StorageError: It cannot be read.
        """
        volume = DeviceVolume(tape)
        self.name = tape.name
        self.size = volume.size
        self._tape = tape
        self._first = int(volume.index.offset[0])
        self._length = int(volume.index.length[0])

    def read(self, offset: int, length: int) -> None:
        """Read the blocks that some bytes lie in.

        Raises:
            StorageError: They cannot be read.
        """
        first, last = offset // self._length, (offset + length - 1) // self._length
        self._tape.locate(self._first + first)
        for block in range(first, last + 1):
            if self._tape.read().kind is not Kind.DATA:
                raise StorageError(f"{self.name}: block {block} could not be read")

    def close(self) -> None:
        """Give up the tape."""
        self._tape.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
