"""What hangs on an inode besides its data: extended attributes, NT ACLs, streams."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from darimage.errors import FormatError, check_machine
from darimage.faults import Fault
from darimage.showing import display
from darimage.sources import nt_acls
from darimage.sources.scan import Scan
from darimage.sources.streams.choice import Choice, Streams
from darimage.sources.streams.form import File, FoundStream
from darimage.sources.streams.samba_depot import DIRECTORY

_NONE = frozenset({errno.ENOTSUP, errno.ENODATA, errno.ENOENT})
"""The file system has none, one vanished meanwhile, or all did: who reads the data notices that."""


class Wanted(NamedTuple):
    """What of it goes into an image.

    Attributes:
        xattrs: Extended attributes and POSIX ACLs.
        acls: NT ACLs.
        streams: How streams are kept in the source, or that there are none.
    """

    xattrs: bool = True
    acls: bool = True
    streams: Choice = Choice()

    @property
    def anything(self) -> bool:
        """Whether anything at all does."""
        return self.xattrs or self.acls or self.streams.form != "none"


class Attached(NamedTuple):
    """What an inode has.

    Attributes:
        values: Extended attributes by full name.
        trouble: Why one could not be read; empty if all could.
        file: The inode.
    """

    values: dict[bytes, bytes]
    trouble: str = ""
    file: File = -1


class Attachments:
    """Finds what hangs on inodes, and takes it into a scan."""

    def __init__(self, wanted: Wanted, out: Scan, root: int) -> None:
        """Take into ``out`` what is wanted; ``root`` is a descriptor of the source's root."""
        self._wanted = wanted
        self._out = out
        self._nt_acls = nt_acls.NtAcls()
        self._payloads: dict[bytes, bytes] = {}
        self._streams = Streams(wanted.streams, root)

    def look(self, file: File, device: int) -> Attached | None:
        """Return what an inode has; ``None`` for nearly all.

        Args:
            file: Descriptor, or a path whose last name is not followed.
            device: Its ``st_dev``.
        """
        if not self._wanted.anything:
            return None
        form = self._streams.form(device, file)
        try:
            values, trouble = _listed(file)
        except OSError as error:
            check_machine(error)
            values, trouble = {}, _why(error)
        if self._wanted.acls:
            try:
                if (unlisted := self._nt_acls.look(file)) is not None:
                    values[nt_acls.NTFS_3G] = unlisted
            except OSError as error:
                check_machine(error)
                trouble = trouble or f"{os.fsdecode(nt_acls.NTFS_3G)}: {_why(error)}"
        if values or trouble or (form is not None and form.takes_all):
            return Attached(values, trouble, file)
        return None

    def asking(self, directory: int, device: int) -> Callable[[bytes], bool]:
        """Return what tells quickly whether a name of a directory is worth looking at.

        Args:
            directory: Descriptor of the directory, which was looked at last.
            device: Its ``st_dev``.
        """
        form = self._streams.form(device, directory)
        if not self._wanted.anything:
            return _never
        unlisted = self._nt_acls.unlisted or (form is not None and form.takes_all)
        return _always if unlisted else _lists_some

    @property
    def is_one_piece(self) -> bool:
        """Whether all has to be taken by one process: it knows what of a depot nobody claims."""
        return self._streams.depot is not None

    def is_left_out(self, info: os.stat_result) -> bool:
        """Tell whether a directory is not one of the tree: what it holds is taken as streams."""
        depot = self._streams.depot
        return depot is not None and (info.st_dev, info.st_ino) == depot.key

    def take(self, key: int, info: os.stat_result, found: Attached) -> None:
        """Take what an inode has into the scan, and what could not be taken into its faults.

        Args:
            key: Number of the inode, ``~number`` of a directory.
            info: What ``stat`` said of it.
            found: What it has.
        """
        if found.trouble:
            self._fault(key, "xattrs", f"extended attributes not read: {found.trouble}")
        if (form := self._streams.form(info.st_dev, found.file)) is not None:
            tell = partial(self._fault, key)
            for stream in form.take(found.values, info, found.file, tell):
                number = self._out.add_stream(key, stream.name, _row(info, stream), stream.place)
                if stream.extents is not None:
                    self._out.extents[number] = stream.extents
        self._take_nt_acl(key, found.values)
        if found.values and self._wanted.xattrs:
            self._take_xattrs(key, found.values)

    def finish(self) -> None:
        """Tell what nobody claimed, and give up what is held."""
        depot = self._wanted.streams.depot
        for directory in self._streams.unclaimed():
            above = DIRECTORY if depot is None else os.fsencode(depot)
            self._out.skipped.append(above + b"/" + directory)
        self._streams.close()

    def _fault(self, key: int, kind: str, told: str) -> None:
        self._out.faults.append(Fault(kind, told, self._out.key_path(key)))

    def _take_nt_acl(self, key: int, values: dict[bytes, bytes]) -> None:
        """Take an NT ACL out of an inode's extended attributes (DARI-SDE-017)."""
        if not self._wanted.acls:
            nt_acls.drop(values)
            return
        try:
            acl = self._nt_acls.take(values)
        except FormatError as error:
            told = "kept as it is" if self._wanted.xattrs else "left out"
            fault = Fault.of(error, path=self._out.key_path(key))
            self._out.faults.append(fault._replace(message=f"NT ACL {told}: {fault.message}"))
        else:
            if acl is not None:
                self._out.nt_acls[key] = acl

    def _take_xattrs(self, key: int, values: dict[bytes, bytes]) -> None:
        """Take extended attributes and POSIX ACLs (DARI-XAT-012)."""
        # It needs numpy, which most trees never need while they are scanned.
        from darimage.sections import xattrs

        packed = xattrs.pack(values)
        for name in packed.left_out:
            told = f"extended attribute {display(name)} left out: there is no room for it"
            self._out.faults.append(Fault("xattrs", told, self._out.key_path(key)))
        if packed.payload:
            # Many inodes have the same: one object for all of them.
            self._out.xattrs[key] = self._payloads.setdefault(packed.payload, packed.payload)


def _never(_file: bytes) -> bool:
    return False


def _always(_file: bytes) -> bool:
    return True


def _lists_some(file: bytes) -> bool:
    try:
        return bool(os.listxattr(file, follow_symlinks=False))
    except OSError:
        return True


def _listed(file: File) -> tuple[dict[bytes, bytes], str]:
    """Return the extended attributes that a file system tells, and which could not be read."""
    follow = isinstance(file, int)
    values, troubles = {}, []
    for name in os.listxattr(file, follow_symlinks=follow):
        try:
            values[os.fsencode(name)] = os.getxattr(file, name, follow_symlinks=follow)
        except OSError as error:
            check_machine(error)
            if why := _why(error):
                troubles.append(f"{display(os.fsencode(name))}: {why}")
    return values, "; ".join(troubles)


def _why(error: OSError) -> str:
    """Return what to tell of an error, nothing if it says that there is nothing."""
    return "" if error.errno in _NONE else error.strerror or str(error)


def _row(base: os.stat_result, stream: FoundStream) -> tuple[int, ...]:
    """Return the columns of a stream's inode (DARI-STR-014)."""
    own = stream.info
    times = own or base
    return (
        stat.S_IFREG | base.st_mode & 0o777,
        base.st_uid,
        base.st_gid,
        stream.size,
        times.st_atime_ns,
        times.st_mtime_ns,
        times.st_ctime_ns,
        0,
        0,
        0,
        own.st_dev if own else 0,
        own.st_ino if own else 0,
    )
