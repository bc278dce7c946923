"""Writes security descriptors as SDDL, [MS-DTYP] 2.5.1 (DARI-SDE-014)."""

from __future__ import annotations

from collections.abc import Mapping

from darimage.schema.constants import AceType, SdControl
from darimage.sections.security import sddl_words as words
from darimage.sections.security.ace import Ace, Entry
from darimage.sections.security.acl import Acl
from darimage.sections.security.descriptor import SecurityDescriptor
from darimage.sections.security.sid import Sid

_TYPE_WORDS: dict[int, str] = {value: word for word, value in words.ACE_TYPES.items()}
_FILE_WORDS = {value: word for word, value in words.FILE_RIGHTS.items()}
_SID_WORDS = {sid: word for word, sid in words.WELL_KNOWN.items()}
_DOMAIN_WORDS = {number: word for word, number in words.DOMAIN.items()}


def to_sddl(descriptor: SecurityDescriptor, domain: Sid | None = None) -> str:
    """Return a descriptor as SDDL text, without line breaks.

    An entry's data, such as a condition, is shown as ``#`` and hexadecimal digits in a seventh
    field; an entry of a type without letters has its number as type.

    Args:
        descriptor: What to write.
        domain: A domain or machine whose own accounts are written as words, ``DA`` for one.
    """
    control = descriptor.control
    text = f"O:{_sid(descriptor.owner, domain)}" if descriptor.owner else ""
    text += f"G:{_sid(descriptor.group, domain)}" if descriptor.group else ""
    if control & SdControl.DACL_PRESENT:
        text += "D:" + _acl(descriptor.dacl, control, words.DACL_FLAGS, domain)
    if control & SdControl.SACL_PRESENT:
        text += "S:" + _acl(descriptor.sacl, control, words.SACL_FLAGS, domain)
    return text


def _acl(acl: Acl | None, control: int, flags: Mapping[str, int], domain: Sid | None) -> str:
    shown = _spell(control, flags)
    if acl is None:
        return shown + words.NO_ACCESS_CONTROL
    return shown + "".join(f"({_entry(entry, domain)})" for entry in acl.entries)


def _entry(entry: Entry, domain: Sid | None) -> str:
    kind = _TYPE_WORDS.get(entry.type, hex(entry.type))
    head = f"{kind};{_spell(entry.flags, words.ACE_FLAGS)}"
    if not isinstance(entry, Ace):
        return f"{head};;;;;#{entry.body.hex()}"
    guids = f"{entry.object_type or ''};{entry.inherited_object_type or ''}"
    data = f";#{entry.data.hex()}" if entry.data else ""
    return f"{head};{_rights(entry)};{guids};{_sid(entry.sid, domain)}{data}"


def _rights(entry: Ace) -> str:
    mask = entry.mask
    if entry.type == AceType.SYSTEM_MANDATORY_LABEL:
        known: Mapping[str, int] = words.LABEL_RIGHTS
    elif mask in _FILE_WORDS:
        return _FILE_WORDS[mask]
    else:
        known = words.RIGHTS
    return hex(mask) if mask & ~sum(known.values()) else _spell(mask, known)


def _spell(bits: int, known: Mapping[str, int]) -> str:
    return "".join(word for word, bit in known.items() if bits & bit)


def _sid(sid: Sid, domain: Sid | None) -> str:
    if sid in _SID_WORDS:
        return _SID_WORDS[sid]
    if domain and sid.authority == domain.authority and sid.sub_authorities:
        *parent, last = sid.sub_authorities
        if tuple(parent) == domain.sub_authorities and last in _DOMAIN_WORDS:
            return _DOMAIN_WORDS[last]
    return str(sid)
