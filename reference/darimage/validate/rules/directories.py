"""What directories and their entries must be (chapter 50)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from darimage.faults import FaultyField
from darimage.image import blame
from darimage.image.names import LOST
from darimage.sections import directory
from darimage.showing import display
from darimage.validate.contexts.directories import DirectorySeen
from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Hit, Scope, over_things

_DOT_ENTRY = 12
"""Bytes of the entry `.`."""

directories = partial(over_things, Scope.DIRECTORIES)


def _hit(seen: DirectorySeen, told: str | None = None, field: FaultyField | None = None) -> Hit:
    return Hit(told, seen.record, seen.number, field)


@directories("DARI-DIR-013", "directory.data", "there is not the data that di_size says")
def _data(seen: DirectorySeen) -> Iterator[Hit]:
    if not seen.is_whole and not seen.is_lacking:
        told = f"{len(seen.data)} bytes of data, di_size says {seen.size}"
        yield _hit(seen, told, blame.field("c_dinode.di_size", seen.size, len(seen.data)))


@directories("DARI-DIR-004", "directory.chunks", "di_size is not a multiple of 512")
def _chunks(seen: DirectorySeen) -> Iterator[Hit]:
    if seen.is_whole and seen.size % directory.CHUNK:
        field = blame.field("c_dinode.di_size", seen.size, "a multiple of 512")
        yield _hit(seen, f"di_size {seen.size} is not a multiple of 512", field)


@directories("DARI-DIR-003", "directory.dots", "the first two entries are not . and ..")
def _dots(seen: DirectorySeen) -> Iterator[Hit]:
    if seen.entries is None:
        return
    found = [(entry.name, entry.inode) for entry in seen.entries[:2]]
    parent = seen.all.tree.parent(seen.number)
    if parent == LOST and len(found) > 1 and seen.all.lacks:
        parent = found[1][1]  # what names it may be missing
    if found != [(b".", seen.number), (b"..", parent or seen.number)]:
        yield _hit(seen)


@over_things(
    Scope.IMAGE,
    "DARI-DIR-003",
    "directory.own-number",
    "the first entry is not `.` with its own number",
    plain=True,
)
def _own_number(whole: Whole) -> Iterator[Hit]:
    """In a plain dump nothing else says whose entries these are."""
    table = whole.image.front.directories
    if whole.image.is_dari or not len(table.piece_start):
        return
    first = np.flatnonzero(np.diff(table.piece_owner, prepend=-1) > 0)
    first = first[table.piece_length[first] >= _DOT_ENTRY]
    starts, rows = table.piece_start[first], table.piece_owner[first]
    words = table.data[starts[:, None] + np.arange(_DOT_ENTRY)]
    said = words[:, :4].copy().view("<u4" if table.order == "le" else ">u4").reshape(-1)
    wrong = (said != table.numbers[rows]) | (words[:, 8] != ord(".")) | (words[:, 9] != 0)
    for at in np.flatnonzero(wrong).tolist():
        told = f"the first entry is of inode {said[at]}, not `.` with its own number"
        yield Hit(told, int(table.records[rows[at]]), int(table.numbers[rows[at]]))


@directories("DARI-DIR-008", "directory.same-name", "two entries have the same name")
def _same_name(seen: DirectorySeen) -> Iterator[Hit]:
    if len(set(seen.names)) < len(seen.names):
        yield _hit(seen)


@directories("DARI-DIR-009", "directory.sorted", "entries are not sorted by name")
def _sorted(seen: DirectorySeen) -> Iterator[Hit]:
    if any(one > other for one, other in pairwise(seen.names)):
        yield _hit(seen)


@directories("DARI-DIR-012", "directory.types", "an entry has a type that its inode has not")
def _types(seen: DirectorySeen) -> Iterator[Hit]:
    for entry, there in seen.typed:
        if there not in (None, entry.d_type):
            told = f"entry {display(entry.name)} has d_type {entry.d_type}, the inode {there}"
            yield _hit(seen, told)


@directories("DARI-DIR-015", "directory.exists", "an entry names an inode that does not exist")
def _exists(seen: DirectorySeen) -> Iterator[Hit]:
    for entry, there in seen.typed:
        if there is None and seen.all.knows_all and not seen.all.exists.holds(entry.inode):
            told = f"entry {display(entry.name)} names inode {entry.inode}, which does not exist"
            yield _hit(seen, told)
