"""``darimage drive list``."""

from __future__ import annotations

import click

from darimage.cli import common
from darimage.drives import files


@click.command("list")
@common.json_option
def command(*, as_json: bool) -> int:
    """List the models that come with the program.

    \b
    Example:
      darimage drive list
    """
    drives = [files.find(name) for name in files.names()]
    if as_json:
        keys = ("name", "title", "kind", "capacity", "rate")
        listed = [{key: getattr(drive, key) for key in keys} for drive in drives]
        common.print_json({"drives": listed})
        return 0
    for drive in drives:
        rate = f"{drive.rate / 1e6:g} MB/s"
        common.say(f"{drive.name:<14} {rate:>10}  {drive.title}")
    return 0
