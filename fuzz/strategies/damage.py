"""Damage to images: records flipped, cut off, doubled, swapped, taken out, blanked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from darimage.conformance import frame

RECORD = 1024
MAGIC = {"le": (60012).to_bytes(4, "little"), "be": (60012).to_bytes(4, "big")}
CHECKSUM = 84446


class Damage(NamedTuple):
    """One way to damage an image.

    Attributes:
        kind: ``flip``, ``seal`` (flip, then put the checksum right), ``cut``, ``double``, ``swap``,
            ``drop`` or ``blank``.
        at: Record it happens to, modulo the image's records.
        other: A second record, or the byte of a flip.
        value: What the byte is XORed with.
    """

    kind: str
    at: int
    other: int
    value: int


damages = st.lists(
    st.builds(
        Damage,
        st.sampled_from([*["flip"] * 2, *["seal"] * 3, "cut", "double", "swap", "drop", "blank"]),
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**16 - 1),
        st.sampled_from([1, 2, 4, 0x80, 0xFF, 0x40, 3]),
    ),
    min_size=1,
    max_size=3,
)


def is_header(record: bytes) -> bool:
    """Tell whether a record is a header, by magic and checksum."""
    for order, magic in MAGIC.items():
        words = np.frombuffer(record, "<u4" if order == "le" else ">u4")
        if record[24:28] == magic and int(words.sum(dtype=np.uint32)) == CHECKSUM:
            return True
    return False


def damage(image: bytes, what: list[Damage]) -> bytes:
    """Return a damaged copy of an image."""
    records = [image[at : at + RECORD] for at in range(0, len(image), RECORD)]
    for one in what:
        if records:
            _apply(records, one)
    return b"".join(records)


def _apply(records: list[bytes], one: Damage) -> None:
    at, other = one.at % len(records), one.other % len(records)
    match one.kind:
        case "flip":
            records[at] = _flipped(records[at], one.other, one.value)
        case "seal":
            records[at] = _sealed(records[at], one.other, one.value)
        case "cut":
            del records[at:]
            if one.value & 1 and records:
                records[-1] = records[-1][: one.other % RECORD]
        case "double":
            records.insert(other, records[at])
        case "swap":
            records[at], records[other] = records[other], records[at]
        case "drop":
            del records[at]
        case "blank":
            records[at] = bytes(len(records[at]))


def _flipped(record: bytes, at: int, value: int) -> bytes:
    changed = bytearray(record)
    if changed:
        changed[at % len(changed)] ^= value
    return bytes(changed)


def _sealed(record: bytes, at: int, value: int) -> bytes:
    """Flip a byte of a header and put its checksum right; other records are only flipped."""
    changed = _flipped(record, at, value)
    return sealed(changed) if len(record) == RECORD and is_header(record) else changed


def sealed(header: bytes) -> bytes:
    """Return a header with its checksum made right, in the byte order that its magic had."""
    order = "be" if header[24:28] == MAGIC["be"] else "le"
    return frame.sealed(
        np.frombuffer(bytearray(header), np.uint8).reshape(1, RECORD), order
    ).tobytes()


def judges_contents(image: bytes, what: list[Damage]) -> bool:
    """Tell whether a reader can notice this damage: headers have checksums, file data has none."""
    records = [image[at : at + RECORD] for at in range(0, len(image), RECORD)]
    for one in what:
        at, other = one.at % len(records), one.other % len(records)
        touched = [at, other] if one.kind == "swap" else [at]
        if one.kind == "seal" or not all(is_header(records[t]) for t in touched):
            return False
    return len(what) == 1
