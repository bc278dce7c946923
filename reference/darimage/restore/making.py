"""Making what is selected before anything has contents: directories, empty files, nodes."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from darimage.errors import FormatError, StorageError
from darimage.faults import Fault
from darimage.image.contents import read_link
from darimage.image.names import LOST
from darimage.image.state import State, of_header
from darimage.restore.extended import NOTHING, Missed, may_lack_acl, values_of
from darimage.restore.neighbours import Neighbours
from darimage.restore.report import Outcome, Result
from darimage.restore.target import PRIVATE_DIRECTORY, DestinationError, SkippedError, TargetError

if TYPE_CHECKING:
    from darimage.image.inode import Inode
    from darimage.image.reader import Image
    from darimage.restore.attributes import Rights
    from darimage.restore.plan import Plan
    from darimage.restore.sharing import Advance, Piece
    from darimage.restore.target import Target

OPEN_DIRECTORY = 0o777
"""Mode of a directory that only leads to what was selected: what the user's mask leaves of it."""


@dataclass
class Made:
    """What came of making things.

    Attributes:
        directories: Directories that are there now.
        symlinks: Symbolic links made.
        others: Fifos, sockets and devices made.
        regular: Rows that turned out to be regular files, which are there and empty.
        occupied: Rows of regular files in whose place others are, which whole ones may replace.
        lost: Rows whose file could not be made.
        kept: Rows of what is there already and stays, as was asked for.
        outcomes: What is known of these.
        there: Directories that were there before.
        blocked: Directories below which nothing can be made.
        faults: What went wrong.
        missed: Extended attributes that could not be set.
    """

    directories: int = 0
    symlinks: int = 0
    others: int = 0
    regular: list[int] = field(default_factory=list)
    occupied: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    there: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    missed: Missed = field(default_factory=Missed)


class Maker:
    """Makes directories, empty files and everything that has no contents."""

    def __init__(self, image: Image, plan: Plan, target: Target, rights: Rights) -> None:
        """Prepare to make what ``plan`` says below ``target``."""
        self._image = image
        self._plan = plan
        self._target = target
        self._rights = rights
        self.made = Made()

    def directories(self, advance: Advance) -> None:
        """Make all directories, parents first; private ones if they will get their attributes."""
        made, restored = self.made, set(self._plan.restored)
        for number, (parent, name) in self._plan.places.items():
            advance(1)
            if parent in made.blocked:
                made.blocked.add(number)
                continue
            try:
                is_open = number not in restored and number != LOST
                mode = OPEN_DIRECTORY if is_open else PRIVATE_DIRECTORY
                if self._target.make_directory(parent, name, mode):
                    made.there.add(number)
                made.directories += 1
            except (TargetError, FormatError) as error:
                made.blocked.add(number)
                self._fault(parent, name, number, error)

    def empty_files(self, pieces: Iterable[Piece], advance: Advance) -> Made:
        """Make the files of all rows, empty and private (DARI-RST-001)."""
        files, make = self._plan.files, self._target.make_file
        for piece in pieces:
            for row in piece:
                try:
                    if not make(files.parents[row], files.names[row]):
                        self.made.occupied.append(row)
                except SkippedError:
                    self.made.kept.append(row)
                except (TargetError, FormatError) as error:
                    self._lose(row, error)
            advance(len(piece))
        return self.made

    def nodes(self, rows: list[int], advance: Advance) -> None:
        """Make what is no regular file, or what only its header can tell to be one."""
        for window in Neighbours(self._image, self._plan.files).windows(rows):
            for row, inode, data, run in window.found:
                self.node(row, inode, data, run)
            advance(len(window.found))

    def node(
        self, row: int, inode: Inode | None, data: memoryview | None, run: memoryview | None
    ) -> None:
        """Make what a row's inode is; read the inode if it is not known."""
        known = inode
        try:
            known = known or self._image.inode(int(self._plan.files.inodes[row]))
            self._node(row, known, data, run if known is inode else None)
        except SkippedError:
            self.made.kept.append(row)
        except TargetError as error:
            self._lose(row, error)
        except FormatError as error:
            self._lose(row, error, State.LOST if known is None else State.DAMAGED)
        except DestinationError:
            raise
        except StorageError as error:
            state = State.LOST if known is None else State.INCOMPLETE
            self._lose(row, TargetError("unreadable", str(error)), state)

    def _node(
        self, row: int, inode: Inode, data: memoryview | None, run: memoryview | None
    ) -> None:
        parent, name = self._plan.files.place(row)
        if inode.is_file:
            if not self._target.make_file(parent, name):
                self.made.occupied.append(row)
            self.made.regular.append(row)
            return
        if inode.metadata_only:
            told = "the image has its attributes but not itself"
            raise FormatError(told, record=inode.record, requirement="DARI-REC-001")
        if (state := of_header(inode)) != State.WHOLE:
            told = f"is {state.word}, which nobody could see on it"
            raise FormatError(told, record=inode.record, requirement="DARI-RST-006")
        if inode.is_symlink:
            link = bytes(data) if data is not None else read_link(self._image, inode)
            self._target.make_symlink(parent, name, _checked(link), mtime_ns=inode.mtime_ns)
            self.made.symlinks += 1
        elif inode.kind in (stat.S_IFIFO, stat.S_IFSOCK) or inode.is_device:
            when = inode.mtime_ns
            self._target.make_node(parent, name, inode.kind, inode.rdev, mtime_ns=when)
            self.made.others += 1
        else:
            told = "a directory that is not in part 4" if inode.is_directory else "no known type"
            raise FormatError(f"mode {inode.mode:#o} is {told}", record=inode.record)
        values, faults = NOTHING, list[Fault]()
        if self._rights.xattrs:
            values = values_of(self._image, inode, run, faults.append)
        path = self._plan.path(parent, name)
        self.made.faults += [fault._replace(path=path) for fault in faults]
        fd = self._target.directory(parent)
        trouble = self._rights.give_by_name(
            fd, name, inode, self.made.missed, values, acl_lost=may_lack_acl(faults)
        )
        if trouble:
            self._fault(parent, name, inode.number, TargetError("attributes", trouble))

    def _lose(self, row: int, error: TargetError | FormatError, state: State = State.WHOLE) -> None:
        """Report a row that did not come back."""
        self.made.lost.append(row)
        parent, name = self._plan.files.place(row)
        number = int(self._plan.files.inodes[row])
        self._fault(parent, name, number, error)
        result: Result = "lost" if state == State.LOST else "left out"
        self.made.outcomes.append(Outcome(self._plan.path(parent, name), number, state, result))

    def _fault(
        self, parent: int, name: bytes, number: int, error: TargetError | FormatError
    ) -> None:
        path = self._plan.path(parent, name)
        if isinstance(error, FormatError):
            self.made.faults.append(Fault.of(error, path=path, inode=number))
        else:
            self.made.faults.append(Fault(error.kind, str(error), path, number))


def _checked(target: bytes) -> bytes:
    if not target or b"\0" in target:
        told = "target holds NUL" if target else "symbolic link has no target"
        raise FormatError(told, requirement="DARI-FIL-008")
    return target
