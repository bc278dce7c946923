"""Puts volumes of an image, or pieces of anything, side by side (chapter 35)."""

from __future__ import annotations

import os
import re
import stat
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from darimage.faults import Fault
from darimage.image import parts
from darimage.sections.header import byte_order, picker
from darimage.tapes.opening import open_further, open_named
from darimage.units import RECORD
from darimage.volumes.cut import LEAST, Cut
from darimage.volumes.pieces import Pieces, Place
from darimage.volumes.reading import MemoryVolume, Volume
from darimage.volumes.replacing import volumes_there
from darimage.volumes.urls import is_url

_RECORDS_MAX = 1 << 54
_UUID = 16
_NUMBER = re.compile(r"[0-9]{3,}$")
_NONE = MemoryVolume(b"")


class _Given(NamedTuple):
    """A file, and what its first header says.

    Attributes:
        path: Its name.
        file: The file.
        number: Which volume it is; 0 if it opens none.
        first: Record of the dump that it begins with.
        capacity: Records of a volume; 0 unknown.
        image: What tells the image from others: its UUID, or the date of a plain dump.
    """

    path: str
    file: Volume
    number: int
    first: int
    capacity: int
    image: bytes

    @property
    def is_dari(self) -> bool:
        """Whether it is of an image, no plain dump."""
        return len(self.image) == _UUID


def arranged(paths: Sequence[str]) -> Volume:
    """Return files side by side, volumes in their order whatever that of the names is.

    A volume of an image says where it belongs, so one between may be left out (DARI-VOL-024). What
    is wrong with what was given is in ``notes`` of the result.

    Args:
        paths: Files, URLs or tapes; at least one.

    Raises:
        StorageError: One cannot be opened.
    """
    from darimage.tapes.indexed import IndexedVolume

    first = open_named(paths[0])
    # What follows a plain file has no header to begin with, and may look like a container.
    opener = open_named if isinstance(first, IndexedVolume | Pieces) else open_further
    files = [first, *map(opener, paths[1:])]
    given = [_looked_at(path, file) for path, file in zip(paths, files, strict=True)]
    if not all(one.number for one in given):
        return _as_given(given)
    ours = next((one for one in given if one.number == 1), given[0])
    notes: list[Fault] = []
    kept: list[_Given] = []
    for one in given:
        if one.image != ours.image:
            notes.append(_note("volume-foreign", f"{_foreign(one)}; it is left out", "019"))
        elif any(_same_place(one, other) for other in kept):
            told = f"{one.path} is volume {one.number}, as another one is; it is left out"
            notes.append(_note("volume-twice", told, "024"))
        else:
            kept.append(one)
    in_order = sorted(kept, key=lambda one: (one.number, one.first))
    if in_order != kept:
        told = "volumes were given in another order than they have"
        notes.append(_note("volume-order", told, "024"))
    places: list[Place] = []
    for one in in_order:
        end = places[-1].end if places else 0
        start = (one.number - 1) * one.capacity if one.capacity else (0 if places else one.first)
        start = max(start * RECORD, end)
        places.append(Place(one.path, start, start + one.file.size, one.number, file=one.file))
    return _pieces(places, ours, notes)


def in_its_place(file: Volume) -> Volume | None:
    """Return a later volume of an image with a gap for those before it (DARI-VOL-025).

    Returns:
        ``None`` if it does not say how long volumes are, or if it is more than one volume.
    """
    one = _said(file.name, file, file.read_at(0, RECORD))
    if one.number < LEAST or not one.capacity or file.size > one.capacity * RECORD:
        return None
    start = one.first * RECORD
    return _pieces([Place(one.path, start, start + file.size, one.number, file=file)], one, [])


