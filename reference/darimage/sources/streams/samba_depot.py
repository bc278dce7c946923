"""Streams as Samba's module streams_depot keeps them (chapter 72)."""

from __future__ import annotations

import os
import re
import stat

from darimage.errors import check_machine
from darimage.showing import display
from darimage.sources.handles import open_directory
from darimage.sources.ranges import present
from darimage.sources.streams.form import (
    TYPE,
    File,
    FoundStream,
    InFile,
    Tell,
    is_name,
    without_type,
)

DIRECTORY = b".streams"
"""Name of a depot in the root of its share."""

MARK = b"user.SAMBA_STREAMS"
MARKED = b"1"
"""Attribute and value by which Samba knows that a base is the one its streams belong to."""

_BYTE = re.compile(rb"[0-9A-F]{2}")
_ID = re.compile(rb"[0-9A-F]{32}")
_WORD = 1 << 32


def directory_of(device: int, inode: int) -> bytes:
    """Return where in a depot the streams of an inode are."""
    identity = (device % 2**64).to_bytes(8, "little") + (inode % 2**64).to_bytes(8, "little")
    spread = sum(byte << at * 5 % 24 for at, byte in enumerate(identity))
    value = (1103515243 * (0x238F13AF * len(identity) + spread) + 12345) % _WORD
    return b"%02X/%02X/%s" % (value & 0xFF, value >> 8 & 0xFF, identity.hex().upper().encode())


def is_depot(descriptor: int) -> bool:
    """Tell whether a directory looks like a depot: nothing but directories named ``XX``."""
    with os.scandir(descriptor) as listing:
        names = [entry.name.encode() for entry in listing]
    return bool(names) and all(map(_BYTE.fullmatch, names))


class SambaDepot:
    """Streams are files in a directory for their base, all in one depot.

    A file whose device and inode number have such a directory but that has no mark is another file
    with the number of one deleted, unless the share is set up without marks.
    """

    def __init__(self, descriptor: int, *, marked: bool = True) -> None:
        """Read what directories the depot has.

        Args:
            descriptor: The depot; it is taken over.
            marked: Whether only bases with a mark have streams.
        """
        self.takes_all = not marked
        self._marked = marked
        self._descriptor = descriptor
        info = os.fstat(descriptor)
        self.key = (info.st_dev, info.st_ino)
        self._waiting = set(_directories(descriptor))

    def take(
        self, values: dict[bytes, bytes], info: os.stat_result, file: File, tell: Tell
    ) -> list[FoundStream]:
        """Return the streams of an inode; see ``Form.take``."""
        del file
        directory = directory_of(info.st_dev, info.st_ino)
        is_base = stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)
        mark = values.get(MARK)
        if directory not in self._waiting or not is_base:
            return []
        if self._marked and mark != MARKED:
            tell("stale", f"streams left out: {display(directory)} is of a file deleted before")
            return []
        values.pop(MARK, None)
        self._waiting.discard(directory)
        try:
            return self._streams(directory, tell)
        except OSError as error:
            check_machine(error)
            tell("unreadable", f"streams in {display(directory)} left out: {error.strerror}")
            return []

    def unclaimed(self) -> list[bytes]:
        """Return the directories of which no inode was found so far."""
        return sorted(self._waiting)

    def close(self) -> None:
        """Close the depot."""
        os.close(self._descriptor)

    def _streams(self, directory: bytes, tell: Tell) -> list[FoundStream]:
        descriptor = open_directory(directory, dir_fd=self._descriptor)
        found: dict[bytes, FoundStream] = {}
        try:
            with os.scandir(descriptor) as listing:
                names = sorted(os.fsencode(entry.name) for entry in listing)
            for file in names:
                name = without_type(file[1:])
                try:
                    if not file.startswith(b":") or not is_name(name) or name in found:
                        raise OSError(0, "this is not the name of a stream")
                    found[name] = _stream(name, directory + b"/" + file, file, descriptor)
                except OSError as error:
                    check_machine(error)
                    told = f"{display(directory)}/{display(file)} left out: {error.strerror}"
                    tell("unreadable", told)
        finally:
            os.close(descriptor)
        return [found[name] for name in sorted(found)]


def _stream(name: bytes, path: bytes, file: bytes, at: int) -> FoundStream:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(file, flags, dir_fd=at)
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(0, "is no regular file")
        extents = None
        if info.st_blocks * 512 < info.st_size:
            extents = present(descriptor, info.st_size)
    finally:
        os.close(descriptor)
    place = InFile(path, info.st_dev, info.st_ino, info.st_mtime_ns)
    return FoundStream(name, info.st_size, place, info, extents)


def _directories(depot: int) -> list[bytes]:
    """Return the directories of bases that lie where Samba looks for them."""
    found = []
    for first in _below(depot, b"", _BYTE):
        for second in _below(depot, first + b"/", _BYTE):
            for third in _below(depot, second + b"/", _ID):
                identity = bytes.fromhex(third[6:].decode())
                device = int.from_bytes(identity[:8], "little")
                inode = int.from_bytes(identity[8:], "little")
                if directory_of(device, inode) == third:
                    found.append(third)
    return found


def _below(depot: int, above: bytes, wanted: re.Pattern[bytes]) -> list[bytes]:
    try:
        descriptor = open_directory(above or b".", dir_fd=depot)
    except OSError as error:
        check_machine(error)
        return []
    try:
        with os.scandir(descriptor) as listing:
            names = [os.fsencode(entry.name) for entry in listing]
    finally:
        os.close(descriptor)
    return [above + name for name in names if wanted.fullmatch(name)]


def file_name(name: bytes) -> bytes:
    """Return the name of a stream's file in the directory of its base."""
    return b":" + name + TYPE
