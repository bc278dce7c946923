"""Failures that are known: a list of cases, each with its reason, in a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from darimage.errors import UsageError


def load(path: Path) -> dict[str, str]:
    """Return the reason of each case id in a file of known failures.

    A line is a case id, a space, and a reason, best the address of an issue. ``#`` begins a
    comment at the beginning of a line.

    Raises:
        UsageError: The file cannot be read, an entry has no reason or is there twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{path}: {reason}") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, reason = line.strip().partition(" ")
        if not reason.strip():
            raise UsageError(f"{path}:{number}: {name}: no reason")
        if name in found:
            raise UsageError(f"{path}:{number}: {name}: there already")
        found[name] = reason.strip()
    return found


def check(known: Mapping[str, str], there_are: Collection[str]) -> None:
    """Refuse entries that name no case.

    Raises:
        UsageError: One does.
    """
    for name in known:
        if name not in there_are:
            raise UsageError(f"{name}: known as failing, but the suite has no such case")
