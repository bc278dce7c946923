"""Access control lists, [MS-DTYP] 2.4.5 (chapter 76)."""

from __future__ import annotations

from dataclasses import dataclass

from darimage.errors import FormatError
from darimage.sections.fixed import Fixed, check_end
from darimage.sections.security.ace import HEAD_SIZE, OBJECT_TYPES, Entry, parse_entry

REVISION = 2
REVISION_OBJECTS = 4
_RULE = "DARI-SDE-005"
_HEAD = Fixed("security_descriptor/acl_head", "ACL", _RULE)


@dataclass(frozen=True, slots=True)
class Acl:
    """Entries in the order in which they count.

    Attributes:
        entries: Of known and of unknown types.
        revision: 2 to 4; 4 if there are object entries.
        sbz1: Reserved; zero but in what others wrote.
        sbz2: Likewise.
        unused: Bytes behind the last entry, kept (DARI-SDE-008).
    """

    entries: tuple[Entry, ...] = ()
    revision: int = REVISION
    sbz1: int = 0
    sbz2: int = 0
    unused: bytes = b""

    @classmethod
    def of(cls, entries: tuple[Entry, ...]) -> Acl:
        """Return an ACL of the revision that its entries need."""
        objects = any(entry.type in OBJECT_TYPES for entry in entries)
        return cls(entries, REVISION_OBJECTS if objects else REVISION)

    @classmethod
    def parse(cls, data: bytes, at: int = 0) -> Acl:
        """Return the ACL at byte ``at``; its own size says where it ends.

        Raises:
            FormatError: Its revision, its size, its count or an entry cannot be.
        """
        revision, sbz1, size, count, sbz2 = _HEAD.read(data, at, len(data))
        end, first = at + size, at + _HEAD.size
        check_end(end, len(data), f"ACL at byte {at}", _RULE)
        _check_revision(revision)
        if first + HEAD_SIZE * count > end:
            raise FormatError(
                f"ACL at byte {at}: {count} entries in {size} bytes", requirement=_RULE
            )
        entries = []
        place = first
        for _ in range(count):
            entry, place = parse_entry(data, place, end)
            entries.append(entry)
        return cls(tuple(entries), revision, sbz1, sbz2, data[place:end])

    def build(self) -> bytes:
        """Return its bytes.

        Raises:
            FormatError: A number does not fit, or the list has more than 65,535 bytes.
        """
        _check_revision(self.revision)
        body = b"".join(entry.build() for entry in self.entries) + self.unused
        size = _HEAD.size + len(body)
        return _HEAD.write(self.revision, self.sbz1, size, len(self.entries), self.sbz2) + body


def _check_revision(revision: int) -> None:
    if not REVISION <= revision <= REVISION_OBJECTS:
        raise FormatError(f"ACL of revision {revision}", requirement=_RULE)
