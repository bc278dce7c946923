"""Whether a security descriptor is well-formed (chapter 76). Always little-endian."""

from __future__ import annotations

from typing import Any

from construct import ConstructError

from darimage.plain.rules import Rules
from darimage.schema.codecs import Order, layout

SIZE_MAX = 262_144
SELF_RELATIVE = 0x8000
SUB_AUTHORITIES_MAX = 15
OBJECT_TYPES = (5, 6, 7, 8, 11, 12, 15, 16)
KNOWN_TYPES = (0, 1, 2, 3, *OBJECT_TYPES, 9, 10, 13, 14, 17, 18, 19, 20, 21)
"""Types of entries with a layout; all others are passed over by their size (DARI-SDE-007)."""


def broken(data: bytes, order: Order, rules: Rules) -> str | None:
    """Return the requirement that a descriptor breaks; ``None`` if it may be restored.

    Args:
        data: The descriptor.
        order: Byte order of the image, which only a reader that breaks DARI-SDE-002 uses here.
        rules: What is kept.
    """
    found = _broken(data, order, rules)
    return found if found is not None and rules.follows("DARI-SDE-011") else None


def _broken(data: bytes, order: Order, rules: Rules) -> str | None:
    if not rules.keeps("DARI-SDE-009", len(data) <= SIZE_MAX):
        return "DARI-SDE-009"
    if order == "be" and not rules.follows("DARI-SDE-002"):
        return "DARI-SDE-003"  # in the other order all offsets lead out of it
    try:
        head = layout("security_descriptor/head", order).parse(data)
    except ConstructError:
        return "DARI-SDE-003"
    if head.revision != 1 or not head.control & SELF_RELATIVE:
        return "DARI-SDE-001"
    size = layout("security_descriptor/head", order).sizeof()
    offsets = [head.offset_owner, head.offset_group, head.offset_sacl, head.offset_dacl]
    for index, at in enumerate(offsets):
        if at and not size <= at < len(data):
            if rules.follows("DARI-SDE-003"):
                return "DARI-SDE-003"
            offsets[index] = 0
    for at in offsets[:2]:
        if at and (found := _broken_sid(data[at:], order, rules)):
            return found
    for at in offsets[2:]:
        if at and (found := _broken_acl(data[at:], order, rules)):
            return found
    return None


def _broken_sid(data: bytes, order: Order, rules: Rules) -> str | None:
    """Return what a SID breaks (DARI-SDE-004)."""
    try:
        sid = layout("security_descriptor/sid", order).parse(data)
        fits = _is_sid(sid)
    except ConstructError:
        fits = False
    return None if rules.keeps("DARI-SDE-004", fits) else "DARI-SDE-004"


def _is_sid(sid: Any) -> bool:
    return bool(sid.head.revision == 1 and sid.head.sub_authority_count <= SUB_AUTHORITIES_MAX)


def _broken_acl(data: bytes, order: Order, rules: Rules) -> str | None:
    """Return what an ACL or one of its entries breaks (DARI-SDE-005, DARI-SDE-006)."""
    head_layout = layout("security_descriptor/acl_head", order)
    entry_head = layout("security_descriptor/ace_head", order)
    try:
        head = head_layout.parse(data)
        fits = 2 <= head.acl_revision <= 4 and head_layout.sizeof() <= head.acl_size <= len(data)
        most = (head.acl_size - head_layout.sizeof()) // entry_head.sizeof()
        fits = fits and head.ace_count <= most
    except ConstructError:
        fits = False
    if not fits:
        return None if rules.keeps("DARI-SDE-005", fits) else "DARI-SDE-005"
    body = data[head_layout.sizeof() : head.acl_size]
    for _ in range(head.ace_count):
        found, size = _broken_entry(body, order, rules)
        if found or not size:
            return found
        body = body[size:]
    return None


def _broken_entry(data: bytes, order: Order, rules: Rules) -> tuple[str | None, int]:
    """Return what an entry breaks, and its size."""
    head_layout = layout("security_descriptor/ace_head", order)
    try:
        head = head_layout.parse(data)
        fits = head_layout.sizeof() <= head.ace_size <= len(data)
    except ConstructError:
        return ("DARI-SDE-006" if not rules.keeps("DARI-SDE-006", holds=False) else None), 0
    if not rules.keeps("DARI-SDE-006", fits):
        return "DARI-SDE-006", 0
    if not rules.keeps("DARI-SDE-015", head.ace_size % 4 == 0):
        return "DARI-SDE-015", 0
    if head.ace_type in KNOWN_TYPES:
        try:
            ace = layout("security_descriptor/ace", order).parse(data[: head.ace_size])
            known, sound = True, _is_sid(ace.body.sid)
        except ConstructError:
            known, sound = False, True
        if not rules.keeps("DARI-SDE-006", known):
            return "DARI-SDE-006", 0
        if not rules.keeps("DARI-SDE-004", sound):
            return "DARI-SDE-004", 0
    elif not rules.follows("DARI-SDE-007"):
        return "DARI-SDE-007", 0
    return None, int(head.ace_size)
