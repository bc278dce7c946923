"""Which requirements an image is held against: profiles, levels, and ids picked one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from darimage.errors import UsageError
from darimage.image.reader import Image
from darimage.schema import Compat, Incompat
from darimage.validate.registry import LEVELS, Requirement, requirements, standing_for

DUMP, CORE = "dump", "dari-core"
ADDED = ("streams", "acl", "xattr", "incremental", "volumes")
"""Profiles that build on ``dari-core``, in the order they are named."""
EVERY = frozenset([DUMP, CORE, *ADDED])

_COMPAT = {
    "streams": Compat.STREAMS,
    "acl": Compat.NT_ACLS,
    "xattr": Compat.XATTRS,
    "incremental": Compat.INCREMENTAL,
}


def named(word: str) -> frozenset[str]:
    """Return the profiles that a word such as ``dari-core+acl`` stands for (DARI-PRO-001).

    Raises:
        UsageError: It names none.
    """
    base, *added = word.lower().split("+")
    if base == DUMP and not added:
        return frozenset([DUMP])
    if (base == CORE or (not base and added)) and set(added) <= set(ADDED):
        return frozenset([DUMP, CORE, *added])
    known = ", ".join(f"+{one}" for one in ADDED)
    raise UsageError(f"{word!r} is no profile; there is dump, and dari-core with any of {known}")


def of_image(image: Image) -> frozenset[str]:
    """Return the profiles that an image says it is of (chapter 92)."""
    if not image.is_dari:
        return frozenset([DUMP])
    known = image.extension
    if known is None:
        return frozenset([DUMP, CORE])
    added = {name for name, bit in _COMPAT.items() if known.feature_compat & bit}
    if known.feature_incompat & Incompat.VOLUMES:
        added.add("volumes")
    return frozenset([DUMP, CORE, *added])


def title(profiles: Iterable[str]) -> str:
    """Return profiles in a word, as ``named`` takes it."""
    there = set(profiles)
    if CORE not in there:
        return DUMP
    return "+".join([CORE, *(one for one in ADDED if one in there)])


def picked(words: Iterable[str]) -> frozenset[str]:
    """Return the ids that words stand for: ids, or the beginnings of ids.

    Raises:
        UsageError: A word stands for none.
    """
    return frozenset(one for word in words for one in standing_for(word))


@dataclass(frozen=True)
class Selection:
    """What images are held against.

    Attributes:
        profiles: The profiles; ``None`` those that each image says it is of.
        level: The weakest level that is looked at.
        only: Ids that alone are looked at; none of them means all.
        skip: Ids that are not looked at.
    """

    profiles: frozenset[str] | None = None
    level: str = LEVELS[-1]
    only: frozenset[str] = field(default_factory=frozenset)
    skip: frozenset[str] = field(default_factory=frozenset)

    def holds(self, requirement: Requirement, profiles: frozenset[str]) -> bool:
        """Tell whether images of some profiles are held against a requirement."""
        return (
            requirement.profile in profiles
            and LEVELS.index(requirement.strength) <= LEVELS.index(self.level)
            and (not self.only or requirement.id in self.only)
            and requirement.id not in self.skip
        )

    def ids(self, profiles: frozenset[str]) -> frozenset[str]:
        """Return all ids that images of some profiles are held against."""
        return frozenset(one.id for one in requirements().values() if self.holds(one, profiles))

    def as_json(self) -> dict[str, Any]:
        """Return what was selected as a dictionary for JSON."""
        return {
            "profile": None if self.profiles is None else title(self.profiles),
            "level": self.level,
            "only": sorted(self.only),
            "skip": sorted(self.skip),
        }
