"""``darimage verify``."""

from __future__ import annotations

import click

from darimage.cli import common
from darimage.validate.verify import Verification, verify


@click.command("verify")
@common.image_argument
@click.option(
    "--quick",
    is_flag=True,
    help="Leave out the contents of files: check headers, maps, directories and sections only.",
)
@common.quiet_option
@common.json_option
def command(image: common.ImageName, *, quick: bool, quiet: bool, as_json: bool) -> int:
    """Read all of IMAGE, check it against itself and report all that is wrong with it.

    Every header and all data are checked by their checksums. The offset map is computed again from
    where the files really are and compared with the one in the image, and so are the bitmaps, the
    directories and the end record. A plain dump has no checksums of data: what can be seen without
    them is checked, and the answer says so.

    \b
    Examples:
      darimage verify home.dari
      darimage verify --quick home.dari
      darimage verify --json home.dari > verdict.json
    """
    found = verify(image, common.progress(quiet=quiet), quick=quick)
    if as_json:
        common.print_json(found.as_json())
    else:
        common.print_faults(found.faults)
        for note in found.notes if not quiet else ():
            common.complain(f"note: {note.text()}")
        if not quiet or not found.good:
            _print_untold(found)
            common.say(_summary(found))
    return 0 if found.good else common.EXIT_FAULTS


def _print_untold(found: Verification) -> None:
    for rule, count in found.untold.items():
        common.complain(f"{count:,} more of {rule}")


def _summary(found: Verification) -> str:
    counted = f"{common.plural(found.headers, 'header')}, {common.plural(found.inodes, 'inode')}"
    maps = {
        True: "; the offset map is true",
        False: "; the offset map is NOT what the image holds",
        None: "; a plain dump, without an offset map",
    }[found.map_equal]
    contents = {
        "checked": "; all data read and checked",
        "not checked": "; contents of files NOT read",
        "no checksums": "; all data read, which has no checksums",
    }[found.contents]
    faults = common.plural(found.fault_count, "fault") if found.fault_count else "no fault"
    return f"{found.image}: {counted}{maps}{contents}; {faults}"
