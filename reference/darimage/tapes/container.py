"""A container in a file as a tape: read and written block by block."""

from __future__ import annotations

import os
from array import array

from darimage.errors import FormatError, StorageError
from darimage.tapes.element import Element, Form, Kind, Look
from darimage.tapes.tape import EndOfMediumError, Read
from darimage.volumes.reading import FileVolume
from darimage.volumes.writing import Buffer

_BLOCK_MOST = 1 << 28


class ContainerTape:
    """A tape in a file.

    Attributes:
        name: What to call it in messages.
        position: Blocks and file marks before the head.
    """

    def __init__(self, fd: int, name: str, form: Form, capacity: int = 0) -> None:
        """Use a file that is open, from its beginning on; it is not closed.

        Args:
            fd: The file, open for reading, and for writing if that is done.
            name: What to call it.
            form: Kind of container.
            capacity: Bytes that the container may have; 0 for no limit.
        """
        self.name = name
        self.position = 0
        self._fd = fd
        self._form = form
        self._capacity = capacity
        self._block = 0
        self._is_last = False
        # For each position known so far: its byte, and the length of what lies before it.
        self._places, self._before = array("q", [0]), array("q", [0])

    @property
    def early_warning(self) -> bool:
        """Whether there is no room for two more blocks like the last."""
        room = self._capacity - self._places[self.position]
        return bool(self._capacity) and room < 2 * self._block + self._overhead(2)

    def _overhead(self, blocks: int) -> int:
        frame = sum(memoryview(piece).nbytes for piece in self._form.frame(b"", 0)[0])
        chunks = -(-self._block // (1 << 15))
        return (frame + 1) * blocks * max(1, chunks) + len(self._form.mark(0))

    def write(self, block: Buffer) -> None:
        """Write a block; what lies behind it is gone."""
        pieces, before = self._form.frame(block, self._before[self.position])
        room = len(self._form.mark(0))
        self._put([memoryview(piece).cast("B") for piece in pieces], before, room)
        self._block = memoryview(block).nbytes

    def write_mark(self) -> None:
        """Write a file mark."""
        mark = self._form.mark(self._before[self.position])
        self._put([memoryview(mark)] if mark else [], 0, 0)

    def _put(self, pieces: list[memoryview], before: int, room: int) -> None:
        at = self._places[self.position]
        end = at + sum(len(piece) for piece in pieces)
        if self._capacity and end + room > self._capacity:
            raise EndOfMediumError(f"{self.name}: the tape is full")
        try:
            if not self._is_last:
                os.ftruncate(self._fd, at)
                self._is_last = True
            while at < end:
                done = os.pwritev(self._fd, pieces, at)
                at += done
                while pieces and done >= len(pieces[0]):
                    done -= len(pieces.pop(0))
                if pieces:
                    pieces[0] = pieces[0][done:]
        except OSError as error:
            raise StorageError.of(error, self.name) from error
        self._reached(end, before)

    def _reached(self, at: int, before: int) -> None:
        self.position += 1
        del self._places[self.position :]
        del self._before[self.position :]
        self._places.append(at)
        self._before.append(before)

    def read(self) -> Read:
        """Read the block or file mark at the head and move behind it; at the end stay there.

        Raises:
            FormatError: The container is damaged here.
        """
        self._is_last = False
        volume = _Borrowed(self._fd, self.name)
        look, at = Look(volume), self._places[self.position]
        parts: list[bytes] = []
        while True:
            element = self._form.element(look, at)
            if parts and not (element.kind is Kind.DATA and element.goes_on):
                break
            if element.kind not in (Kind.DATA, Kind.SKIP):
                return self._single(volume, element)
            if element.kind is Kind.DATA:
                parts.append(volume.read_at(element.data, element.length))
                before = element.length
            at = element.next
        self._reached(at, before)
        return Read(Kind.DATA, b"".join(parts))

    def _single(self, volume: FileVolume, element: Element) -> Read:
        kind = element.kind
        if kind is Kind.END:
            return Read(kind)
        if kind not in (Kind.MARK, Kind.BAD):
            raise FormatError(f"{self.name}: byte {element.data}: {element.told or kind.value}")
        held = volume.read_at(element.data, min(element.length, _BLOCK_MOST))
        self._reached(element.next, element.length)
        return Read(kind, held)

    def locate(self, position: int) -> None:
        """Move the head so that ``position`` blocks and marks lie before it."""
        self._is_last = False
        self.position = min(position, len(self._places) - 1)
        while self.position < position:
            if self.read().kind is Kind.END:
                raise StorageError(f"{self.name}: has no block {position}")

    def next_file(self) -> bool:
        """Move behind the next file mark, or to the end of data; tell whether there was a mark."""
        while (kind := self.read().kind) not in (Kind.MARK, Kind.END):
            pass
        return kind is Kind.MARK

    def rewind(self) -> None:
        """Move to the beginning."""
        self._is_last = False
        self.position = 0

    def close(self) -> None:
        """The file is whose who opened it."""


class _Borrowed(FileVolume):
    """A file that stays open."""

    def close(self) -> None:
        """Leave it open."""
