"""Runs jobs in forked processes: the interpreter lock makes threads lose on many small files.

Jobs share what the parent had in memory when they started; what they return comes back by pipe.
"""

from __future__ import annotations

import gc
import mmap
import os
import pickle
import select
import signal
import struct
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Generic, NoReturn, Self, TypeVar, cast

from darimage.ending import Ended
from darimage.errors import DarimageError
from darimage.forking import fork
from darimage.progress import Progress

T = TypeVar("T")
Job = Callable[[Callable[[int], None]], T]
"""Work that tells how much of it is done (bytes) and returns something that can be pickled."""

_COUNTER = struct.Struct("q")
_POLL_SECONDS = 0.1


class WorkerError(DarimageError):
    """A worker process died."""

    exit_code = 3


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def run(jobs: Sequence[Job[T]], progress: Progress) -> list[T]:
    """Run all jobs at once and return what they return, in order.

    A single job runs in this process. If a job raises, the others are ended and its error is
    raised here.

    Raises:
        WorkerError: A worker died without an answer.
    """
    if len(jobs) == 1:
        return [jobs[0](progress.advance)]
    gc.freeze()
    counters = mmap.mmap(-1, _COUNTER.size * len(jobs))
    workers = [_start(job, counters, index) for index, job in enumerate(jobs)]
    try:
        return [cast("T", answer) for answer in _gather(workers, counters, progress)]
    finally:
        for pid, pipe in workers:
            os.close(pipe)
            _end(pid)


class Beside(Generic[T]):
    """A job in a forked process while this one goes on; used with ``with``, which ends it."""

    def __init__(self, job: Job[T]) -> None:
        gc.freeze()
        self._counters = mmap.mmap(-1, _COUNTER.size)
        self._worker = _start(job, self._counters, 0)

    def answer(self, progress: Progress) -> T:
        """Wait for what the job returns; what it raises is raised here.

        Raises:
            WorkerError: The process died without an answer.
        """
        return cast("T", _gather([self._worker], self._counters, progress)[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        pid, pipe = self._worker
        os.close(pipe)
        _end(pid)


def _start(job: Job[Any], counters: mmap.mmap, index: int) -> tuple[int, int]:
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # numpy's thread pool makes Python 3.12 warn; the children never call into it.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    return _work(job, counters, index, writing)


def _work(job: Job[Any], counters: mmap.mmap, index: int, pipe: int) -> NoReturn:
    """Run a job in a child; never returns into the parent's code."""
    status = 1
    try:
        at, done = index * _COUNTER.size, 0

        def advance(amount: int) -> None:
            nonlocal done
            done += amount
            _COUNTER.pack_into(counters, at, done)

        try:
            answer: tuple[bool, Any] = (True, job(advance))
        except Exception as error:  # noqa: BLE001 - the parent raises it
            answer = (False, error)
        with os.fdopen(pipe, "wb") as stream:
            pickle.dump(answer, stream, pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        os._exit(status)


def _gather(
    workers: Sequence[tuple[int, int]], counters: mmap.mmap, progress: Progress
) -> list[Any]:
    received: dict[int, list[bytes]] = {pipe: [] for _, pipe in workers}
    waiting = {pipe for _, pipe in workers}
    pids = {pipe: pid for pid, pipe in workers}
    answers: dict[int, Any] = {}
    told = 0
    while waiting:
        ready, _, _ = select.select(list(waiting), [], [], _POLL_SECONDS)
        for pipe in ready:
            chunk = os.read(pipe, 1 << 20)
            if chunk:
                received[pipe].append(chunk)
            else:
                waiting.discard(pipe)
                answers[pipe] = _answer(pids[pipe], received.pop(pipe))
        done = sum(
            _COUNTER.unpack_from(counters, i * _COUNTER.size)[0] for i in range(len(workers))
        )
        progress.advance(done - told)
        told = done
    return [answers[pipe] for _, pipe in workers]


def _answer(pid: int, chunks: list[bytes]) -> Any:
    try:
        good, value = pickle.loads(b"".join(chunks))  # noqa: S301 - from our own child
    except (EOFError, pickle.UnpicklingError):
        how = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        if how is not None and (how.si_code, how.si_status) == (os.CLD_KILLED, signal.SIGTERM):
            # Whoever ends a worker so ends the run; it may be told first.
            raise Ended(signal.SIGTERM) from None
        raise WorkerError("a worker process died") from None
    if not good:
        raise value
    return value


def _end(pid: int) -> None:
    """Make sure a child is gone."""
    done, _ = os.waitpid(pid, os.WNOHANG)
    if not done:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
