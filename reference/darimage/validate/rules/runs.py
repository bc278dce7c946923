"""What the headers of one run must be together (chapters 50 to 70)."""

from __future__ import annotations

import stat
from functools import partial
from typing import Any

import numpy as np

from darimage.faults import FaultyField
from darimage.image import blame
from darimage.schema import header_dtype
from darimage.sections.header import field_span
from darimage.units import ADDRESSES, RECORD, S_IFMT
from darimage.validate.contexts.runs import Bools, Ended, InRuns, Ints, clipped, run_records
from darimage.validate.rules.rule import Scope, over_columns

in_runs = partial(over_columns, Scope.RUNS)
ended = partial(over_columns, Scope.ENDED)

_ADDR, _ = field_span("c_addr")
_FIRST_BLOCK, _RUN_RECORDS = "extension.body.first_block", "extension.body.run_records"


def _repeated(body: str) -> tuple[str, ...]:
    """Return what all headers of a run say in the extension, and no other rule asks for."""
    own = ("first_block", "run_records", "reserved_1", "reserved_2")
    names = header_dtype("le", body)["extension"]["body"].names or ()
    return tuple(f"extension.body.{name}" for name in names if name not in own)


_REPEATED = {body: _repeated(body) for body in ("inode_body", "section_body")}
_BYTES = np.arange(RECORD)
_TARGET_BLOCKS = 4
"""Records of the longest target: PATH_MAX is 4,096."""


def _not_repeated(seen: InRuns, at: int) -> FaultyField | None:
    pair = (seen.batch.rows[at], seen.leads.rows[seen.lead[at]])
    field = blame.first_difference(*pair, seen.batch.order, ("c_inumber", "c_dinode"))
    return field or blame.wrong(pair[0], seen.batch.order, [("c_type", None)])


@in_runs(
    "DARI-FIL-005",
    "run.inode",
    "does not repeat the inode of its TS_INODE",
    plain=True,
    blamed=_not_repeated,
)
def _inode(seen: InRuns) -> Any:
    return ~seen.same & ~seen.behind_a_map


@in_runs(
    "DARI-BMP-004",
    "run.behind-a-map",
    "a bitmap has no further header",
    ("c_type", None),
    plain=True,
)
def _behind_a_map(seen: InRuns) -> Any:
    return seen.behind_a_map


def _not_repeated_body(seen: InRuns, at: int) -> FaultyField | None:
    pair = (seen.batch.rows[at], seen.leads.rows[seen.lead[at]])
    body = "section_body" if seen.is_section[at] else "inode_body"
    return blame.first_difference(*pair, seen.batch.order, _REPEATED[body])


@in_runs(
    "DARI-FIL-005",
    "run.extension",
    "does not repeat what the extension of its TS_INODE says of the inode",
    blamed=_not_repeated_body,
)
def _extension(seen: InRuns) -> Any:
    return _differs(seen, "inode_body", ~seen.is_section)


@in_runs(
    "DARI-FIL-005",
    "run.section",
    "does not repeat what the first header says of the section",
    blamed=_not_repeated_body,
)
def _section(seen: InRuns) -> Any:
    return _differs(seen, "section_body", seen.is_section)


def _differs(seen: InRuns, body: str, these: Bools) -> Bools:
    """Return which of some headers differ in their extension from the first of their run."""
    broken = np.zeros(len(seen.batch), np.bool_)
    later = np.flatnonzero((seen.number > 0) & seen.same & these)
    if later.size:
        pair = seen.batch.rows[later], seen.leads.rows[seen.lead[later]]
        for path in _REPEATED[body]:
            start, end = field_span(path, body)
            broken[later] |= (pair[0][:, start:end] != pair[1][:, start:end]).any(axis=1)
    return broken


