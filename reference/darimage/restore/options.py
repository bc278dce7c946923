"""How to restore."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from darimage.restore.nt_acls import Form
from darimage.restore.wish import Wish

if TYPE_CHECKING:
    from darimage.drives.model import Drive


@dataclass(frozen=True)
class Options:
    """How to restore.

    Attributes:
        parents: Directories that only lead to what was selected get their attributes back too.
        overwrite: Files that are at the destination already are replaced (DARI-SAF-005).
        owners: Owners are given back, as far as the user may (DARI-SAF-004).
        xattrs: Extended attributes and POSIX ACLs are given back (DARI-XAT-016).
        workers: Processes that make and fill files; few files are always left to one.
        acls: The extended attribute that NT ACLs are given back as (DARI-SDE-013).
        streams: How streams come back.
        drive: What the image is read by; then one process reads it, in the order that is quickest.
    """

    parents: bool = False
    overwrite: bool = False
    owners: bool = True
    xattrs: bool = True
    workers: int = 1
    acls: Form = "auto"
    streams: Wish = field(default_factory=Wish)
    drive: Drive | None = None
