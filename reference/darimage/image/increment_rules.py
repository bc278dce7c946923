"""What an incremental image must be, as far as it alone can tell (chapter 45)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from darimage.faults import Fault, display
from darimage.image import blame
from darimage.image.parts import base_uuid
from darimage.schema import Compat

if TYPE_CHECKING:
    from darimage.image.front import MapPart
    from darimage.image.reader import Image

OnFault = Callable[[Fault], None]


def increment(image: Image, on_fault: OnFault) -> None:
    """Level, base and feature agree; what belongs together is there together."""
    level, volume = image.identity.level, image.extension
    if volume is not None and bool(volume.feature_compat & Compat.INCREMENTAL) != bool(level):
        told = f"compat feature incremental is {'clear' if level else 'set'}, the level is {level}"
        flags = volume.feature_compat
        field = blame.in_volume("feature_compat", flags, flags ^ Compat.INCREMENTAL)
        on_fault(Fault("format", told, record=0, requirement="DARI-VOL-010", field=field))
    if level and image.identity.base_date >= image.identity.date:
        told = "the base is not older than the image"
        field = blame.field("c_ddate", image.identity.base_date)
        on_fault(Fault("format", told, record=0, requirement="DARI-INC-007", field=field))
    for part in (image.front.exists, image.front.dumped):
        if part is not None:
            _base(image, part, on_fault)
    if level:
        _streams(image, on_fault)


def _base(image: Image, part: MapPart, on_fault: OnFault) -> None:
    """Judge what a bitmap says of the base (DARI-INC-008)."""
    named = base_uuid(part.header, image.order)
    if any(named) != bool(image.identity.level):
        told = f"base_uuid is {named.hex()}, the level is {image.identity.level}"
    elif any(named) and named == image.identity.uuid:
        told = "base_uuid is that of the image itself"
    elif (
        any(named)
        and image.front.exists
        and named != base_uuid(image.front.exists.header, image.order)
    ):
        told = "base_uuid is not that of bitmap I"
    else:
        return
    fault = Fault("format", told, None, None, part.record, "DARI-INC-008")
    on_fault(fault._replace(field=blame.in_bitmap("base_uuid", named)))


def _streams(image: Image, on_fault: OnFault) -> None:
    """Judge that streams are there with what they belong to (DARI-INC-012)."""
    for one in image.streams.by_base.values():
        numbers = np.array([one.base, *(entry.inode for entry in one.entries)], np.int64)
        held = image.dumped.holds(numbers)
        names = ["what it belongs to", *(display(entry.name) for entry in one.entries)]
        for at in np.flatnonzero(~held).tolist():
            told = f"inode {int(numbers[at])}, {names[at]}, is not in the image"
            on_fault(Fault("format", told, None, one.number, None, "DARI-INC-012"))
