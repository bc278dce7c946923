"""What tapes an image lies on, as they are shown to people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from darimage.tapes.changer import is_changer
from darimage.tapes.opening import split_name
from darimage.tapes.reading import TapeVolume
from darimage.volumes.pieces import Pieces
from darimage.volumes.reading import Volume


class TapeHeld(NamedTuple):
    """What a tape holds of an image.

    Attributes:
        name: Name of the tape.
        form: Kind of container; empty if it was not opened.
        file: Which file on it, from 1.
        start: Byte of the image that it begins with.
        size: Bytes of the image on it.
        blocks: Blocks.
        block: Bytes of the longest.
        shortest: Bytes of the shortest but the last.
        bad: Blocks that could not be read.
        ended: What ends the file.
        note: Why it is not used.
        notes: What is wrong with the container.
    """

    name: str
    form: str
    file: int
    start: int
    size: int
    blocks: int
    block: int
    shortest: int
    bad: int
    ended: str
    note: str = ""
    notes: tuple[str, ...] = ()


def tapes_of(volume: Volume) -> list[TapeHeld]:
    """Return the tapes of an image as it lies, in order; none if it lies on no tape."""
    if isinstance(volume, TapeVolume):
        return [_held(volume.name, volume, 0)]
    return list(_several(volume)) if isinstance(volume, Pieces) else []


def _several(pieces: Pieces) -> Iterator[TapeHeld]:
    of_changer = is_changer(split_name(pieces.name)[0])
    for place in pieces.places:
        if isinstance(place.file, TapeVolume):
            yield _held(place.path, place.file, place.start)
        elif of_changer:
            size = place.end - place.start
            yield TapeHeld(place.path, "", 1, place.start, size, 0, 0, 0, 0, "", place.refused)


def _held(name: str, tape: TapeVolume, start: int) -> TapeHeld:
    index = tape.index
    return TapeHeld(
        name,
        tape.form.name,
        index.number,
        start,
        tape.size,
        index.blocks,
        index.most,
        index.least,
        index.bad_blocks,
        index.ended,
        notes=index.notes,
    )
