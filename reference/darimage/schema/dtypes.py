"""The numpy dtypes of layouts, for columns of records.

They are derived from the generated Construct codecs (``derive.py``), once, when the codecs are
generated.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from darimage.schema.codecs import Order
from darimage.schema.tables import DTYPES
from darimage.units import RECORD


@cache
def dtype(name: str, order: Order = "le", case: str | None = None) -> np.dtype[Any]:
    """Return the dtype of a layout whose parts all have a fixed size.

    Args:
        name: As for ``layout``.
        order: Byte order.
        case: For a layout with a switch, the type to take (``"inode_body"``).

    Raises:
        KeyError: There is no such layout.
        TypeError: The layout has a part without a fixed size, or needs a ``case``.
    """
    known = DTYPES.get((name, order, case))
    if known is not None:
        described: np.dtype[Any] = np.dtype(known)
        return described
    # There is none: to derive it says why not.
    from darimage.schema.derive import derive

    return derive(name, order, case)


@cache
def header_dtype(order: Order = "le", body: str = "inode_body") -> np.dtype[Any]:
    """Return the 1,024-byte dtype of a header whose extension body is ``body``."""
    derived = dtype("record", order, body)
    if derived.itemsize != RECORD:
        raise TypeError(f"a header of {derived.itemsize} bytes")
    return derived
