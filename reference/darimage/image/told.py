"""What is found wrong with an image, within bounds."""

from __future__ import annotations

from collections.abc import Callable

from darimage.faults import Fault

KEPT_FAULTS = 1000
"""Faults that are kept; more are only counted."""


class Faults(list[Fault]):
    """Faults, at most ``KEPT_FAULTS`` of them.

    Attributes:
        total: How many there were.
    """

    def __init__(self, located: Callable[[Fault], Fault] | None = None) -> None:
        """Keep nothing yet; ``located`` says on which volume a fault's record really lies."""
        super().__init__()
        self.total = 0
        self._located = located

    @property
    def full(self) -> bool:
        """Whether more are only counted."""
        return len(self) >= KEPT_FAULTS

    def tell(self, fault: Fault) -> None:
        """Keep a fault, or only count it."""
        self.total += 1
        if not self.full:
            self.append(self._located(fault) if self._located else fault)
