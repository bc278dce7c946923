"""Streams that cannot seek, copied into a temporary file, unless they begin as no image does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any, Self

from darimage.volumes.reading import FileVolume, MemoryVolume, Volume

Check = Callable[[Volume], None]
"""Looks at the first bytes of a stream that goes on, and raises an error if it is no image."""

BEGINNING = 1 << 22
"""Bytes that are looked at: more than two of the longest tape blocks that we write."""


class Spool:
    """A temporary file without a name that takes a stream; used with ``with``."""

    def __init__(self, name: str, check: Check | None = None) -> None:
        """Begin.

        Args:
            name: What the stream is called in messages.
            check: Called once there is more than the beginning.
        """
        self._name = name
        self._check = check
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._written = 0

    def write(self, data: Any) -> int:
        """Take the next bytes; what the check raises is raised here."""
        self._written += self._file.write(data)
        if self._check is not None and self._written > BEGINNING:
            self._file.seek(0)
            check, self._check = self._check, None
            check(MemoryVolume(self._file.read(BEGINNING), self._name))
            self._file.seek(0, os.SEEK_END)
        return len(data)

    def volume(self) -> FileVolume:
        """Return what was taken."""
        self._file.flush()
        return FileVolume(os.dup(self._file.fileno()), self._name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()
