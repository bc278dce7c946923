"""The report of a run: all that its verdicts follow from, so that anybody can give them again."""

from __future__ import annotations

import base64
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from darimage._version import FORMAT_VERSION, __version__
from darimage.conformance.answers import canonical_sha256
from darimage.conformance.cases import Case
from darimage.conformance.suite import Suite
from darimage.conformance.testee import Claims, Testee
from darimage.conformance.trial import Trial, claims_all
from darimage.conformance.verdicts import (
    FAILING,
    UNTESTED,
    Expectation,
    Observation,
    Outcome,
    Verdict,
    Wanted,
    judge,
)

VERSION = 1
"""Version of the report; a greater one only adds."""

CONFORMANT, INCOMPLETE, NONCONFORMANT = "conformant", "incomplete", "nonconformant"
UNEXPECTED, UNTESTABLE = "unexpected-pass", "not-tested"

EXIT_CODES = {CONFORMANT: 0, INCOMPLETE: 0, NONCONFORMANT: 1, UNEXPECTED: 3, UNTESTABLE: 4}

TIMELESS = ("seconds", "peak_bytes")
"""Keys of a case that differ from run to run."""

Json = dict[str, Any]


def case_json(done: Trial, claims: Claims, known: Mapping[str, str]) -> Json:
    """Return what a report tells of a case."""
    case, seen = done.case, done.seen
    verdict, reason = judge(
        done.expected, seen, claimed=claims_all(case, claims), known=known.get(case.id)
    )
    told: Json = _about(case)
    told["expected"] = {"wanted": str(done.expected.wanted), "answer_sha256": done.expected.answer}
    told["claimed"] = claims_all(case, claims)
    told["known_failure"] = known.get(case.id)
    told["seen"] = {
        "outcome": str(seen.outcome),
        "message": seen.message,
        "exit_code": seen.exit_code,
        "signal": seen.signal,
        "answer_sha256": seen.answer,
        "findings": list(seen.findings),
        "differences": list(seen.differences),
        "issue_url": seen.issue_url,
    }
    told |= {"verdict": str(verdict), "reason": reason}
    return told | {"seconds": round(done.seconds, 3), "peak_bytes": done.peak}


def _about(case: Case) -> Json:
    vector = case.vector
    return {
        "id": case.id,
        "vector": vector.id,
        "name": vector.name,
        "title": vector.title,
        "task": str(case.task),
        "level": case.strength or None,
        "selection": as_text(case.selection),
        "valid": vector.valid,
        "features": list(case.features),
        "profiles": list(vector.profiles),
        "requirements": list(vector.requirements),
    }


def verdict_again(told: Mapping[str, Any]) -> tuple[str, str]:
    """Return the verdict and the reason that follow from what a report tells of a case.

    Raises:
        KeyError: It does not tell enough.
        ValueError: It tells what cannot be.
    """
    expected, seen = told["expected"], told["seen"]
    observation = Observation(
        Outcome(seen["outcome"]),
        seen["message"],
        seen["exit_code"],
        seen["signal"],
        seen["answer_sha256"],
        tuple(seen["findings"]),
        tuple(seen["differences"]),
        seen["issue_url"],
    )
    expectation = Expectation(Wanted(expected["wanted"]), expected["answer_sha256"])
    found = judge(expectation, observation, claimed=told["claimed"], known=told["known_failure"])
    return str(found.verdict), found.reason


def counts(cases: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many cases have each verdict."""
    found = Counter(case["verdict"] for case in cases)
    return {str(verdict): found[str(verdict)] for verdict in Verdict}


def conclusion(cases: Sequence[Mapping[str, Any]], *, strict: bool) -> str:
    """Return what follows from the verdicts.

    Args:
        cases: What a report tells of the cases.
        strict: A case that was not tested, or is known to fail, speaks against the testee.
    """
    found = {Verdict(case["verdict"]) for case in cases}
    if Verdict.HARNESS_ERROR in found or not found - UNTESTED:
        return UNTESTABLE
    if found & FAILING:
        return NONCONFORMANT
    if Verdict.UNEXPECTED_PASS in found:
        return UNEXPECTED
    if found & {Verdict.SKIP, Verdict.EXPECTED_FAIL}:
        return NONCONFORMANT if strict else INCOMPLETE
    if strict and Verdict.UNSUPPORTED in found:
        return NONCONFORMANT
    return CONFORMANT


def by_profile(cases: Iterable[Mapping[str, Any]]) -> Json:
    """Return for each profile and task how many cases there are and how many pass."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for case in cases:
        for profile in case["profiles"]:
            of_task = found.setdefault(profile, {}).setdefault(case["task"], Counter())
            of_task["cases"] += 1
            of_task["passed"] += case["verdict"] == Verdict.PASS
    return {
        profile: {task: dict(counted) for task, counted in sorted(tasks.items())}
        for profile, tasks in sorted(found.items())
    }


def results_sha256(report: Mapping[str, Any]) -> str:
    """Return the digest of all that is the same in two runs of one testee."""
    timeless = [
        {key: value for key, value in case.items() if key not in TIMELESS}
        for case in report["cases"]
    ]
    kept = {key: report[key] for key in ("suite", "testee", "config", "conclusion")}
    return canonical_sha256({**kept, "cases": timeless})


def report_sha256(report: Mapping[str, Any]) -> str:
    """Return the digest of a whole report but its own digest."""
    return canonical_sha256({k: v for k, v in report.items() if k != "report_sha256"})


def make(
    suite: Suite,
    testee: Testee,
    claims: Claims,
    trials: Sequence[Trial],
    config: Mapping[str, Any],
    known: Mapping[str, str],
    seconds: float,
) -> Json:
    """Return a report.

    Args:
        suite: What was run.
        testee: How the testee was called.
        claims: What it says of itself.
        trials: What came of each case, in order.
        config: How it was run; ``strict`` is needed.
        known: Failures that are known.
        seconds: It took.
    """
    cases = [case_json(done, claims, known) for done in trials]
    report: Json = {
        "report": VERSION,
        "tool": {"name": "darimage", "version": __version__},
        "format": FORMAT_VERSION,
        "suite": _suite_json(suite, trials),
        "testee": {**claims.as_json(), "level": testee.level, "command": list(testee.command)},
        "config": {**config, "known_failures": dict(known)},
        "environment": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "machine": platform.machine(),
        },
        "seconds": round(seconds, 3),
        "cases": cases,
        "counts": counts(cases),
        "profiles": by_profile(cases),
        "conclusion": conclusion(cases, strict=bool(config["strict"])),
    }
    report["exit_code"] = EXIT_CODES[report["conclusion"]]
    report["results_sha256"] = results_sha256(report)
    report["report_sha256"] = report_sha256(report)
    return report


def _suite_json(suite: Suite, trials: Sequence[Trial]) -> Json:
    used = {vector.id: vector for done in trials for vector in done.case.images}
    return {
        "version": suite.version,
        "format": suite.spec,
        "manifest_sha256": suite.sha256,
        "vectors": {name: list(used[name].sha256) for name in sorted(used)},
    }


def as_text(path: bytes) -> str:
    """Return a selection for a report; as base64 if it is not UTF-8."""
    try:
        return path.decode()
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(path).decode()}"
