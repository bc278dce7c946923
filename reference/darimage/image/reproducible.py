"""What an image takes from its tree instead of from the clock (DARI-VOL-003).

Two images of one tree that has not changed are then the same bytes.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import numpy as np

from darimage.errors import UsageError
from darimage.image.inventory import Inventory
from darimage.sections.header import Identity

_NS = 1_000_000_000
_COLUMNS = (
    "inode",
    "mode",
    "uid",
    "gid",
    "rdev",
    "size",
    "mtime_ns",
    "ctime_ns",
    "birthtime_ns",
    "source_device",
    "source_inode",
)


def settle(inventory: Inventory, identity: Identity) -> Identity:
    """Let access times be those of the last change, and return an identity made from the tree.

    The date is ``SOURCE_DATE_EPOCH``, or that of the newest change in the tree; the UUID follows
    from attributes, names, links and all else that is known before data is read.

    Raises:
        UsageError: ``SOURCE_DATE_EPOCH`` is no number.
    """
    # Making an image may change them: reading a symbolic link does.
    inventory.atime_ns = inventory.mtime_ns
    dated = replace(identity, date=_date(inventory), host=b"")
    return replace(dated, uuid=_uuid(inventory, dated))


def _date(inventory: Inventory) -> int:
    said = os.environ.get("SOURCE_DATE_EPOCH")
    if said is None:
        return max(0, int(np.maximum(inventory.mtime_ns, inventory.ctime_ns).max()) // _NS)
    try:
        return int(said)
    except ValueError:
        raise UsageError(f"SOURCE_DATE_EPOCH is {said!r}, not a number of seconds") from None


def _uuid(inventory: Inventory, identity: Identity) -> bytes:
    """Return a UUID of version 8 (RFC 9562), made from a hash."""
    scan = inventory.scan
    hashed = hashlib.sha256()
    rest = (
        replace(identity, uuid=b""),
        sorted(scan.links.items()),
        sorted(scan.extents.items()),
        sorted(inventory.attributes.items()),
        sorted(inventory.nt_acls.items()),
        inventory.streams,
    )
    hashed.update(repr(rest).encode())
    for name in _COLUMNS:
        hashed.update(getattr(inventory, name).astype("<i8").tobytes())
    hashed.update(np.frombuffer(scan.targets, np.int64).astype("<i8").tobytes())
    hashed.update(b"/".join(scan.names))
    made = bytearray(hashed.digest()[:16])
    made[6] = 0x80 | made[6] & 0x0F
    made[8] = 0x80 | made[8] & 0x3F
    return bytes(made)
