"""Writes docs/conformance/results.inc: what the adapters that come with the suite do.

Runs the suite on each of them, or takes reports that are there already:

    python tools/conformance_results.py [REPORT.json]...
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "conformance" / "results.inc"
ADAPTERS = ("darimage", "kaitai", "javascript", "restore", "dump")

Json = dict[str, Any]


def main(files: Sequence[str]) -> None:
    """Write the page."""
    reports = [json.loads(Path(file).read_text()) for file in files] or list(_run())
    PAGE.write_text("\n".join(_page(reports)) + "\n")


def _run() -> Iterator[Json]:
    for name in ADAPTERS:
        known = ROOT / "conformance" / "adapters" / name / "known-failures.txt"
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            words = ["--report", str(report), *(["--known-failures", str(known)] * known.exists())]
            command = [sys.executable, "-m", "darimage", "conformance", "run", *words, name]
            print(" ".join(command[1:]), flush=True)
            subprocess.run(command, check=False)
            yield json.loads(report.read_text())


def _page(reports: Sequence[Json]) -> Iterator[str]:
    yield ".. Written by tools/conformance_results.py (make conformance-results). Do not edit."
    yield ""
    suite = reports[0]["suite"]
    yield f"Suite {suite['version']} for format {suite['format']}."
    yield ""
    yield from _counts(reports)
    for report in reports:
        found = list(_failing(report))
        if found:
            yield from found


def _counts(reports: Sequence[Json]) -> Iterator[str]:
    columns = ("pass", "fail", "crash", "timeout", "skip", "unsupported")
    yield from _table(("Testee", "Task", *columns))
    for report in reports:
        who = f"{report['testee']['name']} {report['testee']['version']}".strip()
        for task in report["config"]["tasks"]:
            verdicts = [_plain(case) for case in report["cases"] if case["task"] == task]
            yield from _row((who, task, *(str(verdicts.count(column)) for column in columns)))
            who = ""
    yield ""


def _failing(report: Json) -> Iterator[str]:
    """Yield what a testee does not do, a row a vector; decode and restore mostly agree."""
    rows: dict[str, tuple[str, set[str], str]] = {}
    for case in report["cases"]:
        verdict = _plain(case)
        if verdict in ("fail", "crash", "timeout"):
            reason = case["known_failure"] or case["reason"]
            known = rows.setdefault(case["vector"], (case["name"], set(), reason))
            known[1].add(verdict)
    if not rows:
        return
    name = report["testee"]["name"]
    yield f"What ``{name}`` {report['testee']['version']} does otherwise, or does not survive:"
    yield ""
    yield from _table(("Vector", "Name", "Verdict", "Why"), "15 28 12 45")
    for vector, (title, verdicts, reason) in rows.items():
        yield from _row((vector, f"``{title}``", ", ".join(sorted(verdicts)), _escaped(reason)))
    yield ""


def _plain(case: Json) -> str:
    """Return the verdict of a case as if nothing was known."""
    if case["verdict"] != "expected-fail":
        return str(case["verdict"])
    outcome = case["seen"]["outcome"]
    return {"crashed": "crash", "timeout": "timeout"}.get(outcome, "fail")


def _table(head: Sequence[str], widths: str = "") -> Iterator[str]:
    yield ".. list-table::"
    yield "   :header-rows: 1"
    if widths:
        yield f"   :widths: {widths}"
    yield ""
    yield from _row(head)


def _row(cells: Sequence[str]) -> Iterator[str]:
    for at, cell in enumerate(cells):
        yield f"   {'* -' if at == 0 else '  -'} {cell}".rstrip()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`").replace("_", "\\_")


if __name__ == "__main__":
    main(sys.argv[1:])
