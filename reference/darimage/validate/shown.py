"""The vectors of the conformance suite that show a requirement, as their manifest says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from darimage.errors import StorageError, UsageError
from darimage.suite_home import suite_home

HOME = suite_home("vectors")
"""Where vectors are, if this program lies in its repository or was installed with them."""

MANIFEST = "manifest.json"


class Shown(NamedTuple):
    """A vector.

    Attributes:
        id: Its id.
        name: Topic and name.
        title: What it is.
        valid: Whether the requirement is obeyed in it.
    """

    id: str
    name: str
    title: str
    valid: bool


def by_requirement(home: Path | None = None) -> dict[str, list[Shown]]:
    """Return vectors by the ids of the requirements that they show.

    Args:
        home: Directory with the manifest; by default our own, if it is there.

    Raises:
        StorageError: A manifest that was asked for cannot be read.
        UsageError: It is none.
    """
    path = (home or HOME) / MANIFEST
    if home is None and not path.exists():
        return {}
    found: dict[str, list[Shown]] = {}
    try:
        for told in json.loads(path.read_bytes())["vectors"]:
            shown = Shown(told["id"], told["name"], told["title"], bool(told["valid"]))
            for requirement in told["requirements"]:
                found.setdefault(requirement, []).append(shown)
    except OSError as error:
        raise StorageError.of(error, str(path)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: is no manifest of vectors: {error!r}") from error
    return found
