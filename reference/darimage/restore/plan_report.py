"""What a plan of reading says: as text, as a dictionary for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from darimage.units import size_text

if TYPE_CHECKING:
    from darimage.drives.model import Drive
    from darimage.restore.by_plan import ImagePlan


def as_json(plans: Sequence[ImagePlan], drive: Drive, destination: str) -> dict[str, Any]:
    """Return all of the plans of a chain."""
    images = [_image(plan) for plan in plans]
    answer: dict[str, Any] = {
        "image": plans[-1].image.name,
        "destination": destination,
        "drive": {"name": drive.name, "title": drive.title, "kind": drive.kind},
    }
    for key in _SUMMED:
        answer[key] = sum(image[key] for image in images)
    return {**answer, "images": images, "faults": []}


_SUMMED = (
    "files",
    "bytes",
    "wanted",
    "discarded",
    "seeks",
    "seconds",
    "whole_seconds",
    "each_seconds",
)


def _image(plan: ImagePlan) -> dict[str, Any]:
    reading = plan.reading
    return {
        "image": plan.image.name,
        "bytes": plan.size,
        "block": reading.drive.block,
        "tape": reading.drive.span if reading.drive.capacity else 0,
        "at": reading.at,
        "files": len(plan.rows),
        "extents": len(reading.extents),
        "wanted": reading.wanted,
        "discarded": reading.discarded,
        "seeks": reading.seeks,
        "order": reading.order,
        "seconds": reading.seconds,
        "forward_seconds": reading.forward_seconds,
        "whole_seconds": plan.whole(),
        "each_seconds": plan.one_by_one(),
        "reads": reading.reads.tolist(),
    }


def lines(plans: Sequence[ImagePlan], drive: Drive) -> Iterator[str]:
    """Yield the plans for people."""
    yield f"plan for {drive.title or drive.name}"
    for plan in plans:
        yield from _lines(plan)


def _lines(plan: ImagePlan) -> Iterator[str]:
    reading, size = plan.reading, plan.size
    read = reading.wanted + reading.discarded
    whole, each = plan.whole(), plan.one_by_one()
    yield f"{plan.image.name}: {size_text(size)}"
    found = f"{_count(len(plan.rows), 'file')}, {_count(len(reading.extents), 'extent')}"
    yield f"  wanted       {size_text(reading.wanted)}: {found}"
    discarded, skipped = size_text(reading.discarded), size_text(max(0, size - read))
    yield f"  read         {size_text(read)}: {discarded} discarded, {skipped} skipped"
    yield f"  seeks        {reading.seeks:,}"
    if reading.order != "forward":
        gain = reading.gain / reading.forward_seconds
        yield f"  order        by place on the tape: {gain:.0%} quicker than forward"
    if tapes := _tapes(plan):
        yield f"  tapes        {tapes}"
    yield f"  time         {time_text(reading.seconds)}"
    yield f"  whole image  {time_text(whole)}{_times(whole, reading.seconds)}"
    yield f"  seek a file  {time_text(each)}{_times(each, reading.seconds)}"


def _tapes(plan: ImagePlan) -> str:
    """Return which tapes are needed, if the image has several."""
    drive = plan.reading.drive
    if not drive.capacity or plan.size <= drive.span:
        return ""
    needed = np.unique(drive.tape_of(plan.reading.reads[:, 0])) + 1
    there = int(drive.tape_of(max(0, plan.size - 1))) + 1
    named = ", ".join(map(str, needed[:8].tolist())) + (", ..." if len(needed) > 8 else "")
    return f"{len(needed):,} of {there:,}: {named}"


def _times(other: float, seconds: float) -> str:
    return f", {other / seconds:,.1f} times as long" if seconds > 0 else ""


def _count(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def time_text(seconds: float) -> str:
    """Return a time for people, in its two largest units."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"
