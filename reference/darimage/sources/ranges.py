"""Where the data of a file with holes is."""

from __future__ import annotations

import errno
import os

from darimage.sources.scan import Ranges


def present(descriptor: int, size: int) -> Ranges | None:
    """Return the present byte ranges of a file; ``None`` if it has no holes."""
    ranges, end = [], 0
    while end < size and (start := _data(descriptor, end)) is not None:
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        ranges.append((start, end))
    return None if ranges == [(0, size)] else ranges


def _data(descriptor: int, offset: int) -> int | None:
    """Return where the next data is; ``None`` if there is only hole up to the end."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise
