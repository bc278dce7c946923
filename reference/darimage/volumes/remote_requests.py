"""Requests for ranges of an image: sent, tried again, and their bytes collected as they come."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any

from darimage.errors import StorageError
from darimage.volumes.remote_stores import (
    Limits,
    NoRangesError,
    PassingError,
    RefusedError,
    Store,
)

_GIVE_UP = 3
"""Requests without any answer, one after another, after which nobody is asked any more."""

_SLOWEST = 10_000
"""Bytes a second below which a request counts as stuck."""


class Fetch:
    """A range, and what has come of it.

    Attributes:
        start: First byte of the image.
        end: The one after the last.
        data: What is here so far.
        error: Why no more comes; empty as long as more may come, or if all is here.
        dropped: Nobody wanted it any more; whoever does has to ask again.
    """

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.data = bytearray()
        self.error = ""
        self.dropped = False
        self.task: Future[None] | None = None

    @property
    def upto(self) -> int:
        """The byte after the last that is here."""
        return self.start + len(self.data)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return bool(self.error) or self.upto >= self.end

    def drop(self) -> None:
        """Stop it."""
        if self.task is not None and not self.is_over:
            self.dropped = True
            self.error = "is closed"
            self.task.cancel()


class Requests:
    """Sends requests, which run in an event loop of another thread.

    Attributes:
        store: What is asked.
        news: Held by whoever looks at a ``Fetch``; told when bytes or an error came.
        bytes_read: Bytes that came.
        sent: How many requests were sent.
        broken: Why none is sent any more; empty as long as they are.
        refused: The error that this comes of, if it is one.
        has_ranges: Whether the store gives ranges.
    """

    def __init__(self, store: Store, loop: Any, limits: Limits) -> None:
        self.store = store
        self.news = threading.Condition()
        self.bytes_read = 0
        self.sent = 0
        self.broken = ""
        self.refused: RefusedError | None = None
        self.has_ranges = True
        self._loop = loop
        self._limits = limits
        self._silent = 0

    def begin(self, fetch: Fetch) -> None:
        """Send a request, unless none is sent any more."""
        if self.broken:
            fetch.error = self.broken
        else:
            fetch.task = asyncio.run_coroutine_threadsafe(self._run(fetch), self._loop)

    def failed(self, fetch: Fetch) -> StorageError:
        """Return the error of a range that did not come."""
        if self.refused is not None:
            error = RefusedError(str(self.refused))
            error.missing = self.refused.missing
            return error
        if self.broken:
            return StorageError(self.broken)
        place = f"bytes {fetch.upto} to {fetch.end - 1}"
        return StorageError(f"{self.store.name}: {place}: {fetch.error}")

    def copy_whole(self, file: Any) -> None:
        """Write all bytes to a file.

        Raises:
            StorageError: They do not come, or cannot be written.
        """
        task = asyncio.run_coroutine_threadsafe(self._copy_whole(file), self._loop)
        try:
            task.result()
        except PassingError as error:
            raise StorageError(f"{self.store.name}: {error}") from error
        except StorageError:
            raise
        except OSError as error:
            raise StorageError.of(error, self.store.name) from error
        finally:
            task.cancel()

    async def _copy_whole(self, file: Any) -> None:
        async with aclosing(self.store.whole()) as pieces:
            async for piece in pieces:
                file.write(piece)

    async def _run(self, fetch: Fetch) -> None:
        """Get a range and tell when it is over."""
        error = await self._outcome(fetch)
        with self.news:
            fetch.error = fetch.error or error
            self.news.notify_all()

    async def _outcome(self, fetch: Fetch) -> str:
        """Get a range, after a failure from where it stopped; return why not all of it came."""
        vain = 0
        while True:
            before = fetch.upto
            try:
                await self._get(fetch)
                return ""
            except PassingError as error:
                vain = vain + 1 if fetch.upto == before else 1
                if vain >= self._limits.attempts:
                    return self._given_up(error)
                await asyncio.sleep(self._pause(error, vain))
            except NoRangesError:
                self.has_ranges = False
                return "the server gives no ranges"
            except RefusedError as error:
                self.broken, self.refused = str(error), error
                return self.broken
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                return f"{type(error).__name__}: {error}"

    def _pause(self, error: PassingError, vain: int) -> float:
        limits = self._limits
        seconds = limits.pause * 2 ** (vain - 1) if error.wait is None else error.wait
        return min(seconds, limits.longest)

    async def _get(self, fetch: Fetch) -> None:
        """Send one request and take what comes."""
        self.sent += 1
        limits = self._limits
        seconds = limits.connect + limits.silence + (fetch.end - fetch.upto) / _SLOWEST
        try:
            async with asyncio.timeout(seconds):
                await self._take(fetch)
        except TimeoutError as error:
            raise PassingError("no answer in time", reached=False) from error
        if fetch.upto < fetch.end:
            raise PassingError("the answer is too short")

    async def _take(self, fetch: Fetch) -> None:
        async with aclosing(self.store.pieces(fetch.upto, fetch.end)) as pieces:
            async for piece in pieces:
                with self.news:
                    fetch.end = min(fetch.end, self.store.size)
                    taken = piece[: fetch.end - fetch.upto]
                    fetch.data += taken
                    self.bytes_read += len(taken)
                    self._silent = 0
                    self.news.notify_all()
                if len(taken) < len(piece):
                    raise PassingError("the answer is too long")
        fetch.end = min(fetch.end, max(0, self.store.size))

    def _given_up(self, error: PassingError) -> str:
        """Return why it is not tried again; nothing is, if nobody answers any more."""
        why = f"{error} ({self._limits.attempts} attempts)"
        self._silent = 0 if error.reached else self._silent + 1
        if self._silent >= _GIVE_UP:
            self.broken = f"{self.store.name}: {why}; it is not asked any more"
        return why
