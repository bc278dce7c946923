"""``darimage conformance check-report``."""

from __future__ import annotations

from pathlib import Path

import click

from darimage.cli import common
from darimage.conformance import checking, suite

_LISTED = 20
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("check-report")
@click.argument("report", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--suite", "folder", type=_FOLDER, help="The suite it was made with, exported.")
@click.option("--answers", type=_FOLDER, help="The answers that `run --keep` kept.")
@common.quiet_option
@common.json_option
def command(
    report: Path, *, folder: Path | None, answers: Path | None, quiet: bool, as_json: bool
) -> int:
    """Check a REPORT of `conformance run`: do its verdicts and digests follow from what it says?

    With the suite, images and expectations are compared with it, and each case that the report
    lacks is found; with the answers, their digests are made again. A report that is cut short is
    an error.

    \b
    Examples:
      darimage conformance check-report report.json
      darimage conformance check-report --suite exported --answers answers report.json
    """
    told = checking.load(report)
    chosen = suite.load(folder) if folder else None
    if chosen is not None:
        chosen.check(sorted(told["suite"]["vectors"].keys() & chosen.vectors.keys()))
    found = checking.problems(told, chosen, answers)
    if as_json:
        common.print_json({"report": str(report), "problems": found})
    else:
        for line in found[:_LISTED]:
            common.complain(line)
        if len(found) > _LISTED:
            common.complain(f"… and {len(found) - _LISTED} more (--json has all)")
        if not quiet and not found:
            scope = told["scope"]
            counted = common.plural(scope["cases"], "case")
            if not scope["complete"]:
                counted = f"{scope['cases']} of {common.plural(scope['of'], 'case')}"
            common.say(f"{report}: {counted}, {told['conclusion']}; all of it follows")
            for remark in told["remarks"]:
                common.say(f"{report}: {remark}")
    return common.EXIT_FAULTS if found else 0
