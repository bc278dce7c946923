"""A report in SARIF 2.1.0, the OASIS standard form in which analysis tools tell what they found."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from darimage._version import FORMAT_VERSION, __version__
from darimage.showing import json_for_log
from darimage.validate.baseline import Key
from darimage.validate.finding import readable
from darimage.validate.registry import Requirement, requirements
from darimage.validate.report import ImageReport, Report, Told
from darimage.validate.selection import title

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

_LEVELS = {"MUST": "error", "SHOULD": "warning", "MAY": "note"}


def written(report: Report) -> str:
    """Return the report as SARIF."""
    return json_for_log(json.dumps(as_json(report), indent=1)) + "\n"


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as a dictionary for JSON."""
    met = {one for image in report for one in (*image.checked, *image.counts)}
    rules = [one for one in requirements().values() if one.id in met]
    places = {one.id: at for at, one in enumerate(rules)}
    results = [
        _result(image, at, told, places) for at, image in enumerate(report) for told in image.told
    ]
    run = {
        "tool": {
            "driver": {
                "name": "darimage",
                "version": __version__,
                "semanticVersion": __version__,
                "shortDescription": {"text": "Validator of DARI backup images"},
                "rules": [_rule(one) for one in rules],
                "properties": {"specification": FORMAT_VERSION},
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "artifacts": [_artifact(image) for image in report],
        "results": results,
        "properties": {"selection": {**report.selection.as_json(), "strict": report.strict}},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def uri(image: str) -> str:
    """Return the URI of an image; standard input has a name of its own."""
    if image == "-":
        return "stdin:"
    path = PurePath(image)
    if path.is_absolute():
        return "file://" + quote(os.fsencode(image))
    # A colon in the first part of a relative reference would make it a scheme.
    return quote(os.fsencode(image), safe="/") if str(path) != "." else "."


def _rule(one: Requirement) -> dict[str, Any]:
    told = [f"**{one.level}**, {one.profile}", one.text, *one.reason]
    return {
        "id": one.id,
        "name": "".join(word.capitalize() for word in one.title.split() if word.isalnum()),
        "shortDescription": {"text": f"{one.title}."},
        "fullDescription": {"text": one.text},
        "help": {"text": "\n\n".join([one.text, *one.reason]), "markdown": "\n\n".join(told)},
        "defaultConfiguration": {"level": _LEVELS[one.strength]},
        "properties": {
            "level": one.level,
            "profile": one.profile,
            "binds": list(one.binds),
            "page": one.page,
        },
    }


def _artifact(image: ImageReport) -> dict[str, Any]:
    artifact: dict[str, Any] = {
        "location": {"uri": uri(image.image)},
        "roles": ["analysisTarget"],
        "mimeType": "application/octet-stream",
    }
    if image.facts is not None:
        artifact["length"] = image.facts.size
        artifact["properties"] = {"profile": title(image.profiles), "uuid": image.facts.uuid}
    return artifact


def _result(image: ImageReport, at: int, told: Told, places: dict[str, int]) -> dict[str, Any]:
    found = told.finding
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri(image.image), "index": at}}
    if found.offset is not None:
        physical["region"] = {"byteOffset": found.offset, "byteLength": found.length or 0}
    location: dict[str, Any] = {"physicalLocation": physical}
    logical = _logical(told)
    if logical:
        location["logicalLocations"] = logical
    key = Key.of(uri(image.image), found)
    result: dict[str, Any] = {
        "ruleId": found.requirement,
        "ruleIndex": places[found.requirement],
        "level": _LEVELS[found.level],
        "message": {"text": found.told()},
        "locations": [location],
        "partialFingerprints": {"finding/v1": _hash(key)},
        "properties": {
            name: value
            for name, value in found.as_json().items()
            if value is not None and name not in ("requirement", "level", "message")
        },
    }
    if told.known:
        result["suppressions"] = [{"kind": "external", "justification": "known by the baseline"}]
    return result


def _logical(told: Told) -> list[dict[str, Any]]:
    found = told.finding
    known: list[dict[str, Any]] = []
    if found.path_text is not None:
        known.append({"fullyQualifiedName": found.path_text, "kind": "member"})
    elif found.inode is not None:
        known.append({"fullyQualifiedName": f"inode {found.inode}", "kind": "member"})
    if found.field is not None:
        known.append({"fullyQualifiedName": found.field, "kind": "member"})
    return known


def _hash(key: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps([str(part) for part in key]).encode()).hexdigest()[:32]


def _invocation(report: Report) -> dict[str, Any]:
    return {
        "executionSuccessful": all(image.was_judged for image in report),
        "exitCode": report.exit_code,
        "toolExecutionNotifications": [
            {
                "message": {"text": readable(text)},
                "level": level,
                "locations": [_where(image.image)],
            }
            for image in report
            for text, level in _notes(image)
        ],
    }


def _notes(image: ImageReport) -> list[tuple[str, str]]:
    """Return what is to be said of an image besides its findings, and how grave it is."""
    known = [
        (image.unread, "error"),
        (image.own_fault and f"this program failed: {image.own_fault}", "error"),
        *(
            (f"{n.untold} more findings of {rule} ({one}) are counted and not told", "note")
            for (one, rule), n in image.by_rule.items()
            if n.untold
        ),
        *(
            (f"the baseline knows {key.text()}; it no longer occurs", "error")
            for key in image.stale
        ),
    ]
    return [(text, level) for text, level in known if text]


def _where(image: str) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": uri(image)}}}
