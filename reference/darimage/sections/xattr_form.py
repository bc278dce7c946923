"""Whether extended attributes lie in a payload as the encoder lays them out (DARI-XAT-001)."""

from __future__ import annotations

from collections.abc import Iterator

from darimage.errors import FormatError
from darimage.schema import XattrMagic
from darimage.sections.fixed import Fixed
from darimage.units import RECORD

_WHAT = "extended attribute"
_MAGIC = Fixed("xattrs/head", _WHAT, "DARI-XAT-001")
_REST = Fixed("xattrs/block_rest", _WHAT, "DARI-XAT-001")
_ENTRY = Fixed("xattrs/entry", _WHAT, "DARI-XAT-001")
_MORE = Fixed("xattrs/more_head", _WHAT, "DARI-XAT-008")
_END = bytes(4)
_ALIGN = 4


def untidy(payload: bytes, size: int) -> Iterator[tuple[str, str]]:
    """Yield what a payload has that can be read and is not as it must be, with its requirement.

    Args:
        payload: What the attribute records hold.
        size: Bytes of the list.
    """
    behind = size + -size % RECORD
    try:
        blank, tidy = _list(payload[:size])
        blank_behind, tidy_behind = _behind(payload[behind:])
    except FormatError:
        return  # whoever decodes it says so
    if blank + blank_behind != payload[:size] + payload[behind:]:
        yield "a hash or reserved bytes of attributes are not zero", "DARI-CNV-004"
    if blank != tidy:
        yield "names and values do not lie where they should in the list", "DARI-XAT-001"
    if blank_behind != tidy_behind:
        yield "what lies behind the list is not filled with zeros", "DARI-XAT-008"


def _list(block: bytes) -> tuple[bytes, bytes]:
    """Return a list without hashes and reserved bytes, and as it should be."""
    (magic,) = _MAGIC.read(block, 0, len(block))
    if magic != XattrMagic.BLOCK:
        return block, block
    refcount, blocks, *_ = _REST.read(block, _MAGIC.size, len(block))
    blank = bytearray(block)
    at = _MAGIC.size + _REST.size
    blank[_MAGIC.size : at] = _REST.write(refcount, blocks, 0, 0, bytes(12))
    entries: list[tuple[int, int, bytes]] = []
    values: list[bytes] = []
    while block[at : at + len(_END)] != _END:
        name_size, index, offset, inode, value_size, _ = _ENTRY.read(block, at, len(block))
        start = at + _ENTRY.size
        blank[at:start] = _ENTRY.write(name_size, index, offset, inode, value_size, 0)
        entries.append((index, value_size, block[start : start + name_size]))
        values.append(block[offset : offset + value_size] if value_size else b"")
        at = _aligned(start + name_size)
    value_at = at + len(_END)
    parts = [_MAGIC.write(magic), _REST.write(1, 1, 0, 0, bytes(12))]
    for index, value_size, name in entries:
        place = value_at if value_size else 0
        parts += [_ENTRY.write(len(name), index, place, 0, value_size, 0), _padded(name)]
        value_at += _aligned(value_size)
    tidy = b"".join([*parts, _END, *map(_padded, values)])
    return bytes(blank), tidy.ljust(len(block), b"\0")


def _behind(part: bytes) -> tuple[bytes, bytes]:
    """Return the attributes behind a list without reserved bytes, and as they should be."""
    blank, at = bytearray(part), 0
    parts: list[bytes] = []
    while part:
        name_size, _, value_size = _MORE.read(part, at, len(part))
        if not name_size:
            break
        head = _MORE.write(name_size, 0, value_size)
        start = at + _MORE.size
        blank[at:start] = head
        parts.append(_padded(head + part[start : start + name_size + value_size]))
        at = _aligned(start + name_size + value_size)
    return bytes(blank), b"".join(parts).ljust(len(part), b"\0")


def _aligned(size: int) -> int:
    return size + -size % _ALIGN


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGN)
