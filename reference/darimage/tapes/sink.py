"""Writes an image to tapes, in order: full blocks, and on the next tape when one is full.

The end of a tape is met, not computed: a compressing drive has room that nobody knows before. The
cut is between two blocks and nothing marks it but a file mark (DARI-TAP-004).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from darimage.errors import StorageError
from darimage.sections.crc import crc32c
from darimage.tapes.tape import EndOfMediumError, Tape
from darimage.volumes.writing import Buffer


class Part(NamedTuple):
    """What one tape holds of an image.

    Attributes:
        name: Name of the tape.
        start: First byte of the image on it.
        size: Bytes of the image on it.
        blocks: Blocks.
        first_block: Bytes of its first block.
        first_block_crc32c: Its CRC-32C, by which the tape is known again.
    """

    name: str
    start: int
    size: int
    blocks: int
    first_block: int
    first_block_crc32c: int


class Loader(Protocol):
    """Brings tapes, and keeps what was written to them or not.

    Attributes:
        name: What to call the image.
    """

    name: str

    @property
    def fd(self) -> int:
        """File or folder that the image does not take into itself; -1 for none."""
        ...

    def load(self, number: int) -> Tape:
        """Return a tape to write the next part on, from 1; the one before is done with.

        Raises:
            StorageError: There is no further one.
        """
        ...

    def finish(self, parts: list[Part], block: int) -> None:
        """Keep what was written, and which tape holds what."""
        ...

    def abort(self) -> None:
        """Leave nothing behind, as far as that can be."""
        ...


class TapeSink:
    """Takes the bytes of an image in order and writes them to tapes.

    Attributes:
        name: What to call the image.
        fd: File or folder that the image does not take into itself; -1 for none.
        parts: What each tape holds so far.
    """

    seekable = False

    def __init__(self, loader: Loader, block: int) -> None:
        """Load the first tape.

        Args:
            loader: Where tapes come from.
            block: Bytes of a block.

        Raises:
            StorageError: There is no tape.
        """
        self.name = loader.name
        self.fd = loader.fd
        self._loader = loader
        self.parts: list[Part] = []
        self._block = block
        self._held = bytearray()
        self._position = 0
        try:
            self._tape = loader.load(1)
        except BaseException:
            loader.abort()
            raise
        self._begin()

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write all of ``data``, which must follow what was written before."""
        if offset != self._position:
            raise StorageError(f"{self.name}: cannot write byte {offset} after {self._position}")
        view = memoryview(data).cast("B")
        self._position += len(view)
        if self._held:
            missing = self._block - len(self._held)
            self._held += view[:missing]
            view = view[missing:]
            if len(self._held) < self._block:
                return
            self._write(self._held)
            self._held = bytearray()
        whole = len(view) // self._block * self._block
        for at in range(0, whole, self._block):
            self._write(view[at : at + self._block])
        self._held += view[whole:]

    def _write(self, block: Buffer) -> None:
        if self._tape.early_warning and self.parts[-1].blocks:
            self._next()
        try:
            self._tape.write(block)
        except EndOfMediumError:
            if not self.parts[-1].blocks:
                told = f"{self._tape.name}: not even one block of {self._block} bytes fits"
                raise StorageError(told) from None
            self._next()
            self._write(block)
            return
        part, length = self.parts[-1], memoryview(block).nbytes
        if not part.blocks:
            part = part._replace(first_block=length, first_block_crc32c=crc32c(bytes(block)))
        self.parts[-1] = part._replace(size=part.size + length, blocks=part.blocks + 1)

    def _begin(self) -> None:
        last = self.parts[-1] if self.parts else None
        start = last.start + last.size if last else 0
        self.parts.append(Part(self._tape.name, start, 0, 0, 0, 0))

    def _next(self) -> None:
        """Go on on the next tape."""
        self._tape.write_mark()
        self._tape.close()
        self._tape = self._loader.load(len(self.parts) + 1)
        self._begin()

    def finish(self) -> None:
        """Write what is left and a file mark, and keep the tapes."""
        if self._held:
            self._write(self._held)
            self._held = bytearray()
        self._tape.write_mark()
        self._tape.close()
        self._loader.finish(self.parts, self._block)

    def abort(self) -> None:
        """Give up what was written."""
        self._tape.close()
        self._loader.abort()
