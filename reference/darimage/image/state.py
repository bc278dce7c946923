"""How much of an inode is known to be right: one answer for lists, inventories and restoring."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

from darimage.faults import Fault
from darimage.units import RECORD, records_of

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


def of_faults(faults: Iterable[Fault]) -> State:
    """Return the state of an inode by what was found wrong with its contents.

    A fault of an unknown kind makes it incomplete: nothing wrong passes for whole.
    """
    return max(
        (_BY_KIND.get(fault.kind, State.INCOMPLETE) for fault in faults if not fault.is_note),
        default=State.WHOLE,
    )


def of_header(inode: Inode) -> State:
    """Return the state of an inode as far as its first header tells."""
    if inode.is_substituted or (inode.metadata_only and inode.size):
        return State.INCOMPLETE
    return State.WHOLE


class Condition:
    """What is found out about the contents of one inode while they are read (DARI-FIL-023).

    Attributes:
        faults: What is wrong with them, without what the state itself says.
    """

    def __init__(self, size: int) -> None:
        """Begin with nothing known.

        Args:
            size: Bytes of the contents.
        """
        self.faults: list[Fault] = []
        self._blocks = records_of(size)
        self._size = size
        self._covered: list[tuple[int, int]] = []
        self._gone: list[tuple[int, int]] = []
        self._doubtful: list[tuple[int, int]] = []
        self._worst = State.WHOLE

    def cover(self, first: int, count: int) -> None:
        """Note blocks that a header describes, holes included."""
        self._covered.append((first, first + count))

    def lose(self, first: int, count: int) -> None:
        """Note blocks that a header describes and that cannot be read."""
        self._gone.append((first, first + count))

    def doubt(self, state: State, blocks: Iterable[tuple[int, int]]) -> None:
        """Note that something is wrong with a group that has some present blocks.

        Args:
            state: What that makes of the inode.
            blocks: First block and number of each stretch.
        """
        self._worst = max(self._worst, state)
        self._doubtful += [(first, first + count) for first, count in blocks]

    @property
    def missing(self) -> list[tuple[int, int]]:
        """First block and number of each stretch that is missing."""
        covered = _joined(self._covered)
        found, at = list(self._gone), 0
        for first, end in covered:
            if at < first:
                found.append((at, first))
            at = max(at, end)
        if at < self._blocks:
            found.append((at, self._blocks))
        within = [(first, min(end, self._blocks)) for first, end in found if first < self._blocks]
        return [(first, end - first) for first, end in _joined(within)]

    @property
    def promised(self) -> list[tuple[int, int]]:
        """First block and number of each stretch that a hole map has and that cannot be read."""
        return [(first, end - first) for first, end in _joined(self._gone)]

    @property
    def doubtful(self) -> list[tuple[int, int]]:
        """First block and number of each stretch that is there, and may be another's."""
        return [(first, end - first) for first, end in _joined(self._doubtful)]

    @property
    def length(self) -> int:
        """Bytes up to the end of the last block that is not missing."""
        missing = self.missing
        if missing and sum(missing[-1]) == self._blocks:
            return missing[-1][0] * RECORD
        return self._size

    @property
    def state(self) -> State:
        """How much of it is known to be right."""
        state = max(self._worst, of_faults(self.faults))
        return max(state, State.INCOMPLETE) if self.missing else state

    @property
    def text(self) -> str:
        """Which blocks are missing and doubtful, for people; empty if none is."""
        parts = [
            f"{_blocks(blocks)} {word}"
            for blocks, word in ((self.missing, "missing"), (self.doubtful, "doubtful"))
            if blocks
        ]
        return ", ".join(parts)


def joined(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return stretches, first block and number, ascending, those that touch as one."""
    spans = _joined([(first, first + count) for first, count in stretches])
    return [(first, end - first) for first, end in spans]


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans ascending, those that touch or overlap as one."""
    found: list[tuple[int, int]] = []
    for first, end in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif first < end:
            found.append((first, end))
    return found


_NAMED = 4
"""Stretches of blocks that a line names at most."""


def _blocks(stretches: list[tuple[int, int]]) -> str:
    """Return stretches of blocks for people."""
    total = sum(count for _, count in stretches)
    named = ", ".join(
        f"{first}" if count == 1 else f"{first} to {first + count - 1}"
        for first, count in stretches[:_NAMED]
    )
    more = ", ..." if len(stretches) > _NAMED else ""
    return f"block{'s' * (total != 1)} {named}{more}"
