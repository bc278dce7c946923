"""Where streams come back to: the forms of Samba and of ntfs-3g, or files beside (chapter 72)."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

from darimage.restore.extended import Missed
from darimage.restore.target import PRIVATE_FILE, TargetError, failure
from darimage.showing import display
from darimage.sources.streams.form import TYPE
from darimage.sources.streams.ntfs import PREFIX as NTFS_PREFIX
from darimage.sources.streams.ntfs import open_beside
from darimage.sources.streams.samba_depot import MARK, MARKED, directory_of, file_name
from darimage.sources.streams.samba_xattr import FURTHER, PREFIX

if TYPE_CHECKING:
    from darimage.image.inode import Inode
    from darimage.restore.attributes import Rights
    from darimage.restore.plan import Plan
    from darimage.restore.target import Target

VALUE_MAX = 65536
"""Bytes of the value of one extended attribute, on Linux."""

VALUES_MAX = 16
"""Attributes that Samba takes for one stream at most."""

_PATIENCE = (0.05, 0.2, 0.5, 0.6)
"""Seconds; FUSE keeps names for one by default."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TOO_BIG = frozenset({errno.ENOSPC, errno.E2BIG, errno.ERANGE, errno.EDQUOT})


class NoPlaceError(TargetError):
    """No stream at all can come back this way."""


class Base(NamedTuple):
    """A file or directory that is back, and whose streams are to come back.

    Attributes:
        number: Inode number in the image.
        fd: Descriptor of it, good for nothing but to name it if it is no directory.
        parent: Descriptor of the directory it is in; its own for the destination itself.
        place: Inode number of that directory, and its name; no name for the destination.
        inode: What the image says of it.
    """

    number: int
    fd: int
    parent: int
    place: tuple[int, bytes]
    inode: Inode

    @property
    def path(self) -> bytes:
        """A name that leads to just this file."""
        return b"/proc/self/fd/%d" % self.fd

    @property
    def is_directory(self) -> bool:
        """Whether it is one."""
        return self.inode.is_directory


class Stream(Protocol):
    """A stream to bring back.

    Attributes:
        name: Its name.
        inode: What the image says of it.
    """

    name: bytes
    inode: Inode

    def data(self) -> bytes:
        """Return all of it.

        Raises:
            TargetError: Not all of it can be had.
        """
        ...

    def write(self, fd: int) -> None:
        """Write all of it to an empty file, with its holes.

        Raises:
            TargetError: Not all of it can be had, or be written.
        """
        ...


class Form(Protocol):
    """A way of keeping streams."""

    def put(self, base: Base, stream: Stream) -> None:
        """Bring back a stream.

        Raises:
            TargetError: It cannot be brought back.
        """
        ...

    def close(self) -> None:
        """Give up what is held."""
        ...


class _Attributes:
    """Streams in extended attributes of the base."""

    def __init__(self, *, overwrite: bool) -> None:
        self._flags = 0 if overwrite else os.XATTR_CREATE

    def close(self) -> None:
        """Nothing is held."""

    def _set(self, base: Base, values: dict[bytes, bytes]) -> None:
        """Set all of some attributes, or none."""
        done: list[bytes] = []
        try:
            with _writable(base):
                for name, value in values.items():
                    os.setxattr(base.path, name, value, self._flags)
                    done.append(name)
        except OSError as error:
            for name in done:
                with contextlib.suppress(OSError):
                    os.removexattr(base.path, name)
            raise _refusal(error, sum(map(len, values.values()))) from error


class SambaXattr(_Attributes):
    """As Samba's module streams_xattr keeps them."""

    def put(self, base: Base, stream: Stream) -> None:
        """Bring back a stream; see ``Form.put``."""
        room = VALUES_MAX * VALUE_MAX - 1
        if stream.inode.size > room:
            raise _too_big(stream.inode.size)
        self._set(base, samba_values(stream.name, stream.data()))


def samba_values(name: bytes, data: bytes) -> dict[bytes, bytes]:
    """Return the attributes that Samba keeps a stream in; more than one only if one will not do."""
    cuts = range(VALUE_MAX - 1, len(data), VALUE_MAX)
    values = {PREFIX + name + TYPE: data[: VALUE_MAX - 1] + bytes([len(cuts)])}
    for number, at in enumerate(cuts, 1):
        values[FURTHER + b"%d." % number + name + TYPE] = data[at : at + VALUE_MAX]
    return values


class NtfsXattr(_Attributes):
    """As ntfs-3g shows them with ``streams_interface=xattr``."""

    def put(self, base: Base, stream: Stream) -> None:
        """Bring back a stream; see ``Form.put``."""
        if stream.inode.size > VALUE_MAX:
            told = "only a mount with streams_interface=windows takes more than 65,536"
            raise TargetError("streams", f"{stream.inode.size} bytes are too many: {told}")
        self._set(base, {NTFS_PREFIX + stream.name: stream.data()})


class NtfsWindows:
    """As ntfs-3g has them with ``streams_interface=windows``."""

    def __init__(self, *, overwrite: bool) -> None:
        """Make new streams only, or replace those that are there."""
        self._flags = _NEW & ~os.O_EXCL | os.O_TRUNC if overwrite else _NEW

    def put(self, base: Base, stream: Stream) -> None:
        """Bring back a stream; see ``Form.put``."""
        if b":" in stream.name:
            raise TargetError("streams", "NTFS takes no name with a colon")
        try:
            fd = self._open(base, stream.name)
        except FileExistsError:
            raise _exists() from None
        except OSError as error:
            raise failure(error, "cannot be made") from error
        try:
            stream.write(fd)
        finally:
            os.close(fd)
            # Writing a stream changes the time of its file.
            with contextlib.suppress(OSError):
                os.utime(base.path, ns=(base.inode.atime_ns, base.inode.mtime_ns))

    def close(self) -> None:
        """Nothing is held."""

    def _open(self, base: Base, stream: bytes) -> int:
        if base.is_directory:
            return open_beside(base.fd, b":" + stream, self._flags)
        for pause in _PATIENCE:
            try:
                return os.open(base.place[1] + b":" + stream, self._flags, dir_fd=base.parent)
            except FileNotFoundError:
                # The kernel still takes the name for a stream of the file that was replaced.
                time.sleep(pause)
        return os.open(base.place[1] + b":" + stream, self._flags, dir_fd=base.parent)


