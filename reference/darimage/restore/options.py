"""How to restore."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from darimage.restore.nt_acls import Form
from darimage.restore.wish import Wish

Existing = Literal["fail", "skip", "replace", "newer"]

if TYPE_CHECKING:
    from darimage.drives.model import Drive


@dataclass(frozen=True)
class Options:
    """How to restore.

    Attributes:
        parents: Directories that only lead to what was selected get their attributes back too.
        existing: What becomes of files that are at the destination already (DARI-SAF-005): they
            stay and are reported (``fail``) or not (``skip``), or a whole file takes their place
            (``replace``), if it is newer (``newer``).
        partial: What is not whole takes their place as well, and is marked.
        overwrite_directories: Directories that are there already get their attributes too.
        follow: Symbolic links to directories that are there already stand for these.
        flags: Inode flags are given back.
        owners: Owners are given back, as far as the user may (DARI-SAF-004).
        xattrs: Extended attributes and POSIX ACLs are given back (DARI-XAT-016).
        workers: Processes that make and fill files; few files are always left to one.
        acls: The extended attribute that NT ACLs are given back as (DARI-SDE-013).
        streams: How streams come back.
        drive: What the image is read by; then one process reads it, in the order that is quickest.
    """

    parents: bool = False
    existing: Existing = "fail"
    partial: bool = False
    overwrite_directories: bool = False
    follow: bool = False
    flags: bool = True
    owners: bool = True
    xattrs: bool = True
    workers: int = 1
    acls: Form = "auto"
    streams: Wish = field(default_factory=Wish)
    drive: Drive | None = None
