"""Tables of results, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure import Result

Cell = str | int | float | None


class Ratio(float):
    """A number that is shown with two digits."""

    __slots__ = ()


@dataclass
class Table:
    """One table.

    Attributes:
        title: What is measured.
        columns: Their headings; the first is the name of the row.
        rows: A cell for each column.
        notes: What a reader has to know.
    """

    title: str
    columns: Sequence[str]
    rows: list[list[Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the table as a dictionary."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, "notes": self.notes}

    def text(self) -> str:
        """Return the table for people."""
        cells = [list(self.columns), *([_text(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [self.title]
        for row in cells:
            aligned = [
                cell.rjust(width) if at else cell.ljust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  " + "  ".join(aligned).rstrip())
        lines += [f"  ({note})" for note in self.notes]
        return "\n".join(lines) + "\n"


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, Ratio):
        return f"{cell:.2f}"
    if isinstance(cell, float):
        return f"{cell:.3f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def of_race(
    title: str, results: Sequence[Result], bases: Sequence[str], *, reads: bool = False
) -> Table:
    """Return the table of a race: seconds, the ratio to each base, the target beside it.

    Args:
        title: What is measured.
        results: The commands' results.
        bases: Names of the commands to compare with; those that did not run are left out.
        reads: Add the bytes read: by the process, and from the image as darimage reports it.
    """
    named = {result.command.name: result for result in results}
    bases = [base for base in bases if base in named]
    more = ["read by process", "read from image"] if reads else []
    table = Table(
        title,
        ["command", "seconds", "min", "max", *(f"x {base}" for base in bases), *more, "target"],
    )
    for result in results:
        ratios: list[Cell] = [Ratio(result.over(named[base])) for base in bases]
        read: list[Cell] = [result.read, result.answered("bytes_read")] if reads else []
        low, high = result.spread
        times: list[Cell] = [result.seconds, low, high]
        table.rows.append([result.command.name, *times, *ratios, *read, result.command.target])
        if result.note:
            table.notes.append(f"{result.command.name}: {result.note}")
    return table
