"""POSIX ACLs as ext4 keeps them, and as Linux shows them to programs (DARI-XAT-007)."""

from __future__ import annotations

from darimage.errors import FormatError
from darimage.schema import AclTag
from darimage.sections.security.fields import Fixed

KEPT = 1
"""Version that ext4 keeps: entries that name nobody are short."""

SHOWN = 2
"""Version of the value of ``system.posix_acl_access`` and ``system.posix_acl_default``."""

_RULE = "DARI-XAT-007"
_WHAT = "POSIX ACL"
_HEAD = Fixed("xattrs/acl_head", _WHAT, _RULE)
_SHORT = Fixed("xattrs/acl_short", _WHAT, _RULE)
_ENTRY = Fixed("xattrs/acl_entry", _WHAT, _RULE)
_NOBODY = 0xFFFFFFFF
_NAMING = frozenset({int(AclTag.USER), int(AclTag.GROUP)})
_TAGS = frozenset(map(int, AclTag))


def to_kept(value: bytes) -> bytes:
    """Return the form that ext4 keeps of an attribute's value.

    Raises:
        FormatError: There is none that gives back the same value.
    """
    _check_head(value, SHOWN)
    if len(value) == _HEAD.size:
        raise _fault("no entries")
    parts = [_HEAD.write(KEPT)]
    for at in range(_HEAD.size, len(value), _ENTRY.size):
        tag, permissions, number = _ENTRY.read(value, at, len(value))
        if tag in _NAMING:
            parts.append(_ENTRY.write(tag, permissions, number))
        elif tag in _TAGS and number == _NOBODY:
            parts.append(_SHORT.write(tag, permissions))
        else:
            raise _fault(f"tag {tag:#x} with number {number}")
    return b"".join(parts)


def to_shown(kept: bytes) -> bytes:
    """Return the value that Linux shows, and takes, of what ext4 keeps.

    Raises:
        FormatError: It is not well-formed.
    """
    _check_head(kept, KEPT)
    parts, at = [_HEAD.write(SHOWN)], _HEAD.size
    while at < len(kept):
        tag, permissions = _SHORT.read(kept, at, len(kept))
        number, size = _NOBODY, _SHORT.size
        if tag in _NAMING:
            (_, _, number), size = _ENTRY.read(kept, at, len(kept)), _ENTRY.size
        elif tag not in _TAGS:
            raise _fault(f"tag {tag:#x}")
        parts.append(_ENTRY.write(tag, permissions, number))
        at += size
    return b"".join(parts)


def _check_head(data: bytes, version: int) -> None:
    (found,) = _HEAD.read(data, 0, len(data))
    if found != version:
        raise _fault(f"version {found}, not {version}")


def _fault(message: str) -> FormatError:
    return FormatError(f"{_WHAT}: {message}", requirement=_RULE)
