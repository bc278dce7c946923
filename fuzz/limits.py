"""What an input may cost: time of the processor and memory."""

from __future__ import annotations

import contextlib
import signal
import tracemalloc

SECONDS = 10
"""Time of the processor that one input may take."""

BUFFERS = 24 << 20
"""Fixed buffers of readers; on top of it metadata may take a few times the size of the image."""


class Hang(BaseException):
    """An input took longer than it may."""


@contextlib.contextmanager
def in_time(seconds=SECONDS):
    """Raise ``Hang`` after some seconds of this process: how busy the machine is does not count."""

    def stop(_signal, _frame):
        raise Hang(f"more than {seconds} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextlib.contextmanager
def in_memory(most):
    """Check how much memory was taken at most."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most, f"{peak} bytes taken, {most} allowed"
