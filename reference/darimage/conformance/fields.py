"""Finds fields by their path in a layout, to read or to change them (layouts come from ksy/)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from darimage.errors import UsageError

_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?")


class Place(NamedTuple):
    """Where a field lies within its layout, and what it is."""

    at: int
    dtype: np.dtype[Any]

    @property
    def end(self) -> int:
        """The byte after it."""
        return self.at + self.dtype.itemsize


def locate(path: str, dtype: np.dtype[Any]) -> Place:
    """Return the place of a field: dotted names, each with an index if it is an array.

    Raises:
        UsageError: There is no such field.
    """
    at = 0
    for step in path.split("."):
        match = _STEP.fullmatch(step)
        if match is None or match[1] not in (dtype.names or ()):
            raise UsageError(f"no field {path!r}: {step!r} is not one of {list(dtype.names or ())}")
        fields: Any = dtype.fields
        dtype, offset = fields[match[1]][:2]
        at += offset
        if match[2] is not None:
            dtype, at = _element(path, dtype, int(match[2]), at)
    return Place(at, dtype)


def _element(path: str, dtype: np.dtype[Any], number: int, at: int) -> tuple[np.dtype[Any], int]:
    if dtype.subdtype is None or number >= dtype.shape[0]:
        raise UsageError(f"no field {path!r}: no element {number}")
    inner = dtype.subdtype[0]
    return inner, at + number * inner.itemsize


def pack(value: Any, place: Place, old: bytes) -> bytes:
    """Return the bytes of a new value.

    Args:
        value: A number; hexadecimal digits or ``{text: ...}`` for bytes, which fill the field from
            its beginning; or ``{add: n}``, ``{xor: n}`` on what is there.
        place: The field.
        old: Its bytes.

    Raises:
        UsageError: The value does not fit.
    """
    dtype = place.dtype
    if isinstance(value, str) or (isinstance(value, dict) and "text" in value):
        made = bytes.fromhex(value) if isinstance(value, str) else value["text"].encode()
        if len(made) > dtype.itemsize:
            raise UsageError(f"{len(made)} bytes do not fit into {dtype.itemsize}")
        return made + old[len(made) :]
    known = int(np.frombuffer(old, dtype)[0])
    if isinstance(value, dict):
        value = known + value["add"] if "add" in value else known ^ value["xor"]
    order = "little" if dtype.newbyteorder("=") == dtype and dtype.byteorder != ">" else "big"
    return int(value).to_bytes(dtype.itemsize, order, signed=value < 0)  # type: ignore[arg-type]
