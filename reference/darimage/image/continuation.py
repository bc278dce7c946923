"""The header that opens a further volume: what it must say, and what it says (chapter 35)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from darimage.image import parts
from darimage.image.batch import Ints, Marks, Rows
from darimage.image.inode import shifts
from darimage.schema import CType, Kind, Magic, Order
from darimage.sections.header import (
    Headers,
    as_headers,
    byte_order,
    seal_in_place,
    sound,
)
from darimage.units import RECORD
from darimage.volumes.cut import Cut
from darimage.volumes.heads import packed
from darimage.volumes.reading import Volume

if TYPE_CHECKING:
    from darimage.image.inventory import Inventory
    from darimage.image.layout import Layout

_LOOKED_AT = 2048
"""Records of a volume that are searched for a header of the image if its first is damaged. Bitmaps
apart, a header lies at least every 513 records."""


_LOW = 0xFFFFFFFF


class Expected(NamedTuple):
    """What all volumes of an image have in common.

    Attributes:
        marks: What its headers have in common.
        cut: How it is cut.
        uuid: Its identity; ``None`` in a plain dump.
    """

    marks: Marks
    cut: Cut
    uuid: bytes | None


class Looked(NamedTuple):
    """What comes of a look at the first header of a file.

    Attributes:
        refused: Why it is not used as the volume that it was given for; empty if it is.
        kind: Of a fault of the header, by the tables of chapter 88; empty if it has none.
        told: What is wrong with it.
    """

    refused: str = ""
    kind: str = ""
    told: str = ""


def look(file: Volume, number: int, expected: Expected) -> Looked:
    """Return whether a file is used as a volume of an image, and what is wrong with its header.

    Args:
        file: The file.
        number: Which volume it should be.
        expected: What it has in common with the others.
    """
    record = file.read_at(0, RECORD)
    order = expected.marks.order
    is_whole = len(record) == RECORD
    if not is_whole or byte_order(record) != order or not sound(parts.as_row(record), order)[0]:
        if is_whole and expected.uuid is not None and _belongs(file, number, expected):
            return Looked("", "volume-header", "its first record is damaged")
        told = "is no volume of this image: it does not begin with a header"
        return Looked(told + packed(record))
    header = as_headers(parts.as_row(record), order)[0]
    if header["c_type"] != CType.TS_TAPE:
        return Looked("is no volume of this image: it does not begin with a volume header")
    if expected.uuid is not None:
        known = parts.has_extension(record) and parts.kind_of(record) == Kind.VOLUME
        found = parts.volume_header(record, order).image_uuid if known else b""
        if found != expected.uuid:
            called = f" ({uuid.UUID(bytes=found)})" if known else ""
            return Looked(f"is of another image{called}")
    if header["c_date"] != expected.marks.date:
        return Looked("is of another dump: its date differs")
    said = int(header["c_volume"])
    if expected.uuid is None:
        return Looked() if said == number else Looked(f"is volume {said}, not volume {number}")
    place = (number - 1) * expected.cut.capacity & _LOW
    numbers = (int(header["c_tapea"]) == place, int(header["c_firstrec"]) & _LOW == place)
    if said == number and all(numbers):
        return Looked()
    # Two of the three decide (DARI-VOL-024).
    if [said == number, *numbers].count(True) > 1:
        told = f"not all numbers in its first header are those of volume {number}"
        return Looked("", "volume-order", told)
    return Looked(f"is volume {said}, not volume {number}")


def second_begins(volume: Volume, capacity: int, marks: Marks) -> bool:
    """Tell whether a second volume begins where it would, of volumes that lie side by side."""
    record = volume.read_at(capacity * RECORD, RECORD)
    if byte_order(record) != marks.order or parts.volume_number(record) != 2:
        return False
    return bool(as_headers(parts.as_row(record), marks.order)[0]["c_date"] == marks.date)


def why_no_second(volume: Volume, capacity: int, marks: Marks) -> str:
    """Return why there is no second volume where there is something (DARI-VOL-023)."""
    start = capacity * RECORD
    is_there = volume.size >= start + RECORD and not volume.missing(start, start + RECORD)
    if not is_there or second_begins(volume, capacity, marks):
        return ""
    told = "no sound header opens volume 2 here, where records_per_volume says"
    return told + packed(volume.read_at(start, RECORD))


def _belongs(file: Volume, number: int, expected: Expected) -> bool:
    """Tell whether headers on a volume say that they lie where they would.

    If there are none what is left of its first one decides. What lies on it is used as far as the
    CRCs of groups hold.
    """
    data = file.read_at(0, _LOOKED_AT * RECORD)
    rows = np.frombuffer(data, np.uint8, len(data) // RECORD * RECORD).reshape(-1, RECORD)
    places = np.flatnonzero(sound(rows, expected.marks.order))
    headers = as_headers(rows[places], expected.marks.order)
    real = places + (number - 1) * expected.cut.capacity
    right = (headers["c_date"] == expected.marks.date) & (shifts(headers, real, Cut()) == 0)
    return bool(right.any()) if len(places) else _looks_like_ours(data[:RECORD], number, expected)


def _looks_like_ours(record: bytes, number: int, expected: Expected) -> bool:
    """Tell whether most of what a damaged first header says is what that of a volume must say."""
    header = as_headers(parts.as_row(record), expected.marks.order, "volume_body")[0]
    said = (
        header["c_type"] == CType.TS_TAPE,
        header["c_magic"] == Magic.NFS,
        header["c_date"] == expected.marks.date,
        header["c_volume"] == number,
        header["extension"]["body"]["image_uuid"].tobytes() == expected.uuid,
    )
    return sum(map(bool, said)) * 2 > len(said)


def left(cut: Cut, volumes: Ints, runs: Ints) -> Ints:
    """Return what the headers of volumes say in ``c_count``: how much goes on (DARI-VOL-015).

    Args:
        cut: How the image is cut.
        volumes: Numbers of volumes, from 2, ascending.
        runs: Logical records of the headers of the image that are no ``TS_ADDR``, ascending. One of
            them lies at or behind the beginning of the last of the volumes.
    """
    begins = cut.logical((volumes - 1) * cut.capacity + 1)
    counts: Ints = np.minimum(runs[np.searchsorted(runs, begins)] - begins, cut.capacity - 1)
    return counts


def headers(first: Rows, order: Order, cut: Cut, volumes: Ints, counts: Ints) -> Headers:
    """Return the headers that open volumes (DARI-VOL-014).

    Args:
        first: The volume header, shape (1, 1024).
        order: Byte order of the image.
        cut: How the image is cut.
        volumes: Numbers of the volumes, from 2.
        counts: How much goes on on each.
    """
    made = as_headers(np.repeat(first, len(volumes), axis=0), order, "volume_body")
    real = (volumes - 1) * cut.capacity
    made["c_volume"] = volumes
    made["c_tapea"] = real & _LOW
    made["c_firstrec"] = (real & _LOW).astype(np.uint32).view(np.int32)
    made["c_count"] = counts
    seal_in_place(made, order)
    return made


def planned(first: bytes, layout: Layout, inventory: Inventory) -> Callable[[int], bytes]:
    """Return what gives the header of each further volume of an image that is to be written.

    Args:
        first: The volume header.
        layout: Where everything lies.
        inventory: What goes in.
    """
    volumes = np.arange(2, layout.cut.volumes(layout.total) + 1)
    counts = left(layout.cut, volumes, _heads_of_runs(layout, inventory))
    row = parts.as_row(first)

    def head(volume: int) -> bytes:
        at = slice(volume - 2, volume - 1)
        return headers(row, "le", layout.cut, volumes[at], counts[at]).tobytes()

    return head


def _heads_of_runs(layout: Layout, inventory: Inventory) -> Ints:
    """Return the logical records of all headers that are no ``TS_ADDR``, ascending."""
    sections = (layout.streams, layout.nt_acls, layout.offset_map, layout.trailing)
    attributed = np.flatnonzero(inventory.attribute_records)
    ends = layout.positions[attributed] + layout.runs[attributed]
    found: Ints = np.concatenate(
        [
            [0, 1, 2 + layout.map_records],
            layout.positions,
            ends - inventory.attribute_records[attributed],
            [section.record for section in sections if section.record],
            np.arange(layout.end, layout.total),
        ]
    )
    found.sort()
    return found
