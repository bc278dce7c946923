"""Sphinx extension: draws tables of the layouts in ksy/, so that no field is typed twice.

Directives::

    .. ksy-table:: record              a whole file
    .. ksy-table:: extension/inode_body  a type inside a file
       :expand:                        nested types field by field
    .. ksy-enum:: record c_type
       :hex:                           values in hexadecimal

Roles: ``:ksy-size:`` and ``:ksy-offset:`` give numbers (``record/dinode`` a structure,
``record:c_dinode.di_mode`` a field), ``:ksy:layout:`` and ``:ksy:enum:`` link to a table.

A layout or enum of ksy/ that no page draws, or that two pages draw, is a warning.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.domains import Domain
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import make_id, make_refnode

from ksy_layout import Field, KsyError, Layouts, Structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from docutils.nodes import Element, Node
    from docutils.parsers.rst.states import Inliner
    from sphinx.application import Sphinx
    from sphinx.builders import Builder
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata, OptionSpec

    Cells = Sequence[Sequence[Node]]

_REQUIREMENT = re.compile(r"\bDARI-[A-Z]{3}-[0-9]{3}\b")
_MARKUP = re.compile(r"([\\*_|<>:])")

logger = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where a table stands."""

    docname: str
    anchor: str


class KsyDomain(Domain):
    """Remembers which page draws which layout and enum, and links to them."""

    name = "ksy"
    label = "Kaitai layouts"
    roles: ClassVar[dict[str, Any]] = {"layout": XRefRole(), "enum": XRefRole()}
    initial_data: ClassVar[dict[str, Any]] = {"layout": {}, "enum": {}}
    data_version = 1

    def note(self, kind: str, target: str, place: Place, location: Node) -> None:
        """Remembers a table; a second one of the same layout is a warning."""
        known = self.data[kind].setdefault(target, place)
        if known != place:
            logger.warning(
                "ksy %s %s is drawn twice, also in %s",
                kind,
                target,
                known.docname,
                location=location,
            )

    def clear_doc(self, docname: str) -> None:
        """Forgets the tables of a page."""
        for kind in self.initial_data:
            places = self.data[kind]
            for target in [name for name, place in places.items() if place.docname == docname]:
                del places[target]

    def merge_domaindata(self, docnames: AbstractSet[str], otherdata: dict[str, Any]) -> None:
        """Takes over the tables that another process has read."""
        for kind in self.initial_data:
            for target, place in otherdata[kind].items():
                if place.docname in docnames:
                    self.data[kind][target] = place

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: addnodes.pending_xref,
        contnode: Element,
    ) -> nodes.reference | None:
        """Returns the link to a table, or None if no page draws it."""
        place = self.data[typ].get(target)
        if place is None:
            return None
        return make_refnode(builder, fromdocname, place.docname, place.anchor, contnode)

    def check_consistency(self) -> None:
        """Warns about what is in ksy/ and drawn nowhere."""
        layouts = _layouts(self.env)
        for name in layouts.names():
            wanted = [("layout", layout) for layout in layouts.members(name)]
            wanted += [("enum", enum) for enum in layouts.enums(name)]
            for kind, target in wanted:
                if target not in self.data[kind]:
                    file = layouts.path(target).name
                    logger.warning("%s: ksy %s %s is drawn on no page", file, kind, target)


def _layouts(env: BuildEnvironment) -> Layouts:
    return Layouts(Path(env.config.ksy_directory))


class _KsyDirective(SphinxDirective):
    """What both directives share: the table, the caption, the target."""

    def draw(self) -> nodes.table:
        """Returns the table; implemented by each directive."""
        raise NotImplementedError

    def run(self) -> list[Node]:
        """Returns the table, or the error as Sphinx wants it."""
        try:
            return [self.draw()]
        except KsyError as error:
            raise self.error(str(error)) from error

    def layouts(self, layout: str) -> Layouts:
        """Returns the layouts; the page is built again when the file of this one changes."""
        layouts = _layouts(self.env)
        self.env.note_dependency(str(layouts.path(layout)))
        return layouts

    def prose(self, text: str) -> list[Node]:
        """Returns a field's documentation: backticks are literals, requirement ids are links."""
        pieces = text.split("`")
        for index, piece in enumerate(pieces):
            pieces[index] = f"``{piece}``" if index % 2 else self._escaped(piece)
        found, messages = self.parse_inline("\\ ".join(pieces))
        return [*found, *messages]

    def _escaped(self, text: str) -> str:
        text = _MARKUP.sub(r"\\\1", text)
        if "sphinx_needs" not in self.config.extensions:
            return text
        return _REQUIREMENT.sub(r":need:`\g<0>`", text)

    def link(self, kind: str, target: str, text: str) -> Node:
        """Returns a link to a table, to be resolved when all pages are read."""
        inner = nodes.literal(text, text)
        return addnodes.pending_xref(
            "",
            inner,
            refdomain="ksy",
            reftype=kind,
            reftarget=target,
            refdoc=self.env.docname,
            refwarn=True,
        )

    def table(
        self,
        kind: str,
        target: str,
        caption: str,
        columns: dict[str, int],
        rows: Iterable[Cells],
    ) -> nodes.table:
        """Returns a table with a caption, and makes it the target of links."""
        group = nodes.tgroup("", cols=len(columns))
        group += [nodes.colspec("", colwidth=width) for width in columns.values()]
        heads = [[nodes.Text(head)] for head in columns]
        group += [nodes.thead("", _row(heads)), nodes.tbody("", *(_row(row) for row in rows))]
        table = nodes.table("", nodes.title("", caption), group, classes=["ksy", "colwidths-given"])
        self.set_source_info(table)
        if "no-index" not in self.options:
            anchor = make_id(self.env, self.state.document, f"ksy-{kind}", target)
            table["ids"].append(anchor)
            self.state.document.note_explicit_target(table)
            domain = self.env.domains["ksy"]
            assert isinstance(domain, KsyDomain)  # noqa: S101 - tells mypy
            domain.note(kind, target, Place(self.env.docname, anchor), table)
        return table


