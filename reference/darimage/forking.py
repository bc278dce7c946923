"""Forking without being interrupted halfway."""

from __future__ import annotations

import os
import signal

from darimage.ending import WORDS


def fork() -> int:
    """Fork as ``os.fork`` does; a signal to end waits until both processes are whole.

    The interpreter has work to do in the child before anything can catch the signal's exception.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WORDS)
    try:
        return os.fork()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
