"""``darimage conformance export``."""

from __future__ import annotations

from pathlib import Path

import click

from darimage.cli import common
from darimage.cli.vectors_option import chosen, vectors_option
from darimage.conformance.export import export
from darimage.conformance.vectors import Suite


@click.command("export")
@click.argument("directory", type=common.OutputPath(file_okay=False, path_type=Path))
@click.argument("vectors", nargs=-1, metavar="[VECTOR]...")
@vectors_option
@click.option(
    "--giants",
    callback=common.as_size,
    metavar="SIZE",
    help="Write giants too, as sparse files, that take at most SIZE of the disk, as 64M or 1G.",
)
@common.quiet_option
def command(
    directory: Path, vectors: tuple[str, ...], home: Path, giants: int | None, *, quiet: bool
) -> None:
    """Write vectors to DIRECTORY as plain files, for programs in any language.

    Each has a directory TOPIC/NAME with its image and, if a reader must agree on what is in it,
    the inventory as expected.json. manifest.json says what each is, SHA256SUMS has the hashes.
    VECTOR is an id, a name or a topic; without one all are written.

    \b
    Examples:
      darimage conformance export /tmp/vectors
      darimage conformance export /tmp/vectors directories DARI-V-0001
      darimage conformance export /tmp/vectors --giants 64M
    """
    suite = Suite(home)
    count = export(suite, directory, chosen(suite, vectors), giants_to=giants or 0)
    if not quiet:
        common.say(f"{directory}: {common.plural(count, 'vector')}")
