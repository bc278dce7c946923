"""Scans in a process of its own, so that what else a run needs can be imported meanwhile.

Once the parent has imported it, it asks for a part of what is still to be scanned, and both scan.
"""

from __future__ import annotations

import fcntl
import gc
import mmap
import os
import pickle
import signal
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from darimage.errors import DarimageError
from darimage.forking import fork
from darimage.progress import BYTES, Progress
from darimage.sources.scan import Pending, Scan

if TYPE_CHECKING:
    from darimage.sources.tail import Tail

_LENGTH = 8
"""Bytes that say how long a message is."""

_BATCH = 1 << 12
"""Entries sent at once, so that neither side holds the tree twice."""

_COLUMNS = (
    "directories",
    "others",
    "targets",
    "first_entry",
    "directory_entry",
    "directory_parent",
    "other_entry",
    "other_parent",
)
_REST = (
    "extents",
    "linked",
    "links",
    "xattrs",
    "nt_acls",
    "streams",
    "stream_of",
    "clamped",
    "unreadable",
    "faults",
    "skipped",
)


class ScanError(DarimageError):
    """The scanning process died."""

    exit_code = 3


class Left(NamedTuple):
    """What the child leaves to the parent: directories that nobody has scanned yet."""

    pending: list[Pending]


class ScanAhead:
    """A scan under way in a child."""

    def __init__(self, scan: Callable[[Scan, Sender], None]) -> None:
        """Start it; ``scan`` fills what it is given and tells its progress after each directory."""
        self._pipe, writing = os.pipe()
        self._asked = mmap.mmap(-1, 1)
        with suppress(OSError):
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 20)
        self._pid = fork()
        if not self._pid:
            os.close(self._pipe)
            _work(scan, writing, self._asked)
        os.close(writing)
        self._scan = Scan()
        self._left: list[Pending] = []
        self._is_whole = False

    def result(
        self, progress: Progress, scan_too: Callable[[Tail, Progress], None] | None = None
    ) -> Scan:
        """Wait for the scan and return it.

        Args:
            progress: Told of the entries found.
            scan_too: Scans what the child leaves to this process, and tells its progress after each
                directory; by default it is left nothing.

        Raises:
            ScanError: The child died.
            DarimageError: What the scan raised.
        """
        scan = self._scan
        self._asked[0] = scan_too is not None
        try:
            while not (self._is_whole or self._left):
                self._receive(progress)
            if self._left and scan_too is not None:
                self._share(progress, scan_too)
        finally:
            os.close(self._pipe)
            if not self._is_whole:
                os.kill(self._pid, signal.SIGKILL)  # it may hang in a file system
            os.waitpid(self._pid, 0)
        # A directory is named before it is scanned: its entry's target may have come too early.
        for number, entry in enumerate(scan.directory_entry[1:], 1):
            scan.targets[entry] = ~number
        return scan

    def _share(self, progress: Progress, scan_too: Callable[[Tail, Progress], None]) -> None:
        """Scan what the child has left, and receive what it finds meanwhile."""
        # It needs numpy, which the child must not wait for.
        from darimage.sources.tail import Tail

        tail = Tail(self._scan, self._left)
        scan_too(tail, _Meanwhile(progress, self._poll))
        while not self._is_whole:
            self._receive(progress)
        tail.append_to(self._scan)

    def _poll(self, progress: Progress) -> None:
        """Receive what has come, so that the child need not hold it."""
        if not self._is_whole and _waiting(self._pipe):
            self._receive(progress)

    def _receive(self, progress: Progress) -> None:
        """Take in what the child sends next."""
        length = int.from_bytes(_read(self._pipe, _LENGTH), sys.byteorder)
        columns, count, names, rest = pickle.loads(_read(self._pipe, length))  # noqa: S301
        if isinstance(rest, Exception):
            raise rest
        for name, column in zip(_COLUMNS, columns, strict=True):
            getattr(self._scan, name).frombytes(column)
        if count:
            self._scan.names += names.split(b"/")
        progress.advance(count)
        if isinstance(rest, Left):
            self._left = rest.pending
        elif rest is not None:
            for name, value in zip(_REST, rest, strict=True):
                setattr(self._scan, name, value)
            self._is_whole = True


