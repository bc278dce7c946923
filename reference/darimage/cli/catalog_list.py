"""``darimage catalog list``."""

from __future__ import annotations

import click

from darimage.catalog.store import Catalogue
from darimage.cli import common, sets


@click.command("list")
@common.catalog_option
@common.json_option
def command(catalog: str | None, *, as_json: bool) -> int:
    """Show the backup sets that the catalogue knows.

    \b
    Examples:
      darimage catalog list
      darimage catalog list --json --catalog /backup/catalog.sqlite
    """
    with Catalogue.open(sets.catalogue_path(catalog), make=False) as catalogue:
        found = [(known, catalogue.images(known.id)) for known in catalogue.sets()]
    if as_json:
        answer = [sets.as_json(known, images) for known, images in found]
        common.print_json({"catalog": catalogue.name, "sets": answer})
    else:
        for known, images in found:
            common.say(sets.line(known, images))
    return 0
