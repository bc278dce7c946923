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
    """Flags of an inode (DARI-FIL-014, DARI-FIL-020)."""

    INODE_SUBSTITUTED = 0x1
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


class SdControl(IntFlag):
    """Control bits of a security descriptor (DARI-SDE-001)."""

    OWNER_DEFAULTED = 0x1
    GROUP_DEFAULTED = 0x2
    DACL_PRESENT = 0x4
    DACL_DEFAULTED = 0x8
    SACL_PRESENT = 0x10
    SACL_DEFAULTED = 0x20
    DACL_TRUSTED = 0x40
    SERVER_SECURITY = 0x80
    DACL_AUTO_INHERIT_REQ = 0x100
    SACL_AUTO_INHERIT_REQ = 0x200
    DACL_AUTO_INHERITED = 0x400
    SACL_AUTO_INHERITED = 0x800
    DACL_PROTECTED = 0x1000
    SACL_PROTECTED = 0x2000
    RM_CONTROL_VALID = 0x4000
    SELF_RELATIVE = 0x8000


class AceType(IntEnum):
    """Types of access control entries (DARI-SDE-007)."""

    ACCESS_ALLOWED = 0
    ACCESS_DENIED = 1
    SYSTEM_AUDIT = 2
    SYSTEM_ALARM = 3
    ACCESS_ALLOWED_COMPOUND = 4
    ACCESS_ALLOWED_OBJECT = 5
    ACCESS_DENIED_OBJECT = 6
    SYSTEM_AUDIT_OBJECT = 7
    SYSTEM_ALARM_OBJECT = 8
    ACCESS_ALLOWED_CALLBACK = 9
    ACCESS_DENIED_CALLBACK = 10
    ACCESS_ALLOWED_CALLBACK_OBJECT = 11
    ACCESS_DENIED_CALLBACK_OBJECT = 12
    SYSTEM_AUDIT_CALLBACK = 13
    SYSTEM_ALARM_CALLBACK = 14
    SYSTEM_AUDIT_CALLBACK_OBJECT = 15
    SYSTEM_ALARM_CALLBACK_OBJECT = 16
    SYSTEM_MANDATORY_LABEL = 17
    SYSTEM_RESOURCE_ATTRIBUTE = 18
    SYSTEM_SCOPED_POLICY_ID = 19
    SYSTEM_PROCESS_TRUST_LABEL = 20
    SYSTEM_ACCESS_FILTER = 21


class AceFlag(IntFlag):
    """Flags of an access control entry."""

    OBJECT_INHERIT = 0x1
    CONTAINER_INHERIT = 0x2
    NO_PROPAGATE_INHERIT = 0x4
    INHERIT_ONLY = 0x8
    INHERITED = 0x10
    CRITICAL = 0x20
    SUCCESSFUL_ACCESS = 0x40
    FAILED_ACCESS = 0x80


class ObjectFlag(IntFlag):
    """Which GUIDs an object entry holds (DARI-SDE-006)."""

    OBJECT_TYPE_PRESENT = 0x1
    INHERITED_OBJECT_TYPE_PRESENT = 0x2


class XattrMagic(IntEnum):
    """Forms of a list of extended attributes (DARI-XAT-004)."""

    BLOCK = 3925999616
    INODE = 3925999617


class XattrIndex(IntEnum):
    """First parts of attribute names (DARI-XAT-005)."""

    USER = 1
    ACL_ACCESS = 2
    ACL_DEFAULT = 3
    TRUSTED = 4
    LUSTRE = 5
    SECURITY = 6
    SYSTEM = 7


class AclTag(IntFlag):
    """Whom an entry of a POSIX ACL is about (DARI-XAT-007)."""

    USER_OBJ = 0x1
    USER = 0x2
    GROUP_OBJ = 0x4
    GROUP = 0x8
    MASK = 0x10
    OTHER = 0x20
