"""Reads security descriptors, Samba's wrapper and SDDL, and writes them again."""

from __future__ import annotations

from darimage.errors import FormatError
from darimage.sections.security import (
    SecurityDescriptor,
    from_sddl,
    read_origin,
    split,
    to_sddl,
    unwrap,
    wrap,
)
from fuzz import seeds as known


def seeds():
    """Return descriptors, wrapped ones and texts, each behind a byte that chooses."""
    kinds = (known.descriptors(), known.wrapped(), known.sddl())
    return [bytes([at]) + one for at, kind in enumerate(kinds) for one in kind]


def one(data):
    """Read one of the three."""
    way = data[0] % 3 if data else 0
    try:
        [_descriptor, _wrapper, _text][way](data[1:])
    except FormatError as error:
        assert str(error)


def _descriptor(data):
    found = SecurityDescriptor.parse(data)
    assert SecurityDescriptor.parse(found.build()) == found, "another descriptor when built again"
    _say(found)


def _say(descriptor):
    """Say a descriptor in SDDL; what can be said can be read."""
    try:
        text = to_sddl(descriptor)
    except FormatError:
        return
    assert to_sddl(from_sddl(text)) == text, "other words when said again"


def _wrapper(data):
    descriptor, origin = split(data)
    assert wrap(descriptor, origin) == data, "not the bytes that were taken apart"
    read_origin(origin)
    unwrap(data).build()


def _text(data):
    text = data.decode("utf-8", "replace")
    found = from_sddl(text)
    assert SecurityDescriptor.parse(found.build()) is not None
    said = to_sddl(found)
    assert to_sddl(from_sddl(said)) == said, "other words when said again"
