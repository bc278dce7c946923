"""Giving back owner, mode, times, extended attributes and NT ACL, in this order (DARI-SAF-004).

Changing the owner takes set-uid away and changing the mode sets no time, so each step leaves alone
what the ones before it did. Set-uid and set-gid bits are given only to a file that got its owner.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from darimage.restore.extended import NOTHING, Missed, Values, clear, give_first, give_last
from darimage.restore.nt_acls import NtAclGiver, Refusals
from darimage.restore.target import PRIVATE_FILE, TargetError, failure

if TYPE_CHECKING:
    from darimage.image.inode import Inode

SET_ID = stat.S_ISUID | stat.S_ISGID

_NOT_GIVEN_AWAY = (
    "belongs to who runs this: only root may give files to others (--no-owner says that is meant)"
)
_NO_SET_ID = "has no set-uid or set-gid here, as it has another owner"

NO_ID = 0xFFFFFFFF
"""What ``chown`` takes for "leave it": no file can belong to it."""


@dataclass(frozen=True)
class Rights:
    """What this run may and should give back.

    Attributes:
        owners: Whether owners are given back at all.
        privileged: Whether failing to do so is a fault; others may own files here only.
        xattrs: Whether extended attributes and POSIX ACLs are given back.
        inherited: Whether what was made may have a POSIX ACL that it should not have.
        nt_acls: Gives NT ACLs back, after all else; keeps account itself of what is refused.
    """

    owners: bool
    privileged: bool
    xattrs: bool = True
    inherited: bool = False
    nt_acls: NtAclGiver | None = None

    @classmethod
    def of_this_process(
        cls, *, owners: bool, xattrs: bool = True, nt_acls: NtAclGiver | None = None
    ) -> Rights:
        """Return the rights of whoever runs this."""
        return cls(owners, os.geteuid() == 0, xattrs, nt_acls=nt_acls)

    def give(
        self,
        file: int | str,
        status: os.stat_result,
        wanted: Inode,
        missed: Missed,
        values: Values = NOTHING,
        *,
        acl_lost: bool = False,
    ) -> str:
        """Give a file its attributes.

        Args:
            file: Descriptor of it, or a path that leads to nothing else.
            status: What ``fstat`` said of it.
            wanted: Inode that has them; the mode of a symbolic link is ignored.
            missed: Told of extended attributes that this user may not set, or nobody here.
            values: Extended attributes.
            acl_lost: Whether a POSIX ACL may be missing among them: then the group's bits of the
                mode may be its mask, and are not given (DARI-XAT-015).

        Returns:
            What could not be given, in one line; empty if all could.
        """
        if self.xattrs and self.inherited:
            clear(file, wanted.number, missed)
        trouble = give_first(file, values, wanted.number, missed) if values else ""
        mode, owned, failed = wanted.mode & 0o7777, self.owners, ""
        if owned and (status.st_uid != wanted.uid or status.st_gid != wanted.gid):
            failed = self._own(file, wanted)
            trouble = _joined(trouble, failed)
            owned = not failed and self._owns(file, wanted)
            if not owned and not failed:
                missed.drop("owners", _NOT_GIVEN_AWAY, wanted.number)
        if not owned and mode & SET_ID:
            mode &= ~SET_ID
            if self.owners and not failed and stat.S_ISREG(wanted.mode):
                missed.drop("set-id", _NO_SET_ID, wanted.number)
        if acl_lost:
            mode &= ~stat.S_IRWXG
        try:
            if not stat.S_ISLNK(status.st_mode):
                os.chmod(file, mode)
            os.utime(file, ns=(wanted.atime_ns, wanted.mtime_ns))
        except OSError as error:
            trouble = _joined(trouble, failure(error, "mode or times not set"))
        if values:
            failed = give_last(file, values, wanted.number, missed, owned=owned)
            trouble = _joined(trouble, failed)
        if self.nt_acls is not None:
            self.nt_acls.give(file, wanted.number)
        return trouble

    def mark(self, file: int, wanted: Inode, missed: Missed) -> None:
        """Leave a file that is not whole to its owner alone, without attributes (DARI-RST-006).

        Args:
            file: Descriptor of it.
            wanted: Its inode.
            missed: Told of a POSIX ACL that it got from its directory and that is left.
        """
        if self.xattrs and self.inherited:
            clear(file, wanted.number, missed)
        with contextlib.suppress(OSError):
            os.fchmod(file, wanted.mode & PRIVATE_FILE)

    def refusals(self) -> Refusals:
        """Return the NT ACLs that were refused since this was asked last."""
        return Refusals() if self.nt_acls is None else self.nt_acls.taken()

    def _own(self, file: int | str, wanted: Inode) -> str:
        """Change the owner; return what went wrong if that is a fault."""
        if NO_ID in (wanted.uid, wanted.gid):
            trouble = f"owner {wanted.uid}:{wanted.gid} not set: no such number can be"
            return trouble if self.privileged else ""
        try:
            os.chown(file, wanted.uid, wanted.gid)
        except OSError as error:
            if self.privileged:
                return str(failure(error, f"owner {wanted.uid}:{wanted.gid} not set"))
            # The group alone can be given if it is one of the user's own.
            with contextlib.suppress(OSError):
                os.chown(file, -1, wanted.gid)
        return ""

    def _owns(self, file: int | str, wanted: Inode) -> bool:
        """Tell whether the owner is the wanted one after ``_own`` had no trouble."""
        if self.privileged:
            return True
        status = os.stat(file)
        return status.st_uid == wanted.uid and status.st_gid == wanted.gid

    def give_by_name(
        self,
        directory: int,
        name: bytes,
        wanted: Inode,
        missed: Missed,
        values: Values = NOTHING,
        *,
        acl_lost: bool = False,
    ) -> str:
        """Give attributes to a symbolic link, fifo, socket or device just made.

        Returns:
            What could not be given, in one line; empty if all could.
        """
        try:
            fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        except OSError as error:
            return str(failure(error, "attributes not set"))
        try:
            status = os.fstat(fd)
            if stat.S_IFMT(status.st_mode) != stat.S_IFMT(wanted.mode) or status.st_nlink != 1:
                return "was replaced by another file during the run"
            # Opening these otherwise would have effects; this name leads to just what is open.
            path = f"/proc/self/fd/{fd}"
            return self.give(path, status, wanted, missed, values, acl_lost=acl_lost)
        finally:
            os.close(fd)


def _joined(first: str, second: str | TargetError) -> str:
    return "; ".join(text for text in (first, str(second)) if text)
