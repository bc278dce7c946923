"""``darimage drive show``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from darimage.cli import common
from darimage.drives import files
from darimage.drives.model import Drive, Figure


@click.command("show")
@click.argument("model")
@common.json_option
def command(model: str, *, as_json: bool) -> int:
    """Show the figures of MODEL, a name or FILE.toml, and where each is from.

    \b
    Examples:
      darimage drive show lto-9
      darimage drive show --json ./cellar.toml
    """
    drive = files.find(model)
    if as_json:
        common.print_json(_answer(drive))
    else:
        for line in _lines(drive):
            common.say(line)
    return 0


def _answer(drive: Drive) -> dict[str, Any]:
    figures = [
        {
            "name": key,
            "value": figure.value,
            "unit": files.MEANINGS[key].unit,
            "meaning": files.MEANINGS[key].text,
            "source": figure.source,
        }
        for key, figure in drive.figures.items()
    ]
    return {
        "name": drive.name,
        "title": drive.title,
        "kind": drive.kind,
        "figures": figures,
        "documents": drive.documents,
    }


def _lines(drive: Drive) -> Iterator[str]:
    yield f"{drive.name}: {drive.title} ({drive.kind})"
    yield ""
    for key, figure in drive.figures.items():
        meaning = files.MEANINGS[key]
        yield f"  {key:<15} {_value(figure)} {meaning.unit}".rstrip() + f"  ({meaning.text})"
        if figure.source:
            yield f"  {'':<15} {figure.source}"
    if drive.documents:
        yield ""
    for key, title in drive.documents.items():
        yield f"  {key}: {title}"


def _value(figure: Figure) -> str:
    if isinstance(figure.value, list):
        return ", ".join(f"{distance:,.0f}: {seconds:g}" for distance, seconds in figure.value)
    return f"{figure.value:,g}" if figure.value < 1e4 else f"{figure.value:,.0f}"
