"""The forms of a report, a module each; all are made from the same ``Report``."""

from __future__ import annotations

import importlib
from typing import cast

from darimage.validate.report import Report

FORMS = {
    "text": "text",
    "json": "json_report",
    "junit": "junit",
    "sarif": "sarif",
    "html": "html_page",
}
"""Forms of a report, and the modules that write them."""

SUFFIXES = {".txt": "text", ".json": "json", ".xml": "junit", ".sarif": "sarif", ".html": "html"}
"""Which form a file has, by the end of its name."""


def written(report: Report, form: str) -> str:
    """Return a report in one of ``FORMS``."""
    module = importlib.import_module(f"{__name__}.{FORMS[form]}")
    return cast("str", module.written(report))
