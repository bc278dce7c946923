"""Writes vectors out as plain files, for those who have no Python."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from darimage.conformance.giants import IMAGE, Giant, giants
from darimage.conformance.manifest import head
from darimage.conformance.suite import sha256_of
from darimage.conformance.vectors import EXPECTED, MANIFEST, Suite, Vector, sha256
from darimage.errors import FormatError, UsageError

SUMS = "SHA256SUMS"


def export(
    suite: Suite, home: Path, chosen: Iterable[Vector] | None = None, *, giants_to: int = 0
) -> int:
    """Write images, inventories, the manifest and a list of hashes; return how many vectors.

    Args:
        suite: The vectors.
        home: Where to; what is there already is kept unless it is in the way.
        chosen: Those that are written; by default all.
        giants_to: Giants are written, as sparse files, if they take no more bytes of disk.

    Raises:
        FormatError: An image is not the one whose hash the manifest has.
        UsageError: A vector is not in the manifest.
    """
    known = {entry["id"]: entry for entry in suite.manifest["vectors"]}
    entries: list[dict[str, Any]] = []
    for vector in suite if chosen is None else chosen:
        if vector.id not in known:
            raise UsageError(f"{vector.name} is not in the manifest: run tools/vectors.py --write")
        entries.append(_one(suite, vector, known[vector.id], home))
    big = [_giant(giant, home, giants_to) for giant in giants(suite.home.parent / "giants")]
    complete = {entry["id"] for entry in entries} == known.keys()
    _write_json(home / MANIFEST, {**head(complete=complete), "vectors": entries, "giants": big})
    files = [file for entry in entries for file in entry["files"]]
    lines = [f"{file['sha256']}  {file['path']}\n" for file in files]
    (home / SUMS).write_text("".join(lines))
    return len(entries)


def _giant(giant: Giant, home: Path, most: int) -> dict[str, Any]:
    """Write a giant if it is not too big; return what the manifest says of it."""
    if giant.stored > most:
        return giant.entry()
    place = Path("giants") / giant.name / IMAGE
    (home / place).parent.mkdir(parents=True, exist_ok=True)
    giant.write(home / place)
    expected = place.with_name(EXPECTED)
    _write_json(home / expected, giant.inventory())
    return {
        **giant.entry(),
        "path": str(place),
        "sha256": sha256_of(home / place),
        "inventory": str(expected),
    }


def _one(suite: Suite, vector: Vector, entry: dict[str, Any], home: Path) -> dict[str, Any]:
    for file, (_, data) in zip(entry["files"], suite.files(vector), strict=True):
        if sha256(data) != file["sha256"]:
            raise FormatError(f"{vector.name}: the image made here is not the one of the manifest")
        place = home / file["path"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    if "inventory" in entry:
        _write_json(home / entry["inventory"], suite.inventory(vector))
    if "restored" in entry:
        _write_json(home / entry["restored"], vector.restored)
    return entry


def _write_json(path: Path, answer: Any) -> None:
    path.write_text(json.dumps(answer, indent=1, ensure_ascii=False) + "\n")
