"""Level 1 of the protocol: one process, a line of JSON for each question and each answer."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from darimage.conformance.asking import (
    EXCEEDED,
    Question,
    Reply,
    last_line,
    parse,
    signal_name,
)
from darimage.conformance.limits import Child, LimitError, Limits
from darimage.conformance.testee import Claims, Task, claims_of
from darimage.conformance.verdicts import Outcome
from darimage.errors import DarimageError, UsageError

PROTOCOL = 1
_STOP_SECONDS = 5.0


class SessionError(DarimageError):
    """A testee did not start, or not as the protocol wants it."""

    exit_code = 4


class _ProtocolError(Exception):
    """An answer that the protocol does not know."""


class Session:
    """A testee that is a process; started again after it had to be ended.

    Attributes:
        claims: What it says of itself.
    """

    def __init__(self, command: Sequence[str], allowed: Limits, folder: Path, name: str) -> None:
        """Start it and ask what it is.

        Raises:
            SessionError: It cannot be started or does not say.
        """
        self._command, self._limits, self._folder, self._name = command, allowed, folder, name
        self._sequence = 0
        self._child: Child | None = None
        self.claims = self._start()

    def ask(self, question: Question, folder: Path, allowed: Limits) -> Reply:
        """Ask one thing; a process that breaks the protocol is not asked again."""
        try:
            if self._child is None:
                self._start()
        except SessionError as error:
            return Reply(Outcome.ERRORED, f"cannot be started again: {error}")
        self._sequence += 1
        asked = {
            "cmd": "run",
            "seq": self._sequence,
            "task": str(question.task),
            "vector": question.vector,
            "arguments": arguments(question),
        }
        try:
            line = self._exchange(asked, allowed)
        except LimitError as error:
            outcome, told = EXCEEDED[error.limit]
            return self._ended(outcome, told)
        if line is None:
            return self._died()
        try:
            return _reply(line, self._sequence, question.task)
        except _ProtocolError as error:
            # Nobody can tell any more which answer belongs to which question.
            self._end()
            return Reply(Outcome.ERRORED, str(error), raw=line)

    def close(self) -> None:
        """Tell it to stop, and end it if it does not."""
        child, self._child = self._child, None
        if child is None:
            return
        with child:
            child.send(_line({"cmd": "stop"}))
            child.close_input()
            try:
                child.read_all(time.monotonic() + _STOP_SECONDS)
            except LimitError:
                return

    def _start(self) -> Claims:
        try:
            self._child = Child(self._command, self._limits, self._folder)
        except OSError as error:
            raise SessionError(f"{self._command[0]}: {error.strerror}") from error
        try:
            line = self._exchange({"cmd": "start", "protocol": PROTOCOL}, self._limits)
            if line is None:
                raise SessionError(f"ended without an answer to start: {self._messages()}")
            told = parse(line)
            if not isinstance(told, Mapping) or told.get("protocol") != PROTOCOL:
                raise SessionError(f"does not answer start with protocol {PROTOCOL}")
            return claims_of(told, self._name)
        except (SessionError, UsageError, ValueError, LimitError) as error:
            self._end()
            told = EXCEEDED[error.limit][1] if isinstance(error, LimitError) else str(error)
            raise SessionError(f"{self._name}: {told}") from error

    def _exchange(self, message: Mapping[str, Any], allowed: Limits) -> bytes | None:
        assert self._child is not None  # noqa: S101 - it was started
        self._child.limits = allowed
        self._child.send(_line(message))
        return self._child.read_line(time.monotonic() + allowed.seconds)

    def _messages(self) -> str:
        stderr = self._child.stderr if self._child else b""
        return last_line(stderr.decode("utf-8", "replace"))

    def _died(self) -> Reply:
        said = self._messages()
        ended = self._end()
        if ended.signal is not None:
            how = f"ended by {signal_name(ended.signal)}"
        else:
            how = f"ended with exit code {ended.exit_code} in the middle of a task"
        told = how + (f": {said}" if said else "")
        return Reply(Outcome.CRASHED, told, ended=ended)

    def _ended(self, outcome: Outcome, told: str) -> Reply:
        return Reply(outcome, told, ended=self._end())

    def _end(self) -> Any:
        child, self._child = self._child, None
        assert child is not None  # noqa: S101 - it was started
        return child.end()


def arguments(question: Question) -> dict[str, Any]:
    """Return the arguments of a task; a selection that is not UTF-8 as base64."""
    told: dict[str, Any] = {"image": str(question.image)}
    if question.task is Task.ENCODE:
        told["tree"] = str(question.tree)
    if question.capacity:
        told["records"] = question.capacity
    if question.volumes:
        told["volumes"] = [str(volume) for volume in question.volumes]
    if question.bases:
        told["bases"] = [[str(volume) for volume in volumes] for volumes in question.bases]
    if question.strength:
        told["level"] = question.strength
    if question.task is Task.RESTORE:
        told["selection"] = os.fsdecode(question.selection).encode("utf-8", "replace").decode()
        told["selection_base64"] = base64.b64encode(question.selection).decode()
        told["destination"] = str(question.destination)
    return told


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _reply(line: bytes, sequence: int, task: Task) -> Reply:
    """Return what a line says."""
    try:
        told = parse(line)
    except ValueError as error:
        raise _ProtocolError(f"the answer is not JSON: {error}") from error
    if not isinstance(told, Mapping):
        raise _ProtocolError("the answer is no JSON object")
    if told.get("seq") != sequence:
        raise _ProtocolError(f"answers seq {told.get('seq')!r:.40}, not {sequence}")
    kinds = [kind for kind in _KINDS if isinstance(told.get(kind), Mapping)]
    if len(kinds) != 1:
        raise _ProtocolError(f"the answer has not just one of {', '.join(_KINDS)}")
    return _KINDS[kinds[0]](told[kinds[0]], task, line)


def _results(told: Mapping[str, Any], task: Task, line: bytes) -> Reply:
    accepted, message = told.get("accepted"), _text(told.get("message"))
    faulty = told.get("faults", False)
    for name, value in (("accepted", accepted), ("faults", faulty)):
        if not isinstance(value, bool):
            raise _ProtocolError(f"results: {name} is neither true nor false")
    if not accepted:
        return Reply(Outcome.REJECTED, message, raw=line)
    answer = told.get("inventory")
    if task is Task.DECODE and answer is None:
        raise _ProtocolError("results: there is no inventory")
    return Reply(Outcome.FAULTY if faulty else Outcome.ACCEPTED, message, answer, raw=line)


def _unsupported(told: Mapping[str, Any], _task: Task, line: bytes) -> Reply:
    return Reply(Outcome.UNSUPPORTED, _text(told.get("message")), raw=line)


def _skipped(told: Mapping[str, Any], _task: Task, line: bytes) -> Reply:
    url = told.get("issue_url")
    message = _text(told.get("message")) or "no reason given"
    known = url if isinstance(url, str) else None
    return Reply(Outcome.SKIPPED, message, raw=line, issue_url=known)


def _errored(told: Mapping[str, Any], _task: Task, line: bytes) -> Reply:
    return Reply(Outcome.ERRORED, _text(told.get("message")) or "it says it failed", raw=line)


_KINDS = {
    "results": _results,
    "unsupported": _unsupported,
    "skipped": _skipped,
    "errored": _errored,
}


def _text(value: Any) -> str:
    return last_line(value) if isinstance(value, str) else ""
