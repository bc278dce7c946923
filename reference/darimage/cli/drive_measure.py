"""``darimage drive measure``."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from darimage.cli import common
from darimage.drives import files
from darimage.drives.measure import measured, toml
from darimage.errors import StorageError, UsageError
from darimage.tapes.names import is_drive
from darimage.volumes.probe import FileProbe

if TYPE_CHECKING:
    from darimage.tapes.probe import TapeProbe


def _probe(device: str) -> FileProbe | TapeProbe:
    """Open what is to be measured."""
    if not is_drive(device):
        return FileProbe(device)
    from darimage.tapes.linux import LinuxTape
    from darimage.tapes.probe import TapeProbe

    return TapeProbe(LinuxTape.open(device))


@click.command("measure")
@click.argument("device", type=click.Path())
@click.option(
    "-o",
    "--output",
    type=common.OutputPath(dir_okay=False),
    required=True,
    metavar="FILE.toml",
    help="Where the model goes; it must not be there yet.",
)
@click.option(
    "--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Of each distance."
)
@common.quiet_option
@common.json_option
def command(device: str, output: str, *, rounds: int, quiet: bool, as_json: bool) -> int:
    """Measure DEVICE and write a model for `--drive`.

    It is a block device, a file on one, or a tape drive (/dev/nst0) with a tape that holds some
    gigabytes. It is only read: 192 MiB and some 200 small reads at most, past the memory of the
    system where that can be passed by. Let nothing else use it at the time.

    A tape is measured as if it were one line: how long a way takes by how far it is. What the
    wraps of a tape are is not found out; models that know them are `darimage drive list`'s.

    \b
    Examples:
      darimage drive measure /dev/sdb -o usb.toml
      darimage drive measure /dev/nst0 -o cellar.toml
    """
    if not output.endswith(".toml"):
        raise UsageError(f"{output}: a model's file ends in .toml")
    if os.path.lexists(output):
        raise UsageError(f"{output} is there already")
    with _probe(device) as probe:
        found = measured(probe, time.perf_counter, rounds)
        direct = "" if probe.is_direct else ", through the page cache"
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    text = toml(found, name=device, source=f"measured on {when}, {found.reads} reads{direct}")
    model = files.parse(text, output)
    try:
        with open(output, "x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise StorageError.of(error, output) from error
    if as_json:
        seek = [list(point) for point in found.seek]
        answer = {"device": device, "output": output, "rate": found.rate, "seek": seek}
        common.print_json({**answer, "reads": found.reads})
    elif not quiet:
        near, far = found.seek[0][1], found.seek[-1][1]
        told = f"{model.rate / 1e6:,.1f} MB/s, seeks from {near * 1e3:.3g} to {far * 1e3:.3g} ms"
        common.say(f"{output}: {told}")
    return 0
