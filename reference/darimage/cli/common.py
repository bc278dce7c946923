"""What commands share: progress, JSON, faults, arguments."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar, cast

import click

from darimage.faults import Fault
from darimage.progress import BYTES, SILENT, Progress
from darimage.showing import json_for_log, line
from darimage.units import size_text
from darimage.volumes.urls import refuse_output

F = TypeVar("F", bound=Callable[..., Any])

ImageName = str | list[str]
"""What a command gets as ``IMAGE``: a path, or the paths of volumes in their order."""

EXIT_FAULTS = 1
_REFRESH_SECONDS = 0.2


class OutputPath(click.Path):
    """A path that is written to, and no URL."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path.

        Raises:
            UsageError: It is a URL.
        """
        refuse_output(value)
        return super().convert(value, param, ctx)


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(command)


def quiet_option(command: F) -> F:
    """Add ``--quiet``."""
    help_text = "No progress bar, and no summary; faults are still reported."
    return click.option("-q", "--quiet", is_flag=True, help=help_text)(command)


def image_argument(command: F) -> F:
    """Add the argument ``IMAGE``: a path or URL; ``-`` is standard input.

    The command gets a path, or a list of them if there was ``--volume``.
    """

    @wraps(command)
    def called(*args: Any, image: str, volumes: tuple[str, ...], **options: Any) -> Any:
        return command(*args, image=[image, *volumes] if volumes else image, **options)

    option = click.option(
        "--volume",
        "volumes",
        type=click.Path(),
        multiple=True,
        metavar="FILE",
        help="A further volume or piece of IMAGE; once for each, in their order.",
    )
    return cast("F", click.argument("image", type=click.Path(allow_dash=True))(option(called)))


def chain_option(command: F) -> F:
    """Add ``--chain``, once for each image that ``IMAGE`` builds on."""
    return click.option(
        "--chain",
        "bases",
        type=click.Path(),
        multiple=True,
        metavar="IMAGE",
        help="An image that IMAGE builds on; once for each, from the full one on.",
    )(command)


def catalog_option(command: F) -> F:
    """Add ``--catalog``."""
    return click.option(
        "--catalog",
        type=OutputPath(dir_okay=False),
        metavar="FILE",
        default=None,
        help="The catalogue; by default catalog.sqlite of darimage in the user's state directory.",
    )(command)


def stream_source_option(command: F) -> F:
    """Add ``--streams`` of what makes images."""
    from darimage.sources.streams.choice import Choice

    return click.option(
        "--streams",
        default="auto",
        show_default=True,
        metavar="FORM",
        callback=lambda _ctx, _param, text: Choice.parse(text),
        help="How the tree keeps NT streams: auto, xattr, depot[=DIR], depot-unmarked[=DIR], "
        "ntfs-3g; or none.",
    )(command)


def stream_target_options(command: F) -> F:
    """Add ``--streams`` and ``--no-streams`` of what restores."""
    from darimage.restore.wish import Wish

    command = click.option("--no-streams", is_flag=True, help="Leave NT streams out.")(command)
    return click.option(
        "--streams",
        default="auto",
        show_default=True,
        metavar="FORM",
        callback=lambda _ctx, _param, text: Wish.parse(text),
        help="Where NT streams go: auto, xattr, depot[=DIR], ntfs-3g, beside=DIR.",
    )(command)


def as_seconds(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Return a date of the command line as seconds since 1970."""
    if value is None:
        return None
    try:
        if value.startswith("@"):
            return int(value[1:])
        date = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no date such as 2026-11-23 or @1795392000"
        ) from None
    return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())


