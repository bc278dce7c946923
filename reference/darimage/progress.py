"""How long work tells how far it is."""

from __future__ import annotations

from typing import Protocol

BYTES = "bytes"
"""The unit of steps that read or write."""


class Progress(Protocol):
    """Told of the steps of long work."""

    def start(self, what: str, total: int, unit: str = BYTES) -> None:
        """Begin ``what``, of ``total`` units (0 unknown): bytes, or things of that name."""
        ...

    def advance(self, amount: int) -> None:
        """``amount`` more units are done."""
        ...

    def finish(self) -> None:
        """The step is over."""
        ...


class Silent:
    """Progress that nobody looks at."""

    def start(self, what: str, total: int, unit: str = BYTES) -> None:
        """Do nothing."""

    def advance(self, amount: int) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


SILENT = Silent()
