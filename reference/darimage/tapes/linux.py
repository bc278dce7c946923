"""A tape in a drive of this machine, by the Linux driver ``st`` and its like.

Blocks have any length (the drive is set to variable blocks). Source: ``Documentation/scsi/st.rst``
of the Linux kernel. Near the end of the medium the driver refuses one write with ENOSPC, and lets
what follows pass: here that is the end, and a file mark still fits.
"""

from __future__ import annotations

import errno
import struct
from contextlib import suppress

from darimage.errors import StorageError
from darimage.tapes import mtio
from darimage.tapes.element import Kind
from darimage.tapes.mtio import Device, Op
from darimage.tapes.tape import EndOfMediumError, Read
from darimage.volumes.writing import Buffer

_FIRST_TRIED = 1 << 18
LONGEST = 1 << 24
"""Bytes of the longest block that is written or read."""


class LinuxTape:
    """A tape in a drive.

    Attributes:
        name: What to call it in messages.
        position: Blocks and file marks before the head.
        early_warning: Never set: the driver refuses a write instead.
    """

    early_warning = False

    def __init__(self, device: Device, name: str) -> None:
        """Take over a device; the tape stays where it is.

        Raises:
            StorageError: There is no tape, or the drive has only blocks of one length.
        """
        self.name = name
        self._device = device
        self._room = _FIRST_TRIED
        self._do(Op.SETBLK, 0)
        self.position = self._tell()

    @classmethod
    def open(cls, path: str, *, writing: bool = False) -> LinuxTape:
        """Open a drive by its name.

        Raises:
            StorageError: It cannot be opened, or there is no tape in it.
        """
        try:
            device = mtio.SystemDevice(path, writing=writing)
        except OSError as error:
            raise StorageError.of(error, path) from error
        try:
            return cls(device, path)
        except BaseException:
            device.close()
            raise

    def _operate(self, operation: Op, count: int) -> None:
        self._device.ioctl(mtio.MTIOCTOP, mtio.OPERATION.pack(operation, count))

    def _do(self, operation: Op, count: int = 1) -> None:
        try:
            self._operate(operation, count)
        except (OSError, struct.error) as error:
            told = error.strerror if isinstance(error, OSError) else "too far"
            raise StorageError(f"{self.name}: {operation.name} {count}: {told}") from error

    def _tell(self) -> int:
        try:
            answer = self._device.ioctl(mtio.MTIOCPOS, bytes(mtio.POSITION.size))
        except OSError as error:
            raise StorageError.of(error, self.name) from error
        return int(mtio.POSITION.unpack(answer)[0])

    def _at_end_of_data(self) -> bool:
        with suppress(OSError):
            answer = self._device.ioctl(mtio.MTIOCGET, bytes(mtio.STATUS.size))
            return bool(mtio.STATUS.unpack(answer)[3] & mtio.END_OF_DATA)
        return False

    def read(self) -> Read:
        """Read the block or file mark at the head and move behind it; at the end stay there."""
        while True:
            try:
                data = self._device.read(self._room)
                break
            except OSError as error:
                if error.errno == errno.ENOMEM and self._room < LONGEST:
                    self._again_with_more_room()
                elif error.errno != errno.EIO:
                    raise StorageError.of(error, self.name) from error
                else:
                    return self._unreadable()
        if not data and self._tell() == self.position:
            return Read(Kind.END)
        self.position += 1
        return Read(Kind.DATA if data else Kind.MARK, data)

    def _again_with_more_room(self) -> None:
        """Go back before a block that is longer than the room for it."""
        self._room = min(self._room * 4, LONGEST)
        if self._tell() != self.position:
            self._do(Op.BSR)

    def _unreadable(self) -> Read:
        """Move behind a block that cannot be read."""
        if self._at_end_of_data():
            return Read(Kind.END)
        self.position += 1
        if self._tell() != self.position:
            self._do(Op.SEEK, self.position)
        return Read(Kind.BAD)

    def write(self, block: Buffer) -> None:
        """Write a block; what lies behind it is gone."""
        view = memoryview(block).cast("B")
        try:
            done = self._device.write(view)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise EndOfMediumError(f"{self.name}: the tape is full") from error
            raise StorageError.of(error, self.name) from error
        if done != len(view):
            told = f"{done} bytes of a block of {len(view)} were written"
            raise StorageError(f"{self.name}: {told}")
        self.position += 1

    def write_mark(self) -> None:
        """Write a file mark, and with it all that the drive still has in its memory."""
        self._do(Op.WEOF)
        self.position += 1

    def locate(self, position: int) -> None:
        """Move the head so that ``position`` blocks and marks lie before it."""
        if position != self.position:
            self._do(Op.SEEK, position)
            self.position = position

    def next_file(self) -> bool:
        """Move behind the next file mark, or to the end of data; tell whether there was a mark."""
        try:
            self._operate(Op.FSF, 1)
        except OSError:
            self._do(Op.EOM)
            self.position = self._tell()
            return False
        self.position = self._tell()
        return True

    def rewind(self) -> None:
        """Move to the beginning."""
        self._do(Op.REW)
        self.position = self._tell()

    def close(self) -> None:
        """Close the device; where the tape then is depends on its name (``nst`` stays)."""
        self._device.close()
