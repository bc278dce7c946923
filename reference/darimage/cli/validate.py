"""``darimage validate``."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from darimage.cli import common
from darimage.errors import DarimageError, StorageError, UsageError
from darimage.validate import baseline as known_findings
from darimage.validate import outputs, run, selection
from darimage.validate.baseline import Baseline
from darimage.validate.gathering import KEPT
from darimage.validate.outputs import text
from darimage.validate.registry import LEVELS
from darimage.validate.report import OWN_FAULT, UNREAD, Report
from darimage.volumes import beside
from darimage.volumes.urls import refuse_output

_COLOURS = ("auto", "always", "never")


class Output(NamedTuple):
    """A file to write.

    Attributes:
        form: One of ``outputs.FORMS``.
        path: Where.
    """

    form: str
    path: Path


def _outputs(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> list[Output]:
    return [_output(word) for word in value]


def _output(word: str) -> Output:
    form, colon, path = word.partition(":")
    if colon and path and form in outputs.FORMS:
        refuse_output(path)
        return Output(form, Path(path))
    refuse_output(word)
    found = outputs.SUFFIXES.get(Path(word).suffix.lower())
    if found is None:
        suffixes, forms = ", ".join(outputs.SUFFIXES), "|".join(outputs.FORMS)
        raise UsageError(f"{word}: ends in none of {suffixes}; say {forms} and a colon before it")
    return Output(found, Path(word))


@click.command("validate")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path())
@click.option(
    "--format",
    "form",
    type=click.Choice(list(outputs.FORMS)),
    default="text",
    help="What is printed; text if nothing is said.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "-o",
    "--output",
    "files",
    multiple=True,
    callback=_outputs,
    metavar="[FORM:]FILE",
    help="Write the report to FILE as well; its form by the end of the name (.txt, .json, .xml for "
    "junit, .sarif, .html) or as FORM says. May be given several times.",
)
@click.option(
    "--volume",
    "volumes",
    type=click.Path(),
    multiple=True,
    metavar="FILE",
    help="A further volume or piece of the only IMAGE; once for each, in their order.",
)
@click.option(
    "--profile",
    metavar="PROFILE",
    help="dump, dari-core, or dari-core with any of +streams, +acl, +xattr, +incremental and "
    "+volumes; by default what each image says it is.",
)
@click.option(
    "--level",
    type=click.Choice(LEVELS, case_sensitive=False),
    default=LEVELS[-1],
    help="The weakest level that is looked at; MAY, and so all, if nothing is said.",
)
@click.option(
    "--strict", is_flag=True, help="An image that breaks a SHOULD does not conform either."
)
@click.option(
    "--only",
    multiple=True,
    metavar="ID",
    help="Look at this requirement alone; an id or its beginning. May be given several times.",
)
@click.option(
    "--skip", multiple=True, metavar="ID", help="Do not look at this requirement, likewise."
)
@click.option(
    "--baseline",
    metavar="FILE",
    help="Findings that are known. They do not count; one that no longer occurs does.",
)
@click.option(
    "--write-baseline",
    "new_baseline",
    type=common.OutputPath(),
    metavar="FILE",
    help="Write all findings to FILE, as known from now on.",
)
@click.option(
    "--findings",
    "most",
    type=click.IntRange(min=1),
    default=KEPT,
    metavar="N",
    help=f"Tell at most N findings of each rule in full, {KEPT} if nothing is said; the others are "
    "counted by rule.",
)
@click.option(
    "--color",
    type=click.Choice(_COLOURS),
    default="auto",
    help="Colour the text; auto: on a terminal, unless NO_COLOR is set.",
)
@common.quiet_option
def command(
    images: tuple[str, ...],
    *,
    form: str,
    as_json: bool,
    files: list[Output],
    volumes: tuple[str, ...],
    profile: str | None,
    level: str,
    strict: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    baseline: str | None,
    new_baseline: str | None,
    most: int,
    color: str,
    quiet: bool,
) -> int:
    """Read all of each IMAGE, check it against the specification and report where it breaks it.

    An image conforms if it breaks no MUST that is looked at, and no SHOULD with --strict. IMAGE
    may be a URL, or - for standard input.

    \b
    Examples:
      darimage validate home.dari
      darimage validate --profile dari-core+acl --skip DARI-DIR-014 *.dari
      darimage validate -o report.html -o report.sarif -o junit:report.xml home.dari
      darimage validate --write-baseline known.json old.dari
      darimage validate --baseline known.json old.dari

    Exit codes: 0 all conform, 1 one does not, 2 usage, 3 an image could not be read or a file not
    be written, 4 this program failed. Of several images the worst counts.
    """
    if volumes and len(images) > 1:
        raise UsageError("--volume is for one IMAGE; volumes with numbered names need no --volume")
    wanted = selection.Selection(
        None if profile is None else selection.named(profile),
        level.upper(),
        selection.picked(only),
        selection.picked(skip),
    )
    read = [*images, *volumes, *([] if baseline is None else [baseline])]
    for file in files:
        beside.check(file.path, [*images, *volumes])
    if new_baseline is not None:
        beside.check(new_baseline, [*images, *volumes])
    forms = {"json" if as_json else form, *(file.form for file in files)}
    options = run.Options(
        wanted,
        strict=strict,
        baseline=None if baseline is None else known_findings.load(baseline),
        volumes=volumes,
        evidence="html" in forms,
        most=most,
        with_keys=new_baseline is not None,
    )
    try:
        report = run.validate(images, options, common.progress(quiet=quiet))
        _print(report, "json" if as_json else form, color=color, quiet=quiet)
        code = _write(report, files, read)
        if new_baseline is not None:
            return max(code, _write_baseline(report, new_baseline, read))
        return max(code, report.exit_code)
    except (OSError, DarimageError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no verdict on the images
        told = "".join(traceback.format_exception_only(error)).strip()
        common.complain(f"this program failed, please report it: {told}")
        return OWN_FAULT


def _print(report: Report, form: str, *, color: str, quiet: bool) -> None:
    if form == "text":
        coloured = _coloured(color)
        told = text.written(report, coloured=coloured, quiet=quiet)
        click.echo(told, nl=False, color=coloured)
    else:
        click.echo(outputs.written(report, form).encode(), nl=False)


def _coloured(color: str) -> bool:
    if color == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return color == "always"


def _write(report: Report, files: Iterable[Output], images: Sequence[str]) -> int:
    """Write files; one that cannot be written does not keep the others from it."""
    code = 0
    for file in files:
        try:
            beside.write(file.path, outputs.written(report, file.form), images)
        except StorageError as error:
            common.complain(str(error))
            code = UNREAD
    return code


def _write_baseline(report: Report, path: str, images: Sequence[str]) -> int:
    """Write the baseline; return the exit code, to which findings then no longer matter."""
    found: Baseline = sum((image.keys for image in report), start=Baseline())
    if len(found) > known_findings.ENTRIES_MAX:
        raise UsageError(f"{path}: not written: there are too many findings to know each of them")
    known_findings.save(path, found, images)
    return max(image_code for image_code in _unjudged(report))


def _unjudged(report: Report) -> Iterable[int]:
    yield 0
    for image in report:
        if not image.was_judged:
            yield UNREAD if image.own_fault is None else OWN_FAULT
