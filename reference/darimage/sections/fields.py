"""The fields of one header by name, as they are shown to people (chapter 10)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntFlag
from typing import Any, NamedTuple

import numpy as np

from darimage.schema import CType, DrFlag, ExtAttributes, Kind, Magic, Order, header_dtype
from darimage.sections.header import BODIES, EXTENSION_MAGIC, field_span
from darimage.showing import display

LINE = 16
_NAMED = {
    "c_type": CType,
    "c_magic": Magic,
    "c_extattributes": ExtAttributes,
    "extension.kind": Kind,
}
_FLAGS = {"c_flags": DrFlag}


class Field(NamedTuple):
    """One field of a header.

    Attributes:
        path: Dotted name, as in ksy/.
        offset: First byte within the record.
        raw: Its bytes.
        value: A number, a list of numbers, or bytes.
    """

    path: str
    offset: int
    raw: bytes
    value: int | list[int] | bytes


def fields(record: bytes, order: Order) -> Iterator[Field]:
    """Yield every field of a header, in the order they lie."""
    start, end = field_span("extension.magic")
    kind = record[field_span("extension.kind")[0]]
    known = record[start:end] == EXTENSION_MAGIC and kind in set(Kind)
    body = BODIES[Kind(kind)] if known else "raw_body"
    yield from _walk("", 0, np.frombuffer(record, header_dtype(order, body))[0], record)


def _walk(path: str, offset: int, part: Any, record: bytes) -> Iterator[Field]:
    for name, (dtype, at, *_rest) in part.dtype.fields.items():
        full = f"{path}.{name}" if path else name
        if dtype.fields:
            yield from _walk(full, offset + at, part[name], record)
            continue
        raw = record[offset + at : offset + at + dtype.itemsize]
        value = part[name]
        if dtype.shape:
            yield Field(full, offset + at, raw, raw if dtype.base == np.uint8 else value.tolist())
        else:
            yield Field(full, offset + at, raw, int(value))


def value_text(field: Field) -> str:
    """Return the value of a field for people."""
    return text_of(field.path, field.value)


def text_of(path: str, value: int | list[int] | bytes) -> str:
    """Return a value that a field has, or could have, for people."""
    if isinstance(value, bytes):
        if not any(value):
            return f"zero ({len(value)} bytes)"
        if path == "c_addr":
            return f"{len(value) - value.count(0)} of {len(value)} bytes not zero"
        text = value.rstrip(b"\0")
        return (
            f'"{display(text)}"' if text.isascii() and text.decode().isprintable() else value.hex()
        )
    if isinstance(value, list):
        return "zero" if not any(value) else str(value)
    names = _NAMED.get(path)
    if names is not None and value in set(names):
        return f"{value} ({names(value).name.lower()})"
    if value and (flags := _FLAGS.get(path)) is not None:
        return f"{value:#x} ({_flag_names(flags, value)})"
    return f"{value} ({value:#o})" if path.endswith("di_mode") else str(value)


def _flag_names(flags: type[IntFlag], value: int) -> str:
    known = [flag.name.lower() for flag in flags if flag & value and flag.name]
    return ", ".join(known) or "unknown"


def hexdump(record: bytes) -> Iterator[tuple[int, str, str]]:
    """Yield offset, bytes and characters of each 16 bytes, without lines like the one before."""
    previous = b""
    for at in range(0, len(record), LINE):
        piece = record[at : at + LINE]
        if piece == previous and 0 < at < len(record) - LINE:
            continue
        previous = piece
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        yield at, piece.hex(" "), text
