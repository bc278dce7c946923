"""Every form of a report says what the report says, whatever words are in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import images, reports

from darimage.validate.finding import Finding
from darimage.validate.outputs import FORMS, html_map, sarif, text, written
from darimage.validate.outputs.escaping import printable
from darimage.validate.outputs.html_map import Mark, Scale
from darimage.validate.registry import LEVELS, requirements
from darimage.validate.report import ImageReport, Stretch

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"


def published():
    path = ROOT / "conformance/schemas/validate-report.schema.json"
    return jsonschema_rs.validator_for(json.loads(path.read_text()))


def standard():
    """Return a validator of SARIF, with what the first erratum mends (data/README.md)."""
    text = (DATA / "sarif-schema-2.1.0.json").read_text()
    schema = json.loads(text.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$"))
    starts = ("startLine", "charOffset", "byteOffset")
    schema["definitions"]["region"]["anyOf"] = [{"required": [start]} for start in starts]
    return jsonschema_rs.validator_for(schema)


REPORT, SARIF = published(), standard()


@st.composite
def whole_reports(draw):
    """Draw a report on images that conform, do not, could not be read, or made us fail."""
    images = []
    for at in range(draw(st.integers(1, 3))):
        found = draw(st.lists(reports.findings(), max_size=6))
        name = f"image{at}" + draw(reports.words)
        known = None
        if draw(st.booleans()) and found:
            known = reports.image_report(name, found[: draw(st.integers(1, len(found)))]).keys
            found = found[draw(st.integers(0, 1)) :]
        image = reports.image_report(name, found, known)
        if draw(st.booleans()):
            setattr(image, draw(st.sampled_from(["unread", "own_fault"])), draw(reports.words))
            image.facts = image.evidence = None
        images.append(image)
    return reports.report_of(*images, strict=draw(st.booleans()))


def errors(validator, content):
    return [
        f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(content)
    ]


@given(whole_reports())
def test_json_is_what_its_schema_says(report):
    content = json.loads(written(report, "json"))
    assert errors(REPORT, content) == []
    assert content["exit_code"] == report.exit_code
    for image, told in zip(report, content["images"], strict=True):
        assert Counter(one["requirement"] for one in told["findings"]) == Counter(
            one.finding.requirement for one in image.told
        )


def test_the_schema_knows_every_key():
    """A key that the schema does not name, or one that is gone, is found."""
    content = json.loads(written(reports.report_of(reports.image_report("i", [])), "json"))
    assert not errors(REPORT, content)
    assert errors(REPORT, {**content, "more": 1})
    for key in content:
        assert errors(REPORT, {name: value for name, value in content.items() if name != key})


@given(whole_reports())
def test_sarif_is_what_the_standard_says(report):
    content = json.loads(written(report, "sarif"))
    assert errors(SARIF, content) == []
    (run,) = content["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    told = [(at, one) for at, image in enumerate(report) for one in image.told]
    for (at, one), result in zip(told, run["results"], strict=True):
        assert rules[result["ruleIndex"]] == result["ruleId"] == one.finding.requirement
        place = result["locations"][0]["physicalLocation"]
        assert (
            run["artifacts"][place["artifactLocation"]["index"]]["location"]["uri"]
            == (place["artifactLocation"]["uri"])
        )
        assert place["artifactLocation"]["index"] == at
        if one.finding.offset is None:
            assert "region" not in place
        else:
            region = {"byteOffset": one.finding.offset, "byteLength": one.finding.length}
            assert place["region"] == region
        assert bool(result.get("suppressions")) == one.known
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == report.exit_code


def test_the_sarif_schema_finds_faults():
    content = json.loads(written(reports.report_of(reports.image_report("i", [MUST])), "sarif"))
    assert not errors(SARIF, content)
    content["runs"][0]["results"][0]["level"] = "fatal"
    assert errors(SARIF, content)


@pytest.mark.parametrize(
    ("image", "uri"),
    [
        ("-", "stdin:"),
        ("a b/c.dari", "a%20b/c.dari"),
        ("/tmp/ü#?.dari", "file:///tmp/%C3%BC%23%3F.dari"),
        ("c:d", "c%3Ad"),
        ("\udcff", "%FF"),
    ],
)
def test_images_have_uris(image, uri):
    assert sarif.uri(image) == uri


@given(whole_reports())
def test_junit_counts_what_it_holds(report):
    root = ET.fromstring(written(report, "junit"))
    suites = root.findall("testsuite")
    assert len(suites) == len(report.images)
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(kind)) == len(root.findall(f".//{tag}"))
    assert int(root.get("tests")) == len(root.findall(".//testcase"))
    for image, suite in zip(report, suites, strict=True):
        cases = {
            case.find("properties/property[@name='requirement']").get("value"): case
            for case in suite.findall("testcase")
            if case.find("properties") is not None
        }
        assert cases.keys() == set(image.checked) | image.counts.keys()
        for requirement, count in image.counts.items():
            strength = requirements()[requirement].strength
            fails = strength in (LEVELS[:2] if report.strict else LEVELS[:1])
            case = cases[requirement]
            assert (case.find("failure") is not None) == bool(fails and count.new)
            assert (case.find("skipped") is not None) == bool(count.known and not count.new)
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        assert (failed == 0) == report.conforms(image)


MUST = Finding("DARI-REC-004", "MUST", "rule", "told", record=3, offset=3072, length=1024)
SHOULD = Finding("DARI-REC-019", "SHOULD", "rule", "said", field="c_label", found="a", expected="b")


def test_text_is_grouped_by_requirement_the_strongest_first():
    report = reports.report_of(reports.image_report("image", [SHOULD, MUST, MUST]))
    every = "dari-core+streams+acl+xattr+incremental+volumes"
    assert text.written(report).splitlines() == [
        f"image: does not conform ({every}; all data read and checked)",
        "  MUST DARI-REC-004 Checksum: 2 findings",
        "    record 3 (byte 3072): told",
        "    record 3 (byte 3072): told",
        "  SHOULD DARI-REC-019 Who, what and where: 1 finding",
        "    c_label: said (found a, expected b)",
        "",
        "1 image: 1 does not conform; 3 findings (2 MUST, 1 SHOULD)",
    ]


def test_text_is_coloured_if_asked():
    report = reports.report_of(reports.image_report("image", [MUST]))
    plain, coloured = text.written(report), text.written(report, coloured=True)
    assert "\x1b[31m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_quiet_text_is_about_faults_alone():
    good, bad = reports.image_report("good", []), reports.image_report("bad", [MUST])
    assert text.written(reports.report_of(good), quiet=True) == ""
    told = text.written(reports.report_of(good, bad), quiet=True)
    assert told.startswith("bad: does not conform")
    assert "good" not in told


def test_text_tells_what_is_left_out():
    image = reports.image_report("image", [MUST] * 300)
    image.count("DARI-REC-004", "other", 7)
    image.outside = 1
    told = text.written(reports.report_of(image))
    assert "    and 297 more: rule 290, other 7\n" in told
    assert "  1 finding not asked for\n" in told


def test_text_from_the_command_line_cannot_play_with_the_terminal():
    image = ImageReport("a\x1b[31m\n", reports.EVERYTHING)
    image.unread = "a\x1b[31m: no"
    assert "\x1b" not in text.written(reports.report_of(image))


class Page(HTMLParser):
    """What a browser would make of a page: its tags are balanced, its text is collected."""

    VOID = ("meta", "br", "img", "input", "link", "rect", "path")

    def __init__(self, page):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.text = [], [], [], Counter(), ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.tags[tag] += 1
        assert not {"src", "onload", "style"} & known.keys()
        if "id" in known:
            self.ids.append(known["id"])
        if "href" in known:
            self.links.append(known["href"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in ("rect", "path")
        self.tags[tag] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@settings(max_examples=50)
@given(whole_reports())
def test_a_page_holds_together(report):
    page = Page(written(report, "html"))
    assert (page.tags["script"], page.tags["style"]) == (1, 1)
    assert not page.tags["link"] + page.tags["img"] + page.tags["iframe"]
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if not link.startswith("#")} == set()
    assert {link[1:] for link in page.links} <= set(page.ids)
    shown = "".join(page.text.split())
    for image in report:
        for told in image.told:
            assert "".join(printable(told.finding.message).split()) in shown
            text = requirements()[told.finding.requirement].text
            assert "".join(text.replace("`", "").split()) in shown


def test_a_page_names_the_fields_of_a_record():
    data = images.encode(images.sample())
    image = reports.image_report("image", [], records=len(data) // 1024)
    for field in ("c_magic", "c_dinode.di_size"):
        image.tell(Finding("DARI-REC-003", "MUST", "rule", "told", record=0, offset=0, field=field))
    image.evidence.records[0] = data[:1024]
    page = written(reports.report_of(image), "html")
    assert "Record 0, bytes 0 to 1,023: header, little-endian, checksum right" in page
    assert "<td>0x018</td><td>6c ea 00 00</td><td><b>c_magic</b> = 60012 (nfs)</td>" in page
    marked = re.findall(r'<tr class="marked[^>]*>.*?<b>([\w.]+)</b>', page)
    assert marked == ["c_magic", "c_dinode.di_size"]
    assert page.count("is shown above") == 1


@given(st.integers(1, 10**9), st.data())
def test_the_map_is_to_scale(records, data):
    scale = Scale(records)
    assert scale.rows * scale.row_records >= records > (scale.rows - 1) * scale.row_records
    first = data.draw(st.integers(0, records - 1))
    count = data.draw(st.integers(1, records - first))
    widths = [width for _, _, width in scale.pieces(first, count)]
    whole = sum(width for _, _, width in scale.pieces(0, records))
    assert sum(widths) / whole == pytest.approx(count / records)
    row, across = scale.place(first)
    (at, left, width), *_ = scale.pieces(first, 1)
    assert (row, across) == (at, pytest.approx(left + width / 2))


def test_the_map_stays_small():
    stretches = [Stretch("file", f"f{n}", n * 10, 10) for n in range(2000)]
    marks = [Mark(n, "MUST", f"f{n}", "told") for n in range(20_000)]
    drawn = "".join(html_map.drawn("map", 20_000, stretches, marks))
    assert drawn.count("<a ") < 3000
    assert len(drawn) < 1_500_000


def test_every_form_can_be_written():
    report = reports.report_of(reports.image_report("image", [MUST, SHOULD]))
    assert all("DARI-REC-004" in written(report, form) for form in FORMS)
