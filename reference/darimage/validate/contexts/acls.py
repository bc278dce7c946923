"""NT ACLs whose two sections are sound (chapter 75)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.nt_acls import most
from darimage.image.reader import Image
from darimage.sections import nt_acls
from darimage.sections.nt_acls import NtAcls
from darimage.validate.contexts.sections import SectionSeen

OnFault = Callable[[Fault], None]


@dataclass
class AclsSeen:
    """The NT ACLs of an image.

    Attributes:
        image: The image.
        front: The section before the files.
        trailing: The one after them.
        records: Where these lie.
        on_fault: Told of what cannot be decoded.
    """

    image: Image
    front: SectionSeen
    trailing: SectionSeen
    records: tuple[int, int]
    on_fault: OnFault

    @cached_property
    def payload(self) -> bytes | None:
        """The payload; ``None`` if it is too long to be read."""
        found = self.front.payload
        if found is None or found.size > most(self.image.volume):
            return None
        return b"".join(found.stream())

    @cached_property
    def acls(self) -> NtAcls | None:
        """The payload decoded, if it can be; what is untidy in it is told."""
        if self.payload is None:
            return None
        record = self.records[0]
        try:
            for told, requirement in nt_acls.untidy(self.payload, self.image.order):
                self.on_fault(Fault("format", told, None, None, record, requirement))
            return nt_acls.decode(self.payload, self.image.order)
        except FormatError as error:
            self.on_fault(Fault("format", error.message, None, None, record, error.requirement))
            return None

    def decode_all(self) -> None:
        """Decode all descriptors and origins; those that are not well-formed are told."""
        if self.acls is not None:
            for fault in _broken(self.acls):
                self.on_fault(fault._replace(record=self.records[0]))


def _broken(found: NtAcls) -> Iterator[Fault]:
    from darimage.sections.security import SecurityDescriptor, read_origin

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
