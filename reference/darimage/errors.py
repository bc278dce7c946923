"""Every error of the package: what, where, and by which sentence of the specification.

An error's class carries the exit code of a command that ends with it (docs/reference/exit-codes).
"""

from __future__ import annotations

import errno
from typing import ClassVar


class DarimageError(Exception):
    """Base of all errors; one line of text, no trailing full stop."""

    exit_code: ClassVar[int] = 1


class FormatError(DarimageError, ValueError):
    """The image says something that cannot be.

    Attributes:
        message: What was found, and what was expected.
        record: Record number of the fault, if it has a place.
        requirement: Id of the sentence of ``spec/`` that it breaks.
        image: Name of the image, filled in by whoever knows it.
        volume: Which of several volumes the record lies on, likewise.
    """

    def __init__(
        self,
        message: str,
        *,
        record: int | None = None,
        requirement: str | None = None,
        image: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.record = record
        self.requirement = requirement
        self.image = image
        self.volume: str | None = None

    def __str__(self) -> str:
        place = "" if self.record is None else f"record {self.record} (byte {self.record * 1024}): "
        image = "".join(f"{name}: " for name in (self.image, self.volume) if name is not None)
        source = "" if self.requirement is None else f" [{self.requirement}]"
        return f"{image}{place}{self.message}{source}"


class UsageError(DarimageError):
    """What was asked for makes no sense, or not for this image."""

    exit_code = 2


class StorageError(DarimageError, OSError):
    """An image, a source or a destination could not be read or written."""

    exit_code = 3

    @classmethod
    def of(cls, error: OSError, name: str) -> StorageError:
        """Wrap an ``OSError``, naming the file or stream it happened on."""
        return cls(f"{name}: {error.strerror or error}")


class MachineError(StorageError):
    """This machine or process has not what it takes; it is about no file in particular."""


def check_machine(error: OSError) -> None:
    """Raise an error that is of this machine or process.

    Raises:
        MachineError: There are too many open files, or there is no memory.
    """
    if isinstance(error, MachineError):
        raise error
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        raise MachineError(error.strerror) from error
