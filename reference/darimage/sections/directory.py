"""Contents of a directory: 4.4BSD entries in chunks of 512 bytes (chapter 50)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import NamedTuple

from darimage.errors import FormatError
from darimage.schema import Order, dtype
from darimage.sections.names import NAME_MAX

OnError = Callable[[FormatError], None]

CHUNK = 512
"""No entry crosses a multiple of this (DARI-DIR-004)."""


class Entry(NamedTuple):
    """One entry of a directory.

    Attributes:
        inode: Inode number in the image.
        d_type: File type, ``st_mode >> 12``; 0 unknown.
        name: Bytes, as stored.
    """

    inode: int
    d_type: int
    name: bytes


def _head(order: Order) -> struct.Struct:
    codes = {1: "B", 2: "H", 4: "I"}
    fields = dtype("directory/entry_head", order)
    text = "".join(codes[fields[name].itemsize] for name in fields.names or ())
    return struct.Struct(("<" if order == "le" else ">") + text)


_HEADS: dict[Order, struct.Struct] = {"le": _head("le"), "be": _head("be")}
HEAD = _HEADS["le"].size

_RECLEN = [HEAD + length + 4 & ~3 for length in range(256)]
"""``d_reclen`` of an entry by the length of its name, slack apart."""

_PACK = [struct.Struct(f"{_HEADS['le'].format}{reclen - HEAD}s").pack for reclen in _RECLEN]
"""What packs an entry and its name, likewise."""


def encode(entries: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Return the data of a directory, a multiple of 512 bytes (DARI-DIR-004, DARI-DIR-005).

    ``.`` and ``..`` come first among ``entries``, which have the fields of ``Entry``.
    """
    chunks: list[bytes] = []
    parts: list[bytes] = []
    last = (0, 0, b"")
    used = last_at = 0
    for inode, d_type, name in entries:
        length = len(name)
        reclen = _RECLEN[length]
        if used + reclen > CHUNK:
            parts[-1] = _slack(*last, CHUNK - last_at)
            chunks += parts
            parts = []
            used = 0
        parts.append(_PACK[length](inode, reclen, d_type, length, name))
        last, last_at = (inode, d_type, name), used
        used += reclen
    if parts:
        parts[-1] = _slack(*last, CHUNK - last_at)
    return b"".join(chunks + parts)


def _slack(inode: int, d_type: int, name: bytes, room: int) -> bytes:
    """Return an entry that takes the rest of its chunk."""
    return _HEADS["le"].pack(inode, room, d_type, len(name)) + name.ljust(room - HEAD, b"\0")


def size_of(name_lengths: Iterable[int]) -> int:
    """Return the size of a directory of entries with names of these lengths, ``.`` included."""
    chunks, used = 0, CHUNK
    for reclen in map(_RECLEN.__getitem__, name_lengths):
        used += reclen
        if used > CHUNK:
            chunks, used = chunks + 1, reclen
    return chunks * CHUNK


def decode(
    data: bytes,
    order: Order = "le",
    *,
    old_format: bool = False,
    chunk: int | None = None,
    on_error: OnError | None = None,
) -> list[Entry]:
    """Return the used entries of a directory in the order they are stored.

    Names are as they stand; whoever uses one checks it first (``check_name``). An entry whose name
    does not fit costs itself; one of impossible length costs the rest of its 512 bytes
    (DARI-DIR-022).

    Args:
        data: The ``di_size`` bytes of the directory.
        order: Byte order of the image.
        old_format: Entries have a 16-bit name length and no type (images without
            ``DR_NEWINODEFMT``).
        chunk: Bytes that no entry crosses (DARI-DIR-004; 1,024 in plain dumps); by default entries
            may lie anywhere.
        on_error: Called for each entry that cannot be; by default the first one raises.

    Raises:
        FormatError: An entry cannot be (DARI-DIR-005), if ``on_error`` is not given.
    """
    unpack = _HEADS[order].unpack_from
    entries, at, end = [], 0, len(data)
    while at + HEAD <= end:
        rest = (min(end, at // chunk * chunk + chunk) if chunk else end) - at
        if rest < HEAD:
            if on_error is not None:
                told = f"the {rest} bytes from byte {at} on hold no entry"
                on_error(FormatError(told, requirement="DARI-DIR-004"))
            at += rest
            continue
        inode, reclen, d_type, namlen = unpack(data, at)
        if old_format:
            low, high = (d_type, namlen) if order == "le" else (namlen, d_type)
            d_type, namlen = 0, high << 8 | low
        fits = reclen >= HEAD and reclen % 4 == 0 and reclen <= rest
        named = fits and namlen <= min(reclen - HEAD, NAME_MAX)
        if not fits or (inode and not named):
            told = f"directory entry at byte {at} has d_reclen {reclen} and d_namlen {namlen}"
            error = FormatError(told, requirement="DARI-DIR-005")
            if on_error is None:
                raise error
            on_error(error)
        elif inode:
            name = data[at + HEAD : at + HEAD + namlen]
            entries.append(Entry(inode, d_type, name))
        at = at + reclen if fits else at // CHUNK * CHUNK + CHUNK
    return entries
