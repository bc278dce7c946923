"""The requirements of the specification, as ``make generate`` took them out of ``spec/``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from darimage.errors import UsageError

LEVELS = ("MUST", "SHOULD", "MAY")
"""How binding a requirement is, the strongest first; ``MUST NOT`` is as binding as ``MUST``."""

_SUGGESTED = 5
_FILE = os.path.join(os.path.dirname(__file__), "requirements.json")


@dataclass(frozen=True)
class Requirement:
    """One normative sentence.

    Attributes:
        id: Its id, such as ``DARI-REC-004``.
        title: What it is called.
        level: How binding it is, in the words of RFC 2119.
        binds: Whom it binds: ``writer``, ``reader``, ``validator``.
        profile: The profile that it belongs to.
        chapter: Its chapter, a file of ``spec/`` without suffix.
        text: What it says; code stands in backticks.
        reason: The paragraphs that explain it.
        unseen: Why no image shows whether it was obeyed; ``None`` if one can.
    """

    id: str
    title: str
    level: str
    binds: tuple[str, ...]
    profile: str
    chapter: str
    text: str
    reason: tuple[str, ...]
    unseen: str | None

    @property
    def strength(self) -> str:
        """``MUST``, ``SHOULD`` or ``MAY``."""
        return self.level.partition(" ")[0]

    @property
    def page(self) -> str:
        """Where it stands in the built pages, relative to their root."""
        return f"spec/{self.chapter}.html#{self.id}"

    def as_json(self) -> dict[str, Any]:
        """Return it as a dictionary for JSON."""
        return {**vars(self), "binds": list(self.binds), "reason": list(self.reason)}


@cache
def requirements() -> Mapping[str, Requirement]:
    """Return all requirements by id, in the order of the text."""
    # A verdict on a sound image needs none of them.
    import json

    with open(_FILE, encoding="utf-8") as stream:
        rows = json.load(stream)["requirements"]
    found = (
        Requirement(**{**row, "binds": tuple(row["binds"]), "reason": tuple(row["reason"])})
        for row in rows
    )
    return {one.id: one for one in found}


def matching(word: str) -> list[str]:
    """Return the ids that a word stands for: an id, or its beginning.

    Case does not matter, nor does a missing ``DARI-``: ``rec-4``, ``REC-004`` and ``dari-rec-004``
    are the same, and ``rec`` is a whole chapter.
    """
    wanted = word.upper().removeprefix("DARI-").removeprefix("DARI").strip("-")
    number = re.fullmatch(r"([A-Z]{3})-?(\d{1,3})", wanted)
    if number:
        exact = f"DARI-{number[1]}-{int(number[2]):03}"
        if exact in requirements():
            return [exact]
    return [one for one in requirements() if one.startswith(f"DARI-{wanted}")]


def standing_for(word: str) -> list[str]:
    """Return the ids that a word stands for, as ``matching`` does.

    Raises:
        UsageError: There are none.
    """
    found = matching(word)
    if not found:
        hint = similar(word)
        meant = f"; did you mean {', '.join(hint)}?" if hint else ""
        raise UsageError(f"no requirement is called {word!r}{meant}")
    return found


def similar(word: str) -> list[str]:
    """Return ids that somebody who wrote a wrong one may have meant, the likeliest first."""
    import difflib

    wanted = word.upper()
    if not wanted.startswith("DARI-"):
        wanted = f"DARI-{wanted}"
    close = difflib.get_close_matches(wanted, requirements(), _SUGGESTED, 0.75)
    by_title = [one.id for one in requirements().values() if word.lower() in one.title.lower()]
    return list(dict.fromkeys([*close, *by_title]))[:_SUGGESTED]
