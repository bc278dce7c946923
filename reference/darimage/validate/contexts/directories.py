"""Directories, one after another (chapter 50)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.names import Names
from darimage.image.reader import Image
from darimage.sections import directory
from darimage.sections.bitmap import Bitmap
from darimage.sections.directory import Entry
from darimage.sections.header import as_headers
from darimage.validate.contexts.gaps import Gaps
from darimage.validate.contexts.runs import Found
from darimage.validate.contexts.sound_directories import sound_directories

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
OnFault = Callable[[Fault], None]


class Directories:
    """The directories of an image.

    Attributes:
        image: The image.
        tree: What is named how.
        lacks: What is missing of the image.
        exists: The inodes that exist.
        knows_all: Whether that is known: bitmap I is there and can be used.
        on_fault: Told of entries that cannot be decoded.
    """

    def __init__(
        self, image: Image, found: Found, tree: Names, lacks: Gaps, on_fault: OnFault
    ) -> None:
        self.image = image
        self.tree = tree
        self.lacks = lacks
        self.exists: Bitmap = image.exists
        self.knows_all = image.front.exists is not None
        self.on_fault = on_fault
        self._found = found

    @cached_property
    def _types(self) -> tuple[Ints, Ints]:
        """Inodes that were found, ascending, and their file types."""
        inodes, first = self._found.first()
        return inodes, self._found.mode[first] >> 12

    def types_of(self, numbers: list[int]) -> list[int | None]:
        """Return the file types of inodes; ``None`` for those that are not in the image."""
        inodes, types = self._types
        wanted = np.array(numbers, np.int64)
        if not len(inodes):
            return [None] * len(numbers)
        at = np.minimum(np.searchsorted(inodes, wanted), len(inodes) - 1)
        there = (inodes[at] == wanted).tolist()
        found = zip(there, types[at].tolist(), strict=True)
        return [known if is_there else None for is_there, known in found]

    @cached_property
    def sound(self) -> Bools:
        """Which are as they must be for sure: no rule needs to see them."""
        return sound_directories(self.image, self.tree, self._types)

    def __iter__(self) -> Iterator[DirectorySeen]:
        """Yield those that are not sound for sure."""
        table = self.image.front.directories
        if not len(table.rows):
            return
        rows = np.arange(len(table.records))
        starts = np.searchsorted(table.piece_owner, rows, side="left").tolist()
        stops = np.searchsorted(table.piece_owner, rows, side="right").tolist()
        headers = as_headers(table.rows, self.image.order)
        for row in np.flatnonzero(~self.sound).tolist():
            pieces = slice(starts[row], stops[row])
            data = b"".join(
                table.data[at : at + length].tobytes()
                for at, length in zip(
                    table.piece_start[pieces].tolist(),
                    table.piece_length[pieces].tolist(),
                    strict=True,
                )
            )
            record = int(table.records[row])
            yield DirectorySeen(self, int(table.numbers[row]), record, headers[row], data)


@dataclass
class DirectorySeen:
    """A directory.

    Attributes:
        all: All directories.
        number: Its inode number.
        record: Where it lies.
        header: Its first header.
        data: Its data, as much as is there.
    """

    all: Directories
    number: int
    record: int
    header: np.void
    data: bytes

    @property
    def size(self) -> int:
        """Bytes that it should have."""
        return int(self.header["c_dinode"]["di_size"])

    @property
    def is_lacking(self) -> bool:
        """Whether some of its data may lie on a volume that is missing."""
        return self.all.lacks.before_files(self.all.image.marks.cut.physical(self.record))

    @property
    def is_whole(self) -> bool:
        """Whether all its data is there."""
        return len(self.data) == self.size

    @cached_property
    def entries(self) -> list[Entry] | None:
        """Its entries; ``None`` if they cannot be decoded, which is told."""
        if not self.is_whole:
            return None
        image = self.all.image
        try:
            return directory.decode(self.data, image.order, old_format=image.old_format)
        except FormatError as error:
            fault = Fault.of(error, inode=self.number)
            self.all.on_fault(fault._replace(record=self.record))
            return None

    @cached_property
    def typed(self) -> list[tuple[Entry, int | None]]:
        """Its entries, and the types that their inodes really have, if they are in the image."""
        entries = self.entries or []
        return list(zip(entries, self.all.types_of([e.inode for e in entries]), strict=True))

    @cached_property
    def names(self) -> list[bytes]:
        """The names of its entries but for the first two."""
        return [entry.name for entry in (self.entries or [])[2:]]
