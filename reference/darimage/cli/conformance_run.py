"""``darimage conformance run``."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from darimage.cli import common
from darimage.conformance import cases, known, report, suite, testee, vectors
from darimage.conformance.export import export
from darimage.conformance.junit import to_junit
from darimage.conformance.limits import Limits
from darimage.conformance.run import Runner, Settings
from darimage.conformance.table import summary_lines, to_html
from darimage.parallel import cores
from darimage.volumes import beside

_MIB = 1 << 20
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
_OUT = common.OutputPath(dir_okay=False, path_type=Path)
_LISTED = 20
_DIFFERENCES = 6


@click.command(
    "run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("words", nargs=-1, required=True, metavar="TESTEE", type=click.UNPROCESSED)
@click.option("--suite", "folder", type=_FOLDER, help="A suite that was exported; else our own.")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    type=click.Choice([str(task) for task in testee.Task]),
    help="Only these tasks.",
)
@click.option("--only", multiple=True, metavar="GLOB", help="Only these vectors or cases.")
@click.option("--topic", "topics", multiple=True, help="Only vectors of this topic.")
@click.option("--known-failures", "known_file", type=_FILE, help="Cases known to fail.")
@click.option("--strict", is_flag=True, help="What was not tested counts as failed.")
@click.option("--timeout", default=30.0, show_default=True, help="Seconds for a case.")
@click.option("--memory", default=1024, show_default=True, help="MiB of memory for a testee.")
@click.option("--output", default=64, show_default=True, help="MiB of an answer.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="Cases at once.")
@click.option("--report", "report_file", type=_OUT, help="Write the report, as JSON.")
@click.option("--junit", "junit_file", type=_OUT, help="Write JUnit XML.")
@click.option("--html", "html_file", type=_OUT, help="Write a page.")
@click.option(
    "--keep", type=common.OutputPath(file_okay=False, path_type=Path), help="Keep the answers."
)
@common.quiet_option
@common.json_option
def command(
    words: tuple[str, ...],
    *,
    folder: Path | None,
    tasks: tuple[str, ...],
    only: tuple[str, ...],
    topics: tuple[str, ...],
    known_file: Path | None,
    strict: bool,
    timeout: float,
    memory: int,
    output: int,
    jobs: int | None,
    report_file: Path | None,
    junit_file: Path | None,
    html_file: Path | None,
    keep: Path | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Try an implementation, in any language, on the vectors of the suite.

    TESTEE is a TOML file that describes an adapter, the name of one that comes with the suite, or a
    command with its arguments, which is then called as `COMMAND decode IMAGE` and so on. What it
    has to do is on the page about the protocol.

    \b
    Examples:
      darimage conformance run javascript
      darimage conformance run --report report.json adapters/mine/testee.toml
      darimage conformance run --task validate --known-failures known.txt ./my-checker --fast

    Of a part of the suite (--only, --topic, --task, or an export that is not whole) it says
    "partial" and never "conformant".

    Exit codes: 0 nothing speaks against it, 1 it does not conform, 2 usage, 3 a known failure
    passes or a file failed, 4 it could not be tested, 5 the suite is damaged.
    """
    subject = _testee(words, [testee.Task(task) for task in tasks])
    failures = known.load(known_file) if known_file else {}
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    limits = Limits(timeout, memory * _MIB, output * _MIB)
    started = time.monotonic()
    with _suite(folder) as chosen, _runner(subject, Settings(limits, jobs or cores(), keep)) as run:
        wanted = [testee.Task(task) for task in tasks] or list(run.claims.tasks)
        known.check(failures, {case.id for case in cases.cases(chosen, list(testee.Task))})
        planned = cases.cases(chosen, wanted, only, topics)
        if not planned:
            raise click.UsageError("no case of the suite is chosen")
        used = cases.vectors_of(planned)
        chosen.check(used)
        bar = common.progress(quiet=quiet or as_json)
        bar.start("run", len(planned), "cases")
        trials = run.run(planned, lambda _: bar.advance(1))
        bar.finish()
        chosen.check(used)
        config = {
            "tasks": [str(task) for task in wanted],
            "only": list(only),
            "topics": list(topics),
            "strict": strict,
            "timeout_seconds": timeout,
            "memory_bytes": memory * _MIB,
            "output_bytes": output * _MIB,
        }
        seconds = time.monotonic() - started
        made = report.make(chosen, subject, run.claims, trials, config, failures, seconds)
    _write(report_file, json.dumps(made, indent=1) + "\n")
    _write(junit_file, to_junit(made))
    _write(html_file, to_html(made))
    if as_json:
        common.print_json(made)
    else:
        _report(made, quiet=quiet)
    return int(made["exit_code"])


def _testee(words: Sequence[str], tasks: Sequence[testee.Task]) -> testee.Testee:
    """Return what the arguments say is to be tested; a plain command does what it is asked."""
    if len(words) == 1 and words[0].endswith(".toml"):
        return testee.load(Path(words[0]))
    shipped = testee.SHIPPED / words[0] / "testee.toml"
    if len(words) == 1 and "/" not in words[0] and shipped.is_file():
        return testee.load(shipped)
    if words[0].endswith(".toml") or (shipped.is_file() and words[1:2] and words[1][:1] == "-"):
        raise click.UsageError(f"{words[0]} takes no arguments; options go before it")
    claims = testee.Claims(Path(words[0]).name)
    claims = replace(claims, tasks=tuple(tasks) or claims.tasks)
    return testee.Testee(0, testee.located(words), claims)


@contextmanager
def _suite(folder: Path | None) -> Iterator[suite.Suite]:
    """Give the suite in a folder, or our own, written out for the time of the run."""
    if folder is not None:
        yield suite.load(folder)
        return
    with tempfile.TemporaryDirectory(prefix="darimage-suite-") as made:
        export(vectors.Suite(), Path(made))
        yield suite.load(Path(made))


@contextmanager
def _runner(subject: testee.Testee, settings: Settings) -> Iterator[Runner]:
    run = Runner(subject, settings)
    try:
        yield run
    finally:
        run.close()


def _write(path: Path | None, data: str | bytes) -> None:
    """Write a file as a whole or not at all: half a report must not look like one."""
    if path is None:
        return
    beside.write(path, data)


def _report(made: dict[str, Any], *, quiet: bool) -> None:
    bad = [case for case in made["cases"] if case["verdict"] in _SHOWN]
    for case in bad[:_LISTED]:
        common.say(f"{case['id']} ({case['name']}): {case['verdict']}: {case['reason']}")
        for line in case["seen"]["differences"][1:_DIFFERENCES]:
            common.say(f"    {line}")
    if len(bad) > _LISTED:
        common.say(f"… and {len(bad) - _LISTED} more")
    name, scope = made["testee"]["name"], made["scope"]
    if not quiet:
        for line in summary_lines(made):
            common.say(line)
        counted = ", ".join(f"{n} {verdict}" for verdict, n in made["counts"].items() if n)
        part = "" if scope["complete"] else f" ({scope['cases']} of {scope['of']} cases)"
        common.say(f"{name}: {made['conclusion']}{part}: {counted}")
    for remark in made["remarks"]:
        common.say(f"{name}: {remark}", err=quiet)


_SHOWN = frozenset({"fail", "crash", "timeout", "unexpected-pass", "harness-error"})
