"""A report as one page that needs nothing else: each image as a map, each finding with its bytes.

All text comes from images or from the command line as far as this page knows, and is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from importlib import resources

from darimage._version import FORMAT_VERSION, __version__
from darimage.units import RECORD
from darimage.validate.finding import readable
from darimage.validate.outputs import html_map, html_record
from darimage.validate.outputs.escaping import escape
from darimage.validate.outputs.html_map import Mark
from darimage.validate.outputs.text import summary
from darimage.validate.registry import Requirement, requirements
from darimage.validate.report import Evidence, ImageReport, Report, Told
from darimage.validate.selection import title

_LEGEND = {
    "volume": "volume header",
    "bitmap": "bitmaps",
    "directories": "directories",
    "section": "sections",
    "files": "files",
    "end": "end",
    "none": "not known",
}


def written(report: Report) -> str:
    """Return the report as HTML."""
    return "\n".join(_page(report)) + "\n"


def _page(report: Report) -> Iterator[str]:
    style, script = _asset("page.css"), _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f"<title>{escape(_name(report))}: darimage validate</title>"
    yield f"<style>\n{style}</style>\n</head>\n<body>"
    yield '<a class="skip" href="#main">To the findings</a>'
    yield "<header><h1>What the validator found</h1>"
    yield f"<p>{escape(summary(report))}.</p>"
    yield '<p class="buttons" hidden><button type="button" data-fold="open">Unfold all</button> '
    yield '<button type="button" data-fold="">Fold all</button></p>'
    if len(report.images) > 1:
        yield from _contents(report)
    yield '</header>\n<main id="main">'
    for at, image in enumerate(report):
        yield from _Section(report, image, f"i{at}").lines()
    yield "</main>"
    yield f"<footer>darimage {__version__}, DARI format {FORMAT_VERSION}</footer>"
    yield f"<script>{script}</script>\n</body>\n</html>"


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _name(report: Report) -> str:
    if len(report.images) == 1:
        return readable(report.images[0].image)
    return f"{len(report.images)} images"


def _contents(report: Report) -> Iterator[str]:
    yield '<nav aria-label="Images"><ul>'
    for at, image in enumerate(report):
        status = report.status(image)
        yield f'<li><a href="#i{at}">{escape(readable(image.image))}</a> {_badge(status)}</li>'
    yield "</ul></nav>"


def _badge(status: str) -> str:
    return f'<span class="badge {status.replace(" ", "-")}">{status}</span>'


def _marked_up(text: str) -> str:
    """Return plain text of the specification, code in backticks, as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


