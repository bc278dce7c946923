"""What the part of headers that all dumps have must be (chapter 20)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from darimage.faults import FaultyField
from darimage.image import blame
from darimage.schema import CType
from darimage.sections.header import CHECKSUM, field_span, sums
from darimage.units import ADDRESSES
from darimage.validate.contexts.bytes import used_from
from darimage.validate.contexts.headers import FILES, Seen
from darimage.validate.rules import wanted
from darimage.validate.rules.rule import Scope, over_columns
from darimage.validate.rules.wanted import LOW

headers = partial(over_columns, Scope.HEADERS)

_BODY, _ = field_span("extension.body")
_NOT_CODED = np.uint64(0xFEFEFEFEFEFEFEFE)
_LEVEL_MAX = 9


@headers(
    "DARI-REC-006", "header.tapea", "c_tapea is not the record number", ("c_tapea", wanted.number)
)
def _numbered(seen: Seen) -> Any:
    return seen.shifts != 0


@headers(
    "DARI-REC-004",
    "header.sum",
    "c_checksum does not fit; the CRC-32C of the header does",
    ("c_checksum", wanted.checksum),
)
def _sum(seen: Seen) -> Any:
    return sums(seen.batch.rows, seen.batch.order) != CHECKSUM


@headers(
    "DARI-REC-008",
    "header.ddate",
    "c_ddate differs from the first header's",
    wanted.as_first("c_ddate"),
)
def _base_date(seen: Seen) -> Any:
    return seen.h["c_ddate"] != seen.first["c_ddate"]


@headers(
    "DARI-REC-009",
    "header.volume",
    "c_volume is not the volume it lies on",
    ("c_volume", lambda seen: seen.volume),
)
def _volume(seen: Seen) -> Any:
    return seen.h["c_volume"] != seen.volume


@headers(
    "DARI-REC-010",
    "header.inumber",
    "c_inumber does not fit c_type",
    ("c_inumber", lambda seen: seen.batch.inode * seen.is_data),
)
def _inode_number(seen: Seen) -> Any:
    return (seen.batch.inode != 0) != seen.is_data


@headers("DARI-REC-011", "header.count", "c_count does not fit c_type", ("c_count", wanted.count))
def _count(seen: Seen) -> Any:
    count, kinds = seen.batch.count, seen.batch.c_type
    broken = seen.is_data & ((count < 0) | (count > ADDRESSES))
    broken |= (kinds == CType.TS_TAPE) & (count != 1)
    return broken | ((kinds == CType.TS_END) & (count != 0)) | (seen.is_map & (count < 1))


@headers(
    "DARI-REC-012",
    "header.addr-unused",
    "c_addr has entries that are not in use",
    ("c_addr", None),
)
def _addresses(seen: Seen) -> Any:
    return used_from(seen.entries, seen.used)


@headers(
    "DARI-REC-017",
    "header.addr-values",
    "c_addr has entries other than 0 and 1",
    ("c_addr", "0 and 1"),
)
def _no_coding(seen: Seen) -> Any:
    return (seen.entries.view(np.uint64) & _NOT_CODED).any(axis=1)


@headers("DARI-REC-013", "header.flags", "c_flags does not fit c_type", ("c_flags", wanted.flags))
def _flags(seen: Seen) -> Any:
    return seen.batch.flags != wanted.flags(seen)


@headers(
    "DARI-REC-014",
    "header.ntrec",
    "c_ntrec is out of range or differs from the first header's",
    wanted.as_first("c_ntrec"),
)
def _blocking(seen: Seen) -> Any:
    ntrec = seen.h["c_ntrec"]
    return (ntrec != seen.first["c_ntrec"]) | (ntrec < 1) | (ntrec > 1024)


@headers("DARI-REC-015", "header.spare", "bytes 904 to 927 are not zero", ("c_spare", 0))
def _spare(seen: Seen) -> Any:
    return seen.h["c_spare"].any(axis=1)


@headers(
    "DARI-REC-019",
    "header.texts",
    "label, level, filesys, dev or host differ from the first header's",
    *map(wanted.as_first, ("c_label", "c_level", "c_filesys", "c_dev", "c_host")),
)
def _who(seen: Seen) -> Any:
    return seen.text_differs


@headers(
    "DARI-REC-021",
    "header.firstrec",
    "c_firstrec is not the first record of the volume it lies on",
    ("c_firstrec", wanted.volume_start),
)
def _first_record(seen: Seen) -> Any:
    return seen.h["c_firstrec"].astype(np.int64) & LOW != wanted.volume_start(seen)


@headers("DARI-REC-022", "header.level", "c_level does not fit c_ddate", ("c_level", wanted.level))
def _level(seen: Seen) -> Any:
    level = seen.h["c_level"]
    full = seen.first["c_ddate"] == 0
    return np.where(full, level != 0, (level < 1) | (level > _LEVEL_MAX))


@headers(
    "DARI-REC-023",
    "header.padding",
    "a text is not padded with NUL",
    *map(wanted.padded, ("c_label", "c_filesys", "c_dev", "c_host")),
)
def _padding(seen: Seen) -> Any:
    broken = np.zeros(len(seen.batch), np.bool_)
    at = np.flatnonzero(seen.text_differs | (seen.batch.c_type == CType.TS_TAPE))
    for name in ("c_label", "c_filesys", "c_dev", "c_host"):
        text = seen.h[name][at]
        broken[at] |= (text[:, -1] != 0) | ((text[:, :-1] == 0) & (text[:, 1:] != 0)).any(axis=1)
    return broken


def _out_of_order(seen: Seen, at: int) -> FaultyField:
    return blame.field("c_type", seen.batch.c_type[at])


@headers("DARI-REC-002", "header.order", "out of order", plain=True, blamed=_out_of_order)
def _order(seen: Seen) -> Any:
    repeated = (seen.part < FILES) & (seen.part == seen.part_before) & (seen.batch.record > 0)
    return (seen.part < seen.part_before) | repeated


def _differs_from_first_end(seen: Seen, at: int) -> FaultyField | None:
    row, first = seen.batch.rows[at], seen.first_end
    if first is None:
        return None
    return blame.first_difference(row, first, seen.batch.order, ("extension.body",))


@headers(
    "DARI-END-001",
    "end.repeated",
    "differs from the one before",
    blamed=_differs_from_first_end,
)
def _end_repeated(seen: Seen) -> Any:
    broken = seen.batch.c_type == CType.TS_END
    if seen.first_end is not None and broken.any():
        broken[broken] = (seen.batch.rows[broken, _BODY:] != seen.first_end[_BODY:]).any(axis=1)
        return broken
    return np.zeros(len(broken), np.bool_)
