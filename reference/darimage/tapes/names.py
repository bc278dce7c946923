"""What a name says of tapes, before anything is opened."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress

CATALOGUE = "tapes.json"
"""The file of a folder of tapes that says what is where."""

DRIVES = 9
"""Major number of the devices of the SCSI tape driver ``st``."""

_NUMBERED = re.compile(r"(?P<path>.+):(?P<number>[1-9][0-9]{0,8})", re.DOTALL)


def split_name(name: str) -> tuple[str, int | None]:
    """Return the path in a name, and which file on the tape it asks for: ``tape.tap:2``."""
    found = _NUMBERED.fullmatch(name)
    if found is None or os.path.lexists(name) or not os.path.exists(found["path"]):
        return name, None
    return found["path"], int(found["number"])


def is_changer(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is a folder of tapes."""
    return os.path.isfile(os.path.join(path, CATALOGUE))


def is_drive(path: str) -> bool:
    """Tell whether a path is a tape drive."""
    with suppress(OSError, ValueError):
        known = os.stat(path)
        return stat.S_ISCHR(known.st_mode) and os.major(known.st_rdev) == DRIVES
    return False
