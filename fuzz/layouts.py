"""The fixed layouts of ksy/, field by field, and their three readers."""

from __future__ import annotations

import importlib

from darimage.schema import dtype, layout
from darimage.sections.header import BODIES

BODY_KINDS = {**{body: int(kind) for kind, body in BODIES.items()}, "raw_body": 0}
"""The byte that chooses each body of an extension area."""


def leaves(fields, path=(), at=0):
    """Yield path, offset and size of every field of a dtype that has no fields itself."""
    for name, (inner, offset, *_rest) in fields.items():
        if inner.fields:
            yield from leaves(inner.fields, (*path, name), at + offset)
        else:
            yield (*path, name), at + offset, inner.itemsize


def base(name, order, body):
    """Return zeros of a layout's size, but for the kind that chooses the case."""
    derived = dtype(name, order, body)
    data = bytearray(derived.itemsize)
    if body:
        offset = {path: at for path, at, _ in leaves(derived.fields)}
        data[offset[("extension", "kind") if name == "record" else ("kind",)]] = BODY_KINDS[body]
    return data


def kaitai_parse(name, order, data):
    """Read bytes with the Kaitai parser."""
    file, _, type_name = name.partition("/")
    module = importlib.import_module(f"darimage.schema.kaitai_{order}.{file}")
    outer = getattr(module, _camel(file))
    return (getattr(outer, _camel(type_name)) if type_name else outer).from_bytes(data)


def construct_parse(name, order, data):
    """Read bytes with the Construct codec."""
    return layout(name, order).parse(data)


def _camel(name):
    return "".join(part.title() for part in name.split("_"))
