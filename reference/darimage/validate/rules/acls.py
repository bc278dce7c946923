"""What NT ACLs must be, given the image that they are in (chapter 75)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Hit, Scope, over_things

image = partial(over_things, Scope.IMAGE)


@image("DARI-ACL-003", "acls.same", "the trailing payload differs from the front one")
def _same(whole: Whole) -> Iterator[Hit]:
    acls = whole.acls
    if acls is not None and acls.front.sha256 != acls.trailing.sha256:
        yield Hit(record=acls.records[1])


@image("DARI-ACL-010", "acls.in-image", "has an NT ACL and is not in the image")
def _in_image(whole: Whole) -> Iterator[Hit]:
    acls = None if whole.acls is None else whole.acls.acls
    if whole.acls is None or acls is None or whole.image.front.dumped is None:
        return
    for inode in acls.inodes[~whole.image.dumped.holds(acls.inodes)].tolist():
        yield Hit(record=whole.acls.records[0], inode=inode)
