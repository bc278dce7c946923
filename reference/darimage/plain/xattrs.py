"""Extended attributes and POSIX ACLs (chapter 65). Their integers are always little-endian."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from construct import ConstructError

from darimage.plain.rules import Rules
from darimage.schema.codecs import Order, layout

BLOCK_FORM, INODE_FORM = 0xEA020000, 0xEA020001
USER, ACL_ACCESS, ACL_DEFAULT, TRUSTED, LUSTRE, SECURITY, SYSTEM = range(1, 8)
"""First parts of names (DARI-XAT-005)."""

PREFIXES = {
    USER: b"user.",
    ACL_ACCESS: b"system.posix_acl_access",
    ACL_DEFAULT: b"system.posix_acl_default",
    TRUSTED: b"trusted.",
    LUSTRE: b"lustre.",
    SECURITY: b"security.",
    SYSTEM: b"system.",
}
ACLS = (ACL_ACCESS, ACL_DEFAULT)
INLINE_DATA = b"system.data"
"""Where ext4 keeps the end of a tiny file's contents: no attribute."""

NAME_MAX = 255
NAMING = (0x02, 0x08)
"""Tags of ACL entries that name somebody."""

TAGS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20)
NOBODY = 0xFFFFFFFF

OnFault = Callable[[str], None]
Pairs = Iterator[tuple[bytes, bytes]]


class Broken(Exception):  # noqa: N818 - a value, not the program, is
    """Something is not well-formed."""


def decode(
    payload: bytes, size: int, order: Order, rules: Rules, on_fault: OnFault, *, more: bool
) -> dict[bytes, bytes]:
    """Return attributes by their full names, each in the form that Linux shows.

    Args:
        payload: The records of the attributes.
        size: Bytes of the list.
        order: Byte order of the image, which only a reader that breaks DARI-XAT-004 uses here.
        rules: What is kept.
        on_fault: Called with the name of each fault.
        more: Whether attributes may follow behind the list: not in plain dumps.
    """
    order = "le" if order == "le" or rules.follows("DARI-XAT-004") else order
    found: dict[bytes, bytes] = {}
    for name, value in _all(payload, size, order, rules, on_fault, more=more):
        fits = 0 < len(name) <= NAME_MAX and b"\0" not in name
        is_second = name in found and rules.follows("DARI-XAT-020")
        if is_second or not rules.keeps("DARI-XAT-006", fits):
            on_fault("attribute")
        else:
            found[name] = value
    return found


