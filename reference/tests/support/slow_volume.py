"""A medium that takes its time, fails where it is told to, and counts."""

from __future__ import annotations

import threading
import time

from darimage.errors import StorageError
from darimage.volumes.cut import ONE_VOLUME


class SlowVolume:
    """Bytes that come slowly.

    Attributes:
        asked: First byte and the one after the last of each read, in order.
        expected: What ``expect`` was told, in order.
        threads: Names of the threads that read.
    """

    cut = ONE_VOLUME
    is_slow = True
    name = "slow"

    def __init__(self, volume, *, seconds=0.0, rate=0.0, bad=()):
        """Read from ``volume``; ``bad`` are spans that cannot be read."""
        self.volume = volume
        self.size = volume.size
        self.seconds, self.rate, self.bad = seconds, rate, list(bad)
        self.bytes_read = self.reads = 0
        self.asked, self.expected, self.threads = [], [], set()
        self.one = threading.Lock()

    def read_at(self, offset, length):
        length = max(0, min(length, self.size - offset))
        view = memoryview(bytearray(length))
        self.readinto_at(offset, [view])
        return bytes(view)

    def readinto_at(self, offset, views):
        assert self.one.acquire(blocking=False), "two read at once"
        try:
            end = min(offset + sum(view.nbytes for view in views), self.size)
            self.asked.append((offset, end))
            self.threads.add(threading.current_thread().name)
            time.sleep(self.seconds + ((end - offset) / self.rate if self.rate else 0))
            for low, high in self.bad:
                if low < end and high > offset:
                    raise StorageError(f"{self.name}: bytes {low} to {high - 1} are bad")
            got = self.volume.readinto_at(offset, views)
            self.bytes_read += got
            self.reads += 1
            return got
        finally:
            self.one.release()

    def expect(self, spans):
        self.expected.append(spans.tolist())

    def missing(self, start, end):
        return []

    def close(self):
        pass
