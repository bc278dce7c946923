"""Header records as columns: filling them, sealing them, telling them from data (chapter 10).

An array of headers has a dtype of ``schema.header_dtype``; an array of records is ``u1`` of shape
``(n, 1024)``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from darimage.schema import CType, DrFlag, Kind, Magic, Order, header_dtype
from darimage.units import RECORD

Records = npt.NDArray[np.uint8]
Headers = npt.NDArray[np.void]

CHECKSUM = 84446
"""What the 256 words of a header sum to (DARI-REC-004)."""

EXTENSION_MAGIC = b"DARI"
EXTENSION_VERSION = 1
IMAGE_ID = 4
"""Bytes of ``image_uuid`` that every header repeats (DARI-EXT-008)."""

_MAGIC: dict[Order, bytes] = {
    "le": int(Magic.NFS).to_bytes(4, "little"),
    "be": int(Magic.NFS).to_bytes(4, "big"),
}

BODIES: dict[Kind, str] = {
    Kind.VOLUME: "volume_body",
    Kind.INODE: "inode_body",
    Kind.SECTION: "section_body",
    Kind.END: "end_body",
    Kind.BITMAP: "bitmap_body",
}


@dataclass(frozen=True)
class Identity:
    """What every header of an image says of it (DARI-REC-007, DARI-REC-019).

    Attributes:
        uuid: 16 bytes.
        date: Seconds since 1970, signed 64-bit.
        base_date: Likewise, of the image this one is relative to; 0 if full.
        base_uuid: 16 bytes, of that image; zero if full.
        level: 0 to 9.
        label: At most 15 bytes are kept; of the next three at most 63.
        filesys: Path the image was made of.
        device: Device it was made of.
        host: Host it was made on.
        ntrec: Blocking factor, records a tape block.
    """

    uuid: bytes
    date: int
    base_date: int = 0
    base_uuid: bytes = bytes(16)
    level: int = 0
    label: bytes = b"none"
    filesys: bytes = b""
    device: bytes = b""
    host: bytes = b""
    ntrec: int = 10


def blank(count: int, c_type: CType, kind: Kind, identity: Identity) -> Headers:
    """Return ``count`` headers of one type with everything that all headers share filled in."""
    headers = np.zeros(count, header_dtype("le", BODIES[kind]))
    headers["c_type"] = c_type
    headers["c_date"] = identity.date & 0xFFFFFFFF
    headers["c_ddate"] = identity.base_date & 0xFFFFFFFF
    headers["c_volume"] = 1
    headers["c_magic"] = Magic.NFS
    headers["c_level"] = identity.level
    headers["c_flags"] = DrFlag.DR_NEWINODEFMT
    headers["c_ntrec"] = identity.ntrec
    for field in ("label", "filesys", "dev", "host"):
        text = identity.device if field == "dev" else getattr(identity, field)
        width = headers.dtype[f"c_{field}"].itemsize
        headers[f"c_{field}"] = _padded(text, width)
    extension = headers["extension"]
    extension["magic"] = np.frombuffer(EXTENSION_MAGIC, np.uint8)
    extension["kind"] = kind
    extension["version"] = EXTENSION_VERSION
    if kind != Kind.VOLUME:
        extension["body"]["image_id"] = np.frombuffer(image_id(identity.uuid), np.uint8)
    return headers


def image_id(uuid: bytes) -> bytes:
    """Return the bytes of an image's identity that every header repeats (DARI-EXT-008)."""
    return uuid[:IMAGE_ID]


def _padded(text: bytes, width: int) -> Records:
    """Return ``text`` cut and padded to ``width`` bytes, the last of them NUL."""
    return np.frombuffer(text[: width - 1].ljust(width, b"\0"), np.uint8)


def seal(headers: Headers, records: npt.ArrayLike) -> None:
    """Give headers their record numbers, CRCs and checksums, in this order.

    What lies under them must be known: ``records_crc32c`` is not touched (DARI-REC-006,
    DARI-REC-028, DARI-REC-004).
    """
    headers["c_tapea"] = np.asarray(records, np.uint64) & np.uint64(0xFFFFFFFF)
    seal_in_place(headers)


def seal_in_place(headers: Headers, order: Order = "le") -> None:
    """Give headers the CRCs and checksums that fit what they say."""
    headers["extension"]["header_crc32c"] = header_crcs(as_records(headers))
    headers["c_checksum"] = 0
    headers["c_checksum"] = np.uint32(CHECKSUM) - sums(as_records(headers), order)


def as_records(headers: Headers) -> Records:
    """Return the same memory as records."""
    return headers.view(np.uint8).reshape(-1, RECORD)


def as_headers(records: Records, order: Order = "le", body: str = "inode_body") -> Headers:
    """Return the same memory, if contiguous, as headers with an extension body."""
    flat = np.ascontiguousarray(records).reshape(-1)
    return flat.view(header_dtype(order, body))


