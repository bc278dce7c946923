"""How many names inodes have (chapters 50 and 60)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from darimage.image import blame
from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Hit, Scope, over_things

image = partial(over_things, Scope.IMAGE)


@image("DARI-DIR-016", "links.unnamed", "no entry names it")
def _unnamed(whole: Whole) -> Iterator[Hit]:
    if whole.lacks.before_files():
        return
    for at in np.flatnonzero(~whole.is_directory & (whole.names == 0)).tolist():
        yield Hit(None, int(whole.found.record[at]), int(whole.found.inode[at]))


@image("DARI-FIL-009", "links.count", "nlink is not the number of names")
def _count(whole: Whole) -> Iterator[Hit]:
    found, wanted = whole.found, whole.names.copy()
    below = whole.tree.subdirectory_counts()
    for at in np.flatnonzero(whole.is_directory).tolist():
        wanted[at] = 2 + below.get(int(found.inode[at]), 0)
    differ = wanted > found.nlink if whole.lacks.before_files() else wanted != found.nlink
    for at in np.flatnonzero(differ).tolist():
        pair = (int(found.nlink[at]), int(wanted[at]))
        field = blame.field("extension.body.nlink", *pair)
        told = f"nlink is {pair[0]}, it has {pair[1]}"
        yield Hit(told, int(found.record[at]), int(found.inode[at]), field)
