"""Filling files in the order of their offsets, reading only what was selected (DARI-RST-004).

A small file whose records follow its header without a hole is written straight out of the window
it was read with. All others go by their extents, in steps of a MiB, and keep their holes
(DARI-RST-003).

A file is nobody else's to read and has the time of the run until it is whole: one that is not is
marked by staying so, and does not pass for the one in the image (DARI-RST-006).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError, StorageError
from darimage.faults import Fault
from darimage.image.contents import check, groups
from darimage.image.groups import is_right, zero_blocks
from darimage.image.state import Condition, State
from darimage.restore.attributes import Rights
from darimage.restore.extended import NOTHING, Missed, Values, may_lack_acl, values_of
from darimage.restore.inode_flags import settable
from darimage.restore.neighbours import Neighbours
from darimage.restore.nt_acls import Refusals
from darimage.restore.plan import REGULAR
from darimage.restore.report import Outcome, Result
from darimage.restore.sharing import Advance
from darimage.restore.target import KEPT, DestinationError, Target, TargetError, failure
from darimage.units import ADDRESSES, RECORD

if TYPE_CHECKING:
    from darimage.image.contents import Group
    from darimage.image.inode import Inode
    from darimage.image.reader import Image
    from darimage.restore.making import Made, Maker
    from darimage.restore.plan import Files, Plan

STEP = 2 * (ADDRESSES + 1) * RECORD
"""Bytes of one file read at once, two full groups; more would not stay in the processor's cache."""


@dataclass
class Filled:
    """What came of filling some files.

    Attributes:
        files: Files that are whole and have their attributes.
        bytes_written: Bytes of contents written.
        bytes_read: Bytes read from the image.
        faults: What went wrong.
        lost: Rows whose file is not there (any more).
        kept: Rows of files that are there already and stay, as was asked for.
        flags: Inode flags that rows get when all else is done.
        marked: Rows whose file is there and not whole, and its state (DARI-RST-006).
        outcomes: What is known of both.
        misfits: Rows that are no regular files, whatever their directories say.
        refusals: NT ACLs that were not given back.
        missed: Extended attributes that could not be set.
        made: What was made on the way that is no regular file.
    """

    files: int = 0
    bytes_written: int = 0
    bytes_read: int = 0
    faults: list[Fault] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    flags: dict[int, int] = field(default_factory=dict)
    marked: dict[int, State] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    misfits: list[int] = field(default_factory=list)
    refusals: Refusals = field(default_factory=Refusals)
    missed: Missed = field(default_factory=Missed)
    made: Made | None = None


