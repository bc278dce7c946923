"""A report for people: images, and below each what they break, grouped by requirement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import click

from darimage.validate.finding import readable
from darimage.validate.registry import LEVELS, requirements
from darimage.validate.report import ImageReport, Report, Told
from darimage.validate.selection import title

_SHOWN_OF_ONE = 10
_COLOURS = {
    "MUST": "red",
    "SHOULD": "yellow",
    "MAY": "cyan",
    "conforms": "green",
    "does not conform": "red",
    "not read": "magenta",
    "not judged": "magenta",
}


def written(report: Report, *, coloured: bool = False, quiet: bool = False) -> str:
    """Return the report as text.

    Args:
        report: What came of the images.
        coloured: Whether the terminal shows colours.
        quiet: Leave out images that conform and have no findings, and the sum at the end.
    """
    lines: list[str] = []
    for image in report:
        if not (quiet and report.conforms(image) and not image.counts):
            lines += _image(report, image, _Paint(coloured))
            lines.append("")
    if not quiet:
        lines.append(summary(report))
    return "".join(f"{line}\n" for line in lines)


def summary(report: Report) -> str:
    """Return how many images conform and what was found, in a line."""
    states = [report.status(image) for image in report]
    counted = {state: states.count(state) for state in _COLOURS if state in states}
    images = ", ".join(f"{count} {_plural(state, count)}" for state, count in counted.items())
    found = [f"{report.count(level)} {level}" for level in LEVELS if report.count(level)]
    known = sum(image.known for image in report)
    total = sum(report.count(level) for level in LEVELS)
    text = f"{_counted(len(states), 'image')}: {images}; {_counted(total, 'finding')}"
    text += f" ({', '.join(found)})" if found else ""
    return f"{text}, {known} more in the baseline" if known else text


class _Paint:
    """Colours words, or leaves them as they are."""

    def __init__(self, coloured: bool) -> None:
        self.coloured = coloured

    def __call__(self, text: str, like: str | None = None) -> str:
        colour = _COLOURS[like or text]
        return click.style(text, fg=colour, bold=True) if self.coloured else text

    def dim(self, text: str) -> str:
        return click.style(text, dim=True) if self.coloured else text


def _image(report: Report, image: ImageReport, paint: _Paint) -> Iterator[str]:
    status = report.status(image)
    yield f"{readable(image.image)}: {paint(status)}{_profile(image)}"
    if image.unread is not None:
        yield f"  {readable(image.unread)}"
    if image.own_fault is not None:
        yield "  this program failed; please report it with the image, if you can:"
        yield f"  {readable(image.own_fault)}"
    for requirement in image.broken_ids():
        yield from _requirement(image, requirement, paint)
    for key, count in image.stale.items():
        times = f" ({count} times)" if count > 1 else ""
        entry = f"{readable(key.text())} no longer occurs{times}: take it out"
        yield f"  {paint('baseline:', 'MUST')} {entry}"
    if image.outside:
        yield paint.dim(f"  {_counted(image.outside, 'finding')} not asked for")


def _profile(image: ImageReport) -> str:
    """Return what an image was judged by, and whether its contents could be."""
    if image.facts is None:
        return ""
    contents = {
        "checked": "; all data read and checked",
        "no checksums": "; all data read, which has no checksums",
    }[image.facts.contents]
    return f" ({title(image.profiles)}{contents})"


def _requirement(image: ImageReport, requirement: str, paint: _Paint) -> Iterator[str]:
    one, count = requirements()[requirement], image.counts[requirement]
    told = [told for told in image.findings_of(requirement) if not told.known]
    found = _counted(count.new, "finding") if count.new else "no new finding"
    known = f", {count.known} in the baseline" if count.known else ""
    level = image.level(requirement)
    words = one.level if level == one.strength else level
    yield f"  {paint(words, level)} {one.id} {one.title}: {found}{known}"
    for each in told[:_SHOWN_OF_ONE]:
        yield from _finding(each)
    left = count.new - len(told[:_SHOWN_OF_ONE])
    if left:
        shown = Counter(each.finding.rule for each in told[:_SHOWN_OF_ONE])
        rules = {rule: n.new - shown[rule] for rule, n in image.rules_of(requirement).items()}
        by_rule = ", ".join(f"{rule} {n:,}" for rule, n in rules.items() if n)
        yield paint.dim(f"    and {left:,} more: {by_rule}")


def _finding(told: Told) -> Iterator[str]:
    place = told.finding.place()
    yield f"    {place}: {told.finding.told()}" if place else f"    {told.finding.told()}"


def _plural(state: str, count: int) -> str:
    many = {"conforms": "conform", "does not conform": "do not conform"}
    return state if count == 1 else many.get(state, state)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
