"""Runs foreign programs within limits of time, memory and output."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

_POLL_SECONDS = 0.02
_CHUNK = 1 << 16
_STDERR_KEPT = 1 << 16

# RLIMIT_DATA and not RLIMIT_AS: runtimes such as node reserve terabytes of addresses they never
# use. It stands at twice the limit because one that is refused memory may end in good order: what
# is too much is found by looking at it, and this only stops what is quicker than the looks.
_WITHIN = 'ulimit -c 0; ulimit -d "$1" && ulimit -f "$2" || exit 125; shift 2; exec "$@"'


class Limits(NamedTuple):
    """What a testee may take for one case.

    Attributes:
        seconds: Time.
        memory: Bytes of memory of its own, all its processes together.
        output: Bytes of an answer.
        file_size: Bytes of a file that it writes.
        stop: Set when all that runs shall end at once.
    """

    seconds: float = 30.0
    memory: int = 1 << 30
    output: int = 64 << 20
    file_size: int = 16 << 30
    stop: threading.Event | None = None


DEFAULT = Limits()


class Ended(NamedTuple):
    """How a program ended, or why it was ended.

    Attributes:
        exit_code: If it ended by itself.
        signal: That ended it.
        exceeded: The limit it went over: ``time``, ``memory`` or ``output``; else empty.
        peak: Most bytes of memory it was seen to have.
    """

    exit_code: int | None
    signal: int | None
    exceeded: str
    peak: int


class LimitError(Exception):
    """A program went over a limit and was ended.

    Attributes:
        limit: ``time``, ``memory`` or ``output``.
    """

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


class StoppedError(Exception):
    """The whole run is to end."""


class Child:
    """A program that runs in a session of its own, watched while it is read from.

    Attributes:
        peak: Most bytes of memory that all of its processes had.
        stderr: The beginning of what it wrote to standard error.
    """

    def __init__(self, command: Sequence[str], limits: Limits, folder: Path) -> None:
        """Start a program.

        Raises:
            OSError: It cannot be started.
        """
        self.limits = limits
        self.peak = 0
        self.stderr = bytearray()
        self._pending = bytearray()
        kib, blocks = limits.memory * 2 // 1024, limits.file_size // 512
        shell = ["/bin/sh", "-c", _WITHIN, "sh", str(kib), str(blocks), *command]
        self._process = subprocess.Popen(  # noqa: S603 - running foreign programs is what this is for
            shell,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._ending = os.pidfd_open(self._process.pid)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._ending, selectors.EVENT_READ)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None  # noqa: S101 - they are pipes
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ)
        self._looked = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.end()

    def send(self, line: bytes) -> None:
        """Write to its standard input; that it is gone is found out when reading."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(line)

    def close_input(self) -> None:
        """Close its standard input."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def read_all(self, deadline: float) -> bytes:
        """Return all that it writes until it ends.

        Raises:
            LimitError: It went over a limit.
        """
        while self._wait(deadline):
            pass
        return bytes(self._pending)

    def read_line(self, deadline: float) -> bytes | None:
        """Return the next line that it writes, without its end; ``None`` if it ends before that.

        Raises:
            LimitError: It went over a limit.
        """
        seen = 0
        while (end := self._pending.find(b"\n", seen)) < 0:
            seen = len(self._pending)
            if not self._wait(deadline):
                return None
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        return line

    def end(self) -> Ended:
        """End it with all that it started, if it has not ended, and say how it did."""
        if self._process.returncode is None:
            self._close()
        code = self._process.returncode
        by_signal = code < 0
        return Ended(None if by_signal else code, -code if by_signal else None, "", self.peak)

    def _close(self) -> None:
        self._kill_group()
        self._process.wait()
        self._selector.close()
        os.close(self._ending)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def _wait(self, deadline: float) -> bool:
        """Read what there is, or wait a moment for it; tell whether more can come."""
        ended = self._has_ended()
        for key, _ in self._selector.select(0 if ended else _POLL_SECONDS):
            if key.fd != self._ending and self._read(key.fd):
                ended = False
        self._look()
        if self.limits.stop is not None and self.limits.stop.is_set():
            raise StoppedError
        if len(self._pending) > self.limits.output:
            raise LimitError("output")
        if ended:
            return False
        if time.monotonic() > deadline:
            raise LimitError("time")
        return True

    def _read(self, fd: int) -> bool:
        """Read what is there; tell whether there was anything."""
        stdout, stderr = self._process.stdout, self._process.stderr
        try:
            chunk = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            self._selector.unregister(fd)
        elif stdout is not None and fd == stdout.fileno():
            self._pending += chunk
        elif stderr is not None and len(self.stderr) < _STDERR_KEPT:
            self.stderr += chunk[: _STDERR_KEPT - len(self.stderr)]
        return bool(chunk)

    def _has_ended(self) -> bool:
        """Tell whether the program itself has ended, leaving it to be waited for."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        if os.waitid(os.P_PID, self._process.pid, options) is None:
            return False
        # What it left running would hold the pipes open.
        self._kill_group()
        return True

    def _kill_group(self) -> None:
        """Kill its session; safe as long as the program was not waited for."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < _POLL_SECONDS:
            return
        self._looked = now
        held = sum(_memory(pid) for pid in _family(self._process.pid))
        self.peak = max(self.peak, held)
        if held > self.limits.memory:
            raise LimitError("memory")


def run(command: Sequence[str], limits: Limits, folder: Path) -> tuple[Ended, bytes, str]:
    """Run a program to its end; return how it ended, what it wrote, and its messages.

    Raises:
        OSError: It cannot be started.
    """
    exceeded = ""
    output = b""
    with Child(command, limits, folder) as child:
        child.close_input()
        try:
            output = child.read_all(time.monotonic() + limits.seconds)
        except LimitError as error:
            exceeded = error.limit
        ended = child.end()
    return ended._replace(exceeded=exceeded), output, child.stderr.decode("utf-8", "replace")


def _environment(folder: Path) -> Mapping[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "dumb"}


def _family(pid: int) -> list[int]:
    """Return a process and those below it."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children") as file:
                    found += map(int, file.read().split())
    return found


def _memory(pid: int) -> int:
    """Return the bytes of memory of a process that are no copies of files."""
    total = 0
    with suppress(OSError), open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(("RssAnon:", "RssShmem:", "VmSwap:")):
                total += int(line.split()[1]) * 1024
    return total
