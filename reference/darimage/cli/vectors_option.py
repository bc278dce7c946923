"""What the commands of ``darimage conformance`` share: where vectors are, and which are meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from darimage.conformance.vectors import HOME, Suite, Vector

F = TypeVar("F", bound=Callable[..., Any])


def vectors_option(command: F) -> F:
    """Add ``--vectors``."""
    return click.option(
        "--vectors",
        "home",
        type=click.Path(file_okay=False, path_type=Path),
        default=HOME,
        metavar="DIRECTORY",
        help="Where vectors are; by default those that came with this program.",
    )(command)


def chosen(suite: Suite, names: Sequence[str]) -> list[Vector]:
    """Return the vectors that ids, names or topics mean, in the order of the suite; all for none.

    Raises:
        UsageError: There is no such vector or topic.
    """
    if not names:
        return list(suite)
    topics = {vector.topic for vector in suite}
    single = {suite[name].name for name in names if name not in topics}
    return [vector for vector in suite if vector.name in single or vector.topic in names]
