"""Derives numpy dtypes from the generated Construct codecs, for columns of records.

Byte strings become sub-arrays of ``u1``, so that no byte is ever dropped; a switch becomes the case
that the caller names. ``reference/tests/test_schema.py`` holds both against Kaitai's parser.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import construct as cs
import numpy as np

from darimage.schema.codecs import Order, layout
from darimage.units import RECORD


@cache
def dtype(name: str, order: Order = "le", case: str | None = None) -> np.dtype[Any]:
    """Return the dtype of a layout whose parts all have a fixed size.

    Args:
        name: As for ``layout``.
        order: Byte order.
        case: For a layout with a switch, the type to take (``"inode_body"``).

    Raises:
        TypeError: The layout has a part without a fixed size, or needs a ``case``.
    """
    return _derive(layout(name, order), case)


@cache
def header_dtype(order: Order = "le", body: str = "inode_body") -> np.dtype[Any]:
    """Return the 1,024-byte dtype of a header whose extension body is ``body``."""
    derived = dtype("record", order, body)
    if derived.itemsize != RECORD:
        raise TypeError(f"a header of {derived.itemsize} bytes")
    return derived


def _derive(codec: Any, case: str | None) -> np.dtype[Any]:
    match codec:
        case cs.Renamed():
            return _derive(codec.subcon, case)
        case cs.LazyBound():
            return _derive(codec.subconfunc(), case)
        case cs.FormatField():
            sign = "i" if codec.fmtstr[1].islower() else "u"
            return np.dtype(f"{codec.fmtstr[0]}{sign}{codec.length}")
        case cs.Array():
            return np.dtype((_derive(codec.subcon, case), (_fixed(codec.count),)))
        case cs.FixedSized():
            return _derive_sized(codec, case)
        case cs.Struct():
            return np.dtype([(part.name, _derive(part, case)) for part in codec.subcons])
        case cs.Switch():
            return _derive(_chosen(codec, case), case)
    raise TypeError(f"{type(codec).__name__} has no fixed size")


def _derive_sized(codec: Any, case: str | None) -> np.dtype[Any]:
    length = _fixed(codec.length)
    if codec.subcon is cs.GreedyBytes:
        return np.dtype(("u1", (length,)))
    inner = _derive(codec.subcon, case)
    if inner.itemsize != length:
        raise TypeError(f"{inner.itemsize} bytes in a field of {length}")
    return inner


def _fixed(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(f"size {value!r} is not a constant")
    return value


def _chosen(codec: Any, case: str | None) -> Any:
    module = _module_types([*codec.cases.values(), codec.default])
    if case not in module:
        raise TypeError(f"a switch needs one of {sorted(module)}")
    return module[case]


def _module_types(branches: list[Any]) -> dict[str, Any]:
    """Map the type names of a switch's branches, as ``ksy/`` has them, to the branches."""
    return {_type_name(branch): branch for branch in branches}


def _type_name(branch: Any) -> str:
    bound = branch.subcon if isinstance(branch, cs.FixedSized) else branch
    global_name: str = bound.subconfunc.__code__.co_names[0]
    return global_name.rpartition("__")[2]
