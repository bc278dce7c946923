"""``darimage catalog rebuild``."""

from __future__ import annotations

import os

import click

from darimage.catalog.rebuild import rebuild
from darimage.catalog.store import Catalogue
from darimage.cli import common, sets


@click.command("rebuild")
@click.argument("images", nargs=-1, required=True, type=click.Path(), metavar="IMAGE...")
@click.option(
    "--source",
    type=click.Path(),
    metavar="DIR",
    default=None,
    help="The directory they are of, where its path is too long for an image.",
)
@common.catalog_option
@common.quiet_option
@common.json_option
def command(
    images: tuple[str, ...], source: str | None, catalog: str | None, *, quiet: bool, as_json: bool
) -> int:
    """Make the catalogue of some backup sets again from all of their images, in any order.

    What the catalogue knew of these sets is replaced; other sets stay. Each incremental image has
    to come with those that it builds on.

    \b
    Examples:
      darimage catalog rebuild /backup/*.dari
      darimage catalog rebuild --catalog new.sqlite sunday.dari monday.dari
    """
    place = None if source is None else os.fsencode(os.path.abspath(source))
    with Catalogue.open(sets.catalogue_path(catalog)) as catalogue:
        made = rebuild(catalogue, images, source=place, progress=common.progress(quiet=quiet))
        found = [
            (known, catalogue.images(known.id))
            for known in catalogue.sets()
            if any((known.source, known.device) == (one.source, one.device) for one in made)
        ]
    if as_json:
        answer = [sets.as_json(known, images) for known, images in found]
        common.print_json({"catalog": catalogue.name, "sets": answer})
    elif not quiet:
        for known, known_images in found:
            common.say(sets.line(known, known_images))
    return 0
