"""Who checks what: requirements with their rules, the vectors that show them and the tests.

The page on traceability is drawn from it, and neither tests nor docs pass if nobody checks a MUST.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

from darimage.validate.registry import Requirement, requirements
from darimage.validate.rules import checked
from support import scores

ROOT = Path(__file__).parents[3]
TESTS = ("reference/tests", "fuzz/properties")
ABOUT_IDS = re.compile(
    r"test_(requirements|traceability|docs_\w+|wheel|howto|floors|rules|finding|conformance_\w+|vector\w*|"
    r"validate_(outputs|report))"
)
"""Tests in which ids stand as examples, which are no tests of these requirements."""

ID = re.compile(r"DARI-[A-Z]{3}-\d{3}")


class Trace(NamedTuple):
    """Who checks a requirement.

    Attributes:
        requirement: The requirement.
        rules: Names of the rules that find a breach of it.
        broken: Names of the vectors that break it.
        shown: Names of the vectors that show it and do not break it.
        tests: Tests that name it, as ``file::function``.
    """

    requirement: Requirement
    rules: tuple[str, ...]
    broken: tuple[str, ...]
    shown: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def is_checked(self) -> bool:
        """Whether anybody does."""
        return bool(self.rules or self.broken or self.shown or self.tests)


def traces() -> list[Trace]:
    """Return all requirements in the order of the text."""
    broken, shown = scores.shown_by(valid=False), scores.shown_by(valid=True)
    for vector in scores.suite():
        for one in set(vector.shown) - set(vector.broken):
            obeys = vector.is_valid or "writer" not in requirements()[one].binds
            if obeys and vector.name not in shown[one]:
                shown[one].append(vector.name)
    return [
        Trace(
            one,
            tuple(checked().get(one.id, ())),
            tuple(sorted(broken.get(one.id, ()))),
            tuple(sorted(shown.get(one.id, ()))),
            tuple(naming().get(one.id, ())),
        )
        for one in requirements().values()
    ]


@cache
def naming() -> dict[str, list[str]]:
    """Return by requirement the tests in which it is named; a module if its text or data does."""
    found = defaultdict(list)
    for folder in TESTS:
        for path in sorted((ROOT / folder).glob("test_*.py")):
            if ABOUT_IDS.fullmatch(path.stem):
                continue
            lines = path.read_text().splitlines()
            for node in ast.parse("\n".join(lines)).body:
                is_test = isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
                name = f"{path.stem}::{node.name}" if is_test else path.stem
                for one in sorted(set(ID.findall("\n".join(_lines(lines, node))))):
                    if name not in found[one]:
                        found[one].append(name)
    return found


def _lines(lines: list[str], node: ast.stmt) -> list[str]:
    """Return the lines of a statement, with its decorators, which hold the cases."""
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    return lines[first - 1 : node.end_lineno]


def lacking() -> dict[str, str]:
    """Return the MUSTs that nobody checks, with what they lack."""
    found = dict(scores.unchecked())
    for trace in traces():
        if trace.requirement.strength == "MUST" and not trace.is_checked:
            found.setdefault(trace.requirement.id, "a rule, a vector or a test")
    return found


def main() -> None:
    """Print how many requirements are checked, and by what."""
    found = traces()
    for strength in ("MUST", "SHOULD", "MAY"):
        mine = [trace for trace in found if trace.requirement.strength == strength]
        by = {
            "checked": sum(trace.is_checked for trace in mine),
            "have rules": sum(bool(trace.rules) for trace in mine),
            "vectors": sum(bool(trace.broken or trace.shown) for trace in mine),
            "tests": sum(bool(trace.tests) for trace in mine),
        }
        told = ", ".join(f"{count} {what}" for what, count in by.items())
        print(f"{strength}s: of {len(mine)}, {told}")
    for one, what in lacking().items():
        print(f"  {one} lacks {what}")


if __name__ == "__main__":
    main()
