"""Forking without being interrupted halfway."""

from __future__ import annotations

import os
import signal

from darimage.ending import WORDS, leave_to_parent


def fork() -> int:
    """Fork as ``os.fork`` does; a signal to end waits until both processes are whole.

    The interpreter has work to do in the child before anything can catch the signal's exception;
    and the child leaves such signals to its parent, or it would clean up what is the parent's.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WORDS)
    try:
        pid = os.fork()
        if not pid:
            leave_to_parent()
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
