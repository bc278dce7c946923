"""Makes the image of a recipe: the encoder's, with date and UUID from the recipe."""

from __future__ import annotations

import uuid
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from darimage.conformance import dialects, trees
from darimage.conformance.trees import Marked
from darimage.errors import UsageError
from darimage.image.numbering import Numbering, Numbers, fresh
from darimage.image.writer import Options, create
from darimage.sources.memory import MemorySource
from darimage.sources.scan import Scan
from darimage.volumes.writing import MemorySink

_DATE = 1_700_000_000
_UUID = "d0d0caca-0000-4000-8000-000000000000"
KNOWN = {"date", "uuid", "label", "ntrec", "acls", "order", "dialect", "filesys"}
KNOWN |= {"level", "base", "volume_records"}
"""Options of recipes."""


def make(recipe: dict[str, Any]) -> bytes:
    """Return the image of a recipe.

    Raises:
        UsageError: The recipe says something that cannot be.
    """
    options = recipe.get("options", {})
    if unknown := options.keys() - KNOWN:
        raise UsageError(f"a recipe knows no option {sorted(unknown)}")
    sink = MemorySink()
    capacity, dialect = options.get("volume_records", 0), options.get("dialect", "dari")
    tree = trees.tree(recipe["tree"])
    source = MemorySource(tree, options.get("filesys", "/vector").encode())
    chosen = Options(
        label=options.get("label", "vector").encode(),
        ntrec=options.get("ntrec", 10),
        acls=options.get("acls", True),
        reproducible=True,
        volume_records=capacity if dialect == "dari" else 0,
        # What the encoder derives from a tree may change as the encoder does; a vector may not.
        identity=(options.get("date", _DATE), uuid.UUID(options.get("uuid", _UUID)).bytes),
    )
    create(source, sink, chosen, number=partial(_numbered, tree, options))
    made = bytes(sink.data)
    if capacity and dialect == "dari":
        return made
    return dialects.convert(made, dialect, options.get("order", "le"), capacity)


def _numbered(tree: Marked, options: dict[str, Any], scan: Scan) -> Numbering:
    """Return the numbers that a recipe gives; in an incremental image, what it holds as well."""
    nodes = _paths(tree)
    directories = [nodes[scan.directory_path(k)] for k in range(len(scan.directory_parent))]
    others = [nodes.get(scan.other_path(k), tree) for k in range(len(scan.other_parent))]
    made = fresh(scan)
    made = replace(
        made,
        directories=_given(directories, made.directories),
        others=_given(others, made.others),
    )
    if not options.get("level"):
        return made
    base = options["base"]
    return replace(
        made,
        held_directories=np.array([node.changed for node in directories]),
        held_others=np.array([node.changed for node in others]),
        level=options["level"],
        base_date=base["date"],
        base_uuid=uuid.UUID(base["uuid"]).bytes,
    )


def _given(nodes: list[Marked], numbers: Numbers) -> Numbers:
    return np.array([n.number or k for n, k in zip(nodes, numbers.tolist(), strict=True)], np.int64)


def _paths(tree: Marked) -> dict[bytes, Marked]:
    """Return nodes by path, the root under the empty one; streams behind a colon."""
    found, pending = {b"": tree}, [(b"", tree)]
    while pending:
        path, node = pending.pop()
        below = {path + b"/" + name if path else name: one for name, one in node.children.items()}
        below |= {path + b":" + name: one for name, one in node.streams.items()}
        for inner, one in below.items():
            if isinstance(one, Marked):
                found[inner] = one
                pending.append((inner, one))
    return found
