"""Giving back owner, mode and times, in this order (DARI-SAF-004).

Changing the owner takes set-uid away and changing the mode sets no time, so each step leaves alone
what the ones before it did. Set-uid and set-gid bits are given only to a file that got its owner.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import NamedTuple

from darimage.restore.target import TargetError, failure

SET_ID = stat.S_ISUID | stat.S_ISGID

NO_ID = 0xFFFFFFFF
"""What ``chown`` takes for "leave it": no file can belong to it."""


class Attributes(NamedTuple):
    """What a file is given back.

    Attributes:
        mode: As ``st_mode``; the file type is not looked at.
        uid: Owner.
        gid: Group.
        atime_ns: Last access, nanoseconds since 1970.
        mtime_ns: Last modification, likewise.
    """

    mode: int
    uid: int
    gid: int
    atime_ns: int
    mtime_ns: int


@dataclass(frozen=True)
class Rights:
    """What this run may and should give back.

    Attributes:
        owners: Whether owners are given back at all.
        privileged: Whether failing to do so is a fault; others may own files here only.
    """

    owners: bool
    privileged: bool

    @classmethod
    def of_this_process(cls, *, owners: bool) -> Rights:
        """Return the rights of whoever runs this."""
        return cls(owners, os.geteuid() == 0)

    def give(self, fd: int, status: os.stat_result, wanted: Attributes) -> str:
        """Give an open file or directory its attributes.

        Args:
            fd: Descriptor of it.
            status: What ``fstat`` said of it.
            wanted: Attributes to give.

        Returns:
            What could not be given, in one line; empty if all could.
        """
        trouble = ""
        mode = wanted.mode & 0o7777
        if not self.owners:
            mode &= ~SET_ID
        elif status.st_uid != wanted.uid or status.st_gid != wanted.gid:
            trouble = self._own(fd, wanted)
            if trouble or not self._owned(fd, wanted):
                mode &= ~SET_ID
        try:
            os.fchmod(fd, mode)
            os.utime(fd, ns=(wanted.atime_ns, wanted.mtime_ns))
        except OSError as error:
            trouble = _joined(trouble, failure(error, "mode or times not set"))
        return trouble

    def _own(self, fd: int, wanted: Attributes) -> str:
        """Change the owner; return what went wrong if that is a fault."""
        if NO_ID in (wanted.uid, wanted.gid):
            return f"owner {wanted.uid}:{wanted.gid} not set: no such number can be"
        try:
            os.fchown(fd, wanted.uid, wanted.gid)
        except OSError as error:
            if self.privileged:
                return str(failure(error, f"owner {wanted.uid}:{wanted.gid} not set"))
            self._give_group(fd, wanted.gid)
        return ""

    def _give_group(self, fd: int, gid: int) -> None:
        """Give at least the group, which works if it is one of the user's own."""
        try:
            os.fchown(fd, -1, gid)
        except OSError:
            return

    def _owned(self, fd: int, wanted: Attributes) -> bool:
        """Tell whether the owner is the wanted one; ``privileged`` got it or an error."""
        if self.privileged:
            return True
        status = os.fstat(fd)
        return status.st_uid == wanted.uid and status.st_gid == wanted.gid

    def give_by_name(self, directory: int, name: bytes, wanted: Attributes) -> str:
        """Give attributes to a symbolic link, fifo, socket or device just made.

        Returns:
            What could not be given, in one line; empty if all could.
        """
        # Nothing but O_PATH opens these without effect; what needs a path goes through /proc.
        try:
            fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        except OSError as error:
            return str(failure(error, "attributes not set"))
        try:
            return self._give_node(fd, directory, name, wanted)
        finally:
            os.close(fd)

    def _give_node(self, fd: int, directory: int, name: bytes, wanted: Attributes) -> str:
        status = os.fstat(fd)
        if stat.S_IFMT(status.st_mode) != stat.S_IFMT(wanted.mode):
            return "was replaced by another file during the run"
        trouble, mode = "", wanted.mode & 0o7777
        if not self.owners:
            mode &= ~SET_ID
        elif (status.st_uid, status.st_gid) != (wanted.uid, wanted.gid):
            trouble = self._own_node(directory, name, wanted)
            mode &= ~SET_ID if trouble or not self.privileged else mode
        try:
            if not stat.S_ISLNK(status.st_mode):
                os.chmod(f"/proc/self/fd/{fd}", mode)
            times = (wanted.atime_ns, wanted.mtime_ns)
            os.utime(name, ns=times, dir_fd=directory, follow_symlinks=False)
        except OSError as error:
            trouble = _joined(trouble, failure(error, "mode or times not set"))
        return trouble

    def _own_node(self, directory: int, name: bytes, wanted: Attributes) -> str:
        if NO_ID in (wanted.uid, wanted.gid):
            return f"owner {wanted.uid}:{wanted.gid} not set: no such number can be"
        try:
            os.chown(name, wanted.uid, wanted.gid, dir_fd=directory, follow_symlinks=False)
        except OSError as error:
            if self.privileged:
                return str(failure(error, f"owner {wanted.uid}:{wanted.gid} not set"))
        return ""


def _joined(first: str, second: TargetError) -> str:
    return f"{first}; {second}" if first else str(second)
