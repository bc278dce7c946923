"""An image on a server, read by ranges: few requests, several at once, bounded memory.

What is read comes in windows that are kept for a while. A window grows as long as reading goes on
where the one before ended, so that the front of an image takes a handful of requests. Of what is
announced by ``expect`` requests are under way before it is asked for.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from darimage.errors import StorageError
from darimage.volumes.cut import ONE_VOLUME, Cut
from darimage.volumes.reading import Gap, Volume, read_up_to
from darimage.volumes.remote_requests import Fetch, Requests
from darimage.volumes.remote_stores import Limits, RefusedError, store_of
from darimage.volumes.spool import Check, Spool
from darimage.volumes.urls import first_of

if TYPE_CHECKING:
    from darimage.volumes.reading import Spans

FIRST = 256 << 10
"""Bytes of the first request, which also tells the size."""

TAIL = 64 << 10
"""Bytes at the end that come with one request."""

APART = 64 << 10
"""Bytes of a window that goes on nowhere."""

NEAR = 1 << 20
"""Bytes behind a window within which reading counts as going on: more than a header is apart."""

WINDOW = 16 << 20
"""Bytes of a window that has grown."""

REQUEST = 32 << 20
"""Bytes of a request at most."""

AHEAD = 96 << 20
"""Bytes of requests under way, or waiting to be read, for what is expected."""

AT_ONCE = 16
"""Such requests at most."""

KEPT = 32 << 20
"""Bytes that are kept of what was read."""


class RemoteVolume:
    """An image behind a URL.

    Attributes:
        url: Its URL, secrets and all.
        name: The URL without its secrets.
        size: Bytes of the image.
        is_slow: It is.
        medium: Name of the drive model that fits.
    """

    cut: Cut = ONE_VOLUME
    is_slow = True

    def __init__(self, url: str, requests: Requests) -> None:
        """Read by requests; see ``open``."""
        self.url = url
        self._process = os.getpid()
        self.name = requests.store.name
        self.medium = requests.store.medium
        self._requests = requests
        self._news = requests.news
        self._kept: list[Fetch] = []
        self._ahead: list[Fetch] = []
        self._expected: deque[tuple[int, int]] = deque()
        self.size = FIRST
        self._first = self._begin(0, FIRST)
        with self._news:
            self._news.wait_for(lambda: self._first.data or self._first.is_over)
        self.size = max(0, requests.store.size)

    @classmethod
    def open(cls, url: str, limits: Limits | None = None, check: Check | None = None) -> Volume:
        """Open an image by its URL; one from a server without ranges is copied to a temporary file.

        Args:
            url: What fsspec takes: ``https://``, ``s3://``, ...
            limits: How long and how often the server is asked.
            check: Looks at the beginning of what is copied.

        Raises:
            UsageError: What reads such URLs is not installed, or nothing does.
            StorageError: It cannot be read.
        """
        limits = limits or Limits()
        store, loop = store_of(url, limits)
        requests = Requests(store, loop, limits)
        volume = cls(url, requests)
        if volume._first.data or not volume._first.error:
            return volume
        error = requests.failed(volume._first)
        volume.close()
        if not requests.has_ranges:
            return _spooled(requests, check)
        raise error

    @property
    def bytes_read(self) -> int:
        """Bytes that came from the server so far."""
        return self._requests.bytes_read

    @bytes_read.setter
    def bytes_read(self, value: int) -> None:
        self._requests.bytes_read = value

    @property
    def reads(self) -> int:
        """Requests so far."""
        return self._requests.sent

    @reads.setter
    def reads(self, value: int) -> None:
        self._requests.sent = value

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
                done += self._copy(offset + total + done, flat[done:])
            total += done
            if done < view.nbytes:
                break
        return total

    def _copy(self, offset: int, view: memoryview) -> int:
        """Fill the beginning of a view with what one window has; return how much that is."""
        if os.getpid() != self._process:
            raise StorageError(f"{self.name}: cannot be read by a forked process")
        with self._news:
            fetch = self._holding(offset) or self._begin(*self._window(offset, len(view)))
            self._news.wait_for(lambda: fetch.upto > offset or fetch.is_over)
            if fetch.upto <= offset:
                return self._in_vain(fetch, offset, view)
            count = min(fetch.upto - offset, len(view))
            with memoryview(fetch.data) as data:
                view[:count] = data[offset - fetch.start : offset - fetch.start + count]
            self._passed(fetch, offset + count)
        return count

    def _in_vain(self, fetch: Fetch, offset: int, view: memoryview) -> int:
        """Ask once more for just what is wanted, if more than that was asked for."""
        for fetches in (self._kept, self._ahead):
            if fetch in fetches:
                fetches.remove(fetch)
        if self._requests.broken or (not fetch.dropped and fetch.end <= offset + len(view)):
            raise self._requests.failed(fetch)
        self._begin(offset, offset + len(view))
        return 0

    def _holding(self, offset: int) -> Fetch | None:
        """Return what has a byte, or is going to."""
        for fetches in (self._ahead, self._kept):
            for fetch in reversed(fetches):
                if fetch.start <= offset < fetch.end:
                    return fetch
        return None

    def _window(self, offset: int, length: int) -> tuple[int, int]:
        """Return what to ask for when some bytes are wanted that nobody has."""
        start, wanted = offset, APART
        fetches = (*self._ahead, *self._kept)
        if offset >= self.size - TAIL:
            start = max(0, self.size - TAIL)
        else:
            before = (fetch for fetch in fetches if fetch.end <= offset <= fetch.end + NEAR)
            grown = (4 * (fetch.end - fetch.start) for fetch in before)
            wanted = min(WINDOW, max(grown, default=APART))
        end = min(max(offset + length, start + wanted), self.size, start + REQUEST)
        others = (fetch.start for fetch in fetches)
        end = min((other for other in others if offset < other < end), default=end)
        return start, end

    def _begin(self, start: int, end: int, *, ahead: bool = False) -> Fetch:
        """Send a request."""
        fetch = Fetch(start, end)
        (self._ahead if ahead else self._kept).append(fetch)
        self._requests.begin(fetch)
        self._forget()
        return fetch

    def _forget(self) -> None:
        """Give up what was read longest ago, when there is too much of it."""
        room = KEPT - sum(fetch.end - fetch.start for fetch in self._kept)
        while room < 0 and len(self._kept) > 2:
            old = self._kept.pop(0)
            room += old.end - old.start
            old.drop()

    # -- what is expected ---------------------------------------------------------------------

    def expect(self, spans: Spans) -> None:
        """Take in which bytes will be read next, in which order; see ``reading.expect``."""
        with self._news:
            for fetch in self._ahead:
                fetch.drop()
            self._ahead.clear()
            self._expected.clear()
            self._news.notify_all()
            for start, end in spans.tolist():
                self._announce(max(0, start), min(end, self.size))
            self._send()

    def _announce(self, start: int, end: int) -> None:
        """Put a span in the queue: with the one before if they are close, or in several pieces."""
        if self._expected and self._expected[-1][1] <= start <= self._expected[-1][1] + APART:
            start = self._expected.pop()[0]
        for kept in self._kept:
            start = max(start, kept.end) if kept.start <= start < kept.end else start
        while start < end:
            self._expected.append((start, min(end, start + REQUEST)))
            start += REQUEST

    def _send(self) -> None:
        """Send requests for what is expected, as many as there is room for."""
        held = sum(fetch.end - fetch.start for fetch in self._ahead)
        while self._expected and len(self._ahead) < AT_ONCE:
            start, end = self._expected[0]
            if self._ahead and held + end - start > AHEAD:
                break
            self._expected.popleft()
            if any(kept.start <= start and end <= kept.end for kept in self._kept):
                continue
            held += end - start
            self._begin(start, end, ahead=True)

    def _passed(self, fetch: Fetch, upto: int) -> None:
        """Keep what was expected and is read now among what was read, and send for more."""
        if fetch not in self._ahead:
            return
        at = self._ahead.index(fetch) + (upto >= fetch.end)
        if at:
            # Whoever reads in a plan's order keeps for himself what he may come back to.
            self._kept += [read for read in self._ahead[:at] if read.end - read.start <= WINDOW]
            del self._ahead[:at]
            self._forget()
            self._send()

    def missing(self, _start: int, _end: int) -> list[Gap]:
        """Return nothing: a server has all or fails."""
        return []

    def close(self) -> None:
        """Stop what is under way and forget what is here."""
        with self._news:
            self._requests.broken = self._requests.broken or f"{self.name}: is closed"
            for fetch in (*self._ahead, *self._kept):
                fetch.drop()
            self._ahead.clear()
            self._expected.clear()
            self._news.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _spooled(requests: Requests, check: Check | None) -> Volume:
    """Copy a whole image into a temporary file without a name and open that."""
    with Spool(requests.store.name, check) as spool:
        requests.copy_whole(spool)
        return spool.volume()


def open_url(url: str, check: Check | None = None) -> Volume:
    """Return the image behind a URL, or the first volume if the URL has no number yet.

    Raises:
        UsageError: What reads such URLs is not installed, or nothing does.
        StorageError: It cannot be read.
    """
    try:
        return RemoteVolume.open(url, check=check)
    except RefusedError as error:
        if not error.missing:
            raise
        try:
            return RemoteVolume.open(first_of(url), check=check)
        except StorageError:
            raise error from None
