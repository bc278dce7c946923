"""``darimage explain``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from darimage.cli import common
from darimage.errors import UsageError
from darimage.validate import shown
from darimage.validate.registry import Requirement, matching, requirements, standing_for
from darimage.validate.shown import Shown

_WIDTH = 80
_NAMED = 8
"""Ids that are named when the beginning of an id stands for many."""


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return matching(incomplete)


@click.command("explain")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=_complete)
@click.option(
    "--list", "listed", is_flag=True, help="List requirements, a line each; all if no ID is given."
)
@click.option(
    "--vectors",
    "home",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Where the vectors of the conformance suite are; by default those that came with this "
    "program.",
)
@common.json_option
def command(ids: tuple[str, ...], *, listed: bool, home: Path | None, as_json: bool) -> int:
    """Explain requirements of the specification: what they say, why, and what checks them.

    ID is the id of a requirement as findings name it, or its beginning as long as only one begins
    so. Case, a leading DARI- and leading zeros of the number do not matter. With --list the
    beginning of an id stands for all that begin so.

    \b
    Examples:
      darimage explain DARI-REC-004
      darimage explain rec-4 fil-3
      darimage explain --list dari-acl
      darimage explain --json DARI-REC-004 | jq -r '.requirements[].text'
    """
    if not ids and not listed:
        raise UsageError("say which requirement, or --list to see them all")
    known = requirements()
    if listed:
        found = [known[one] for word in ids or ("",) for one in standing_for(word)]
    else:
        found = [known[_one(word)] for word in ids]
    vectors = {} if listed and not as_json else shown.by_requirement(home)
    if as_json:
        common.print_json({"requirements": [_as_json(one, vectors) for one in found]})
    elif listed:
        for one in found:
            click.echo(f"{one.id}  {one.level:<10}  {one.profile:<11}  {one.title}")
    else:
        click.echo("\n\n".join("\n".join(_lines(one, vectors)) for one in found))
    return 0


def _one(word: str) -> str:
    """Return the only id that begins so."""
    found = standing_for(word)
    if len(found) > 1:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise UsageError(f"{word!r} is the beginning of {', '.join(found[:_NAMED])}{more}")
    return found[0]


def _rules(requirement: str) -> Sequence[str]:
    from darimage.validate.rules import checked

    return checked().get(requirement, ())


def _as_json(one: Requirement, vectors: Mapping[str, list[Shown]]) -> dict[str, Any]:
    return {
        **one.as_json(),
        "page": one.page,
        "rules": list(_rules(one.id)),
        "vectors": [vector._asdict() for vector in vectors.get(one.id, [])],
    }


def _lines(one: Requirement, vectors: Mapping[str, list[Shown]]) -> Iterator[str]:
    yield f"{one.id}  {one.title}"
    yield f"{one.level}, binds {_joined(one.binds)}; profile {one.profile}; {one.page}"
    yield ""
    yield from _wrapped(one.text)
    if one.reason:
        yield ""
        for paragraph in one.reason:
            yield from _wrapped(paragraph, "  ")
    yield ""
    rules = _rules(one.id)
    if rules:
        yield f"Checked by: {', '.join(rules)}"
    elif one.unseen:
        yield from _wrapped(f"Not seen in an image: {one.unseen}")
    else:
        yield "Checked by: no rule yet"
    for vector in vectors.get(one.id, []):
        word = "Obeyed" if vector.valid else "Broken"
        yield f"{word} in: {vector.id} {vector.name}: {vector.title}"


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
