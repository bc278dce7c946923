"""How much of an inode is known to be right: one answer for lists, inventories and restoring."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

from darimage.faults import Fault

if TYPE_CHECKING:
    from darimage.image.inode import Inode


class State(IntEnum):
    """State of an inode; of several the greatest counts (DARI-FLT-004).

    WHOLE: all its blocks are there, and each group of them is proven or closed.
    SUSPECT: Nothing shows that the records of a group are those that were written.
    INCOMPLETE: Blocks are missing, or the writer put zeros for them.
    DAMAGED: The CRC of a group is wrong.
    LOST: A name or bitmap II asks for it, and none of its groups was found.
    """

    WHOLE = 0
    SUSPECT = 1
    INCOMPLETE = 2
    DAMAGED = 3
    LOST = 4

    @property
    def word(self) -> str:
        """What it is called in lists, inventories and reports."""
        return self.name.lower()


_BY_KIND = {
    "group-open": State.SUSPECT,
    "ext-missing": State.SUSPECT,
    "wrong-place": State.SUSPECT,
    "suspect": State.SUSPECT,
    "blocks": State.INCOMPLETE,
    "first-group-missing": State.INCOMPLETE,
    "foreign-header": State.INCOMPLETE,
    "format": State.INCOMPLETE,
    "header-damaged": State.INCOMPLETE,
    "hole-map": State.INCOMPLETE,
    "image-cut": State.INCOMPLETE,
    "incomplete": State.INCOMPLETE,
    "missing": State.INCOMPLETE,
    "no-contents": State.INCOMPLETE,
    "records-missing": State.INCOMPLETE,
    "substituted": State.INCOMPLETE,
    "truncated": State.INCOMPLETE,
    "unreadable": State.INCOMPLETE,
    "volume-missing": State.INCOMPLETE,
    "damaged": State.DAMAGED,
    "data-damaged": State.DAMAGED,
    "directory-damaged": State.DAMAGED,
    "target": State.DAMAGED,
    "lost": State.LOST,
}
"""State of an inode by what was found wrong while its contents were read."""

_NOTES = frozenset({"doubled", "end-is-hole", "run-records", "size", "tail", "time", "zeros"})


def of_faults(faults: Iterable[Fault]) -> State:
    """Return the state of an inode by what was found wrong with its contents.

    A fault of an unknown kind makes it incomplete: nothing wrong passes for whole.
    """
    return max(
        (
            _BY_KIND.get(fault.kind, State.INCOMPLETE)
            for fault in faults
            if fault.kind not in _NOTES
        ),
        default=State.WHOLE,
    )


def of_header(inode: Inode) -> State:
    """Return the state of an inode as far as its first header tells."""
    if inode.is_substituted or (inode.metadata_only and inode.size):
        return State.INCOMPLETE
    return State.WHOLE
