"""Names of what is not whole yet, and what a killed run left behind under such a name.

Whoever writes beside a place holds a lock on what it writes, and the kernel lets go of that however
the process ends. So a later run tells what nobody works on any more, and removes it.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from contextlib import suppress

_NAMED = re.compile(r"\..*\.darimage-\d+\.partial", re.DOTALL)
STEM_MOST = 180
"""Bytes of a name that are kept, so that there is room for what is added to it."""


def partial_name(name: str) -> str:
    """Return what a file or directory is called until what is written there is whole."""
    stem = os.fsdecode(os.fsencode(name)[:STEM_MOST])
    return f".{stem}.darimage-{os.getpid()}.partial"


def create_file(path: str, mode: int = 0o600) -> int:
    """Make a new file under such a name and lock it; return its descriptor, for both directions.

    Raises:
        OSError: It cannot be made.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    while not _hold(fd := os.open(path, flags, mode), path):
        os.close(fd)
    return fd


def create_directory(path: str) -> int:
    """Make a new directory of our own under such a name and lock it; return its descriptor.

    Raises:
        OSError: It cannot be made.
    """
    while not _hold(fd := _made(path), path):
        os.close(fd)
    return fd


def _made(path: str) -> int:
    os.mkdir(path, 0o700)
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        os.rmdir(path)
        raise


def _hold(fd: int, path: str) -> bool:
    """Lock what was just made; return False if another run has removed it since then."""
    # Where there are no locks, nobody else gets one either, and nothing is removed.
    with suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_SH)
    return os.path.lexists(path)


def clear(folder: str) -> list[str]:
    """Remove what killed runs left in a folder; what cannot be removed stays, without a word.

    What a living process holds stays, and so does what belongs to somebody else.

    Args:
        folder: Its path; empty for the current one.

    Returns:
        The paths of what was removed.
    """
    try:
        names = [name for name in os.listdir(folder or ".") if _NAMED.fullmatch(name)]
    except OSError:
        return []
    paths = [os.path.join(folder, name) for name in sorted(names)]
    return [path for path in paths if _removed(path)]


def _removed(path: str) -> bool:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags)
    except OSError:
        return False
    try:
        info = os.fstat(fd)
        if not _is_ours(info):
            return False
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISDIR(info.st_mode):
            import shutil

            shutil.rmtree(path)
        else:
            os.unlink(path)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _is_ours(info: os.stat_result) -> bool:
    is_plain = stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)
    return is_plain and info.st_uid == os.geteuid()
