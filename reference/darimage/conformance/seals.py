"""Makes checksums of payloads and headers right again in an image that was changed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

import numpy as np

from darimage.conformance.frame import Frame, Head
from darimage.schema import CType
from darimage.sections.crc import crc32c
from darimage.units import RECORD

KINDS = ("header", "records", "map")
"""What can be sealed: headers' own CRCs and sums, CRCs of records, the hash of the offset map."""

_MOST = 1 << 26
"""Bytes of a payload up to which it is sealed: a lying size stays what it is."""


def reseal(
    frame: Frame,
    runs: Iterable[list[Head]],
    kinds: Collection[str] = KINDS,
    left: Collection[tuple[int, str]] = (),
) -> None:
    """Seal what some runs hold, then the headers that this changed.

    Args:
        frame: The image.
        runs: Runs with headers or records that were changed.
        kinds: What is sealed.
        left: Records and fields that keep what they say.
    """
    touched: set[int] = set()
    for run in runs:
        touched |= {head.record for head in run}
        if "records" in kinds:
            _records(frame, run, left)
        if "map" in kinds and _is_map(frame, run):
            touched |= _hash(frame, run, left)
    if "header" in kinds:
        frame.seal(sorted(touched), left)


def _records(frame: Frame, run: list[Head], left: Collection[tuple[int, str]]) -> None:
    """Give the headers of a run the CRCs of the records under them (DARI-REC-029)."""
    for head in run:
        if frame.is_dari and (head.record, "extension.records_crc32c") not in left:
            under = frame.behind(head) if head.following <= _MOST // RECORD else frame.rows[:0]
            frame.header(head)["extension"]["records_crc32c"] = crc32c(under.tobytes())


def _is_map(frame: Frame, run: list[Head]) -> bool:
    return run[0].body == "section_body" and run[0].record == frame.map_record


def _hash(frame: Frame, run: list[Head], left: Collection[tuple[int, str]]) -> set[int]:
    """Write the hash of the offset map into the end records; return theirs."""
    size = int(frame.header(run[0])["extension"]["body"]["payload_size"][0])
    if size > _MOST:
        return set()
    digest = np.frombuffer(hashlib.sha256(frame.payload(run, size)).digest(), np.uint8)
    name = "offset_map_sha256"
    ends = [head for head in frame.heads.values() if head.c_type == CType.TS_END]
    changed = [head for head in ends if (head.record, f"extension.body.{name}") not in left]
    for head in changed:
        frame.header(head)["extension"]["body"][name] = digest
    return {head.record for head in changed}