class KsyTable(_KsyDirective):
    """``ksy-table``: the fields of a structure."""

    required_arguments = 1
    option_spec: ClassVar[OptionSpec] = {"expand": directives.flag, "no-index": directives.flag}
    columns: ClassVar[dict[str, int]] = {
        "Offset": 9,
        "Size": 9,
        "Type": 14,
        "Field": 18,
        "Meaning": 50,
    }

    def draw(self) -> nodes.table:
        """Returns the table of the structure that the argument names."""
        layout = self.arguments[0]
        structure = self.layouts(layout).structure(layout)
        fields = structure.expanded() if "expand" in self.options else structure.fields
        caption = f"{layout}, {_bytes(structure)}"
        return self.table("layout", layout, caption, self.columns, map(self._row, fields))

    def _row(self, field: Field) -> Cells:
        return [
            [nodes.Text(str(field.offset))],
            [nodes.Text("to the end" if field.size.open else str(field.size))],
            list(self._type(field)),
            [nodes.literal(field.name, field.name)],
            self.prose(field.doc),
        ]

    def _type(self, field: Field) -> Iterator[Node]:
        if field.layout:
            yield self.link("layout", field.layout, field.type)
        else:
            yield nodes.Text(field.type)
        if field.enum:
            yield nodes.Text(", ")
            yield self.link("enum", field.enum, field.enum.partition(":")[2])
        for index, (value, layout) in enumerate(field.cases):
            yield nodes.Text(f"{', ' if index else ': '}{'else' if value == '_' else value} ")
            yield self.link("layout", layout, layout.rpartition("/")[2])


class KsyEnum(_KsyDirective):
    """``ksy-enum``: the values of an enum."""

    required_arguments = 2
    option_spec: ClassVar[OptionSpec] = {"hex": directives.flag, "no-index": directives.flag}

    def draw(self) -> nodes.table:
        """Returns the table of the enum that the arguments name."""
        name, enum = self.arguments
        rows: list[Cells] = [
            [
                [nodes.Text(f"{value.value:#x}" if "hex" in self.options else str(value.value))],
                [nodes.literal(value.name, value.name)],
                self.prose(value.doc),
            ]
            for value in self.layouts(name).enum(name, enum)
        ]
        columns = {"Value": 12, "Name": 22, "Meaning": 66}
        return self.table("enum", f"{name}:{enum}", f"Values of {enum}", columns, rows)


class KsyNumber(SphinxRole):
    """``ksy-size`` and ``ksy-offset``: a number from a layout, in the running text."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def run(self) -> tuple[list[Node], list[nodes.system_message]]:
        """Returns the number as text, or the error as Sphinx wants it."""
        try:
            return [nodes.Text(self._number())], []
        except KsyError as error:
            inliner: Inliner = self.inliner
            message = inliner.reporter.error(str(error), line=self.lineno)
            return [inliner.problematic(self.rawtext, self.rawtext, message)], [message]

    def _number(self) -> str:
        layout, _, path = self.text.partition(":")
        layouts = _layouts(self.env)
        structure = layouts.structure(layout)
        self.env.note_dependency(str(layouts.path(layout)))
        if not path and self.what == "offset":
            raise KsyError(f"an offset is that of a field: {layout}:FIELD")
        extent = getattr(structure.find(path), self.what) if path else structure.size
        if extent.fixed is None:
            raise KsyError(f"the {self.what} of {self.text} is not a fixed number")
        return f"{extent.fixed:,}"


def _row(cells: Cells) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def _bytes(structure: Structure) -> str:
    size = structure.size
    if size.fixed is not None:
        return f"{size.fixed:,} bytes"
    return "to the end of what holds it" if size.open else f"{size} bytes"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Registers the directives, the roles and the domain."""
    app.add_config_value("ksy_directory", "", "env", (str,))
    app.add_domain(KsyDomain)
    app.add_directive("ksy-table", KsyTable)
    app.add_directive("ksy-enum", KsyEnum)
    app.add_role("ksy-size", KsyNumber("size"))
    app.add_role("ksy-offset", KsyNumber("offset"))
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
