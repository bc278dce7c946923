"""What an incremental image must be, as far as it alone can tell (chapter 45)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from darimage.image import blame
from darimage.image.parts import base_uuid
from darimage.showing import display
from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Hit, Scope, over_things

image = partial(over_things, Scope.IMAGE)


@image("DARI-INC-007", "increment.base-date", "the base is not older than the image")
def _base_date(whole: Whole) -> Iterator[Hit]:
    identity = whole.image.identity
    if identity.level and identity.base_date >= identity.date:
        yield Hit(record=0, field=blame.field("c_ddate", identity.base_date))


def _bases(whole: Whole) -> Iterator[tuple[int, bytes]]:
    """Yield where each bitmap lies, and the base that it names."""
    for one in whole.bitmaps:
        yield one.part.record, base_uuid(one.part.header, whole.image.order)


@image("DARI-INC-008", "increment.base", "base_uuid does not fit the level")
def _base(whole: Whole) -> Iterator[Hit]:
    level = whole.image.identity.level
    for record, named in _bases(whole):
        if any(named) != bool(level):
            told = f"base_uuid is {named.hex()}, the level is {level}"
            yield Hit(told, record, field=blame.in_bitmap("base_uuid", named))


@image("DARI-INC-008", "increment.base-itself", "base_uuid is that of the image itself")
def _base_itself(whole: Whole) -> Iterator[Hit]:
    identity = whole.image.identity
    for record, named in _bases(whole):
        if any(named) and identity.level and named == identity.uuid:
            yield Hit(record=record, field=blame.in_bitmap("base_uuid", named))


@image("DARI-INC-008", "increment.base-repeated", "base_uuid is not that of bitmap I")
def _base_repeated(whole: Whole) -> Iterator[Hit]:
    identity, one = whole.image.identity, whole.image.front.exists
    if one is None or not identity.level:
        return
    wanted = base_uuid(one.header, whole.image.order)
    for record, named in _bases(whole):
        if any(named) and named not in (identity.uuid, wanted):
            yield Hit(record=record, field=blame.in_bitmap("base_uuid", named))


@image("DARI-INC-012", "increment.streams", "a stream is not there with what it belongs to")
def _streams(whole: Whole) -> Iterator[Hit]:
    if not whole.image.identity.level:
        return
    for one in whole.image.streams.by_base.values():
        numbers = np.array([one.base, *(entry.inode for entry in one.entries)], np.int64)
        held = whole.image.dumped.holds(numbers)
        names = ["what it belongs to", *(display(entry.name) for entry in one.entries)]
        for at in np.flatnonzero(~held).tolist():
            told = f"inode {int(numbers[at])}, {names[at]}, is not in the image"
            yield Hit(told, inode=one.number)