class SambaDepot:
    """As Samba's module streams_depot keeps them."""

    def __init__(self, descriptor: int, rights: Rights, *, overwrite: bool) -> None:
        """Take over a descriptor of the depot."""
        self._depot = descriptor
        self._rights = rights
        self._overwrite = overwrite
        self._made: set[int] = set()

    def put(self, base: Base, stream: Stream) -> None:
        """Bring back a stream; see ``Form.put``."""
        fd = self._directory(base)
        try:
            _put_file(fd, file_name(stream.name), stream, self._rights, overwrite=self._overwrite)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Close the depot."""
        os.close(self._depot)

    def _directory(self, base: Base) -> int:
        """Return a descriptor of the directory for a base, made if it is not there."""
        status = os.fstat(base.fd)
        fd = os.dup(self._depot)
        names = directory_of(status.st_dev, status.st_ino).split(b"/")
        for name in names:
            try:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=fd)
                below = os.open(name, _DIRECTORY, dir_fd=fd)
            except OSError as error:
                raise failure(error, f"depot: {display(name)} cannot be made") from error
            finally:
                os.close(fd)
            fd = below
        if base.number not in self._made:
            self._begin(base, fd)
            self._made.add(base.number)
        return fd

    def _begin(self, base: Base, fd: int) -> None:
        """Make sure that what is in the directory of a base belongs to it, and mark the base."""
        try:
            left = os.listdir(fd) if not base.is_directory else []
            if left and not self._overwrite:
                os.close(fd)
                told = "depot: streams of a file deleted before are in its place"
                raise TargetError("exists", f"{told} (--overwrite replaces them)")
            for name in left:
                os.unlink(name, dir_fd=fd)
            with _writable(base):
                os.setxattr(base.path, MARK, MARKED)
        except OSError as error:
            os.close(fd)
            raise failure(error, "depot: its file cannot be marked") from error


class Beside:
    """As plain files ``path/name:stream`` below a directory."""

    def __init__(self, target: Target, plan: Plan, rights: Rights) -> None:
        """Put files below a target; directories are made as they are needed."""
        self._target = target
        self._plan = plan
        self._rights = rights
        self._made = {plan.root}

    def put(self, base: Base, stream: Stream) -> None:
        """Bring back a stream; see ``Form.put``."""
        parent, name = base.place
        self._lead_to(parent)
        _put_file(
            self._target.directory(parent),
            name + b":" + stream.name,
            stream,
            self._rights,
            overwrite=self._target.overwrite,
        )

    def close(self) -> None:
        """Close the target."""
        self._target.close()

    def _lead_to(self, number: int) -> None:
        """Make the directories down to one."""
        missing = []
        while number not in self._made:
            missing.append(number)
            number = self._plan.places[number][0]
        for made in reversed(missing):
            self._target.make_directory(*self._plan.places[made], 0o777)
            self._made.add(made)


def _put_file(
    directory: int, name: bytes, stream: Stream, rights: Rights, *, overwrite: bool
) -> None:
    """Make a file with the data and the attributes of a stream; there is none if that fails.

    One that it may replace stays until the new one is whole (DARI-RST-006).
    """
    made = b".darimage-" + os.urandom(6).hex().encode() if overwrite else name
    try:
        fd = os.open(made, _NEW, PRIVATE_FILE, dir_fd=directory)
    except FileExistsError:
        raise _exists() from None
    except OSError as error:
        raise failure(error, "cannot be made") from error
    try:
        stream.write(fd)
        trouble = rights.give(fd, os.fstat(fd), stream.inode, Missed())
        if overwrite:
            os.rename(made, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(made, dir_fd=directory)
        raise
    finally:
        os.close(fd)
    if trouble:
        raise TargetError("attributes", trouble)


@contextlib.contextmanager
def _writable(base: Base) -> Iterator[None]:
    """Let a file that its owner may not write be written to for a while."""
    mode = stat.S_IMODE(os.fstat(base.fd).st_mode)
    if mode & stat.S_IWUSR or os.geteuid() == 0:
        yield
        return
    os.chmod(base.path, mode | stat.S_IWUSR)
    try:
        yield
    finally:
        os.chmod(base.path, mode)


def _refusal(error: OSError, size: int) -> TargetError:
    """Return why attributes were not taken."""
    if error.errno == errno.EEXIST:
        return _exists()
    if error.errno in _TOO_BIG:
        return _too_big(size)
    if error.errno == errno.ENOTSUP:
        told = "there are no extended attributes here for streams"
        return NoPlaceError("streams", f"{told} (--streams beside=DIR keeps them)")
    return TargetError("streams", f"cannot be set: {error.strerror}")


def _too_big(size: int) -> TargetError:
    told = f"{size} bytes do not fit into extended attributes here"
    return TargetError("streams", f"{told} (--streams depot or beside=DIR keeps them)")


def _exists() -> TargetError:
    return TargetError("exists", "exists (--overwrite replaces it)")
