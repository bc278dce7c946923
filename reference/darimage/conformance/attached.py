"""What hangs on inodes besides their data, for the inventory: NT ACLs, attributes, streams."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from darimage.conformance.words import text
from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.inode import Inode
from darimage.image.reader import Image
from darimage.sections.security import SecurityDescriptor, to_sddl

OnFault = Callable[[Fault], None]
DataOf = Callable[[Inode], dict[str, Any]]


class Attached:
    """Looks things up for one inode after the other."""

    def __init__(self, image: Image, data_of: DataOf, on_fault: OnFault) -> None:
        """Keep what is asked again and again.

        Args:
            image: The image.
            data_of: Tells of a stream's data as of a file's.
            on_fault: Told of what is damaged, which is left out.
        """
        self._image = image
        self._data_of = data_of
        self._on_fault = on_fault
        self._acls = image.nt_acls
        self._sddl: dict[bytes, str] = {}

    def of(self, inode: Inode) -> dict[str, Any]:
        """Return what is told of an inode; what it has none of is left out."""
        told: dict[str, Any] = {}
        faults: list[Fault] = []
        attributes = self._image.attributes_of(inode, faults.append)
        for fault in faults:
            self._on_fault(fault)
        if faults:
            told["attributes"] = False
        if attributes:
            told["xattrs"] = [
                {"name": text(name), "size": len(value), "sha256": hashed(value)}
                for name, value in sorted(attributes.items())
            ]
        if (descriptor := self._acl(inode)) is not None:
            told["descriptor"] = {"size": len(descriptor), "sha256": hashed(descriptor)}
            told["sddl"] = self._text(descriptor)
        if streams := self._streams(inode):
            told["streams"] = streams
        return told

    def _acl(self, inode: Inode) -> bytes | None:
        """Return an inode's security descriptor if it has one that can be read (DARI-SDE-015)."""
        try:
            if inode.number in self._acls:
                descriptor = self._acls[inode.number][0]
                self._text(descriptor)
                return descriptor
        except FormatError as error:
            self._on_fault(Fault.of(error, inode=inode.number))
        return None

    def _text(self, descriptor: bytes) -> str:
        if descriptor not in self._sddl:
            self._sddl[descriptor] = to_sddl(SecurityDescriptor.parse(descriptor))
        return self._sddl[descriptor]

    def _streams(self, inode: Inode) -> list[dict[str, Any]]:
        found = []
        for entry in sorted(self._image.streams.of(inode.number), key=lambda entry: entry.name):
            try:
                stream = self._image.inode(entry.inode)
            except FormatError as error:
                self._on_fault(Fault.of(error, inode=entry.inode))
                continue
            found.append({"name": text(entry.name), **self._data_of(stream)})
        return found


def hashed(value: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(value).hexdigest()
