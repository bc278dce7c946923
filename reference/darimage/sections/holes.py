"""Hole maps: which records of a file are in the image (DARI-FIL-002, DARI-FIL-003).

Extents are an ``int64`` array of shape ``(k, 2)``: first record and number of records of each
stretch of present records, ascending, disjoint and not touching.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from darimage.units import ADDRESSES, RECORD, records_of

Extents = npt.NDArray[np.int64]


def whole(size: int) -> Extents:
    """Return the extents of a file of ``size`` bytes without holes."""
    count = records_of(size)
    return np.array([[0, count]] if count else [], np.int64).reshape(-1, 2)


def from_ranges(ranges: Iterable[tuple[int, int]], size: int) -> Extents:
    """Return the extents that cover byte ranges ``(start, end)``, ascending, cut at ``size``."""
    merged: list[list[int]] = []
    for start, end in ranges:
        if start >= min(end, size):
            continue
        first, last = start // RECORD, records_of(min(end, size))
        if merged and first <= merged[-1][1]:
            merged[-1][1] = max(last, merged[-1][1])
        else:
            merged.append([first, last])
    extents = np.array(merged, np.int64).reshape(-1, 2)
    extents[:, 1] -= extents[:, 0]
    return extents


def ends_in_hole(extents: Extents, size: int) -> bool:
    """Tell whether the last record of a file of ``size`` bytes is a hole."""
    return size > 0 and not (len(extents) and extents[-1].sum() >= records_of(size))


def with_last(extents: Extents, size: int) -> Extents:
    """Return extents with the last record of a file made present (DARI-FIL-019)."""
    last = records_of(size) - 1
    if len(extents) and extents[-1].sum() == last:
        longer = extents.copy()
        longer[-1, 1] += 1
        return longer
    return np.concatenate((extents, np.array([[last, 1]], np.int64)))


def present_before(extents: Extents, records: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return for each record number how many records before it are present."""
    total = np.concatenate(([0], np.cumsum(extents[:, 1])))
    at = np.searchsorted(extents[:, 0], records, side="right") - 1
    inside = np.minimum(records - extents[at, 0], extents[at, 1]) if len(extents) else 0
    return np.where(at >= 0, total[at] + inside, 0) if len(extents) else np.zeros_like(records)


def window(extents: Extents, first: int, count: int) -> Extents:
    """Return the part of ``extents`` within ``count`` records from ``first``, relative to it."""
    low = int(np.searchsorted(extents[:, 0] + extents[:, 1], first, side="right"))
    high = int(np.searchsorted(extents[:, 0], first + count, side="left"))
    part = extents[low:high]
    starts = np.maximum(part[:, 0], first)
    ends = np.minimum(part[:, 0] + part[:, 1], first + count)
    return np.stack([starts - first, ends - starts], axis=1)


def addresses(extents: Extents, first: int, headers: int = 1) -> npt.NDArray[np.uint8]:
    """Return the ``c_addr`` of consecutive headers, shape ``(headers, 512)``.

    Args:
        extents: The file's present records.
        first: Number of the first header's first record.
        headers: How many.
    """
    present = np.zeros(headers * ADDRESSES, np.uint8)
    for start, count in window(extents, first, len(present)).tolist():
        present[start : start + count] = 1
    return present.reshape(headers, ADDRESSES)


def runs(c_addr: bytes, c_count: int) -> list[tuple[bool, int]]:
    """Return a header's hole map as stretches ``(present, records)``, whatever its coding.

    Plain maps hold 0 and 1; any greater byte means run coding (DARI-REC-016). In a run-coded map
    ``c_count`` counts bytes, and a two-byte run cut off at its end is dropped.
    """
    used = c_addr[: max(0, min(c_count, ADDRESSES))]
    return _merged(_coded(used) if used and max(used) > 1 else _plain(used))


def _plain(used: bytes) -> Iterable[tuple[bool, int]]:
    at = 0
    while at < len(used):
        present = used[at] == 1
        end = used.find(0 if present else 1, at)
        end = len(used) if end < 0 else end
        yield present, end - at
        at = end


def _coded(used: bytes) -> Iterable[tuple[bool, int]]:
    pending = iter(used)
    for byte in pending:
        count = (byte >> 1 & 0x3F) + 1
        if byte & 0x80:
            more = next(pending, None)
            if more is None:
                return
            count += more * 64 + 64
        yield bool(byte & 1), count


def _merged(stretches: Iterable[tuple[bool, int]]) -> list[tuple[bool, int]]:
    merged: list[tuple[bool, int]] = []
    for present, count in stretches:
        if merged and merged[-1][0] == present:
            merged[-1] = (present, merged[-1][1] + count)
        else:
            merged.append((present, count))
    return merged
