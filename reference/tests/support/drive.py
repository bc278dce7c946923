"""A stand-in for a tape drive behind the Linux driver: what ``st`` answers, not what it does.

It follows Documentation/scsi/st.rst: variable blocks; a read of nothing at a file mark; ENOMEM if a
block is longer than what is asked for, with the head behind it; EIO for what cannot be read and
behind the end of data; near the end of the medium every other write is refused with ENOSPC.
"""

from __future__ import annotations

import errno
import struct

MARK = None
TOP, GET, POS = 0x40086D01, 0x80306D02, 0x80086D03
FSF, BSR, WEOF, REW, EOM, SETBLK, SEEK = 1, 4, 5, 6, 12, 20, 22


def fault(number):
    return OSError(number, "as told")


class Drive:
    """A drive with a tape in it.

    Attributes:
        held: Blocks and marks (``None``) on the tape.
        bad: Positions of blocks that cannot be read.
        head: Position of the head.
        calls: Operations that were asked for.
    """

    def __init__(self, held=(), capacity=None, *, bad=(), fixed=False):
        self.held = list(held)
        self.bad = set(bad)
        self.capacity = capacity
        self.head = 0
        self.calls = []
        self._met_end = False
        self._fixed = fixed
        self._warned = False

    def read(self, length):
        if self.head >= len(self.held):
            if self._met_end:
                raise fault(errno.EIO)
            self._met_end = True
            return b""
        block = self.held[self.head]
        if self.head in self.bad:
            self.head += 1
            raise fault(errno.EIO)
        self.head += 1
        if block is MARK:
            return b""
        if len(block) > length:
            raise fault(errno.ENOMEM)
        return bytes(block)

    def write(self, block):
        used = sum(len(one) for one in self.held[: self.head] if one is not MARK)
        if self.capacity is not None and used + len(block) > self.capacity:
            self._warned = not self._warned
            if self._warned:
                raise fault(errno.ENOSPC)
        self._put(bytes(block))
        return len(block)

    def _put(self, what):
        self._met_end = False
        self.held[self.head :] = [what]
        self.head += 1

    def ioctl(self, request, argument):
        if request == POS:
            return struct.pack("@l", self.head)
        if request == GET:
            status = 0x08000000 if self._met_end else 0
            return struct.pack("@5l2i", 0x72, 0, 0, status, 0, 0, 0)
        assert request == TOP
        operation, count = struct.unpack("@hi", argument)
        self.calls.append(operation)
        self._met_end = False
        self._operate(operation, count)
        return argument

    def _operate(self, operation, count):
        if operation == SETBLK:
            if self._fixed:
                raise fault(errno.EINVAL)
        elif operation == SEEK:
            self._go(count)
        elif operation == BSR:
            self._go(self.head - count)
        elif operation == FSF:
            marks = [at for at in range(self.head, len(self.held)) if self.held[at] is MARK]
            self.head = marks[count - 1] + 1 if len(marks) >= count else len(self.held)
            if len(marks) < count:
                raise fault(errno.EIO)
        elif operation == WEOF:
            for _ in range(count):
                self._put(MARK)
        else:
            self.head = {REW: 0, EOM: len(self.held)}[operation]

    def _go(self, position):
        if not 0 <= position <= len(self.held):
            raise fault(errno.EIO)
        self.head = position

    def close(self):
        self.calls.append("close")
