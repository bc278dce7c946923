"""Sphinx extension: ``drive-models`` shows the drive models of the package, with their sources.

So the reference of the models cannot fall behind the files that the program reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from darimage.drives import files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from docutils.nodes import Node
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

    from darimage.drives.model import Drive, Figure


class DriveFigures(SphinxDirective):
    """``drive-figures``: what each figure of a model means."""

    def run(self) -> list[Node]:
        """Returns a table with a row for each figure."""
        rows = [
            [key, meaning.unit, ", ".join(meaning.kinds) or "all", meaning.text]
            for key, meaning in files.MEANINGS.items()
        ]
        return [_table(["Figure", "Unit", "Kinds", "Meaning"], [20, 12, 16, 52], rows)]


class DriveModels(SphinxDirective):
    """``drive-models``: a section for each model."""

    def run(self) -> list[Node]:
        """Returns the sections."""
        return [self._section(files.find(name)) for name in files.names()]

    def _section(self, drive: Drive) -> Node:
        section = nodes.section(ids=[nodes.make_id(f"drive {drive.name}")], names=[drive.name])
        section += nodes.title(drive.name, drive.name)
        section += nodes.paragraph("", f"{drive.title}; {drive.kind}.")
        rows = [
            [key, f"{_value(figure)} {files.MEANINGS[key].unit}".strip(), figure.source]
            for key, figure in drive.figures.items()
        ]
        section += _table(["Figure", "Value", "Source"], [20, 30, 50], rows)
        if drive.documents:
            section += _documents(drive)
        self.state.document.note_implicit_target(section, section)
        return section


def _documents(drive: Drive) -> Node:
    """Returns the list of a model's documents."""
    found = nodes.definition_list()
    for key, title in drive.documents.items():
        item = nodes.definition_list_item()
        item += nodes.term(key, key)
        item += nodes.definition("", nodes.paragraph("", title))
        found += item
    return found


def _value(figure: Figure) -> str:
    if isinstance(figure.value, list):
        return "; ".join(f"{distance:,.0f}: {seconds:g}" for distance, seconds in figure.value)
    return f"{figure.value:,.10g}"


def _table(heads: Sequence[str], widths: Sequence[int], rows: Sequence[Sequence[str]]) -> Node:
    """Returns a table of text."""
    table = nodes.table()
    group = nodes.tgroup(cols=len(heads))
    table += group
    for width in widths:
        group += nodes.colspec(colwidth=width)
    head = nodes.thead()
    head += _row(heads)
    group += head
    body = nodes.tbody()
    body.extend(_row(row) for row in rows)
    group += body
    return table


def _row(cells: Sequence[str]) -> Node:
    row = nodes.row()
    row.extend(_entries(cells))
    return row


def _entries(cells: Sequence[str]) -> Iterator[Node]:
    for text in cells:
        entry = nodes.entry()
        entry += nodes.paragraph("", text)
        yield entry


def setup(app: Sphinx) -> ExtensionMetadata:
    """Registers the directives."""
    app.add_directive("drive-figures", DriveFigures)
    app.add_directive("drive-models", DriveModels)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
