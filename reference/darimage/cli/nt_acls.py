"""NT ACLs as ``list`` and ``info`` show them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from darimage.cli import common
from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.reader import Image
from darimage.sections.security import NtAcl, SecurityDescriptor, read_origin, to_sddl
from darimage.units import RECORD, size_text

_REMEMBERED = 1 << 10
_FIELDS = {
    1: (),
    2: ("hash",),
    3: ("hash_type", "hash"),
    4: ("hash_type", "hash", "description", "time", "sys_acl_hash"),
}


class Shown:
    """The NT ACLs of an image for people; what is wrong with one goes to the image's faults."""

    def __init__(self, image: Image) -> None:
        """Look at an image."""
        self._image = image
        self._sddl = lru_cache(_REMEMBERED)(self._sddl_of)

    def line(self, inode: int) -> str | None:
        """Return the SDDL of an inode's NT ACL, indented; ``None`` if it has none."""
        row = self._image.nt_acls.row(inode)
        if row is None:
            return None
        sddl = self._sddl(int(self._image.nt_acls.descriptor_numbers[row]))
        return "    ?" if sddl is None else f"    {sddl or '(empty)'}"

    def as_json(self, inode: int) -> dict[str, Any] | None:
        """Return an inode's NT ACL for JSON; ``None`` if it has none."""
        found = self._image.nt_acls
        row = found.row(inode)
        if row is None:
            return None
        number = int(found.origin_numbers[row])
        origin = self._origin(number, inode) if number else None
        return {"sddl": self._sddl(int(found.descriptor_numbers[row])), "origin": origin}

    def _sddl_of(self, number: int) -> str | None:
        try:
            return to_sddl(SecurityDescriptor.parse(self._image.nt_acls.descriptor(number)))
        except FormatError as error:
            told = f"NT ACLs, descriptor {number}: {error.message}"
            self._image.faults.tell(Fault.of(error)._replace(message=told))
            return None

    def _origin(self, number: int, inode: int) -> dict[str, Any] | None:
        try:
            return _as_json(read_origin(self._image.nt_acls.origin(number)))
        except FormatError as error:
            self._image.faults.tell(Fault.of(error, inode=inode))
            return None


def _as_json(origin: NtAcl) -> dict[str, Any]:
    values = {
        "hash_type": origin.hash_type,
        "hash": origin.digest.hex(),
        "description": origin.description,
        "time": origin.time,
        "sys_acl_hash": origin.sys_acl_digest.hex(),
    }
    names = _FIELDS[origin.version] if origin.version != 2 or origin.digest else ("time",)
    return {"version": origin.version, **{name: values[name] for name in names}}


def counts(image: Image) -> dict[str, int]:
    """Return how much of NT ACLs an image has, for JSON."""
    found = image.nt_acls
    names = {"rows": len(found), "descriptors": found.descriptors, "origins": found.origins}
    return {**names, "bytes": found.size}


def counts_line(known: dict[str, int], acl_start: int) -> str:
    """Return a line that says the same to people."""
    told = ", ".join(
        (
            common.plural(known["rows"], "inode"),
            common.plural(known["descriptors"], "descriptor"),
            common.plural(known["origins"], "origin"),
            size_text(known["bytes"]),
        )
    )
    return f"{told}; ACL_START {acl_start} (record {acl_start // RECORD})"
