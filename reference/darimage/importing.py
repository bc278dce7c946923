"""Importing without a search for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Import what stays until the end of the process.

    None of it is garbage. To search it, again and again while more is imported and once more at
    the end, takes a tenth of the time of a small job.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
