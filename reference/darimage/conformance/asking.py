"""What goes to a testee and what comes back, whichever level it is called by."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from darimage.conformance.limits import Ended, Limits
from darimage.conformance.testee import STRENGTHS, Claims, Task
from darimage.conformance.verdicts import Outcome


@dataclass(frozen=True)
class Question:
    """One task on one image.

    Attributes:
        task: What to do.
        vector: Id of the vector.
        image: First volume of the image to read, or the image to make; volumes of that have
            three digits more behind its name.
        selection: What to restore; empty for all.
        tree: The tree to make an image of.
        destination: Where to restore to.
        strength: Level of the requirements to judge by, with all that are stronger.
        volumes: All volumes of the image, if there are several.
        bases: Volumes of each image that it builds on, the full image first.
        capacity: Records of each volume to make; 0 for one file.
    """

    task: Task
    vector: str
    image: Path
    selection: bytes = b""
    tree: Path | None = None
    destination: Path | None = None
    strength: str = ""
    volumes: tuple[Path, ...] = ()
    bases: tuple[tuple[Path, ...], ...] = ()
    capacity: int = 0

    def words(self) -> list[str]:
        """Return it as arguments of a command (level 0)."""
        bases = [str(volumes[0]) for volumes in self.bases]
        if self.task is Task.ENCODE:
            more = [str(self.capacity), *bases] if self.capacity or bases else []
            return ["encode", str(self.tree), str(self.image), *more]
        if self.task is Task.RESTORE:
            chosen = os.fsdecode(self.selection)
            return ["restore", str(self.image), chosen, str(self.destination), *bases]
        more = [self.strength] if self.strength not in ("", STRENGTHS[0]) else []
        return [str(self.task), str(self.image), *more]


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        outcome: What it did.
        message: In its words, or in ours; one line.
        answer: Its inventory, if it gave one.
        ended: How its process ended, if it did.
        raw: The bytes of the answer.
        issue_url: Where a skipped task is discussed.
    """

    outcome: Outcome
    message: str = ""
    answer: Any = None
    ended: Ended | None = None
    raw: bytes = field(default=b"", repr=False)
    issue_url: str | None = None


class Connection(Protocol):
    """A testee that can be asked, one question after the other."""

    def ask(self, question: Question, folder: Path, allowed: Limits) -> Reply:
        """Ask, and wait for the reply; ``folder`` is where the testee may work."""

    def close(self) -> None:
        """End it."""


class Opener(Protocol):
    """Opens connections to a testee."""

    claims: Claims

    def __call__(self) -> Connection:
        """Open one."""


EXCEEDED = {
    "time": (Outcome.TIMEOUT, "no answer in time"),
    "memory": (Outcome.CRASHED, "took more memory than allowed"),
    "output": (Outcome.CRASHED, "wrote more than allowed"),
}
"""What is said of a testee that went over a limit."""


def parse(raw: bytes) -> Any:
    """Return the value of JSON text.

    Raises:
        ValueError: It is not JSON; nested too deep is not, either.
    """
    try:
        return json.loads(raw)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def last_line(text: str) -> str:
    """Return the last line of messages that says something, cut to a decent length."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = "".join(c if c.isprintable() else "?" for c in lines[-1]) if lines else ""
    return line if len(line) <= 300 else line[:299] + "…"


def signal_name(number: int) -> str:
    """Return the name of a signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
