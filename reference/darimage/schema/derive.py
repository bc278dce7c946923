"""Derives numpy dtypes from the generated Construct codecs.

Byte strings become sub-arrays of ``u1``, so that no byte is ever dropped; a switch becomes the case
that is named. `make generate` derives all of them once into ``tables.py``, so that no run has to
load Construct for it; ``reference/tests/test_schema.py`` derives them again and compares.
"""

from __future__ import annotations

from typing import Any

import construct as cs
import numpy as np

from darimage.schema.codecs import Order, layout


def derive(name: str, order: Order, case: str | None = None) -> np.dtype[Any]:
    """Return the dtype of a layout; see ``dtypes.dtype``.

    Raises:
        TypeError: The layout has a part without a fixed size, or needs a ``case``.
    """
    return _derive(layout(name, order), case)


def cases(name: str, order: Order) -> list[str | None]:
    """Return what ``case`` can be for a layout: the types of its switch, or only ``None``."""
    try:
        derive(name, order)
    except _CaseError as error:
        return list(error.cases)
    return [None]


class _CaseError(TypeError):
    """A switch was met and no case of it was named."""

    def __init__(self, known: list[str]) -> None:
        super().__init__(f"a switch needs one of {known}")
        self.cases = known


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
        raise _CaseError(sorted(module))
    return module[case]


def _module_types(branches: list[Any]) -> dict[str, Any]:
    """Map the type names of a switch's branches, as ``ksy/`` has them, to the branches."""
    return {_type_name(branch): branch for branch in branches}


def _type_name(branch: Any) -> str:
    bound = branch.subcon if isinstance(branch, cs.FixedSized) else branch
    global_name: str = bound.subconfunc.__code__.co_names[0]
    return global_name.rpartition("__")[2]
