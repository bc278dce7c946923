"""``darimage list``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice

import click

from darimage.cli import common, listing, nt_acls, xattrs
from darimage.faults import display
from darimage.image.inode import Inode
from darimage.image.reader import Image
from darimage.restore.selection import select

_AT_ONCE = 1000


@click.command("list")
@common.image_argument
@common.selection_argument
@click.option("-l", "--long", "is_long", is_flag=True, help="Modes, owners, sizes and times (UTC).")
@click.option("--tree", "as_tree", is_flag=True, help="Draw a tree.")
@click.option("--xattrs", "with_xattrs", is_flag=True, help="Extended attributes, below each name.")
@click.option("--acl", "with_acls", is_flag=True, help="NT ACLs as SDDL, below each name.")
@common.json_option
def command(
    image: common.ImageName,
    selection: list[bytes],
    *,
    is_long: bool,
    as_tree: bool,
    with_xattrs: bool,
    with_acls: bool,
    as_json: bool,
) -> int:
    """Show the names in IMAGE, or those of a SELECTION of it.

    A selection is a path or a glob (*, ?, [...], **); a directory brings all below it. Bytes of a
    name that are not printable are shown as \\xNN. NT streams follow their file as file:stream.

    \b
    Examples:
      darimage list home.dari
      darimage list -l home.dari alice/mail
      darimage list --tree home.dari 'alice/**/*.txt'
      darimage list --acl share.dari projects
      darimage list -l --xattrs home.dari alice
    """
    if is_long + as_tree + as_json > 1:
        raise click.UsageError("--long, --tree and --json do not go together")
    if as_tree and (with_acls or with_xattrs):
        other = "--acl" if with_acls else "--xattrs"
        raise click.UsageError(f"--tree and {other} do not go together")
    with Image.open(image) as opened:
        chosen = select(opened.names, selection)
        listed = listing.rows(opened, chosen)
        known = listing.inodes(opened, listed) if as_json or is_long or with_xattrs else {}
        acls = nt_acls.Shown(opened) if with_acls else None
        if as_json:
            entries = [listing.as_json(opened, r, known.get(r.entry.inode)) for r in listed]
            for entry in entries:
                if (inode := known.get(entry["inode"])) is not None:
                    entry["xattrs"] = xattrs.as_json(opened, inode, whole=with_xattrs)
            if acls is not None:
                for entry in entries:
                    entry["nt_acl"] = acls.as_json(entry["inode"])
        elif as_tree:
            _print(listing.tree_lines(opened, listed))
        else:
            below = partial(_below, opened, known if with_xattrs else {}, acls)
            _print(_lines(opened, listed, known if is_long else None, below))
        faults = [*chosen.unmatched, *opened.faults]
    if as_json:
        told = [fault.as_json() for fault in faults]
        common.print_json({"image": opened.name, "entries": entries, "faults": told})
    else:
        common.print_faults(faults)
    return common.EXIT_FAULTS if faults else 0


def _lines(
    image: Image,
    listed: list[listing.Row],
    known: dict[int, Inode] | None,
    below: Callable[[int], Iterator[str]],
) -> Iterator[str]:
    """Yield a line a name, a long one if inodes are given, and what belongs below it."""
    for row in listed:
        inode = row.entry.inode
        if known is None:
            yield display(row.path) or "."
        else:
            yield listing.long_line(image, row, known.get(inode))
        yield from below(inode)


def _below(
    image: Image, known: dict[int, Inode], acls: nt_acls.Shown | None, number: int
) -> Iterator[str]:
    """Yield the extended attributes of an inode that is known, and its NT ACL."""
    if (inode := known.get(number)) is not None:
        yield from xattrs.lines(image, inode)
    if acls is not None and (line := acls.line(number)) is not None:
        yield line


def _print(lines: Iterable[str]) -> None:
    rest = iter(lines)
    while some := list(islice(rest, _AT_ONCE)):
        click.echo("".join(f"{line}\n" for line in some), nl=False)