def _wanted_count(seen: InRuns) -> Ints:
    wanted: Ints = np.clip(-(-seen.size // RECORD) - seen.number * ADDRESSES, 0, ADDRESSES)
    return wanted


@in_runs(
    "DARI-FIL-002", "run.count", "c_count is not what the size asks for", ("c_count", _wanted_count)
)
def _count(seen: InRuns) -> Any:
    return seen.same & (seen.batch.count != _wanted_count(seen))


@in_runs(
    "DARI-FIL-007",
    "run.first-block",
    "first_block is not 512 x the headers before",
    (_FIRST_BLOCK, lambda seen: seen.number * ADDRESSES),
)
def _first_block(seen: InRuns) -> Any:
    body = seen.batch.headers()["extension"]["body"]
    section = seen.batch.headers("section_body")["extension"]["body"]
    said = np.where(seen.is_section, section["first_block"], body["first_block"])
    return clipped(said) != seen.number * ADDRESSES


@in_runs(
    "DARI-FIL-006",
    "run.run-records-repeated",
    "run_records differs from the first header's",
    (_RUN_RECORDS, lambda seen: seen.said),
)
def _run_records_repeated(seen: InRuns) -> Any:
    return clipped(run_records(seen.batch)) != seen.said


@in_runs(
    "DARI-FIL-020",
    "run.end-is-hole-elsewhere",
    "inode_end_is_hole is set in a header that does not describe the last block",
    ("extension.flags", None),
)
def _end_is_hole_elsewhere(seen: InRuns) -> Any:
    return seen.end_is_hole & ~(seen.has_last_block & seen.is_file)


@in_runs(
    "DARI-FIL-019",
    "run.last-block",
    "the last block of a file is a hole",
    ("c_addr", None),
)
def _last_block(seen: InRuns) -> Any:
    broken = seen.has_last_block & seen.is_file
    at = np.flatnonzero(broken)
    broken[at] = seen.batch.rows[at, _ADDR + seen.last_block[at]] != 1
    return broken


@in_runs("DARI-FIL-004", "run.tail", "the last record is not filled with zeros")
def _tail(seen: InRuns) -> Any:
    broken = np.zeros(len(seen.batch), np.bool_)
    for at, _, beyond in seen.tails:
        broken[at] = beyond & (seen.size[at] % RECORD != 0)
    return broken


@in_runs(
    "DARI-FIL-020",
    "run.end-is-hole-content",
    "inode_end_is_hole is set, the last block is not zero",
    ("extension.flags", None),
)
def _end_is_hole_content(seen: InRuns) -> Any:
    broken = np.zeros(len(seen.batch), np.bool_)
    for at, rows, _ in seen.tails if seen.end_is_hole.any() else ():
        broken[at] = rows.any(axis=1) & seen.end_is_hole[at]
    return broken


@in_runs("DARI-FIL-008", "run.target", "the target of a symbolic link holds NUL")
def _target(seen: InRuns) -> Any:
    part, broken = seen.batch, np.zeros(len(seen.batch), np.bool_)
    whole = (seen.number == 0) & (seen.size <= part.following * RECORD)
    links = np.flatnonzero((part.mode & S_IFMT == stat.S_IFLNK) & whole & ~seen.is_section)
    for block in range(_TARGET_BLOCKS):
        at = links[(part.following[links] > block) & (seen.size[links] > block * RECORD)]
        for chosen, rows in seen.records(at, part.record[at] + 1 + block):
            used = (seen.size[chosen] - block * RECORD)[:, None] > _BYTES
            broken[chosen] |= (used & (rows == 0)).any(axis=1)
    return broken


@ended(
    "DARI-FIL-002",
    "run.headers",
    "the run has not the headers that the size asks for",
    ("c_dinode.di_size", None),
)
def _headers(seen: Ended) -> Any:
    return seen.headers != seen.wanted


@ended(
    "DARI-FIL-006",
    "run.records",
    "the run has not run_records records",
    (_RUN_RECORDS, lambda seen: seen.records),
)
def _records(seen: Ended) -> Any:
    return seen.records != seen.said
