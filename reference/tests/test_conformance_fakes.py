"""The runner on testees that lie: what it says of each."""

from __future__ import annotations

import json
import time

import pytest
from support import suites
from support.suites import BAD, BARE, GOOD, REFUSED, WEAK, fake

from darimage.conformance import suite
from darimage.conformance.level1 import SessionError
from darimage.conformance.limits import Limits
from darimage.conformance.report import BLIND, REFUSES
from darimage.conformance.testee import FIELDS, MORE_FIELDS, Task

GOOD_DECODE = f"{GOOD}:decode"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return suites.write(tmp_path_factory.mktemp("suite"))


def all_of(verdict):
    cases = [f"{name}:{task}" for name in (GOOD, BARE, BAD, REFUSED) for task in TASKS]
    return dict.fromkeys(cases, verdict)


TASKS = ("decode", "validate")


@pytest.mark.parametrize("level", [0, 1])
def test_the_honest_one_passes(folder, level):
    report = suites.run(fake("honest", folder, level), folder)
    assert suites.verdicts(report) == all_of("pass")
    assert (report["conclusion"], report["exit_code"]) == ("conformant", 0)


@pytest.mark.parametrize("level", [0, 1])
def test_who_accepts_all_fails_on_all_that_is_not_empty(folder, level):
    report = suites.run(fake("accepts_all", folder, level), folder)
    failing = {
        f"{GOOD}:decode",
        f"{BARE}:decode",
        f"{BAD}:decode",
        f"{REFUSED}:decode",
        f"{BAD}:validate",
        f"{REFUSED}:validate",
    }
    assert suites.verdicts(report) == {
        **all_of("pass"),
        **dict.fromkeys(failing, "fail"),
    }
    assert (report["conclusion"], report["exit_code"]) == ("nonconformant", 1)


def test_who_rejects_all_fails_on_all_that_is_good(folder):
    report = suites.run(fake("rejects_all", folder), folder)
    failing = [f"{name}:{task}" for name in (GOOD, BARE) for task in TASKS] + [f"{BAD}:decode"]
    assert suites.verdicts(report) == {**all_of("pass"), **dict.fromkeys(failing, "fail")}
    reasons = {case["reason"] for case in report["cases"] if case["verdict"] == "fail"}
    assert reasons == {
        "rejected, expected accepted: no such thing",
        "rejected, expected accepted-with-faults: no such thing",
    }
    assert report["remarks"] == [REFUSES]


@pytest.mark.parametrize(
    ("name", "failing", "reason"),
    [
        ("sees_no_faults", {BAD}, "accepted, expected accepted-with-faults"),
        ("calls_all_whole", {BAD}, 'one: state is not given, expected "damaged" (and 1 more)'),
        ("no_image", {GOOD, BARE, BAD}, 'image.date is not given, expected "7"'),
    ],
)
def test_who_does_not_say_what_is_wrong_fails(folder, name, failing, reason):
    report = suites.run(fake(name, folder, tasks=(Task.DECODE,)), folder)
    failed = [case for case in report["cases"] if case["verdict"] == "fail"]
    assert {case["vector"] for case in failed} == failing
    for case in failed:
        assert reason in (case["reason"], *case["seen"]["differences"])


def test_who_does_not_know_of_faults_has_only_to_end(folder):
    """What it makes of a damaged image is not compared, and no case speaks for it."""
    features = frozenset({"dari-core", "acl"})
    report = suites.run(fake("sees_no_faults", folder, features=features), folder)
    assert suites.verdicts(report) == {**all_of("pass"), f"{BAD}:decode": "unsupported"}
    assert report["conclusion"] == "incomplete"
    report = suites.run(fake("crashes", folder, features=features), folder)
    assert suites.verdicts(report)[f"{BAD}:decode"] == "crash"


def test_faults_are_compared_of_those_who_report_them(folder):
    told = FIELDS + MORE_FIELDS
    for name, verdict in (("honest", "pass"), ("renames_faults", "fail")):
        report = suites.run(fake(name, folder, fields=told), folder, [f"{BAD}:decode"])
        assert suites.verdicts(report) == {f"{BAD}:decode": verdict}
        report = suites.run(fake(name, folder), folder, [f"{BAD}:decode"])
        assert suites.verdicts(report) == {f"{BAD}:decode": "pass"}


