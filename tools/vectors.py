"""Keeps the vectors: gives ids, writes what is expected, and the manifest.

    python tools/vectors.py            check that nothing would be written
    python tools/vectors.py --write    give ids to new vectors; write what only a new one lacks
    python tools/vectors.py --accept NAME...   write again what these vectors expect; `all` for all

A vector that expects something keeps it: only ``--accept`` overwrites, and its changes are to be
read before they are committed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from darimage.conformance.findings import judge
from darimage.conformance.inventory import inventory
from darimage.conformance.maker import make
from darimage.conformance.manifest import manifest
from darimage.conformance.vectors import EXPECTED, FILE, HOME, MANIFEST, RESTORED, Suite, Vector
from darimage.image.reader import Image

RETIRED = "retired.txt"
SCHEMA = HOME.parent / "schemas/vector.schema.json"


def main() -> int:
    """Check or write; return 1 if something would have to be written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--accept", nargs="*", default=[])
    chosen = parser.parse_args()
    stale = []
    if chosen.write or chosen.accept:
        _give_ids(Suite())
        for write in (_findings, _inventory, _restored):
            suite = Suite()
            for vector in suite:
                write(suite, vector, again={vector.name, "all"} & set(chosen.accept) != set())
    suite = Suite()
    if faults := list(_faults_of_form(suite)):
        print(*faults, sep="\n", file=sys.stderr)
        return 1
    text = dumped(manifest(suite))
    path = HOME / MANIFEST
    if not path.exists() or path.read_text() != text:
        if chosen.write or chosen.accept:
            path.write_text(text)
        else:
            stale.append(str(path))
    for name in stale:
        print(f"{name} is not what the vectors say: run tools/vectors.py --write")
    return bool(stale)


def _faults_of_form(suite: Suite) -> Iterator[str]:
    """Yield what in a vector's file is not of the form that its JSON Schema says."""
    import jsonschema_rs

    schema = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    for vector in suite:
        for error in schema.iter_errors(vector.told):
            place = "/".join(str(step) for step in error.instance_path)
            yield f"{vector.path / FILE}: {place or 'vector'}: {error.message}"


def dumped(answer: Any) -> str:
    """Return JSON as it is committed."""
    return json.dumps(answer, indent=1, ensure_ascii=False) + "\n"


def _give_ids(suite: Suite) -> None:
    """Give each vector without an id the next one; ids of vectors that are gone stay retired."""
    retired = (HOME / RETIRED).read_text().split() if (HOME / RETIRED).exists() else []
    used = [int(one.rpartition("-")[2]) for one in [*retired, *(v.id for v in suite if v.id)]]
    number = max(used, default=0)
    for vector in suite:
        if not vector.id:
            number += 1
            path = vector.path / FILE
            path.write_text(f"id: DARI-V-{number:04d}\n{path.read_text()}")


def _findings(suite: Suite, vector: Vector, *, again: bool) -> None:
    """Write what is found wrong with a changed image, if it does not say so already."""
    if vector.parent is None or "todo" in vector.told or ("expect" in vector.told and not again):
        return
    with suite.given(vector) as image:
        found = judge(image)
    wanted = vector.told["requirements"][0]
    if found and wanted not in {one.requirement for one in found}:
        print(f"{vector.name}: {wanted} is not found broken", file=sys.stderr)
    for one in found:
        print(f"{vector.name}: {one}")
    lines = [json.dumps(one.as_told()).replace('"', "") for one in found]
    told = "\n".join(["expect:", *(f"  - {line}" for line in lines)]) if lines else "expect: []"
    path = vector.path / FILE
    text = re.sub(r"(?m)^expect:.*\n(?:  .*\n)*", "", path.read_text())
    path.write_text(f"{text}{told}\n")


def _restored(_suite: Suite, vector: Vector, *, again: bool) -> None:
    """Write what an incremental image and its bases restore: a full image of the same tree."""
    path = vector.path / RESTORED
    if vector.told.get("bases") and (again or not path.exists()):
        recipe = vector.told["recipe"]
        options = {k: v for k, v in recipe["options"].items() if k not in ("level", "base")}
        with Image.open(make({**recipe, "options": options})) as image:
            path.write_text(dumped({**inventory(image), "image": vector.expected["image"]}))


def _inventory(suite: Suite, vector: Vector, *, again: bool) -> None:
    """Write what is in an image that readers must agree on, if that is not said already."""
    path = vector.path / EXPECTED
    if vector.has_inventory and (again or not path.exists()):
        with suite.given(vector) as given, Image.open(given) as image:
            path.write_text(dumped(inventory(image)))


if __name__ == "__main__":
    sys.exit(main())
