"""Where the conformance suite lies: in the repository, or where an installed package brought it."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def suite_home(part: str) -> Path:
    """Return the directory of a part: ``vectors``, ``giants``, ``adapters`` or ``schemas``."""
    brought = _PACKAGE / "_suite"
    return (brought if brought.is_dir() else _PACKAGE.parents[1] / "conformance") / part
