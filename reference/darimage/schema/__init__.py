"""Floor 0: the layouts of an image, generated from ``ksy/`` and never typed twice.

``layout`` gives the Construct codec of a layout, ``dtype`` the numpy dtype derived from it for bulk
work, and the enumerations hold the named numbers.
"""

from __future__ import annotations

from darimage.schema.codecs import ORDERS, Order, layout
from darimage.schema.constants import (
    AclTag,
    Compat,
    CType,
    DrFlag,
    ExtAttributes,
    Incompat,
    InodeFlag,
    Kind,
    Magic,
    Section,
    Verdict,
    XattrIndex,
    XattrMagic,
)
from darimage.schema.dtypes import dtype, header_dtype

__all__ = [
    "ORDERS",
    "AclTag",
    "CType",
    "Compat",
    "DrFlag",
    "ExtAttributes",
    "Incompat",
    "InodeFlag",
    "Kind",
    "Magic",
    "Order",
    "Section",
    "Verdict",
    "XattrIndex",
    "XattrMagic",
    "dtype",
    "header_dtype",
    "layout",
]
