"""Runs commands against each other: in turns, on a warm cache, compared round by round."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_COMPILES_AGAIN = "PYTHONDONTWRITEBYTECODE"
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != _COMPILES_AGAIN}
"""What programs are run with: an installed package is compiled once, not at each start."""

_WARM_BLOCK = 1 << 22


@dataclass(frozen=True)
class Command:
    """One program run.

    Attributes:
        name: Its row in the table.
        argv: What is run.
        cwd: Where it is run.
        clear: Files and trees removed before each run, outside the measured time.
        make: Directories made after that.
        cold: Files that have to come from the disk in each run.
        answer: What it reads from standard input.
        target: What the issue asks of it, as text; nothing is asserted.
    """

    name: str
    argv: Sequence[str]
    cwd: Path | None = None
    clear: Sequence[Path] = ()
    make: Sequence[Path] = ()
    cold: Sequence[Path] = ()
    answer: bytes = b""
    target: str = ""


@dataclass(frozen=True)
class Sample:
    """One run: seconds, bytes that ``read`` and its kin returned, exit code, standard output."""

    seconds: float
    read: int
    code: int
    output: bytes


@dataclass
class Result:
    """All runs of a command, in the order of the rounds."""

    command: Command
    samples: list[Sample] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The quickest and the slowest run."""
        times = [sample.seconds for sample in self.samples]
        return min(times), max(times)

    @property
    def read(self) -> int:
        """Median of the bytes read, from files of any kind: the program's own ones count too."""
        return int(statistics.median(sample.read for sample in self.samples))

    def over(self, base: Result) -> float:
        """Return the median of the ratios of each round to the base's run in that round."""
        pairs = zip(self.samples, base.samples, strict=True)
        return statistics.median(one.seconds / other.seconds for one, other in pairs)

    def answered(self, key: str) -> int | None:
        """Return a number of the JSON that the command printed in its last run, if it did."""
        try:
            value: Any = json.loads(self.samples[-1].output)[key]
        except (ValueError, KeyError, TypeError):
            return None
        return int(value)

    @property
    def note(self) -> str:
        """What a reader of the row has to know: exit codes other than 0."""
        codes = sorted({sample.code for sample in self.samples} - {0})
        return "exit code " + ", ".join(map(str, codes)) if codes else ""


def race(commands: Sequence[Command], rounds: int) -> list[Result]:
    """Run all commands in each round, a different one first each time."""
    results = [Result(command) for command in commands]
    for turn in range(rounds):
        first = turn % len(results)
        for result in results[first:] + results[:first]:
            prepare(result.command)
            result.samples.append(run(result.command))
    for command in commands:
        remove(command.clear)
    return results


def prepare(command: Command) -> None:
    """Make room for a run."""
    remove(command.clear)
    for path in command.make:
        path.mkdir(parents=True)
    for path in command.cold:
        forget(path)


def remove(paths: Iterable[Path]) -> None:
    """Remove files and trees, whether they are there or not."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def run(command: Command) -> Sample:
    """Run a command once.

    Raises:
        RuntimeError: It was killed or failed without an exit code of its own (above 3).
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        child = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
        )
        with suppress(BrokenPipeError), child.stdin or nullcontext() as stdin:
            if stdin is not None:
                stdin.write(command.answer)
        # WNOWAIT leaves the ended child as it is, and with it its counters in /proc.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        seconds = time.perf_counter() - begin
        read = _bytes_read(child.pid)
        code = child.wait()
        out.seek(0)
        err.seek(0)
        if not 0 <= code <= 3:
            text = err.read().decode(errors="replace").strip().splitlines()
            raise RuntimeError(f"{command.name}: exit code {code}: {text[-1:] or '?'}")
        return Sample(seconds, read, code, out.read(1 << 16))


def _bytes_read(pid: int) -> int:
    """Return what a process and the children it waited for have read (``rchar``)."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        key, _, value = line.partition(": ")
        if key == "rchar":
            return int(value)
    return 0


def forget(path: Path) -> None:
    """Let nothing of a file stay in the page cache; on a file system in memory nothing changes."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def warm(*paths: Path) -> None:
    """Read files and trees once, so that all commands find them in memory."""
    buffer = bytearray(_WARM_BLOCK)
    for path in paths:
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and not file.is_symlink():
                with file.open("rb", buffering=0) as stream:
                    while stream.readinto(buffer):
                        pass
