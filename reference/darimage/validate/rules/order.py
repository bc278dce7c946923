"""In which order inodes come (chapters 50 and 60)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from darimage.image import blame
from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Hit, Scope, over_things

Ints = npt.NDArray[np.int64]

image = partial(over_things, Scope.IMAGE)

_ROOT = 2


def _hits(whole: Whole, places: Ints) -> Iterator[Hit]:
    for at in places.tolist():
        inode, record = int(whole.found.inode[at]), int(whole.found.record[at])
        yield Hit(None, record, inode, blame.field("c_inumber", inode))


@image("DARI-REC-002", "order.directories-first", "a directory comes after the first file")
def _directories_first(whole: Whole) -> Iterator[Hit]:
    below = np.flatnonzero(~whole.is_directory)
    first_file = int(below[0]) if below.size else len(whole.is_directory)
    return _hits(whole, np.flatnonzero(whole.is_directory[first_file:]) + first_file)


def _not_ascending(whole: Whole, places: Ints) -> Iterator[Hit]:
    numbers = whole.found.inode[places]
    return _hits(whole, places[1:][numbers[1:] <= numbers[:-1]])


@image("DARI-DIR-001", "order.directories", "inode numbers do not ascend")
def _directories(whole: Whole) -> Iterator[Hit]:
    return _not_ascending(whole, np.flatnonzero(whole.is_directory))


@image("DARI-REC-033", "order.twice", "a second first header of this inode", plain=True)
def _twice(whole: Whole) -> Iterator[Hit]:
    _, first = whole.found.first()
    again = np.ones(len(whole.found.inode), np.bool_)
    again[first] = False
    return _hits(whole, np.flatnonzero(again))


@image("DARI-FIL-001", "order.files", "inode numbers do not ascend")
def _files(whole: Whole) -> Iterator[Hit]:
    return _not_ascending(whole, np.flatnonzero(~whole.is_directory))


@image("DARI-DIR-001", "order.root", "the root is not first")
def _root(whole: Whole) -> Iterator[Hit]:
    inodes = whole.found.inode
    if not len(inodes):
        return
    first = whole.image.marks.cut.physical(int(whole.found.record[0]))
    if not whole.lacks.any_in(0, first) and not (whole.is_directory[0] and inodes[0] == _ROOT):
        yield from _hits(whole, np.zeros(1, np.int64))
