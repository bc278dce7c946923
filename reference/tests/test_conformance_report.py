"""Reports: what they tell, and that nothing in them can be changed without notice."""

from __future__ import annotations

import copy
import json
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import suites
from support.suites import BAD, BARE, GOOD, REFUSED, fake

from darimage.conformance import checking, report, suite
from darimage.conformance.junit import to_junit
from darimage.conformance.table import to_html
from darimage.conformance.testee import claims_of

SCHEMAS = Path(__file__).parents[2] / "conformance" / "schemas"
KNOWN = {f"{GOOD}:decode": "https://example.org/7", f"{BARE}:validate": "old <tale> & ]]> \x00"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return suites.write(tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def made(folder, kept):
    """A report with passes, failures, known failures and unexpected passes."""
    return suites.run(fake("accepts_all", folder, 1), folder, known=KNOWN, keep=kept)


@pytest.fixture(scope="module")
def honest(folder, kept):
    return suites.run(fake("honest", folder, 1), folder)


def test_the_schema_describes_it(made, honest):
    validator = jsonschema_rs.validator_for(
        json.loads((SCHEMAS / "report.schema.json").read_text())
    )
    for told in (made, honest):
        validator.validate(told)


def test_known_failures(made):
    found = suites.verdicts(made)
    assert found[f"{GOOD}:decode"] == "expected-fail"
    assert found[f"{BARE}:validate"] == "unexpected-pass"
    assert made["exit_code"] == 1  # for others fail that are not known


def test_a_pass_that_was_not_expected_has_its_own_exit_code(folder):
    known = {f"{GOOD}:decode": "https://example.org/7"}
    told = suites.run(fake("honest", folder), folder, known=known)
    assert (told["conclusion"], told["exit_code"]) == ("unexpected-pass", 3)


def test_known_failures_alone_are_incomplete(folder):
    known = {f"{name}:decode": "https://example.org/7" for name in (GOOD, BAD)}
    told = suites.run(fake("wrong", folder), folder, known=known)
    assert (told["conclusion"], told["exit_code"]) == ("incomplete", 0)
    told = suites.run(fake("wrong", folder), folder, [f"{GOOD}:*"], known=known)
    assert (told["conclusion"], told["exit_code"]) == ("partial", 0)
    told = suites.run(fake("wrong", folder), folder, known=known, strict=True)
    assert (told["conclusion"], told["exit_code"]) == ("nonconformant", 1)


@pytest.mark.parametrize("level", [0, 1])
def test_how_many_run_at_once_makes_no_difference(folder, level):
    one = suites.run(fake("accepts_all", folder, level), folder, known=KNOWN)
    four = suites.run(fake("accepts_all", folder, level), folder, known=KNOWN, jobs=4)
    assert one["results_sha256"] == four["results_sha256"]
    assert [case["id"] for case in four["cases"]] == sorted(case["id"] for case in four["cases"])


def test_a_report_as_it_is_follows(made, honest, folder, kept):
    chosen = suite.load(folder)
    assert checking.problems(made, chosen, kept) == []
    assert checking.problems(honest, chosen) == []


def leaves(value, path=()):
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from leaves(item, (*path, at))
    else:
        yield path


def changed(told, path, value):
    again = copy.deepcopy(told)
    place = again
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return again


@given(st.data())
def test_any_change_is_noticed(made, data):
    path = data.draw(st.sampled_from(sorted(leaves(made), key=str)))
    value = data.draw(
        st.sampled_from(["pass", "fail", "accepted", "0" * 64, None, 0, 1, True, [], {}])
    )
    again = changed(made, path, value)
    if json.dumps(again) != json.dumps(made):
        assert checking.problems(again), path


def redone(told, of=0):
    """Return a report whose derived parts were made again by whoever changed it."""
    again = copy.deepcopy(told)
    again["counts"] = report.counts(again["cases"])
    again["topics"] = report.summary(again["cases"])
    again["totals"] = report.totals(again["topics"])
    again["profiles"] = report.by_profile(again["cases"])
    again["remarks"] = report.remarks(again["cases"])
    again["scope"]["cases"] = len(again["cases"])
    again["scope"]["of"] = max(again["scope"]["of"], of or len(again["cases"]))
    again["scope"]["complete"] = again["scope"]["of"] == len(again["cases"])
    complete = again["scope"]["complete"]
    again["conclusion"] = report.conclusion(again["cases"], strict=False, complete=complete)
    again["exit_code"] = report.EXIT_CODES[again["conclusion"]]
    again["results_sha256"] = report.results_sha256(again)
    again["report_sha256"] = report.report_sha256(again)
    return again


def test_a_better_verdict_does_not_follow(made):
    for at, case in enumerate(made["cases"]):
        if case["verdict"] != "pass":
            better = changed(made, ("cases", at, "verdict"), "pass")
            better["cases"][at]["reason"] = ""
            found = checking.problems(redone(better))
            assert len(found) == 1
            assert found[0].startswith(f"{case['id']}: says pass")


def test_a_case_left_out_is_missed_by_the_suite(made, folder):
    less = copy.deepcopy(made)
    gone = less["cases"].pop(0)
    for of in (len(made["cases"]), len(less["cases"])):
        less["scope"]["of"] = of
        less = redone(less)
        assert checking.problems(less) == []
        found = checking.problems(less, suite.load(folder))
        assert found[0].startswith("partial: 1 cases of the suite are not in the report")
        assert f"{gone['id']}: is not in the report" in found


def test_a_narrowed_run_is_missed_by_the_suite(folder):
    told = suites.run(fake("honest", folder), folder, [f"{REFUSED}:decode"])
    assert checking.problems(told) == []
    found = checking.problems(told, suite.load(folder))
    assert "7 cases of the suite are not in the report" in found[0]
    assert len(found) == 1 + 7


def test_other_expectations_are_missed_by_the_suite(made, folder):
    at = next(n for n, case in enumerate(made["cases"]) if case["id"] == f"{REFUSED}:decode")
    other = changed(made, ("cases", at, "expected", "wanted"), "accept")
    other["cases"][at]["expected"]["outcomes"] = ["accepted"]
    other["cases"][at] |= {"verdict": "pass", "reason": ""}
    other = redone(other)
    assert checking.problems(other) == []
    assert checking.problems(other, suite.load(folder))


def test_another_answer_is_noticed_where_answers_are_kept(made, folder, kept):
    at = next(n for n, case in enumerate(made["cases"]) if case["id"] == f"{GOOD}:decode")
    wanted = made["cases"][at]["expected"]["answer_sha256"]
    other = changed(made, ("cases", at, "seen", "answer_sha256"), wanted)
    verdict, reason = report.verdict_again(other["cases"][at])
    assert verdict == "unexpected-pass"
    other["cases"][at] |= {"verdict": verdict, "reason": reason}
    other = redone(other)
    assert checking.problems(other, suite.load(folder)) == []
    assert "the answer kept has the digest" in checking.problems(other, None, kept)[0]


def test_a_report_that_is_cut_is_none(made, tmp_path):
    text = json.dumps(made)
    path = tmp_path / "report.json"
    path.write_text(text)
    assert checking.load(path) == made
    for length in [*range(0, len(text), 997), len(text) - 1]:
        path.write_text(text[:length])
        with pytest.raises(checking.ReportError, match="no whole report"):
            checking.load(path)
    path.write_text(json.dumps({**made, "report": 2}))
    with pytest.raises(checking.ReportError, match="version"):
        checking.load(path)


def test_claims_come_back_from_a_report(made):
    again = claims_of({**made["testee"], "implementation": made["testee"]}, "")
    assert again.as_json() == {
        key: value for key, value in made["testee"].items() if key not in ("level", "command")
    }


def test_junit(made):
    root = ET.fromstring(to_junit(made))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert set(cases) == {case["id"] for case in made["cases"]}
    kinds = {"fail": "failure", "expected-fail": "skipped", "unexpected-pass": "failure"}
    for case in made["cases"]:
        element = cases[case["id"]]
        told = [child.tag for child in element if child.tag != "properties"]
        assert told == ([kinds[case["verdict"]]] if case["verdict"] != "pass" else [])
        shown = [p.get("value") for p in element.iter("property") if p.get("name") == "verifies"]
        assert shown == case["requirements"]
    failing = sum(case["verdict"] in ("fail", "unexpected-pass") for case in made["cases"])
    assert root.get("failures") == str(failing)
    assert root.get("tests") == str(len(made["cases"]))


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in ("td", "tr", "th") and self.open[-1] != tag:
            return
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page(made):
    page = Page(to_html(made))
    names = [tag for tag, _ in page.tags]
    assert not {"link", "img", "b", "tale", "refused"} & set(names)
    assert not any("src" in attrs or "href" in attrs for _, attrs in page.tags)
    text = "".join(page.text)
    assert "accepts_all 1: nonconformant" in text
    assert "One & only <b>good/some</b>" in text
    rows = [attrs for tag, attrs in page.tags if tag == "tr" and "data-v" in attrs]
    assert len(rows) == 4
