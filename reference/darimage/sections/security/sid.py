"""Security identifiers, [MS-DTYP] 2.4.2 (chapter 76)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from darimage.errors import FormatError
from darimage.sections.fixed import Fixed, check_end

MAX_SUB_AUTHORITIES = 15
_RULE = "DARI-SDE-004"
_HEAD = Fixed("security_descriptor/sid_head", "SID", _RULE)
_REVISION = 1
_WORD = 4
_AUTHORITY = 6
_DECIMAL_AUTHORITY = 1 << 32

# A colon behind shows that a hexadecimal authority took the D of a D: for its last digit.
SID_TEXT = re.compile(r"S-1-(0[xX][0-9A-Fa-f]{1,12}|[0-9]{1,15})((?:-[0-9]{1,10})*)(?!:)")


@dataclass(frozen=True, slots=True)
class Sid:
    """A security identifier: the name of a user, a group or a machine.

    Attributes:
        authority: Who gave it, 48 bits.
        sub_authorities: At most 15 numbers of 32 bits; the last is the relative identifier.

    Raises:
        FormatError: A number is too large, or there are too many.
    """

    authority: int
    sub_authorities: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.authority < 1 << 48:
            raise FormatError(f"SID authority {self.authority} has over 48 bits", requirement=_RULE)
        if len(self.sub_authorities) > MAX_SUB_AUTHORITIES:
            raise FormatError(
                f"SID of {len(self.sub_authorities)} sub-authorities", requirement=_RULE
            )
        if any(not 0 <= number < 1 << 32 for number in self.sub_authorities):
            raise FormatError("SID with a sub-authority of over 32 bits", requirement=_RULE)

    @classmethod
    def parse(cls, data: bytes, at: int = 0, end: int | None = None) -> Sid:
        """Return the SID at byte ``at``.

        Args:
            data: What holds it.
            at: Its first byte.
            end: Byte it must end at or before; None for the end of ``data``.

        Raises:
            FormatError: It is of another revision, too long, or passes the end.
        """
        end = len(data) if end is None else end
        revision, count, authority = _HEAD.read(data, at, end)
        if revision != _REVISION:
            raise FormatError(f"SID at byte {at} has revision {revision}", requirement=_RULE)
        if count > MAX_SUB_AUTHORITIES:
            raise FormatError(f"SID at byte {at} of {count} sub-authorities", requirement=_RULE)
        first = at + _HEAD.size
        check_end(first + _WORD * count, end, f"SID at byte {at}", _RULE)
        return cls(int.from_bytes(authority, "big"), struct.unpack_from(f"<{count}I", data, first))

    @classmethod
    def from_text(cls, text: str) -> Sid:
        """Return the SID written as ``S-1-5-32-544``.

        Raises:
            FormatError: It is not written so.
        """
        match = SID_TEXT.fullmatch(text)
        if match is None:
            raise FormatError(f"{text!r} is no SID such as S-1-5-32-544", requirement=_RULE)
        base = 16 if match[1][:2].lower() == "0x" else 10
        return cls(int(match[1], base), tuple(int(word) for word in match[2].split("-")[1:]))

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return _HEAD.size + _WORD * len(self.sub_authorities)

    def build(self) -> bytes:
        """Return its bytes."""
        count = len(self.sub_authorities)
        head = _HEAD.write(_REVISION, count, self.authority.to_bytes(_AUTHORITY, "big"))
        return head + struct.pack(f"<{count}I", *self.sub_authorities)

    def __str__(self) -> str:
        large = self.authority >= _DECIMAL_AUTHORITY
        authority = f"0x{self.authority:012x}" if large else str(self.authority)
        return "-".join(["S-1", authority, *map(str, self.sub_authorities)])
