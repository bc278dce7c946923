"""Verdicts, and the one function that gives them: a report is checked by calling it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Wanted(StrEnum):
    """What a testee shall do with an image (DARI-FLT-003)."""

    ACCEPT = "accept"
    """Read it, and report no fault or loss."""
    SURVIVE = "survive"
    """Read what is left of it, and report that something is wrong."""
    REJECT = "reject"


class Outcome(StrEnum):
    """What a testee did."""

    ACCEPTED = "accepted"
    FAULTY = "accepted-with-faults"
    """It did what could be done, and reported faults."""
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"
    SKIPPED = "skipped"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    ERRORED = "errored"
    """It broke the protocol, or could not be started."""


class Verdict(StrEnum):
    """What is said of a case."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    SKIP = "skip"
    UNSUPPORTED = "unsupported"
    EXPECTED_FAIL = "expected-fail"
    UNEXPECTED_PASS = "unexpected-pass"  # noqa: S105
    CRASH = "crash"
    TIMEOUT = "timeout"
    HARNESS_ERROR = "harness-error"


FAILING = frozenset({Verdict.FAIL, Verdict.CRASH, Verdict.TIMEOUT})
"""Verdicts that speak against the testee."""

UNTESTED = frozenset({Verdict.SKIP, Verdict.UNSUPPORTED, Verdict.HARNESS_ERROR})
"""Verdicts that say nothing about the testee."""


ANSWERED = (Outcome.ACCEPTED, Outcome.FAULTY, Outcome.REJECTED)
"""Outcomes of a testee that ended in time and in order."""

OUTCOMES = {
    Wanted.ACCEPT: (Outcome.ACCEPTED,),
    Wanted.SURVIVE: (Outcome.FAULTY,),
    Wanted.REJECT: (Outcome.REJECTED,),
}
"""What each may end with, unless a case says otherwise."""


class Expectation(NamedTuple):
    """What a case expects.

    Attributes:
        wanted: What kind of case it is.
        outcomes: How the testee may end. Empty: it only has to end in order, which says nothing
            for it, because it does not claim what the case is about.
        answer: SHA-256 of the answer in canonical form; ``None`` if there is none to compare.
    """

    wanted: Wanted
    outcomes: tuple[Outcome, ...]
    answer: str | None = None

    @classmethod
    def of(cls, wanted: Wanted, answer: str | None = None) -> Expectation:
        """Return what a case of a kind expects if nothing else is known of it."""
        return cls(wanted, OUTCOMES[wanted], answer)


@dataclass(frozen=True)
class Observation:
    """What was seen of a testee on one case.

    Attributes:
        outcome: What it did.
        message: What it, or the runner, said about that; one line.
        exit_code: Of a process that ended by itself.
        signal: That ended the process.
        answer: SHA-256 of its answer in canonical form; ``None`` if none was asked for or given.
        findings: What the judges found wrong with what it made or left behind.
        differences: All differences between its answer and the one expected, a line each.
        issue_url: Where a skipped case is discussed.
    """

    outcome: Outcome
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    answer: str | None = None
    findings: tuple[str, ...] = ()
    differences: tuple[str, ...] = field(default=())
    issue_url: str | None = None


class Judgement(NamedTuple):
    """A verdict and, unless it is a plain pass, its reason."""

    verdict: Verdict
    reason: str


_BY_OUTCOME = {
    Outcome.SKIPPED: Verdict.SKIP,
    Outcome.CRASHED: Verdict.CRASH,
    Outcome.TIMEOUT: Verdict.TIMEOUT,
    Outcome.ERRORED: Verdict.HARNESS_ERROR,
}


def judge(
    expected: Expectation, seen: Observation, *, claimed: bool = False, known: str | None = None
) -> Judgement:
    """Return the verdict on a case.

    Args:
        expected: What the testee should have done.
        seen: What it did.
        claimed: It says of itself that it has all that the case needs; then it may not call the
            case unsupported.
        known: Why the case is known to fail, if it is.
    """
    verdict, reason = _plain(expected, seen, claimed=claimed)
    if known is None:
        return Judgement(verdict, reason)
    if verdict in FAILING:
        return Judgement(Verdict.EXPECTED_FAIL, f"known: {known}; {verdict}: {reason}")
    if verdict is Verdict.PASS:
        return Judgement(Verdict.UNEXPECTED_PASS, f"passes, but is listed as failing: {known}")
    return Judgement(verdict, reason)


def _plain(expected: Expectation, seen: Observation, *, claimed: bool) -> Judgement:
    if seen.outcome in _BY_OUTCOME:
        return Judgement(_BY_OUTCOME[seen.outcome], seen.message)
    if seen.outcome is Outcome.UNSUPPORTED:
        if claimed:
            said = f": {seen.message}" if seen.message else ""
            return Judgement(Verdict.FAIL, f"claims all that this needs, yet does not do it{said}")
        return Judgement(Verdict.UNSUPPORTED, seen.message)
    if seen.findings:
        return Judgement(Verdict.FAIL, seen.findings[0])
    if not expected.outcomes:
        return Judgement(Verdict.UNSUPPORTED, "ended in order; it does not claim `faults`")
    if seen.outcome not in expected.outcomes:
        said = f": {seen.message}" if seen.message else ""
        wanted = " or ".join(expected.outcomes)
        return Judgement(Verdict.FAIL, f"{seen.outcome}, expected {wanted}{said}")
    if seen.outcome is not Outcome.REJECTED and seen.answer != expected.answer:
        return Judgement(Verdict.FAIL, _first(seen.differences))
    return Judgement(Verdict.PASS, "")


def _first(differences: tuple[str, ...]) -> str:
    """Return the first difference, and how many more there are."""
    if not differences:
        return "the answer is another one"
    more = len(differences) - 1
    return differences[0] + (f" (and {more} more)" if more else "")
