"""Which tasks are given to a testee: every vector, every task that makes sense for it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from darimage.conformance.suite import Suite, Vector
from darimage.conformance.testee import STRENGTHS, Task
from darimage.conformance.verdicts import Wanted

MUST, SHOULD = STRENGTHS

FAULTS = "faults"
"""To know: what a reader does and reports when something is wrong."""

_MADE_FROM_TREES = frozenset(
    ("dump", "dari-core", "big-endian", "run-coded-holes", "acl", "xattr", "incremental", "volumes")
)
"""Features of vectors whose contents are a plain tree, which a writer can be given."""


class Case(NamedTuple):
    """One task on one vector.

    Attributes:
        id: Of the vector, then the task and, of several, which.
        vector: The vector.
        task: The task.
        wanted: What the testee shall do.
        selection: What is restored; empty for all.
        strength: Level of the requirements that are judged by; empty if nothing is judged.
        chain: The images that are put together, the one asked for last; none means the vector.
        capacity: Records of a volume that a writer is to make; 0 for one file.
    """

    id: str
    vector: Vector
    task: Task
    wanted: Wanted
    selection: bytes = b""
    strength: str = ""
    chain: tuple[Vector, ...] = ()
    capacity: int = 0

    @property
    def features(self) -> tuple[str, ...]:
        """What a testee has to know for it; a writer writes in its own dialect."""
        if self.task is Task.ENCODE:
            asked = {"incremental": bool(self.chain), "volumes": bool(self.capacity)}
            return tuple(name for name, is_needed in asked.items() if is_needed)
        more = (FAULTS,) if self.wanted is Wanted.SURVIVE else ()
        return (*self.vector.features, *more)

    @property
    def images(self) -> tuple[Vector, ...]:
        """The vectors whose files it needs, the image asked for last."""
        return self.chain or (self.vector,)

    @property
    def expected(self) -> dict[str, Any] | None:
        """The inventory that is to come of it; ``None`` if nothing is said of it."""
        return self.vector.whole if self.chain else self.vector.expected


def cases(
    suite: Suite, tasks: Sequence[Task], only: Sequence[str] = (), topics: Sequence[str] = ()
) -> list[Case]:
    """Return all cases in order of their ids.

    Args:
        suite: The vectors.
        tasks: To ask for.
        only: Globs of ids, names or case ids; none means all.
        topics: Of the vectors; none means all.
    """
    found = [case for task in tasks for case in _OF_TASK[task](suite.vectors)]
    chosen = [case for case in found if not topics or case.vector.topic in topics]
    return sorted((case for case in chosen if _is_wanted(case, only)), key=lambda case: case.id)


def vectors_of(chosen: Sequence[Case]) -> list[str]:
    """Return the ids of all vectors that some cases need, ascending."""
    return sorted({vector.id for case in chosen for vector in case.images})


def _validating(vectors: Mapping[str, Vector]) -> Iterator[Case]:
    """Yield the question for each vector, and the stricter one where it makes a difference."""
    weak = [one for one in vectors.values() if one.broken == {SHOULD}]
    differing = {name for one in weak for name in (one.id, one.parent)}
    for vector in vectors.values():
        yield _verdict(vector, MUST, is_good=MUST not in vector.broken)
        if vector.id in differing:
            yield _verdict(vector, SHOULD, is_good=vector.valid)


def _verdict(vector: Vector, strength: str, *, is_good: bool) -> Case:
    which = "" if strength == MUST else f":{strength.lower()}"
    wanted = Wanted.ACCEPT if is_good else Wanted.REJECT
    return Case(f"{vector.id}:validate{which}", vector, Task.VALIDATE, wanted, strength=strength)


def _decoding(vectors: Mapping[str, Vector]) -> Iterator[Case]:
    for vector in vectors.values():
        yield Case(f"{vector.id}:decode", vector, Task.DECODE, vector.decode)


def _restoring(vectors: Mapping[str, Vector]) -> Iterator[Case]:
    for vector in vectors.values():
        alone = Case(f"{vector.id}:restore", vector, Task.RESTORE, vector.decode)
        if not vector.bases:
            yield from _restored(alone)
            continue
        yield alone._replace(id=f"{alone.id}:alone")
        if all(one in vectors for one in vector.bases):
            yield from _chained(alone, tuple(vectors[one] for one in vector.bases))


def _chained(alone: Case, bases: tuple[Vector, ...]) -> Iterator[Case]:
    """Yield what is tried with an incremental image and its bases: rightly, and wrongly."""
    vector = alone.vector
    whole = alone._replace(chain=(*bases, vector))
    yield from _restored(whole)
    refused = whole._replace(wanted=Wanted.REJECT)
    yield refused._replace(id=f"{whole.id}:turned", chain=(vector, *bases[1:], bases[0]))
    if len(bases) > 1:
        yield refused._replace(id=f"{whole.id}:gap", chain=(*bases[:-1], vector))


def _restored(case: Case) -> Iterator[Case]:
    yield case
    if case.wanted is Wanted.ACCEPT and (one := _one_file(case.expected)):
        yield case._replace(id=f"{case.id}:one", selection=one)


def _encoding(vectors: Mapping[str, Vector]) -> Iterator[Case]:
    for vector in vectors.values():
        if not vector.valid or not _MADE_FROM_TREES.issuperset(vector.features):
            continue
        case = Case(f"{vector.id}:encode", vector, Task.ENCODE, Wanted.ACCEPT)
        if vector.capacity and "dump" not in vector.features:
            case = case._replace(capacity=vector.capacity)
        if not vector.bases:
            yield case
        elif all(one in vectors for one in vector.bases):
            yield case._replace(chain=(*(vectors[one] for one in vector.bases), vector))


_OF_TASK = {
    Task.DECODE: _decoding,
    Task.VALIDATE: _validating,
    Task.RESTORE: _restoring,
    Task.ENCODE: _encoding,
}


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


def _bytes(path: dict[str, str]) -> bytes:
    if "text" in path:
        return path["text"].encode()
    return base64.b64decode(path["base64"])
