"""Extended attributes and POSIX ACLs as ``list`` shows them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from darimage.errors import FormatError
from darimage.image.inode import Inode
from darimage.image.reader import Image
from darimage.sections import posix_acl
from darimage.sections.xattrs import ACL_ACCESS, ACL_DEFAULT
from darimage.showing import as_text, display

SHORT = 256
"""Bytes of a value that JSON has without being asked for."""

_ACLS = (ACL_ACCESS, ACL_DEFAULT)


def mark(image: Image, inode: Inode) -> str:
    """Return what ``ls -l`` puts behind the mode: ``+`` for a POSIX ACL, ``@`` for others."""
    values = image.attributes_of(inode)
    if not values:
        return ""
    return "+" if any(name in values for name in _ACLS) else "@"


def lines(image: Image, inode: Inode) -> Iterator[str]:
    """Yield an indented line an attribute; a POSIX ACL as text, a value that is none as hex."""
    for name, value in sorted(image.attributes_of(inode).items()):
        text = _acl_text(name, value)
        if text is None:
            text = f'"{value.decode()}"' if _is_plain(value) else f"0x{value.hex()}"
        yield f"    {display(name)}={text}"


def as_json(image: Image, inode: Inode, *, whole: bool) -> list[dict[str, Any]]:
    """Return the attributes of an inode for JSON.

    Args:
        image: The image it is in.
        inode: The inode.
        whole: Values that are longer than ``SHORT`` as well.
    """
    found = []
    for name, value in sorted(image.attributes_of(inode).items()):
        known: dict[str, Any] = {"name": as_text(name), "size": len(value)}
        if known["name"].encode() != name:
            known["name_hex"] = name.hex()
        if whole or len(value) <= SHORT:
            known["base64"] = base64.b64encode(value).decode()
        if (text := _acl_text(name, value)) is not None:
            known["acl"] = text
        found.append(known)
    return found


def _acl_text(name: bytes, value: bytes) -> str | None:
    if name not in _ACLS:
        return None
    try:
        return posix_acl.text(value)
    except FormatError:
        return None


def _is_plain(value: bytes) -> bool:
    return value.isascii() and value.decode().isprintable() and b'"' not in value
