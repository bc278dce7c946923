"""Runs all cases, several at once; the order of the results does not depend on that."""

from __future__ import annotations

import queue
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from darimage.conformance import trial
from darimage.conformance.asking import Connection
from darimage.conformance.cases import Case
from darimage.conformance.level0 import CommandLine
from darimage.conformance.level1 import Session
from darimage.conformance.limits import DEFAULT, Limits, StoppedError
from darimage.conformance.removing import remove
from darimage.conformance.testee import Testee
from darimage.conformance.trial import Trial
from darimage.conformance.verdicts import Expectation, Observation, Outcome

_WAKE_SECONDS = 0.2

OnTrial = Callable[[Trial], None]


@dataclass(frozen=True)
class Settings:
    """How to run.

    Attributes:
        limits: For each case.
        jobs: Cases at once.
        keep: A folder for the answers as they came; ``None`` to forget them.
    """

    limits: Limits = DEFAULT
    jobs: int = 1
    keep: Path | None = None


class Runner:
    """Gives cases to a testee.

    Attributes:
        claims: What the testee says of itself.
    """

    def __init__(self, testee: Testee, settings: Settings) -> None:
        """Open the connections.

        Raises:
            SessionError: The testee does not start.
        """
        self._settings = settings
        self._stop = threading.Event()
        self._limits = settings.limits._replace(stop=self._stop)
        self._place = Path(tempfile.mkdtemp(prefix="darimage-run-"))
        self._free: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._all: list[Connection] = []
        self.claims = testee.claims
        try:
            for number in range(settings.jobs):
                self._open(testee, number)
        except BaseException:
            self.close()
            raise

    def _open(self, testee: Testee, number: int) -> None:
        connection: Connection
        if testee.level == 0:
            connection = CommandLine(testee.command)
        else:
            home = self._place / f"session{number}"
            home.mkdir()
            session = Session(testee.command, self._limits, home, testee.claims.name)
            self.claims = session.claims
            connection = session
        self._all.append(connection)
        self._free.put(connection)

    def run(self, cases: Sequence[Case], on_trial: OnTrial = lambda _: None) -> list[Trial]:
        """Return what came of each case, in the order of the cases."""
        lock = threading.Lock()

        def one(case: Case) -> Trial:
            done = self._one(case)
            with lock:
                on_trial(done)
            return done

        with ThreadPoolExecutor(self._settings.jobs) as pool:
            # An interrupt may come while submitting, too, and the pool waits for all cases.
            try:
                futures = [pool.submit(one, case) for case in cases]
                # A signal that another thread got does not wake this one: look every now and then.
                while (found := wait(futures, _WAKE_SECONDS, FIRST_EXCEPTION)).not_done:
                    for future in found.done:
                        future.result()
                return [future.result() for future in futures]
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _one(self, case: Case) -> Trial:
        connection = self._free.get()
        try:
            done = self._tried(case, connection)
        finally:
            self._free.put(connection)
        if self._settings.keep is not None and done.raw:
            (self._settings.keep / answer_name(case.id)).write_bytes(done.raw)
        return done

    def _tried(self, case: Case, connection: Connection) -> Trial:
        folder = Path(tempfile.mkdtemp(prefix="case-", dir=self._place))
        try:
            return trial.run(case, self.claims, connection, folder, self._limits)
        except StoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like theirs
            reason = f"fault of the runner: {type(error).__name__}: {error}"
            return Trial(case, Expectation.of(case.wanted), Observation(Outcome.ERRORED, reason))
        finally:
            remove(folder)

    def close(self) -> None:
        """End the testee and remove what it left."""
        for connection in self._all:
            connection.close()
        remove(self._place)


def answer_name(case: str) -> str:
    """Return the name of the file that keeps the answer of a case."""
    return case.replace(":", ".") + ".json"
