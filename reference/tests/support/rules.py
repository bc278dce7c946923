"""The rules that verification knows, read from its source: a requirement and what is told of it.

A rule's text is a pattern: what is filled in when a fault is told may be anything. Where the text
cannot be read from the source, the rule is the requirement alone.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import darimage

ROOT = Path(darimage.__file__).parent
ID = re.compile(r"DARI-[A-Z]{3}-\d{3}")
ANYTHING = "\0"

JUDGES = ("front", "names", "opening", "payload", "reader", "verify", "walk")
"""Modules of ``image`` that tell faults while an image is verified, besides those called rules."""

SECTIONS = ("directory", "nt_acls", "streams", "xattrs")
DESCRIPTORS = ("ace", "acl", "descriptor", "sid")


class Rule(NamedTuple):
    """One rule.

    Attributes:
        requirement: Its id.
        text: What is told, with ``*`` for what is filled in.
        place: File and line.
    """

    requirement: str
    text: str
    place: str

    def matches(self, requirement, message):
        """Tell whether a fault comes of this rule."""
        pattern = ".*".join(re.escape(part) for part in self.text.split("*"))
        return requirement == self.requirement and bool(re.search(pattern, message, re.DOTALL))

    def __str__(self):
        return f"{self.requirement} {self.text!r} ({self.place})"


def judging():
    """Return the files that verification is made of, relative to the package."""
    image = sorted(path.stem for path in (ROOT / "image").glob("*rules.py"))
    yield from (f"image/{name}.py" for name in (*image, *JUDGES))
    yield from (f"sections/{name}.py" for name in SECTIONS)
    yield from (f"sections/security/{name}.py" for name in DESCRIPTORS)


def rules(files=None):
    """Return the rules of some files."""
    found = {}
    for name in judging() if files is None else files:
        tree = ast.parse((ROOT / name).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                for rule in _of_function(node, name):
                    found.setdefault(rule[:2], rule)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not _is_id(node.value):
                continue
            if not any(requirement == node.value for requirement, _ in found):
                rule = Rule(node.value, "*", f"{name}:{node.lineno}")
                found.setdefault(rule[:2], rule)
    return sorted(found.values())


def _of_function(function, name):
    texts = _texts(function)
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            words = [*node.args, *(keyword.value for keyword in node.keywords)]
            ids = [w.value for w in words if isinstance(w, ast.Constant) and _is_id(w.value)]
            told = [_text(w, texts, node.lineno) for w in words]
            told = [text for text in told if text and " " in text]
            if ids and told:
                yield Rule(ids[0], _tidy(max(told, key=len)), f"{name}:{node.lineno}")


def _is_id(value):
    return isinstance(value, str) and bool(ID.fullmatch(value))


def _texts(function):
    """Return by name what texts local variables are given, with their lines."""
    found = {}
    assigned = [n for n in ast.walk(function) if isinstance(n, ast.Assign | ast.AugAssign)]
    for node in sorted(assigned, key=lambda node: node.lineno):
        target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
        text = _text(node.value, found, node.lineno)
        if not isinstance(target, ast.Name) or text is None:
            continue
        known = found.setdefault(target.id, [])
        if isinstance(node, ast.AugAssign) and known:
            text = known[-1][1] + text
        known.append((node.lineno, text))
    return found


def _text(node, texts, line):
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=values):
            parts = (_text(value, texts, line) for value in values)
            return "".join(ANYTHING if part is None else part for part in parts)
        case ast.IfExp():
            return ANYTHING
        case ast.Name(id=name):
            known = [text for at, text in texts.get(name, []) if at <= line]
            return known[-1] if known else None
    return None


def _tidy(text):
    return re.sub(f"{ANYTHING}+", "*", text)
