"""``darimage list``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import click

from darimage.cli import common, listing, nt_acls, xattrs
from darimage.image.chain import Chain
from darimage.image.inode import Inode
from darimage.image.reader import Image
from darimage.image.state import State
from darimage.restore.selection import select
from darimage.showing import display

_AT_ONCE = 1000


@click.command("list")
@common.image_argument
@common.selection_argument
@common.chain_option
@click.option("-l", "--long", "is_long", is_flag=True, help="Modes, owners, sizes and times (UTC).")
@click.option("--tree", "as_tree", is_flag=True, help="Draw a tree.")
@click.option("--xattrs", "with_xattrs", is_flag=True, help="Extended attributes, below each name.")
@click.option("--acl", "with_acls", is_flag=True, help="NT ACLs as SDDL, below each name.")
@common.json_option
def command(
    image: common.ImageName,
    selection: list[bytes],
    *,
    bases: tuple[str, ...],
    is_long: bool,
    as_tree: bool,
    with_xattrs: bool,
    with_acls: bool,
    as_json: bool,
) -> int:
    """Show the names in IMAGE, or those of a SELECTION of it.

    A selection is a path or a glob (*, ?, [...], **); a directory brings all below it. What is not
    plain in a name is shown as \\xNN, a byte, or \\uNNNN, a character, so that no two names are
    shown alike, and selections take it so. NT streams follow their file as file:stream, which as a
    selection stands for the file.
    What was found and has no usable name is shown as #lost/N, N being its inode number. With --json
    what is not whole has a state: suspect, incomplete, damaged or lost.
    With --chain for the full image and each one between, the tree is shown as it was when IMAGE was
    made.

    \b
    Examples:
      darimage list home.dari
      darimage list -l home.dari alice/mail
      darimage list --tree home.dari 'alice/**/*.txt'
      darimage list --acl share.dari projects
      darimage list -l --xattrs home.dari alice
      darimage list -l --chain sunday.dari monday.dari
    """
    if is_long + as_tree + as_json > 1:
        raise click.UsageError("--long, --tree and --json do not go together")
    if as_tree and (with_acls or with_xattrs):
        other = "--acl" if with_acls else "--xattrs"
        raise click.UsageError(f"--tree and {other} do not go together")
    with Chain.open([*bases, image]) as chain:
        chosen = select(chain.names, selection, streams=chain.streams_of)
        listed = listing.rows(chain, chosen)
        known = listing.inodes(chain, listed) if as_json or is_long or with_xattrs else {}
        listed = listing.agreeing(chain, listed, known)
        shown = _Shown(chain, listed, known, with_xattrs=with_xattrs, with_acls=with_acls)
        if as_json:
            entries = [shown.as_json(row) for row in listed]
        elif as_tree:
            _print(listing.tree_lines(chain, listed))
        else:
            _print(line for row in listed for line in shown.lines(row, is_long=is_long))
        faults = [*chosen.unmatched, *chain.notes(), *chain.all_faults()]
    if as_json:
        told = [fault.as_json() for fault in faults]
        common.print_json({"image": chain.last.name, "entries": entries, "faults": told})
    else:
        common.print_faults(faults)
    return common.EXIT_FAULTS if any(not fault.is_note for fault in faults) else 0


class _Shown:
    """Shows names with what was asked for, each from the image that it comes from."""

    def __init__(
        self,
        chain: Chain,
        listed: list[listing.Row],
        known: dict[int, Inode],
        *,
        with_xattrs: bool,
        with_acls: bool,
    ) -> None:
        self._images = chain.of_all([row.entry.inode for row in listed])
        self._chain = chain
        self._last = chain.last
        self._known = known
        self._with_xattrs = with_xattrs
        self._acls = {id(image): nt_acls.Shown(image) for image in chain.images if with_acls}

    def _image(self, number: int) -> Image:
        return self._images.get(number, self._last)

    def as_json(self, row: listing.Row) -> dict[str, Any]:
        """Return a name for JSON."""
        number = row.entry.inode
        image, inode = self._image(number), self._known.get(number)
        entry = listing.as_json(image, row, inode)
        if (state := listing.state_of(self._chain, row, inode)) != State.WHOLE:
            entry["state"] = state.word
        if inode is not None:
            entry["xattrs"] = xattrs.as_json(image, inode, whole=self._with_xattrs)
        if self._acls:
            entry["nt_acl"] = self._acls[id(image)].as_json(number)
        return entry

    def lines(self, row: listing.Row, *, is_long: bool) -> Iterator[str]:
        """Yield the line of a name, and what belongs below it."""
        number = row.entry.inode
        image, inode = self._image(number), self._known.get(number)
        if is_long:
            yield listing.long_line(image, row, inode)
        else:
            yield display(row.path) or "."
        if self._with_xattrs and inode is not None:
            yield from xattrs.lines(image, inode)
        if self._acls and (line := self._acls[id(image)].line(number)) is not None:
            yield line


def _print(lines: Iterable[str]) -> None:
    rest = iter(lines)
    while some := list(islice(rest, _AT_ONCE)):
        click.echo("".join(f"{line}\n" for line in some), nl=False)
