"""Reading ahead of whoever writes: one thread reads in the order of a plan, others take from it.

The reader stops when what it holds is as much as it may be, and goes on when some of that was
taken. It goes through each span from its first byte to its last, because that is what a tape does
best; what nobody wants of it is thrown away at once. Bytes that could not be read are asked for
again by whoever wants them, just those, so that the error is his alone.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from darimage.drives.planner import merged
from darimage.errors import DarimageError
from darimage.volumes.cut import Cut
from darimage.volumes.reading import Gap, Volume, expect, read_up_to

Spans = npt.NDArray[np.int64]

STEP = 1 << 20
"""Bytes that are read at once."""

MEMORY = 64 << 20
"""Bytes that are held, those that were taken and are kept included."""

KEPT = 16 << 20
"""Bytes that are kept of what was taken: headers are looked at before the data among them."""

HEADERS_AHEAD = 1
"""Headers of a file that are looked at before the data: more would have to be waited for."""

_PATIENCE = 2.0
"""Seconds to wait for a reader that is in the middle of something when nobody wants it any more."""


class _Piece:
    """Bytes that were read, or could not be.

    Attributes:
        place: Wanted bytes that are read before it.
        start: Its first byte.
        data: The bytes; nothing if there was an error.
        length: How many there should be.
    """

    __slots__ = ("data", "length", "place", "start")

    def __init__(self, place: int, start: int, data: memoryview, length: int) -> None:
        self.place = place
        self.start = start
        self.data = data
        self.length = length

    @property
    def after(self) -> int:
        """Wanted bytes that are read before what follows it."""
        return self.place + self.length


class Ahead:
    """A volume of which a thread reads what will be wanted; to be used as a context manager.

    Any other byte can be read too, and so can one that is no longer held: at its place, while the
    reader waits.

    Attributes:
        behind: What is read; it is not closed.
        name: What to call it in messages.
        size: Bytes that are there.
        strays: Reads of bytes that are in no span, no longer held, or could not be read ahead.
        discarded: Bytes that were read and thrown away.
        most: The most bytes that were held.
        headers_ahead: Headers of a file to look at before its data.
    """

    headers_ahead = HEADERS_AHEAD

    def __init__(
        self,
        behind: Volume,
        spans: Spans,
        wanted: Spans | None = None,
        *,
        memory: int = MEMORY,
        kept: int = KEPT,
        step: int = STEP,
    ) -> None:
        """Prepare to read.

        Args:
            behind: What to read.
            spans: First byte and the one after the last of each read, in their order, shape
                (n, 2).
            wanted: The bytes among them that will be asked for, in any order; by default all.
            memory: Bytes to hold at most, rounded up to a step.
            kept: Bytes to keep of what was taken; two steps less than ``memory`` at most.
            step: Bytes to read at once.
        """
        self.behind = behind
        self.name = behind.name
        self.size = behind.size
        self.strays = 0
        self.discarded = 0
        self.most = 0
        self._spans = _apart(np.clip(spans, 0, behind.size))
        self._wanted = self._spans if wanted is None else np.clip(wanted, 0, behind.size)
        self._step = step
        self._memory = max(memory, 3 * step)
        self._kept = min(kept, self._memory - 2 * step)
        pieces = _pieces(self._spans, merged(self._wanted))
        order = np.argsort(pieces[:, 0], kind="stable")
        places = np.cumsum(pieces[:, 1] - pieces[:, 0]) - (pieces[:, 1] - pieces[:, 0])
        self._starts = pieces[order, 0].tolist()
        self._ends = pieces[order, 1].tolist()
        self._places = places[order].tolist()
        self._held: list[_Piece] = []
        self._held_places: list[int] = []
        self._first = 0
        self._come = 0
        self._gone = 0
        self._failed: BaseException | None = None
        self._stopped = False
        self._news = threading.Condition()
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="reading ahead", daemon=True)

    def __enter__(self) -> Self:
        expect(self.behind, self._spans)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the thread; what is behind stays open."""
        with self._news:
            self._stopped = True
            self._news.notify_all()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)
        expect(self.behind, np.zeros((0, 2), np.int64))

    # -- a volume -----------------------------------------------------------------------------

    @property
    def cut(self) -> Cut:
        """Where continuation headers were taken out of it."""
        return self.behind.cut

    @property
    def bytes_read(self) -> int:
        """Bytes read so far."""
        return self.behind.bytes_read

    @bytes_read.setter
    def bytes_read(self, value: int) -> None:
        self.behind.bytes_read = value

    @property
    def reads(self) -> int:
        """Read calls so far."""
        return self.behind.reads

    @reads.setter
    def reads(self, value: int) -> None:
        self.behind.reads = value

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
                got = self._take(offset + total + done, flat[done:])
                if not got:
                    return total + done
                done += got
            total += done
            if done < view.nbytes:
                break
        return total

    def missing(self, start: int, end: int) -> list[Gap]:
        """Return the gaps among some bytes, each up to its end."""
        return self.behind.missing(start, end)

    def close(self) -> None:
        """End the thread, and close what is behind."""
        self.stop()
        self.behind.close()

    def _take(self, offset: int, view: memoryview) -> int:
        """Fill the beginning of a view; return how much that is."""
        at = bisect_right(self._starts, offset) - 1
        if at < 0 or offset >= self._ends[at]:
            end = self._starts[at + 1] if at + 1 < len(self._starts) else self.size
            return self._stray(offset, view[: end - offset])
        view = view[: self._ends[at] - offset]
        place = self._places[at] + offset - self._starts[at]
        with self._news:
            self._let_go(place - self._kept)
            self._news.wait_for(lambda: place < self._come or self._failed or self._stopped)
            if self._failed is not None and place >= self._come:
                raise self._failed
            piece = self._piece_at(place)
            if piece is not None and piece.data:
                part = piece.data[offset - piece.start : offset - piece.start + len(view)]
                view[: len(part)] = part
                return len(part)
            if piece is not None:
                view = view[: piece.start + piece.length - offset]
        return self._stray(offset, view)

    def _stray(self, offset: int, view: memoryview) -> int:
        self.strays += 1
        with self._turn:
            return self.behind.readinto_at(offset, [view])

    def _piece_at(self, place: int) -> _Piece | None:
        """Return what is held of a place."""
        at = bisect_right(self._held_places, place, self._first) - 1
        if at < self._first:
            return None
        piece = self._held[at]
        return piece if place < piece.after else None

    def _let_go(self, place: int) -> None:
        """Forget what lies before a place."""
        first = self._first
        while (
            first < len(self._held) and self._held[first].place + self._held[first].length <= place
        ):
            self._held[first].data = memoryview(b"")
            first += 1
        self._gone = max(self._gone, place)
        if first > self._first:
            self._first = first
            if first > 64 and 2 * first > len(self._held):
                del self._held[:first], self._held_places[:first]
                self._first = 0
        self._news.notify_all()

    # -- the reader ---------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            place = 0
            for start, end, is_wanted in self._steps():
                if not is_wanted:
                    self._discard(start, end)
                elif not self._read(place, start, end):
                    return
                place += (end - start) * is_wanted
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
            with self._news:
                self._failed = error
                self._news.notify_all()

    def _steps(self) -> Iterator[tuple[int, int, bool]]:
        """Yield what to read at once, and whether it is wanted."""
        wanted = merged(self._wanted)
        for low, high in self._spans.tolist():
            at = low
            for start, end in _pieces(np.array([[low, high]]), wanted).tolist():
                yield from _cut(at, start, self._step, is_wanted=False)
                yield from _cut(start, end, self._step, is_wanted=True)
                at = end
            yield from _cut(at, high, self._step, is_wanted=False)

    def _discard(self, start: int, end: int) -> None:
        if self._stopped:
            return
        try:
            with self._turn:
                self.behind.readinto_at(start, [memoryview(bytearray(end - start))])
            self.discarded += end - start
        except DarimageError:
            pass  # nobody wants it

    def _read(self, place: int, start: int, end: int) -> bool:
        """Read a piece when there is room for it; tell whether to go on."""
        length = end - start
        with self._news:
            self._news.wait_for(
                lambda: self._stopped or place + length - max(0, self._gone) <= self._memory
            )
            if self._stopped:
                return False
            is_late = place + length <= self._gone
        data = memoryview(b"") if is_late else self._got(start, length)
        with self._news:
            self._held.append(_Piece(place, start, data, length))
            self._held_places.append(place)
            self._come = place + length
            self.most = max(self.most, self._come - self._held[self._first].place)
            self._news.notify_all()
        return True

    def _got(self, start: int, length: int) -> memoryview:
        """Return bytes, or nothing if not all of them can be read."""
        data = memoryview(bytearray(length))
        try:
            with self._turn:
                got = self.behind.readinto_at(start, [data])
        except DarimageError:
            return memoryview(b"")
        return data if got == length else memoryview(b"")


