# Generated from ksy/ by `make generate`. Do not edit.
"""The named numbers of an image."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Kind(IntEnum):
    """Kind of an extension area (DARI-EXT-003)."""

    VOLUME = 1
    INODE = 2
    SECTION = 3
    END = 4
    BITMAP = 5


class Section(IntEnum):
    """Which section (DARI-SCT-002)."""

    STREAM_DIRECTORIES = 1
    NT_ACLS_FRONT = 2
    OFFSET_MAP = 3
    NT_ACLS_TRAILING = 4


class Verdict(IntEnum):
    """Whether the offset map was found true while writing (DARI-END-003)."""

    UNVERIFIED = 0
    GOOD = 1
    BAD = 2


class InodeFlag(IntFlag):
    """Flags of an inode (DARI-FIL-014, DARI-DIR-010, DARI-FIL-020)."""

    INODE_SUBSTITUTED = 0x1
    INODE_DATA_CRC = 0x2
    INODE_END_IS_HOLE = 0x4


class Compat(IntFlag):
    """Features a reader may ignore (DARI-VOL-004)."""

    NT_ACLS = 0x1
    STREAMS = 0x2
    XATTRS = 0x4
    INCREMENTAL = 0x8


class Incompat(IntFlag):
    """Features a reader must know (DARI-VOL-005)."""

    VOLUMES = 0x1


class CType(IntEnum):
    """What a header opens (DARI-REC-005)."""

    TS_TAPE = 1
    TS_INODE = 2
    TS_BITS = 3
    TS_ADDR = 4
    TS_END = 5
    TS_CLRI = 6


class Magic(IntEnum):
    """Values of ``c_magic`` (DARI-REC-003, DARI-REC-018)."""

    OFS = 60011
    NFS = 60012
    UFS2 = 424935705


class DrFlag(IntFlag):
    """Bits of ``c_flags`` (DARI-REC-013)."""

    DR_NEWHEADER = 0x1
    DR_NEWINODEFMT = 0x2
    DR_COMPRESSED = 0x80
    DR_METAONLY = 0x100
    DR_EXTATTRIBUTES = 0x8000


class ExtAttributes(IntEnum):
    """Values of ``c_extattributes``."""

    EXT_REGULAR = 0
    EXT_MACOSFNDRINFO = 1
    EXT_MACOSRESFORK = 2
    EXT_XATTR = 3
