"""Names the field of a header that a fault is about: asked only of headers that are broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from darimage.faults import FaultyField
from darimage.image.batch import SECTIONS_INODE
from darimage.schema import CType, Order, header_dtype
from darimage.sections.fields import text_of
from darimage.sections.header import field_span

Row = npt.NDArray[np.uint8]

_BODIES = {
    int(CType.TS_TAPE): "volume_body",
    int(CType.TS_END): "end_body",
    int(CType.TS_CLRI): "bitmap_body",
    int(CType.TS_BITS): "bitmap_body",
}


def field(
    path: str, found: Any = None, expected: Any = None, *, body: str = "inode_body"
) -> FaultyField:
    """Return a field of a header with what it says and should say.

    Args:
        path: Dotted names.
        found: A number, an array, bytes, or words; ``None`` if that is not known.
        expected: Likewise; left out if it is told like what was found.
        body: Extension body that the path goes through.
    """
    start, end = field_span(path, body)
    said, wanted = _words(path, found), _words(path, expected)
    return FaultyField(path, start, end - start, said, None if said == wanted else wanted)


def in_volume(name: str, found: Any, expected: Any = None) -> FaultyField:
    """Return a field of the extension of a volume header."""
    return field(f"extension.body.{name}", found, expected, body="volume_body")


def in_section(name: str, found: Any, expected: Any = None) -> FaultyField:
    """Return a field of the extension of a section's header."""
    return field(f"extension.body.{name}", found, expected, body="section_body")


def in_bitmap(name: str, found: Any, expected: Any = None) -> FaultyField:
    """Return a field of the extension of a bitmap's header."""
    return field(f"extension.body.{name}", found, expected, body="bitmap_body")


def in_end(name: str, found: Any, expected: Any = None) -> FaultyField:
    """Return a field of the extension of an end record."""
    return field(f"extension.body.{name}", found, expected, body="end_body")


def wrong(row: Row, order: Order, wanted: Iterable[tuple[str, Any]]) -> FaultyField | None:
    """Return the first field of a header that is not as wanted.

    Args:
        row: The header.
        order: Its byte order.
        wanted: Paths of fields and what is wanted of them: a number, an array, words that are only
            told, ``None`` if nothing can be said. The first that has no number is taken if all
            others are as wanted. Fields that a header of this type has not are passed over.
    """
    body = _body(row, order)
    header = row.view(header_dtype(order, body))[0]
    doubted: FaultyField | None = None
    right_one: FaultyField | None = None
    for path, value in wanted:
        found = _value(header, path)
        if found is None:
            continue
        told = field(path, found, value if isinstance(value, str) else None, body=body)
        if value is None or isinstance(value, str):
            doubted = doubted or told
            continue
        plain = np.frombuffer(value, np.uint8) if isinstance(value, bytes) else np.asarray(value)
        right = np.broadcast_to(plain.astype(found.dtype), found.shape)
        if np.any(found != right):
            return field(path, found, right, body=body)
        right_one = right_one or told
    return doubted or right_one


def first_difference(
    row: Row, wanted: Row, order: Order, under: tuple[str, ...]
) -> FaultyField | None:
    """Return the first field below some in which a header is not like another."""
    body = _body(row, order)
    found, right = row.tobytes(), wanted.tobytes()
    for path, start, end in _leaves(body):
        if found[start:end] != right[start:end] and path.startswith(under):
            headers = (one.view(header_dtype(order, body))[0] for one in (row, wanted))
            return field(path, *(_value(header, path) for header in headers), body=body)
    return None


@cache
def _leaves(body: str) -> tuple[tuple[str, int, int], ...]:
    """Return path, first and last-but-one byte of each field of a header."""
    return tuple(_below(header_dtype("le", body), 0, ""))


def _below(dtype: np.dtype[Any], at: int, above: str) -> Iterator[tuple[str, int, int]]:
    for name, (part, offset, *_) in (dtype.fields or {}).items():
        if part.fields:
            yield from _below(part, at + offset, f"{above}{name}.")
        else:
            yield f"{above}{name}", at + offset, at + offset + part.itemsize


def _body(row: Row, order: Order) -> str:
    """Return which extension body a header has by its type."""
    header = row.view(header_dtype(order))[0]
    c_type = int(header["c_type"])
    if c_type not in _BODIES and header["c_inumber"] == SECTIONS_INODE:
        return "section_body"
    return _BODIES.get(c_type, "inode_body")


def _value(header: Any, path: str) -> Any:
    """Return what a field says, ``None`` if there is no such field."""
    for name in path.split("."):
        if name not in header.dtype.fields:
            return None
        header = header[name]
    return np.asarray(header)


def _words(path: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return text_of(path, value)
    array = np.asarray(value)
    if array.ndim:
        return text_of(path, array.tobytes() if array.dtype == np.uint8 else array.tolist())
    return text_of(path, int(array))
