"""Bringing back streams with the files and directories that have them (DARI-STR-019)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from darimage.errors import FormatError, StorageError
from darimage.faults import Fault
from darimage.image.contents import read
from darimage.image.inode import Inode
from darimage.image.state import Condition, State
from darimage.restore.stream_forms import (
    Base,
    Beside,
    Form,
    NoPlaceError,
    NtfsWindows,
    NtfsXattr,
    SambaDepot,
    SambaXattr,
)
from darimage.restore.target import DestinationError, Target, TargetError, failure
from darimage.sources.handles import open_directory
from darimage.sources.streams.ntfs import is_ntfs, is_windows
from darimage.sources.streams.samba_depot import DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from darimage.image.chain import Chain
    from darimage.image.reader import Image
    from darimage.restore.attributes import Rights
    from darimage.restore.plan import Plan
    from darimage.restore.sharing import Advance
    from darimage.restore.wish import Wish


class _Stream:
    """A stream of an image."""

    def __init__(self, image: Image, name: bytes, inode: Inode) -> None:
        self.name = name
        self.inode = inode
        self._image = image

    def data(self) -> bytes:
        """Return all of it; whoever asks has made sure that it is not too much."""
        data = bytearray(self.inode.size)
        for offset, piece in self._pieces():
            data[offset : offset + len(piece)] = piece
        return bytes(data)

    def write(self, fd: int) -> None:
        """Write all of it to an empty file."""
        try:
            os.ftruncate(fd, self.inode.size)
            for offset, piece in self._pieces():
                done = 0
                while done < len(piece):
                    done += os.pwrite(fd, piece[done:], offset + done)
        except DestinationError:
            raise
        except StorageError:
            raise
        except (OSError, OverflowError) as error:
            known = error if isinstance(error, OSError) else OSError(0, str(error))
            raise failure(known, "cannot be written") from error

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        """Yield what the image has of it; raise if it is not whole (DARI-RST-006)."""
        condition = Condition(self.inode.size)
        try:
            yield from read(self._image, self.inode, lambda _: None, condition)
        except FormatError as error:
            condition.faults.append(Fault.of(error))
        if condition.state != State.WHOLE:
            why = [condition.faults[0].message] if condition.faults else []
            told = "; ".join(text for text in (*why, condition.text, "it is left out") if text)
            raise TargetError(condition.state.word, told)


class StreamRestorer:
    """Brings back the streams of files and directories that are back.

    Attributes:
        streams: How many came back.
        faults: What went wrong.
    """

    def __init__(
        self, chain: Chain, plan: Plan, target: Target, rights: Rights, wish: Wish
    ) -> None:
        """Prepare to bring back streams by ``wish``."""
        self.streams = 0
        self.faults: list[Fault] = []
        self._chain = chain
        self._plan = plan
        self._target = target
        self._rights = rights
        self._wish = wish
        self._table = chain.streams

    def bases(self, lost: set[int], blocked: set[int]) -> dict[int, int | None]:
        """Return what is back and has streams: number and row, ``None`` for a directory."""
        known = self._table.by_base
        found: dict[int, int | None] = {}
        for row in np.flatnonzero(np.isin(self._plan.files.inodes, list(known))).tolist():
            if row not in lost:
                found[int(self._plan.files.inodes[row])] = row
        for number in self._plan.restored:
            if number in known and number not in blocked:
                found[number] = None
        return found

    def restore(self, bases: dict[int, int | None], advance: Advance) -> None:
        """Bring back the streams of some bases.

        Raises:
            StorageError: The place for them cannot be had, or takes nothing more.
        """
        try:
            opened = self._form()
        except StorageError as error:
            if self._wish.path is not None:
                raise
            # What the image itself has brought back is in the way.
            self.faults.append(Fault("target", f"no streams come back: {error}"))
            return
        homeless: list[tuple[int, bytes, TargetError]] = []
        with closing(opened) as form:
            inodes = self._agreeing(bases)
            for image, base, name, inode in self._found(list(inodes)):
                advance(1)
                row = bases[base]
                stream = _Stream(image, name, inode)
                try:
                    self._put(form, row, inodes[base], stream)
                    self.streams += 1
                except NoPlaceError as error:
                    homeless.append((base, name, error))
                except TargetError as error:
                    self._fault(base, row, name, Fault(error.kind, str(error)))
                except DestinationError:
                    raise
                except StorageError as error:
                    self._fault(base, row, name, Fault("unreadable", str(error)))
        if homeless:
            # The reason is one and the same, however many there are.
            base, name, reason = homeless[0]
            others = len(homeless) - 1
            more = f"; so for {others} more stream{'s' * (others > 1)}" if others else ""
            self._fault(base, bases[base], name, Fault(reason.kind, f"{reason}{more}"))

    def _form(self) -> Form:
        """Return where streams go."""
        wish, overwrite = self._wish, self._target.overwrite
        root = self._target.directory(self._plan.root)
        form = wish.form
        if form == "auto":
            form = "ntfs-3g" if is_ntfs(root) else "xattr"
        if form == "xattr":
            return SambaXattr(overwrite=overwrite)
        if form == "ntfs-3g":
            windows = NtfsWindows if is_windows(root) else NtfsXattr
            return windows(overwrite=overwrite)
        if form == "depot":
            return SambaDepot(_depot(wish, root), self._rights, overwrite=overwrite)
        beside = Target.at(
            wish.path or "",
            self._plan.places.__getitem__,
            root_number=self._plan.root,
            existing="replace" if overwrite else "fail",
        )
        return Beside(beside, self._plan, self._rights)

    def _agreeing(self, bases: dict[int, int | None]) -> dict[int, Inode]:
        """Return the inodes of bases that name the stream directory that names them."""
        known = self._table.by_base
        found: dict[int, Inode] = {}
        directories = self._chain.names.directories
        for number, row in bases.items():
            if row is None:
                found[number] = directories[number].inode
        files = [number for number, row in bases.items() if row is not None]
        for image, some in self._by_image(files):
            for inode in image.inodes(some, self._silent):
                found[inode.number] = inode
        for number in list(found):
            if found[number].stream_directory != known[number].number:
                told = f"stream_directory is {found[number].stream_directory}, "
                told += f"not {known[number].number}; its streams are left out"
                fault = Fault("stream-directory", told, None, None, None, "DARI-STR-011")
                self._fault(number, bases[number], b"", fault)
                del found[number]
        return found

    def _silent(self, fault: Fault) -> None:
        """Pass over the fault of a file, which was told when it came back itself."""

    def _found(self, bases: list[int]) -> Iterator[tuple[Image, int, bytes, Inode]]:
        """Yield streams in the order that they lie: image, base, name and inode."""
        streams = {
            entry.inode: (base, entry.name) for base in bases for entry in self._table.of(base)
        }
        missing = dict(streams)
        for image, some in self._by_image(list(streams)):
            told: list[Fault] = []
            for inode in image.inodes(some, told.append):
                base, name = missing.pop(inode.number)
                if inode.base_inode == base and inode.is_file:
                    yield image, base, name, inode
                    continue
                wrong = f"inode {inode.number} is no stream of it"
                fault = Fault("stream", wrong, None, None, inode.record, "DARI-STR-020")
                self._fault(base, None, name, fault)
            for fault in told:
                if fault.inode in missing:
                    base, name = missing.pop(fault.inode)
                    self._fault(base, None, name, fault)
        for base, name in missing.values():
            self._fault(base, None, name, Fault("stream", "stream is not in the image"))

    def _by_image(self, numbers: Sequence[int]) -> Iterator[tuple[Image, list[int]]]:
        wanted = np.array(sorted(numbers), np.int64)
        holders = self._chain.holders(wanted)
        for at in np.unique(holders).tolist():
            if at >= 0:
                yield self._chain.images[at], wanted[holders == at].tolist()

    def _put(self, form: Form, row: int | None, inode: Inode, stream: _Stream) -> None:
        """Give a base one of its streams."""
        plan, target = self._plan, self._target
        if row is None:
            fd = target.directory(inode.number)
            place = plan.places.get(inode.number, (plan.root, b""))
            form.put(Base(inode.number, fd, fd, place, inode), stream)
            return
        place = plan.files.place(row)
        parent = target.directory(place[0])
        try:
            fd = os.open(place[1], os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        except OSError as error:
            raise failure(error, "its file cannot be opened again") from error
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise TargetError("replaced", "its file was replaced by something else")
            form.put(Base(inode.number, fd, parent, place, inode), stream)
        finally:
            os.close(fd)

    def _fault(self, base: int, row: int | None, name: bytes, fault: Fault) -> None:
        """Note a fault with one stream, or with a base if there is no name."""
        plan = self._plan
        if row is None:
            rows = np.flatnonzero(plan.files.inodes == base)
            row = int(rows[0]) if len(rows) else None
        path = plan.path(base, b"") if row is None else plan.path(*plan.files.place(row))
        path = path + b":" + name if name else path
        self.faults.append(fault._replace(path=path, inode=base))


def _depot(wish: Wish, root: int) -> int:
    """Return a descriptor of the depot, made if it is not there."""
    try:
        if wish.path is None:
            if DIRECTORY not in map(os.fsencode, os.listdir(root)):
                os.mkdir(DIRECTORY, 0o755, dir_fd=root)
            return open_directory(DIRECTORY, dir_fd=root)
        os.makedirs(wish.path, 0o755, exist_ok=True)
        return open_directory(wish.path, follow=True)
    except OSError as error:
        raise StorageError.of(error, wish.path or os.fsdecode(DIRECTORY)) from error
