"""``darimage drive``: the group; each of its commands is a module of its own."""

from __future__ import annotations

import click

from darimage.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("darimage.cli.drive_list", "the models that come with the program"),
    "show": ("darimage.cli.drive_show", "the figures of a model, and where they are from"),
    "measure": ("darimage.cli.drive_measure", "make a model of a real device"),
}
"""Each command's module and one line of help, in the order of their use."""


@click.command("drive", cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Models of drives: what they take to go somewhere and to read.

    `restore --drive MODEL` decides by them whether to seek or to read on. A model of one's own is
    a file in TOML; `like = "lto-5"` in it takes over all that it does not say itself.
    """
