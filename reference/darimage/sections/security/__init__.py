"""Security descriptors of Windows: their bytes, their SDDL text, Samba's wrapper (chapter 76)."""

from __future__ import annotations

from darimage.sections.security.ace import Ace, Entry, RawAce
from darimage.sections.security.acl import Acl
from darimage.sections.security.descriptor import SecurityDescriptor
from darimage.sections.security.samba import NtAcl, read_origin, split, unwrap, wrap
from darimage.sections.security.sddl import to_sddl
from darimage.sections.security.sddl_read import from_sddl
from darimage.sections.security.sid import Sid

__all__ = [
    "Ace",
    "Acl",
    "Entry",
    "NtAcl",
    "RawAce",
    "SecurityDescriptor",
    "Sid",
    "from_sddl",
    "read_origin",
    "split",
    "to_sddl",
    "unwrap",
    "wrap",
]
