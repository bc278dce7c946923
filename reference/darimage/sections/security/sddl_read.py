"""Reads SDDL, [MS-DTYP] 2.5.1 (DARI-SDE-014)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn
from uuid import UUID

from darimage.errors import FormatError
from darimage.schema.constants import AceType, SdControl
from darimage.sections.security import sddl_words as words
from darimage.sections.security.ace import OBJECT_TYPES, PLAIN_TYPES, Ace, Entry, RawAce
from darimage.sections.security.acl import Acl
from darimage.sections.security.descriptor import SecurityDescriptor
from darimage.sections.security.sid import SID_TEXT, Sid

_PART = re.compile(r"([OGDS]):")
_WORD = re.compile(r"[A-Z]{2}")
_ACL_FLAG = re.compile(f"{words.NO_ACCESS_CONTROL}|AR|AI|P")
_ACE = re.compile(r"\(([^()]*)\)")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"(?P<hex>0[xX][0-9a-fA-F]{1,8})|(?P<octal>0[0-7]{0,11})|[1-9][0-9]{0,9}")
_DATA = re.compile(r"#((?:[0-9a-fA-F]{2})*)")
_FIELDS = 6
_ENTRY_WANTED = "an entry should be (its data as #hex: conditions in words are not read)"
_FILE_AND_KEY_RIGHTS = {**words.RIGHTS, **words.FILE_RIGHTS, **words.KEY_RIGHTS}


def from_sddl(text: str, domain: Sid | None = None) -> SecurityDescriptor:
    """Return the descriptor that SDDL text describes.

    Args:
        text: Owner, group, DACL and SACL, each at most once, in any order.
        domain: The domain or machine that words such as ``DA`` are about.

    Raises:
        FormatError: It is not SDDL, or has a condition or a claim in words instead of ``#`` and
            hexadecimal digits.
    """
    return _Reader(text.strip(), domain).read()


class _Reader:
    """One pass over a text.

    Attributes:
        text: The whole text.
        at: Character to read next.
    """

    def __init__(self, text: str, domain: Sid | None) -> None:
        self.text = text
        self.at = 0
        self._domain = domain

    def read(self) -> SecurityDescriptor:
        sids: dict[str, Sid] = {}
        acls: dict[str, Acl | None] = {}
        control: int = SdControl.SELF_RELATIVE
        while self.at < len(self.text):
            part = self._take(_PART, "O:, G:, D: or S: should be")[1]
            if part in sids or part in acls:
                self._fail(f"{part}: again")
            if part in "OG":
                sids[part] = self._sid()
            else:
                acls[part], bits = self._acl(part)
                control |= bits
        owner, group = sids.get("O"), sids.get("G")
        return SecurityDescriptor(owner, group, acls.get("D"), acls.get("S"), control)

    def _sid(self) -> Sid:
        match = SID_TEXT.match(self.text, self.at) or self._take(_WORD, "a SID should be")
        self.at = match.end()
        return self._sid_of(match[0])

    def _sid_of(self, text: str) -> Sid:
        if text in words.WELL_KNOWN:
            return words.WELL_KNOWN[text]
        if text not in words.DOMAIN:
            return Sid.from_text(text)
        if self._domain is None:
            self._fail(f"{text} is the account of a domain, and none is given")
        return Sid(self._domain.authority, (*self._domain.sub_authorities, words.DOMAIN[text]))

    def _acl(self, part: str) -> tuple[Acl | None, int]:
        dacl = part == "D"
        control: int = SdControl.DACL_PRESENT if dacl else SdControl.SACL_PRESENT
        flags = words.DACL_FLAGS if dacl else words.SACL_FLAGS
        absent = False
        while match := _ACL_FLAG.match(self.text, self.at):
            self.at = match.end()
            control |= flags.get(match[0], 0)
            absent = absent or match[0] == words.NO_ACCESS_CONTROL
        entries = []
        while self.text.startswith("(", self.at):
            entries.append(self._entry(self._take(_ACE, _ENTRY_WANTED)[1]))
        if absent and entries:
            self._fail(f"entries after {words.NO_ACCESS_CONTROL}")
        return None if absent else Acl.of(tuple(entries)), control

    def _entry(self, text: str) -> Entry:
        fields = [field.strip() for field in text.split(";")]
        if len(fields) == _FIELDS:
            fields.append("")
        if len(fields) != _FIELDS + 1:
            self._fail(f"({text}) has not six or seven fields")
        kind, flags, rights, *guids, sid, data = fields
        ace_type = words.ACE_TYPES.get(kind)
        number = self._number(kind, "an ACE type") if ace_type is None else int(ace_type)
        bits = self._bits(flags, words.ACE_FLAGS)
        tail = self._data(data)
        if number not in PLAIN_TYPES and number not in OBJECT_TYPES:
            if any([rights, *guids, sid]):
                self._fail(f"({text}) has a type that is kept as #hex alone")
            return RawAce(number, bits, tail)
        mask = self._rights(number, rights)
        object_type, inherited = map(self._guid, guids)
        return Ace(number, bits, mask, self._sid_of(sid), object_type, inherited, data=tail)

    def _rights(self, ace_type: int, text: str) -> int:
        if text[:1].isdigit():
            return self._number(text, "access rights")
        label = ace_type == AceType.SYSTEM_MANDATORY_LABEL
        return self._bits(text, words.LABEL_RIGHTS if label else _FILE_AND_KEY_RIGHTS)

    def _bits(self, text: str, known: Mapping[str, int]) -> int:
        bits = 0
        for at in range(0, len(text), 2):
            word = text[at : at + 2]
            if word not in known:
                self._fail(f"{word!r} in {text!r} is not known")
            bits |= known[word]
        return bits

    def _number(self, text: str, what: str) -> int:
        match = _NUMBER.fullmatch(text)
        if match is None:
            self._fail(f"{text!r} for {what}")
        number = int(text, 16 if match["hex"] else 8 if match["octal"] else 10)
        if number >= 1 << 32:
            self._fail(f"{text} for {what} has over 32 bits")
        return number

    def _guid(self, text: str) -> UUID | None:
        if text and not _GUID.fullmatch(text):
            self._fail(f"{text!r} is no GUID")
        return UUID(text) if text else None

    def _data(self, text: str) -> bytes:
        match = _DATA.fullmatch(text) if text else None
        if text and match is None:
            self._fail(f"data {text!r} is not # and pairs of hexadecimal digits")
        return bytes.fromhex(match[1]) if match else b""

    def _take(self, pattern: re.Pattern[str], wanted: str) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        if match is None:
            self._fail(f"{self.text[self.at : self.at + 20]!r} where {wanted}")
        self.at = match.end()
        return match

    def _fail(self, message: str) -> NoReturn:
        raise FormatError(
            f"SDDL, before character {self.at + 1}: {message}", requirement="DARI-SDE-014"
        )
