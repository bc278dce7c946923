"""The image as a map: rows of records from left to right, parts and files to scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from darimage.units import RECORD
from darimage.validate.outputs.escaping import escape
from darimage.validate.report import Stretch

_ROWS = 24
_ROW_RECORDS = 32
"""Records of a row of a small image."""

_LEFT, _WIDTH, _RIGHT = 104.0, 880.0, 16.0
_ROW, _BAR, _TOP = 34.0, 18.0, 12.0
_THINNEST = 0.4
"""A stretch that would be thinner is not drawn: its neighbours are what is seen there."""

_PART_THINNEST = 1.0
_BUCKET = 9.0
"""Findings nearer to each other share a mark."""

_LEVELS = ("MUST", "SHOULD", "MAY")


class Mark(NamedTuple):
    """Where a finding lies.

    Attributes:
        record: Its record.
        level: How binding what it breaks is.
        target: Id of the element that tells of it.
        title: What to call it.
    """

    record: int
    level: str
    target: str
    title: str


class Scale:
    """Turns record numbers into places.

    Attributes:
        row_records: Records of a row.
        rows: Rows.
    """

    def __init__(self, records: int) -> None:
        self.records = max(1, records)
        self.row_records = max(min(_ROW_RECORDS, self.records), -(-self.records // _ROWS))
        self.rows = -(-self.records // self.row_records)

    def pieces(self, record: int, records: int) -> Iterator[tuple[int, float, float]]:
        """Yield row, left edge and width of a stretch, a row at a time."""
        end = min(record + records, self.records)
        while record < end:
            row = record // self.row_records
            here = min(end, (row + 1) * self.row_records) - record
            yield row, self._across(record % self.row_records), self._across(here) - _LEFT
            record += here

    def place(self, record: int) -> tuple[int, float]:
        """Return row and middle of a record; what lies past the end is shown at the end."""
        record = min(max(record, 0), self.records - 1)
        row = record // self.row_records
        return row, self._across(record % self.row_records + 0.5)

    def _across(self, records: float) -> float:
        return _LEFT + records / self.row_records * _WIDTH


def drawn(
    name: str, records: int, stretches: Sequence[Stretch], marks: Sequence[Mark]
) -> Iterator[str]:
    """Yield an SVG element.

    Args:
        name: Id of the element, the beginning of ids within it.
        records: Records of the image.
        stretches: What to draw, whatever lies on top last.
        marks: Findings.
    """
    scale = Scale(records)
    height = _TOP + scale.rows * _ROW
    yield (
        f'<svg id="{name}" class="map" viewBox="0 0 {_LEFT + _WIDTH + _RIGHT:g} {height:g}" '
        f'role="group" aria-labelledby="{name}-title">'
    )
    told = f"Map of the image, {records:,} records; {scale.row_records:,} in a row"
    yield f'<title id="{name}-title">{told}</title>'
    for row in range(scale.rows):
        top = _top(row)
        here = min(scale.row_records, scale.records - row * scale.row_records)
        width = here / scale.row_records * _WIDTH
        yield f'<rect class="none" {_box(_LEFT, row, width)}/>'
        yield f'<text x="{_LEFT - 8:g}" y="{top + _BAR - 5:g}">{row * scale.row_records:,}</text>'
    for at, stretch in enumerate(stretches):
        yield from _stretch(scale, stretch, at)
    yield from _marks(scale, marks)
    yield "</svg>"


def _top(row: int) -> float:
    return _TOP + row * _ROW


def _box(left: float, row: int, width: float) -> str:
    return f'x="{left:.2f}" y="{_top(row):g}" width="{width:.2f}" height="{_BAR:g}"'


def _stretch(scale: Scale, stretch: Stretch, at: int) -> Iterator[str]:
    is_part = stretch.kind not in ("file", "directory")
    thinnest = _PART_THINNEST if is_part else _THINNEST
    pieces = list(scale.pieces(stretch.record, stretch.records))
    if not pieces or (not is_part and sum(width for _, _, width in pieces) < thinnest):
        return
    size = stretch.records * RECORD
    title = f"{stretch.title}: records {stretch.record:,} to "
    title += f"{stretch.record + stretch.records - 1:,}, {size:,} bytes"
    shade = f" {'ab'[at % 2]}" if not is_part else ""
    yield f'<g class="{escape(stretch.kind)}{shade}"><title>{escape(title)}</title>'
    for row, left, width in pieces:
        shown = max(width, thinnest) if len(pieces) == 1 else width
        yield f"<rect {_box(left, row, shown)}/>"
    yield "</g>"


def _marks(scale: Scale, marks: Sequence[Mark]) -> Iterator[str]:
    buckets: dict[tuple[int, int], list[Mark]] = {}
    for mark in sorted(marks, key=lambda mark: (mark.record, _LEVELS.index(mark.level))):
        row, across = scale.place(mark.record)
        buckets.setdefault((row, int(across // _BUCKET)), []).append(mark)
    for (row, _), here in buckets.items():
        first = min(here, key=lambda mark: _LEVELS.index(mark.level))
        across, top = scale.place(here[0].record)[1], _top(row)
        title = first.title if len(here) == 1 else f"{len(here)} findings from {here[0].title} on"
        yield (
            f'<a class="mark {first.level}" href="#{here[0].target}"><title>{escape(title)}</title>'
            f'<path d="M{across:.2f} {top + 3:g}l-5 -11h10z"/>'
            f'<path class="line" d="M{across:.2f} {top:g}v{_BAR:g}"/></a>'
        )
