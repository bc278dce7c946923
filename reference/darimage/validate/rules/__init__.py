"""The rules: what an image must be, one small function a requirement or sentence of it.

Each module is a topic; ``rule`` says what a rule is, and ``decoded`` lists what readers tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache

from darimage.validate.registry import requirements
from darimage.validate.rules import (
    acls,
    attribute_headers,
    attributes,
    bitmaps,
    continuations,
    decoded,
    directories,
    end,
    extensions,
    groups,
    headers,
    increments,
    inodes,
    links,
    offset_map,
    order,
    runs,
    section_headers,
    sections,
    streams,
    volume,
)
from darimage.validate.rules.rule import RULES, Rule, Scope

TOPICS = (
    headers,
    extensions,
    groups,
    inodes,
    section_headers,
    attribute_headers,
    runs,
    attributes,
    continuations,
    volume,
    order,
    bitmaps,
    directories,
    links,
    streams,
    increments,
    sections,
    acls,
    offset_map,
    end,
    decoded,
)
"""The modules whose rules there are."""


def all_rules() -> Mapping[str, Rule]:
    """Return all rules by name."""
    return RULES


def of_scope(
    scope: Scope, *, plain: bool = False, off: AbstractSet[str] = frozenset()
) -> Sequence[Rule]:
    """Return the rules that get to see the same.

    Args:
        scope: What they see.
        plain: Only those that plain dumps are held against.
        off: Names of rules to leave out.
    """
    return [
        rule
        for rule in RULES.values()
        if rule.scope == scope and (rule.plain or not plain) and rule.name not in off
    ]


@cache
def checked() -> Mapping[str, tuple[str, ...]]:
    """Return the requirements that are checked, in the order of the text, and by which rules."""
    found: dict[str, list[str]] = {}
    for rule in RULES.values():
        found.setdefault(rule.requirement, []).append(rule.name)
    return {one: tuple(found[one]) for one in requirements() if one in found}
