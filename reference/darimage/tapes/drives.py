"""Tapes in one drive, one after another: somebody, or some program, changes them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

from darimage.errors import StorageError
from darimage.tapes.linux import LinuxTape
from darimage.tapes.sink import Part
from darimage.tapes.tape import Tape

Load = Callable[[int], Tape]
"""Returns the tape to write on, given its number from 1."""


class Drives:
    """Brings tapes in a drive; what is written there stays.

    Attributes:
        name: Name of the drive.
        fd: -1: nothing of it is in a tree.
    """

    fd = -1

    def __init__(self, name: str, load: Load) -> None:
        """Keep what loads a tape."""
        self.name = name
        self._load = load

    def load(self, number: int) -> Tape:
        """Return the next tape, where it stands."""
        return self._load(number)

    def finish(self, _parts: list[Part], _block: int) -> None:
        """Nothing is left to do: the file mark has made the drive write everything."""

    def abort(self) -> None:
        """What was written cannot be taken back; it has no end record."""


def by_command(path: str, command: str | None) -> Load:
    """Return what opens a drive and runs a command of the shell to change its tape.

    The command finds the number of the tape, from 2, in ``DARIMAGE_TAPE``, and the drive in
    ``DARIMAGE_DRIVE``; it ends with 0 when the next tape is in.
    """

    def load(number: int) -> Tape:
        if number > 1:
            _change(path, command, number)
        return LinuxTape.open(path, writing=True)

    return load


def _change(path: str, command: str | None, number: int) -> None:
    """Run the command.

    Raises:
        StorageError: There is none, or it failed.
    """
    if command is None:
        raise StorageError(f"{path}: the tape is full; --next-tape says how to load another")
    about = {**os.environ, "DARIMAGE_TAPE": str(number), "DARIMAGE_DRIVE": path}
    # The command is the operator's own.
    done = subprocess.run(["/bin/sh", "-c", command], env=about, check=False)  # noqa: S603
    if done.returncode:
        raise StorageError(f"{path}: `{command}` for tape {number} ended with {done.returncode}")
