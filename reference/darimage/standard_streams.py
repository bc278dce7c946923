"""The standard streams of the program, as they may be: closed, full, or left by their reader."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

ANSWERS = "standard output"
"""What standard output is called in errors."""

_STDOUT, _STDERR = 1, 2


class _Answers(io.FileIO):
    """Standard output; what it does not take is an error that names it."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, ANSWERS) from error


class _Messages(io.FileIO):
    """Standard error; what it does not take is lost, and the exit code stays what it is."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def secure() -> None:
    """Make the standard streams fit for use, however the program was started.

    A number that is closed is taken, so that no file of ours gets it and what is said goes there.
    To write to a closed output, or to read from a closed input, stays an error.
    """
    for fd, way in ((0, os.O_WRONLY), (_STDOUT, os.O_RDONLY), (_STDERR, os.O_WRONLY)):
        try:
            os.fstat(fd)
        except OSError:
            os.dup2(opened := os.open(os.devnull, way), fd)
            if opened != fd:
                os.close(opened)
    sys.stdout = _text(_Answers(_STDOUT, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Messages(_STDERR, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, before: Any) -> io.TextIOWrapper:
    # What the user's character set lacks must not end the run.
    encoding = before.encoding if isinstance(before, io.TextIOWrapper) else "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=True
    )


def drop_answers() -> None:
    """Forget what standard output did not take; else the interpreter complains at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)
    os.close(nowhere)
