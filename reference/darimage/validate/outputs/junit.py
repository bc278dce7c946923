"""A report in the XML that build servers read: an image a suite, a requirement a case.

A broken recommendation is no failure there unless it was asked for; the case's output tells it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from darimage._version import __version__
from darimage.showing import xml_for_log
from darimage.validate.finding import readable
from darimage.validate.outputs.escaping import printable
from darimage.validate.registry import Requirement, requirements
from darimage.validate.report import Count, ImageReport, Report
from darimage.validate.selection import title

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
_SHOWN = 20


def written(report: Report) -> str:
    """Return the report as JUnit XML."""
    root = ET.Element("testsuites", name="darimage validate")
    for image in report:
        root.append(_suite(report, image))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return f"{_DECLARATION}\n{xml_for_log(ET.tostring(root, encoding='unicode'))}\n"


def _suite(report: Report, image: ImageReport) -> ET.Element:
    name = readable(image.image)
    suite = ET.Element("testsuite", name=name)
    profile = title(image.profiles) if image.profiles else ""
    _properties(suite, [("tool", f"darimage {__version__}"), ("profile", profile)])
    if not image.was_judged:
        case = ET.SubElement(suite, "testcase", classname="darimage", name="the image is judged")
        kind = "not read" if image.own_fault is None else "not judged"
        _told(case, "error", kind, [readable(image.own_fault or image.unread or "")])
    ids = set(image.checked) | image.counts.keys()
    for one in requirements().values():
        if one.id in ids:
            suite.append(_case(report, image, one))
    if image.stale:
        case = ET.SubElement(suite, "testcase", classname="darimage", name="the baseline is true")
        lines = [f"{readable(key.text())} no longer occurs" for key in image.stale]
        _told(case, "failure", "stale", lines)
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for kind, counted in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(counted, str(sum(case.find(kind) is not None for case in cases)))
    return suite


def _case(report: Report, image: ImageReport, one: Requirement) -> ET.Element:
    case = ET.Element("testcase", classname=f"darimage.{one.chapter}", name=f"{one.id} {one.title}")
    properties = [("requirement", one.id), ("level", one.level), ("profile", one.profile)]
    _properties(case, properties)
    count = image.counts.get(one.id, Count())
    new = [told.finding for told in image.findings_of(one.id) if not told.known]
    lines = [f"{found.place()}: {found.told()}" for found in new[:_SHOWN]]
    shown = Counter(found.rule for found in new[:_SHOWN])
    lines += [
        f"and {n.new - shown[rule]} more of {rule}"
        for rule, n in image.rules_of(one.id).items()
        if n.new > shown[rule]
    ]
    level = image.level(one.id)
    fails = level == "MUST" or (report.strict and level == "SHOULD")
    if count.new and fails:
        _told(case, "failure", one.level, lines)
    elif count.known and not count.new:
        told = f"{count.known} known by the baseline"
        ET.SubElement(case, "skipped", message=told)
    elif count.new:
        output = ET.SubElement(case, "system-out")
        output.text = _text([f"{level}: {line}" for line in lines])
    return case


def _told(case: ET.Element, tag: str, kind: str, lines: Sequence[str]) -> None:
    told = ET.SubElement(case, tag, type=kind, message=_text(lines[:1]))
    told.text = _text(lines)


def _properties(element: ET.Element, known: Sequence[tuple[str, str]]) -> None:
    properties = ET.SubElement(element, "properties")
    for name, value in known:
        if value:
            ET.SubElement(properties, "property", name=name, value=value)


def _text(lines: Sequence[str]) -> str:
    """Return lines as XML can hold them."""
    return printable("\n".join(lines))
