"""Finds the generated Construct codec of a layout by its name in ``ksy/``."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Literal, get_args

Order = Literal["le", "be"]
"""Byte order of an image: little-endian (written and read) or big-endian (read)."""

ORDERS: tuple[Order, ...] = get_args(Order)


@cache
def layout(name: str, order: Order = "le") -> Any:
    """Return the Construct codec of a layout.

    Args:
        name: File of ``ksy/`` (``"record"``), or file and type (``"extension/inode_body"``).
        order: Byte order of its integers.

    Raises:
        KeyError: There is no such layout.
    """
    module_name, _, type_name = name.partition("/")
    try:
        module = import_module(f"darimage.schema.construct_{order}.{module_name}")
        return getattr(module, f"{module_name}__{type_name}" if type_name else module_name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise KeyError(f"no layout {name!r} in ksy/") from error
