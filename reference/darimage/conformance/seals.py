"""Makes checksums of payloads and headers right again in an image that was changed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

import numpy as np
import numpy.typing as npt

from darimage.conformance.frame import Frame, Head
from darimage.schema import CType, Order, header_dtype
from darimage.sections.crc import crc32c
from darimage.sections.header import extended, header_crcs
from darimage.units import ADDRESSES, RECORD

KINDS = ("header", "records", "map")
"""What can be sealed: headers' own CRCs and sums, CRCs of records, the hash of the offset map."""

HEADER_CRC, RECORDS_CRC = "extension.header_crc32c", "extension.records_crc32c"

Row = npt.NDArray[np.uint8]

_MOST = 1 << 26
"""Bytes of a payload up to which it is sealed: a lying size stays what it is."""


def reseal(
    frame: Frame,
    runs: Iterable[list[Head]],
    kinds: Collection[str] = KINDS,
    left: Collection[tuple[int, str]] = (),
) -> None:
    """Seal what some runs hold, then the headers that this changed.

    Args:
        frame: The image.
        runs: Runs with headers or records that were changed.
        kinds: What is sealed.
        left: Records and fields that keep what they say.
    """
    touched: set[int] = set()
    for run in runs:
        touched |= {head.record for head in run}
        if "records" in kinds:
            if run[0].body == "section_body":
                _inner(frame, run, left)
            _records(frame, run, left)
        if "map" in kinds and _is_map(frame, run):
            touched |= _hash(frame, run, left)
    if "header" in kinds:
        frame.seal(sorted(touched), left)


def _records(frame: Frame, run: list[Head], left: Collection[tuple[int, str]]) -> None:
    """Give the headers of a run the CRCs of the records under them (DARI-REC-029)."""
    for head in run:
        if frame.is_dari and (head.record, RECORDS_CRC) not in left:
            frame.header(head)["extension"]["records_crc32c"] = crc32c(
                frame.rows[head.record + 1 : head.record + 1 + _under(frame, head)].tobytes()
            )


def _under(frame: Frame, head: Head) -> int:
    """Return how many records a header says lie under it; if that cannot be, how many did."""
    said = announced(frame.rows[head.record], frame.order)
    return said if said is not None and said <= _MOST // RECORD else head.following


def announced(row: Row, order: Order) -> int | None:
    """Return how many records a header says follow it, ``None`` if that cannot be.

    Args:
        row: The header, shape (1024,).
        order: Its byte order.
    """
    header = row.view(header_dtype(order))[0]
    kind, count = int(header["c_type"]), int(header["c_count"])
    if kind in (CType.TS_CLRI, CType.TS_BITS):
        return count if count >= 0 else None
    if kind not in (CType.TS_INODE, CType.TS_ADDR):
        return 0
    if not 0 <= count <= ADDRESSES:
        return None
    return int(np.count_nonzero(header["c_addr"][:count]))


def _inner(frame: Frame, run: list[Head], left: Collection[tuple[int, str]]) -> None:
    """Seal the headers of stream directories, which lie in the payload of their section."""
    for first, count in frame.stream_directories(run):
        places = [frame.place(run, first + k) for k in range(count)]
        row = frame.rows[places[0]]
        header = row.view(header_dtype(frame.order, "inode_body"))
        if (places[0], RECORDS_CRC) not in left:
            header["extension"]["records_crc32c"] = crc32c(frame.rows[places[1:]].tobytes())
        if (places[0], HEADER_CRC) not in left and extended(row[None])[0]:
            header["extension"]["header_crc32c"] = header_crcs(row[None])[0]


def _is_map(frame: Frame, run: list[Head]) -> bool:
    return run[0].body == "section_body" and run[0].record == frame.map_record


def _hash(frame: Frame, run: list[Head], left: Collection[tuple[int, str]]) -> set[int]:
    """Write the hash of the offset map into the end records; return theirs."""
    size = int(frame.header(run[0])["extension"]["body"]["payload_size"][0])
    if size > _MOST:
        return set()
    digest = np.frombuffer(hashlib.sha256(frame.payload(run, size)).digest(), np.uint8)
    name = "offset_map_sha256"
    ends = [head for head in frame.heads.values() if head.c_type == CType.TS_END]
    changed = [head for head in ends if (head.record, f"extension.body.{name}") not in left]
    for head in changed:
        frame.header(head)["extension"]["body"][name] = digest
    return {head.record for head in changed}
