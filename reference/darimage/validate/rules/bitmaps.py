"""What bitmaps must be, and what they say of the image (chapter 40)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np
import numpy.typing as npt

from darimage.image import blame
from darimage.sections import bitmap
from darimage.sections.bitmap import Bitmap
from darimage.validate.contexts.bitmaps import BitmapSeen
from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Hit, Scope, over_things

Ints = npt.NDArray[np.int64]

bitmaps = partial(over_things, Scope.BITMAPS)
image = partial(over_things, Scope.IMAGE)

_ROOT = 2

_TOLD_ONE_BY_ONE = 1000
"""Inodes that a bitmap promises and the image does not hold which are named; a map can promise
billions."""


def _says(seen: BitmapSeen, name: str, true: int) -> Iterator[Hit]:
    said = int(seen.body[name])
    if said != true:
        told = f"{name} is {said}, the map has {true}"
        yield Hit(told, seen.part.record, field=blame.in_bitmap(name, said, true))


@bitmaps("DARI-BMP-006", "bitmap.bits-set", "bits_set is not the number of bits that are set")
def _bits_set(seen: BitmapSeen) -> Iterator[Hit]:
    return _says(seen, "bits_set", len(seen.bits))


@bitmaps("DARI-BMP-006", "bitmap.highest", "highest_inode is not that of the map")
def _highest(seen: BitmapSeen) -> Iterator[Hit]:
    return _says(seen, "highest_inode", seen.bits.highest)


@bitmaps("DARI-BMP-005", "bitmap.root", "inode 1 is set, or inode 2 is not")
def _root(seen: BitmapSeen) -> Iterator[Hit]:
    if seen.bits.holds([1, _ROOT]).tolist() != [False, True]:
        yield Hit(record=seen.part.record)


@image("DARI-BMP-003", "bitmaps.same-length", "the bitmaps differ in length")
def _same_length(whole: Whole) -> Iterator[Hit]:
    if whole.both_bitmaps is not None:
        one, two = whole.both_bitmaps
        if one.records != two.records:
            yield Hit(record=two.part.record)


def _is_below(whole: Whole) -> bool:
    """Tell whether bitmap II holds no inode that bitmap I does not."""
    return next(whole.image.dumped.without(whole.image.exists), None) is None


@image("DARI-BMP-008", "bitmaps.part", "bitmap II holds inodes that bitmap I does not")
def _part(whole: Whole) -> Iterator[Hit]:
    if whole.both_bitmaps is not None:
        one, two = whole.both_bitmaps
        if one.records == two.records and not _is_below(whole):
            yield Hit(record=two.part.record)


@image("DARI-BMP-001", "bitmaps.full", "the bitmaps of a full image differ")
def _full(whole: Whole) -> Iterator[Hit]:
    if whole.both_bitmaps is None or whole.image.identity.base_date:
        return
    one, two = whole.both_bitmaps
    differ = one.records == two.records and one.part.payload != two.part.payload
    if differ and _is_below(whole):
        yield Hit(record=two.part.record)


@image("DARI-BMP-003", "bitmaps.length", "a map has not the records that its inodes ask for")
def _length(whole: Whole) -> Iterator[Hit]:
    if whole.both_bitmaps is not None:
        one, highest = whole.both_bitmaps[0], whole.image.exists.highest
        if one.records != bitmap.records_for(highest):
            yield Hit(f"a map of {one.records} records for {highest} inodes", one.part.record)


@image("DARI-BMP-001", "bitmaps.promised", "is in bitmap II and not in the image", plain=True)
def _promised(whole: Whole) -> Iterator[Hit]:
    part = whole.image.front.dumped
    if part is None:
        return
    dumped = whole.image.dumped
    absent = dumped.without(Bitmap(_packed(whole.held, dumped)))
    for inode in islice(absent, _TOLD_ONE_BY_ONE):
        yield Hit(record=part.record, inode=inode, kind="missing")
    if next(absent, None) is not None:
        more = f"more than {_TOLD_ONE_BY_ONE} inodes are in bitmap II and not in the image"
        yield Hit(more, part.record, kind="missing")


def _packed(inodes: Ints, beside: Bitmap) -> bytes:
    """Return a map of ascending inodes that were found, no longer than another one.

    One header with the highest number there is would make a map of half a GiB.
    """
    known = inodes[(inodes > 0) & (inodes <= len(beside.packed) * 8)]
    return bitmap.encode(known, bitmap.records_for(int(known[-1]))) if len(known) else b""


@image("DARI-BMP-001", "bitmaps.unexpected", "is in the image and not in bitmap II", plain=True)
def _unexpected(whole: Whole) -> Iterator[Hit]:
    part = whole.image.front.dumped
    if part is not None:
        for inode in whole.held[~whole.image.dumped.holds(whole.held)].tolist():
            yield Hit(record=part.record, inode=inode)
