"""Ranges of bytes from a server: HTTP, S3, and whatever else fsspec knows.

A store learns size and ETag (or else the date) of its image from the first answer and holds
each later one against them: bytes of two images never come together.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from darimage.errors import StorageError, UsageError
from darimage.volumes.urls import masked, without_secrets

_RANGE = re.compile(r"bytes (?:([0-9]{1,19})-([0-9]{1,19})|\*)/([0-9]{1,19})")
_SIZE_MAX = 1 << 62
_WORTH_A_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_TOLD = {
    401: "access is denied",
    403: "access is denied",
    404: "not found",
    410: "not found any more",
}
_CHANGED = "the image was changed on the server while it was read"


@dataclass(frozen=True)
class Limits:
    """How long and how often a server is asked.

    Attributes:
        attempts: Requests for the same bytes that may bring nothing.
        connect: Seconds to wait for a connection.
        silence: Seconds to wait for the next bytes.
        pause: Seconds before the second attempt; each further pause is twice as long.
        longest: Seconds of a pause at most, whatever the server asks for.
    """

    attempts: int = 5
    connect: float = 15
    silence: float = 60
    pause: float = 0.2
    longest: float = 10


class PassingError(Exception):
    """A request failed in a way that may be over soon; its text says how.

    Attributes:
        wait: Seconds that the server asks to wait, if it does.
        reached: Whether the server answered at all.
    """

    def __init__(self, why: str, *, wait: float | None = None, reached: bool = True) -> None:
        super().__init__(why)
        self.wait = wait
        self.reached = reached


class RefusedError(StorageError):
    """No further request will do better: the image is gone, changed or not for us.

    Attributes:
        missing: There is no such image.
    """

    missing = False


class NoRangesError(Exception):
    """The server gives the whole image or nothing."""


class Store(Protocol):
    """Gives ranges of an image.

    Attributes:
        name: What to call the image in messages; no secrets are in it.
        size: Bytes of the image; -1 until something was read.
        medium: Name of the drive model that fits.
    """

    name: str
    size: int
    medium: str

    def pieces(self, start: int, end: int) -> AsyncGenerator[bytes]:
        """Yield the bytes of a range in order.

        Raises:
            PassingError: It may go better if it is tried again.
            RefusedError: It will not.
            NoRangesError: Only ``whole`` works.
        """
        ...

    def whole(self) -> AsyncGenerator[bytes]:
        """Yield all bytes in order; raises as ``pieces`` does."""
        ...


class _Known:
    """What is known of an image: its name, size and tag."""

    medium = "http"

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = masked(url)
        self.size = -1
        self.tag = ""
        self.date = ""

    def refused(self, why: str, *, missing: bool = False) -> RefusedError:
        error = RefusedError(f"{self.name}: {why}")
        error.missing = missing
        return error

    def hold(self, size: int, tag: str = "", date: str = "") -> None:
        """Learn size, tag and date, or see that they are as before; a date counts without tags."""
        if size > _SIZE_MAX:
            raise self.refused(f"says that it has {size} bytes")
        known, said = (self.tag, tag) if self.tag and tag else (self.date, date)
        if self.size < 0:
            self.size, self.tag, self.date = size, tag, date
        elif size != self.size or (known and said and known != said):
            raise self.refused(_CHANGED)

    def hold_range(self, said: str, start: int, end: int, tag: str, date: str = "") -> None:
        """Hold a ``Content-Range`` against the range that was asked for."""
        found = _RANGE.fullmatch(said.strip())
        if found is None or found[1] is None:
            raise self.refused(f"the answer has no sound Content-Range ({said[:80]!r})")
        first, last, size = map(int, found.groups())
        self.hold(size, tag, date)
        if first != start or last + 1 != min(end, size):
            told = f"bytes {first} to {last} came where {start} to {end - 1} were asked for"
            raise self.refused(told)

    def out_of_range(self, said: str, start: int) -> None:
        """Take in that no byte of a range is there: so it is with an empty image."""
        found = _RANGE.fullmatch(said.strip())
        if start == 0 and (found is None or int(found[3]) == 0):
            self.hold(0)
            return
        raise self.refused(_CHANGED)

    def unfit(self, status: int, wait: float | None = None) -> Exception:
        """Return the error that a status means."""
        if status in _WORTH_A_TRY:
            return PassingError(f"the server answers with status {status}", wait=wait)
        if status == 412:
            return self.refused(_CHANGED)
        told = _TOLD.get(status, "the server refuses")
        return self.refused(f"{told} (status {status})", missing=status in (404, 410))


class HttpStore(_Known):
    """An image on a web server."""

    def __init__(self, system: Any, url: str, limits: Limits) -> None:
        """Read with an ``HTTPFileSystem``."""
        super().__init__(url)
        self._system = system
        self._limits = limits

    async def pieces(self, start: int, end: int) -> AsyncGenerator[bytes]:
        """Yield the bytes of a range; see ``Store``."""
        wanted = {"Range": f"bytes={start}-{end - 1}"}
        if self.tag.startswith('"'):  # a weak tag matches nothing (RFC 9110, 13.1.1)
            wanted["If-Match"] = self.tag
        async with AsyncExitStack() as stack:
            answer = await self._asked(stack, wanted)
            said = answer.headers.get("Content-Range", "")
            if answer.status == 416:
                self.out_of_range(said, start)
                return
            if answer.status == 200:
                if self.size < 0:
                    raise NoRangesError
                raise self.refused("the server gives the whole image where a part was asked for")
            if answer.status != 206:
                raise self.unfit(answer.status, _seconds(answer.headers))
            date = answer.headers.get("Last-Modified", "")
            self.hold_range(said, start, end, answer.headers.get("ETag", ""), date)
            async for piece in self._body(answer):
                yield piece

    async def whole(self) -> AsyncGenerator[bytes]:
        """Yield all bytes; see ``Store``."""
        async with AsyncExitStack() as stack:
            answer = await self._asked(stack, {})
            if answer.status != 200:
                raise self.unfit(answer.status, _seconds(answer.headers))
            async for piece in self._body(answer):
                yield piece

    async def _asked(self, stack: AsyncExitStack, headers: dict[str, str]) -> Any:
        """Return the answer to a request, headers read and the body not."""
        import aiohttp

        limits = self._limits
        options = dict(self._system.kwargs)
        headers = {**options.pop("headers", {}), "Accept-Encoding": "identity", **headers}
        patience = aiohttp.ClientTimeout(
            total=None, connect=limits.connect, sock_read=limits.silence
        )
        options = {"timeout": patience, **options, "headers": headers}
        session = await self._system.set_session()
        try:
            asked = session.get(self._system.encode_url(self.url), **options)
            answer = await stack.enter_async_context(asked)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise self._failed(error) from error
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise self.refused("the server compresses what it gives")
        return answer

    async def _body(self, answer: Any) -> AsyncGenerator[bytes]:
        import aiohttp

        try:
            async for piece in answer.content.iter_any():
                yield piece
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> Exception:
        """Return what an error of the connection means."""
        import aiohttp

        unfit = (aiohttp.InvalidURL, aiohttp.TooManyRedirects, aiohttp.ClientSSLError)
        if isinstance(error, unfit) or type(error) is ValueError:
            return self.refused(_words(error))
        return PassingError(_words(error), reached=False)


class S3Store(_Known):
    """An image in an object store that speaks S3."""

    medium = "object-store"

    def __init__(self, system: Any, url: str) -> None:
        """Read with an ``S3FileSystem``."""
        super().__init__(url)
        self._system = system
        bucket, key, version = system.split_path(system._strip_protocol(url))
        self._what = {"Bucket": bucket, "Key": key}
        if version:
            self._what["VersionId"] = version

    async def pieces(self, start: int, end: int) -> AsyncGenerator[bytes]:
        """Yield the bytes of a range; see ``Store``."""
        wanted = {**self._what, "Range": f"bytes={start}-{end - 1}"}
        if self.tag:
            wanted["IfMatch"] = self.tag
        try:
            answer = await self._system._call_s3("get_object", **wanted)
        except Exception as error:
            code, status = _s3_status(error)
            if code == "InvalidRange":
                self.out_of_range("", start)
                return
            raise self._failed(error, status) from error
        said = answer.get("ContentRange", "")
        self.hold_range(said, start, end, answer.get("ETag", ""))
        async with answer["Body"] as body:
            while piece := await self._next(body):
                yield piece

    async def whole(self) -> AsyncGenerator[bytes]:
        """Yield all bytes; S3 always has ranges, so nobody asks for this."""
        async for piece in self.pieces(0, self.size):
            yield piece

    async def _next(self, body: Any) -> bytes:
        try:
            piece: bytes = await body.read(1 << 18)
        except Exception as error:
            raise self._failed(error, None) from error
        return piece

    def _failed(self, error: Exception, status: int | None) -> Exception:
        if isinstance(error, FileNotFoundError):
            return self.refused("not found", missing=True)
        if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
            return self.refused(f"access is denied: {_words(error)}")
        if status is not None:
            return self.unfit(status)
        return PassingError(_words(error), reached=False)


class AnyStore(_Known):
    """An image behind any other protocol; of a change only its size may tell."""

    def __init__(self, system: Any, url: str) -> None:
        """Read with any file system of fsspec."""
        super().__init__(url)
        self._system = system
        self._path = system._strip_protocol(url)
        self._one = asyncio.Lock()

    async def pieces(self, start: int, end: int) -> AsyncGenerator[bytes]:
        """Yield the bytes of a range; see ``Store``."""
        if self.size < 0:
            found = await self._call("info", self._path)
            if found.get("type") == "directory" or found.get("size") is None:
                raise self.refused("is no file whose size is known")
            self.hold(int(found["size"]))
        end = min(end, self.size)
        if start < end:
            yield await self._call("cat_file", self._path, start=start, end=end)

    async def whole(self) -> AsyncGenerator[bytes]:
        """Yield all bytes; see ``Store``."""
        yield await self._call("cat_file", self._path)

    async def _call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the file system; not all of those that block take two at once."""
        try:
            if self._system.async_impl:
                return await getattr(self._system, f"_{method}")(*arguments, **options)
            async with self._one:
                return await asyncio.to_thread(getattr(self._system, method), *arguments, **options)
        except FileNotFoundError as error:
            raise self.refused("not found", missing=True) from error
        except (PermissionError, IsADirectoryError, NotImplementedError) as error:
            raise self.refused(_words(error)) from error
        except Exception as error:
            raise PassingError(_words(error), reached=False) from error


