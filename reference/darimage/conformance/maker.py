"""Makes the image of a recipe: the encoder's, with date and UUID from the recipe."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np

from darimage.conformance import dialects, trees
from darimage.conformance.frame import Frame
from darimage.errors import UsageError
from darimage.image.writer import Options, create
from darimage.schema import CType
from darimage.sources.memory import MemorySource
from darimage.volumes.writing import MemorySink

_DATE = 1_700_000_000
_UUID = "d0d0caca-0000-4000-8000-000000000000"
_KNOWN = {"date", "uuid", "label", "ntrec", "acls", "order", "dialect", "filesys"}


def make(recipe: dict[str, Any]) -> bytes:
    """Return the image of a recipe.

    Raises:
        UsageError: The recipe says something that cannot be.
    """
    options = recipe.get("options", {})
    if unknown := options.keys() - _KNOWN:
        raise UsageError(f"a recipe knows no option {sorted(unknown)}")
    sink = MemorySink()
    source = MemorySource(trees.tree(recipe["tree"]), options.get("filesys", "/vector").encode())
    chosen = Options(
        label=options.get("label", "vector").encode(),
        ntrec=options.get("ntrec", 10),
        acls=options.get("acls", True),
        reproducible=True,
    )
    create(source, sink, chosen)
    identity = uuid.UUID(options.get("uuid", _UUID)).bytes
    made = _identified(bytes(sink.data), options.get("date", _DATE), identity)
    return dialects.convert(made, options.get("dialect", "dari"), options.get("order", "le"))


def _identified(data: bytes, date: int, identity: bytes) -> bytes:
    """Return an image with another date and UUID.

    What the encoder derives from a tree may change as the encoder does; a vector may not.
    """
    frame = Frame(data)
    for head in frame.heads.values():
        header = frame.header(head)
        header["c_date"] = date & 0xFFFFFFFF
        if head.c_type == CType.TS_TAPE:
            header["extension"]["body"]["image_uuid"] = np.frombuffer(identity, np.uint8)
            header["extension"]["body"]["c_date_epoch"] = date >> 32
    frame.seal(list(frame.heads))
    return frame.rows.tobytes()