@pytest.mark.parametrize("chosen", [{"only": [GOOD_DECODE]}, {"topics": ["good"]}])
def test_a_part_of_the_suite_is_called_so(folder, chosen):
    report = suites.run(fake("honest", folder), folder, **chosen)
    assert (report["conclusion"], report["exit_code"]) == ("partial", 0)
    assert report["scope"]["of"] == len(all_of("pass"))
    report = suites.run(fake("wrong", folder), folder, **chosen)
    assert (report["conclusion"], report["exit_code"]) == ("nonconformant", 1)


def test_a_suite_that_is_not_whole_makes_no_one_conformant(tmp_path):
    suites.write(tmp_path, complete=False)
    assert suites.run(fake("honest", tmp_path), tmp_path)["conclusion"] == "partial"


def test_a_single_case_of_who_refuses_all_looks_like_that(folder):
    report = suites.run(fake("rejects_all", folder), folder, [f"{REFUSED}:decode"])
    assert (report["conclusion"], report["remarks"]) == ("partial", [REFUSES])


def test_who_knows_one_answer_looks_like_that(folder):
    report = suites.run(fake("accepts_all", folder), folder)
    assert report["remarks"] == [BLIND]
    assert not suites.run(fake("honest", folder), folder)["remarks"]


def test_cases_are_counted_by_topic_and_kind(folder):
    report = suites.run(fake("rejects_all", folder), folder)
    none, all_two = {"cases": 2, "passed": 0, "failed": 2}, {"cases": 2, "passed": 2, "failed": 0}
    assert report["topics"]["good"] == {"decode": {"accept": none}, "validate": {"accept": none}}
    assert report["topics"]["bad"]["validate"] == {"reject": all_two}
    assert list(report["topics"]["bad"]["decode"]) == ["survive", "reject"]
    assert report["totals"]["decode"]["survive"] == {"cases": 1, "passed": 0, "failed": 1}
    assert sum(n["cases"] for kinds in report["totals"].values() for n in kinds.values()) == 8


# name, level, verdict on a good image, exit code of the run, words of the reason
OUTCOMES = [
    ("wrong", 0, "fail", 1, 'size is "6", expected "5"'),
    ("shuffled", 0, "pass", 0, ""),
    ("hangs", 0, "timeout", 1, "no answer in time"),
    ("loops", 0, "timeout", 1, "no answer in time"),
    ("crashes", 0, "crash", 1, "SIGSEGV"),
    ("aborts", 0, "crash", 1, "exit code 134"),
    ("rubbish", 0, "harness-error", 4, "not JSON"),
    ("truncated", 0, "harness-error", 4, "not JSON"),
    ("no_inventory", 0, "harness-error", 4, "no list `inodes`"),
    ("deep", 0, "harness-error", 4, "nested too deep"),
    ("floods", 0, "crash", 1, "wrote more than allowed"),
    ("chatters", 0, "pass", 0, ""),
    ("eats", 0, "crash", 1, "more memory than allowed"),
    ("strange", 0, "harness-error", 4, "exit code 9 has no meaning"),
    ("child", 0, "pass", 0, ""),
    ("unsupported", 0, "unsupported", 4, "not my kind"),
    ("skips", 0, "skip", 4, "no tape drive"),
    ("seq", 1, "harness-error", 4, "answers seq 2, not 1"),
    ("rubbish", 1, "harness-error", 4, "not JSON"),
    ("truncated", 1, "crash", 1, "in the middle of a task"),
    ("dies", 1, "crash", 1, "exit code 5 in the middle of a task: I give up"),
    ("crashes", 1, "crash", 1, "SIGBUS"),
    ("hangs", 1, "timeout", 1, "no answer in time"),
    ("eats", 1, "crash", 1, "more memory than allowed"),
    ("floods", 1, "crash", 1, "wrote more than allowed"),
    ("both", 1, "harness-error", 4, "not just one of"),
    ("maybe", 1, "harness-error", 4, "accepted is neither true nor false"),
    ("perhaps", 1, "harness-error", 4, "faults is neither true nor false"),
    ("errored", 1, "harness-error", 4, "my adapter is broken"),
    ("skips", 1, "skip", 4, "not yet"),
    ("unsupported", 1, "fail", 1, "claims all that this needs"),
]


