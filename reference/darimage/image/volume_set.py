"""Finds the volumes of an image, and puts them together (chapter 35).

A set is known by one name: that of its first volume, which ends in ``001``, or what stands before
that. Its files are looked up, not opened: a volume is opened when something on it is read, and
held against what the first one says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from darimage.errors import FormatError, StorageError
from darimage.faults import Fault
from darimage.image import parts
from darimage.image.continuation import Expected, look, second_begins, why_no_second
from darimage.image.opening import Opening, look_at_first, pairs_exchanged
from darimage.image.parts import VolumeHeader
from darimage.image.volume_order import arranged, in_its_place, misnamed
from darimage.tapes.opening import open_named
from darimage.units import RECORD
from darimage.volumes.cut import LEAST, Cut
from darimage.volumes.joined import Joined
from darimage.volumes.pieces import Pieces, Place
from darimage.volumes.reading import FileVolume, Volume, as_given, open_file, open_volume
from darimage.volumes.replacing import numbered, settle, volumes_there
from darimage.volumes.uneven import Uneven
from darimage.volumes.urls import is_url, masked, of_set, of_volume

OnFault = Callable[[Fault], None]
Name = str | os.PathLike[str]

_RECORDS_MAX = 1 << 54


@dataclass(frozen=True)
class Names:
    """How the files of a set are called.

    Attributes:
        prefix: What stands before the number.
    """

    prefix: str

    def of(self, volume: int) -> str:
        """Return the name of a volume (DARI-VOL-017)."""
        return numbered(self.prefix, volume)

    def there(self) -> dict[int, str]:
        """Return the files that are there by their numbers, ascending."""
        return volumes_there(self.prefix)


def names_by(path: str, volume: int) -> Names | None:
    """Return how the files of a set are called, given the name of one volume."""
    digits = numbered("", volume)
    return Names(path.removesuffix(digits)) if path.endswith(digits) else None


def open_image(image: Name | bytes | Volume | Sequence[Name]) -> Volume:
    """Return the bytes of an image as they lie.

    Args:
        image: A path or URL; the name of a set of volumes without their numbers; paths of volumes
            or pieces in order; bytes; or a volume. A path may be that of a tape container.

    Raises:
        FormatError: There is no such file on a tape.
        StorageError: It cannot be opened.
    """
    if isinstance(image, list | tuple):
        return in_order([os.fspath(name) for name in image])
    if isinstance(image, str | os.PathLike) and os.fspath(image) != "-":
        path = os.fspath(image)
        if is_url(path):
            return open_named(path, _refuse)
        names = Names(path)
        settle(path)
        settle(path.rstrip("0123456789"))
        if not os.path.lexists(path) and (found := names.there()):
            if 1 not in found:
                return in_order(list(found.values()))
            path = found[1]
        if others := misnamed(path):
            return in_order(others)
        if path != os.fspath(image):
            return FileVolume.open(path)
    if isinstance(image, str | os.PathLike):
        return open_named(image, _refuse)
    return open_volume(image)  # type: ignore[arg-type]


def _refuse(first: Volume) -> None:
    """Refuse a stream by its first records: it may have no end.

    Raises:
        FormatError: No image, or none that is read, begins so (DARI-REC-018).
    """
    try:
        look_at_first(first, lambda _: None)
    except FormatError as error:
        if pairs_exchanged(first) is None:
            error.image = first.name
            raise


def first_of(volume: Volume, number: int) -> Volume:
    """Return the first volume of the set that a later one belongs to; without it all others.

    Raises:
        FormatError: It is not there, nor does the later one say how long it is.
    """
    url = of_volume(getattr(volume, "url", ""), 1, number)
    if url is not None:
        first = open_file(url)
        volume.close()
        return first
    names = names_by(volume.name, number) if isinstance(volume, FileVolume) else None
    if names is not None and len(names.there()) > 1 and not os.path.exists(names.of(1)):
        volume.close()
        return in_order(list(names.there().values()))
    if names is None or not os.path.exists(names.of(1)):
        if (alone := in_its_place(volume)) is not None:
            return alone
        told = f"this is volume {number} of a dump, the first is needed"
        raise FormatError(told, record=0, requirement="DARI-VOL-001")
    first = FileVolume.open(names.of(1))
    volume.close()
    return first


def join(
    volume: Volume, opening: Opening, on_fault: OnFault, *, walked: bool = True
) -> tuple[Volume, Opening]:
    """Return the logical records of an image, and what its first header says in their numbers.

    Args:
        volume: The records as they lie, at least those of the first volume.
        opening: What its first header says.
        on_fault: Told of volumes that are not what they should be.
        walked: Whether all headers will be looked at, those that open volumes too.

    Raises:
        FormatError: The capacity is none (DARI-VOL-012).
    """
    told = opening.extension
    if told is not None and (parts.is_cut(told) or _is_cut_in_fact(volume, opening, told)):
        joined: Volume = _join_image(volume, opening, told, on_fault, walked=walked)
    elif opening.is_dari or not isinstance(volume, FileVolume | Pieces):
        return volume, opening
    else:
        joined = _join_dump(volume, opening, on_fault)
    cut = joined.cut
    shown = told and parts.shown(told, cut)
    return joined, replace(opening, marks=replace(opening.marks, cut=cut), shown=shown)


def _is_cut_in_fact(volume: Volume, opening: Opening, told: VolumeHeader) -> bool:
    """Tell whether an image is cut, whatever its features say (DARI-VOL-023)."""
    capacity = told.records_per_volume
    return LEAST <= capacity < _RECORDS_MAX and second_begins(volume, capacity, opening.marks)


def _join_image(
    volume: Volume, opening: Opening, told: VolumeHeader, on_fault: OnFault, *, walked: bool
) -> Joined:
    capacity, total = told.records_per_volume, told.total_records
    if not LEAST <= capacity < _RECORDS_MAX or total >= _RECORDS_MAX:
        why = f"{total} records on volumes of {capacity}"
        raise FormatError(why, record=0, requirement="DARI-VOL-012")
    cut = Cut(capacity)
    url = getattr(volume, "url", "")
    names = names_by(volume.name, 1) if url or isinstance(volume, FileVolume) else None
    apart = volume.size <= capacity * RECORD < total * RECORD
    if apart and (url or isinstance(volume, FileVolume)):
        places = [_place(volume.name, 1, cut, volume)]
        there = of_set(url, cut.volume_of(total - 1)) if url else names.there() if names else {}
        for number, path in there.items():
            if 1 < number <= cut.volume_of(total - 1):
                places.append(_place(path, number, cut))
        expected = Expected(opening.marks, cut, told.image_uuid)
        real: Volume = Pieces(
            volume.name,
            places,
            total * RECORD,
            check=_Check(expected, on_fault),
            absent=_Absent(cut, names),
        )
    else:
        if isinstance(volume, Pieces) and all(place.volume for place in volume.places):
            volume.reach(total * RECORD)
        real = volume
        if not walked and (why := why_no_second(volume, capacity, opening.marks)):
            on_fault(Fault("damaged", why, None, None, capacity, "DARI-VOL-014", volume.name))
    return Joined(real, cut)


def _place(path: str, number: int, cut: Cut, file: Volume | None = None) -> Place:
    start = (number - 1) * cut.capacity * RECORD
    end = start + cut.capacity * RECORD
    url = path if is_url(path) and file is None else ""
    return Place(masked(path), start, end, number, file=file, url=url)


@dataclass
class _Check:
    """Holds a volume that was opened against what the first one says (DARI-VOL-019)."""

    expected: Expected
    on_fault: OnFault

    def __call__(self, file: Volume, place: Place) -> str:
        if place.volume < 2:
            return ""
        seen = look(file, place.volume, self.expected)
        if seen.told:
            number = self.expected.cut.capacity * (place.volume - 1)
            told = f"{place.path}: {seen.told}"
            self.on_fault(Fault(seen.kind, told, None, None, number, "DARI-VOL-014", place.path))
        return f"{place.path} {seen.refused}" if seen.refused else ""


@dataclass
class _Absent:
    """Says which volumes are missing between two bytes (DARI-VOL-020)."""

    cut: Cut
    names: Names | None

    def __call__(self, start: int, end: int) -> str:
        first = self.cut.volume_of(start // RECORD)
        last = self.cut.volume_of(max(start, end - 1) // RECORD)
        if first == last:
            called = f" ({self.names.of(first)})" if self.names else ""
            return f"volume {first}{called} is missing"
        called = f" ({self.names.of(first)} to {self.names.of(last)})" if self.names else ""
        return f"volumes {first} to {last}{called} are missing"


def as_it_lies(image: Name | bytes | Volume | Sequence[Name]) -> Volume:
    """Return the records of an image as they lie; one whose first is damaged as it is given.

    Raises:
        FormatError: It cannot be read.
        StorageError: It cannot be opened.
    """
    volume = open_image(image)
    try:
        first = look_at_first(volume, lambda _: None)
        if first.volume_number > 1:
            volume = first_of(volume, first.volume_number)
            first = look_at_first(volume, lambda _: None)
        return real_of(join(volume, first, lambda _: None)[0])
    except FormatError:
        return volume


def in_order(paths: list[str]) -> Volume:
    """Return volumes, or pieces of anything, side by side (DARI-VOL-022, DARI-VOL-024)."""
    return open_named(paths[0]) if len(paths) == 1 else arranged(paths)


def _join_dump(volume: FileVolume | Pieces, opening: Opening, on_fault: OnFault) -> Volume:
    """Return a plain dump on several volumes as one."""
    if isinstance(volume, FileVolume):
        names = names_by(volume.name, 1)
        later = {} if names is None else names.there()
        later.pop(1, None)
        if names is None or not later:
            return volume
        given = [Place(volume.name, 0, volume.size, 1, file=volume)]
        given += [Place(path, 0, 0, number) for number, path in later.items()]
    else:
        names, given = None, volume.places
    return _side_by_side(given, opening, names, on_fault)


def _side_by_side(
    given: Sequence[Place], opening: Opening, names: Names | None, on_fault: OnFault
) -> Volume:
    """Return volumes of a plain dump, each behind the one before or where it says."""
    expected = Expected(opening.marks, Cut(), None)
    places: list[Place] = []
    heads: list[int] = []
    for place in given:
        try:
            file = place.file or FileVolume.open(place.path)
        except StorageError as error:
            on_fault(Fault("missing", str(error), requirement="DARI-VOL-020"))
            continue
        end = places[-1].end if places else 0
        start = end if places else place.start
        if not places and place.volume > 1:
            heads.append(start // RECORD)
        if places and (place.volume > 1 or names is not None) and file.size:
            refused = look(file, place.volume or len(places) + 1, expected).refused
            if refused:
                told = f"{place.path} {refused}"
                on_fault(Fault("format", told, requirement="DARI-VOL-019"))
                continue
            lost = max(0, place.volume - places[-1].volume - 1)
            if lost:
                said = parts.first_record(file.read_at(0, RECORD), opening.marks.order)
                start = max(end + lost * RECORD, said * RECORD)
            # How long each of several missing ones is nobody knows, only how long all are.
            heads += [end // RECORD + number for number in range(lost)]
            heads.append(start // RECORD)
        places.append(replace(place, start=start, end=start + file.size, file=file))
    absent = _Absent(Uneven(heads), names)
    real = Pieces(places[0].path, places, places[-1].end, absent=absent)
    return Joined(real, Uneven(heads)) if heads else real


class Listed(NamedTuple):
    """A volume of an image, or several that are missing side by side.

    Attributes:
        volume: Its number.
        last: Number of the last of several; the same for one.
        name: Of the file; empty if it is not known.
        record: Its first record.
        records: How many it has, or should have.
        present: Whether it is there.
        note: What is wrong with it.
    """

    volume: int
    last: int
    name: str
    record: int
    records: int
    present: bool
    note: str = ""


def listed(volume: Volume) -> list[Listed]:
    """Return the volumes of an image in order; none if it is not cut, or a plain dump."""
    cut = volume.cut
    if not isinstance(volume, Joined) or not cut.capacity:
        return []
    total = volume.real.size // RECORD
    real = _pieces(volume)
    places = real.places if isinstance(real, Pieces) else []
    known = {place.volume: place for place in places}
    there = numbers(volume)
    found: list[Listed] = []
    for number in sorted({*there, *(known if 0 not in known else ())}):
        expected = found[-1].last + 1 if found else 1
        if number > expected:
            found.append(_row(cut, total, expected, number - 1, "", present=False))
        place = known.get(number)
        name, note = (place.path, place.refused) if place else ("", "")
        found.append(_row(cut, total, number, number, name, present=not note, note=note))
    if found and found[-1].last < (last := cut.volume_of(max(0, total - 1))):
        found.append(_row(cut, total, found[-1].last + 1, last, "", present=False))
    return found


def _row(
    cut: Cut, total: int, first: int, last: int, name: str, *, present: bool, note: str = ""
) -> Listed:
    record = (first - 1) * cut.capacity
    records = min(last * cut.capacity, total) - record
    return Listed(first, last, name, record, records, present, note)


def real_of(volume: Volume) -> Volume:
    """Return the records of an image as they lie, continuation headers among them."""
    return volume.real if isinstance(volume, Joined) else volume


def _pieces(volume: Volume) -> Volume:
    """Return the files of an image side by side, its records not put at their numbers."""
    return as_given(real_of(volume))


def name_of(volume: Volume, record: int) -> str:
    """Return what to call the volume that a real record lies on."""
    number = volume.cut.volume_of(record)
    real = _pieces(volume)
    for place in real.places if isinstance(real, Pieces) else ():
        if place.volume == number and place.start <= record * RECORD:
            return place.path
    return f"volume {number}"


def numbers(volume: Volume) -> list[int]:
    """Return the numbers of the volumes that are there, as far as is known."""
    real = _pieces(volume)
    if isinstance(real, Pieces) and all(place.volume for place in real.places):
        return [place.volume for place in real.places if not place.refused]
    return list(range(1, volume.cut.volume_of(max(1, real.size // RECORD) - 1) + 1))
