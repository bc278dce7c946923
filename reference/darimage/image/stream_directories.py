"""Part 5 of an image that is made: a stream directory for each inode with streams (chapter 72)."""

from __future__ import annotations

import stat

from darimage.image.inventory import Inventory, StreamPlace
from darimage.sections import streams
from darimage.sections.streams import StreamDirectory, StreamEntry


def payload(inventory: Inventory, identity: bytes) -> bytes:
    """Return the payload of the stream section of an image with an ``image_id``."""
    return streams.encode((_directory(inventory, place) for place in inventory.streams), identity)


def _directory(inventory: Inventory, place: StreamPlace) -> StreamDirectory:
    """Return a stream directory, whose owner and times are those of its base (DARI-STR-015)."""
    row = place.row
    return StreamDirectory(
        number=place.number,
        base=int(inventory.inode[row]),
        mode=stat.S_IFDIR | int(inventory.mode[row]) & 0o777,
        uid=int(inventory.uid[row]),
        gid=int(inventory.gid[row]),
        atime_ns=int(inventory.atime_ns[row]),
        mtime_ns=int(inventory.mtime_ns[row]),
        ctime_ns=int(inventory.ctime_ns[row]),
        birthtime_ns=int(inventory.birthtime_ns[row]),
        entries=[StreamEntry(name, inode) for name, inode in place.entries],
    )
