"""Makes checksums of payloads and headers right again in an image that was changed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

import numpy as np

from darimage.conformance.frame import Frame, Head
from darimage.schema import CType, InodeFlag
from darimage.sections.crc import crc32c
from darimage.units import RECORD, S_IFMT

KINDS = ("header", "bitmap", "directory", "section", "map")
"""What can be sealed: checksums of headers, CRCs of payloads, the hash of the offset map."""

_DIRECTORY = 0o040000
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
        _payload(frame, run, kinds, left)
        if "map" in kinds and _is_map(frame, run):
            touched |= _hash(frame, run, left)
    if "header" in kinds:
        frame.seal(sorted(record for record in touched if (record, "c_checksum") not in left))


def _payload(
    frame: Frame, run: list[Head], kinds: Collection[str], left: Collection[tuple[int, str]]
) -> None:
    """Seal the payload of a run, if it has a checksum."""
    if not frame.is_dari:
        return
    found = _sealed_field(frame, run[0])
    if found is None or found[0] not in kinds or found[2] > _MOST:
        return
    _, name, size = found
    value = crc32c(frame.payload(run, size))
    for head in run:
        if (head.record, f"extension.body.{name}") not in left:
            frame.header(head)["extension"]["body"][name] = value


def _sealed_field(frame: Frame, head: Head) -> tuple[str, str, int] | None:
    """Return kind of seal, field and bytes it is of."""
    header = frame.header(head)
    if head.body == "bitmap_body":
        return "bitmap", "map_crc32c", head.following * RECORD
    if head.body == "section_body":
        return "section", "payload_crc32c", int(header["extension"]["body"]["payload_size"][0])
    if head.body != "inode_body" or head.c_type != CType.TS_INODE or head.attributes:
        return None
    is_directory = int(header["c_dinode"]["di_mode"][0]) & S_IFMT == _DIRECTORY
    if is_directory and header["extension"]["flags"][0] & InodeFlag.INODE_DATA_CRC:
        return "directory", "data_crc32c", int(header["c_dinode"]["di_size"][0])
    return None


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
