"""Sphinx extension: ``traceability`` shows who checks each requirement; nobody is an error.

What is shown comes from reference/tests/support/traces.py, which the tests ask as well.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from support import traces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from docutils.nodes import Node
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata
    from support.traces import Trace

SHOWN_MAX = 6
"""Vectors, and tests, that are named; of more only the number is told."""

_WORDS = ("rules", "broken in", "shown in", "tests")

_log = logging.getLogger(__name__)


class Traceability(SphinxDirective):
    """``traceability``: a table for each chapter, a row for each requirement."""

    def run(self) -> list[Node]:
        """Returns the tables."""
        box = nodes.Element()
        box.document = self.state.document
        lines = list(lines_of(traces.traces()))
        self.state.nested_parse(StringList(lines, "traceability"), 0, box, match_titles=True)
        return box.children


def lines_of(found: Sequence[Trace]) -> Iterator[str]:
    """Yields the page as reStructuredText."""
    for chapter, mine in groupby(found, key=lambda trace: trace.requirement.chapter):
        yield from (f":doc:`/spec/{chapter}`", "")
        yield from (".. list-table::", "   :header-rows: 1", "   :widths: 30 70", "")
        yield from ("   * - Requirement", "     - Checked by")
        for trace in mine:
            one = trace.requirement
            yield f"   * - :need:`{one.id}` ({one.level}) {one.title}"
            lists = (trace.rules, trace.broken, trace.shown, trace.tests)
            told = [
                f"| {what}: {_names(names)}"
                for what, names in zip(_WORDS, lists, strict=True)
                if names
            ]
            told = told or ["| nobody"]
            yield f"     - {told[0]}"
            yield from (f"       {line}" for line in told[1:])
        yield ""


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(f"``{name}``" for name in names[:SHOWN_MAX])
    more = len(names) - SHOWN_MAX
    return f"{shown} and {more} more" if more > 0 else shown


def tell_what_nobody_checks(_app: Sphinx) -> None:
    """Warns of each MUST that nobody checks; the build takes warnings for errors."""
    for one, what in traces.lacking().items():
        _log.warning("%s: nobody checks it: it lacks %s", one, what, type="traceability")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Registers the directive and the check."""
    app.add_directive("traceability", Traceability)
    app.connect("builder-inited", tell_what_nobody_checks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
