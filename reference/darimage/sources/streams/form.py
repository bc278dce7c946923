"""What all forms of keeping streams have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple, Protocol

from darimage.errors import FormatError
from darimage.sections.names import check_stream_name
from darimage.sources.scan import Ranges

Tell = Callable[[str, str], None]
"""Takes the kind of a fault and a line: what could not be taken in."""

File = bytes | int
"""A base: descriptor of a directory, or a path whose last name is not followed."""

TYPE = b":$DATA"
"""What sources put behind the name of a stream; images do not (DARI-STR-009)."""


class InAttributes(NamedTuple):
    """A place: values of extended attributes of the base, one behind the other.

    Attributes:
        names: Full names of the attributes.
        trailer: Bytes at the end of the first value that are no data.
        crc32c: CRC-32C of the data.
    """

    names: tuple[bytes, ...]
    trailer: int
    crc32c: int


class InFile(NamedTuple):
    """A place: a file of its own.

    Attributes:
        path: In the depot; or what follows the name of the base, a colon first.
        device: Its ``st_dev``.
        inode: Its ``st_ino``.
        mtime_ns: Its time of modification.
    """

    path: bytes
    device: int
    inode: int
    mtime_ns: int

    @property
    def beside(self) -> bool:
        """Whether the path follows the name of the base."""
        return self.path.startswith(b":")


Place = InAttributes | InFile


class FoundStream(NamedTuple):
    """A stream that a source has.

    Attributes:
        name: Bytes, as an image has it.
        size: Bytes of its data.
        place: Where the data is.
        info: What ``stat`` says of it, if it is a file of its own; else it has what its base has.
        extents: Where the data is if it has holes.
    """

    name: bytes
    size: int
    place: Place
    info: os.stat_result | None = None
    extents: Ranges | None = None


class Form(Protocol):
    """A way of keeping streams.

    Attributes:
        takes_all: Inodes without extended attributes may have streams too.
    """

    takes_all: bool

    def take(
        self, values: dict[bytes, bytes], info: os.stat_result, file: File, tell: Tell
    ) -> list[FoundStream]:
        """Return the streams of an inode, each name once, sorted.

        Args:
            values: All extended attributes by full name; those that are part of a stream are
                taken out. What cannot be a stream stays in, so nothing gets lost.
            info: What ``stat`` says of the inode.
            file: The inode.
            tell: Told what could not be taken in.
        """
        ...


def without_type(name: bytes) -> bytes:
    """Return the name of a stream without the type that may follow it."""
    return name[: -len(TYPE)] if name[-len(TYPE) :].upper() == TYPE else name


def is_name(name: bytes) -> bool:
    """Tell whether an image can hold a stream of this name (DARI-STR-009)."""
    try:
        check_stream_name(name)
    except FormatError:
        return False
    return True
