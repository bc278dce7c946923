"""Checks a report: everything in it that follows from something else is worked out again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from darimage.conformance import report as reports
from darimage.conformance.answers import AnswerError, View, compared, digest
from darimage.conformance.asking import parse
from darimage.conformance.cases import Case, cases
from darimage.conformance.run import answer_name
from darimage.conformance.suite import Suite
from darimage.conformance.testee import Claims, Task, claims_of
from darimage.conformance.trial import claims_all, expectation_of
from darimage.errors import DarimageError, UsageError


class ReportError(DarimageError):
    """A file is no report, or not all of one."""


def load(path: Path) -> dict[str, Any]:
    """Return a report.

    Raises:
        OSError: It cannot be read.
        ReportError: It is none, or cut short.
    """
    try:
        found = parse(path.read_bytes())
    except ValueError as error:
        raise ReportError(f"{path}: no whole report: {error}") from error
    missing = [key for key in _KEYS if not isinstance(found, dict) or key not in found]
    if missing:
        raise ReportError(f"{path}: no whole report: there is no {missing[0]}")
    if found["report"] != reports.VERSION:
        raise ReportError(f"{path}: a report of version {found['report']!r:.20}")
    return dict(found)


_KEYS = (
    "report",
    "tool",
    "format",
    "suite",
    "testee",
    "config",
    "cases",
    "scope",
    "counts",
    "topics",
    "totals",
    "profiles",
    "remarks",
    "conclusion",
    "exit_code",
    "results_sha256",
    "report_sha256",
)


def problems(
    report: Mapping[str, Any], suite: Suite | None = None, answers: Path | None = None
) -> list[str]:
    """Return what a report says that does not follow, a line each.

    Args:
        report: The report.
        suite: The suite it was made with: then hashes of images, the set of cases and what was
            expected are held against it too.
        answers: The folder the answers were kept in: then their digests are made again.
    """
    try:
        found = list(_of_itself(report))
        claims = claims_of({**report["testee"], "implementation": report["testee"]}, "testee")
        if suite is not None:
            found += _of_suite(report, suite, claims)
        if answers is not None:
            found += _of_answers(report, answers, claims)
    except (LookupError, TypeError, ArithmeticError, ValueError, AttributeError) as error:
        return [f"it is not made as a report is: {type(error).__name__}: {error}"]
    except (RecursionError, UsageError) as error:
        return [f"it is not made as a report is: {type(error).__name__}: {error}"]
    return found


def _of_itself(report: Mapping[str, Any]) -> Iterator[str]:
    listed = report["cases"]
    for case in listed:
        verdict, reason = reports.verdict_again(case)
        if (verdict, reason) != (case["verdict"], case["reason"]):
            said = f"{case['verdict']} ({case['reason']})"
            yield f"{case['id']}: says {said}, but it follows {verdict} ({reason})"
        known = report["config"]["known_failures"].get(case["id"])
        if known != case["known_failure"]:
            yield f"{case['id']}: the known failure is not that of the configuration"
    ids = [case["id"] for case in listed]
    if ids != sorted(set(ids)):
        yield "the cases are not in order, or one is there twice"
    scope, summary = report["scope"], reports.summary(listed)
    complete = report["suite"]["complete"] is True and len(listed) == scope["of"]
    again: dict[str, Any] = {
        "scope": {"cases": len(listed), "of": scope["of"], "complete": complete},
        "counts": reports.counts(listed),
        "topics": summary,
        "totals": reports.totals(summary),
        "profiles": reports.by_profile(listed),
        "remarks": reports.remarks(listed),
        "conclusion": reports.conclusion(
            listed, strict=report["config"]["strict"], complete=scope["complete"] is True
        ),
        "results_sha256": reports.results_sha256(report),
        "report_sha256": reports.report_sha256(report),
    }
    again["exit_code"] = reports.EXIT_CODES[again["conclusion"]]
    for key, value in again.items():
        if report[key] != value:
            yield f"{key} is {_short(report[key])}, but it follows {_short(value)}"


def _of_suite(report: Mapping[str, Any], suite: Suite, claims: Claims) -> Iterator[str]:
    said = report["suite"]
    if said["manifest_sha256"] != suite.sha256:
        yield f"made with another suite: manifest {said['manifest_sha256']}, not {suite.sha256}"
        return
    tasks = sorted({*claims.tasks, *(Task(task) for task in report["config"]["tasks"])})
    there_are = {case.id: case for case in cases(suite, tasks)}
    listed = {case["id"]: case for case in report["cases"]}
    yield from _missing([case for name, case in there_are.items() if name not in listed], claims)
    for name in sorted(listed.keys() - there_are.keys()):
        yield f"{name}: is not in the suite"
    scope = reports.scope_of(suite, claims, listed.keys())
    if scope != report["scope"]:
        yield f"scope is {_short(report['scope'])}, but it follows {_short(scope)}"
    for name in sorted(there_are.keys() & listed.keys()):
        case = there_are[name]
        if any(said["vectors"].get(one.id) != list(one.sha256) for one in case.images):
            yield f"{name}: the image is not the one of the suite"
        yield from _expected(case, listed[name], claims)


def _missing(left_out: list[Case], claims: Claims) -> Iterator[str]:
    """Yield which cases a report lacks, in all and one by one."""
    missing = [case for case in left_out if case.task in claims.tasks]
    if missing:
        kinds = Counter(f"{case.task} ({case.wanted})" for case in missing)
        counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        yield f"partial: {len(missing)} cases of the suite are not in the report: {counted}"
    yield from (f"{case.id}: is not in the report" for case in missing)


def _expected(case: Case, told: Mapping[str, Any], claims: Claims) -> Iterator[str]:
    expected = expectation_of(case, claims)
    outcomes = [str(outcome) for outcome in expected.outcomes]
    if (told["expected"]["wanted"], told["expected"]["outcomes"]) != (expected.wanted, outcomes):
        yield f"{case.id}: expected is not what the suite wants"
    # The tree that a writer is given depends on where it is made.
    if case.task is Task.DECODE and told["expected"]["answer_sha256"] != expected.answer:
        yield f"{case.id}: the answer expected is not that of the suite"
    if told["claimed"] != claims_all(case, claims) or told["selection"] != reports.as_text(
        case.selection
    ):
        yield f"{case.id}: claims or selection do not follow"


def _of_answers(report: Mapping[str, Any], folder: Path, claims: Claims) -> Iterator[str]:
    view = View(claims.fields, claims.time_resolution)
    for case in report["cases"]:
        wanted = case["seen"]["answer_sha256"]
        if case["task"] != Task.DECODE or wanted is None:
            continue
        try:
            said = parse((folder / answer_name(case["id"])).read_bytes())
            answer = said["results"]["inventory"] if "results" in said else said
            got = digest(compared(answer, view))
        except (OSError, ValueError, AnswerError) as error:
            yield f"{case['id']}: no answer is kept: {error}"
            continue
        if got != wanted:
            yield f"{case['id']}: the answer kept has the digest {got}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 70 else text[:69] + "…"
