"""The words of SDDL, [MS-DTYP] 2.5.1.1: letters for types, flags, rights and well-known SIDs."""

from __future__ import annotations

from darimage.schema.constants import AceFlag, AceType, SdControl
from darimage.sections.security.sid import Sid

ACE_TYPES = {
    "A": AceType.ACCESS_ALLOWED,
    "D": AceType.ACCESS_DENIED,
    "AU": AceType.SYSTEM_AUDIT,
    "AL": AceType.SYSTEM_ALARM,
    "OA": AceType.ACCESS_ALLOWED_OBJECT,
    "OD": AceType.ACCESS_DENIED_OBJECT,
    "OU": AceType.SYSTEM_AUDIT_OBJECT,
    "OL": AceType.SYSTEM_ALARM_OBJECT,
    "XA": AceType.ACCESS_ALLOWED_CALLBACK,
    "XD": AceType.ACCESS_DENIED_CALLBACK,
    "ZA": AceType.ACCESS_ALLOWED_CALLBACK_OBJECT,
    "XU": AceType.SYSTEM_AUDIT_CALLBACK,
    "ML": AceType.SYSTEM_MANDATORY_LABEL,
    "RA": AceType.SYSTEM_RESOURCE_ATTRIBUTE,
    "SP": AceType.SYSTEM_SCOPED_POLICY_ID,
    "TL": AceType.SYSTEM_PROCESS_TRUST_LABEL,
    "FL": AceType.SYSTEM_ACCESS_FILTER,
}

ACE_FLAGS = {
    "OI": AceFlag.OBJECT_INHERIT,
    "CI": AceFlag.CONTAINER_INHERIT,
    "NP": AceFlag.NO_PROPAGATE_INHERIT,
    "IO": AceFlag.INHERIT_ONLY,
    "ID": AceFlag.INHERITED,
    "CR": AceFlag.CRITICAL,
    "SA": AceFlag.SUCCESSFUL_ACCESS,
    "FA": AceFlag.FAILED_ACCESS,
}

NO_ACCESS_CONTROL = "NO_ACCESS_CONTROL"

DACL_FLAGS = {
    "P": SdControl.DACL_PROTECTED,
    "AR": SdControl.DACL_AUTO_INHERIT_REQ,
    "AI": SdControl.DACL_AUTO_INHERITED,
}

SACL_FLAGS = {
    "P": SdControl.SACL_PROTECTED,
    "AR": SdControl.SACL_AUTO_INHERIT_REQ,
    "AI": SdControl.SACL_AUTO_INHERITED,
}

RIGHTS = {
    "CC": 0x1,
    "DC": 0x2,
    "LC": 0x4,
    "SW": 0x8,
    "RP": 0x10,
    "WP": 0x20,
    "DT": 0x40,
    "LO": 0x80,
    "CR": 0x100,
    "SD": 0x10000,
    "RC": 0x20000,
    "WD": 0x40000,
    "WO": 0x80000,
    "GA": 0x10000000,
    "GX": 0x20000000,
    "GW": 0x40000000,
    "GR": 0x80000000,
}
"""One bit each."""

FILE_RIGHTS = {"FA": 0x1F01FF, "FR": 0x120089, "FW": 0x120116, "FX": 0x1200A0}
"""Whole masks of files, written where a mask is exactly one of them."""

KEY_RIGHTS = {"KA": 0xF003F, "KR": 0x20019, "KW": 0x20006, "KX": 0x20019}
"""Whole masks of registry keys; read, but not written for files."""

LABEL_RIGHTS = {"NW": 0x1, "NR": 0x2, "NX": 0x4}
"""The policy of a mandatory label."""

_FIXED = {
    "WD": "S-1-1-0",
    "CO": "S-1-3-0",
    "CG": "S-1-3-1",
    "OW": "S-1-3-4",
    "NU": "S-1-5-2",
    "IU": "S-1-5-4",
    "SU": "S-1-5-6",
    "AN": "S-1-5-7",
    "ED": "S-1-5-9",
    "PS": "S-1-5-10",
    "AU": "S-1-5-11",
    "RC": "S-1-5-12",
    "SY": "S-1-5-18",
    "LS": "S-1-5-19",
    "NS": "S-1-5-20",
    "WR": "S-1-5-33",
    "UD": "S-1-5-84-0-0-0-0-0",
    "AC": "S-1-15-2-1",
    "LW": "S-1-16-4096",
    "ME": "S-1-16-8192",
    "MP": "S-1-16-8448",
    "HI": "S-1-16-12288",
    "SI": "S-1-16-16384",
    "AS": "S-1-18-1",
    "SS": "S-1-18-2",
}

# Relative to S-1-5-32, the machine's own groups.
_BUILTIN = {
    "BA": 544, "BU": 545, "BG": 546, "PU": 547, "AO": 548, "SO": 549, "PO": 550, "BO": 551,
    "RE": 552, "RU": 554, "RD": 555, "NO": 556, "MU": 558, "LU": 559, "IS": 568, "CY": 569,
    "ER": 573, "CD": 574, "RA": 575, "ES": 576, "MS": 577, "HA": 578, "AA": 579, "RM": 580,
}  # fmt: skip

DOMAIN = {
    "RO": 498, "LA": 500, "LG": 501, "DA": 512, "DU": 513, "DG": 514, "DC": 515, "DD": 516,
    "CA": 517, "SA": 518, "EA": 519, "PA": 520, "CN": 522, "AP": 525, "KA": 526, "EK": 527,
    "RS": 553,
}  # fmt: skip
"""Words for SIDs relative to a domain or a machine, and their last number."""

WELL_KNOWN = {
    **{word: Sid.from_text(text) for word, text in _FIXED.items()},
    **{word: Sid(5, (32, number)) for word, number in _BUILTIN.items()},
}
"""Words for SIDs that are the same everywhere."""
