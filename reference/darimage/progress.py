"""How long work tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of the steps of long work."""

    def start(self, what: str, total: int) -> None:
        """Begin ``what``, of ``total`` units (bytes unless said otherwise; 0 unknown)."""
        ...

    def advance(self, amount: int) -> None:
        """``amount`` more units are done."""
        ...

    def finish(self) -> None:
        """The step is over."""
        ...


class Silent:
    """Progress that nobody looks at."""

    def start(self, what: str, total: int) -> None:
        """Do nothing."""

    def advance(self, amount: int) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


SILENT = Silent()
