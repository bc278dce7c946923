"""What is compared with the walk: places of parts, map and verdict (chapters 30, 80 and 85)."""

from __future__ import annotations

import hashlib

from darimage.plain.assemble import (
    ACLS_FRONT,
    ACLS_TRAILING,
    DIRECTORY,
    OFFSET_MAP,
    STREAMS,
    Inode,
    Section,
    is_section,
)
from darimage.plain.faults import NOTE, RECORD
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
    _check_places(walk, found)
    _check_map(walk, found.get(OFFSET_MAP), inodes)
    _check_verdict(walk)


def _check_places(walk: Walk, found: dict[int, Section]) -> None:
    """Compare the record numbers in the volume body with the sections (DARI-VOL-008)."""
    body, given = walk.given.body, walk.given
    if body is None:
        return
    for name, which in _PLACES.items():
        place = int(body[name])
        section = found.get(which)
        here = section.head.number if section else 0
        leads_there = place == here or not given.rules.follows("DARI-VOL-008")
        if not leads_there and (place == 0 or given.own(place * RECORD) is not None):
            given.faults.report("part-place", given.first.at)


def _check_map(walk: Walk, section: Section | None, inodes: dict[int, Inode]) -> None:
    """Compare the offset map with the places of the files (DARI-OFF-005, DARI-OFF-007)."""
    faults = walk.given.faults
    if section is None or not section.usable or not section.data.is_whole:
        faults.report("map-damaged", section.head.at if section else None)
        return
    wanted = {bytes(head.body.offset_map_sha256) for head in walk.ends if head.body is not None}
    payload = hashlib.sha256()
    done = 0
    for offset, block in section.data.present():
        payload.update(bytes(offset - done) + block)
        done = offset + len(block)
    payload.update(bytes(section.data.size - done))
    if section.data.size % 8 or (wanted and wanted != {payload.digest()}):
        faults.report("map-damaged", section.head.at)
        return
    element = layout("offset_map/element", walk.given.order)
    places = {number: inode for number, inode in inodes.items() if inode.kind != DIRECTORY}
    size = element.sizeof()
    for offset, block in section.data.present():
        for at in range(0, len(block) - len(block) % size, size):
            place = int(element.parse(block[at : at + size]).offset)
            number = (offset + at) // size
            here = places.pop(number, None)
            expected = here.head.number * RECORD if here and here.head else 0
            is_lost = here is None and walk.given.own(place) is None
            if place != expected and not (place and is_lost):
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
    """Look whether the parts follow one another as they must (DARI-REC-002)."""
    last = (0, 0)
    for group in walk.groups:
        head = group.head
        if head.c_type not in (TS_CLRI, TS_BITS, TS_INODE) or head.is_attributes:
            continue
        if head.c_type != TS_INODE:
            place = (1 if head.c_type == TS_CLRI else 2, 0)
        elif is_section(head):
            which = int(head.body.section)
            place = (6, 0) if which == ACLS_TRAILING else (4, which)
            if which > ACLS_TRAILING:
                continue
        else:
            place = (3 if head.kind == DIRECTORY else 5, head.inode)
        if place < last and walk.given.is_image:
            walk.given.faults.report("part-order", head.at, head.inode or None)
        last = max(last, place)
