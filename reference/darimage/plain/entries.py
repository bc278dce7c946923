"""The entries of a directory (chapter 50, "Reading the entries in steps")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from construct import ConstructError

from darimage.plain.rules import Rules
from darimage.schema.codecs import Order, layout

CHUNK, DUMP_CHUNK = 512, 1024
"""No entry of an image, or of a plain dump, crosses a multiple of this (DARI-DIR-024)."""

HEAD = 8
"""Bytes of an entry before its name."""

NAME_MAX = 255

OnFault = Callable[[str], None]


class Entry(NamedTuple):
    """An entry.

    Attributes:
        inode: The number that it names.
        kind: ``d_type``; 0 unknown.
        name: Its name.
    """

    inode: int
    kind: int
    name: bytes


class Form(NamedTuple):
    """How entries are laid out.

    Attributes:
        order: Byte order.
        is_image: Whether it is an image.
        old: Whether names have 16-bit lengths and no type (DARI-REC-026).
    """

    order: Order
    is_image: bool
    old: bool = False


def entries(block: bytes, form: Form, rules: Rules, on_fault: OnFault) -> Iterator[Entry]:
    """Yield the used entries of a block of 1,024 bytes, or of the last one; ``.`` included.

    Args:
        block: The block, cut at the size of the directory.
        form: How they are laid out.
        rules: What is kept.
        on_fault: Called with the name of each fault, before what lies behind it is yielded.
    """
    chunk = CHUNK if form.is_image or not rules.follows("DARI-DIR-024") else DUMP_CHUNK
    at = 0
    while at < len(block):  # step 1
        rest = chunk - at % chunk
        left = len(block) - at
        if min(rest, left) < HEAD:  # step 2
            on_fault("chunk" if rest <= left else "directory-size")
            at += CHUNK - at % CHUNK
            continue
        inode, length, kind, size = _head(block[at : at + HEAD], form)  # step 3
        if left < length <= rest:
            on_fault("directory-size")  # the end of the directory cuts the entry
            return
        if length < HEAD or length % 4 or length > rest:
            on_fault("chunk")
            at += CHUNK - at % CHUNK
            continue
        name = block[at + HEAD : at + HEAD + size]
        at += length  # step 6
        if not rules.keeps("DARI-DIR-022", HEAD + size <= length):  # step 4
            is_known = not form.is_image and (length, size) == (HEAD, NAME_MAX)
            on_fault("name-overwritten" if is_known else "entry")
        elif inode or not rules.follows("DARI-DIR-006"):  # step 5
            yield Entry(inode, kind, name)


def _head(data: bytes, form: Form) -> tuple[int, int, int, int]:
    """Return number, length, type and size of the name of an entry."""
    if form.old:
        old = layout("directory/old_entry_head", form.order).parse(data)
        return old.d_ino, old.d_reclen, 0, old.d_namlen
    new = layout("directory/entry_head", form.order).parse(data)
    return new.d_ino, new.d_reclen, new.d_type, new.d_namlen


def is_name(name: bytes, rules: Rules) -> bool:
    """Tell whether an entry behind the first two may have a name (DARI-DIR-007)."""
    fits = 0 < len(name) <= NAME_MAX and name not in (b".", b"..")
    return rules.keeps("DARI-DIR-007", fits and not set(b"/\0") & set(name))


def dots(block: bytes, form: Form) -> tuple[int, int] | None:
    """Return what ``.`` and ``..`` name if a block begins with these entries, else ``None``."""
    try:
        inode, length, _, size = _head(block[:HEAD], form)
        above, length_above, _, size_above = _head(block[length : length + HEAD], form)
    except ConstructError:
        return None
    if length + length_above > len(block):
        return None
    names = block[HEAD : HEAD + size], block[length + HEAD : length + HEAD + size_above]
    return (inode, above) if length == HEAD + 4 and names == (b".", b"..") else None
