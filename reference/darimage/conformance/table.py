"""A report as one page of HTML that needs nothing else: a row a vector, a column a task."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from darimage.conformance.verdicts import Verdict, Wanted

_COLOURS = {
    Verdict.PASS: ("#1a7f37", "#dafbe1"),
    Verdict.FAIL: ("#b42318", "#fee4e2"),
    Verdict.CRASH: ("#ffffff", "#8f1d14"),
    Verdict.TIMEOUT: ("#ffffff", "#7a2e0e"),
    Verdict.HARNESS_ERROR: ("#ffffff", "#5925dc"),
    Verdict.UNEXPECTED_PASS: ("#5925dc", "#ebe9fe"),
    Verdict.EXPECTED_FAIL: ("#93370d", "#fef0c7"),
    Verdict.SKIP: ("#475467", "#eaecf0"),
    Verdict.UNSUPPORTED: ("#667085", "#f2f4f7"),
}
_FEW = 6
"""Requirements of a vector that are shown at once."""

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;
color:#1d2939}h1{font-size:1.5rem;margin:0 0 .3rem}p{margin:.3rem 0}
table{border-collapse:collapse;margin:1rem 0}
th,td{border:1px solid #d0d5dd;padding:.3rem .6rem;text-align:left;vertical-align:top}
thead th{background:#f9fafb;position:sticky;top:0}code{font-size:.9em;word-break:break-all}
summary{cursor:pointer}details ul{margin:.3rem 0;padding-left:1.2rem}
.v{border-radius:.3rem;padding:0 .45rem;white-space:nowrap;display:inline-block}
button{font:inherit;border:1px solid #d0d5dd;margin:0 .3rem .3rem 0;cursor:pointer}
button[aria-pressed=false]{opacity:.35}small{color:#475467}
"""
_SCRIPT = """
const shown=new Map();
for(const b of document.querySelectorAll('button[data-v]')){shown.set(b.dataset.v,true);
b.onclick=()=>{const on=!shown.get(b.dataset.v);shown.set(b.dataset.v,on);
b.setAttribute('aria-pressed',on);
for(const r of document.querySelectorAll('tr[data-v]'))
r.hidden=!r.dataset.v.split(' ').some(v=>shown.get(v))}}
"""


def to_html(report: Mapping[str, Any]) -> str:
    """Return a report as a page."""
    testee = report["testee"]
    title = html.escape(f"{testee['name']} {testee['version']}".strip())
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Conformance of {title}</title>",
            f"<style>{_STYLE}{_verdict_styles()}</style></head><body>",
            f"<h1>{title}: {html.escape(report['conclusion'])}</h1>",
            _summary(report),
            _topics(report),
            _profiles(report),
            _cases(report),
            f"<script>{_SCRIPT}</script></body></html>",
            "",
        ]
    )


