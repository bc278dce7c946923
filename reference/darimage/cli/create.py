"""``darimage create``."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from darimage.cli import common, tapes
from darimage.errors import DarimageError, StorageError, UsageError
from darimage.importing import importing

if TYPE_CHECKING:
    from darimage.catalog.run import Run
    from darimage.image.writer import Report
from darimage.sources.attached import Wanted
from darimage.sources.posix import PosixSource
from darimage.tapes.sink import TapeSink
from darimage.units import LEAST_FOR_RESTORE, RECORD, size_text
from darimage.volumes.file_set import FileSet
from darimage.volumes.replacing import numbered
from darimage.volumes.writing import FileSink, Sink, StreamSink, is_stream, open_sink

_OPEN = FileSink | FileSet | TapeSink | StreamSink


@click.command("create")
@click.argument("source", type=click.Path(exists=True, file_okay=False))
@click.argument("image", type=common.OutputPath(allow_dash=True))
@click.option("--label", default="none", show_default=True, help="Label, at most 15 bytes.")
@click.option("--no-acls", is_flag=True, help="Leave out NT ACLs.")
@click.option("--no-xattrs", is_flag=True, help="Leave out extended attributes and POSIX ACLs.")
@common.stream_source_option
@click.option("--one-file-system", is_flag=True, help="Do not enter other file systems.")
@click.option(
    "--ntrec",
    type=click.IntRange(1, 1024),
    default=10,
    show_default=True,
    help="Records a tape block.",
)
@click.option(
    "--reproducible",
    is_flag=True,
    help="Nothing from the clock or the host: the same tree gives the same bytes.",
)
@click.option(
    "--level",
    type=click.IntRange(0, 9),
    default=None,
    help="0: all, and the catalogue knows of it; 1 to 9: what changed since the last lower level.",
)
@click.option(
    "--since",
    callback=common.as_seconds,
    metavar="DATE",
    help="What changed since the last image of the catalogue that is not later than this.",
)
@common.catalog_option
@click.option(
    "--volume-size",
    callback=common.as_size,
    metavar="SIZE",
    help="Cut into volumes IMAGE001, IMAGE002, ... of at most SIZE bytes, or with K, M, G, T.",
)
@tapes.options
@click.option(
    "--as-set",
    type=click.Path(),
    metavar="DIR",
    default=None,
    help="Go on with the backup set of DIR: SOURCE is that tree, on another path or device.",
)
@click.option("--base-unseen", is_flag=True, help="Do not look whether the base is still there.")
@click.option("--force", is_flag=True, help="Replace an image of that name.")
@click.option(
    "--force-chain",
    is_flag=True,
    help="Replace it also if other images of the catalogue build on it.",
)
@click.option(
    "--mode",
    callback=common.as_mode,
    metavar="MODE",
    default="600",
    show_default=True,
    help="Mode of what is written: 640 lets a group read it.",
)
@click.option(
    "--workers", type=click.IntRange(1), default=None, help="Processes; as many as processors."
)
@common.quiet_option
@common.json_option
def command(
    source: str, image: str, *, as_json: bool, quiet: bool, workers: int | None, **options: Any
) -> int:
    """Make an image of the directory SOURCE and all below it.

    IMAGE appears whole or not at all; - writes to standard output, and the report goes to standard
    error. Files that change, vanish or cannot be read meanwhile are reported, and the exit code is
    1; where each file lies is still as the image's offset map says.

    With --level or --since the image belongs to a backup set, all images of SOURCE that the
    catalogue knows. A DATE is 2026-11-23, 2026-11-23T18:00:00 (UTC unless it has an offset) or
    @SECONDS since 1970.

    With --volume-size the image is cut into files IMAGE001, IMAGE002, ..., which restore -M reads
    too. Into standard output they go one after another.

    If IMAGE ends in .tap or .aws it is a tape in a file, a SIMH or an AWSTAPE container. With
    --tape-size any other IMAGE is a folder of tapes: the image goes on fresh tapes in it, one
    behind the other as they fill, and is called IMAGE:1, the next one IMAGE:2.

    \b
    Examples:
      darimage create /home home.dari
      darimage create --volume-size 4G /home /media/home
      darimage create /home home.tap
      darimage create --tape-size 100G /home /backup/tapes
      darimage create --one-file-system / - | ssh tapehost 'cat > root.dari'
      darimage create --json /srv srv.dari > report.json
      darimage create --level 0 /home sunday.dari
      darimage create --level 1 /home monday.dari
    """
    _check(options)
    options["volume_records"] = _records_per_volume(options)
    options["warn"] = _silent if as_json else _warn
    if not is_stream(image):
        common.clear_leftovers(image if os.path.isdir(image) else os.path.dirname(image))
    _check_replaced(image, options)
    sink = _open_sink(image, options)
    try:
        if options["level"] is None and options["since"] is None:
            report = _create(source, sink, options, workers, quiet=quiet)
        else:
            report = _catalogued(source, image, sink, options, workers, quiet=quiet)
    except BaseException:
        sink.abort()
        raise
    to_stdout = image == "-"
    if as_json:
        made = sink.made if isinstance(sink, FileSet) else []
        on = [part._asdict() for part in sink.parts] if isinstance(sink, TapeSink) else []
        answer = {**report.as_json(), "volume_files": made, "tapes": on}
        common.print_json(answer, err=to_stdout)
    else:
        common.print_faults(report.faults)
        if not quiet or not report.good:
            common.say(_summary(report, sink), err=to_stdout)
    return 0 if report.good else common.EXIT_FAULTS


def _check(options: dict[str, Any]) -> None:
    """Refuse options that do not go together."""
    if options["level"] is None and options["since"] is None:
        for name in ("catalog", "as_set", "base_unseen"):
            if options[name]:
                told = f"--{name.replace('_', '-')} is for --level or --since"
                raise click.UsageError(told)
    elif options["reproducible"]:
        raise click.UsageError("--reproducible does not go with --level or --since")


def _check_replaced(image: str, options: dict[str, Any]) -> None:
    """Refuse to replace an image that others build on, for all that the catalogue knows."""
    if not options["force"] or options["force_chain"] or is_stream(image):
        return
    from pathlib import Path

    from darimage.catalog.run import default_path, dependents
    from darimage.catalog.store import Catalogue

    name = numbered(image, 1) if options["volume_records"] else image
    if not os.path.lexists(name):
        return
    try:
        path = Path(options["catalog"] or default_path())
    except UsageError:
        return
    if not path.exists():
        return
    with Catalogue.open(path, make=False) as catalogue:
        others = dependents(catalogue, os.fsencode(os.path.abspath(name)))
    if others:
        told = f"{common.plural(len(others), 'image builds', 'images build')} on it"
        first = os.fsdecode(others[0].name)
        raise UsageError(f"{image}: {told}, {first} for one; --force-chain replaces it")


def _catalogued(
    source: str,
    image: str,
    sink: Sink,
    options: dict[str, Any],
    workers: int | None,
    *,
    quiet: bool,
) -> Report:
    """Make an image that the catalogue knows of once it is in place."""
    from pathlib import Path

    from darimage.catalog.run import Run, Wish, alone, default_path

    path = Path(options["catalog"] or default_path())
    place = (os.fsencode(os.path.abspath(source)), os.stat(source).st_dev)
    with alone(path, *place):
        as_set = options["as_set"]
        wish = Wish(
            options["level"],
            options["since"],
            None if as_set is None else os.fsencode(os.path.abspath(as_set)),
            look=not options["base_unseen"],
        )
        run = Run(path, *place, wish)
        if image != "-" and run.builds_on(os.fsencode(os.path.abspath(sink.name))):
            raise UsageError(f"{image}: this image would build on it, and so cannot replace it")
        report = _create(source, sink, options, workers, quiet=quiet, run=run)
        try:
            name = image if image == "-" else os.path.abspath(report.image)
            run.finish(report, os.fsencode(name))
        except DarimageError as error:
            told = f"{image} is in place, but the catalogue does not know of it: {error}"
            raise StorageError(f"{told} (`catalog rebuild` enters it)") from error
    return report


def _create(
    source: str,
    sink: Sink,
    options: dict[str, Any],
    workers: int | None,
    *,
    quiet: bool,
    run: Run | None = None,
) -> Report:
    tree = PosixSource(
        source,
        one_file_system=options["one_file_system"],
        leave_out=_same_file(sink.fd) if isinstance(sink, _OPEN) else (),
        wanted=Wanted(
            xattrs=not options["no_xattrs"],
            acls=not options["no_acls"],
            streams=options["streams"],
        ),
        keep_unreadable=run is not None and run.base is not None,
    )
    tree.begin()
    # All below needs numpy: it is imported while the tree is scanned.
    with importing():
        from darimage.image.numbering import fresh
        from darimage.image.writer import Options, create
        from darimage.parallel import cores

    settings = Options(
        label=os.fsencode(options["label"]),
        ntrec=options["ntrec"],
        acls=not options["no_acls"],
        workers=workers or cores(),
        reproducible=options["reproducible"],
        volume_records=options["volume_records"],
    )
    number = fresh
    if run is not None:
        number = partial(run.number, births=tree.births, unreadable=tree.unreadable)
    return create(tree, sink, settings, common.progress(quiet=quiet), number, options["warn"])


def _warn(warning: str) -> None:
    common.complain(f"warning: {warning}")


def _silent(_warning: str) -> None:
    """Leave it to the report."""


def _records_per_volume(options: dict[str, Any]) -> int:
    """Return how many records a volume has: whole tape blocks, at most what was asked for."""
    size, ntrec = options["volume_size"], options["ntrec"]
    if size is None:
        return 0
    least = -(-LEAST_FOR_RESTORE // ntrec) * ntrec * RECORD
    if size < least:
        raise click.UsageError(f"--volume-size {size} is too small: at least {least} bytes")
    return int(size // (ntrec * RECORD) * ntrec)


def _open_sink(image: str, options: dict[str, Any]) -> Sink:
    """Return where the image goes; one that is cut goes into files that are numbered, or tapes."""
    if (loader := tapes.loader(image, options)) is not None:
        return TapeSink(loader, options["block_size"] or options["ntrec"] * RECORD)
    capacity = options["volume_records"] * RECORD
    if capacity and not is_stream(image):
        return FileSet(image, capacity, overwrite=options["force"], mode=options["mode"])
    return open_sink(image, overwrite=options["force"], mode=options["mode"])


def _same_file(descriptor: int) -> list[tuple[int, int]]:
    """Return what identifies the image's own file, which is not put into itself."""
    if descriptor < 0:
        return []
    info = os.fstat(descriptor)
    return [(info.st_dev, info.st_ino)]


def _summary(report: Report, sink: Sink) -> str:
    size = size_text(report.records * RECORD)
    held = common.plural(report.directories, "directory", "directories")
    held += " and " + common.plural(report.others, "other inode")
    verdict = (
        "every file lies where the offset map says"
        if not report.mismatches
        else f"{report.mismatches} files do not lie where the offset map says"
    )
    faults = "" if not report.faults else f"; {common.plural(len(report.faults), 'fault')}"
    if report.records_per_volume:
        size += f" on {common.plural(report.volumes, 'volume')}"
    if isinstance(sink, TapeSink):
        size += f" on {common.plural(len(sink.parts), 'tape')}"
    return f"{report.image}: {size}, {held}; {verdict}{faults}"
