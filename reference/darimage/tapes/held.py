"""What tapes an image lies on, as they are shown to people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from darimage.tapes.names import is_changer, split_name

if TYPE_CHECKING:
    from darimage.tapes.indexed import IndexedVolume
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
    if _is_indexed(volume):
        return [_held(volume.name, volume, 0)]
    return list(_several(volume)) if _is_several(volume) else []


def _is_several(volume: Volume) -> TypeGuard[Pieces]:
    return hasattr(volume, "places")


def _is_indexed(volume: Volume | None) -> TypeGuard[IndexedVolume]:
    """Tell whether a volume is a tape, without importing what one is."""
    return hasattr(volume, "index")


def _several(pieces: Pieces) -> Iterator[TapeHeld]:
    of_changer = is_changer(split_name(pieces.name)[0])
    for place in pieces.places:
        if _is_indexed(place.file):
            yield _held(place.path, place.file, place.start)
        elif of_changer:
            size = place.end - place.start
            yield TapeHeld(place.path, "", 1, place.start, size, 0, 0, 0, 0, "", place.refused)


def _held(name: str, tape: IndexedVolume, start: int) -> TapeHeld:
    index = tape.index
    return TapeHeld(
        name,
        tape.form,
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
