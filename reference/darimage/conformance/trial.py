"""One case: it is prepared, asked, and what came of it is looked at; the verdict comes later."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from darimage.conformance import judges, outcome
from darimage.conformance.answers import (
    NOTHING,
    AnswerError,
    Part,
    View,
    compared,
    differences,
    digest,
)
from darimage.conformance.asking import Connection, Question, Reply
from darimage.conformance.cases import FAULTS, Case
from darimage.conformance.directory import fields as directory_fields
from darimage.conformance.limits import Limits
from darimage.conformance.suite import Vector
from darimage.conformance.testee import Claims, Task
from darimage.conformance.verdicts import (
    ANSWERED,
    OUTCOMES,
    Expectation,
    Observation,
    Outcome,
    Wanted,
)
from darimage.errors import DarimageError

_VOLUME = re.compile(r"\d{3}$")
_MADE = re.compile(r"out\.dari(\d{3})?$|base\d+\.dari(\d{3})?$")
_TICK_SECONDS = 1.1
"""Between two images of a chain: dates of dumps are whole seconds."""


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
    if case.task not in (Task.DECODE, Task.RESTORE) or case.wanted is Wanted.REJECT:
        return Expectation.of(case.wanted)
    if case.wanted is Wanted.SURVIVE:
        if FAULTS in claims.lacks(case.features):
            return Expectation(case.wanted, ())
        if case.expected is None:
            return Expectation(case.wanted, ANSWERED)
    allowed: tuple[Outcome, ...] = OUTCOMES[case.wanted]
    if case.task is Task.RESTORE and not outcome.loses(case.expected or {}):
        # Restoring meets less of an image than listing all of it.
        allowed = tuple(dict.fromkeys((*allowed, Outcome.ACCEPTED)))
    answer = _wanted(case, claims)
    return Expectation(case.wanted, allowed, None if answer is None else digest(answer))


def _wanted(case: Case, claims: Claims) -> Part | None:
    """Return what an answer has to be; ``None`` if nothing is said of it."""
    if case.expected is None or case.wanted is Wanted.REJECT:
        return None
    inventory = case.expected
    if case.task is Task.RESTORE:
        inventory = outcome.restored(inventory)
    return compared(inventory, view_of(case, claims))


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
    lacking = [name for name in claims.lacks(case.features, case.strength) if name != FAULTS]
    if lacking:
        reason = f"does not claim {', '.join(lacking)}"
        return Trial(case, expected, Observation(Outcome.UNSUPPORTED, reason))
    if case.task is Task.RESTORE and os.geteuid() != 0 and _has_devices(case):
        return Trial(case, expected, Observation(Outcome.SKIPPED, "only root can make devices"))
    started = time.monotonic()
    try:
        asked = _encoded if case.task is Task.ENCODE else _read
        question, reply, wanted = asked(case, claims, connection, folder, _limits(case, allowed))
    except judges.TreeError as error:
        return Trial(case, expected, Observation(Outcome.SKIPPED, str(error)))
    seconds = time.monotonic() - started
    if case.task is Task.ENCODE and wanted is not None:
        expected = expected._replace(answer=digest(wanted))
    seen = _observation(reply, question, case, claims, wanted)
    outside = sorted(name for name in os.listdir(folder) if not _is_ours(name, case))
    if outside and seen.outcome is not Outcome.ERRORED:
        seen = _add(seen, f"left {outside[0]!r} where it was not asked to write")
    peak = reply.ended.peak if reply.ended else 0
    return Trial(case, expected, seen, seconds, peak, reply.raw)


def _has_devices(case: Case) -> bool:
    inodes = (case.expected or {}).get("inodes", ())
    return any(inode.get("type") in ("character", "block") for inode in inodes)


def claims_all(case: Case, claims: Claims) -> bool:
    """Return whether a testee says of itself that it can do a case."""
    return claims.features is not None and not claims.lacks(case.features, case.strength)


Asked = tuple[Question, Reply, Part | None]


def _read(
    case: Case, claims: Claims, connection: Connection, folder: Path, limits: Limits
) -> Asked:
    """Have an image read; return the question, the reply and what the answer should be."""
    (folder / "work").mkdir()
    question = _asked(case, folder)
    if case.task is Task.RESTORE:
        (folder / "restored").mkdir()
        question = replace(question, destination=folder / "restored")
    wanted = None if case.task is Task.VALIDATE else _wanted(case, claims)
    return question, connection.ask(question, folder / "work", limits), wanted


def _encoded(
    case: Case, claims: Claims, connection: Connection, folder: Path, limits: Limits
) -> Asked:
    """Have an image made, and before it those that it builds on; likewise.

    Raises:
        TreeError: A tree cannot be made here.
    """
    (folder / "work").mkdir()
    tree = folder / "tree"
    bases: list[tuple[Path, ...]] = []
    sources = [_linked(one, folder, f"source{k}-")[0] for k, one in enumerate(case.images)]
    for at in range(1, len(sources) + 1):
        if at == 1:
            judges.make_tree(sources[:1], tree)
        else:
            time.sleep(_TICK_SECONDS)
            judges.change_tree(sources[:at], tree, folder / "changed")
        is_last = at == len(case.images)
        image = folder / ("out.dari" if is_last else f"base{at}.dari")
        question = Question(
            case.task, case.vector.id, image, tree=tree, capacity=case.capacity, bases=tuple(bases)
        )
        reply = connection.ask(question, folder / "work", limits)
        bases.append(judges.files_of(image))
        if reply.outcome is not Outcome.ACCEPTED:
            break
    return question, reply, compared(judges.tree_of(tree), view_of(case, claims))


def _is_ours(name: str, case: Case) -> bool:
    """Return whether a file beside the testee's folder was put there, or asked for."""
    ours = ("work", "tree", "restored", "changed")
    if name in ours or (case.task is Task.ENCODE and _MADE.match(name)):
        return True
    return re.match(r"(image|base\d+-|source\d+-)(\.dari|\d{3})$", name) is not None


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


