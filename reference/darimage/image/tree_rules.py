"""What directories, names and bitmaps must be together (chapters 40 and 50)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.faults import Fault, FaultyField, display
from darimage.image import blame
from darimage.image.front import MapPart
from darimage.image.reader import Image
from darimage.image.run_rules import Found
from darimage.schema import InodeFlag
from darimage.sections import bitmap, directory
from darimage.sections.bitmap import Bitmap
from darimage.sections.crc import crc32c
from darimage.sections.directory import Entry
from darimage.sections.header import as_headers
from darimage.units import RECORD

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]

_ROOT = 2

_TOLD_ONE_BY_ONE = 1000
"""Inodes that a bitmap promises and the image does not hold which are named; a map can promise
billions."""


def order(found: Found, on_fault: OnFault) -> None:
    """Directories come first, the root before all, then files; both ascend (DARI-FIL-001)."""
    is_directory = found.is_directory
    below = np.flatnonzero(~is_directory)
    first_file = int(below[0]) if below.size else len(is_directory)
    late = np.flatnonzero(is_directory[first_file:]) + first_file
    _tell(found, late, "a directory comes after the first file", "DARI-REC-002", on_fault)
    for which, requirement in ((is_directory, "DARI-DIR-001"), (~is_directory, "DARI-FIL-001")):
        places = np.flatnonzero(which)
        numbers = found.inode[places]
        wrong = places[1:][numbers[1:] <= numbers[:-1]]
        _tell(found, wrong, "inode numbers do not ascend", requirement, on_fault)
    if len(is_directory) and not (is_directory[0] and found.inode[0] == _ROOT):
        _tell(found, np.zeros(1, np.int64), "the root is not first", "DARI-DIR-001", on_fault)


def _tell(found: Found, places: Ints, told: str, requirement: str, on_fault: OnFault) -> None:
    for at in places.tolist():
        where = (int(found.inode[at]), int(found.record[at]))
        field = blame.field("c_inumber", where[0])
        on_fault(Fault("format", told, None, *where, requirement, None, field))


def maps(image: Image, found: Found, on_fault: OnFault) -> None:
    """Bitmaps describe themselves and what is in the image (chapter 40)."""
    for part in (image.front.exists, image.front.dumped):
        if part is not None and image.is_dari:
            _one_map(image, part, on_fault)
    _both_maps(image, on_fault)
    if image.front.dumped is not None:
        beside = [one.number for one in image.streams.by_base.values()]
        there = np.unique(np.concatenate((found.inode, np.array(beside, np.int64))))
        record = image.front.dumped.record
        requirement = "DARI-BMP-001"
        absent = image.dumped.without(Bitmap(_packed(there, image.dumped)))
        told = "is in bitmap II and not in the image"
        for inode in islice(absent, _TOLD_ONE_BY_ONE):
            on_fault(Fault("missing", told, None, inode, record, requirement))
        if next(absent, None) is not None:
            more = f"more than {_TOLD_ONE_BY_ONE} inodes are in bitmap II and not in the image"
            on_fault(Fault("missing", more, None, None, record, requirement))
        for inode in there[~image.dumped.holds(there)].tolist():
            told = "is in the image and not in bitmap II"
            on_fault(Fault("format", told, None, inode, record, requirement))


def _packed(inodes: Ints, beside: Bitmap) -> bytes:
    """Return a map of ascending inodes that were found, no longer than another one.

    One header with the highest number there is would make a map of half a GiB.
    """
    known = inodes[(inodes > 0) & (inodes <= len(beside.packed) * 8)]
    return bitmap.encode(known, bitmap.records_for(int(known[-1]))) if len(known) else b""


def _both_maps(image: Image, on_fault: OnFault) -> None:
    one, two = image.front.exists, image.front.dumped
    if one is None or two is None or not image.is_dari:
        return
    if len(one.payload) != len(two.payload):
        told = "the bitmaps differ in length"
        on_fault(Fault("format", told, None, None, two.record, "DARI-BMP-003"))
    elif next(image.dumped.without(image.exists), None) is not None:
        told = "bitmap II holds inodes that bitmap I does not"
        on_fault(Fault("format", told, None, None, two.record, "DARI-BMP-008"))
    elif one.payload != two.payload and not image.identity.base_date:
        told = "the bitmaps of a full image differ"
        on_fault(Fault("format", told, None, None, two.record, "DARI-BMP-001"))
    highest = image.exists.highest
    if len(one.payload) // RECORD != bitmap.records_for(highest):
        told = f"a map of {len(one.payload) // RECORD} records for {highest} inodes"
        on_fault(Fault("format", told, None, None, one.record, "DARI-BMP-003"))


def _one_map(image: Image, part: MapPart, on_fault: OnFault) -> None:
    header = as_headers(np.frombuffer(part.header, np.uint8), image.order, "bitmap_body")[0]
    body = header["extension"]["body"]
    found = Bitmap(part.payload)
    true = {
        "bits_set": len(found),
        "highest_inode": found.highest,
        "map_crc32c": crc32c(part.payload),
    }
    for name, value in true.items():
        if int(body[name]) != value:
            told = f"{name} is {int(body[name])}, the map has {value}"
            fault = Fault("format", told, None, None, part.record, "DARI-BMP-006")
            on_fault(fault._replace(field=blame.in_bitmap(name, int(body[name]), value)))
    if found.holds([1, _ROOT]).tolist() != [False, True]:
        told = "inode 1 is set, or inode 2 is not"
        on_fault(Fault("format", told, None, None, part.record, "DARI-BMP-005"))


def directories(image: Image, found: Found, on_fault: OnFault) -> None:
    """Each directory's data is as it must be (chapter 50)."""
    table = image.front.directories
    starts = np.searchsorted(table.piece_owner, np.arange(len(table.records)), side="left")
    stops = np.searchsorted(table.piece_owner, np.arange(len(table.records)), side="right")
    headers = as_headers(table.rows, image.order) if len(table.rows) else None
    modes = _Modes(found, image.exists)
    for row, record in enumerate(table.records.tolist()):
        if headers is None:
            break
        pieces = range(int(starts[row]), int(stops[row]))
        data = b"".join(
            table.data[at : at + length].tobytes()
            for at, length in (
                (int(table.piece_start[k]), int(table.piece_length[k])) for k in pieces
            )
        )
        number = int(table.numbers[row])
        for fault in _directory(image, number, headers[row], data, modes):
            on_fault(fault._replace(inode=number, record=record))


