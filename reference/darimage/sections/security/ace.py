"""Access control entries, [MS-DTYP] 2.4.4 (chapter 76)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from darimage.errors import FormatError
from darimage.schema.constants import AceType, ObjectFlag
from darimage.sections.fixed import Fixed, check_end
from darimage.sections.security.sid import Sid

OBJECT_TYPES = frozenset(
    {
        AceType.ACCESS_ALLOWED_OBJECT,
        AceType.ACCESS_DENIED_OBJECT,
        AceType.SYSTEM_AUDIT_OBJECT,
        AceType.SYSTEM_ALARM_OBJECT,
        AceType.ACCESS_ALLOWED_CALLBACK_OBJECT,
        AceType.ACCESS_DENIED_CALLBACK_OBJECT,
        AceType.SYSTEM_AUDIT_CALLBACK_OBJECT,
        AceType.SYSTEM_ALARM_CALLBACK_OBJECT,
    }
)
"""Types whose body may hold GUIDs."""

PLAIN_TYPES = frozenset(AceType) - OBJECT_TYPES - {AceType.ACCESS_ALLOWED_COMPOUND}
"""Types whose body is a mask, a SID and data. Those in neither set are kept as bytes."""

_RULE = "DARI-SDE-006"
_HEAD = Fixed("security_descriptor/ace_head", "ACE", _RULE)
_PLAIN = Fixed("security_descriptor/plain_ace_head", "ACE body", _RULE)
_OBJECT = Fixed("security_descriptor/object_ace_head", "ACE body", _RULE)
_GUID = 16
_GUID_FLAGS = (ObjectFlag.OBJECT_TYPE_PRESENT, ObjectFlag.INHERITED_OBJECT_TYPE_PRESENT)
HEAD_SIZE = _HEAD.size


@dataclass(frozen=True, slots=True)
class Ace:
    """An entry of a known type: what someone may do, may not do, or is watched doing.

    Attributes:
        type: An ``AceType`` of ``PLAIN_TYPES`` or ``OBJECT_TYPES``.
        flags: ``AceFlag`` bits: inheritance and auditing.
        mask: Access rights, 32 bits.
        sid: Whom it is about.
        object_type: Of an object entry, the class, property or right it is about.
        inherited_object_type: Of an object entry, the class of objects that inherit it.
        object_flags: Of an object entry, flags other than those that say which GUIDs are there.
        data: What follows the SID: a condition, a claim, or padding.

    Raises:
        FormatError: The type is not known, or it has no GUIDs but some were given.
    """

    type: int
    flags: int
    mask: int
    sid: Sid
    object_type: UUID | None = None
    inherited_object_type: UUID | None = None
    object_flags: int = 0
    data: bytes = b""

    def __post_init__(self) -> None:
        guids = self.object_type or self.inherited_object_type or self.object_flags
        if self.type not in OBJECT_TYPES and (self.type not in PLAIN_TYPES or guids):
            raise FormatError(f"ACE of type {self.type} is none with GUIDs", requirement=_RULE)
        if self.object_flags & sum(_GUID_FLAGS):
            raise FormatError("ACE flags for GUIDs are not given by hand", requirement=_RULE)

    def build(self) -> bytes:
        """Return its bytes.

        Raises:
            FormatError: A number does not fit, or the entry has more than 65,535 bytes.
        """
        fixed = self._object_head() if self.type in OBJECT_TYPES else _PLAIN.write(self.mask)
        return _with_head(self.type, self.flags, fixed + self.sid.build() + self.data)

    def _object_head(self) -> bytes:
        given = list(zip(_GUID_FLAGS, (self.object_type, self.inherited_object_type), strict=True))
        present = sum(flag for flag, guid in given if guid is not None)
        guids = b"".join(guid.bytes_le for _, guid in given if guid is not None)
        return _OBJECT.write(self.mask, self.object_flags | present) + guids


@dataclass(frozen=True, slots=True)
class RawAce:
    """An entry of a type not known here, kept as it is (DARI-SDE-007).

    Attributes:
        type: Its type, 0 to 255.
        flags: ``AceFlag`` bits.
        body: All bytes behind the head.

    Raises:
        FormatError: The type is a known one, or over 255.
    """

    type: int
    flags: int
    body: bytes

    def __post_init__(self) -> None:
        if self.type in OBJECT_TYPES or self.type in PLAIN_TYPES:
            raise FormatError(f"ACE of type {self.type} has a known layout", requirement=_RULE)
        if not 0 <= self.type < 1 << 8:
            raise FormatError(f"ACE of type {self.type}", requirement=_RULE)

    def build(self) -> bytes:
        """Return its bytes.

        Raises:
            FormatError: A number does not fit, or the entry has more than 65,535 bytes.
        """
        return _with_head(self.type, self.flags, self.body)


Entry = Ace | RawAce
"""An entry of an ACL."""


def parse_entry(data: bytes, at: int, end: int) -> tuple[Entry, int]:
    """Return the entry at byte ``at``, and the byte behind it.

    Args:
        data: What holds it.
        at: Its first byte.
        end: The end of the ACL.

    Raises:
        FormatError: Its size or its contents do not fit.
    """
    ace_type, flags, size = _HEAD.read(data, at, end)
    stop, body = at + size, at + _HEAD.size
    check_end(stop, end, f"ACE at byte {at}", _RULE)
    if stop < body:
        raise FormatError(f"ACE at byte {at} of {size} bytes", requirement=_RULE)
    if ace_type in PLAIN_TYPES:
        (mask,) = _PLAIN.read(data, body, stop)
        sid, tail = _cut_sid(data, body + _PLAIN.size, stop)
        return Ace(ace_type, flags, mask, sid, data=tail), stop
    if ace_type in OBJECT_TYPES:
        return _parse_object(ace_type, flags, data, body, stop), stop
    return RawAce(ace_type, flags, data[body:stop]), stop


def _parse_object(ace_type: int, flags: int, data: bytes, at: int, stop: int) -> Ace:
    mask, object_flags = _OBJECT.read(data, at, stop)
    at += _OBJECT.size
    guids: list[UUID | None] = []
    for flag in _GUID_FLAGS:
        if object_flags & flag:
            check_end(at + _GUID, stop, f"GUID at byte {at}", _RULE)
            guids.append(UUID(bytes_le=data[at : at + _GUID]))
            at += _GUID
        else:
            guids.append(None)
    sid, tail = _cut_sid(data, at, stop)
    others = object_flags & ~sum(_GUID_FLAGS)
    return Ace(ace_type, flags, mask, sid, guids[0], guids[1], others, tail)


def _cut_sid(data: bytes, at: int, stop: int) -> tuple[Sid, bytes]:
    sid = Sid.parse(data, at, stop)
    return sid, data[at + sid.size : stop]


def _with_head(ace_type: int, flags: int, body: bytes) -> bytes:
    return _HEAD.write(ace_type, flags, _HEAD.size + len(body)) + body
