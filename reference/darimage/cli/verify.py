"""``darimage verify``."""

from __future__ import annotations

import click

from darimage.cli import common
from darimage.validate.verify import Verification, verify


@click.command("verify")
@common.image_argument
@common.quiet_option
@common.json_option
def command(image: common.ImageName, *, quiet: bool, as_json: bool) -> int:
    """Check IMAGE against itself and report all that is wrong with it.

    Every header is checked, the offset map is computed again from where the files really are and
    compared with the one in the image, and so are the bitmaps, the directories and the end record.
    File data has no checksums in an image: it is counted, not judged. A plain dump stream has less
    to check.

    \b
    Examples:
      darimage verify home.dari
      darimage verify --json home.dari > verdict.json
    """
    found = verify(image, common.progress(quiet=quiet))
    if as_json:
        common.print_json(found.as_json())
    else:
        common.print_faults(found.faults)
        if not quiet or not found.good:
            _print_untold(found)
            click.echo(_summary(found))
    return 0 if found.good else common.EXIT_FAULTS


def _print_untold(found: Verification) -> None:
    for rule, count in found.untold.items():
        click.echo(f"darimage: {count:,} more of {rule}", err=True)


def _summary(found: Verification) -> str:
    counted = f"{common.plural(found.headers, 'header')}, {common.plural(found.inodes, 'inode')}"
    maps = {
        True: "; the offset map is true",
        False: "; the offset map is NOT what the image holds",
        None: "; a plain dump, without an offset map",
    }[found.map_equal]
    faults = common.plural(found.fault_count, "fault") if found.fault_count else "no fault"
    return f"{found.image}: {counted}{maps}; {faults}"
