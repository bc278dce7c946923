"""Signals that end a run: what is half done is taken back first, and the exit code says which."""

from __future__ import annotations

import signal
from contextlib import suppress
from types import FrameType

WORDS = {
    signal.SIGHUP: "hung up",
    signal.SIGINT: "interrupted",
    signal.SIGQUIT: "quit",
    signal.SIGTERM: "terminated",
}
"""The signals, and how a run that one of them ended is called."""


class Ended(SystemExit):
    """The run was ended by a signal; raised wherever it was just then.

    Attributes:
        code: The exit code, 128 and the signal's number as shells have it.
    """

    code: int

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number

    def __str__(self) -> str:
        return WORDS[signal.Signals(self.number)]


def install() -> None:
    """Let the signals raise ``Ended`` from now on.

    One that is ignored stays so, as ``nohup`` and shells in the background want it.
    """
    for number in WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            with suppress(ValueError):  # only the main thread may
                signal.signal(number, _end)


_came: list[int] = []


def _end(number: int, _frame: FrameType | None) -> None:
    # A second one must not stop what cleans up after the first.
    _came.append(number)
    if len(_came) == 1:
        raise Ended(number)


def leave_to_parent() -> None:
    """Let a worker go on where its parent is told as well, and will end it.

    TERM ends it at once: it may be alone.
    """
    for number in WORDS:
        if number != signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)
        elif signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
