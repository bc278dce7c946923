"""The payload of attribute records: the extended attributes of one inode (chapter 65).

A list as ext4 keeps it comes first, no longer than Linux ``restore`` takes one; what does not go
into it follows from the next record on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from darimage.errors import FormatError
from darimage.schema import XattrIndex, XattrMagic
from darimage.sections import posix_acl
from darimage.sections.fixed import Fixed
from darimage.showing import display
from darimage.units import ADDRESSES, RECORD

LIST_MAX = 4096
"""Bytes of the list at most: ``restore`` takes no more (DARI-XAT-002)."""

PAYLOAD_MAX = ADDRESSES * RECORD
"""Bytes of a payload at most: what one header describes (DARI-XAT-009)."""

NAME_MAX = 255
"""Bytes of a name at most, as in Linux."""

ACL_ACCESS = b"system.posix_acl_access"
ACL_DEFAULT = b"system.posix_acl_default"

_WHAT = "extended attributes"
_MAGIC = Fixed("xattrs/head", _WHAT, "DARI-XAT-004")
_REST = Fixed("xattrs/block_rest", _WHAT, "DARI-XAT-004")
_ENTRY = Fixed("xattrs/entry", "extended attribute", "DARI-XAT-006")
_MORE = Fixed("xattrs/more_head", "extended attribute", "DARI-XAT-008")
_HEADER = _MAGIC.size + _REST.size
_END = bytes(4)
_ALIGN = 4

_ACLS = {int(XattrIndex.ACL_ACCESS): ACL_ACCESS, int(XattrIndex.ACL_DEFAULT): ACL_DEFAULT}
_PREFIXES = {
    int(XattrIndex.USER): b"user.",
    int(XattrIndex.TRUSTED): b"trusted.",
    int(XattrIndex.LUSTRE): b"lustre.",
    int(XattrIndex.SECURITY): b"security.",
    int(XattrIndex.SYSTEM): b"system.",
}
_INLINE_DATA = b"system.data"
"""Where ext4 keeps the end of a tiny file's contents: no attribute."""

_LISTED = (
    XattrIndex.ACL_ACCESS,
    XattrIndex.ACL_DEFAULT,
    XattrIndex.USER,
    XattrIndex.SECURITY,
    XattrIndex.TRUSTED,
)
"""What ``restore`` can set, that which it may more likely do first: it stops where one fails."""

OnError = Callable[[FormatError], None]


class Packed(NamedTuple):
    """Attributes as the payload of attribute records.

    Attributes:
        payload: The payload; empty if there is nothing in it.
        beyond: Names of those behind the list, which Linux ``restore`` does not set.
        left_out: Names of those that are not in the payload.
    """

    payload: bytes
    beyond: tuple[bytes, ...]
    left_out: tuple[bytes, ...]


def pack(values: Mapping[bytes, bytes]) -> Packed:
    """Return the payload for attributes by their full names, and what does not go into it."""
    listed = _List()
    later: list[tuple[bytes, bytes]] = []
    left_out: list[bytes] = []
    for rank, name in sorted((_rank(name), name) for name in values):
        if not _is_name(name):
            left_out.append(name)
        elif rank == len(_LISTED) or not listed.add(_LISTED[rank], name, values[name]):
            later.append((name, values[name]))
    parts, room = [], PAYLOAD_MAX - LIST_MAX - _MORE.size
    beyond: list[bytes] = []
    for name, value in later:
        size = _aligned(_MORE.size + len(name) + len(value))
        if size > room:
            left_out.append(name)
            continue
        room -= size
        beyond.append(name)
        parts.append(_MORE.write(len(name), 0, len(value)) + _padded(name + value, _MORE.size))
    payload = listed.payload() if listed.count or parts else b""
    if parts:
        payload = b"".join([payload.ljust(LIST_MAX, b"\0"), *parts, bytes(_MORE.size)])
    return Packed(payload, tuple(beyond), tuple(left_out))


def encode(values: Mapping[bytes, bytes]) -> bytes:
    """Return the payload for attributes by their full names; empty for none.

    Raises:
        FormatError: They do not all go into one (``pack`` tells which).
    """
    packed = pack(values)
    if packed.left_out:
        names = ", ".join(display(name) for name in packed.left_out[:5])
        raise FormatError(f"no place for {names}", requirement="DARI-XAT-009")
    return packed.payload


def list_size(payload: bytes) -> int:
    """Return how many bytes of a payload are the list: ``di_size`` (DARI-XAT-002)."""
    return min(len(payload), LIST_MAX)


class _List:
    """A list of attributes in the form of a block of ext4, while it grows."""

    def __init__(self) -> None:
        self.count = 0
        self._entries: list[tuple[int, bytes, int]] = []
        self._values: list[bytes] = []
        self._size = _HEADER + len(_END)

    def add(self, index: int, name: bytes, value: bytes) -> bool:
        """Add an attribute if it can be told in the list and there is room for it."""
        suffix = name[len(_PREFIXES.get(index, name)) :]
        if index in _ACLS:
            try:
                value = posix_acl.to_kept(value)
            except FormatError:
                return False
        size = _ENTRY.size + _aligned(len(suffix)) + _aligned(len(value))
        if self._size + size > LIST_MAX:
            return False
        self._size += size
        self.count += 1
        self._entries.append((index, suffix, len(value)))
        self._values.append(value + bytes(-len(value) % _ALIGN))
        return True

    def payload(self) -> bytes:
        """Return the list."""
        parts = [_MAGIC.write(XattrMagic.BLOCK), _REST.write(1, 1, 0, 0, bytes(12))]
        at = self._size - sum(map(len, self._values))
        for (index, suffix, size), value in zip(self._entries, self._values, strict=True):
            parts.append(_ENTRY.write(len(suffix), index, at if size else 0, 0, size, 0))
            parts.append(_padded(suffix))
            at += len(value)
        return b"".join([*parts, _END, *self._values])


