"""Files put side by side to what they hold together (chapter 35)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from darimage.plain.faults import RECORD, Faults
from darimage.plain.records import MAGIC_AT, TS_TAPE, Head, magic
from darimage.plain.rules import Rules
from darimage.plain.space import Space
from darimage.schema.codecs import ORDERS

_NUMBER = re.compile(r"\d{3}$")


class Volume(NamedTuple):
    """A file that may be a volume.

    Attributes:
        data: Its bytes.
        head: Its first header; ``None`` if that is no sound ``ts_tape``.
        given: The number that it was given for.
    """

    data: bytes
    head: Head | None
    given: int


def files_of(image: Path) -> list[tuple[int, Path]]:
    """Return the files of an image by the name of its first, with their numbers (DARI-VOL-017)."""
    if not _NUMBER.search(image.name):
        return [(1, image)]
    stem = image.name[:-3]
    found = [
        (int(path.name[-3:]), path)
        for path in image.parent.iterdir()
        if path.name[:-3] == stem and _NUMBER.search(path.name)
    ]
    return sorted(found)


def open_files(image: Path, faults: Faults, rules: Rules) -> Space:
    """Return what the files of an image hold together.

    Raises:
        OSError: A file cannot be read.
    """
    return side_by_side([(n, path.read_bytes()) for n, path in files_of(image)], faults, rules)


def side_by_side(files: list[tuple[int, bytes]], faults: Faults, rules: Rules) -> Space:
    """Put files where they belong: in the order of their numbers (DARI-VOL-024).

    Args:
        files: Their bytes, each with the number that it was given for.
        faults: What is reported.
        rules: What is kept.
    """
    volumes = [Volume(data, _head(data, rules), number) for number, data in files]
    if len(volumes) == 1 and (volumes[0].head is None or _number(volumes[0].head) == 1):
        return Space([(0, volumes[0].data)])
    foreign: set[int] = set()
    whole = _belonging(volumes, foreign, faults, rules)
    first = next((one.head for one in whole if one.head is not None), None)
    if first is not None and first.is_dari:
        return _by_capacity(whole, first, foreign, faults, rules)
    return _by_number(whole, foreign, faults, rules)


def _head(data: bytes, rules: Rules) -> Head | None:
    """Return a file's first header if it is a sound ``ts_tape``."""
    record = data[:RECORD]
    for order in ORDERS:
        if len(record) == RECORD and record[MAGIC_AT : MAGIC_AT + 4] == magic(order):
            head = Head(0, record, order, record[928:932] == b"DARI", rules)
            if head.is_intact and head.c_type == TS_TAPE:
                return head
    return None


def _number(head: Head) -> int:
    return int(head.fields.c_volume)


def _identity(head: Head) -> tuple[bytes, int]:
    uuid = bytes(head.raw[944:960]) if head.is_dari else b""
    return uuid, int(head.fields.c_date)


def _belonging(
    volumes: list[Volume], foreign: set[int], faults: Faults, rules: Rules
) -> list[Volume]:
    """Return the volumes that are of the same image as the first (DARI-VOL-019)."""
    first = next((one.head for one in volumes if one.head is not None), None)
    kept = []
    for one in volumes:
        same = one.head is None or first is None or _identity(one.head) == _identity(first)
        if rules.keeps("DARI-VOL-019", same):
            kept.append(one)
        else:
            faults.report("volume-foreign")
            foreign.add(one.given - 1)
    return kept


def _by_capacity(
    volumes: list[Volume], first: Head, foreign: set[int], faults: Faults, rules: Rules
) -> Space:
    """Put the volumes of an image at multiples of its capacity; what is missing is a gap."""
    body = first.body
    capacity = int(body.records_per_volume) if body is not None else 0
    total = int(body.total_records) if body is not None else 0
    taken: dict[int, bytes] = {}
    for one in volumes:
        place = _place(one, capacity, faults, rules)
        if place in taken:
            faults.report("volume-twice")
        else:
            taken[place] = one.data[: capacity * RECORD] if capacity else one.data
    count = -(-total // capacity) if capacity else len(taken)
    for number in range(min(count, max(taken, default=0) + 2)):
        length = min(capacity, total - number * capacity) * RECORD
        if len(taken.get(number, b"")) < length and number not in foreign:
            faults.report("volume-missing", number * capacity * RECORD)
    made = _with_gaps([(place * capacity * RECORD, data) for place, data in taken.items()], rules)
    made.is_placed = capacity > 0
    made.lacks_end = count - 1 not in taken and len(volumes) > 0
    return made


def _place(one: Volume, capacity: int, faults: Faults, rules: Rules) -> int:
    """Return which volume a file is, counted from 0: what two of three numbers say."""
    if one.head is None or not rules.follows("DARI-VOL-024"):
        return one.given - 1
    fields = one.head.fields
    said = [fields.c_tapea // capacity if capacity else 0]
    said.append(fields.c_firstrec // capacity if capacity else 0)
    said.append(int(fields.c_volume) - 1)
    place = int(next((number for number in said if said.count(number) > 1), said[0]))
    agree = fields.c_tapea == fields.c_firstrec == place * capacity & 0xFFFFFFFF
    if not agree or said[2] != place or place != one.given - 1:
        faults.report("volume-order", place * capacity * RECORD)
    return place


def _by_number(volumes: list[Volume], foreign: set[int], faults: Faults, rules: Rules) -> Space:
    """Put the volumes of a plain dump behind one another, by number and first record."""
    known = [one for one in volumes if one.head is not None]
    if rules.follows("DARI-VOL-024"):
        ordered = sorted(known, key=_key)
        if [one.given for one in ordered] != [one.given for one in known]:
            faults.report("volume-order")
        known = ordered
    placed: list[tuple[int, bytes]] = []
    openings: list[int] = []
    end, last = 0, (0, -1)
    for one in known:
        assert one.head is not None  # noqa: S101 - for mypy
        key = _key(one)
        if key == last:
            faults.report("volume-twice")
            continue
        if key[0] > last[0] + 1:
            if not foreign.issuperset(range(last[0], key[0] - 1)):
                faults.report("volume-missing", end)
            openings.append(end)
            end = max(end, key[1] * RECORD)
        placed.append((end, one.data))
        openings.append(end)
        end, last = end + len(one.data), key
    made = _with_gaps(placed, rules)
    made.is_placed, made.openings = True, openings[1:]
    return made


def _key(one: Volume) -> tuple[int, int]:
    assert one.head is not None  # noqa: S101 - for mypy
    return _number(one.head), int(one.head.fields.c_firstrec)


def _with_gaps(placed: list[tuple[int, bytes]], rules: Rules) -> Space:
    """Return files at their addresses; without DARI-VOL-020 what is missing is zeros."""
    placed.sort(key=lambda one: one[0])
    if rules.follows("DARI-VOL-020"):
        return Space(placed)
    filled, end = [], 0
    for start, data in placed:
        filled.append((end, bytes(max(0, start - end))))
        filled.append((start, data))
        end = start + len(data)
    return Space(filled)
