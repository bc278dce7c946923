"""Writing below a destination, and never anywhere else (DARI-SAF-002).

Every directory is opened by one name relative to the descriptor of its parent, without following
symbolic links; there are no paths, so none is too long and none can lead out. Descriptors of
directories are kept in a bounded cache and opened again by walking from the destination's own.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from darimage.errors import StorageError
from darimage.restore.extended import hands_down
from darimage.restore.options import Existing
from darimage.sections.names import check_name

PRIVATE_DIRECTORY = 0o700
"""Mode of a directory that is being filled."""

PRIVATE_FILE = 0o600
"""Mode of a file that is not whole yet."""

DESCRIPTORS = 128
"""Directories that are held open at most."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_FLAGGED = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

#: After these nothing more can be written: the run ends.
_FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})

Place = tuple[int, bytes]
"""Number of the directory that holds a name, and the name."""


KEPT = "is there already and is kept: what the image has of it is not whole"


class DestinationError(StorageError):
    """Nothing more can be written: no space, a broken disk, ..."""


class TargetError(Exception):
    """One thing could not be made or written; what and why in one line.

    Attributes:
        kind: A short word, as for a ``Fault``.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class SkippedError(TargetError):
    """What is there stays, as was asked for."""

    def __init__(self) -> None:
        super().__init__("skipped", "is there already, and stays")


@dataclass
class Replacement:
    """A file that is made beside one that it may replace.

    Attributes:
        fd: Descriptor of it.
        status: What it is like.
        is_whole: Whether it is to take the place of the other when done with.
    """

    fd: int
    status: os.stat_result
    is_whole: bool = False


class Target:
    """A destination directory and the directories of an image below it.

    Directories go by their inode numbers in the image. Not safe for threads; a forked process may
    go on with its copy.

    Attributes:
        overwrite: Whether what is there already is replaced by what is whole (DARI-SAF-005).
        existing: What becomes of it.
        is_new: Whether the destination was made now.
        inherited: Whether what is made here may have got a POSIX ACL from a directory that was
            there before.
    """

    def __init__(
        self,
        root: int,
        place: Callable[[int], Place],
        *,
        root_number: int = 2,
        existing: Existing = "fail",
        follow: bool = False,
        descriptors: int = DESCRIPTORS,
    ) -> None:
        """Take over the descriptor of the destination.

        Args:
            root: Descriptor of the destination.
            place: Gives for a directory's number the number of its parent, and its name.
            root_number: The number of the destination itself.
            existing: What becomes of what is there already.
            follow: Symbolic links to directories that are there already stand for these.
            descriptors: Directories to hold open at most, besides the destination.
        """
        self.existing = existing
        self.overwrite = existing in ("replace", "newer")
        self._follow = follow
        self.is_new = False
        self.inherited = hands_down(root)
        self._place = place
        self._root_number = root_number
        self._root = root
        self._limit = max(2, descriptors)
        self._open: OrderedDict[int, int] = OrderedDict()
        self._last = (root_number, root)
        self._user = os.geteuid()
        self._is_user_known = False

    @classmethod
    def at(
        cls,
        destination: str | bytes | os.PathLike[str],
        place: Callable[[int], Place],
        *,
        root_number: int = 2,
        mode: int = 0o777,
        existing: Existing = "fail",
        follow: bool = False,
        descriptors: int = DESCRIPTORS,
    ) -> Self:
        """Open a destination; it is made with ``mode`` if it is not there, its parent is not.

        Raises:
            StorageError: It cannot be made or opened, or is not a directory.
        """
        is_new = False
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(destination, mode)
                is_new = True
            root = os.open(destination, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError.of(error, os.fsdecode(destination)) from error
        made = cls(
            root,
            place,
            root_number=root_number,
            existing=existing,
            follow=follow,
            descriptors=descriptors,
        )
        made.is_new = is_new
        return made

    def directory(self, number: int) -> int:
        """Return the descriptor of a directory, good until the next call.

        Raises:
            TargetError: Something that is no directory is in its place, or it is gone.
        """
        if number == self._last[0]:
            return self._last[1]
        found = self._open.get(number)
        if found is not None:
            self._open.move_to_end(number)
            self._last = (number, found)
            return found
        if number == self._root_number:
            return self._root
        found = self._walk_to(number)
        self._last = (number, found)
        return found

    def _walk_to(self, number: int) -> int:
        missing: dict[int, bytes] = {}
        here = number
        while here not in self._open and here != self._root_number:
            parent, name = self._place(here)
            if here in missing:
                raise TargetError("format", "its directories lead round in a circle")
            missing[here] = name
            here = parent
        fd = self.directory(here)
        for at, name in reversed(missing.items()):
            fd = self._open_below(fd, name)
            self._open[at] = fd
            if len(self._open) > self._limit:
                os.close(self._open.popitem(last=False)[1])
                self._last = (self._root_number, self._root)
        return fd

    def _open_below(self, parent: int, name: bytes) -> int:
        check_name(name)
        try:
            return os.open(name, _DIRECTORY, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                if self._follow:
                    # All directories are made before any link of the image is.
                    with contextlib.suppress(OSError):
                        return os.open(name, _DIRECTORY & ~os.O_NOFOLLOW, dir_fd=parent)
                raise TargetError("blocked", _in_the_way(parent, name)) from error
            raise failure(error, "cannot be opened") from error

    def make_directory(self, parent: int, name: bytes, mode: int) -> bool:
        """Make a directory; one that is there already is kept as it is.

        Returns:
            Whether it was there already.

        Raises:
            TargetError: Something that is no directory is in its place, or it cannot be made.
        """
        check_name(name)
        fd = self.directory(parent)
        try:
            os.mkdir(name, mode, dir_fd=fd)
        except FileExistsError:
            there = self._open_below(fd, name)
            self.inherited = self.inherited or hands_down(there)
            os.close(there)
            return True
        except OSError as error:
            raise failure(error, "cannot be made") from error
        return False

    def make_file(self, parent: int, name: bytes) -> bool:
        """Make an empty regular file that only its owner may open (DARI-RST-001).

        Returns:
            Whether it was made; if not, another one is there, which may be replaced by a whole one
            (``beside``).

        Raises:
            TargetError: It cannot be made, or something is there that may not be replaced.
        """
        check_name(name)
        fd = self.directory(parent)
        try:
            # One call that neither opens nor follows anything, and fails if the name is taken.
            os.mknod(name, stat.S_IFREG | PRIVATE_FILE, dir_fd=fd)
        except FileExistsError:
            self._check_replaced(fd, name)
            return False
        except OSError as error:
            raise failure(error, "cannot be made") from error
        return True

    def make_node(
        self, parent: int, name: bytes, kind: int, device: int = 0, *, mtime_ns: int = 0
    ) -> None:
        """Make a file, fifo, socket or device of file type ``kind`` (``S_IFIFO``, ...).

        ``mtime_ns`` is when it was changed, of which ``newer`` depends.
        """

        def make(new: bytes, fd: int) -> None:
            os.mknod(new, kind | PRIVATE_FILE, device, dir_fd=fd)

        self._make(parent, name, make, mtime_ns=mtime_ns)

    def make_symlink(self, parent: int, name: bytes, target: bytes, *, mtime_ns: int = 0) -> None:
        """Make a symbolic link; its target is stored, never looked at. ``mtime_ns`` as above."""

        def make(new: bytes, fd: int) -> None:
            os.symlink(target, new, dir_fd=fd)

        self._make(parent, name, make, mtime_ns=mtime_ns)

    def is_older(self, parent: int, name: bytes, mtime_ns: int) -> bool:
        """Tell whether what is there may be replaced by what was changed at a time."""
        if self.existing != "newer":
            return True
        try:
            there = os.stat(name, dir_fd=self.directory(parent), follow_symlinks=False)
        except OSError:
            return True
        return there.st_mtime_ns < mtime_ns

    def make_link(
        self, parent: int, name: bytes, source: Place, *, may_replace: bool = True
    ) -> None:
        """Make one more name for a file made before.

        Args:
            parent: The directory of the new name.
            name: The new name.
            source: The old one.
            may_replace: Whether the file is whole, and so may take the place of another.
        """
        old_parent, old_name = source
        # The other directory's descriptor may be given up while this one's is looked for.
        held = os.dup(self.directory(old_parent))
        try:
            self._make(
                parent,
                name,
                lambda new, fd: os.link(
                    old_name, new, src_dir_fd=held, dst_dir_fd=fd, follow_symlinks=False
                ),
                may_replace=may_replace,
            )
        finally:
            os.close(held)

    def _make(
        self,
        parent: int,
        name: bytes,
        make: Callable[[bytes, int], object],
        *,
        may_replace: bool = True,
        mtime_ns: int | None = None,
    ) -> None:
        """Call ``make`` with a name and its directory's descriptor, or have it replace a file."""
        check_name(name)
        fd = self.directory(parent)
        try:
            make(name, fd)
        except FileExistsError:
            self._check_replaced(fd, name)
            if not may_replace:
                raise TargetError("kept", KEPT) from None
            if mtime_ns is not None and not self.is_older(parent, name, mtime_ns):
                raise SkippedError from None
            self._replace(fd, name, make)
        except OSError as error:
            raise failure(error, "cannot be made") from error

    def _check_replaced(self, fd: int, name: bytes) -> None:
        """Raise a TargetError if what is there may not be replaced (DARI-SAF-005)."""
        if self.existing == "skip":
            raise SkippedError
        if not self.overwrite:
            raise TargetError("exists", "exists (--overwrite replaces it)")
        with contextlib.suppress(OSError):
            if stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                raise TargetError("exists", "is in the way: a directory")

    def _replace(self, fd: int, name: bytes, make: Callable[[bytes, int], object]) -> None:
        """Make something under another name, which then takes the place of what is there."""
        made = _beside(name)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(made, dir_fd=fd)  # of a run that was killed
            make(made, fd)
            os.rename(made, name, src_dir_fd=fd, dst_dir_fd=fd)
        except IsADirectoryError as error:
            raise TargetError("exists", "is in the way: a directory") from error
        except OSError as error:
            raise failure(error, "cannot be replaced") from error
        finally:
            # It is still there if that failed, or if both are names of one file.
            with contextlib.suppress(OSError):
                os.unlink(made, dir_fd=fd)

    @contextlib.contextmanager
    def beside(self, parent: int, name: bytes) -> Iterator[Replacement]:
        """Open a new file that may take the place of one that is there, once it is whole.

        Whatever happens meanwhile, the file that was there is there, or the whole new one is.
        """
        made = _beside(name)
        try:
            fd = _made_alone(made, self.directory(parent))
        except OSError as error:
            raise failure(error, "cannot be made beside what is there") from error
        one = Replacement(fd, os.fstat(fd))
        is_put = False
        try:
            yield one
            if one.is_whole:
                self._rename(parent, made, name)
                is_put = True
        finally:
            os.close(fd)
            if not is_put:
                with contextlib.suppress(OSError, TargetError):
                    os.unlink(made, dir_fd=self.directory(parent))

    def _rename(self, parent: int, made: bytes, name: bytes) -> None:
        here = self.directory(parent)
        try:
            os.rename(made, name, src_dir_fd=here, dst_dir_fd=here)
        except IsADirectoryError as error:
            raise TargetError("exists", "is in the way: a directory") from error
        except OSError as error:
            raise failure(error, "cannot be replaced") from error

    def remove(self, parent: int, name: bytes) -> None:
        """Remove a file that was made by mistake."""
        try:
            os.unlink(name, dir_fd=self.directory(parent))
        except OSError as error:
            raise failure(error, "cannot be removed") from error

    def open_file(self, parent: int, name: bytes) -> tuple[int, os.stat_result]:
        """Open a file that ``make_file`` made, and return what it is like.

        Raises:
            TargetError: It is not the empty file that was made: somebody put another there.
        """
        try:
            fd = os.open(name, _FILE, dir_fd=self.directory(parent))
        except OSError as error:
            raise failure(error, "cannot be opened again") from error
        status = os.fstat(fd)
        if (
            status.st_size
            or status.st_nlink != 1
            or not self._is_own(status)
            or not stat.S_ISREG(status.st_mode)
        ):
            os.close(fd)
            raise TargetError("replaced", "was replaced by another file during the run")
        return fd, status

    def open_for_flags(self, parent: int, name: bytes) -> int:
        """Open a file or directory to set its inode flags; follow nothing.

        Raises:
            TargetError: It cannot be opened.
        """
        try:
            return os.open(name, _FLAGGED, dir_fd=self.directory(parent))
        except OSError as error:
            raise failure(error, "inode flags not set") from error

    def _is_own(self, status: os.stat_result) -> bool:
        """Tell whether a file has the owner that what is made here gets.

        Some file systems give all files one owner: then it is looked at once who that is.
        """
        if status.st_uid == self._user:
            return True
        if not self._is_user_known:
            self._is_user_known = True
            name = _beside(b"owner")
            with contextlib.suppress(OSError):
                os.close(_made_alone(name, self._root))
                self._user = os.stat(name, dir_fd=self._root, follow_symlinks=False).st_uid
                os.unlink(name, dir_fd=self._root)
        return status.st_uid == self._user

    def close(self) -> None:
        """Close all descriptors."""
        while self._open:
            os.close(self._open.popitem()[1])
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _beside(name: bytes) -> bytes:
    """Return what something is called until it takes the place of what has its name."""
    return b".%s.darimage-partial" % name[:200]


def _made_alone(name: bytes, directory: int) -> int:
    """Open a new file that no other run writes; one that a killed run left behind is removed."""
    flags = _FILE | os.O_CREAT | os.O_EXCL
    try:
        fd = os.open(name, flags, PRIVATE_FILE, dir_fd=directory)
    except FileExistsError:
        left = os.open(name, _FILE, dir_fd=directory)
        try:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=directory)
        finally:
            os.close(left)
        fd = os.open(name, flags, PRIVATE_FILE, dir_fd=directory)
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return fd


def failure(error: OSError, what: str) -> TargetError:
    """Return the error of one thing.

    Raises:
        DestinationError: Nothing else could be written after this either.
    """
    reason = error.strerror or str(error)
    if error.errno in _FATAL:
        raise DestinationError(f"destination: {reason}") from error
    return TargetError("target", f"{what}: {reason}")


def _in_the_way(parent: int, name: bytes) -> str:
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except OSError:
        mode = 0
    what = "a symbolic link" if stat.S_ISLNK(mode) else "a file that is no directory"
    return f"is in the way: {what}; nothing below it is restored"
