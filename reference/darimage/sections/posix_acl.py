"""POSIX ACLs as ext4 keeps them, and as Linux shows them to programs (DARI-XAT-007)."""

from __future__ import annotations

from collections.abc import Iterator

from darimage.errors import FormatError
from darimage.schema import AclTag
from darimage.sections.fixed import Fixed

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
_ALL = 7
_NAMING = frozenset({int(AclTag.USER), int(AclTag.GROUP)})
_TAGS = frozenset(map(int, AclTag))


def to_kept(value: bytes) -> bytes:
    """Return the form that ext4 keeps of an attribute's value.

    Raises:
        FormatError: There is none that gives back the same value.
    """
    parts = [_HEAD.write(KEPT)]
    for tag, permissions, number in _shown(value):
        if tag in _NAMING:
            parts.append(_ENTRY.write(tag, permissions, number))
        elif tag in _TAGS and number == _NOBODY:
            parts.append(_SHORT.write(tag, permissions))
        else:
            raise _fault(f"tag {tag:#x} with number {number}")
    if len(parts) == 1:
        raise _fault("no entries")
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


def text(value: bytes) -> str:
    """Return an attribute's value as the text that ``setfacl`` takes, with numbers for names.

    Raises:
        FormatError: It is not well-formed.
    """
    parts = []
    for tag, permissions, number in _shown(value):
        if tag not in _TAGS or permissions > _ALL:
            raise _fault(f"tag {tag:#x} with permissions {permissions:#o}")
        kind = AclTag(tag).name or ""
        whom = number if tag in _NAMING else ""
        rights = "".join(
            c if permissions & bit else "-" for c, bit in zip("rwx", (4, 2, 1), strict=True)
        )
        parts.append(f"{kind.removesuffix('_OBJ').lower()}:{whom}:{rights}")
    return ",".join(parts)


def _shown(value: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield tag, permissions and number of each entry of an attribute's value."""
    _check_head(value, SHOWN)
    for at in range(_HEAD.size, len(value), _ENTRY.size):
        tag, permissions, number = _ENTRY.read(value, at, len(value))
        yield tag, permissions, number


def _check_head(data: bytes, version: int) -> None:
    (found,) = _HEAD.read(data, 0, len(data))
    if found != version:
        raise _fault(f"version {found}, not {version}")


def _fault(message: str) -> FormatError:
    return FormatError(f"{_WHAT}: {message}", requirement=_RULE)
