"""``darimage catalog show``."""

from __future__ import annotations

import click

from darimage.catalog.store import Catalogue
from darimage.cli import common, sets


@click.command("show")
@click.argument("source", type=click.Path())
@common.catalog_option
@common.json_option
def command(source: str, catalog: str | None, *, as_json: bool) -> int:
    """Show the images of the directory SOURCE: dates, levels, and which each builds on.

    SOURCE itself need not be there any more.

    \b
    Examples:
      darimage catalog show /home
      darimage catalog show --json /home | jq '.sets[0].images[-1].image'
    """
    with Catalogue.open(sets.catalogue_path(catalog), make=False) as catalogue:
        found = [(known, catalogue.images(known.id)) for known in sets.find(catalogue, source)]
    if as_json:
        answer = [sets.as_json(known, images) for known, images in found]
        common.print_json({"catalog": catalogue.name, "sets": answer})
        return 0
    for known, images in found:
        common.say(sets.line(known, images))
        for line in sets.table(images):
            common.say(line)
    return 0