def as_mode(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    """Return a mode of the command line, octal, at least for its owner to read and write."""
    if not value.isascii() or not value.isdigit() or len(value) > 4 or set(value) & set("89"):
        raise click.BadParameter(f"{value!r} is no octal mode such as 600 or 640")
    return (int(value, 8) & 0o777) | 0o600


_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def as_size(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Return a size of the command line in bytes; K, M, G and T are powers of 1,024."""
    if value is None:
        return None
    digits = value.rstrip("kKmMgGtT")
    shift = _UNITS.get(value[len(digits) :].lower())
    if shift is None or not digits.isascii() or not digits.isdigit():
        raise click.BadParameter(f"{value!r} is no size such as 4700000000, 650M or 4G")
    return int(digits) << shift


def selection_argument(command: F) -> F:
    """Add the arguments ``SELECTION...``, as bytes."""
    return click.argument(
        "selection", nargs=-1, type=click.UNPROCESSED, callback=_as_bytes, metavar="[SELECTION]..."
    )(command)


def _as_bytes(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> list[bytes]:
    if "" in value:
        # A variable of a script that is not set must not stand for all there is.
        raise click.UsageError("a SELECTION is empty; without any all is meant")
    return [os.fsencode(item) for item in value]


def say(text: str, *, err: bool = False) -> None:
    """Print a line of an answer that may have names in it."""
    click.echo(line(text), err=err)


def complain(message: str) -> None:
    """Print a line on standard error, behind the program's name."""
    say(f"darimage: {message}", err=True)


def print_json(answer: Mapping[str, Any], *, err: bool = False) -> None:
    """Print an answer as JSON."""
    import json

    click.echo(json_for_log(json.dumps(answer, indent=2)), err=err)


def print_faults(faults: Iterable[Fault]) -> None:
    """Print faults to standard error, a line each."""
    for fault in faults:
        note = "note: " if fault.is_note else ""
        complain(f"{note}{fault.text()}")


def clear_leftovers(folder: str) -> None:
    """Remove what killed runs left in a folder that is written into, and say so."""
    from darimage.volumes import leftovers

    for path in leftovers.clear(folder):
        complain(f"note: {path}, left by a run that was killed, is removed")


def plural(count: int, word: str, several: str | None = None) -> str:
    """Return a count with its noun."""
    return f"{count:,} {word if count == 1 else several or word + 's'}"


def amount_text(done: int, total: int, unit: str, speed: float) -> str:
    """Return how much of a step is done, and how much a second if that is known."""
    if unit == BYTES:
        of = f" of {size_text(total)}" if total else ""
        return f"{size_text(done)}{of}" + (f", {size_text(int(speed))}/s" if speed >= 1 else "")
    of = f" of {total:,}" if total else ""
    return f"{done:,}{of} {unit}" + (f", {speed:,.0f}/s" if speed >= 1 else "")


def progress(*, quiet: bool = False) -> Progress:
    """Return a progress bar on a terminal, silence in a pipe."""
    return SILENT if quiet or not sys.stderr.isatty() else Bar()


class Bar:
    """A progress bar on standard error, drawn without a thread (workers are forked)."""

    def __init__(self) -> None:
        """Show nothing yet."""
        from rich import progress as rich_progress
        from rich.console import Console

        self._bar = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(),
            rich_progress.TaskProgressColumn(),
            rich_progress.TextColumn("{task.fields[amount]}"),
            rich_progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
        )
        self._shown = 0.0
        self._unit = BYTES

    def start(self, what: str, total: int, unit: str = BYTES) -> None:
        """Begin a step of ``total`` bytes or other things; 0 if it is not known."""
        self._unit = unit
        self._bar.start()
        self._task = self._bar.add_task(what, total=total or None, amount="")
        self._draw()

    def advance(self, amount: int) -> None:
        """Draw what is done, but not too often."""
        self._bar.advance(self._task, amount)
        if (now := self._bar.get_time()) - self._shown > _REFRESH_SECONDS:
            self._shown = now
            self._draw()

    def _draw(self) -> None:
        task = self._bar.tasks[0]
        told = amount_text(int(task.completed), int(task.total or 0), self._unit, task.speed or 0)
        self._bar.update(self._task, amount=told)
        self._bar.refresh()

    def finish(self) -> None:
        """Take the bar away."""
        self._bar.remove_task(self._task)
        self._bar.stop()
