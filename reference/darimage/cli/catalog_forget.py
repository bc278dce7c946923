"""``darimage catalog forget``."""

from __future__ import annotations

import os
import uuid

import click

from darimage.catalog.run import alone
from darimage.catalog.store import BackupSet, Catalogue, CataloguedImage
from darimage.cli import common, sets
from darimage.errors import UsageError


@click.command("forget")
@click.argument("source", type=click.Path())
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="IMAGE",
    help="Only this image, by path or UUID, and those that build on it; may be repeated.",
)
@common.catalog_option
@common.quiet_option
@common.json_option
def command(
    source: str, images: tuple[str, ...], catalog: str | None, *, quiet: bool, as_json: bool
) -> int:
    """Forget the backup set of the directory SOURCE, or some of its images.

    Nothing is deleted but what the catalogue knows. An image that is forgotten is no base any
    more; numbers that were given stay given. A set that is forgotten begins anew, with numbers
    from the start, and needs a full image first.

    \b
    Examples:
      darimage catalog forget --image /backup/old.dari /home
      darimage catalog forget /srv/gone
    """
    path = sets.catalogue_path(catalog)
    gone: list[tuple[BackupSet, list[CataloguedImage]]] = []
    with Catalogue.open(path, make=False) as catalogue:
        for known in sets.find(catalogue, source):
            with alone(path, known.source, known.device), catalogue.transaction():
                gone.append((known, _forget(catalogue, known, images)))
        if images and not any(found for _, found in gone):
            raise UsageError(f"{catalogue.name}: no such image of {source}: {', '.join(images)}")
    if as_json:
        answer = [sets.as_json(known, found) for known, found in gone]
        common.print_json({"catalog": catalogue.name, "forgotten": answer})
    elif not quiet:
        for known, found in gone:
            common.say(f"forgotten: {sets.line(known, found)}")
    return 0


def _forget(
    catalogue: Catalogue, known: BackupSet, images: tuple[str, ...]
) -> list[CataloguedImage]:
    """Forget images of a set, or all of it; return the images that were forgotten."""
    if not images:
        found = catalogue.images(known.id)
        catalogue.forget_set(known.id)
        return found
    names = {os.fsencode(os.path.abspath(name)) for name in images}
    wanted = {
        image.id
        for image in catalogue.images(known.id)
        if image.name in names or str(uuid.UUID(bytes=image.uuid)) in images
    }
    return catalogue.forget_images(known.id, wanted)
