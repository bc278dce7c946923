"""The rules that verification knows, read from its source: a requirement and what is told of it.

A rule's text is a pattern: what is filled in when a fault is told may be anything.
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


def rules(files):
    """Return the rules of some files, relative to the package."""
    found = set()
    for name in files:
        path = ROOT / name
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                found |= set(_of_function(node, name))
    return sorted(found)


def _of_function(function, name):
    texts = _texts(function)
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            words = [*node.args, *(keyword.value for keyword in node.keywords)]
            ids = [w.value for w in words if isinstance(w, ast.Constant) and _is_id(w.value)]
            told = [t for w in words if (t := _text(w, texts, node.lineno)) and not _is_id(t)]
            if ids and told:
                yield Rule(ids[0], _tidy(max(told, key=len)), f"{name}:{node.lineno}")


def _is_id(value):
    return isinstance(value, str) and bool(ID.fullmatch(value))


def _texts(function):
    """Return by name what texts local variables are given, with their lines."""
    found = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = _text(node.value, found, node.lineno)
            if text is not None:
                found.setdefault(node.targets[0].id, []).append([node.lineno, text])
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            known = [t for t in found.get(node.target.id, []) if t[0] < node.lineno]
            text = _text(node.value, found, node.lineno)
            if known and text is not None:
                known[-1][1] += text
    return found


def _text(node, texts, line):
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=values):
            parts = (_text(value, texts, line) for value in values)
            return "".join(ANYTHING if part is None else part for part in parts)
        case ast.Name(id=name):
            known = [text for at, text in texts.get(name, []) if at <= line]
            return known[-1] if known else None
    return None


def _tidy(text):
    return re.sub(f"{ANYTHING}+", "*", text)
