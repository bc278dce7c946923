"""A report for programs; conformance/schemas/validate-report.schema.json says what it holds."""

from __future__ import annotations

import json
from typing import Any

from darimage._version import FORMAT_VERSION, __version__
from darimage.showing import json_for_log
from darimage.validate.finding import readable
from darimage.validate.registry import LEVELS
from darimage.validate.report import ImageReport, Report, Told
from darimage.validate.selection import title

FORMAT = "darimage-validate-report"
VERSION = 2


def written(report: Report) -> str:
    """Return the report as JSON."""
    return json_for_log(json.dumps(as_json(report), indent=2)) + "\n"


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as a dictionary for JSON."""
    states = [report.status(image) for image in report]
    return {
        "format": FORMAT,
        "version": VERSION,
        "tool": {"name": "darimage", "version": __version__},
        "specification": FORMAT_VERSION,
        "selection": {**report.selection.as_json(), "strict": report.strict},
        "exit_code": report.exit_code,
        "summary": {
            "images": len(states),
            "conforming": states.count("conforms"),
            "findings": {level: report.count(level) for level in LEVELS},
            "known": sum(image.known for image in report),
        },
        "images": [_image(report, image) for image in report],
    }


def _image(report: Report, image: ImageReport) -> dict[str, Any]:
    facts, error = image.facts, image.own_fault or image.unread
    return {
        "image": readable(image.image),
        "status": report.status(image),
        "error": None if error is None else readable(error),
        "contents": None if facts is None else facts.contents,
        "profile": title(image.profiles) if image.profiles else None,
        "bytes": None if facts is None else facts.size,
        "records": None if facts is None else facts.records,
        "byte_order": None if facts is None else {"le": "little", "be": "big"}[facts.order],
        "uuid": None if facts is None else facts.uuid,
        "checked": list(image.checked),
        "counts": [
            {
                "requirement": one,
                "level": image.level(one),
                "new": image.counts[one].new,
                "known": image.counts[one].known,
                "rules": [
                    {"rule": rule, "new": n.new, "known": n.known, "told": n.kept}
                    for rule, n in image.rules_of(one).items()
                ],
            }
            for one in image.broken_ids()
        ],
        "findings": [_finding(told) for told in image.told],
        "not_asked_for": image.outside,
        "stale": [key.as_json(count) for key, count in image.stale.items()],
    }


def _finding(told: Told) -> dict[str, Any]:
    return {**told.finding.as_json(), "known": told.known}
