"""Filling files in the order of their offsets, reading only what was selected (DARI-RST-004).

A small file whose records follow its header without a hole is written straight out of the window
it was read with. All others go by their extents, in steps of a MiB, and keep their holes
(DARI-RST-003).

A file is nobody else's to read and has the time of the run until it is whole: one that is left
incomplete keeps mode 0600 and does not pass for the one in the image.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from darimage.errors import FormatError, StorageError
from darimage.faults import Fault
from darimage.image.contents import groups
from darimage.image.groups import damaged, is_right
from darimage.restore.attributes import Rights
from darimage.restore.extended import NOTHING, Missed, Values, values_of
from darimage.restore.neighbours import Neighbours
from darimage.restore.nt_acls import Refusals
from darimage.restore.plan import REGULAR
from darimage.restore.sharing import Advance
from darimage.restore.target import DestinationError, Target, TargetError, failure
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
    misfits: list[int] = field(default_factory=list)
    refusals: Refusals = field(default_factory=Refusals)
    missed: Missed = field(default_factory=Missed)
    made: Made | None = None

    def add(self, other: Filled) -> None:
        """Add what another process did."""
        self.files += other.files
        self.bytes_written += other.bytes_written
        self.bytes_read += other.bytes_read
        self.faults += other.faults
        self.lost += other.lost
        self.misfits += other.misfits
        self.refusals.add(other.refusals)
        self.missed.merge(other.missed)


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
    ) -> None:
        """Prepare.

        Args:
            image: Where contents come from.
            plan: Rows to fill, and where they are.
            target: Where they go.
            rights: What attributes may be given back.
            advance: Told of bytes of the image that are done with.
            maker: Makes what is no regular file; without it all rows are taken for files.
        """
        self.filled = Filled(made=maker.made if maker else None)
        self._image = image
        self._files: Files = plan.files
        self._plan = plan
        self._target = target
        self._rights = rights
        self._advance = advance
        self._maker = maker
        self._neighbours = Neighbours(image, plan.files)
        self._buffer = np.empty(STEP, np.uint8)

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
        return row in maker.made.regular[-1:]

    def _looked_up(self, row: int) -> Inode | None:
        """Return the inode of a row by itself, or report why there is none."""
        try:
            return self._image.inode(int(self._files.inodes[row]))
        except FormatError as error:
            self._fault(row, Fault.of(error))
        except StorageError as error:
            self._fault(row, Fault("unreadable", str(error)))
        self._fault(row, Fault("incomplete", f"nothing is known of it; an empty file {_LEFT}"))
        return None

    def _fill_one(
        self, row: int, inode: Inode, data: memoryview | None, run: memoryview | None
    ) -> None:
        """Fill a file and give it its attributes, if it is one."""
        if not inode.is_file:
            self.filled.misfits.append(row)
            return
        try:
            fd, status = self._target.open_file(*self._files.place(row))
        except TargetError as error:
            self.filled.lost.append(row)
            self._fault(row, Fault(error.kind, str(error)))
            return
        try:
            if data is None:
                whole = self._by_extents(row, fd, inode)
            else:
                whole = self._written(row, fd, data)
            if whole:
                self.filled.files += 1
                values = self._values(row, inode, run)
                if trouble := self._rights.give(fd, status, inode, self.filled.missed, values):
                    self._fault(row, Fault("attributes", trouble))
        finally:
            os.close(fd)

    def _values(self, row: int, inode: Inode, run: memoryview | None) -> Values:
        """Return the extended attributes that a file gets; report those that are damaged."""
        if not self._rights.xattrs:
            return NOTHING
        return values_of(self._image, inode, run, lambda fault: self._fault(row, fault))

    def _written(self, row: int, fd: int, data: memoryview) -> bool:
        """Write contents from the start of a file; tell whether all went well."""
        try:
            _write(fd, data, 0)
        except OSError as error:
            self._fault(row, _cut_off(error))
            return False
        self.filled.bytes_written += len(data)
        return True

    def _by_extents(self, row: int, fd: int, inode: Inode) -> bool:
        """Write what the image has of a file; tell whether that is all of it."""
        faults: list[Fault] = []
        if inode.metadata_only and inode.size:
            faults.append(Fault("missing", "the image has its attributes but not its data"))
        try:
            os.ftruncate(fd, inode.size)
            for batch in groups(self._image, inode, faults.append):
                for step in _steps(batch):
                    self._copy(fd, step, inode.number, faults)
        except DestinationError:
            raise
        except StorageError as error:
            faults.append(Fault("unreadable", str(error)))
        except FormatError as error:
            faults.append(Fault.of(error))
        except (OSError, OverflowError) as error:
            self._fault(row, _cut_off(error))
            return False
        whole = all(fault.kind == "substituted" for fault in faults)
        for fault in faults:
            self._fault(row, fault)
        if not whole:
            self._fault(
                row, Fault("incomplete", f"not all of its data came back; what did {_LEFT}")
            )
        return whole

    def _copy(self, fd: int, step: list[Group], number: int, faults: list[Fault]) -> None:
        """Copy the extents of groups that lie close together in the image with one read."""
        start = step[0].first * RECORD
        length = (step[-1].first + step[-1].records) * RECORD - start
        buffer = self._buffer[:length]
        memory = buffer.data
        try:
            got = self._image.volume.readinto_at(start, [memory])
        except StorageError as error:
            faults.append(Fault("unreadable", str(error), record=start // RECORD))
            return
        if got < length:
            faults.append(Fault("truncated", "the image ends here", record=start // RECORD))
            return
        for group in step:
            first = group.first * RECORD - start
            if not is_right(buffer[first : first + group.records * RECORD], group.crc32c):
                faults.append(damaged("its data", group.first - 1, number))
            for extent in group.extents:
                at = extent.image_offset - start
                _write(fd, memory[at : at + extent.length], extent.file_offset)
                self.filled.bytes_written += extent.length

    def _fault(self, row: int, fault: Fault) -> None:
        path = self._plan.path(*self._files.place(row))
        self.filled.faults.append(fault._replace(path=path, inode=int(self._files.inodes[row])))


_LEFT = "is left with mode 0600 and the time of this run"


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
    return Fault("target", f"{reason}; what could be {_LEFT}")
