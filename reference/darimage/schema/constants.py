"""The named numbers of an image, as the generated codecs enumerate them.

Names are upper case as Python has it (``CType.TS_INODE``); the values come from ``ksy/``.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

from darimage.schema.construct_le import extension as _extension
from darimage.schema.construct_le import record as _record


def _members(generated: type[IntEnum]) -> list[tuple[str, int]]:
    return [(member.name.upper(), member.value) for member in generated]


CType = IntEnum("CType", _members(_record.record__c_type))
"""What a header opens (DARI-REC-005)."""

Magic = IntEnum("Magic", _members(_record.record__magic))
"""``c_magic`` of the dialects (DARI-REC-003, DARI-REC-018)."""

DrFlag = IntFlag("DrFlag", _members(_record.record__flags))
"""``c_flags`` (DARI-REC-013)."""

ExtAttributes = IntEnum("ExtAttributes", _members(_record.record__extattributes))
"""``c_extattributes``: what a record with ``DR_EXTATTRIBUTES`` holds."""

Kind = IntEnum("Kind", _members(_extension.extension__kind))
"""Kind of an extension area (DARI-EXT-003)."""

Section = IntEnum("Section", _members(_extension.extension__section))
"""Which section (DARI-SCT-002)."""

Verdict = IntEnum("Verdict", _members(_extension.extension__verdict))
"""Whether the offset map was found true while writing (DARI-END-003)."""

InodeFlag = IntFlag("InodeFlag", _members(_extension.extension__inode_flags))
"""Flags of an inode's extension area (DARI-FIL-014, DARI-DIR-010)."""

Compat = IntFlag("Compat", _members(_extension.extension__compat))
"""Features a reader may ignore (DARI-VOL-004)."""

Incompat = IntFlag("Incompat", _members(_extension.extension__incompat))
"""Features a reader must know (DARI-VOL-005)."""
