"""How ``create`` is told to write tapes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from darimage.cli import common
from darimage.tapes.aws import Aws
from darimage.tapes.names import is_changer, is_drive
from darimage.tapes.simh import Simh
from darimage.units import RECORD
from darimage.volumes.writing import is_stream

if TYPE_CHECKING:
    from darimage.tapes.changer import Changer
    from darimage.tapes.element import Form
    from darimage.tapes.sink import Loader

F = TypeVar("F", bound=Callable[..., Any])

_BY_SUFFIX: tuple[Form, ...] = (Simh(), Aws())


def options(command: F) -> F:
    """Add the options of what writes tapes."""
    command = click.option(
        "--container",
        type=click.Choice(["aws", "plain", "simh"]),
        default=None,
        help="Kind of tape container; by default that of the name, simh in a folder of tapes.",
    )(command)
    command = click.option(
        "--next-tape",
        metavar="COMMAND",
        default=None,
        help="Loads the next tape when the one in the drive IMAGE is full, and ends with 0.",
    )(command)
    command = click.option(
        "--block-size",
        callback=common.as_size,
        metavar="SIZE",
        help="Bytes of a tape block; NTREC KiB if it is not given.",
    )(command)
    return click.option(
        "--tape-size",
        callback=common.as_size,
        metavar="SIZE",
        help="Bytes that a tape has room for. IMAGE is then a folder of tapes, made if it is not "
        "there, unless it ends in .tap or .aws.",
    )(command)


def loader(image: str, options: dict[str, Any]) -> Loader | None:
    """Return what brings the tapes that an image goes to; ``None`` if it goes to none.

    Raises:
        UsageError: Options do not go together.
    """
    chosen, by_name = options["container"], _by_suffix(image)
    if is_drive(image):
        return _drive(image, options)
    in_folder = os.path.isdir(image) or (options["tape_size"] and by_name is None)
    if not in_folder and chosen is None and by_name is None:
        if options["block_size"] is not None or options["next_tape"] is not None:
            raise click.UsageError("--block-size and --next-tape are for tapes")
        return None
    if is_stream(image):
        raise click.UsageError("--container and --tape-size are for files")
    if options["next_tape"] is not None:
        raise click.UsageError("--next-tape is for a tape drive")
    form = _form(chosen) if chosen is not None else by_name or _BY_SUFFIX[0]
    _check(form.name, form.longest, options)
    if in_folder:
        return _changer(image, form, options["tape_size"], options["mode"])
    from darimage.tapes.one_file import OneFile

    size, mode = options["tape_size"] or 0, options["mode"]
    return OneFile(image, form, size, overwrite=options["force"], mode=mode)


def _form(name: str) -> Form:
    from darimage.tapes.plain import Plain

    return {"simh": _BY_SUFFIX[0], "aws": _BY_SUFFIX[1], "plain": Plain()}[name]


def _by_suffix(image: str) -> Form | None:
    """Return the container that a name asks for."""
    named = (form for form in _BY_SUFFIX if image.endswith(form.suffix))
    return None if os.path.isdir(image) else next(named, None)


def _check(name: str, longest: int, options: dict[str, Any]) -> None:
    """Refuse what does not go with tapes, and blocks that are too long."""
    if options["volume_size"] is not None:
        raise click.UsageError("--volume-size does not go with tapes")
    block = options["block_size"] or options["ntrec"] * RECORD
    if options["block_size"] == 0 or block > longest:
        raise click.UsageError(f"--block-size {block}: {name} has blocks of 1 to {longest} bytes")


def _drive(path: str, options: dict[str, Any]) -> Loader:
    """Return a drive; how much fits on a tape is its own affair."""
    from darimage.tapes.drives import Drives, by_command
    from darimage.tapes.linux import LONGEST

    if options["container"] is not None or options["tape_size"] is not None:
        raise click.UsageError("--container and --tape-size are for files")
    _check(path, LONGEST, options)
    return Drives(path, by_command(path, options["next_tape"]))


def _changer(folder: str, form: Form, size: int | None, mode: int) -> Changer:
    if not size:
        told = "--tape-size says what a tape has room for"
        if not is_changer(folder):
            told = "is a directory; --tape-size makes it a folder of tapes"
        raise click.UsageError(f"{folder}: {told}")
    from darimage.tapes.changer import Changer

    return Changer(folder, form, size, mode=mode)
