"""What NT ACLs must be, given the image that they are in (chapter 75)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.reader import Image
from darimage.sections import nt_acls
from darimage.sections.nt_acls import NtAcls
from darimage.sections.security import SecurityDescriptor, read_origin

OnFault = Callable[[Fault], None]


def judge(image: Image, payload: bytes, record: int, on_fault: OnFault) -> None:
    """Judge an NT ACL payload.

    Args:
        image: The image it is in.
        payload: Its bytes.
        record: Record number of its section.
        on_fault: Told of what is wrong.
    """
    try:
        for told, requirement in nt_acls.untidy(payload, image.order):
            on_fault(Fault("format", told, None, None, record, requirement))
        found = nt_acls.decode(payload, image.order)
    except FormatError as error:
        on_fault(Fault("format", error.message, None, None, record, error.requirement))
        return
    for fault in (*_strangers(image, found), *_broken(found)):
        on_fault(fault._replace(record=record))


def _strangers(image: Image, found: NtAcls) -> Iterator[Fault]:
    """Yield the inodes that have a row and are not in the image (DARI-ACL-010)."""
    if image.front.dumped is None:
        return
    for inode in found.inodes[~image.dumped.holds(found.inodes)].tolist():
        told = "has an NT ACL and is not in the image"
        yield Fault("format", told, None, inode, None, "DARI-ACL-010")


def _broken(found: NtAcls) -> Iterator[Fault]:
    """Yield descriptors and origins that are not well-formed (chapter 76)."""
    users = _first_users(found, found.descriptor_numbers)
    for number in range(found.descriptors):
        try:
            SecurityDescriptor.parse(found.descriptor(number))
        except FormatError as error:
            yield Fault.of(error, inode=users.get(number))
    users = _first_users(found, found.origin_numbers)
    for number in range(1, found.origins + 1):
        try:
            read_origin(found.origin(number))
        except FormatError as error:
            yield Fault.of(error, inode=users.get(number))


def _first_users(found: NtAcls, numbers: nt_acls.Ints) -> dict[int, int]:
    """Return for each number the lowest inode whose row has it."""
    used, rows = np.unique(numbers, return_index=True)
    return dict(zip(used.tolist(), found.inodes[rows].tolist(), strict=True))