def misnamed(path: str) -> list[str]:
    """Return the files of a set whose names do not say which volume each is (DARI-VOL-024).

    Args:
        path: One of them, with a number at the end.

    Returns:
        All that are volumes of the same image; none if each is what its name says, or no set is
        there.
    """
    found = _NUMBER.search(path)
    mine = _said(path, _NONE, _head(path)) if found else None
    # Of an image that is not cut nothing else is looked for: it may lie among thousands.
    if found is None or mine is None or not (mine.number and (mine.capacity or not mine.is_dari)):
        return []
    there = volumes_there(path[: found.start()])
    if len(there) < 2 or path not in there.values():
        return []
    said = {number: _said(name, _NONE, _head(name)) for number, name in there.items()}
    ours = {number: one for number, one in said.items() if one.image == mine.image}
    is_set = any(one.number != number for number, one in ours.items())
    return [one.path for one in ours.values()] if is_set else []


def _head(path: str) -> bytes:
    """Return the first record of a file; fewer bytes of one that cannot be read, or is none."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return b""
        with open(path, "rb", buffering=0) as file:
            return file.read(RECORD)
    except OSError:
        return b""


def _looked_at(path: str, file: Volume) -> _Given:
    """Look at the first header of a file."""
    return _said(file.name if is_url(path) else path, file, file.read_at(0, RECORD))


def _said(path: str, file: Volume, head: bytes) -> _Given:
    """Return what the first header of a file says; two of three numbers say which volume it is."""
    number, said = parts.volume_number(head), parts.volume_of(head)
    order = byte_order(head) if number else None
    if order is None:
        return _Given(path, file, 0, 0, 0, b"")
    date, tapea, first = picker(order, "c_date", "c_tapea", "c_firstrec").unpack_from(head)
    capacity = said.records_per_volume if said is not None else 0
    if said is None or not LEAST <= capacity < _RECORDS_MAX:
        image = said.image_uuid if said is not None else b"%d" % date
        return _Given(path, file, number, max(0, first), 0, image)
    places = [int(tapea), int(first) & 0xFFFFFFFF, ((number - 1) * capacity) & 0xFFFFFFFF]
    place = next((one for one in places if places.count(one) > 1), places[0])
    if place != places[2] and place % capacity == 0:
        number = place // capacity + 1
    return _Given(path, file, number, (number - 1) * capacity, capacity, said.image_uuid)


def _same_place(one: _Given, other: _Given) -> bool:
    """Tell whether two volumes are copies; one that begins elsewhere is a further piece."""
    return one.number == other.number and (one.capacity > 0 or one.first == other.first)


def _as_given(given: list[_Given]) -> Pieces:
    """Return pieces in the order in which they were given (DARI-VOL-022).

    A volume between them that says where it belongs is put there, if nothing is.
    """
    first = given[0] if given[0].capacity else None
    places: list[Place] = []
    for one in given:
        end = places[-1].end if places else 0
        start, refused = end, ""
        if places and first is not None and one.number > 1 and one.capacity:
            if one.image != first.image:
                refused = _foreign(one)
            else:
                start = max(end, one.first * RECORD)
        places.append(Place(one.path, start, start + one.file.size, one.number, refused, one.file))
    return _pieces(places, first, [])


def _foreign(one: _Given) -> str:
    known = f" ({uuid.UUID(bytes=one.image)})" if one.is_dari else ""
    return f"{one.path} is of another image{known}"


def _pieces(places: list[Place], first: _Given | None, notes: list[Fault]) -> Pieces:
    capacity = first.capacity if first is not None else 0
    cut = Cut(capacity)

    def absent(start: int, end: int) -> str:
        if not capacity:
            return "a volume is missing"
        first = cut.volume_of(start // RECORD)
        last = cut.volume_of(max(start, end - 1) // RECORD)
        if first == last:
            return f"volume {first} is missing"
        return f"volumes {first} to {last} are missing"

    name = places[0].path
    return Pieces(name, places, places[-1].end, absent=absent, notes=notes)


def _note(kind: str, told: str, requirement: str) -> Fault:
    return Fault(kind, told, requirement=f"DARI-VOL-{requirement}")
