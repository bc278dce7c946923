"""The report of a run: all that its verdicts follow from, so that anybody can give them again."""

from __future__ import annotations

import base64
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from darimage._version import FORMAT_VERSION, __version__
from darimage.conformance.answers import canonical_sha256
from darimage.conformance.cases import Case
from darimage.conformance.cases import cases as all_cases
from darimage.conformance.suite import Suite
from darimage.conformance.testee import Claims, Task, Testee
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
PARTIAL, UNEXPECTED, UNTESTABLE = "partial", "unexpected-pass", "not-tested"

EXIT_CODES = {
    CONFORMANT: 0,
    INCOMPLETE: 0,
    PARTIAL: 0,
    NONCONFORMANT: 1,
    UNEXPECTED: 3,
    UNTESTABLE: 4,
}

TIMELESS = ("seconds", "peak_bytes")
"""Keys of a case that differ from run to run."""

REFUSES = "it passes no case but those in which an image has to be refused"
BLIND = "all its answers are the same, whatever the image"

Json = dict[str, Any]


def case_json(done: Trial, claims: Claims, known: Mapping[str, str]) -> Json:
    """Return what a report tells of a case."""
    case, seen = done.case, done.seen
    verdict, reason = judge(
        done.expected, seen, claimed=claims_all(case, claims), known=known.get(case.id)
    )
    told: Json = _about(case)
    told["expected"] = {
        "wanted": str(done.expected.wanted),
        "outcomes": [str(outcome) for outcome in done.expected.outcomes],
        "answer_sha256": done.expected.answer,
    }
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
        "topic": vector.topic,
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
    outcomes = tuple(Outcome(outcome) for outcome in expected["outcomes"])
    expectation = Expectation(Wanted(expected["wanted"]), outcomes, expected["answer_sha256"])
    found = judge(expectation, observation, claimed=told["claimed"], known=told["known_failure"])
    return str(found.verdict), found.reason


def counts(cases: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many cases have each verdict."""
    found = Counter(case["verdict"] for case in cases)
    return {str(verdict): found[str(verdict)] for verdict in Verdict}


def conclusion(cases: Sequence[Mapping[str, Any]], *, strict: bool, complete: bool) -> str:
    """Return what follows from the verdicts.

    Args:
        cases: What a report says of the cases.
        strict: A case that was not tested, or is known to fail, speaks against the testee.
        complete: They are all cases of the suite for what the testee claims to do.
    """
    found = {Verdict(case["verdict"]) for case in cases}
    if Verdict.HARNESS_ERROR in found or not found - UNTESTED:
        return UNTESTABLE
    if found & FAILING:
        return NONCONFORMANT
    if Verdict.UNEXPECTED_PASS in found:
        return UNEXPECTED
    if strict and found & {Verdict.SKIP, Verdict.EXPECTED_FAIL, Verdict.UNSUPPORTED}:
        return NONCONFORMANT
    if not complete:
        return PARTIAL
    # What a reader does about faults is no feature that it may lack.
    is_lenient = any(not case["expected"]["outcomes"] for case in cases)
    if is_lenient or found & {Verdict.SKIP, Verdict.EXPECTED_FAIL}:
        return INCOMPLETE
    return CONFORMANT


def summary(cases: Iterable[Mapping[str, Any]]) -> Json:
    """Return by topic, task and kind (accept, survive, reject) how many cases there are.

    Each has ``cases``, ``passed`` and ``failed``; the rest was not tested, or is known to fail.
    """
    found: dict[str, dict[str, dict[str, Counter[str]]]] = {}
    for case in cases:
        kinds = found.setdefault(case["topic"], {}).setdefault(case["task"], {})
        counted = kinds.setdefault(case["expected"]["wanted"], Counter(cases=0, passed=0, failed=0))
        counted["cases"] += 1
        counted["passed"] += case["verdict"] == Verdict.PASS
        counted["failed"] += case["verdict"] in FAILING
    return {
        topic: {
            task: {str(kind): dict(kinds[kind]) for kind in Wanted if kind in kinds}
            for task, kinds in sorted(tasks.items())
        }
        for topic, tasks in sorted(found.items())
    }


def totals(of_topics: Mapping[str, Any]) -> Json:
    """Return what a summary says of all topics together, by task and kind."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for tasks in of_topics.values():
        for task, kinds in tasks.items():
            for kind, counted in kinds.items():
                found.setdefault(task, {}).setdefault(kind, Counter()).update(counted)
    return {task: {kind: dict(n) for kind, n in kinds.items()} for task, kinds in found.items()}


def remarks(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is striking about all cases together, a sentence each."""
    found = []
    passed = [case["expected"]["wanted"] for case in cases if case["verdict"] == Verdict.PASS]
    if passed and set(passed) == {Wanted.REJECT}:
        found.append(REFUSES)
    read = [case for case in cases if case["task"] == Task.DECODE and _answer(case, "seen")]
    expected = {_answer(case, "expected") for case in read} - {None}
    if len(expected) > 1 and len({_answer(case, "seen") for case in read}) == 1:
        found.append(BLIND)
    return found


def _answer(case: Mapping[str, Any], which: str) -> Any:
    return case[which]["answer_sha256"]


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
    kept = {key: report[key] for key in ("suite", "testee", "config", "scope", "conclusion")}
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
        config: How it was run: ``strict``, ``tasks``, ``only``, ``topics`` and limits.
        known: Failures that are known.
        seconds: It took.
    """
    cases = [case_json(done, claims, known) for done in trials]
    scope = scope_of(suite, claims, {case["id"] for case in cases})
    found = summary(cases)
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
        "scope": scope,
        "counts": counts(cases),
        "topics": found,
        "totals": totals(found),
        "profiles": by_profile(cases),
        "remarks": remarks(cases),
        "conclusion": conclusion(
            cases, strict=bool(config["strict"]), complete=bool(scope["complete"])
        ),
    }
    report["exit_code"] = EXIT_CODES[report["conclusion"]]
    report["results_sha256"] = results_sha256(report)
    report["report_sha256"] = report_sha256(report)
    return report


def scope_of(suite: Suite, claims: Claims, tried: AbstractSet[str]) -> Json:
    """Return how many cases of a suite there are for what a testee claims, and how many it got."""
    there_are = {case.id for case in all_cases(suite, claims.tasks)}
    complete = suite.complete and there_are <= tried
    return {"cases": len(tried), "of": len(there_are | tried), "complete": complete}


def _suite_json(suite: Suite, trials: Sequence[Trial]) -> Json:
    used = {vector.id: vector for done in trials for vector in done.case.images}
    return {
        "version": suite.version,
        "format": suite.spec,
        "manifest_sha256": suite.sha256,
        "complete": suite.complete,
        "vectors": {name: list(used[name].sha256) for name in sorted(used)},
    }


def as_text(path: bytes) -> str:
    """Return a selection for a report; as base64 if it is not UTF-8."""
    try:
        return path.decode()
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(path).decode()}"
