"""``darimage conformance list``."""

from __future__ import annotations

from pathlib import Path

import click

from darimage.cli import common
from darimage.cli.vectors_option import chosen, vectors_option
from darimage.conformance.vectors import Suite


@click.command("list")
@click.argument("vectors", nargs=-1, metavar="[VECTOR]...")
@vectors_option
@common.json_option
def command(vectors: tuple[str, ...], home: Path, *, as_json: bool) -> None:
    """Show the vectors: id, name, title, and what the invalid ones break.

    VECTOR is an id, a name or a topic; without one all are shown.

    \b
    Examples:
      darimage conformance list
      darimage conformance list directories
      darimage conformance list --json DARI-V-0001
    """
    suite = Suite(home)
    if as_json:
        wanted = {vector.id for vector in chosen(suite, vectors)}
        entries = [entry for entry in suite.manifest["vectors"] if entry["id"] in wanted]
        common.print_json({**suite.manifest, "vectors": entries})
        return
    for vector in chosen(suite, vectors):
        broken = "" if vector.is_valid else f" [{vector.told['requirements'][0]}]"
        common.say(f"{vector.id}  {vector.name}: {vector.told['title']}{broken}")
