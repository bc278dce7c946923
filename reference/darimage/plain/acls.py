"""NT ACLs: which inode has which descriptor (chapter 75)."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from construct import ConstructError

from darimage.plain.assemble import ACLS_FRONT, ACLS_TRAILING, Inode, Section
from darimage.plain.descriptors import broken
from darimage.plain.walk import Walk
from darimage.schema.codecs import layout

ORIGIN_MAX = 65_536

NT_ACLS = 0x1
"""The compatible feature."""


class Table(NamedTuple):
    """A payload whose counts and spans fit.

    Attributes:
        rows: Inode, number of the descriptor, number of the origin.
        descriptors: The descriptors.
        origins: The origins.
    """

    rows: list[tuple[int, int, int]]
    descriptors: list[bytes]
    origins: list[bytes]


def descriptors(
    walk: Walk, found: dict[int, Section], inodes: dict[int, Inode]
) -> dict[int, bytes]:
    """Return the descriptor of each inode that has one."""
    given, faults = walk.given, walk.given.faults
    front, trailing = found.get(ACLS_FRONT), found.get(ACLS_TRAILING)
    has_feature = given.body is not None and given.body.feature_compat & NT_ACLS
    if front is None and trailing is None and not has_feature:
        return {}
    tables = [_table(walk, section) for section in (front, trailing)]
    usable = [table for table in tables if table is not None]
    if not usable:
        if walk.ends or front or trailing:
            faults.report("acls")
        return {}
    for name, section, table in zip(
        ("acls-front", "acls-trailing"), (front, trailing), tables, strict=True
    ):
        if table is None and section is not None and section.usable:
            faults.report(name, section.head.at)
    if len(usable) == 2 and usable[0] != usable[1] and given.rules.follows("DARI-ACL-015"):
        faults.report("acls-differ")
    return _chosen(walk, usable[0], inodes)


def _chosen(walk: Walk, table: Table, inodes: dict[int, Inode]) -> dict[int, bytes]:
    """Return the descriptors of a table's rows that may be used."""
    faults, rules = walk.given.faults, walk.given.rules
    made: dict[int, bytes] = {}
    last = 0
    for inode, number, origin in table.rows:
        known = inodes.get(inode)
        is_here = known is not None and known.head is not None
        if not is_here or number >= len(table.descriptors) or inode in made:
            faults.report("acl-row", None, inode)
            continue
        if inode < last:
            faults.report("acl-order")
        last = inode
        origins = table.origins
        fits = origin <= len(origins) and (not origin or len(origins[origin - 1]) <= ORIGIN_MAX)
        if not rules.keeps("DARI-ACL-008", fits):
            faults.report("acl-origin", None, inode)
        data = table.descriptors[number]
        if broken(data, walk.given.order, rules):
            faults.report("descriptor", None, inode)
            continue
        made[inode] = data
    return made


def _table(walk: Walk, section: Section | None) -> Table | None:
    """Return a copy's rows and descriptors; ``None`` if it cannot be used (DARI-ACL-015)."""
    rules = walk.given.rules
    if section is None or not section.usable:
        return None
    if not rules.keeps("DARI-ACL-015", section.data.is_whole):
        return None
    payload, order = section.data.bytes(), walk.given.order
    head_layout, row = layout("nt_acls/head", order), layout("nt_acls/row", order)
    span = layout("nt_acls/span", order)
    try:
        head = head_layout.parse(payload)
        heap_at = head_layout.sizeof() + head.rows * row.sizeof()
        heap_at += (head.descriptors + head.origins) * span.sizeof()
        # Counts are compared with the payload before they are used (DARI-ACL-005).
        if not rules.keeps("DARI-ACL-005", heap_at + head.heap_size == len(payload)):
            return None
        found = layout("nt_acls", order).parse(payload)
    except ConstructError:
        return None
    spans = [(one.offset, one.size) for one in (*found.index, *found.origin_index)]
    inside = all(offset + size <= head.heap_size for offset, size in spans)
    if not rules.keeps("DARI-ACL-005", inside):
        return None
    ordered = sorted((offset, offset + size) for offset, size in spans if size)
    apart = all(one[1] <= other[0] for one, other in pairwise(ordered))
    if not rules.keeps("DARI-ACL-013", apart):
        return None
    parts = [bytes(found.heap[offset : offset + size]) for offset, size in spans]
    rows = [(one.inode, one.descriptor, one.origin) for one in found.table]
    return Table(rows, parts[: head.descriptors], parts[head.descriptors :])
