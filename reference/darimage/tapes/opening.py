"""Opens what a name stands for: a tape, a file on one, a folder of tapes, or a file as it lies.

A container is known by its contents: the first lengths in it agree with one another. What begins
with a header of a dump is no container. If the first length is damaged, the end of the name counts.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from darimage.errors import FormatError, UsageError
from darimage.faults import Fault
from darimage.sections.header import byte_order
from darimage.tapes.names import is_changer, is_drive, split_name
from darimage.units import RECORD
from darimage.volumes.reading import FileVolume, Volume, open_file

if TYPE_CHECKING:
    from darimage.tapes.element import Form
    from darimage.tapes.sink import Part
    from darimage.volumes.pieces import Pieces, Place
    from darimage.volumes.spool import Check

_FIRST_MOST = 1 << 28
"""Bytes of the longest block that any container can hold."""


def open_named(name: str | os.PathLike[str], check: Check | None = None) -> Volume:
    """Return the bytes of an image by path or URL, or of a file in a container; ``-`` is stdin.

    Of a folder of tapes, ``DIR`` is the last image and ``DIR:1`` the first.

    Args:
        name: The path or URL.
        check: Looks at the beginning of a stream that is no container, and refuses it if it can be
            no image either.

    Raises:
        FormatError: There is no such file on the tape, or the catalogue of a folder is damaged.
        UsageError: A file of a tape is asked for, and this is none.
        StorageError: It cannot be opened.
    """
    path, number = split_name(os.fspath(name))
    if is_changer(path):
        return _open_changer(path, number)
    if is_drive(path):
        from darimage.tapes.device import DeviceVolume
        from darimage.tapes.linux import LinuxTape

        return DeviceVolume(LinuxTape.open(path), number)
    return _open_file(path, number, check)


def open_further(name: str) -> Volume:
    """Return what goes on where a plain file ends: a container only if its name says so.

    The middle of an image may look like one. Raises what `open_named` does.
    """
    from darimage.tapes.forms import FORMS

    path, number = split_name(name)
    is_named = path.endswith(tuple(form.suffix for form in FORMS))
    if number is not None or is_named or is_changer(path) or is_drive(path):
        return open_named(name)
    return open_file(path)


def _open_file(path: str, number: int | None, check: Check | None) -> Volume:
    def look(first: Volume) -> None:
        if check is not None and recognised(first) is None:
            check(first)

    file = open_file(path, look)
    try:
        # What begins with a header of a dump, as most do, waits for no other module.
        if not _is_dump(file):
            if (tape := _tape_in(file, path, number)) is not None:
                return tape
            if isinstance(file, FileVolume):
                file.notes = _behind_junk(file)
        if number is not None:
            raise UsageError(f"{path}: is no tape and has no file {number}")
    except BaseException:
        file.close()
        raise
    return file


def _tape_in(file: Volume, path: str, number: int | None) -> Volume | None:
    """Return the tape that a file is by its contents, or by its name if the first length is bad."""
    from darimage.tapes.forms import FORMS
    from darimage.tapes.reading import TapeVolume
    from darimage.volumes.heads import packed

    form = recognised(file)
    if form is not None:
        return TapeVolume(file, form, number)
    if packed(file.read_at(0, RECORD)):
        return None
    form = next((form for form in FORMS if path.endswith(form.suffix)), None)
    if form is not None and _behind_junk(file):
        return None
    with suppress(FormatError):
        return None if form is None else TapeVolume(file, form, number)
    return None


def _behind_junk(file: Volume) -> list[Fault]:
    """Return what has to be said of a file in which a container lies behind something else."""
    from darimage.tapes.junk import container_behind_junk

    fault = container_behind_junk(file)
    return [] if fault is None else [fault]


def _is_dump(volume: Volume) -> bool:
    first = volume.read_at(0, RECORD)
    return len(first) == RECORD and byte_order(first) is not None


def _open_changer(folder: str, number: int | None) -> Pieces:
    """Return an image on the tapes of a folder; each is opened when something on it is read."""
    from darimage.tapes.changer import parts_of
    from darimage.volumes.pieces import Pieces, Place

    parts = {part.start: part for part in parts_of(folder, number)}
    places = [
        Place(os.path.join(folder, part.name), part.start, part.start + part.size)
        for part in parts.values()
    ]

    def why_another(tape: Volume, place: Place) -> str:
        return _why_another(tape, place, parts[place.start])

    named = folder if number is None else f"{folder}:{number}"
    return Pieces(named, places, places[-1].end, check=why_another, opener=open_further)


def _why_another(tape: Volume, place: Place, part: Part) -> str:
    """Return why a tape is not the one that the catalogue means; nothing if it may be.

    All full tapes are of one size, so it is known by its first block.
    """
    held = min(part.first_block, _FIRST_MOST)
    if tape.missing(0, held):
        return ""
    from darimage.sections.crc import crc32c

    if crc32c(tape.read_at(0, held)) == part.first_block_crc32c:
        return ""
    return f"{place.path} begins with another block: it is not the tape of this image"


def recognised(volume: Volume) -> Form | None:
    """Return the form of a container, ``None`` if it is none."""
    if _is_dump(volume):
        return None
    from darimage.tapes.forms import FORMS, fits

    return next((form for form in FORMS if fits(volume, form)), None)
