"""Sphinx extension: shows the worked hexdumps of the specification (format: see spec_hexdump)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from spec_hexdump import HexdumpError, check_order, parse_dump, parse_expect, parse_inodes

if TYPE_CHECKING:
    from docutils.nodes import Node
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata, OptionSpec

_ORDERS = {"le": "little-endian", "be": "big-endian"}


class HexdumpDirective(SphinxDirective):
    """``hexdump``: the dump as it was typed, and the values a test reads out of it."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[OptionSpec] = {
        "layout": directives.unchanged_required,
        "order": directives.unchanged,
        "expect": directives.unchanged,
        "inodes": directives.unchanged,
    }

    def run(self) -> list[Node]:
        """Returns the literal block, with its caption and what it is read as."""
        try:
            parse_dump(list(self.content))
            expect = parse_expect(self.options.get("expect", ""))
            inodes = parse_inodes(self.options.get("inodes"))
            order = check_order(self.options.get("order", ""))
        except HexdumpError as error:
            raise self.error(str(error)) from error
        text = "\n".join(self.content)
        block = nodes.literal_block(text, text, language="none", classes=["hexdump"])
        found: list[Node] = [block]
        if self.arguments:
            caption = nodes.caption("", "", *self.parse_inline(self.arguments[0])[0])
            found = [
                nodes.container(
                    "", caption, block, literal_block=True, classes=["literal-block-wrapper"]
                )
            ]
        layout = self.options.get("layout")
        if layout:
            values = "".join(f", {wanted.path} = {_shown(wanted.value)}" for wanted in expect)
            found.append(_note(f"Read as {layout}, {_ORDERS[order]}{values}."))
        if inodes is not None:
            numbers = ", ".join(map(str, inodes)) or "none"
            found.append(_note(f"Read as a bitmap, inodes: {numbers}."))
        return found


def _note(text: str) -> Node:
    return nodes.paragraph("", "", nodes.emphasis(text, text))


def _shown(value: int | str | bytes) -> str:
    if isinstance(value, bytes):
        return value.hex(" ") if len(value) <= 16 else f"{len(value)} bytes"
    return f"“{value}”" if isinstance(value, str) else str(value)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Registers the directive."""
    app.add_directive("hexdump", HexdumpDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
