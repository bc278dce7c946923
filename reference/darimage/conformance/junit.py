"""A report as JUnit XML; the requirements of a case are properties named ``verifies``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from darimage.conformance.verdicts import Verdict

_ELEMENTS = {
    Verdict.FAIL: "failure",
    Verdict.CRASH: "failure",
    Verdict.TIMEOUT: "failure",
    Verdict.UNEXPECTED_PASS: "failure",
    Verdict.HARNESS_ERROR: "error",
    Verdict.SKIP: "skipped",
    Verdict.UNSUPPORTED: "skipped",
    Verdict.EXPECTED_FAIL: "skipped",
}
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Mapping[str, Any]) -> bytes:
    """Return a report as JUnit XML, a suite for each task."""
    root = ET.Element("testsuites", name=_clean(f"darimage conformance: {_name(report)}"))
    _count(root, report["cases"])
    for task in report["config"]["tasks"]:
        cases = [case for case in report["cases"] if case["task"] == task]
        of_task = ET.SubElement(root, "testsuite", name=task)
        _count(of_task, cases)
        properties = ET.SubElement(of_task, "properties")
        for key in ("results_sha256", "conclusion"):
            ET.SubElement(properties, "property", name=key, value=str(report[key]))
        for case in cases:
            _add(of_task, case)
    ET.indent(root)
    made: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return made + b"\n"


def _name(report: Mapping[str, Any]) -> str:
    testee = report["testee"]
    return f"{testee['name']} {testee['version']}".strip()


def _count(element: ET.Element, cases: Sequence[Mapping[str, Any]]) -> None:
    kinds = [_ELEMENTS.get(Verdict(case["verdict"])) for case in cases]
    element.set("tests", str(len(cases)))
    element.set("failures", str(kinds.count("failure")))
    element.set("errors", str(kinds.count("error")))
    element.set("skipped", str(kinds.count("skipped")))
    element.set("time", f"{sum(case['seconds'] for case in cases):.3f}")


def _add(of_task: ET.Element, case: Mapping[str, Any]) -> None:
    made = ET.SubElement(
        of_task,
        "testcase",
        classname=_clean(f"{case['task']}.{case['name'].replace('/', '.')}"),
        name=_clean(case["id"]),
        time=f"{case['seconds']:.3f}",
    )
    properties = ET.SubElement(made, "properties")
    for requirement in case["requirements"]:
        ET.SubElement(properties, "property", name="verifies", value=requirement)
    ET.SubElement(properties, "property", name="verdict", value=case["verdict"])
    kind = _ELEMENTS.get(Verdict(case["verdict"]))
    if kind is not None:
        told = ET.SubElement(made, kind, message=_clean(f"{case['verdict']}: {case['reason']}"))
        lines = [*case["seen"]["findings"], *case["seen"]["differences"]]
        if kind != "skipped":
            told.set("type", case["verdict"])
            told.text = _clean("\n".join(lines)) or None


def _clean(text: str) -> str:
    """Return text without what XML cannot hold."""
    return _NO_XML.sub("�", text)
