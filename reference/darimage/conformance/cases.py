"""Which tasks are given to a testee: every vector, every task that makes sense for it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from darimage.conformance.suite import Suite, Vector
from darimage.conformance.testee import Task
from darimage.conformance.verdicts import Wanted

_MADE_FROM_TREES = frozenset({"dump", "dari-core", "big-endian", "run-coded-holes", "acl", "xattr"})
"""Features of vectors whose contents are a plain tree, which a writer can be given."""


class Case(NamedTuple):
    """One task on one vector.

    Attributes:
        id: Of the vector, then the task.
        vector: The vector.
        task: The task.
        wanted: What the testee shall do.
        selection: What is restored; empty for all.
    """

    id: str
    vector: Vector
    task: Task
    wanted: Wanted
    selection: bytes = b""

    @property
    def features(self) -> tuple[str, ...]:
        """What a testee has to know for it; a writer writes in its own dialect."""
        return () if self.task is Task.ENCODE else self.vector.features


def cases(suite: Suite, tasks: Sequence[Task], only: Sequence[str] = ()) -> list[Case]:
    """Return all cases in order of their ids.

    Args:
        suite: The vectors.
        tasks: To ask for.
        only: Globs of ids, names or case ids; none means all.
    """
    found = [
        case
        for vector in suite.vectors.values()
        for task in tasks
        for case in _cases(vector, task)
        if _is_wanted(case, only)
    ]
    return sorted(found, key=lambda case: case.id)


def _cases(vector: Vector, task: Task) -> Iterator[Case]:
    name = f"{vector.id}:{task}"
    if task is Task.VALIDATE:
        yield Case(name, vector, task, Wanted.ACCEPT if vector.valid else Wanted.REJECT)
    elif task is Task.DECODE:
        yield Case(name, vector, task, vector.decode)
    elif task is Task.RESTORE and not vector.bases:
        yield Case(name, vector, task, vector.decode)
        if vector.decode is Wanted.ACCEPT and (one := _one_file(vector.expected)):
            yield Case(f"{name}:one", vector, task, Wanted.ACCEPT, one)
    elif (
        task is Task.ENCODE
        and vector.valid
        and not vector.bases
        and _MADE_FROM_TREES.issuperset(vector.features)
    ):
        yield Case(name, vector, task, Wanted.ACCEPT)


def _is_wanted(case: Case, only: Sequence[str]) -> bool:
    names = (case.id, case.vector.id, case.vector.name)
    return not only or any(fnmatchcase(name, glob) for glob in only for name in names)


def _one_file(expected: dict[str, Any] | None) -> bytes | None:
    """Return the path of the file that is restored alone: the last that is not in the root."""
    if expected is None:
        return None
    paths = [
        _bytes(path)
        for inode in expected.get("inodes", ())
        if inode.get("type") == "file"
        for path in inode["paths"]
    ]
    return max(paths, key=lambda path: (path.count(b"/") > 0, path), default=None)


def _bytes(told: dict[str, str]) -> bytes:
    if "text" in told:
        return told["text"].encode()
    return base64.b64decode(told["base64"])
