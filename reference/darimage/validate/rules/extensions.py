"""What the extension area of headers must be, and what is reserved (chapters 10 and 25)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from darimage.schema import CType
from darimage.sections.header import EXTENSION_MAGIC, EXTENSION_VERSION
from darimage.validate.contexts.headers import Seen
from darimage.validate.rules import wanted
from darimage.validate.rules.rule import Scope, over_columns

headers = partial(over_columns, Scope.HEADERS)


@headers(
    "DARI-EXT-001",
    "extension.magic",
    "there is no extension area",
    ("extension.magic", EXTENSION_MAGIC),
)
def _marked(seen: Seen) -> Any:
    return (seen.extension["magic"] != np.frombuffer(EXTENSION_MAGIC, np.uint8)).any(axis=1)


@headers(
    "DARI-EXT-003",
    "extension.kind",
    "the kind of the extension area does not fit c_type",
    ("extension.kind", wanted.kind),
)
def _kind(seen: Seen) -> Any:
    return seen.extension["kind"] != wanted.kind(seen)


@headers(
    "DARI-EXT-004",
    "extension.version",
    "the version of the extension area is not 1",
    ("extension.version", EXTENSION_VERSION),
)
def _version(seen: Seen) -> Any:
    return seen.extension["version"] != EXTENSION_VERSION


@headers(
    "DARI-EXT-005",
    "extension.flags",
    "undefined flags of the extension area are set",
    ("extension.flags", wanted.known_flags),
)
def _undefined(seen: Seen) -> Any:
    return seen.extension["flags"] != wanted.known_flags(seen)


@headers(
    "DARI-CNV-004",
    "extension.inode-reserved",
    "reserved bytes of the inode are not zero",
    *wanted.INODE_RESERVED,
)
def _inode_reserved(seen: Seen) -> Any:
    old = seen.dinode
    broken = old["di_db"][:, 1:].any(axis=1) | old["di_ib"].any(axis=1)
    broken |= old["di_spare"].any(axis=1)
    broken |= (old["di_blocks"] != 0) | (old["di_gen"] != 0)
    return broken | (~seen.is_data & old["di_mode"].astype(bool))


@headers(
    "DARI-CNV-004",
    "extension.reserved",
    "reserved bytes of the extension area are not zero",
    *wanted.RESERVED,
)
def _extension_reserved(seen: Seen) -> Any:
    broken = np.zeros(len(seen.batch), np.bool_)
    bodies = (
        (seen.is_section, "section_body", ("reserved_1", "reserved_2")),
        (seen.is_map, "bitmap_body", ("reserved",)),
        (seen.batch.c_type == CType.TS_END, "end_body", ("reserved",)),
    )
    for here, name, fields in bodies:
        at = np.flatnonzero(here)
        if at.size:
            body = seen.batch.part(at).headers(name)["extension"]["body"]
            for field in fields:
                values = body[field].reshape(len(at), -1)
                broken[at] |= values.any(axis=1)
    return broken