def _all(
    payload: bytes, size: int, order: Order, rules: Rules, on_fault: OnFault, *, more: bool
) -> Pairs:
    yield from _listed(payload[:size], order, rules, on_fault)
    behind = payload[-(-size // 1024) * 1024 :]
    # Attributes behind the list are restored as those in it (DARI-XAT-008).
    if more and behind and rules.follows("DARI-XAT-008"):
        yield from _behind(behind, order, on_fault)


def _listed(data: bytes, order: Order, rules: Rules, on_fault: OnFault) -> Pairs:
    """Yield the attributes of a list: the steps of "To decode a list"."""
    entry_layout = layout("xattrs/entry", order)
    head = layout("xattrs/head", order)
    if not data:
        return
    magic = head.parse(data.ljust(4, b"\0")).magic  # step 1
    if not rules.keeps("DARI-XAT-004", magic in (BLOCK_FORM, INODE_FORM)):
        on_fault("attributes-damaged")
        return
    base = 4 if magic == INODE_FORM else 0
    at = 4 if magic == INODE_FORM else 4 + layout("xattrs/block_rest", order).sizeof()
    left = len(data)
    while data[at : at + 4] != bytes(4):  # step 2
        try:  # step 3
            entry = entry_layout.parse(data[at : at + entry_layout.sizeof()])
        except ConstructError:
            on_fault("attribute")
            return
        at += entry_layout.sizeof()
        name = data[at : at + entry.name_size]
        at += entry.name_size + -entry.name_size % 4
        if at > len(data):
            on_fault("attribute")
            return
        try:  # step 4
            full = _full_name(entry.name_index, name, rules)
            if full == INLINE_DATA:
                continue
            start = base + entry.value_offset
            inside = not entry.value_inode and start + entry.value_size <= len(data)
            if not rules.keeps("DARI-XAT-006", inside):
                raise Broken
            # Values that overlap could make much of little (DARI-XAT-020).
            if not rules.keeps("DARI-XAT-020", entry.value_size <= left):
                raise Broken
            value = data[start : start + entry.value_size]
            if entry.name_index in ACLS:
                value = shown_acl(value, order, rules)
            left -= entry.value_size
            yield full, value
        except Broken:
            on_fault("attribute")


def _full_name(index: int, name: bytes, rules: Rules) -> bytes:
    """Return the full name of an attribute (DARI-XAT-005)."""
    known = index in PREFIXES and not (index in ACLS and name)
    if not rules.keeps("DARI-XAT-005", known):
        raise Broken
    if not name and index not in ACLS:
        raise Broken
    return PREFIXES.get(index, b"") + name


def _behind(data: bytes, order: Order, on_fault: OnFault) -> Pairs:
    """Yield the attributes behind the list."""
    head = layout("xattrs/more_head", order)
    at = 0
    while True:
        try:
            more = head.parse(data[at : at + head.sizeof()])
        except ConstructError:
            on_fault("attribute")
            return
        if not more.name_size:
            return
        name_at = at + head.sizeof()
        value_at = name_at + more.name_size
        end = value_at + more.value_size
        if end > len(data):
            on_fault("attribute")
            return
        yield data[name_at:value_at], data[value_at:end]
        at = end + -end % 4


def shown_acl(kept: bytes, order: Order, rules: Rules) -> bytes:
    """Return a POSIX ACL as Linux shows it, of version 2 (DARI-XAT-007)."""
    if not rules.follows("DARI-XAT-007"):
        return kept
    head, short = layout("xattrs/acl_head", order), layout("xattrs/acl_short", order)
    long = layout("xattrs/acl_entry", order)
    try:
        if head.parse(kept[: head.sizeof()]).version != 1:
            raise Broken
        made, at = head.build({"version": 2}), head.sizeof()
        while at < len(kept):
            entry = short.parse(kept[at : at + short.sizeof()])
            number, size = NOBODY, short.sizeof()
            if entry.tag in NAMING:
                number, size = long.parse(kept[at : at + long.sizeof()]).id, long.sizeof()
            elif entry.tag not in TAGS:
                raise Broken
            made += long.build({"tag": entry.tag, "permissions": entry.permissions, "id": number})
            at += size
    except ConstructError:
        raise Broken from None
    return bytes(made)


def kept_acl(shown: bytes) -> bytes:
    """Return a POSIX ACL as the list keeps it, of version 1 (DARI-XAT-007)."""
    head, short = layout("xattrs/acl_head"), layout("xattrs/acl_short")
    long = layout("xattrs/acl_entry")
    try:
        if head.parse(shown[: head.sizeof()]).version != 2:
            raise Broken
        made = head.build({"version": 1})
        for at in range(head.sizeof(), len(shown), long.sizeof()):
            entry = long.parse(shown[at : at + long.sizeof()])
            if entry.tag in NAMING:
                made += long.build(entry)
            elif entry.tag in TAGS and entry.id == NOBODY:
                made += short.build(entry)
            else:
                raise Broken
    except ConstructError:
        raise Broken from None
    if len(made) == head.sizeof():
        raise Broken
    return bytes(made)


LIST_MAX, PAYLOAD_MAX = 4_096, 512 * 1024
LISTED = (ACL_ACCESS, ACL_DEFAULT, USER, SECURITY, TRUSTED)
"""What goes into the list, the first first (DARI-XAT-013)."""


def encode(values: dict[bytes, bytes]) -> bytes:
    """Return the payload of attribute records for attributes by their full names.

    Raises:
        Broken: They do not all fit.
    """
    if not values:
        return b""
    rest = layout("xattrs/block_rest")
    size = 4 + rest.sizeof() + 4
    listed: list[tuple[int, bytes, bytes]] = []
    behind: list[tuple[bytes, bytes]] = []
    for index, name in sorted((_rank(name), name) for name in values):
        found = _kept(index, name, values[name])
        room = found and 16 + _aligned(len(found[1])) + _aligned(len(found[2]))
        if found is None or size + (room or 0) > LIST_MAX:
            behind.append((name, values[name]))
            continue
        size += room or 0
        listed.append(found)
    made = _list(listed, size)
    if behind:
        head = layout("xattrs/more_head")
        parts = [
            _filled(head.build({"name_size": len(n), "reserved": 0, "value_size": len(v)}) + n + v)
            for n, v in behind
        ]
        made = made.ljust(LIST_MAX, b"\0") + b"".join(parts) + bytes(head.sizeof())
    if len(made) > PAYLOAD_MAX or any(len(name) > NAME_MAX for name in values):
        raise Broken
    return made


def _list(listed: list[tuple[int, bytes, bytes]], size: int) -> bytes:
    """Return a list of the form ``block`` (DARI-XAT-001)."""
    head, rest = layout("xattrs/head"), layout("xattrs/block_rest")
    zeros = {"hash": 0, "checksum": 0, "reserved": bytes(12)}
    made = head.build({"magic": BLOCK_FORM}) + rest.build({"refcount": 1, "blocks": 1, **zeros})
    at = size - sum(_aligned(len(value)) for _, _, value in listed)
    values = b""
    for index, name, value in listed:
        entry = {
            "name_size": len(name),
            "name_index": index,
            "value_offset": at + len(values) if value else 0,
            "value_inode": 0,
            "value_size": len(value),
            "hash": 0,
        }
        made += layout("xattrs/entry").build(entry) + _filled(name)
        values += _filled(value)
    return bytes(made + bytes(4) + values)


def _rank(name: bytes) -> int:
    for rank, index in enumerate(LISTED):
        prefix = PREFIXES[index]
        if name == prefix if index in ACLS else name.startswith(prefix):
            return rank
    return len(LISTED)


def _kept(rank: int, name: bytes, value: bytes) -> tuple[int, bytes, bytes] | None:
    """Return an attribute as the list has it; ``None`` if it goes behind the list."""
    if rank == len(LISTED):
        return None
    index = LISTED[rank]
    try:
        value = kept_acl(value) if index in ACLS else value
    except Broken:
        return None
    return index, name[len(PREFIXES[index]) :], value


def _aligned(size: int) -> int:
    return size + -size % 4


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
