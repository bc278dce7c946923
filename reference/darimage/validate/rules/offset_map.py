"""What the offset map must be, given where files were found (chapter 80)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from darimage.image import blame
from darimage.sections.offset_map import ELEMENT
from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Hit, Scope, over_things

image = partial(over_things, Scope.IMAGE)


@image("DARI-OFF-001", "map.absent", "there is no sound offset map")
def _absent(whole: Whole) -> Iterator[Hit]:
    known = whole.image.extension
    place = 0 if known is None else known.offset_map
    if whole.offset_map is None and not whole.lacks.before_files(place):
        yield Hit()


@image("DARI-OFF-001", "map.size", "the offset map has not one element for each inode")
def _size(whole: Whole) -> Iterator[Hit]:
    found, highest = whole.offset_map, whole.image.exists.highest
    if found is None or found.section.payload is None or whole.image.front.exists is None:
        return
    size, wanted = found.section.payload.size, (highest + 1) * ELEMENT
    if size != wanted:
        told = f"offset map of {size} bytes for {highest} inodes"
        yield Hit(told, found.record, field=blame.in_section("payload_size", size, wanted))


@image("DARI-OFF-006", "map.ascending", "elements of the offset map do not ascend")
def _ascending(whole: Whole) -> Iterator[Hit]:
    if whole.offset_map is not None:
        _, said = whole.offset_map.elements
        if (said[1:] <= said[:-1]).any():
            yield Hit(record=whole.offset_map.record)


@image("DARI-OFF-002", "map.true", "the offset map does not say where a file is")
def _true(whole: Whole) -> Iterator[Hit]:
    found = whole.offset_map
    if found is None:
        return
    everyone, said, true = found.both
    for at in found.different.tolist():
        told = f"the offset map says byte {int(said[at])}, "
        told += f"it is at byte {int(true[at])}" if true[at] else "it is no file here"
        yield Hit(told, found.record, int(everyone[at]))