class _Section:
    """One image on the page."""

    def __init__(self, report: Report, image: ImageReport, name: str) -> None:
        self.report = report
        self.image = image
        self.name = name
        self.kept = image.evidence or Evidence()
        self.numbered = [
            (number, told)
            for number, told in enumerate(
                told for one in image.broken_ids() for told in image.findings_of(one)
            )
        ]
        self.shown: set[int] = set()

    def lines(self) -> Iterator[str]:
        image, status = self.image, self.report.status(self.image)
        yield f'<section id="{self.name}" aria-labelledby="{self.name}-h">'
        heading = escape(readable(image.image))
        yield f'<h2 id="{self.name}-h"><span class="name">{heading}</span> {_badge(status)}</h2>'
        yield from self._errors()
        yield from self._facts()
        if image.facts is not None and image.evidence is not None:
            yield from self._map(image.facts.size)
        for requirement in image.broken_ids():
            yield from self._requirement(requirements()[requirement])
        yield "</section>"

    def _errors(self) -> Iterator[str]:
        image = self.image
        told = [image.unread, image.own_fault and f"This program failed: {image.own_fault}"]
        told += [f"The baseline knows {key.text()}; it no longer occurs." for key in image.stale]
        for text in told:
            if text:
                yield f'<p class="error">{escape(readable(text))}</p>'

    def _facts(self) -> Iterator[str]:
        facts = self.image.facts
        if facts is None:
            return
        order = {"le": "little-endian", "be": "big-endian"}[facts.order]
        known = [
            ("Judged by", title(self.image.profiles)),
            ("Size", f"{facts.size:,} bytes, {facts.records:,} records, {order}"),
            ("UUID", facts.uuid),
            ("Checked", f"{len(self.image.checked)} requirements"),
            ("Not asked for", self.image.outside and f"{self.image.outside} findings"),
        ]
        yield "<dl>"
        for term, value in known:
            if value:
                yield f"<div><dt>{term}</dt><dd>{escape(str(value))}</dd></div>"
        yield "</dl>"

    # -- the map ------------------------------------------------------------------------------

    def _map(self, size: int) -> Iterator[str]:
        marks = [
            Mark(
                told.finding.record,
                told.finding.level,
                self._target(number),
                f"{told.finding.requirement} at record {told.finding.record:,}",
            )
            for number, told in self.numbered
            if told.finding.record is not None and not told.known
        ]
        yield "<figure>"
        yield from html_map.drawn(
            f"{self.name}-map", -(-size // RECORD), self.kept.stretches, marks
        )
        yield '<figcaption><ul class="legend">'
        for kind, told in _LEGEND.items():
            yield f'<li><span class="swatch {kind}"></span>{told}</li>'
        yield "</ul>"
        yield "Records from left to right, to scale; the numbers are those of the first record of "
        yield "a row. Files are drawn one by one where they are wide enough. A triangle is a "
        yield "finding and leads to it.</figcaption>"
        yield from self._parts()
        yield "</figure>"

    def _parts(self) -> Iterator[str]:
        facts = self.image.facts
        if facts is None:
            return
        yield f'<details id="{self.name}-parts"><summary>Parts</summary><div class="dump"><table>'
        yield "<thead><tr><th>Record</th><th>Records</th><th>Part</th></tr></thead><tbody>"
        for part in facts.parts:
            told = f"{part.title}: {part.note}" if part.note else part.title
            cells = (f"{part.record:,}", f"{part.records:,}", escape(told))
            yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        yield "</tbody></table></div></details>"

    # -- the findings -------------------------------------------------------------------------

    def _target(self, number: int) -> str:
        return f"{self.name}-f{number}"

    def _requirement(self, one: Requirement) -> Iterator[str]:
        found = self.image.level(one.id)
        words = one.level if found == one.strength else found
        yield f'<article class="{found}">'
        level = f'<span class="level {found}">{words}</span>'
        yield f"<h3>{level} {one.id} {escape(one.title)}</h3>"
        yield '<div class="sides"><aside>'
        yield f"<blockquote><p>{_marked_up(one.text)}</p></blockquote>"
        if one.reason:
            yield "<details open><summary>Why</summary>"
            yield from (f"<p>{_marked_up(paragraph)}</p>" for paragraph in one.reason)
            yield "</details>"
        yield "</aside><div>"
        yield "<ol>"
        mine = [(n, told) for n, told in self.numbered if told.finding.requirement == one.id]
        for number, told in mine:
            yield from self._finding(number, told)
        yield "</ol>"
        rules = self.image.rules_of(one.id).items()
        left = [f"{n.untold:,} of <code>{escape(rule)}</code>" for rule, n in rules if n.untold]
        if left:
            yield f"<p>And {', '.join(left)} that are only counted.</p>"
        yield "</div></div></article>"

    def _finding(self, number: int, told: Told) -> Iterator[str]:
        found = told.finding
        place = escape(found.place())
        known = ' <span class="badge known">in the baseline</span>' if told.known else ""
        yield f'<li id="{self._target(number)}" tabindex="-1">'
        yield f'<p><span class="place">{place}</span> {escape(found.message)}{known}</p>'
        pairs = (("Found", found.found), ("Expected", found.expected))
        if any(value is not None for _, value in pairs):
            yield "<dl>"
            for term, value in pairs:
                if value is not None:
                    yield f"<div><dt>{term}</dt><dd><code>{escape(value)}</code></dd></div>"
            yield "</dl>"
        yield from self._record(told)
        yield "</li>"

    def _record(self, told: Told) -> Iterator[str]:
        """Yield the record of a finding, or where it was shown before."""
        number = told.finding.record
        content = None if number is None else self.kept.records.get(number)
        if number is None or content is None:
            return
        place = f"{self.name}-r{number}"
        marked = {told.finding.field} if told.finding.field else set()
        if number in self.shown:
            if marked:
                yield from html_record.table(content, marked, only_marked=True)
            yield f'<p><a href="#{place}">Record {number:,} is shown above.</a></p>'
            return
        self.shown.add(number)
        heading = escape(html_record.heading(number, content))
        yield f'<details open id="{place}"><summary>{heading}</summary>'
        yield from html_record.table(content, marked)
        yield "</details>"