def decode(
    payload: bytes, size: int | None = None, on_error: OnError | None = None
) -> dict[bytes, bytes]:
    """Return attributes by their full names.

    Args:
        payload: What the attribute records hold.
        size: Bytes of the list, the ``di_size`` of the records; by default as ``encode`` has it.
        on_error: Told of what is not well-formed, which is left out; by default that raises.

    Raises:
        FormatError: Something is not well-formed, if ``on_error`` is not given.
    """
    size = list_size(payload) if size is None else size
    found: dict[bytes, bytes] = {}
    tell = _raise if on_error is None else on_error
    for read, part in ((_listed, payload[:size]), (_behind, payload[_whole(size) :])):
        if not part:
            continue
        try:
            for name, value in read(part, tell):
                if not _is_name(name):
                    tell(_fault(f"a name of {len(name)} bytes that cannot be one"))
                elif name in found:
                    tell(_fault(f"{display(name)} is there twice"))
                else:
                    found[name] = value
        except FormatError as error:
            tell(error)
    return found


def _listed(block: bytes, tell: OnError) -> Iterator[tuple[bytes, bytes]]:
    """Yield the attributes of a list of either form."""
    (magic,) = _MAGIC.read(block, 0, len(block))
    if magic not in set(XattrMagic):
        raise FormatError(f"{_WHAT}: magic {magic:#010x}", requirement="DARI-XAT-004")
    at = _HEADER if magic == XattrMagic.BLOCK else _MAGIC.size
    base = 0 if magic == XattrMagic.BLOCK else _MAGIC.size
    left = len(block)
    while block[at : at + len(_END)] != _END:
        name_size, index, offset, inode, value_size, _ = _ENTRY.read(block, at, len(block))
        at += _ENTRY.size
        suffix = block[at : at + name_size]
        at += _aligned(name_size)
        if at > len(block):
            raise FormatError(f"{_WHAT}: an entry leaves the list", requirement="DARI-XAT-001")
        try:
            name = _full_name(index, suffix)
            if name == _INLINE_DATA:
                continue
            start = base + offset
            value = _value(name, inode, block[start : start + value_size], value_size)
            # Values that overlap could make much of little.
            if value_size > left:
                told = f"the values up to that of {display(name)} are larger than the list"
                raise FormatError(f"{_WHAT}: {told}", requirement="DARI-XAT-020")
            value = posix_acl.to_shown(value) if index in _ACLS else value
            left -= value_size
            yield name, value
        except FormatError as error:
            tell(error)


def _value(name: bytes, inode: int, value: bytes, size: int) -> bytes:
    """Return a value as it is stored, if all of it lies in the list."""
    if inode:
        raise _fault(f"the value of {display(name)} lies in an inode of the file system, not here")
    if len(value) < size:
        raise _fault(f"the value of {display(name)} leaves the list")
    return value


def _full_name(index: int, suffix: bytes) -> bytes:
    if index in _ACLS and not suffix:
        return _ACLS[index]
    if index not in _PREFIXES:
        raise FormatError(
            f"{_WHAT}: {display(suffix)} with the unknown first part {index}",
            requirement="DARI-XAT-005",
        )
    return _PREFIXES[index] + suffix


def _behind(part: bytes, _tell: OnError) -> Iterator[tuple[bytes, bytes]]:
    """Yield the attributes behind the list."""
    at = 0
    while True:
        name_size, _, value_size = _MORE.read(part, at, len(part))
        if not name_size:
            return
        start = at + _MORE.size
        at = _aligned(start + name_size + value_size)
        if at > len(part):
            raise FormatError(f"{_WHAT}: one leaves the payload", requirement="DARI-XAT-008")
        value_at = start + name_size
        yield part[start:value_at], part[value_at : value_at + value_size]


def _rank(name: bytes) -> int:
    """Return the place of a name's first part among those of the list, their number for none."""
    for rank, index in enumerate(_LISTED):
        if name == _ACLS.get(index) or (index in _PREFIXES and name.startswith(_PREFIXES[index])):
            return rank
    return len(_LISTED)


def _is_name(name: bytes) -> bool:
    return 0 < len(name) <= NAME_MAX and b"\0" not in name


def _aligned(size: int) -> int:
    return size + -size % _ALIGN


def _whole(size: int) -> int:
    return size + -size % RECORD


def _padded(data: bytes, before: int = 0) -> bytes:
    return data + bytes(-(before + len(data)) % _ALIGN)


def _raise(error: FormatError) -> None:
    raise error


def _fault(message: str) -> FormatError:
    return FormatError(f"{_WHAT}: {message}", requirement="DARI-XAT-006")
