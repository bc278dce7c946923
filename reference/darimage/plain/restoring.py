"""Bringing an image's contents back into a directory (chapter 90)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from darimage.plain.assemble import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, LINK, SOCKET, WHOLE
from darimage.plain.chain import Chain, Held
from darimage.plain.faults import RECORD
from darimage.plain.inventory import device_of, times_of
from darimage.plain.rules import ALL, Rules

_MAKEABLE = (FILE, LINK, FIFO, SOCKET, CHARACTER, BLOCK)


class Restorer:
    """Restores a chain, or a part of it, below a directory.

    Attributes:
        problems: What could not be restored, a line each.
    """

    def __init__(self, chain: Chain, selection: bytes, dest: bytes, rules: Rules = ALL) -> None:
        """Choose what is restored.

        Args:
            chain: The images.
            selection: A path from the root; empty for all.
            dest: A directory that is there.
            rules: What is kept.
        """
        self._chain, self._rules = chain, rules
        self._dest = os.open(dest, os.O_RDONLY | os.O_DIRECTORY)
        self._chosen = dict(self._select(selection))
        self.problems: list[str] = []

    def _select(self, selection: bytes) -> Iterator[tuple[bytes, Held]]:
        """Yield what is at or below a path, and the directories above it (DARI-RST-002)."""
        for path, held in sorted(self._chain.held.items()):
            lies_below = self._rules.follows("DARI-RST-002") and path.startswith(selection + b"/")
            if not selection or path == selection or lies_below:
                is_lost = path.startswith(held.image.tree.lost_name + b"/")
                if not is_lost or self._rules.follows("DARI-RST-007"):
                    yield path, held

    def run(self) -> None:
        """Restore, in the order of DARI-RST-001."""
        directories = [path for path, held in self._chosen.items() if self._kind(held) == DIRECTORY]
        for path in sorted(directories):
            self._make_directory(path)
        last = self._rules.follows("DARI-RST-001")
        for path in () if last else sorted(directories, reverse=True):
            self._finish(path, self._chosen[path])
        made: dict[tuple[int, int], bytes] = {}
        for path, held in sorted(self._chosen.items()):
            if self._kind(held) == DIRECTORY:
                continue
            key = (id(held.image), held.inode.number)
            try:
                if key in made:
                    self._link(made[key], path)
                elif self._make(path, held):
                    made[key] = path
            except OSError as error:
                self._problem(path, str(error.strerror))
        for path in made.values():
            self._finish(path, self._chosen[path])
        for path in sorted(directories, reverse=True) if last else ():
            self._finish(path, self._chosen[path])
        os.close(self._dest)

    @staticmethod
    def _kind(held: Held) -> int:
        return held.inode.kind

    def _problem(self, path: bytes, message: str) -> None:
        self.problems.append(f"{os.fsdecode(path)}: {message}")

    def _above(self, path: bytes) -> tuple[int, bytes]:
        """Return a descriptor of the directory that a path is in, and its name (DARI-SAF-002)."""
        *above, name = path.split(b"/")
        here = os.dup(self._dest)
        for part in above:
            try:
                os.mkdir(part, 0o700, dir_fd=here)
            except FileExistsError:
                pass
            flags = os.O_RDONLY | os.O_DIRECTORY
            if self._rules.follows("DARI-SAF-002"):
                flags |= os.O_NOFOLLOW
            below = os.open(part, flags, dir_fd=here)
            os.close(here)
            here = below
        return here, name

    def _make_directory(self, path: bytes) -> None:
        if not path:
            return
        here, name = self._above(path)
        try:
            os.mkdir(name, 0o700, dir_fd=here)
        except OSError as error:
            if not isinstance(error, FileExistsError):
                self._problem(path, str(error.strerror))
        finally:
            os.close(here)

    def _link(self, first: bytes, path: bytes) -> None:
        one, name = self._above(first)
        other, second = self._above(path)
        try:
            os.link(name, second, src_dir_fd=one, dst_dir_fd=other, follow_symlinks=False)
        finally:
            os.close(one)
            os.close(other)

    def _make(self, path: bytes, held: Held) -> bool:
        """Make what is no directory; tell whether it is there now."""
        inode = held.inode
        marked = inode.state > WHOLE and self._rules.follows("DARI-RST-006")
        if inode.kind not in _MAKEABLE or not inode.contents or inode.head is None:
            self._problem(path, "is not restored")
            return False
        if marked and inode.kind != FILE:
            self._problem(path, "is not whole, and nothing of it could show that")
            return False
        here, name = self._above(path)
        try:
            if inode.kind == FILE:
                self._write(here, name, held)
            elif inode.kind == LINK:
                os.symlink(inode.data.bytes(), name, dir_fd=here)
            else:
                kind = stat.S_IFMT(inode.head.dinode.di_mode)
                os.mknod(name, kind | 0o600, device_of(inode, self._rules), dir_fd=here)
        finally:
            os.close(here)
        return True

    def _write(self, here: int, name: bytes, held: Held) -> None:
        """Write the blocks that are there to their places; holes stay holes (DARI-RST-003)."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
        # What exists is not overwritten (DARI-SAF-005).
        flags |= os.O_EXCL if self._rules.follows("DARI-SAF-005") else os.O_TRUNC
        fd = os.open(name, flags, 0o600, dir_fd=here)
        data, end = held.inode.data, 0
        try:
            for offset, block in data.present():
                os.pwrite(fd, block, offset)
                end = offset + len(block)
            missing = [first * RECORD + count * RECORD for first, count in data.missing]
            # A missing end is not made (DARI-RST-006).
            is_short = bool(missing) and max(missing) >= data.size
            os.ftruncate(fd, end if is_short else data.size)
            if not self._rules.follows("DARI-RST-003"):
                os.posix_fallocate(fd, 0, max(1, data.size))
        finally:
            os.close(fd)

    def _finish(self, path: bytes, held: Held) -> None:
        """Set the attributes of what was made."""
        inode, image = held.inode, held.image
        if inode.head is None or (inode.state > WHOLE and self._rules.follows("DARI-RST-006")):
            if inode.head is not None and path:
                self._mark(path, inode.head.dinode.di_mode)
            return
        here, name = self._above(path) if path else (os.dup(self._dest), b".")
        mode = inode.head.dinode.di_mode & 0o7777
        if not inode.attributes_whole:
            mode &= ~0o070
        times = times_of(inode, image.given)
        owner = image.owner_of(inode)
        try:
            attributes = image.attributes.get(inode.number, {})
            where = b"/proc/self/fd/%d/%s" % (here, name)
            self._set(path, where, attributes, user=True)
            if os.geteuid() == 0:
                os.chown(name, *owner, dir_fd=here, follow_symlinks=False)
            if inode.kind != LINK:
                os.chmod(name, mode, dir_fd=here)
            self._set(path, where, attributes, user=False)
            os.utime(name, ns=(times["atime"], times["mtime"]), dir_fd=here, follow_symlinks=False)
        except OSError as error:
            self._problem(path, str(error.strerror))
        finally:
            os.close(here)

    def _mark(self, path: bytes, mode: int) -> None:
        here, name = self._above(path)
        kept = 0o700 if stat.S_ISDIR(mode) else 0o600
        os.chmod(name, mode & kept, dir_fd=here)
        os.close(here)

    def _set(self, path: bytes, where: bytes, values: dict[bytes, bytes], *, user: bool) -> None:
        """Set some of the extended attributes (DARI-XAT-016, DARI-XAT-017)."""
        if not self._rules.follows("DARI-XAT-016"):
            return
        for name, value in sorted(values.items()):
            if name.startswith(b"user.") != user:
                continue
            needs_owner = name == b"security.capability" and os.geteuid() != 0
            if needs_owner and self._rules.follows("DARI-XAT-017"):
                self._problem(path, "its capabilities need its owner")
                continue
            try:
                os.setxattr(where, name, value, follow_symlinks=False)
            except OSError as error:
                self._problem(path, f"{os.fsdecode(name)}: {error.strerror}")
