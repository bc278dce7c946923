"""Volumes that stand before another one."""

from __future__ import annotations


class Before:
    """A volume that reads from another and calls ``seen`` before each read."""

    def __init__(self, volume):
        self.volume = volume

    def __getattr__(self, name):
        return getattr(self.volume, name)

    @property
    def bytes_read(self):
        return self.volume.bytes_read

    @bytes_read.setter
    def bytes_read(self, value):
        self.volume.bytes_read = value

    def seen(self, offset, length):
        """Called with what will be read, in bytes; may raise."""

    def read_at(self, offset, length):
        self.seen(offset, length)
        return self.volume.read_at(offset, length)

    def readinto_at(self, offset, views):
        self.seen(offset, sum(view.nbytes for view in views))
        return self.volume.readinto_at(offset, views)
