"""The picture of a plan: each image as a strip, what is read, discarded and skipped of it.

An SVG without anything from elsewhere. A strip has as many places as fit; a place shows what is
read if anything is, then what is discarded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from darimage.restore.plan_report import time_text
from darimage.units import size_text

if TYPE_CHECKING:
    from darimage.drives.model import Drive
    from darimage.restore.by_plan import ImagePlan

Ints = npt.NDArray[np.int64]

WIDTH, LEFT, RIGHT = 960, 96, 24
BAR, GAP = 18, 12
MOST_ROWS = 24
"""Strips that an image is cut into at most."""

MOST_WAYS = 300
"""Ways between reads that are drawn at most."""

SKIPPED, DISCARDED, READ = range(3)
_NAMES = ("skipped", "discarded", "read")
_STYLE = """
text{font:12px sans-serif;fill:#222}
.skipped{fill:#e4e6ea}.discarded{fill:#e8a33d}.read{fill:#2f6f4f}
.way{fill:none;stroke:#8a2b2b;stroke-width:.8;opacity:.6}
@media(prefers-color-scheme:dark){text{fill:#ddd}.skipped{fill:#3a3d44}.way{stroke:#e08a8a}}
""".replace("\n", "")


def drawn(plans: Sequence[ImagePlan], drive: Drive) -> Iterator[str]:
    """Yield the lines of an SVG document."""
    heights = [_height(plan) for plan in plans]
    height = 64 + sum(heights)
    total = LEFT + WIDTH + RIGHT
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" '
        f'width="{total}" height="{height}" role="img" aria-labelledby="title">'
    )
    yield f'<title id="title">Plan of reading for {escape(drive.title or drive.name)}</title>'
    yield f"<style>{_STYLE}</style>"
    yield from _legend()
    top = 48
    for plan, high in zip(plans, heights, strict=True):
        yield from _image(plan, top)
        top += high
    yield "</svg>"


def _legend() -> Iterator[str]:
    for number, name in enumerate(reversed(_NAMES)):
        left = LEFT + number * 110
        yield f'<rect class="{name}" x="{left}" y="12" width="16" height="12"/>'
        yield f'<text x="{left + 22}" y="22">{name}</text>'
    yield f'<path class="way" d="M{LEFT + 330} 24q12 -16 24 0"/>'
    yield f'<text x="{LEFT + 362}" y="22">seek</text>'


def _rows(plan: ImagePlan) -> tuple[int, int]:
    """Return how many strips an image has, and the bytes of each: tapes, if they are few."""
    drive, size = plan.reading.drive, max(1, plan.size)
    row = drive.span if drive.capacity and size > drive.span else -(-size // 8)
    row = max(row, -(-size // MOST_ROWS), drive.block)
    return -(-size // row), row


def _height(plan: ImagePlan) -> int:
    return 40 + _rows(plan)[0] * (BAR + GAP)


def _image(plan: ImagePlan, top: int) -> Iterator[str]:
    reading = plan.reading
    told = f"{plan.image.name}: {time_text(reading.seconds)}, {reading.seeks:,} seeks, "
    told += f"{size_text(reading.wanted)} read, {size_text(reading.discarded)} discarded"
    yield f'<text x="{LEFT}" y="{top + 14}">{escape(told)}</text>'
    rows, row_bytes = _rows(plan)
    states = places(plan, rows, row_bytes)
    for row in range(rows):
        y = top + 24 + row * (BAR + GAP)
        held = min(row_bytes, plan.size - row * row_bytes)
        yield f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">'
        yield f"{size_text(row * row_bytes)}</text>"
        yield from _strip(states[row], y, max(1, round(WIDTH * held / row_bytes)))
    yield from _ways(plan, row_bytes, top + 24)


def places(plan: ImagePlan, rows: int, row_bytes: int) -> npt.NDArray[np.int8]:
    """Return what is done at each place: shape ``(rows, WIDTH)``."""
    states = np.full(rows * WIDTH, SKIPPED, np.int8)
    unit = row_bytes / WIDTH
    for spans, state in ((plan.reading.reads, DISCARDED), (plan.reading.extents, READ)):
        change = np.zeros(rows * WIDTH + 1, np.int64)
        first = np.minimum((spans[:, 0] / unit).astype(np.int64), rows * WIDTH - 1)
        last = np.minimum(((spans[:, 1] - 1) / unit).astype(np.int64), rows * WIDTH - 1)
        np.add.at(change, first, 1)
        np.add.at(change, last + 1, -1)
        states[np.cumsum(change)[:-1] > 0] = state
    return states.reshape(rows, WIDTH)


def _strip(states: npt.NDArray[np.int8], y: int, width: int) -> Iterator[str]:
    bounds = [0, *(np.flatnonzero(np.diff(states)) + 1).tolist(), len(states)]
    for low, high in pairwise(bounds):
        high = min(high, width)
        if low < high:
            name = _NAMES[int(states[low])]
            yield f'<rect class="{name}" x="{LEFT + low}" y="{y}" '
            yield f'width="{high - low}" height="{BAR}"/>'


def _ways(plan: ImagePlan, row_bytes: int, top: int) -> Iterator[str]:
    """Yield an arc for each seek, as far as there are not too many."""
    reads = plan.reading.reads
    places = np.append(plan.reading.at, reads[:-1, 1])
    seeks = np.flatnonzero(places != reads[:, 0])
    if len(seeks) > MOST_WAYS:
        return
    for number in seeks.tolist():
        x, y = _point(int(places[number]), row_bytes, top)
        to_x, to_y = _point(int(reads[number, 0]), row_bytes, top)
        bend = min(y, to_y) - 8
        yield f'<path class="way" d="M{x:.1f} {y}Q{(x + to_x) / 2:.1f} {bend} {to_x:.1f} {to_y}"/>'


def _point(byte: int, row_bytes: int, top: int) -> tuple[float, int]:
    row, within = divmod(max(0, byte), row_bytes)
    return LEFT + within / row_bytes * WIDTH, top + row * (BAR + GAP)
