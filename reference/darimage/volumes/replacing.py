"""Puts a set of volumes in the place of another, as a whole (decision 0300).

Besides ``name001``, ``name002``, ... two directories take part, ``.name.darimage-old`` and
``.name.darimage-new``:

1. The volumes that are there are moved into the old one, or all back if one cannot be moved.
2. The directory of the new volumes gets the name of the new one. With that the set is replaced.
3. The new volumes are moved to their places, and the old ones are removed.

Whoever comes after a run that was killed finds one of the directories: if there is a new one, what
was begun is brought to its end, and otherwise the old volumes are moved back.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from darimage.errors import StorageError, UsageError
from darimage.units import RECORD
from darimage.volumes.leftovers import STEM_MOST

DIGITS = 3
"""Digits of a volume's number in its name, or more."""


def numbered(prefix: str, volume: int) -> str:
    """Return the name of a volume."""
    return f"{prefix}{volume:0{DIGITS}}"


def volumes_there(prefix: str) -> dict[int, str]:
    """Return the files that are called like volumes of a set by their numbers, ascending.

    Of a folder that cannot be read there are none.
    """
    with suppress(OSError):
        return listed(prefix)
    return {}


def listed(prefix: str) -> dict[int, str]:
    """Return what `volumes_there` does.

    Raises:
        OSError: The folder cannot be read.
    """
    folder, stem = os.path.split(prefix)
    names = os.listdir(folder or ".")
    digits = [name[len(stem) :] for name in names if name.startswith(stem)]
    plain = [int(text) for text in digits if text.isascii() and text.isdigit()]
    named = {number: numbered(prefix, number) for number in sorted(plain) if number}
    return {number: name for number, name in named.items() if name[len(prefix) :] in digits}


def replace(prefix: str, beside: str, volumes: int, *, overwrite: bool) -> None:
    """Put new volumes in their places, and take away the old ones.

    Args:
        prefix: What stands before the numbers.
        beside: The directory of the new ones, called by their numbers; they are on the disk.
        volumes: How many there are.
        overwrite: Old ones may be there.

    Raises:
        UsageError: Old ones are there.
        OSError: It cannot be done; what was there is there, or else what is new.
    """
    old, new = _names(prefix)
    with _alone(prefix):
        _settle(prefix)
        there = _replaced(prefix, volumes)
        if there and not overwrite:
            raise UsageError(f"{next(iter(there.values()))}: has come there meanwhile")
        if there:
            os.mkdir(old, 0o700)
            try:
                for number, name in there.items():
                    os.rename(name, os.path.join(old, str(number)))
                sync(old)
                sync(_folder(prefix))
            except BaseException:
                _move_back(prefix, old)
                raise
        try:
            os.rename(beside, new)
        except BaseException:
            if there:
                _move_back(prefix, old)
            raise
        sync(_folder(prefix))
        _bring_to_end(prefix)


def settle(prefix: str) -> None:
    """Bring to an end, or undo, what a run that was killed began on a set.

    Raises:
        StorageError: It cannot be done.
    """
    if not any(map(os.path.isdir, _names(prefix))):
        return
    try:
        with _alone(prefix):
            _settle(prefix)
    except OSError as error:
        told = "a run that replaced these volumes was killed, and it cannot be brought to its end"
        raise StorageError(f"{numbered(prefix, 1)}: {told}: {error.strerror}") from error


def sync(path: str) -> None:
    """Have a file or directory on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _settle(prefix: str) -> None:
    old, new = _names(prefix)
    if os.path.isdir(new):
        _bring_to_end(prefix)
    elif os.path.isdir(old):
        _move_back(prefix, old)


def _bring_to_end(prefix: str) -> None:
    """Move the new volumes to their places, the first last, and remove the old ones."""
    import shutil

    old, new = _names(prefix)
    for number in sorted(map(int, os.listdir(new)), reverse=True):
        os.rename(os.path.join(new, str(number)), numbered(prefix, number))
    sync(_folder(prefix))
    # As long as the new directory is there, the old one is not moved back.
    with suppress(FileNotFoundError):
        shutil.rmtree(old)
    os.rmdir(new)


def _move_back(prefix: str, old: str) -> None:
    """Move old volumes back to their places."""
    for name in os.listdir(old):
        os.rename(os.path.join(old, name), numbered(prefix, int(name)))
    sync(_folder(prefix))
    os.rmdir(old)


def _replaced(prefix: str, volumes: int) -> dict[int, str]:
    """Return the volumes that new ones replace: those in their places, and the rest of the set."""
    there = listed(prefix)
    rest = [number for number in there if number > volumes]
    if rest and 1 in there:
        # What cannot be read may be of the set: then nothing is replaced.
        first = _identity(there[1])
        rest = [number for number in rest if first is None or _identity(there[number]) != first]
    return {number: name for number, name in there.items() if number not in rest}


def _identity(name: str) -> bytes | None:
    """Return what the volumes of a set have in common; ``None`` if a file is none."""
    with open(name, "rb") as file:
        record = file.read(RECORD)
    # Most runs replace nothing, and need no numpy for it.
    from darimage.volumes.heads import dates, is_header

    return dates(record) if len(record) == RECORD and is_header(record) else None


def _names(prefix: str) -> tuple[str, str]:
    folder, stem = os.path.split(prefix)
    stem = os.fsdecode(os.fsencode(stem)[:STEM_MOST])
    old, new = (f".{stem}.darimage-{what}" for what in ("old", "new"))
    return os.path.join(folder, old), os.path.join(folder, new)


def _folder(prefix: str) -> str:
    return os.path.dirname(prefix) or "."


@contextmanager
def _alone(prefix: str) -> Iterator[None]:
    """Let no other run move volumes in a folder meanwhile; it takes moments."""
    descriptor = os.open(_folder(prefix), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
