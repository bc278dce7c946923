"""The kinds of tape containers, and how one is known by its contents."""

from __future__ import annotations

from darimage.tapes.aws import Aws
from darimage.tapes.element import Form, Kind, Look
from darimage.tapes.simh import E11, Simh
from darimage.volumes.reading import Volume

FORMS: tuple[Form, ...] = (Simh(), E11(), Aws())
"""The containers, in the order they are tried."""

_LOOKED_AT = 64
"""Elements that may lie before the first block."""


def fits(volume: Volume, form: Form) -> bool:
    """Tell whether the first block is one, and something follows it."""
    look, at, marks = Look(volume), 0, 0
    for _ in range(_LOOKED_AT):
        element = form.element(look, at)
        if element.kind in (Kind.DATA, Kind.PACKED):
            behind = form.element(look, element.next)
            return behind.kind not in (Kind.BROKEN, Kind.CUT) or behind.length == element.length
        marks = marks + 1 if element.kind is Kind.MARK else 0
        if element.kind not in (Kind.SKIP, Kind.BAD, Kind.MARK) or marks > 1:
            return False
        at = element.next
    return False