@pytest.mark.parametrize(
    ("name", "level", "verdict", "code", "words"),
    OUTCOMES,
    ids=[f"{o[0]}-{o[1]}" for o in OUTCOMES],
)
def test_a_fake(folder, name, level, verdict, code, words):
    began = time.monotonic()
    report = suites.run(fake(name, folder, level), folder, [GOOD_DECODE])
    (case,) = report["cases"]
    assert case["verdict"] == verdict, case["reason"]
    assert words in case["reason"]
    assert report["exit_code"] == code
    assert report["conclusion"] != "conformant"
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("name", ["mute", "old", "boastful", "shapeless", "list"])
def test_a_session_that_does_not_start_cannot_be_tested(folder, name):
    with pytest.raises(SessionError) as error:
        suites.run(fake(name, folder, 1), folder)
    assert error.value.exit_code == 4


def test_a_session_goes_on_after_its_process_died(folder):
    report = suites.run(fake("dies", folder, 1), folder)
    assert suites.verdicts(report) == all_of("crash")


def test_answers_given_too_early_are_not_taken_for_the_next(folder):
    report = suites.run(fake("twice", folder, 1), folder)
    found = suites.verdicts(report)
    assert found[f"{GOOD}:decode"] == "pass"
    assert found[f"{GOOD}:validate"] == "harness-error"


def test_who_lies_about_features_fails(folder):
    modest = fake("unsupported", folder, features=frozenset({"dump"}))
    assert suites.verdicts(suites.run(modest, folder)) == all_of("unsupported")
    liar = fake("unsupported", folder, features=frozenset({"dari-core"}))
    found = suites.verdicts(suites.run(liar, folder))
    beyond = {f"{BARE}:{task}": "unsupported" for task in TASKS} | {f"{BAD}:decode": "unsupported"}
    assert found == {**all_of("fail"), **beyond}


def test_what_is_not_claimed_is_not_asked(folder):
    modest = fake("hangs", folder, features=frozenset())
    report = suites.run(modest, folder)
    assert suites.verdicts(report) == all_of("unsupported")
    assert report["exit_code"] == 4
    assert {case["seconds"] for case in report["cases"]} == {0}


@pytest.mark.parametrize(
    ("name", "level", "failing"),
    [
        ("honest", 0, []),
        ("honest", 1, []),
        ("lenient", 0, [f"{WEAK}:validate:should"]),
        ("severe", 0, [f"{WEAK}:validate"]),
        ("rejects_all", 0, [f"{GOOD}:validate", f"{GOOD}:validate:should", f"{WEAK}:validate"]),
    ],
)
def test_who_does_not_tell_must_from_should_fails(tmp_path, name, level, failing):
    suites.write(tmp_path, weak=True)
    chosen = [f"{GOOD}:validate*", f"{WEAK}:validate*"]
    found = suites.verdicts(suites.run(fake(name, tmp_path, level), tmp_path, chosen))
    assert len(found) == 4
    assert sorted(case for case, verdict in found.items() if verdict != "pass") == failing


def test_who_judges_by_must_alone_is_not_asked_for_more(tmp_path):
    suites.write(tmp_path, weak=True)
    modest = fake("honest", tmp_path, validates=("MUST",))
    found = suites.verdicts(suites.run(modest, tmp_path, ["*:validate*"]))
    unsupported = [case for case, verdict in found.items() if verdict == "unsupported"]
    assert unsupported == [f"{GOOD}:validate:should", f"{WEAK}:validate:should"]
    assert set(found.values()) == {"pass", "unsupported"}


def test_a_file_outside_the_destination_is_found(folder):
    report = suites.run(fake("outside", folder, tasks=(Task.RESTORE,)), folder, [f"{GOOD}:*"])
    assert {case["verdict"] for case in report["cases"]} == {"fail"}
    assert all("left 'evil'" in case["reason"] for case in report["cases"])


def test_a_limit_of_a_vector_counts(folder, tmp_path):
    suites.write(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["vectors"][0]["limits"] = {"seconds": 0.3}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    began = time.monotonic()
    patient = Limits(seconds=60)
    report = suites.run(fake("hangs", tmp_path), tmp_path, [GOOD_DECODE], limits=patient)
    assert suites.verdicts(report) == {GOOD_DECODE: "timeout"}
    assert time.monotonic() - began < 20


def test_a_suite_with_other_bytes_is_refused(folder, tmp_path):
    suites.write(tmp_path)
    chosen = suite.load(tmp_path)
    chosen.check(list(chosen.vectors))
    (tmp_path / GOOD).write_bytes(b"other")
    with pytest.raises(suite.SuiteError) as error:
        chosen.check(list(chosen.vectors))
    assert error.value.exit_code == 5
