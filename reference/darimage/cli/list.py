"""``darimage list``."""

from __future__ import annotations

import click

from darimage.cli import common, listing
from darimage.faults import display
from darimage.image.reader import Image
from darimage.restore.selection import select


@click.command("list")
@common.image_argument
@common.selection_argument
@click.option("-l", "--long", "is_long", is_flag=True, help="Modes, owners, sizes and times (UTC).")
@click.option("--tree", "as_tree", is_flag=True, help="Draw a tree.")
@common.json_option
def command(
    image: str, selection: list[bytes], *, is_long: bool, as_tree: bool, as_json: bool
) -> int:
    """Show the names in IMAGE, or those of a SELECTION of it.

    A selection is a path or a glob (*, ?, [...], **); a directory brings all below it. Bytes of a
    name that are not printable are shown as \\xNN.

    \b
    Examples:
      darimage list home.dari
      darimage list -l home.dari alice/mail
      darimage list --tree home.dari 'alice/**/*.txt'
    """
    if is_long + as_tree + as_json > 1:
        raise click.UsageError("--long, --tree and --json do not go together")
    with Image.open(image) as opened:
        chosen = select(opened.names, selection)
        listed = listing.rows(opened, chosen)
        if as_json or is_long:
            known = listing.inodes(opened, listed)
        if as_json:
            entries = [listing.as_json(opened, r, known.get(r.entry.inode)) for r in listed]
        elif is_long:
            for row in listed:
                click.echo(listing.long_line(opened, row, known.get(row.entry.inode)))
        else:
            lines = listing.tree_lines(listed) if as_tree else map(_line, listed)
            click.echo("".join(f"{line}\n" for line in lines), nl=False)
        faults = [*chosen.unmatched, *opened.faults]
    if as_json:
        told = [fault.as_json() for fault in faults]
        common.print_json({"image": opened.name, "entries": entries, "faults": told})
    else:
        common.print_faults(faults)
    return common.EXIT_FAULTS if faults else 0


def _line(row: listing.Row) -> str:
    return display(row.path) or "."
