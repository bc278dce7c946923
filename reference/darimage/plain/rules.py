"""Rules that can be switched off, one by one, to see who notices."""

from __future__ import annotations

from collections.abc import Iterable


class Rules:
    """What is kept of the specification: all of it, but for what is switched off.

    Attributes:
        off: Requirements that are not kept.
        mattered: Requirements that something broke, or that chose a way: with any other one
            switched off the same would have come of it.
    """

    def __init__(self, off: Iterable[str] = ()) -> None:
        """Take requirements by their ids."""
        self.off = frozenset(off)
        self.mattered: set[str] = set()

    def keeps(self, requirement: str, holds: object) -> bool:
        """Tell whether a check is passed, or not made because it is switched off."""
        if holds:
            return True
        self.mattered.add(requirement)
        return requirement in self.off

    def follows(self, requirement: str) -> bool:
        """Tell whether to do what a requirement says; false if it is switched off."""
        self.mattered.add(requirement)
        return requirement not in self.off


ALL = Rules()
"""Everything is kept."""
