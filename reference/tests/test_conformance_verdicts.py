"""Verdicts, and what follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darimage.conformance import known, report
from darimage.conformance.verdicts import (
    ANSWERED,
    FAILING,
    UNTESTED,
    Expectation,
    Observation,
    Outcome,
    Verdict,
    Wanted,
    judge,
)
from darimage.errors import UsageError

digests = st.sampled_from([None, "a", "b"])
expectations = st.builds(Expectation.of, st.sampled_from(Wanted), digests) | st.builds(
    Expectation,
    st.just(Wanted.SURVIVE),
    st.sampled_from([(), ANSWERED, (Outcome.ACCEPTED, Outcome.FAULTY)]),
    digests,
)
observations = st.builds(
    Observation,
    st.sampled_from(Outcome),
    st.sampled_from(["", "said"]),
    answer=digests,
    findings=st.sampled_from([(), ("a finding",)]),
)
reasons = st.none() | st.just("issue 7")


@given(expectations, observations, st.booleans(), reasons)
def test_only_a_right_answer_passes(expected, seen, claimed, reason):
    verdict, said = judge(expected, seen, claimed=claimed, known=reason)
    is_right = (
        not seen.findings
        and seen.outcome in expected.outcomes
        and (seen.outcome is Outcome.REJECTED or seen.answer == expected.answer)
    )
    passing = Verdict.UNEXPECTED_PASS if reason else Verdict.PASS
    assert (verdict is passing) == is_right
    assert verdict is Verdict.PASS or said or not seen.message


@given(expectations, observations, st.booleans())
def test_what_is_known_to_fail_never_passes_and_never_fails(expected, seen, claimed):
    plain, _ = judge(expected, seen, claimed=claimed)
    listed, _ = judge(expected, seen, claimed=claimed, known="issue 7")
    if plain in FAILING:
        assert listed is Verdict.EXPECTED_FAIL
    elif plain is Verdict.PASS:
        assert listed is Verdict.UNEXPECTED_PASS
    else:
        assert listed is plain


@given(st.lists(st.sampled_from(Verdict), min_size=1, max_size=6), st.booleans(), st.booleans())
def test_the_conclusion_says_the_worst(verdicts, strict, complete):
    expected = {"outcomes": ["accepted"]}
    cases = [{"verdict": str(verdict), "expected": expected} for verdict in verdicts]
    found = report.conclusion(cases, strict=strict, complete=complete)
    if found in ("conformant", "incomplete"):
        assert complete
    if found == "partial":
        assert not complete
        assert not set(verdicts) & FAILING
    if found == "conformant":
        allowed = {Verdict.PASS} if strict else {Verdict.PASS, Verdict.UNSUPPORTED}
        assert Verdict.PASS in verdicts
        assert set(verdicts) <= allowed
    assert (found == "not-tested") == (
        Verdict.HARNESS_ERROR in verdicts or set(verdicts) <= UNTESTED
    )
    if set(verdicts) & FAILING:
        assert found in ("nonconformant", "not-tested")
    assert report.conclusion(cases[::-1], strict=strict, complete=complete) == found


def test_who_does_not_claim_to_report_faults_is_incomplete():
    lenient = {"verdict": "unsupported", "expected": {"outcomes": []}}
    passing = {"verdict": "pass", "expected": {"outcomes": ["accepted"]}}
    for cases, said in (([passing], "conformant"), ([passing, lenient], "incomplete")):
        assert report.conclusion(cases, strict=False, complete=True) == said


def test_a_list_of_known_failures(tmp_path):
    path = tmp_path / "known.txt"
    path.write_text("# ours\n\nDARI-V-0001:decode  https://example.org/7  and more\n")
    assert known.load(path) == {"DARI-V-0001:decode": "https://example.org/7  and more"}
    known.check({"a": "why"}, {"a", "b"})


@pytest.mark.parametrize(
    "text", ["a:decode\n", "a why\na why\n", "\xff".encode("utf-16").decode("latin1")]
)
def test_a_list_that_says_too_little_is_refused(tmp_path, text):
    path = tmp_path / "known.txt"
    path.write_bytes(text.encode("latin1"))
    with pytest.raises(UsageError):
        known.check(known.load(path), set())


def test_a_known_failure_that_is_no_case_is_refused():
    with pytest.raises(UsageError, match="no such case"):
        known.check({"gone": "why"}, {"a"})
