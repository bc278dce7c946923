"""What can be seen at the front of a file without reading an image."""

from __future__ import annotations

from typing import Any

from darimage.schema import Magic, header_dtype

_MAGICS = tuple(int(one).to_bytes(4, order) for one in Magic for order in ("little", "big"))

_PACKED = {
    b"\x1f\x8b": ("gzip", "gzip -dc"),
    b"\x1f\x9d": ("compress", "gzip -dc"),
    b"BZh": ("bzip2", "bzip2 -dc"),
    b"\xfd7zXZ\0": ("xz", "xz -dc"),
    b"\x5d\0\0": ("lzma", "xz -dc"),
    b"\x28\xb5\x2f\xfd": ("zstd", "zstd -dc"),
    b"\x04\x22\x4d\x18": ("lz4", "lz4 -dc"),
    b"\x89LZO\0": ("lzop", "lzop -dc"),
    b"LZIP\x01": ("lzip", "lzip -dc"),
    b"PK\x03\x04": ("zip", "unzip -p"),
    b"7z\xbc\xaf\x27\x1c": ("7-Zip", "7z x -so"),
}
"""How packed files begin, and what packed and unpacks them."""


def packed(front: bytes) -> str:
    """Return what to say of a packed file, behind that it is no image; nothing of others.

    Args:
        front: What it begins with.
    """
    for start, (name, program) in _PACKED.items():
        if front.startswith(start):
            return f"; it is packed by {name} (`{program}` unpacks it)"
    return ""


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
