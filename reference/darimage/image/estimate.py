"""What can be said of an image before it is written: what it costs, and who cannot read it."""

from __future__ import annotations

import numpy as np

from darimage.image.inventory import Inventory
from darimage.image.layout import Layout, header_counts
from darimage.showing import display
from darimage.units import ADDRESSES, RECORD, size_text

WORTH_TELLING = 16 << 20
"""Bytes that holes may cost without a word: those of 8 GiB."""


def warnings(inventory: Inventory, layout: Layout) -> list[str]:
    """Return what is to be told of an image that is laid out, a line each."""
    return [*_costly_holes(inventory), *_wide_maps(layout)]


def _costly_holes(inventory: Inventory) -> list[str]:
    """Tell of files whose holes cost more than their data (DARI-FIL-002)."""
    rows = np.fromiter(inventory.sparse, np.int64, len(inventory.sparse))
    data = np.array([inventory.sparse[row][:, 1].sum() for row in rows.tolist()], np.int64)
    holes = header_counts(inventory.size[rows]) - header_counts(data * RECORD)
    costly = holes > data
    cost, held = int(holes[costly].sum()) * RECORD, int(data[costly].sum()) * RECORD
    if cost < WORTH_TELLING:
        return []
    path = display(inventory.path(int(rows[np.argmax(np.where(costly, holes, -1))])))
    count = int(costly.sum())
    whose = f"the holes of {path}" if count == 1 else f"the holes of {count:,} files, {path} first,"
    told = f"{whose} take {size_text(cost)} of the image, more than the {size_text(held)} of data"
    return [f"{told}: each {size_text(ADDRESSES * RECORD)} of a file has a header (DARI-FIL-002)"]


def _wide_maps(layout: Layout) -> list[str]:
    if layout.map_records <= ADDRESSES:
        return []
    told = f"bitmaps of {layout.map_records} records; of the old readers, only those of Linux and"
    return [f"{told} FreeBSD read more than {ADDRESSES} (DARI-LIM-004)"]