def _apart(spans: Spans) -> Spans:
    """Return spans that are not empty; ascending and merged if they overlap."""
    spans = np.asarray(spans, np.int64).reshape(-1, 2)
    spans = spans[spans[:, 0] < spans[:, 1]]
    ascending = spans[np.argsort(spans[:, 0], kind="stable")]
    return merged(spans) if (ascending[1:, 0] < ascending[:-1, 1]).any() else spans


def _pieces(spans: Spans, wanted: Spans) -> Spans:
    """Return what is wanted of each span, in the order of the spans.

    Args:
        spans: Spans, none over another.
        wanted: Spans, ascending, none at another.
    """
    first = np.searchsorted(wanted[:, 1], spans[:, 0], side="right")
    last = np.searchsorted(wanted[:, 0], spans[:, 1], side="left")
    counts = np.maximum(last - first, 0)
    span = np.repeat(np.arange(len(spans)), counts)
    at = first[span] + np.arange(len(span)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.maximum(wanted[at, 0], spans[span, 0])
    ends = np.minimum(wanted[at, 1], spans[span, 1])
    return np.column_stack((starts, ends))


def _cut(start: int, end: int, step: int, *, is_wanted: bool) -> Iterator[tuple[int, int, bool]]:
    for at in range(start, end, step):
        yield at, min(at + step, end), is_wanted
