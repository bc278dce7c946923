"""What can be seen of a header without reading an image."""

from __future__ import annotations

from typing import Any

from darimage.schema import Magic, header_dtype

_MAGICS = tuple(int(one).to_bytes(4, order) for one in Magic for order in ("little", "big"))


def is_header(record: bytes) -> bool:
    """Tell whether the magic of a header is where it has to be; nothing else is looked at."""
    return _field(record, "c_magic") in _MAGICS


def dates(record: bytes) -> bytes:
    """Return the bytes of a header that all headers of an image and of its volumes share."""
    return _field(record, "c_date") + _field(record, "c_ddate")


def _field(record: bytes, name: str) -> bytes:
    fields: Any = header_dtype("le", "inode_body").fields
    dtype, at = fields[name][:2]
    return record[at : at + dtype.itemsize]
