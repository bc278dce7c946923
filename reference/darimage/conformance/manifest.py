"""The manifest of the vectors: what there is, to be read without YAML and without Python."""

from __future__ import annotations

from typing import Any

from darimage._version import FORMAT_VERSION
from darimage.conformance.giants import giants
from darimage.conformance.vectors import EXPECTED, RESTORED, Suite, Vector, sha256
from darimage.validate.registry import requirements

VERSION = "1"
"""Version of the suite: what the manifest says and how vectors are told."""

_COPIED = ("requirements", "features", "phase", "bug", "since", "limits", "because", "todo")
_FILES = {"missing", "foreign"}
_MOST_CHANGES = 64


def manifest(suite: Suite) -> dict[str, Any]:
    """Return the manifest; makes all images for their hashes."""
    ordered = sorted(suite, key=lambda vector: vector.id)
    told = [entry(suite, vector) for vector in ordered]
    big = [giant.entry() for giant in giants()]
    return {**head(complete=True), "vectors": told, "giants": big}


def head(*, complete: bool) -> dict[str, Any]:
    """Return what the manifest says of all vectors.

    Args:
        complete: They are all vectors of this version of the suite.
    """
    return {"suite": VERSION, "format": FORMAT_VERSION, "complete": complete}


def entry(suite: Suite, vector: Vector) -> dict[str, Any]:
    """Return what the manifest says of a vector."""
    data = suite.image(vector)
    told: dict[str, Any] = {
        "id": vector.id,
        "name": vector.name,
        "topic": vector.topic,
        "title": vector.told["title"],
        "reason": " ".join(vector.told["reason"].split()),
        "valid": vector.is_valid,
    }
    told |= {key: vector.told[key] for key in _COPIED if key in vector.told}
    told["levels"] = levels(vector)
    told["conforms"] = conforms(vector)
    told["profiles"] = vector.profiles
    told["decode"] = suite.decode(vector)
    told["files"] = [
        {"path": f"{vector.name}/{name}", "size": len(part), "sha256": sha256(part)}
        for name, part in suite.files(vector)
    ]
    if capacity := suite.capacity(vector):
        told["volume_records"] = capacity
    if "bases" in vector.told:
        told["bases"] = [suite[name].id for name in vector.told["bases"]]
        told["restored"] = f"{vector.name}/{RESTORED}"
    if suite.inventory(vector) is not None:
        told["inventory"] = f"{vector.name}/{EXPECTED}"
    if vector.told.get("expect"):
        told["expect"] = vector.told["expect"]
    if vector.parent is not None:
        parent = suite[vector.parent]
        told["parent"] = parent.id
        other_files = vector.told.keys() & _FILES
        told["changes"] = None if other_files else changes(suite.image(parent), data)
    return told


def levels(vector: Vector) -> dict[str, str]:
    """Return how binding each requirement is that a vector shows or breaks."""
    known = requirements()
    return {name: known[name].level for name in sorted({*vector.shown, *vector.broken})}


def conforms(vector: Vector) -> bool:
    """Tell whether a vector breaks nothing that somebody must do."""
    return not any(requirements()[name].strength == "MUST" for name in vector.broken)


def changes(old: bytes, new: bytes) -> list[dict[str, Any]] | None:
    """Return the bytes that differ, ``None`` if the images are of different lengths or too many."""
    if len(old) != len(new):
        return None
    found: list[dict[str, Any]] = []
    for at, length in _differing(old, new):
        if len(found) == _MOST_CHANGES:
            return None
        found.append(
            {"at": at, "old": old[at : at + length].hex(), "new": new[at : at + length].hex()}
        )
    return found


def _differing(old: bytes, new: bytes) -> list[tuple[int, int]]:
    """Return place and length of each stretch of bytes that differ."""
    import numpy as np

    one, two = np.frombuffer(old, np.uint8), np.frombuffer(new, np.uint8)
    at = np.flatnonzero(one != two)
    if not at.size:
        return []
    first = np.concatenate(([0], np.flatnonzero(np.diff(at) > 1) + 1))
    last = np.concatenate((first[1:], [at.size])) - 1
    return [(int(at[a]), int(at[b] - at[a]) + 1) for a, b in zip(first, last, strict=True)]
