"""Cuts a plain dump into volumes, as ``dump -M`` does (chapter 35, volumes of old dumps)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from darimage.conformance.frame import Rows, sealed
from darimage.schema import Order, header_dtype


def cut(rows: Rows, is_header: npt.NDArray[np.bool_], capacity: int, order: Order) -> bytes:
    """Return all volumes of a dump side by side; the last may be short.

    Each after the first opens with a header that says how much goes on.

    Args:
        rows: The records of the dump.
        is_header: Which of them are headers.
        capacity: Records of a volume.
        order: Byte order of the dump.
    """
    later = range(capacity, len(rows), capacity - 1)
    volumes = [_placed(rows[:capacity].copy(), is_header[:capacity], 1, 0, order)]
    for number, begin in enumerate(later, 2):
        here = is_header[begin : begin + capacity - 1]
        opening = rows[:1].copy()
        left = int(here.argmax()) if here.any() else len(here)
        opening.reshape(-1).view(header_dtype(order))["c_count"] = left
        part = np.concatenate((opening, rows[begin : begin + capacity - 1]))
        volumes.append(
            _placed(part, np.insert(here, 0, True), number, (number - 1) * capacity, order)
        )
    return np.concatenate(volumes).tobytes()


def _placed(
    rows: Rows, is_header: npt.NDArray[np.bool_], volume: int, first: int, order: Order
) -> Rows:
    """Let the headers of a volume say which it is and where they are."""
    for at in np.flatnonzero(is_header).tolist():
        header = rows[at].view(header_dtype(order))
        header["c_volume"], header["c_firstrec"], header["c_tapea"] = volume, first, first + at
    rows[is_header] = sealed(rows[is_header], order)
    return rows
