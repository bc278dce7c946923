"""The payload of the NT ACL sections (chapter 75)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from darimage.errors import FormatError
from darimage.schema import Order, dtype

_HEAD = dtype("nt_acls/head").itemsize
_ROW = dtype("nt_acls/row").itemsize
_SPAN = dtype("nt_acls/span").itemsize
_ALIGN = 8


def encode(descriptors: Mapping[int, bytes]) -> bytes:
    """Return the payload for self-relative descriptors by inode, each distinct one once."""
    distinct = {descriptor: None for _, descriptor in sorted(descriptors.items())}
    number = {descriptor: index for index, descriptor in enumerate(distinct)}
    rows = np.array(
        [(inode, number[descriptors[inode]]) for inode in sorted(descriptors)],
        dtype("nt_acls/row"),
    )
    spans = np.zeros(len(distinct), dtype("nt_acls/span"))
    heap = bytearray()
    for span, descriptor in zip(spans, distinct, strict=True):
        span["offset"], span["size"] = len(heap), len(descriptor)
        heap += descriptor + bytes(-len(descriptor) % _ALIGN)
    head = np.array([(len(rows), len(spans), len(heap))], dtype("nt_acls/head"))
    return head.tobytes() + rows.tobytes() + spans.tobytes() + bytes(heap)


def decode(payload: bytes, order: Order = "le") -> dict[int, bytes]:
    """Return the descriptors by inode.

    Raises:
        FormatError: Counts or spans do not fit the payload, or rows do not ascend.
    """
    if len(payload) < _HEAD:
        raise _fault(f"payload of {len(payload)} bytes has no head")
    head = np.frombuffer(payload, dtype("nt_acls/head", order), 1)[0]
    rows, spans, heap_size = (int(head[name]) for name in ("rows", "descriptors", "heap_size"))
    heap_at = _HEAD + rows * _ROW + spans * _SPAN
    if heap_at + heap_size != len(payload):
        raise _fault(f"{rows} rows, {spans} descriptors and a heap of {heap_size} bytes do not fit")
    table = np.frombuffer(payload, dtype("nt_acls/row", order), rows, _HEAD)
    index = np.frombuffer(payload, dtype("nt_acls/span", order), spans, _HEAD + rows * _ROW)
    if (table["inode"][1:] <= table["inode"][:-1]).any() or (table["descriptor"] >= spans).any():
        raise _fault("rows do not ascend or name no descriptor", "DARI-ACL-002")
    heap = payload[heap_at:]
    found = [_cut(heap, *cast("tuple[int, int]", span)) for span in index.tolist()]
    return {inode: found[descriptor] for inode, descriptor in table.tolist()}


def _cut(heap: bytes, offset: int, size: int) -> bytes:
    if offset + size > len(heap):
        raise _fault(f"descriptor at {offset} of {size} bytes leaves the heap")
    return heap[offset : offset + size]


def _fault(message: str, requirement: str = "DARI-ACL-005") -> FormatError:
    return FormatError(f"NT ACLs: {message}", requirement=requirement)
