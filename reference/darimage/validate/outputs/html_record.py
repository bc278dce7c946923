"""A record as a table: a header field by field, each beside its bytes; data as lines of bytes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from darimage.schema import Order
from darimage.sections.fields import Field, fields, hexdump, value_text
from darimage.sections.header import byte_order, sound
from darimage.units import RECORD
from darimage.validate.outputs.escaping import escape

_WHOLE = 8
_SHOWN = 32
"""Bytes of a field that are shown."""


def heading(number: int, record: bytes) -> str:
    """Return what a record is, in a line."""
    first = number * RECORD
    place = f"Record {number:,}, bytes {first:,} to {first + len(record) - 1:,}"
    order = _order(record)
    if order is None:
        return f"{place}: no header" if len(record) == RECORD else f"{place}: cut off"
    rows = np.frombuffer(record, np.uint8).reshape(1, RECORD)
    right = "right" if sound(rows, order)[0] else "wrong"
    words = {"le": "little-endian", "be": "big-endian"}
    return f"{place}: header, {words[order]}, checksum {right}"


def table(record: bytes, marked: set[str], *, only_marked: bool = False) -> Iterator[str]:
    """Yield a table of a record.

    Args:
        record: Its bytes.
        marked: Paths of fields that findings are about.
        only_marked: Show these alone.
    """
    order = _order(record)
    yield '<div class="dump"><table>'
    if order is None:
        yield "<thead><tr><th>Offset</th><th>Bytes</th><th>Characters</th></tr></thead><tbody>"
        for at, raw, text in hexdump(record):
            yield _row("", f"{at:#05x}", raw, escape(text))
    else:
        yield "<thead><tr><th>Offset</th><th>Bytes</th><th>Field</th></tr></thead><tbody>"
        for field in fields(record, order):
            is_marked = any(_is_in(field.path, path) for path in marked)
            if is_marked or not only_marked:
                yield _field(field, is_marked)
    yield "</tbody></table></div>"


def _order(record: bytes) -> Order | None:
    return byte_order(record) if len(record) == RECORD else None


def _is_in(path: str, above: str) -> bool:
    return path == above or path.startswith((f"{above}.", f"{above}["))


def _field(field: Field, is_marked: bool) -> str:
    zero = not any(field.raw)
    classes = " ".join(word for word, is_so in (("marked", is_marked), ("zero", zero)) if is_so)
    value = escape(value_text(field))
    named = f"<b>{escape(field.path)}</b> = {value}"
    return _row(classes, f"{field.offset:#05x}", _bytes(field.raw), named)


def _bytes(raw: bytes) -> str:
    told = raw.rstrip(b"\0") if len(raw) > _WHOLE else raw
    zeros, left = len(raw) - len(told), len(told) - _SHOWN
    words = [told[:_SHOWN].hex(" "), f"and {left} more" if left > 0 else ""]
    words.append(f"00 × {zeros}" if zeros else "")
    return " ".join(word for word in words if word)


def _row(classes: str, offset: str, raw: str, told: str) -> str:
    marked = f' class="{classes}"' if classes else ""
    return f"<tr{marked}><td>{offset}</td><td>{raw}</td><td>{told}</td></tr>"