def _observation(
    reply: Reply, question: Question, case: Case, claims: Claims, wanted: Part | None
) -> Observation:
    """Return what is to be seen of a reply and of what the testee made."""
    code, signal = (reply.ended.exit_code, reply.ended.signal) if reply.ended else (None, None)
    if reply.ended and reply.ended.exceeded:
        code = signal = None
    seen = Observation(reply.outcome, reply.message, code, signal, issue_url=reply.issue_url)
    done = reply.outcome in (Outcome.ACCEPTED, Outcome.FAULTY)
    if not done or case.task is Task.VALIDATE:
        return seen
    try:
        answer, findings = _made(reply, question, claims)
        got = NOTHING if answer is None else compared(answer, view_of(case, claims))
        if answer is None or wanted is None or FAULTS in claims.lacks(case.features):
            return replace(seen, findings=tuple(findings))
        got = got.like(wanted)
        found = tuple(differences(wanted, got))
        return replace(seen, answer=digest(got), findings=tuple(findings), differences=found)
    except (AnswerError, RecursionError) as error:
        reason = (
            "the answer is nested too deep" if isinstance(error, RecursionError) else str(error)
        )
        if case.task is Task.DECODE:
            return Observation(Outcome.ERRORED, reason, code, signal)
        return _add(seen, reason)
    except (DarimageError, OSError) as error:
        return _add(seen, str(error))


def _made(reply: Reply, question: Question, claims: Claims) -> tuple[Any, list[str]]:
    """Return the inventory that is judged, and what was found wrong already."""
    if question.task is Task.ENCODE:
        is_dari = claims.features is not None and "dari-core" in claims.features
        made = judges.files_of(question.image)
        findings = judges.findings_of(question, is_dari=is_dari)
        return judges.contents_of(question) if made else None, findings
    if question.destination is not None:
        return judges.tree_of(question.destination), []
    return reply.answer, []


def _add(seen: Observation, finding: str) -> Observation:
    return replace(seen, findings=(*seen.findings, finding))