class _Meanwhile:
    """Progress of the parent's scan, which gives it time to do something else."""

    def __init__(self, progress: Progress, then: Callable[[Progress], None]) -> None:
        self._progress = progress
        self._then = then

    def start(self, what: str, total: int, unit: str = BYTES) -> None:
        """Do nothing."""

    def advance(self, amount: int) -> None:
        """Tell of it, and do the other thing."""
        self._progress.advance(amount)
        self._then(self._progress)

    def finish(self) -> None:
        """Do nothing."""


def _read(pipe: int, length: int) -> bytearray:
    """Read from the child, no more than is asked for: what is left shows in the pipe."""
    data = bytearray(length)
    view = memoryview(data)
    while view:
        got = os.readv(pipe, [view])
        if not got:
            raise ScanError("the scanning process died")
        view = view[got:]
    return data


def _waiting(pipe: int) -> int:
    """Return how many bytes of a pipe nobody has read yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


class Sender:
    """Sends what a scan has found, each time that it is told of progress."""

    def __init__(self, pipe: int, scan: Scan, asked: mmap.mmap) -> None:
        """Take what the scan fills; the parent sets ``asked`` when it has nothing else to do."""
        self._pipe = pipe
        self._scan = scan
        self._asked = asked
        self._has_left = False
        self._sent = [0] * len(_COLUMNS)
        self._named = 0

    def start(self, what: str, total: int, unit: str = BYTES) -> None:
        """Do nothing."""

    def advance(self, amount: int) -> None:
        """Send a batch when there is enough, unless the parent has not read the last one yet."""
        if len(self._scan.names) - self._named >= _BATCH and not _waiting(self._pipe):
            self.send(None)

    def finish(self) -> None:
        """Do nothing."""

    def leave(self, pending: list[Pending]) -> list[Pending]:
        """Leave the last half of what is to be scanned to the parent if it asks; return the rest.

        What is last in the tree is first in the list.
        """
        half = len(pending) // 2
        if not half or self._has_left or not self._asked[0]:
            return pending
        self._has_left = True
        self.send(Left(pending[:half]))
        return pending[half:]

    def end(self) -> None:
        """Send what is left."""
        if not self._has_left:
            self._scan.linked.clear()
        self.send([getattr(self._scan, name) for name in _REST])

    def send(self, rest: Any) -> None:
        """Send what is new, and with it what is not columns."""
        scan, columns = self._scan, []
        for at, name in enumerate(_COLUMNS):
            column = getattr(scan, name)
            columns.append(column[self._sent[at] :].tobytes())
            self._sent[at] = len(column)
        # The widest columns, which a scan only appends to, need not be held twice.
        del scan.others[:]
        self._sent[_COLUMNS.index("others")] = 0
        names = b"/".join(scan.names[self._named :])
        count = len(scan.names) - self._named
        self._named += count
        _send(self._pipe, (columns, count, names, rest))


def _send(pipe: int, message: Any) -> None:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    os.write(pipe, len(data).to_bytes(_LENGTH, sys.byteorder))
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


def _work(scan: Callable[[Scan, Sender], None], pipe: int, asked: mmap.mmap) -> NoReturn:
    """Scan in the child; never returns into the parent's code."""
    status = 1
    try:
        gc.disable()
        found = Scan()
        sender = Sender(pipe, found, asked)
        try:
            scan(found, sender)
            sender.end()
        except Exception as error:  # noqa: BLE001 - the parent raises it
            _send(pipe, ((), 0, b"", error))
        status = 0
    finally:
        os._exit(status)
