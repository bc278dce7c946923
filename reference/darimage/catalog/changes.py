"""What goes into an incremental image (DARI-INC-002, DARI-INC-003)."""

from __future__ import annotations

import numpy as np

from darimage.catalog.numbers import Numbers, Tree
from darimage.catalog.seen import INODE, Column, Mask, Seen


def held(tree: Tree, numbers: Numbers, now: Seen, base: Seen) -> Mask:
    """Tell which rows of a tree an image holds.

    Args:
        tree: What was scanned.
        numbers: Its numbers.
        now: What is there.
        base: What was there when the base was made.
    """
    changed = now.differs(base)
    at, known = base.find(now.number)
    if len(base):
        changed |= known & (base.sure[at] == 0)
    _with_streams(now, changed)
    place, _ = now.find(numbers.rows)
    found = changed[place]
    found[0] = True
    _lead_to(tree, found)
    for number, (key, _) in tree.scan.stream_of.items():
        # Streams of a directory that only leads to something come with it.
        found[tree.directories + number] |= found[tree.row(key)]
    return found


def leave_out(tree: Tree, found: Mask, rows: Column) -> None:
    """Take inodes and their streams out of what an image holds."""
    found[rows] = False
    gone = set(rows.tolist())
    for number, (key, _) in tree.scan.stream_of.items():
        if tree.row(key) in gone:
            found[tree.directories + number] = False


def _with_streams(now: Seen, changed: Mask) -> None:
    """Let an inode and all that belongs to it change together (DARI-INC-012)."""
    attached = np.flatnonzero(now.kind != INODE)
    owner, _ = now.find(now.base[attached])
    np.logical_or.at(changed, owner, changed[attached])
    changed[attached] = changed[owner]


def _lead_to(tree: Tree, found: Mask) -> None:
    """Add the directories that lead to what was found, up to the root."""
    found[tree.owner[found[tree.target]]] = True
    above = np.frombuffer(tree.scan.directory_parent, np.int64)
    new = np.flatnonzero(found[: tree.directories])
    while new.size:
        parents = np.unique(above[new])
        new = parents[~found[parents]]
        found[new] = True
