"""One case: it is prepared, asked, and what came of it is looked at; the verdict comes later."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from darimage.conformance import judges
from darimage.conformance.answers import AnswerError, Told, View, differences, digest, told_by
from darimage.conformance.asking import Connection, Question, Reply
from darimage.conformance.cases import Case
from darimage.conformance.directory import fields as directory_fields
from darimage.conformance.limits import Limits
from darimage.conformance.suite import Vector
from darimage.conformance.testee import Claims, Task
from darimage.conformance.verdicts import Expectation, Observation, Outcome, Wanted
from darimage.errors import DarimageError

_VOLUME = re.compile(r"\d{3}$")


class Trial(NamedTuple):
    """What came of a case.

    Attributes:
        case: The case.
        expected: What was expected.
        seen: What was seen.
        seconds: It took; 0 if the testee was not asked.
        peak: Bytes of memory; 0 if that is not known.
        raw: The bytes of the answer.
    """

    case: Case
    expected: Expectation
    seen: Observation
    seconds: float = 0.0
    peak: int = 0
    raw: bytes = b""


def view_of(case: Case, claims: Claims) -> View:
    """Return what is compared of an answer."""
    fields = claims.fields
    if case.task is not Task.DECODE:
        of_trees = directory_fields(case.expected if case.task is Task.RESTORE else None)
        fields = tuple(name for name in of_trees if name in claims.fields)
    return View(fields, claims.time_resolution, case.selection)


def expectation_of(case: Case, claims: Claims) -> Expectation:
    """Return what a case expects; the answer of ``encode`` is not known before its tree is made."""
    compared = case.task in (Task.DECODE, Task.RESTORE)
    if case.wanted is not Wanted.ACCEPT or not compared or case.expected is None:
        return Expectation(case.wanted)
    return Expectation(case.wanted, digest(told_by(case.expected, view_of(case, claims))))


def run(case: Case, claims: Claims, connection: Connection, folder: Path, allowed: Limits) -> Trial:
    """Give one case to a testee.

    Args:
        case: The case.
        claims: What the testee says it does.
        connection: To the testee.
        folder: An empty folder for it.
        allowed: What it may take; less if the vector says so.
    """
    expected = expectation_of(case, claims)
    lacking = claims.lacks(case.features, case.strength)
    if lacking:
        told = f"does not claim {', '.join(lacking)}"
        return Trial(case, expected, Observation(Outcome.UNSUPPORTED, told))
    try:
        question, expected, wanted = _prepared(case, claims, folder, expected)
    except judges.TreeError as error:
        return Trial(case, expected, Observation(Outcome.SKIPPED, str(error)))
    before = _listing(folder)
    started = time.monotonic()
    reply = connection.ask(question, folder / "work", _limits(case, allowed))
    seconds = time.monotonic() - started
    seen = _observation(reply, question, case, claims, wanted)
    outside = sorted(_listing(folder) - before - {"out.dari"})
    if outside and seen.outcome is not Outcome.ERRORED:
        seen = _add(seen, f"left {outside[0]!r} where it was not asked to write")
    peak = reply.ended.peak if reply.ended else 0
    return Trial(case, expected, seen, seconds, peak, reply.raw)


def claims_all(case: Case, claims: Claims) -> bool:
    """Tell whether a testee says of itself that it can do a case."""
    return claims.features is not None and not claims.lacks(case.features, case.strength)


def _prepared(
    case: Case, claims: Claims, folder: Path, expected: Expectation
) -> tuple[Question, Expectation, Told]:
    """Return the question with its files in place, and what its answer is compared with."""
    (folder / "work").mkdir()
    question = _asked(case, folder)
    view, wanted = view_of(case, claims), Told()
    if case.task is Task.ENCODE:
        tree = folder / "tree"
        judges.make_tree(question.image, tree)
        wanted = told_by(judges.tree_of(tree), view)
        expected = Expectation(case.wanted, digest(wanted))
        question = Question(case.task, case.vector.id, folder / "out.dari", tree=tree)
    elif case.task is not Task.VALIDATE and case.expected is not None:
        wanted = told_by(case.expected, view)
    if case.task is Task.RESTORE:
        (folder / "restored").mkdir()
        question = replace(question, destination=folder / "restored")
    return question, expected, wanted


def _asked(case: Case, folder: Path) -> Question:
    """Put the images of a case into a folder and return the question that names them."""
    *bases, image = [
        _linked(vector, folder, "image" if at == len(case.images) else f"base{at}-")
        for at, vector in enumerate(case.images, 1)
    ]
    return Question(
        case.task,
        case.vector.id,
        image[0],
        case.selection,
        strength=case.strength,
        volumes=image if len(image) > 1 else (),
        bases=tuple(bases),
    )


def _linked(vector: Vector, folder: Path, stem: str) -> tuple[Path, ...]:
    """Return links to the files of a vector; volumes keep their numbers: one may be missing."""
    links = [folder / f"{stem}{_ending(file.name)}" for file in vector.files]
    for link, file in zip(links, vector.files, strict=True):
        link.symlink_to(file.resolve())
    return tuple(links)


def _ending(name: str) -> str:
    number = _VOLUME.search(name)
    return number[0] if number else ".dari"


def _limits(case: Case, allowed: Limits) -> Limits:
    """Return the limits of a case; those of a vector are about reading it."""
    seconds, memory = case.vector.seconds, case.vector.memory
    if case.task is Task.ENCODE:
        return allowed
    return allowed._replace(
        seconds=allowed.seconds if seconds is None else min(seconds, allowed.seconds),
        memory=allowed.memory if memory is None else min(memory, allowed.memory),
    )


def _listing(folder: Path) -> set[str]:
    return set(os.listdir(folder))


def _observation(
    reply: Reply, question: Question, case: Case, claims: Claims, wanted: Told
) -> Observation:
    """Return what is to be seen of a reply and of what the testee made."""
    code, signal = (reply.ended.exit_code, reply.ended.signal) if reply.ended else (None, None)
    if reply.ended and reply.ended.exceeded:
        code = signal = None
    seen = Observation(reply.outcome, reply.message, code, signal, issue_url=reply.issue_url)
    if reply.outcome is not Outcome.ACCEPTED or case.task is Task.VALIDATE:
        return seen
    try:
        answer, findings = _made(reply, question, claims)
        got = told_by(answer, view_of(case, claims)) if answer is not None else Told()
    except AnswerError as error:
        if case.task is Task.DECODE:
            return Observation(Outcome.ERRORED, str(error), code, signal)
        return _add(seen, str(error))
    except (DarimageError, OSError) as error:
        return _add(seen, str(error))
    if case.wanted is not Wanted.ACCEPT or answer is None:
        return replace(seen, findings=tuple(findings))
    told = tuple(differences(wanted, got))
    return replace(seen, answer=digest(got), findings=tuple(findings), differences=told)


def _made(reply: Reply, question: Question, claims: Claims) -> tuple[Any, list[str]]:
    """Return the inventory that is judged, and what was found wrong already."""
    if question.task is Task.ENCODE:
        is_dari = claims.features is not None and "dari-core" in claims.features
        findings = judges.findings_of(question.image, is_dari=is_dari)
        return judges.contents_of(question.image) if question.image.exists() else None, findings
    if question.destination is not None:
        return judges.tree_of(question.destination), []
    return reply.answer, []


def _add(seen: Observation, finding: str) -> Observation:
    return replace(seen, findings=(*seen.findings, finding))
