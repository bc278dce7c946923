"""``darimage conformance``: the group; each of its commands is a module of its own."""

from __future__ import annotations

import click

from darimage.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("darimage.cli.conformance_list", "show the vectors"),
    "export": ("darimage.cli.conformance_export", "write vectors out as plain files"),
    "run": ("darimage.cli.conformance_run", "try an implementation on the vectors"),
    "check-report": ("darimage.cli.conformance_check_report", "check what a report says"),
}
"""Each command's module and one line of help, in the order of their use."""


@click.command("conformance", cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Test vectors of the format, and what implementations make of them."""
