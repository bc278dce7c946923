"""How ``create`` is told to write tapes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from darimage.cli import common
from darimage.tapes.aws import Aws
from darimage.tapes.changer import Changer, is_changer
from darimage.tapes.element import Form
from darimage.tapes.one_file import OneFile
from darimage.tapes.plain import Plain
from darimage.tapes.simh import Simh
from darimage.tapes.sink import Loader
from darimage.volumes.writing import is_stream

F = TypeVar("F", bound=Callable[..., Any])

_FORMS: dict[str, Form] = {"simh": Simh(), "aws": Aws(), "plain": Plain()}


def options(command: F) -> F:
    """Add the options of what writes tapes."""
    command = click.option(
        "--container",
        type=click.Choice(sorted(_FORMS)),
        default=None,
        help="Kind of tape container; by default that of the name, simh in a folder of tapes.",
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
    form = _FORMS[chosen] if chosen is not None else by_name or _FORMS["simh"]
    in_folder = os.path.isdir(image) or (options["tape_size"] and by_name is None)
    if not in_folder and chosen is None and by_name is None:
        if options["block_size"] is not None:
            raise click.UsageError("--block-size is for tapes")
        return None
    if is_stream(image):
        raise click.UsageError("--container and --tape-size are for files")
    if options["volume_size"] is not None:
        raise click.UsageError("--volume-size does not go with tapes")
    _check_block(form, options)
    if in_folder:
        return _changer(image, form, options["tape_size"])
    return OneFile(image, form, options["tape_size"] or 0, overwrite=options["force"])


def _by_suffix(image: str) -> Form | None:
    """Return the container that a name asks for."""
    named = (form for form in (_FORMS["simh"], _FORMS["aws"]) if image.endswith(form.suffix))
    return None if os.path.isdir(image) else next(named, None)


def _check_block(form: Form, options: dict[str, Any]) -> None:
    block = options["block_size"]
    if block is not None and not 1 <= block <= form.longest:
        raise click.UsageError(f"--block-size: {form.name} has blocks of 1 to {form.longest} bytes")


def _changer(folder: str, form: Form, size: int | None) -> Changer:
    if not size:
        told = "--tape-size says what a tape has room for"
        if not is_changer(folder):
            told = "is a directory; --tape-size makes it a folder of tapes"
        raise click.UsageError(f"{folder}: {told}")
    return Changer(folder, form, size)
