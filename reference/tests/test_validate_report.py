"""What is told of images: selected, held against a baseline, counted in full, kept in part."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reports

from darimage.errors import StorageError, UsageError
from darimage.validate import baseline
from darimage.validate.baseline import Key
from darimage.validate.finding import Finding
from darimage.validate.gathering import KEPT
from darimage.validate.registry import LEVELS, requirements
from darimage.validate.report import ImageReport
from darimage.validate.selection import ADDED, CORE, DUMP, Selection, named, picked, title

SCHEMAS = Path(__file__).parents[2] / "conformance/schemas"
MUST = "DARI-REC-004"
SHOULD = "DARI-REC-019"


def finding(requirement=MUST, **known):
    level = requirements()[requirement].strength
    return Finding(requirement, level, "rule", "told", **known)


def test_profiles_have_names():
    assert named("dump") == {DUMP}
    assert named("dari-core") == {DUMP, CORE}
    assert named("Dari-Core+acl+streams") == named("+streams+acl") == {DUMP, CORE, "acl", "streams"}
    assert title(named("+volumes+acl")) == "dari-core+acl+volumes"
    assert title(named("dump")) == "dump"
    for word in ("", "+", "dump+acl", "core", "dari-core+nt", "acl"):
        with pytest.raises(UsageError, match="no profile"):
            named(word)


@given(st.sets(st.sampled_from(ADDED)))
def test_a_profile_is_named_as_it_is_read(added):
    assert named(title({DUMP, CORE, *added})) == {DUMP, CORE, *added}


def test_a_profile_includes_what_it_builds_on():
    everything = Selection().ids(named("+" + "+".join(ADDED)))
    assert everything == requirements().keys()
    dump, core = Selection().ids(named("dump")), Selection().ids(named("dari-core"))
    assert {"DARI-REC-004"} < dump < core < everything


def test_levels_and_ids_select():
    everything = frozenset([DUMP, CORE, *ADDED])
    must = Selection(level="MUST").ids(everything)
    assert {requirements()[one].strength for one in must} == {"MUST"}
    assert SHOULD in Selection(level="SHOULD").ids(everything) - must
    only = Selection(only=picked(["rec-4", "end"]), skip=picked(["DARI-END-001"])).ids(everything)
    assert MUST in only
    assert "DARI-END-002" in only
    assert "DARI-END-001" not in only
    assert all(one.startswith(("DARI-END", MUST)) for one in only)
    with pytest.raises(UsageError, match="'rex-4'"):
        picked(["rex-4"])


def test_what_was_not_asked_for_is_counted_apart():
    report = ImageReport("image", Selection(frozenset([DUMP]), only=frozenset([MUST])))
    report.tell(finding(MUST))
    report.tell(finding(SHOULD))
    report.tell(finding("DARI-ACL-003"))
    assert (report.outside, report.broken("MUST"), len(report.told)) == (2, 1, 1)


def test_a_flood_is_counted_in_full_and_kept_in_part():
    report = ImageReport("image", reports.EVERYTHING, with_keys=True)
    for record in range(3 * KEPT):
        report.tell(finding(MUST, record=record, offset=record * 1024))
    report.tell(finding(SHOULD))
    report.count(MUST, "rule", 5)
    report.count(MUST, "other", 7)
    report.finish()
    assert report.counts[MUST].new == 3 * KEPT + 12
    assert {r: (n.new, n.kept, n.untold) for r, n in report.rules_of(MUST).items()} == {
        "rule": (3 * KEPT + 5, KEPT, 2 * KEPT + 5),
        "other": (7, 0, 7),
    }
    assert len(report.findings_of(MUST)) == KEPT
    assert len(report.findings_of(SHOULD)) == 1
    for record in range(200 * KEPT):
        report.tell(finding(MUST, record=record, offset=record * 1024))
    assert len(report.keys) <= baseline.ENTRIES_MAX + 1
    assert len(report.told) == KEPT + 1


def test_what_the_baseline_may_know_is_told_in_full_however_much_there_is():
    known = Counter(
        Key.of("image", finding(MUST, record=record, offset=0)) for record in (7, 10**6)
    )
    report = ImageReport("image", reports.EVERYTHING, known, most=1)
    assert report.wants(MUST, "rule")
    for record in range(1000):
        assert report.wants(MUST, "rule")
        report.tell(finding(MUST, record=record, offset=0))
    assert report.wants(SHOULD, "rule")
    report.tell(finding(SHOULD))
    assert not report.wants(SHOULD, "rule")
    assert report.wants(SHOULD, "another rule")
    report.tell(finding(MUST, record=10**6, offset=0))
    assert not report.wants(MUST, "rule")
    report.count(MUST, "rule", 3)
    report.finish()
    assert (report.counts[MUST].new, report.counts[MUST].known) == (999 + 3, 2)
    assert not report.stale


def test_what_nobody_asked_for_is_not_wanted():
    report = ImageReport("image", Selection(only=frozenset([SHOULD])), most=1)
    assert not report.wants(MUST, "rule")
    report.count(MUST, "rule", 3)
    assert (report.outside, report.counts) == (3, {})


def test_what_decides():
    def conforms(*found, **how):
        return reports.image_report("image", found).conforms(**how)

    assert conforms()
    assert not conforms(finding(MUST))
    assert conforms(finding(SHOULD))
    assert not conforms(finding(SHOULD), strict=True)
    for name in ("unread", "own_fault"):
        report = reports.image_report("image", [])
        setattr(report, name, "why")
        assert not report.conforms()
    report = reports.image_report("image", [])
    report.count(MUST, "rule", 1)
    assert not report.conforms()


def test_the_worst_image_gives_the_exit_code():
    good, bad = (reports.image_report(str(n), [finding()] * n) for n in (0, 1))
    unread, failed = reports.image_report("u", []), reports.image_report("f", [])
    unread.unread = failed.own_fault = "why"
    code = {
        (good,): 0,
        (good, bad): 1,
        (bad, good): 1,
        (unread, bad): 3,
        (bad, failed, unread): 4,
    }
    for images, wanted in code.items():
        assert reports.report_of(*images).exit_code == wanted


found_lists = st.lists(reports.findings(), max_size=12)


@given(found_lists)
def test_a_baseline_knows_what_it_was_written_from(tmp_path_factory, found):
    path = tmp_path_factory.getbasetemp() / "baseline.json"
    first = reports.image_report("image", found)
    baseline.save(path, first.keys)
    known = baseline.load(path)
    assert known == first.keys
    schema = json.loads((SCHEMAS / "baseline.schema.json").read_text())
    jsonschema_rs.validate(schema, json.loads(path.read_text()))
    again = reports.image_report("image", found, known)
    assert again.conforms(strict=True)
    assert (again.known, again.broken(*LEVELS), again.stale) == (len(found), 0, Counter())
    other = reports.image_report("another image", found, known)
    assert other.known == 0


@given(st.lists(reports.findings(), min_size=1, max_size=12), st.data())
def test_an_entry_that_no_longer_occurs_is_told(found, data):
    known = reports.image_report("image", found).keys
    gone = data.draw(st.integers(0, len(found) - 1))
    left = reports.image_report("image", found[:gone] + found[gone + 1 :], known)
    assert left.stale == Counter([Key.of("image", found[gone])])
    assert not left.conforms()


def test_a_baseline_survives_what_moves():
    moved = finding(path=b"a/b", inode=7, record=9, offset=9216)
    again = finding(path=b"a/b", inode=8, record=12, offset=12288)
    known = reports.image_report("image", [moved]).keys
    assert reports.image_report("image", [again], known).known == 1
    elsewhere = finding(path=b"a/c", inode=7, record=9, offset=9216)
    assert reports.image_report("image", [elsewhere], known).known == 0


def test_entries_are_only_missed_where_they_could_occur():
    known = reports.image_report("image", [finding(SHOULD), finding(MUST)]).keys
    narrow = ImageReport("image", Selection(frozenset([DUMP]), only=frozenset([MUST])), known)
    narrow.finish()
    assert [key.requirement for key in narrow.stale] == [MUST]
    unread = ImageReport("image", reports.EVERYTHING, known)
    unread.unread = "why"
    unread.finish()
    assert not unread.stale


HEAD = {"format": "darimage-baseline", "version": 1}
ENTRY = {"image": "i", "requirement": MUST}


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"format": "other", "version": 1, "findings": []},
        {**HEAD, "version": 2, "findings": []},
        HEAD,
        {**HEAD, "findings": 3},
        {**HEAD, "findings": [3]},
        {**HEAD, "findings": [{}]},
        *(
            {**HEAD, "findings": [{**ENTRY, **wrong}]}
            for wrong in (
                {"count": 0},
                {"count": "1"},
                {"inode": -1},
                {"record": "1"},
                {"path": 1},
                {"field": 1},
                {"image": 1},
                {"inode": 1, "record": 1},
            )
        ),
    ],
    ids=json.dumps,
)
def test_what_is_no_baseline_is_refused(content, tmp_path):
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="baseline"):
        baseline.load(path)
    schema = json.loads((SCHEMAS / "baseline.schema.json").read_text())
    assert not jsonschema_rs.is_valid(schema, content)


def test_a_baseline_that_cannot_be_read(tmp_path):
    (tmp_path / "text").write_text("not { json")
    with pytest.raises(UsageError, match="no baseline file"):
        baseline.load(tmp_path / "text")
    (tmp_path / "deep").write_text("[" * 100_000)
    with pytest.raises(UsageError, match="no baseline file"):
        baseline.load(tmp_path / "deep")
    with pytest.raises(StorageError):
        baseline.load(tmp_path / "none")
    with pytest.raises(StorageError):
        baseline.save(tmp_path / "none" / "file", {})
