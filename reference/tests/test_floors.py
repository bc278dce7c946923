"""The house: a floor of the package imports only floors below it (docs: architecture)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "darimage"
REPOSITORY = ROOT.parents[1]

FLOORS = {
    "schema": 0,
    "plain": 1,
    "drives": 0,
    "sections": 1,
    "sources": 2,
    "volumes": 1,
    "tapes": 2,
    "image": 3,
    "restore": 4,
    "catalog": 5,
    "validate": 5,
    "conformance": 6,
    "cli": 7,
}
GROUND = -1
"""Modules of the package itself that every floor stands on: errors, units, progress, ..."""

MODULES = sorted(
    path
    for path in ROOT.rglob("*.py")
    if not re.match(r"(construct|kaitai)_", path.parent.name) and path.parent != ROOT
)


def floor_of(name):
    parts = name.split(".")
    return FLOORS.get(parts[1], GROUND) if len(parts) > 1 else GROUND


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}" if node.module == "darimage" else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_floor_imports_only_floors_below(path):
    room = path.relative_to(ROOT).parts[0]
    for name in imports(path):
        if name.startswith("darimage."):
            other = name.split(".")[1]
            assert other == room or floor_of(name) < FLOORS[room], name


def test_the_ground_imports_no_floor():
    for path in ROOT.glob("*.py"):
        if path.name in ("__main__.py", "__init__.py"):
            continue
        for name in imports(path):
            if name.startswith("darimage."):
                assert floor_of(name) == GROUND, (path.name, name)


def test_every_requirement_that_is_cited_is_in_the_specification():
    known = set()
    for chapter in (REPOSITORY / "spec").glob("*.rst"):
        known |= set(re.findall(r":id: (DARI-[A-Z]{3}-\d{3})", chapter.read_text()))
    assert len(known) > 100
    places = [*ROOT.rglob("*.py"), *(REPOSITORY / "ksy").glob("*.ksy")]
    for path in places:
        cited = set(re.findall(r"DARI-[A-Z]{3}-\d{3}", path.read_text()))
        assert cited <= known, path
