"""Removes what a testee left, however deep, closed or protected it is."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

_LONG = struct.calcsize("l")
_SET_FLAGS = 1 << 30 | _LONG << 16 | ord("f") << 8 | 2
_NO_FLAGS = bytes(_LONG)


def remove(folder: Path) -> None:
    """Remove a folder and all in it."""
    # Python's own rmtree goes no deeper than its stack.
    command = ["/bin/rm", "-rf", "--one-file-system", "--", str(folder)]
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - our own folder
    if not folder.exists():
        return
    _open_up(str(folder), is_folder=True)
    for top, folders, names in os.walk(folder):
        for name in folders:
            _open_up(os.path.join(top, name), is_folder=True)
        for name in names:
            _open_up(os.path.join(top, name), is_folder=False)
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603


def _open_up(path: str, *, is_folder: bool) -> None:
    """Take away what keeps something from being removed."""
    with suppress(OSError):
        if is_folder and not os.path.islink(path):
            with suppress(PermissionError):
                os.chmod(path, 0o700)
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(fd, _SET_FLAGS, _NO_FLAGS)
            if is_folder:
                os.fchmod(fd, 0o700)
        finally:
            os.close(fd)