def _directory(
    image: Image, number: int, header: np.void, data: bytes, modes: _Modes
) -> list[Fault]:
    size = int(header["c_dinode"]["di_size"])
    if len(data) != size:
        field = blame.field("c_dinode.di_size", size, len(data))
        return [_fault(f"{len(data)} bytes of data, di_size says {size}", "DARI-DIR-013", field)]
    faults = []
    if size % directory.CHUNK:
        field = blame.field("c_dinode.di_size", size, "a multiple of 512")
        faults.append(_fault(f"di_size {size} is not a multiple of 512", "DARI-DIR-004", field))
    extension = header["extension"]
    if not extension["flags"] & InodeFlag.INODE_DATA_CRC:
        flags = int(extension["flags"])
        field = blame.field("extension.flags", flags, flags | InodeFlag.INODE_DATA_CRC)
        faults.append(_fault("data_crc32c is not given", "DARI-DIR-010", field))
    elif (said := extension["body"]["data_crc32c"]) != (crc := crc32c(data)):
        field = blame.field("extension.body.data_crc32c", said, crc)
        faults.append(_fault("data_crc32c is not that of its data", "DARI-DIR-010", field))
    try:
        entries = directory.decode(data, image.order, old_format=image.old_format)
    except FormatError as error:
        return [*faults, Fault.of(error)]
    return [*faults, *_entries(number, image.names.parent(number), entries, modes)]


def _entries(number: int, parent: int, entries: list[Entry], modes: _Modes) -> list[Fault]:
    dots = [(entry.name, entry.inode) for entry in entries[:2]]
    faults = []
    if dots != [(b".", number), (b"..", parent or number)]:
        faults.append(_fault("the first two entries are not . and ..", "DARI-DIR-003"))
    names = [entry.name for entry in entries[2:]]
    if b"." in names or b".." in names:
        faults.append(_fault("an entry behind the first two is . or ..", "DARI-DIR-007"))
    if any(a >= b for a, b in pairwise(names)):
        seen = set(names)
        if len(seen) < len(names):
            faults.append(_fault("two entries have the same name", "DARI-DIR-008"))
        if names != sorted(names):
            faults.append(_fault("entries are not sorted by name", "DARI-DIR-009"))
    return faults + modes.judge(entries)


def _fault(told: str, requirement: str, field: FaultyField | None = None) -> Fault:
    return Fault("format", told, requirement=requirement, field=field)


class _Modes:
    """File types by inode number."""

    def __init__(self, found: Found, exists: Bitmap) -> None:
        self.exists = exists
        first = np.unique(found.inode, return_index=True)[1]
        self.types = dict(
            zip(found.inode[first].tolist(), (found.mode[first] >> 12).tolist(), strict=True)
        )

    def judge(self, entries: list[Entry]) -> list[Fault]:
        """Return faults for entries with a wrong type, or of inodes that do not exist."""
        faults = []
        for inode, d_type, name in entries:
            there = self.types.get(inode)
            if there is None:
                if not self.exists.holds(inode):
                    told = f"entry {display(name)} names inode {inode}, which does not exist"
                    faults.append(_fault(told, "DARI-DIR-015"))
            elif there != d_type:
                told = f"entry {display(name)} has d_type {d_type}, the inode {there}"
                faults.append(_fault(told, "DARI-DIR-012"))
        return faults


def links(image: Image, found: Found, on_fault: OnFault) -> None:
    """``nlink`` is the number of names, of a directory 2 + its subdirectories (DARI-FIL-009)."""
    is_directory = found.is_directory
    numbers, counts = image.names.name_counts()
    at = np.searchsorted(numbers, found.inode)
    at = np.minimum(at, max(0, len(numbers) - 1))
    named = np.zeros(len(found.inode), np.int64)
    if len(numbers):
        named = np.where(numbers[at] == found.inode, counts[at], 0)
    streams = {e.inode for one in image.streams.by_base.values() for e in one.entries}
    if streams:
        named += np.isin(found.inode, np.array(sorted(streams), np.int64))
    below = image.names.subdirectory_counts()
    wanted = named.copy()
    for place in np.flatnonzero(is_directory).tolist():
        wanted[place] = 2 + below.get(int(found.inode[place]), 0)
    for place in np.flatnonzero(~is_directory & (named == 0)).tolist():
        where = (int(found.inode[place]), int(found.record[place]))
        on_fault(Fault("format", "no entry names it", None, *where, "DARI-DIR-016"))
    for place in np.flatnonzero(wanted != found.nlink).tolist():
        pair = (int(found.nlink[place]), int(wanted[place]))
        told = f"nlink is {pair[0]}, it has {pair[1]}"
        where = (int(found.inode[place]), int(found.record[place]))
        fault = Fault("format", told, None, *where, "DARI-FIL-009")
        path = "extension.body.nlink" if image.is_dari else "c_dinode.di_nlink"
        on_fault(fault._replace(field=blame.field(path, *pair)))
