"""What is compared with the walk: places of parts, map and verdict (chapters 30, 80 and 85)."""

from __future__ import annotations

import hashlib

from darimage.plain.assemble import (
    ACLS_FRONT,
    ACLS_TRAILING,
    DIRECTORY,
    LOST,
    OFFSET_MAP,
    STREAMS,
    Bitmap,
    Inode,
    Section,
    existing_inodes,
    is_section,
)
from darimage.plain.faults import NOTE, RECORD
from darimage.plain.groups import OPEN
from darimage.plain.records import TS_BITS, TS_CLRI, TS_INODE
from darimage.plain.walk import Walk
from darimage.schema.codecs import layout

UNVERIFIED, GOOD, BAD = 0, 1, 2
"""Verdicts (DARI-END-003)."""

_PLACES = {
    "stream_directories": STREAMS,
    "nt_acls_front": ACLS_FRONT,
    "offset_map": OFFSET_MAP,
    "nt_acls_trailing": ACLS_TRAILING,
}


def check_short_cuts(walk: Walk, found: dict[int, Section], inodes: dict[int, Inode]) -> None:
    """Report short cuts that do not lead where the walk came."""
    _check_order(walk)
    if not walk.given.is_image:
        return
    are_right = _check_places(walk, found)
    _check_total(walk, are_right=are_right)
    _check_map(walk, found.get(OFFSET_MAP), inodes, existing_inodes(walk))
    _check_verdict(walk)


def _check_total(walk: Walk, *, are_right: bool) -> None:
    """Compare ``total_records`` with where the end lies (DARI-VOL-007, DARI-VOL-011)."""
    given, total = walk.given, int(walk.given.body.total_records) if walk.given.body else 0
    if not walk.ends or not total or walk.reached == total or given.space.gaps:
        return
    # Where all parts lie in their places, records of the end are missing.
    is_cut = are_right and walk.reached < total and given.space.size < total * RECORD
    is_cut = is_cut and given.rules.follows("DARI-VOL-011")
    given.faults.report("image-cut" if is_cut else "total-records", given.first.at)


def _check_places(walk: Walk, found: dict[int, Section]) -> bool:
    """Compare the record numbers in the volume body with what lies there (DARI-VOL-008)."""
    body, given = walk.given.body, walk.given
    if body is None:
        return True
    wrong = False
    for name, which in _PLACES.items():
        place = int(body[name])
        section = found.get(which)
        here = section.head.number if section else 0
        is_there = given.own(place * RECORD) is not None
        wrong |= place != here and (here > 0 or place == 0 or is_there)
    files = _first_file(walk)
    wrong |= files is not None and int(body.files) != files
    if wrong and given.rules.follows("DARI-VOL-008"):
        given.faults.report("part-place", given.first.at)
    return not wrong


def _first_file(walk: Walk) -> int | None:
    """Return where the first file is or would be: behind the map; ``None`` if nobody knows."""
    front = [group for group in walk.groups if is_section(group.head)]
    front = [group for group in front if group.head.body.section == OFFSET_MAP]
    if not front or front[-1].known == OPEN:
        return None
    number = front[-1].number + 1 + sum(piece.length for piece in front[-1].pieces)
    later = [head.number for head in walk.heads if head.number >= number]
    # A continuation header may lie in the map or directly behind it.
    return min(later, default=None)


def _check_map(
    walk: Walk, section: Section | None, inodes: dict[int, Inode], existing: Bitmap | None
) -> None:
    """Compare the offset map with the places of the files (DARI-OFF-005, DARI-OFF-007)."""
    faults = walk.given.faults
    if section is None or not section.usable or not section.data.is_whole:
        if section is not None or not walk.is_cut or walk.given.space.lacks_end:
            faults.report("map-damaged", section.head.at if section else None)
        return
    places = {
        number: min(group.number for group in inode.groups) * RECORD
        for number, inode in inodes.items()
        if inode.kind != DIRECTORY and inode.state < LOST
    }
    size = section.data.size
    known = [number for number in places if existing is None or number in existing]
    fits = size % 8 == 0 and size >= 8 * (max(known, default=0) + 1)
    wanted = {bytes(head.body.offset_map_sha256) for head in walk.ends if head.body is not None}
    payload = hashlib.sha256()
    done = 0
    for offset, block in section.data.present():
        payload.update(bytes(offset - done) + block)
        done = offset + len(block)
    payload.update(bytes(section.data.size - done))
    if not fits or (wanted and wanted != {payload.digest()}):
        faults.report("map-damaged", section.head.at)
        return
    element = layout("offset_map/element", walk.given.order)
    size = element.sizeof()
    for offset, block in section.data.present():
        for at in range(0, len(block) - len(block) % size, size):
            place = int(element.parse(block[at : at + size]).offset)
            number = (offset + at) // size
            here = places.pop(number, 0)
            is_lost = number in inodes and inodes[number].state == LOST
            if place != here and not is_lost:
                faults.report("map-element", section.head.at, number)
    for number in places:
        faults.report("map-element", section.head.at, number)


def _check_verdict(walk: Walk) -> None:
    """Look at the verdict (DARI-END-006)."""
    bodies = [head.body for head in walk.ends if head.body is not None]
    if not bodies:
        return
    body = bodies[-1]
    at = walk.ends[-1].at
    if body.verdict == UNVERIFIED:
        walk.given.faults.report("verdict", at, severity=NOTE)
    elif body.verdict != GOOD or body.mismatches:
        walk.given.faults.report("verdict", at)


def _check_order(walk: Walk) -> None:
    """Look whether the parts follow one another as they must (DARI-REC-002, DARI-SCT-002)."""
    last, last_section = (0, 0), 0
    for group in walk.groups if walk.given.is_image else ():
        head = group.head
        if head.c_type not in (TS_CLRI, TS_BITS, TS_INODE) or head.is_attributes:
            continue
        if head.c_type == TS_INODE and is_section(head):
            part = _PARTS.get(int(head.body.section), 0)
            if part and part < max(last_section, last[0]):
                walk.given.faults.report("section", head.at)
            last_section = max(last_section, part)
            continue
        if head.c_type != TS_INODE:
            place = (2 if head.c_type == TS_CLRI else 3, 0)
        else:
            # The root comes first, whatever its number.
            place = (4 if head.kind == DIRECTORY else 8, head.inode)
        if place[0] == 8 and last_section == 9:
            walk.given.faults.report("section", head.at)
            last_section = 10  # once
        if place < last and (head.inode or place[0] < 4):
            walk.given.faults.report("part-order", head.at)
        last = max(last, place)


_PARTS = {STREAMS: 5, ACLS_FRONT: 6, OFFSET_MAP: 7, ACLS_TRAILING: 9}
