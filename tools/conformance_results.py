"""Writes docs/conformance/results.inc: what the adapters that come with the suite do.

Runs the suite on each of them and looks at what ``restore`` and darimage make of damaged images, or
takes what is there already, reports and the lines of ``survey.py``:

    python tools/conformance_results.py [REPORT.json]... [SURVEY.jsonl]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from darimage.parallel import cores
from survey import CRASHES, EATS, HANGS, INVENTS, LOSES, MENTIONS, REFUSES, REPORTS, WHOLE, Seen
from survey import survey as surveyed

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "conformance" / "results.inc"
ADAPTERS = (
    "darimage",
    "kaitai",
    "javascript",
    "restore",
    "restore-newer",
    "commons-compress",
    "dump",
)
FEW = 4
"""Vectors of one reason that have a row each; of more the first are named in one row."""

Json = dict[str, Any]


def main(files: Sequence[str]) -> None:
    """Write the page."""
    reports = [json.loads(Path(file).read_text()) for file in files if file.endswith(".json")]
    lines = [Path(file).read_text() for file in files if file.endswith(".jsonl")]
    rows = [json.loads(line) for line in "".join(lines).splitlines()] or list(surveyed(cores()))
    told = [*_page(reports or list(_run())), *_damaged(rows)]
    PAGE.write_text("\n".join(told) + "\n")


def _run() -> Iterator[Json]:
    for name in ADAPTERS:
        known = ROOT / "conformance" / "adapters" / name / "known-failures.txt"
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            words = ["--report", str(report), *(["--known-failures", str(known)] * known.exists())]
            command = [sys.executable, "-m", "darimage", "conformance", "run", *words, name]
            print(" ".join(command[1:]), flush=True)
            subprocess.run(command, check=False)
            if report.exists():
                yield json.loads(report.read_text())
            else:
                print(f"{name} could not be tried here", file=sys.stderr)


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
    """Yield for each testee, task and kind of case how many passed."""
    columns = ("pass", "fail", "crash", "timeout", "skip", "unsupported")
    yield from _table(("Testee", "Task", "Images to", *columns))
    for report in reports:
        who = f"{report['testee']['name']} {report['testee']['version']}".strip()
        for task in report["config"]["tasks"]:
            for kind in ("accept", "survive", "reject"):
                verdicts = [
                    _plain(case)
                    for case in report["cases"]
                    if (case["task"], case["expected"]["wanted"]) == (task, kind)
                ]
                if verdicts:
                    counts = (str(verdicts.count(column)) for column in columns)
                    yield from _row((who, task, kind, *counts))
                    who, task = "", ""
    yield ""


def _failing(report: Json) -> Iterator[str]:
    """Yield what a testee does not do, a row a vector, or one for all of a reason."""
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
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for vector, (title, verdicts, reason) in rows.items():
        groups.setdefault((", ".join(sorted(verdicts)), reason), []).append((vector, title))
    for (verdicts_text, reason), named in groups.items():
        shown = named if len(named) <= FEW else [_several(named)]
        for vector, title in shown:
            title = f"``{title}``" if len(named) <= FEW else title
            yield from _row((vector, title, verdicts_text, _escaped(reason)))
    yield ""


def _several(named: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the first of several vectors and how many more there are."""
    (vector, title), more = named[0], len(named) - 1
    return f"{vector} and {more} more", f"``{title}`` and others"


_KINDS = {
    CRASHES: "is ended by a signal",
    EATS: "takes more memory than it may",
    HANGS: "does not end",
    INVENTS: "ends with 0 and says nothing, and something is there that was not",
    LOSES: "ends with 0 and says nothing, and something is missing",
    MENTIONS: "ends with 0 and a message, and something is missing or another",
    REPORTS: "ends with an error, and what could be is there",
    REFUSES: "ends with an error, and nothing is there",
    WHOLE: "ends with 0, and all is there",
}


def _damaged(rows: Sequence[Json]) -> Iterator[str]:
    """Yield what becomes of images that are damaged."""
    bad = [row for row in rows if not row["valid"]]
    yield "What comes back"
    yield "~~~~~~~~~~~~~~~"
    yield ""
    yield f"All {len(bad)} invalid vectors, compared with what was in them before the change:"
    yield ""
    yield from _table(("What it does", "restore", "darimage"), "64 18 18")
    for kind, told in _KINDS.items():
        counts = (sum(row[who]["kind"] == kind for row in bad) for who in ("restore", "darimage"))
        yield from _row((told, *map(str, counts)))
    yield ""
    yield "Those that end ``restore``, or that it does not come to an end with:"
    yield ""
    yield from _rows(row for row in bad if row["restore"]["kind"] in (CRASHES, EATS, HANGS))
    yield "Those with which it ends with 0 and without a word, and the tree is not the one it was:"
    yield ""
    yield from _rows(row for row in bad if row["restore"]["kind"] in (INVENTS, LOSES))


def _rows(rows: Iterable[Json]) -> Iterator[str]:
    yield from _table(("Vector", "What is wrong with it", "restore", "darimage"), "26 28 20 26")
    for row in rows:
        theirs, ours = Seen(**row["restore"]), Seen(**row["darimage"])
        yield from _row(
            (f"``{row['name']}``", _escaped(row["title"]), _short(theirs), _short(ours))
        )
    yield ""


def _short(seen: Seen) -> str:
    """Return in a few words what came of an image."""
    how = {HANGS: f"no end in {seen.seconds:g} s", EATS: "all its memory", CRASHES: seen.how}
    parts = [how.get(seen.kind, f"exit code {seen.how}"), f"{seen.back} of {seen.wanted} back"]
    if seen.added:
        parts.append(f"{seen.added} that was not there" if seen.added == 1 else f"{seen.added} new")
    return ", ".join(parts)


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
