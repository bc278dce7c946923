"""Level 0 of the protocol: a process for each task, plain arguments, an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from darimage.conformance import limits
from darimage.conformance.asking import EXCEEDED, Question, Reply, last_line, parse, signal_name
from darimage.conformance.limits import Ended, Limits
from darimage.conformance.testee import Task
from darimage.conformance.verdicts import Outcome

ACCEPTED, REJECTED, UNSUPPORTED, FAULTY, SKIPPED = 0, 1, 3, 4, 77
FIRST_CRASH = 126
"""Shells end with this and more for a program that did not start or was ended by a signal."""

_OUTCOMES = {
    ACCEPTED: Outcome.ACCEPTED,
    REJECTED: Outcome.REJECTED,
    UNSUPPORTED: Outcome.UNSUPPORTED,
    FAULTY: Outcome.FAULTY,
    SKIPPED: Outcome.SKIPPED,
}


class CommandLine:
    """A testee that is a command."""

    def __init__(self, command: Sequence[str]) -> None:
        """Take the command; nothing is started yet."""
        self._command = command

    def ask(self, question: Question, folder: Path, allowed: Limits) -> Reply:
        """Run the command for one task."""
        words = [*self._command, *question.words()]
        try:
            ended, output, messages = limits.run(words, allowed, folder)
        except (OSError, ValueError) as error:
            return Reply(Outcome.ERRORED, f"cannot be started: {error}")
        reply = _reply(ended, last_line(messages), output)
        is_done = reply.outcome in (Outcome.ACCEPTED, Outcome.FAULTY)
        if is_done and question.task is Task.DECODE:
            return _with_answer(reply)
        return reply

    def close(self) -> None:
        """Do nothing: no process is left."""


def _reply(ended: Ended, said: str, output: bytes) -> Reply:
    if ended.exceeded:
        outcome, told = EXCEEDED[ended.exceeded]
        return Reply(outcome, told, ended=ended)
    if ended.signal is not None:
        told = f"ended by {signal_name(ended.signal)}" + (f": {said}" if said else "")
        return Reply(Outcome.CRASHED, told, ended=ended)
    code = ended.exit_code or 0
    if code >= FIRST_CRASH:
        told = f"exit code {code}" + (f": {said}" if said else "")
        return Reply(Outcome.CRASHED, told, None, ended)
    if code not in _OUTCOMES:
        told = f"exit code {code} has no meaning" + (f": {said}" if said else "")
        return Reply(Outcome.ERRORED, told, None, ended)
    return Reply(_OUTCOMES[code], said if code else "", None, ended, output)


def _with_answer(reply: Reply) -> Reply:
    try:
        answer = parse(reply.raw)
    except ValueError as error:
        told = f"the answer is not JSON: {error}"
        return Reply(Outcome.ERRORED, told, None, reply.ended, reply.raw)
    return Reply(reply.outcome, reply.message, answer, reply.ended, reply.raw)
