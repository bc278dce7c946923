"""Where rules tell what they found, in bounded memory: much in full, the rest by number."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from darimage.faults import Fault
from darimage.validate.rules.rule import Rule

KEPT = 100
"""Findings of one rule that are kept if nobody says how many."""


def place_in_order(record: int | None) -> tuple[bool, int]:
    """Return by what a finding about a record, or about none, is put in order."""
    return record is None, record or 0


class Gathering(Protocol):
    """Takes findings in."""

    def wants(self, rule: Rule) -> bool:
        """Tell whether the next finding of a rule is to be told in full."""

    def tell(self, rule: Rule, fault: Fault) -> None:
        """Take a finding in."""

    def count(self, rule: Rule, more: int) -> None:
        """Take findings in that are only counted."""


class Kept:
    """Keeps some findings of each rule, and counts the others.

    Attributes:
        most: How many of a rule are kept.
        faults: What is kept, with the names of the rules.
        told: How many are kept, by rule.
        untold: How many are only counted, by rule.
    """

    def __init__(self, most: int = KEPT) -> None:
        self.most = most
        self.faults: list[tuple[str, Fault]] = []
        self.told: Counter[str] = Counter()
        self.untold: Counter[str] = Counter()

    def wants(self, rule: Rule) -> bool:
        """See ``Gathering``."""
        return self.told[rule.name] < self.most

    def tell(self, rule: Rule, fault: Fault) -> None:
        """See ``Gathering``."""
        self.told[rule.name] += 1
        self.faults.append((rule.name, fault))

    def count(self, rule: Rule, more: int) -> None:
        """See ``Gathering``."""
        self.untold[rule.name] += more

    @property
    def in_order(self) -> list[tuple[str, Fault]]:
        """What is kept, by the records that it is about; what is about none comes last.

        So the order does not depend on how many headers were looked at together.
        """
        return sorted(self.faults, key=lambda one: place_in_order(one[1].record))
