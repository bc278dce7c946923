"""Sphinx extension: ``cli-help`` shows the help of `darimage` and its commands, from click.

So the reference of the command line cannot fall behind the program.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils.nodes import Node
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

_WIDTH = 88


class CliHelp(SphinxDirective):
    """``cli-help``: one section for each command of the click command `MODULE:ATTRIBUTE`."""

    required_arguments = 1

    def run(self) -> list[Node]:
        """Returns the help of the command, then a section for each command below it."""
        module, _, attribute = self.arguments[0].partition(":")
        try:
            command = getattr(importlib.import_module(module), attribute)
            return list(self._show(command, None, "darimage"))
        except (ImportError, AttributeError) as error:
            raise self.error(f"cli-help {self.arguments[0]}: {error}") from error

    def _show(self, command: Any, parent: click.Context | None, name: str) -> Iterator[Node]:
        context = click.Context(
            command,
            parent,
            info_name=name,
            max_content_width=_WIDTH,
            terminal_width=_WIDTH,
            **command.context_settings,
        )
        text = command.get_help(context)
        if r"\b" in text:
            # click's mark for a paragraph kept as it is; in a raw docstring it is two characters.
            raise self.error(rf"the help of {name} shows a literal \b: its docstring is raw")
        yield nodes.literal_block(text, text, language="none")
        if not isinstance(command, click.Group):
            return
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is None or found.hidden:
                continue
            title = f"{name} {inner}"
            section = nodes.section(ids=[nodes.make_id(title)], names=[title])
            section += nodes.title(title, title)
            section += list(self._show(found, context, inner))
            self.state.document.note_implicit_target(section, section)
            yield section


def setup(app: Sphinx) -> ExtensionMetadata:
    """Registers the directive."""
    app.add_directive("cli-help", CliHelp)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