class Filler:
    """Fills files that ``Target.make_file`` made, and gives them their attributes.

    Attributes:
        filled: What came of it so far.
    """

    def __init__(
        self,
        image: Image,
        plan: Plan,
        target: Target,
        rights: Rights,
        advance: Advance,
        maker: Maker | None = None,
        occupied: AbstractSet[int] = frozenset(),
        *,
        partial: bool = False,
    ) -> None:
        """Prepare.

        Args:
            image: Where contents come from.
            plan: Rows to fill, and where they are.
            target: Where they go.
            rights: What attributes may be given back.
            advance: Told of bytes of the image that are done with.
            maker: Makes what is no regular file; without it all rows are taken for files.
            occupied: Rows in whose place other files are, which whole ones may replace.
            partial: Others may as well.
        """
        self._partial = partial
        self.filled = Filled(made=maker.made if maker else None)
        self._image = image
        self._files: Files = plan.files
        self._plan = plan
        self._target = target
        self._rights = rights
        self._advance = advance
        self._maker = maker
        self._occupied = occupied
        self._neighbours = Neighbours(image, plan.files)
        self._buffer = np.empty(STEP, np.uint8)
        # Nothing but zeros shows where a copy of a damaged dump has nothing (DARI-FLT-008).
        self._block = 0 if image.is_dari else max(1, image.identity.ntrec)
        self._zeros: list[int] = []

    def fill(self, rows: list[int]) -> None:
        """Fill the files of some rows, ascending.

        Raises:
            StorageError: The destination takes nothing more.
        """
        before = self._image.volume.bytes_read
        try:
            for window in self._neighbours.windows(rows):
                for row, inode, data, run in window.found:
                    if not self._is_to_fill(row, inode, data, run):
                        continue
                    known = inode if inode is not None else self._looked_up(row)
                    if known is not None:
                        self._fill_one(row, known, data, run if known is inode else None)
                self._advance(window.size)
        finally:
            self.filled.bytes_read += self._image.volume.bytes_read - before
            self.filled.refusals.add(self._rights.refusals())

    def _is_to_fill(
        self, row: int, inode: Inode | None, data: memoryview | None, run: memoryview | None
    ) -> bool:
        """Make what is no regular file; tell whether a row is one that has contents to come."""
        maker = self._maker
        if maker is None or self._files.types[row] == REGULAR:
            return True
        maker.node(row, inode, data, run)
        if row in maker.made.occupied[-1:]:
            self._occupied = self._occupied | {row}
        return row in maker.made.regular[-1:]

    def _looked_up(self, row: int) -> Inode | None:
        """Return the inode of a row by itself, or report why there is none."""
        try:
            return self._image.inode(int(self._files.inodes[row]))
        except FormatError as error:
            self._fault(row, Fault.of(error))
        except StorageError as error:
            self._fault(row, Fault("unreadable", str(error)))
        self._leave_out(row, State.LOST, "no header of it was found")
        return None

    def _fill_one(
        self, row: int, inode: Inode, data: memoryview | None, run: memoryview | None
    ) -> None:
        """Fill a file and give it its attributes, if it is one."""
        if not inode.is_file:
            self.filled.misfits.append(row)
            return
        try:
            if row in self._occupied:
                if not self._target.is_older(*self._files.place(row), inode.mtime_ns):
                    self.filled.kept.append(row)
                    return
                self._fill_beside(row, inode, data, run)
                return
            fd, status = self._target.open_file(*self._files.place(row))
        except TargetError as error:
            self.filled.lost.append(row)
            self._fault(row, Fault(error.kind, str(error)))
            self._add(row, State.WHOLE, "left out")
            return
        try:
            state = self._contents(row, fd, inode, data)
            if state == State.WHOLE:
                self._give(row, fd, status, inode, run)
            elif state != State.LOST:
                self._rights.mark(fd, inode, self.filled.missed)
        finally:
            os.close(fd)

    def _fill_beside(
        self, row: int, inode: Inode, data: memoryview | None, run: memoryview | None
    ) -> None:
        """Make a file beside the one that is there, and put it in its place if it is whole."""
        with self._target.beside(*self._files.place(row)) as one:
            state = self._contents(row, one.fd, inode, data)
            if state == State.WHOLE:
                self._give(row, one.fd, one.status, inode, run)
                one.is_whole = True
            elif self._partial and state != State.LOST:
                self._rights.mark(one.fd, inode, self.filled.missed)
                one.is_whole = True

    def _give(
        self, row: int, fd: int, status: os.stat_result, inode: Inode, run: memoryview | None
    ) -> None:
        """Count a whole file and give it its attributes."""
        self.filled.files += 1
        values, acl_lost = self._values(row, inode, run)
        trouble = self._rights.give(
            fd, status, inode, self.filled.missed, values, acl_lost=acl_lost
        )
        if trouble:
            self._fault(row, Fault("attributes", trouble))
        if flags := settable(inode.di_flags):
            self.filled.flags[row] = flags

    def _values(self, row: int, inode: Inode, run: memoryview | None) -> tuple[Values, bool]:
        """Return the extended attributes that a file gets, and whether an ACL may be missing."""
        if not self._rights.xattrs:
            return NOTHING, False
        faults: list[Fault] = []
        values = values_of(self._image, inode, run, faults.append)
        for fault in faults:
            self._fault(row, fault)
        return values, may_lack_acl(faults)

    def _contents(self, row: int, fd: int, inode: Inode, data: memoryview | None) -> State:
        """Write what the image has of a file.

        Returns:
            Its state; ``LOST`` if it was taken away again.
        """
        self._zeros.clear()
        try:
            if data is not None:
                _write(fd, data, 0)
                self.filled.bytes_written += len(data)
                self._look_for_zeros(np.frombuffer(data, np.uint8), inode.record + 1)
                self._note_zeros(row)
                return State.WHOLE
            condition = self._by_groups(fd, inode)
        except DestinationError:
            raise
        except (OSError, OverflowError) as error:
            self._fault(row, _cut_off(error))
            self._not_whole(row, State.INCOMPLETE, "")
            return State.INCOMPLETE
        for fault in condition.faults:
            self._fault(row, fault)
        self._note_zeros(row)
        if condition.state == State.WHOLE:
            return State.WHOLE
        if any(fault.kind == "no-contents" for fault in condition.faults):
            self._leave_out(row, condition.state, "there are no contents of it")
            return State.LOST
        self._not_whole(row, condition.state, condition.text, condition)
        return condition.state

    def _by_groups(self, fd: int, inode: Inode) -> Condition:
        """Write the present blocks of a file, group by group; return what was found out."""
        condition = Condition(inode.size)
        os.ftruncate(fd, inode.size)
        try:
            for batch in groups(self._image, inode, condition):
                for step in _steps(batch):
                    self._copy(fd, step, inode, condition)
        except DestinationError:
            raise
        except StorageError as error:
            condition.faults.append(Fault("unreadable", str(error)))
        except FormatError as error:
            condition.faults.append(Fault.of(error))
        if condition.length != inode.size:
            os.ftruncate(fd, condition.length)
        return condition

    def _copy(self, fd: int, step: list[Group], inode: Inode, condition: Condition) -> None:
        """Copy the extents of groups that lie close together in the image with one read."""
        start = step[0].first * RECORD
        length = (step[-1].first + step[-1].records) * RECORD - start
        buffer = self._buffer[:length]
        memory = buffer.data
        trouble = ""
        try:
            got = self._image.volume.readinto_at(start, [memory])
        except StorageError as error:
            got, trouble = 0, str(error)
        if got < length and len(step) > 1:
            for group in step:
                self._copy(fd, [group], inode, condition)
            return
        if got < length:
            kind, told = (
                ("unreadable", trouble) if trouble else ("truncated", "the image ends here")
            )
            condition.faults.append(Fault(kind, told, record=start // RECORD))
            for first, count in step[0].blocks:
                condition.lose(first, count)
            return
        self._look_for_zeros(buffer, step[0].first)
        for at_group, group in enumerate(step):
            first = group.first * RECORD - start
            data = buffer[first : first + group.records * RECORD]
            if not is_right(data, group.crc32c):
                if not self._image.is_recovered:
                    # The records may be elsewhere (DARI-REC-032).
                    self._image.recover()
                    self._copy(fd, step[at_group:], inode, condition)
                    return
                check(group, data, inode, condition)
            for extent in group.extents:
                at = extent.image_offset - start
                _write(fd, memory[at : at + extent.length], extent.file_offset)
                self.filled.bytes_written += extent.length

    def _look_for_zeros(self, data: npt.NDArray[np.uint8], record: int) -> None:
        """Look for tape blocks of a plain dump that are all zero, given bytes from a record on."""
        if self._block and len(data) >= self._block * RECORD:
            rows = data[: len(data) // RECORD * RECORD].reshape(-1, RECORD)
            self._zeros += zero_blocks(rows, record, self._block)

    def _note_zeros(self, row: int) -> None:
        """Report tape blocks that are all zero among the data of a file."""
        if self._zeros:
            many = len(self._zeros) > 1
            told = f"{len(self._zeros)} whole tape blocks" if many else "a whole tape block"
            lost = "are zero: they may be lost" if many else "is zero: it may be lost"
            told = f"{told} within its data {lost}"
            record = self._zeros[0]
            self._fault(row, Fault("zeros", told, record=record, requirement="DARI-FLT-008"))

    def _not_whole(
        self, row: int, state: State, text: str, condition: Condition | None = None
    ) -> None:
        """Report a file that is not whole: it is marked, or what is there stays (DARI-RST-006)."""
        is_kept = row in self._occupied and not self._partial
        parts = [text, KEPT if is_kept else f"what was restored {_LEFT}"]
        told = "; ".join(part for part in parts if part)
        self._fault(row, Fault(state.word, told, requirement="DARI-RST-006"))
        self._add(row, state, "left out" if is_kept else "marked", condition)
        if is_kept:
            self.filled.lost.append(row)
        else:
            self.filled.marked[row] = state

    def _leave_out(self, row: int, state: State, told: str) -> None:
        """Report a file of which there is nothing to restore, and take the empty one away."""
        self.filled.lost.append(row)
        self._fault(row, Fault(state.word, f"{told}; it is left out", requirement="DARI-RST-006"))
        self._add(row, state, "lost" if state == State.LOST else "left out")
        if row in self._occupied:
            return
        try:
            self._target.remove(*self._files.place(row))
        except TargetError as error:
            self._fault(row, Fault(error.kind, str(error)))

    def _add(
        self, row: int, state: State, result: Result, condition: Condition | None = None
    ) -> None:
        """Note what came of a row that is not there as it was."""
        path = self._plan.path(*self._files.place(row))
        number = int(self._files.inodes[row])
        blocks = (condition.missing, condition.doubtful) if condition else ([], [])
        self.filled.outcomes.append(Outcome(path, number, state, result, *blocks))

    def _fault(self, row: int, fault: Fault) -> None:
        path = self._plan.path(*self._files.place(row))
        self.filled.faults.append(fault._replace(path=path, inode=int(self._files.inodes[row])))


_LEFT = "is left to its owner alone, with the time of this run"


def _steps(batch: list[Group]) -> Iterator[list[Group]]:
    """Cut groups into lists that span at most a step, headers between them included."""
    step: list[Group] = []
    for group in batch:
        if step and (group.first + group.records - step[0].first) * RECORD > STEP:
            yield step
            step = []
        step.append(group)
    if step:
        yield step


def _write(fd: int, data: memoryview, offset: int) -> None:
    written = os.pwrite(fd, data, offset)
    while written < len(data):
        written += os.pwrite(fd, data[written:], offset + written)


def _cut_off(error: OSError | OverflowError) -> Fault:
    """Return the fault of a file whose writing failed, unless nothing more can be written."""
    if isinstance(error, OverflowError):
        error = OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    reason = failure(error, "cannot be written")
    return Fault("target", str(reason))