def store_of(url: str, limits: Limits) -> tuple[Store, Any]:
    """Return the store of a URL, and the event loop that it works in.

    Raises:
        UsageError: What reads such URLs is not installed, or nothing does.
    """
    name = masked(url)
    try:
        import fsspec
        import fsspec.asyn

        system, _ = fsspec.core.url_to_fs(url, **_options(url))
    except ImportError as error:
        told = f"{name}: URLs are read with the extra remote (pip install 'darimage[remote]')"
        raise UsageError(f"{told}: {_words(error)}") from error
    except (ValueError, TypeError, OSError) as error:
        raise UsageError(f"{name}: {_words(error)}") from error
    loop = fsspec.asyn.get_loop()
    protocols = system.protocol if isinstance(system.protocol, tuple) else (system.protocol,)
    if "https" in protocols:
        return HttpStore(system, url, limits), loop
    if "s3" in protocols:
        return S3Store(system, url), loop
    return AnyStore(system, url), loop


def _options(url: str) -> dict[str, Any]:
    """Return what is said to fsspec: that proxies and ``~/.netrc`` count for HTTP."""
    from fsspec.config import conf

    protocol = url.partition(":")[0].lower()
    if protocol not in ("http", "https"):
        return {}
    told = conf.get("https", {}).get("client_kwargs") or conf.get("http", {}).get("client_kwargs")
    return {"client_kwargs": {"trust_env": True, **(told or {})}}


def _seconds(headers: Mapping[str, str]) -> float | None:
    said = headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() and len(said) < 6 else None


def _s3_status(error: BaseException) -> tuple[str, int | None]:
    """Return code and status of what an S3 server answered, if that is behind an error."""
    answer = getattr(error.__cause__, "response", None) or getattr(error, "response", None) or {}
    code = str(answer.get("Error", {}).get("Code", ""))
    return code, answer.get("ResponseMetadata", {}).get("HTTPStatusCode")


def _words(error: BaseException) -> str:
    """Return what an error of a library says, in one line and without secrets."""
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    told = getattr(getattr(error, "os_error", None), "strerror", None) or str(error)
    told = without_secrets(" ".join(told.split()))
    return told[:200] or type(error).__name__
