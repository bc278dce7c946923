"""``darimage catalog``: the group; each of its commands is a module of its own."""

from __future__ import annotations

import click

from darimage.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("darimage.cli.catalog_list", "backup sets"),
    "show": ("darimage.cli.catalog_show", "the images of a backup set"),
    "rebuild": ("darimage.cli.catalog_rebuild", "make backup sets again from their images"),
    "forget": ("darimage.cli.catalog_forget", "forget a backup set, or some of its images"),
}
"""Each command's module and one line of help, in the order of their use."""


@click.command("catalog", cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """What `create --level` knows: backup sets, their images, and the numbers of inodes.

    A backup set is all images of one directory on one device. The images do not need the
    catalogue to be restored; the next increment does. One that is lost is made again by
    `catalog rebuild`.
    """
