r"""Paths and globs as ways through a tree, one component at a time.

A component matches a whole name: ``*`` any characters, ``?`` one character (one byte, where a name
is not UTF-8), ``[...]`` one of a set, ``[!...]`` one not of it; a leading dot is a character like
any other. ``**`` as a component of its own stands for any number of directories, at the end for
everything below. ``\xNN``, ``\uNNNN`` and ``\UNNNNNNNN`` stand for what ``list`` shows so. In a
component with any of these but the last, any other backslash takes the meaning from the next
character; in others it is a backslash.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from typing import Final

from darimage.showing import ESCAPE, from_display

State = frozenset[int]
"""Numbers of the components that a name may match next."""

_MAGIC = re.compile(rb"[*?\[]")

_UNQUOTED = re.compile(rb"[*?\[\\]")

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class _AnyDepth:
    """``**``."""


_ANY_DEPTH: Final = _AnyDepth()

Component = bytes | re.Pattern[str] | _AnyDepth


class Pattern:
    """A path or glob.

    Attributes:
        text: As it was given.
        components: What a name has to match, from the top; none is the root itself.
        directories_only: It ends with a slash.
        start: State at the top.
    """

    def __init__(self, text: bytes, *, literal: bool = False, escapes: bool = False) -> None:
        """Take a path or glob apart.

        Args:
            text: Relative to the top of the tree; leading slashes are allowed.
            literal: Take it as a path, whatever characters it has.
            escapes: Take such a path as ``list`` shows it.
        """
        self.text = text
        parts = [part for part in text.split(b"/") if part not in (b"", b".")]
        self.components: list[Component] = []
        for part in parts:
            if literal:
                self.components.append(from_display(part) if escapes else part)
            else:
                self.components.append(_component(part))
        if self.components and self.components[-1] is _ANY_DEPTH:
            self.components.append(_component(b"*"))
        self.directories_only = bool(parts) and text.endswith((b"/", b"/."))
        self.start = self._closed([0])

    @property
    def is_literal(self) -> bool:
        """Whether it is a path, not a glob."""
        return len(self.literal_names) == len(self.components)

    @property
    def literal_names(self) -> list[bytes]:
        """The components that are names and nothing else."""
        return [component for component in self.components if isinstance(component, bytes)]

    def advance(self, state: State, name: bytes) -> State:
        """Return the state below ``name``; empty if nothing below it can match."""
        text: str | None = None
        reached: list[int] = []
        for at in state:
            component = self.components[at] if at < len(self.components) else b""
            if isinstance(component, _AnyDepth):
                reached.append(at)
            elif isinstance(component, bytes):
                if component == name:
                    reached.append(at + 1)
            else:
                text = _decoded(name) if text is None else text
                if component.match(text):
                    reached.append(at + 1)
        return self._closed(reached)

    def accepts(self, state: State) -> bool:
        """Tell whether a name that led to this state is meant."""
        return len(self.components) in state

    def _closed(self, reached: Iterable[int]) -> State:
        """Add what ``**`` lets one skip."""
        closed: set[int] = set()
        for first in reached:
            last = first
            while last < len(self.components) and self.components[last] is _ANY_DEPTH:
                last += 1
            closed.update(range(first, last + 1))
        return frozenset(closed)


def _component(part: bytes) -> Component:
    if part == b"**":
        return _ANY_DEPTH
    if not _MAGIC.search(part):
        return from_display(part)
    # What an escape stands for has no other meaning.
    part = ESCAPE.sub(lambda found: _UNQUOTED.sub(rb"\\\g<0>", from_display(found[0])), part)
    text = _ESCAPED.sub(lambda found: _quoted(found[1]), _decoded(part))
    return re.compile(fnmatch.translate(text))


def _quoted(character: str) -> str:
    return f"[{character}]" if character in "*?[" else character


def _decoded(part: bytes) -> str:
    # Bytes that are no UTF-8 become characters of their own, so that nothing is lost.
    return part.decode("utf-8", "surrogateescape")
