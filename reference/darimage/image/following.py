"""How many records follow each of many headers (DARI-REC-011, DARI-REC-012, DARI-REC-016)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from darimage.schema import ORDERS, CType, DrFlag, Order
from darimage.sections import holes
from darimage.sections.header import field_span, picker
from darimage.units import ADDRESSES

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_ADDR, _ADDR_END = field_span("c_addr")
_WIDTHS = (4, 16, 64, 256, ADDRESSES)
"""Maps are looked at in groups that use about as many entries."""

_MORE_THAN_ONE = np.uint32(0xFEFEFEFE)


_PICKERS = {o: picker(o, "c_type", "c_volume", "c_count", "c_flags") for o in ORDERS}
_MAPS = frozenset(map(int, (CType.TS_CLRI, CType.TS_BITS)))
_DATA = frozenset(map(int, (CType.TS_INODE, CType.TS_ADDR)))
_TAPE = int(CType.TS_TAPE)


def following(rows: Bytes, order: Order, *, plain: bool = True) -> Ints:
    """Return how many records follow each header before the next header.

    Args:
        rows: Sound headers, shape (n, 1024).
        order: Byte order of the image.
        plain: Whether maps may be run-coded; else a header with what only a plain dump may have
            counts as damaged and gets -1 (DARI-REC-025).
    """
    fields = _small_fields(rows, order)
    c_type, count = fields["c_type"], fields["c_count"]
    is_map = (c_type == CType.TS_CLRI) | (c_type == CType.TS_BITS)
    is_data = (c_type == CType.TS_INODE) | (c_type == CType.TS_ADDR)
    is_data |= (c_type == CType.TS_TAPE) & (fields["c_volume"] > 1)
    is_data &= fields["c_flags"] & DrFlag.DR_METAONLY == 0
    used = np.where(is_data, np.clip(count, 0, ADDRESSES), 0)
    held = present(rows[:, _ADDR:_ADDR_END], used, plain=plain)
    if not plain:
        held[is_data & ((count < 0) | (count > ADDRESSES))] = -1
    return np.where(is_map, np.maximum(count, 0), held)


def _small_fields(rows: Bytes, order: Order) -> dict[str, Ints]:
    """Return the few integers that decide, each as a column."""
    kind = ">i4" if order == "be" else "<i4"
    return {
        name: _column(rows, name, kind) for name in ("c_type", "c_volume", "c_count", "c_flags")
    }


def _column(rows: Bytes, name: str, kind: str) -> Ints:
    start, end = field_span(name)
    return np.ascontiguousarray(rows[:, start:end]).view(kind).reshape(-1).astype(np.int64)


def present(maps: Bytes, used: Ints, *, plain: bool = True) -> Ints:
    """Return how many records are present by each map.

    Args:
        maps: The ``c_addr`` of each header, shape (n, 512).
        used: How many entries of each are in use.
        plain: Whether maps may be run-coded; else those that seem so get -1.
    """
    total = np.zeros(len(used), np.int64)
    below = 0
    for width in _WIDTHS:
        group = np.flatnonzero((used > below) & (used <= width))
        below = width
        if group.size:
            total[group] = _present(maps, group, used[group], width, plain)
    return total


def _present(maps: Bytes, group: Ints, used: Ints, width: int, plain: bool) -> Ints:
    """Return the totals of the maps of ``group``, of at most ``width`` used entries each."""
    cut = maps[group, :width]
    if (used < width).any():
        cut = np.where(np.arange(width) < used[:, None], cut, np.uint8(0))
    words = np.ascontiguousarray(cut).view(np.uint32)
    coded = np.bitwise_or.reduce(words, axis=1) & _MORE_THAN_ONE != 0
    lanes = np.ascontiguousarray(words.sum(axis=1, dtype=np.uint32)).view(np.uint8)
    total: Ints = lanes.reshape(-1, 4).sum(axis=1, dtype=np.int64)
    if coded.any():
        total[coded] = coded_present(cut[coded], used[coded]) if plain else -1
    return total


def coded_present(maps: Bytes, used: Ints) -> Ints:
    """Return the totals of run-coded maps, all decoded side by side (DARI-REC-016)."""
    total = np.zeros(len(used), np.int64)
    pending = np.zeros(len(used), np.int64)  # first byte of a run of two bytes; 0 none
    for k in range(int(used.max(initial=0))):
        byte = np.where(k < used, maps[:, k], 0).astype(np.int64)
        short = (byte >> 1 & 0x3F) + 1
        second = pending != 0
        long = (pending >> 1 & 0x3F) + 65 + byte * 64
        here = np.where(second, long * (pending & 1), short * (byte & 1))
        total += np.where((k < used) & (second | (byte < 0x80)), here, 0)
        pending = np.where(~second & (byte >= 0x80), byte, 0)
    return total


def following_of_one(record: bytes, order: Order, *, plain: bool = True) -> int:
    """Return what ``following`` returns for one header, quickly."""
    c_type, volume, count, flags = _PICKERS[order].unpack_from(record)
    if c_type in _MAPS:
        return int(max(0, count))
    if flags & DrFlag.DR_METAONLY or not (c_type in _DATA or (c_type == _TAPE and volume > 1)):
        return 0
    if not plain and not 0 <= count <= ADDRESSES:
        return -1
    used = record[_ADDR : _ADDR + max(0, min(count, ADDRESSES))]
    ones = used.count(1)
    if ones + used.count(0) == len(used):
        return ones
    if not plain:
        return -1
    return sum(records for there, records in holes.runs(used, len(used)) if there)