def sums(records: Records, order: Order = "le") -> npt.NDArray[np.uint32]:
    """Return the sum of each record's words modulo 2^32 (DARI-REC-004)."""
    words = np.ascontiguousarray(records).view("<u4" if order == "le" else ">u4")
    totals: npt.NDArray[np.uint32] = words.sum(axis=1, dtype=np.uint32)
    return totals


def header_crcs(records: Records) -> npt.NDArray[np.uint32]:
    """Return the CRC-32C of headers, shape (n, 1024), as DARI-REC-028 counts it."""
    from google_crc32c import value

    counted = records.copy()
    for start, end in (field_span("c_checksum"), field_span("extension.header_crc32c")):
        counted[:, start:end] = 0
    return np.fromiter(map(value, counted), np.uint32, len(counted))


def _with_word(records: Records, at: int, word: bytes) -> npt.NDArray[np.bool_]:
    """Tell which records have four bytes at a place, a multiple of four: quickly, as one number."""
    found: npt.NDArray[np.bool_]
    if records.flags.c_contiguous and records.size:
        found = records.view(np.uint32)[:, at // 4] == np.frombuffer(word, np.uint32)[0]
    else:
        found = (records[:, at : at + 4] == np.frombuffer(word, np.uint8)).all(axis=1)
    return found


def extended(records: Records) -> npt.NDArray[np.bool_]:
    """Tell which records carry an extension area (DARI-EXT-002)."""
    return _with_word(records, field_span("extension.magic")[0], EXTENSION_MAGIC)


def of_image(records: Records, identity: bytes | None) -> npt.NDArray[np.bool_]:
    """Tell which headers do not name another image than that of an ``image_id`` (DARI-EXT-008).

    Args:
        records: Sound headers, shape (n, 1024).
        identity: The image's; ``None`` takes any.
    """
    if identity is None:
        return np.ones(len(records), np.bool_)
    same = _with_word(records, field_span("extension.body.image_id")[0], identity)
    found: npt.NDArray[np.bool_] = same | ~extended(records)
    return found


def intact(records: Records, order: Order = "le") -> npt.NDArray[np.bool_]:
    """Tell of which headers the check is right: the CRC, or the sum of one without extension.

    A right CRC counts more than a wrong sum (DARI-REC-028).
    """
    found = extended(records)
    marked = np.flatnonzero(found)
    rows = records
    if marked.size < len(records):
        found = sums(records, order) == CHECKSUM
        rows = records[marked]
    if marked.size:
        start, end = field_span("extension.header_crc32c")
        said = np.ascontiguousarray(rows[:, start:end]).view("<u4" if order == "le" else ">u4")
        found[marked] = said.reshape(-1) == header_crcs(rows)
    return found


def sound(records: Records, order: Order = "le") -> npt.NDArray[np.bool_]:
    """Tell which records are headers: right magic, right CRC or sum (DARI-REC-004)."""
    found = _with_word(records, field_span("c_magic")[0], _MAGIC[order])
    candidates = np.flatnonzero(found)
    if candidates.size:
        found[candidates] = intact(records[candidates], order)
    return found


def byte_order(record: bytes) -> Order | None:
    """Return the byte order a header is in, ``None`` if its magic is that of none read."""
    start, end = field_span("c_magic")
    return next((order for order, magic in _MAGIC.items() if record[start:end] == magic), None)


@cache
def field_span(path: str, body: str = "inode_body") -> tuple[int, int]:
    """Return first and last-but-one byte of a field within a header.

    Args:
        path: Dotted names: ``"c_dinode.di_size"``, ``"extension.body.run_records"``.
        body: Extension body the path goes through.
    """
    at, dtype = _find(path, header_dtype("le", body))
    return at, at + dtype.itemsize


@cache
def picker(order: Order, *paths: str, body: str = "inode_body") -> struct.Struct:
    """Return a ``struct.Struct`` that unpacks just these integer fields of a header.

    Paths go in ascending order of offset. It is derived from the codec, and is the quick way to
    look at one header; columns are the quick way to look at many.
    """
    text, here = "<" if order == "le" else ">", 0
    for path in paths:
        at, dtype = _find(path, header_dtype(order, body))
        code = {1: "b", 2: "h", 4: "i", 8: "q"}[dtype.itemsize]
        text += f"{at - here}x{code.upper() if dtype.kind == 'u' else code}"
        here = at + dtype.itemsize
    return struct.Struct(text)


def _find(path: str, dtype: np.dtype[Any]) -> tuple[int, np.dtype[Any]]:
    at = 0
    for name in path.split("."):
        fields: Any = dtype.fields
        dtype, offset = fields[name][:2]
        at += offset
    return at, dtype
