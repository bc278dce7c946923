"""Files that a command writes besides images: reports, baselines, pictures.

They are written beside their places and renamed when they are on the disk. What is there already is
replaced only if it is a plain file and nothing that somebody needs: no image, whoever reads it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress

from darimage.errors import StorageError, UsageError
from darimage.volumes import leftovers
from darimage.volumes.writing import FileSink

_HEAD = 64
"""Bytes at the front of a file in which an image, or a tape container of one, shows itself."""


def check(path: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Make sure that a file may be written.

    Args:
        path: Its name.
        inputs: Files that are read; it must be none of them, by whatever name.

    Raises:
        UsageError: It must not be replaced.
    """
    name = os.fspath(path)
    try:
        there = os.lstat(name)
    except OSError:
        return
    if stat.S_ISLNK(there.st_mode):
        raise UsageError(f"{name}: is a symbolic link, and is not written through")
    if stat.S_ISCHR(there.st_mode) and not _is_terminal(name):
        return  # such as /dev/null: nothing is lost there
    if not stat.S_ISREG(there.st_mode):
        raise UsageError(f"{name}: is no plain file, and is not replaced")
    for read in inputs:
        with suppress(OSError):
            if os.path.samestat(os.stat(read), there):
                raise UsageError(f"{name}: is what is read, and is not replaced")
    if _is_image(name):
        raise UsageError(f"{name}: is an image, and is not replaced by something else")


def write(
    path: str | os.PathLike[str],
    data: str | bytes,
    inputs: Iterable[str | os.PathLike[str]] = (),
) -> None:
    """Write a file as a whole or not at all; ``inputs`` is as for ``check``.

    Raises:
        UsageError: It must not be replaced.
        StorageError: It cannot be written.
    """
    check(path, inputs)
    if not os.path.isfile(path) and os.path.lexists(path):
        _write_device(os.fspath(path), data.encode() if isinstance(data, str) else data)
        return
    leftovers.clear(os.path.dirname(os.fspath(path)))
    umask = os.umask(0o077)
    os.umask(umask)
    sink = FileSink(path, overwrite=True, mode=0o666 & ~umask)
    try:
        sink.write_at(0, data.encode() if isinstance(data, str) else data)
        sink.finish()
    except BaseException:
        sink.abort()
        raise


def _is_terminal(name: str) -> bool:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        return os.isatty(descriptor)
    finally:
        os.close(descriptor)


def _write_device(name: str, data: bytes) -> None:
    try:
        with open(name, "wb") as device:
            device.write(data)
    except OSError as error:
        raise StorageError.of(error, name) from error


def _is_image(name: str) -> bool:
    """Tell whether a file begins as an image does, or a tape container with one."""
    from darimage.volumes.heads import is_header

    try:
        with open(name, "rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise StorageError.of(error, name) from error
    # Containers have 4 bytes (SIMH) or 6 (AWSTAPE) in front of a block.
    return any(is_header(head[lead:]) for lead in (0, 4, 6))
