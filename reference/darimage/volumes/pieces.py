"""The bytes of an image that lies in several files, which are opened when they are needed."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from darimage.errors import FormatError, StorageError
from darimage.faults import Fault
from darimage.volumes.cut import ONE_VOLUME, Cut
from darimage.volumes.reading import Gap, Volume, expect, is_slow, medium, open_file, read_up_to

if TYPE_CHECKING:
    from darimage.volumes.reading import Spans


@dataclass
class Place:
    """One file, and where its bytes belong.

    Attributes:
        path: Name of the file.
        start: Byte of the image that it begins with.
        end: Byte of the image that it should end before.
        volume: Number of the volume, if it is one; 0 if it is a piece of something.
        refused: Why it is not used; empty if it may be.
        file: The file, once it is open.
        url: What to open, if that is not the name.
    """

    path: str
    start: int
    end: int
    volume: int = 0
    refused: str = ""
    file: Volume | None = field(default=None, repr=False)
    url: str = field(default="", repr=False)


Check = Callable[[Volume, Place], str]
"""Tells why a file that was opened is not used; nothing if it is."""


class Pieces:
    """An image in several files, with gaps where files are missing; gaps read as zeros.

    Attributes:
        places: The files, ascending by where they belong.
        opened: Names of the files that were opened so far.
        notes: What is wrong with the files that were given.
    """

    cut: Cut = ONE_VOLUME

    def __init__(
        self,
        name: str,
        places: Sequence[Place],
        size: int,
        *,
        check: Check | None = None,
        absent: Callable[[int, int], str] | None = None,
        opener: Callable[[str], Volume] = open_file,
        notes: Sequence[Fault] = (),
    ) -> None:
        """Put files side by side.

        Args:
            name: What to call all of it.
            places: The files, ascending, none over another.
            size: Bytes of the whole image.
            check: Asked when a file is opened.
            absent: Tells what is missing between two bytes that no file has.
            opener: Opens a file by its name.
            notes: What is wrong with the files that were given.
        """
        self.notes = list(notes)
        self.name = name
        self.places = list(places)
        self.size = size
        self.bytes_read = 0
        self.reads = 0
        self.opened: list[str] = []
        self._opening = threading.Lock()
        self._check = check
        self._absent = absent
        self._opener = opener
        self._starts = [place.start for place in self.places]

    def reach(self, size: int) -> None:
        """Let it have at least so many bytes; what no file has is missing."""
        self.size = max(self.size, size)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; fewer only at the end."""
        return read_up_to(self, offset, length)

    def readinto_at(self, offset: int, views: Sequence[memoryview]) -> int:
        """Fill the views one after another; return bytes read, fewer only at the end."""
        total = 0
        for view in views:
            flat = view.cast("B")[: max(0, self.size - offset - total)]
            done = 0
            while done < len(flat):
                done += self._read(offset + total + done, flat[done:])
            total += done
            if done < view.nbytes:
                break
        return total

    def _read(self, offset: int, view: memoryview) -> int:
        """Fill the beginning of a view from one file, or with zeros from a gap."""
        file, start, end, _ = self._at(offset)
        view = view[: end - offset]
        if file is None:
            view[:] = bytes(len(view))
            return len(view)
        before = file.bytes_read
        got = file.readinto_at(offset - start, [view])
        self.reads += 1
        self.bytes_read += file.bytes_read - before
        if not got:
            view[:] = bytes(len(view))
        return got or len(view)

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the gaps that begin or lie among some bytes, each up to its end.

        Files that belong there are opened to find out.
        """
        found: list[Gap] = []
        while start < min(end, self.size):
            file, _, upto, told = self._at(start)
            if file is None:
                found.append(Gap(start, upto, told))
            else:
                begins = self._starts[bisect_right(self._starts, start) - 1]
                inner = file.missing(start - begins, min(upto, end) - begins)
                found += [
                    gap._replace(start=gap.start + begins, end=gap.end + begins) for gap in inner
                ]
            start = upto
        return found

    @property
    def is_slow(self) -> bool:
        """Whether a file that is open is slow."""
        return any(place.file is not None and is_slow(place.file) for place in self.places)

    @property
    def medium(self) -> str:
        """What the first file is on."""
        first = self.places[0].file if self.places else None
        return "" if first is None else medium(first)

    def forgive(self, yes: bool) -> None:
        """Pass it on to the files that are open; see ``reading.forgiving``."""
        for place in self.places:
            getattr(place.file, "forgive", lambda _: None)(yes)

    def expect(self, spans: Spans) -> None:
        """Tell the files that are open which of their bytes will be read; see ``reading.expect``.

        A file that is opened later is told nothing.
        """
        for place in self.places:
            if place.file is not None:
                expect(place.file, _within(spans, place.start, place.end))

    def _at(self, offset: int) -> tuple[Volume | None, int, int, str]:
        """Return what holds a byte, its first and the one after its last, or what is missing."""
        at = bisect_right(self._starts, offset) - 1
        place = self.places[at] if at >= 0 else None
        if place is not None and offset < place.end:
            file = self._opened(place)
            if file is None:
                return None, place.start, min(place.end, self.size), place.refused
            held = min(place.start + file.size, place.end, self.size)
            if offset < held:
                return file, place.start, held, ""
            told = f"{place.path} ends after {file.size} bytes"
            return None, held, min(place.end, self.size), told
        begin = place.end if place else 0
        end = self._starts[at + 1] if at + 1 < len(self.places) else self.size
        end = min(end, self.size)
        return None, begin, end, self._absent(begin, end) if self._absent else "a piece is missing"

    def _opened(self, place: Place) -> Volume | None:
        """Return a file, opened if it is not yet; nothing if it is refused."""
        if place.file is not None and not place.refused:
            return place.file
        with self._opening:
            return self._open(place)

    def _open(self, place: Place) -> Volume | None:
        """Open a file and check it, unless another thread has just done so."""
        if place.refused or place.file is not None:
            return None if place.refused else place.file
        self.opened.append(place.path)
        try:
            file = self._opener(place.url or place.path)
        except (StorageError, FormatError) as error:
            place.refused = str(error)
            return None
        place.refused = self._check(file, place) if self._check else ""
        if place.refused:
            file.close()
            return None
        place.file = file
        return file

    def close(self) -> None:
        """Close the files that were opened."""
        for place in self.places:
            if place.file is not None:
                place.file.close()
                place.file = None


def _within(spans: Spans, start: int, end: int) -> Spans:
    """Return what of some spans lies between two bytes, counted from the first of these."""
    cut = np.clip(spans, start, end) - start
    return cut[cut[:, 0] < cut[:, 1]]