def kinds_of(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the columns of a summary: tasks with the kinds of cases that there are."""
    totals = report["totals"]
    return [(task, str(kind)) for task in totals for kind in Wanted if str(kind) in totals[task]]


def summary_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the cases passed of each topic and kind as lines of text, the sums at the end."""
    columns = kinds_of(report)
    rows = [["", *(task for task, _ in columns)], ["passed of", *(kind for _, kind in columns)]]
    of_topics = {**report["topics"], "all": report["totals"]}
    for topic, tasks in of_topics.items():
        counted = [tasks.get(task, {}).get(kind) for task, kind in columns]
        rows.append([topic, *(f"{n['passed']}/{n['cases']}" if n else "" for n in counted)])
    widths = [max(len(row[at]) for row in rows) for at in range(len(columns) + 1)]
    return [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _topics(report: Mapping[str, Any]) -> str:
    columns = kinds_of(report)
    head = "".join(f"<th>{html.escape(f'{task}: {kind}')}</th>" for task, kind in columns)
    rows = []
    for topic, tasks in {**report["topics"], "all": report["totals"]}.items():
        counted = [tasks.get(task, {}).get(kind) for task, kind in columns]
        cells = "".join(
            f"<td>{n['passed']} of {n['cases']}</td>" if n else "<td></td>" for n in counted
        )
        rows.append(f"<tr><th>{html.escape(topic)}</th>{cells}</tr>")
    notes = "".join(f"<p>{html.escape(remark)}</p>" for remark in report["remarks"])
    body = "".join(rows)
    return (
        f"{notes}<table><thead><tr><th>Topic</th>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _verdict_styles() -> str:
    return "".join(
        f".{verdict}{{color:{ink};background:{paper}}}"
        for verdict, (ink, paper) in _COLOURS.items()
    )


def _mark(case: Mapping[str, Any]) -> str:
    verdict, title = case["verdict"], html.escape(case["id"])
    return f'<span class="v {verdict}" title="{title}">{verdict}</span>'


def _summary(report: Mapping[str, Any]) -> str:
    suite, tool = report["suite"], report["tool"]
    scope = report["scope"]
    part = "" if scope["complete"] else f" {scope['cases']} of {scope['of']} cases of the suite."
    told = (
        f"Format {suite['format']}, suite {suite['version']}, run by {tool['name']} "
        f"{tool['version']}.{part} Only “pass” counts as passed."
    )
    buttons = "".join(
        f'<button class="v {verdict}" data-v="{verdict}" aria-pressed="true">'
        f"{verdict} {count}</button>"
        for verdict, count in report["counts"].items()
        if count
    )
    digest = f"<p><small>Results <code>{html.escape(report['results_sha256'])}</code></small></p>"
    return f"<p>{html.escape(told)}</p>{digest}<p>{buttons}</p>"


def _profiles(report: Mapping[str, Any]) -> str:
    tasks = report["config"]["tasks"]
    rows = []
    for profile, counted in report["profiles"].items():
        cells = "".join(
            f"<td>{counted[t]['passed']} of {counted[t]['cases']}</td>" if t in counted else "<td>"
            for t in tasks
        )
        rows.append(f"<tr><th>{html.escape(profile)}</th>{cells}</tr>")
    head = "".join(f"<th>{html.escape(task)}</th>" for task in tasks)
    body = "".join(rows)
    return f"<table><thead><tr><th>Profile</th>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cases(report: Mapping[str, Any]) -> str:
    tasks = report["config"]["tasks"]
    vectors: dict[str, list[Mapping[str, Any]]] = {}
    for case in report["cases"]:
        vectors.setdefault(case["vector"], []).append(case)
    head = "".join(f"<th>{html.escape(task)}</th>" for task in tasks)
    rows = "".join(_row(tasks, cases) for cases in vectors.values())
    return (
        f"<table><thead><tr><th>Vector</th><th>Image</th>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _row(tasks: list[str], cases: list[Mapping[str, Any]]) -> str:
    first = cases[0]
    verdicts = " ".join(sorted({case["verdict"] for case in cases}))
    name = f"{html.escape(first['vector'])}<br><small>{html.escape(first['name'])}</small>"
    kind = "valid" if first["valid"] else "invalid"
    shown = first["requirements"]
    needs = html.escape(", ".join(shown))
    if len(shown) > _FEW:
        needs = f"<details><summary>{len(shown)} requirements</summary>{needs}</details>"
    about = f"{html.escape(first['title'])}<br><small>{kind}: {needs}</small>"
    cells = "".join(
        "<td>" + "".join(_cell(case) for case in cases if case["task"] == task) + "</td>"
        for task in tasks
    )
    return f'<tr data-v="{verdicts}"><th>{name}</th><td>{about}</td>{cells}</tr>'


def _cell(case: Mapping[str, Any]) -> str:
    mark = _mark(case)
    if not case["reason"]:
        return f"<div>{mark}</div>"
    lines = [*case["seen"]["findings"], *case["seen"]["differences"]]
    rest = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    listed = f"<ul>{rest}</ul>" if rest else ""
    told = html.escape(case["reason"])
    return f"<details><summary>{mark}</summary><p>{told}</p>{listed}</details>"
