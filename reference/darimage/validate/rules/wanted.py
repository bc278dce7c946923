"""What the fields of headers have to be, as columns: asked by rules, or of what breaks them."""

from __future__ import annotations

from typing import Any

import numpy as np

from darimage.schema import CType, DrFlag, ExtAttributes, InodeFlag, Kind
from darimage.sections.header import CHECKSUM, sums
from darimage.validate.contexts.headers import Seen
from darimage.validate.rules.rule import Fields, Wanted

LOW = 0xFFFFFFFF
_NS = 1_000_000_000
_NLINK_MAX = 32767

_KINDS = np.full(max(CType) + 1, int(Kind.INODE))
_KINDS[[CType.TS_TAPE, CType.TS_END]] = [Kind.VOLUME, Kind.END]
_KINDS[[CType.TS_CLRI, CType.TS_BITS]] = Kind.BITMAP


def number(seen: Seen) -> Any:
    """Record numbers."""
    return seen.cut.physical(seen.batch.record) & LOW


def checksum(seen: Seen) -> Any:
    """``c_checksum`` by all other words."""
    others = sums(seen.batch.rows, seen.batch.order) - seen.h["c_checksum"]
    return np.uint32(CHECKSUM) - others.astype(np.uint32)


def as_first(name: str) -> tuple[str, Wanted]:
    """Return a field that is like that of the first header."""
    return name, lambda seen: seen.first[name]


def count(seen: Seen) -> Any:
    """``c_count`` where the type alone gives it."""
    kinds = seen.batch.c_type
    return np.select([kinds == CType.TS_TAPE, kinds == CType.TS_END], [1, 0], seen.batch.count)


def flags(seen: Seen) -> Any:
    """``c_flags`` by the types."""
    known = np.where(seen.is_data, int(DrFlag.DR_EXTATTRIBUTES), 0)
    tape = np.where(seen.batch.c_type == CType.TS_TAPE, int(DrFlag.DR_NEWHEADER), 0)
    return seen.batch.flags & known | tape | int(DrFlag.DR_NEWINODEFMT)


def volume_start(seen: Seen) -> Any:
    """First records of the volumes."""
    return (seen.volume - 1) * seen.cut.capacity & LOW


def kind(seen: Seen) -> Any:
    """Kinds of extension areas by the types."""
    found = _KINDS[np.clip(seen.batch.c_type, 0, len(_KINDS) - 1)]
    found[seen.is_section] = int(Kind.SECTION)
    return found


def known_flags(seen: Seen) -> Any:
    """Those flags of extension areas that are defined."""
    known = sum(int(flag) for flag in InodeFlag)
    return seen.extension["flags"] & np.where(seen.is_inode, known, 0)


INODE_RESERVED: Fields = (
    *((f"c_dinode.{name}", 0) for name in ("di_ib", "di_spare", "di_blocks", "di_gen")),
    ("c_dinode.di_mode", lambda seen: seen.batch.mode * seen.is_data),
    ("c_dinode.di_db", "zeros behind the first"),
)

RESERVED: Fields = (
    ("extension.body.reserved", 0),
    ("extension.body.reserved_1", 0),
    ("extension.body.reserved_2", 0),
)


def level(seen: Seen) -> Any:
    """Zero in full images."""
    return np.where(seen.first["c_ddate"] == 0, 0, seen.h["c_level"])


def padded(name: str) -> tuple[str, Wanted]:
    """Return a text with all behind its end zero."""

    def wanted(seen: Seen) -> Any:
        text = seen.h[name].copy()
        text[:, -1] = 0
        return text * np.logical_and.accumulate(text != 0, axis=1)

    return name, wanted


def cut_links(seen: Seen) -> Any:
    """``nlink``, as far as the old field can hold it."""
    return np.minimum(seen.body["nlink"], _NLINK_MAX)


def low_half(name: str) -> tuple[str, Wanted]:
    """Return an old field that is the low half of an owner."""
    true = name.replace("di_o", "di_")
    return f"c_dinode.{name}", lambda seen: seen.dinode[true] & 0xFFFF


def _seconds(name: str) -> Wanted:
    return lambda seen: seen.body[f"{name}_ns"].astype(np.int64) // _NS & LOW


def _microseconds(name: str) -> Wanted:
    return lambda seen: seen.body[f"{name}_ns"].astype(np.int64) % _NS // 1000


_TIMES = ("atime", "mtime", "ctime")
OLD_TIMES: Fields = (
    *((f"c_dinode.di_{name}.tv_sec", _seconds(name)) for name in _TIMES),
    *((f"c_dinode.di_{name}.tv_usec", _microseconds(name)) for name in _TIMES),
)


def _payload_size(seen: Seen) -> Any:
    return seen.batch.headers("section_body")["extension"]["body"]["payload_size"]


OF_A_SECTION: Fields = (
    ("c_dinode.di_mode", 0o100600),
    *((f"c_dinode.{name}", 0) for name in ("di_nlink", "di_uid", "di_gid")),
    ("c_dinode.di_size", _payload_size),
)

NOT_OF_A_SECTION: Fields = (
    *((f"c_dinode.{name}", 0) for name in ("di_ouid", "di_ogid", "di_flags")),
    *((path, 0) for path, _ in OLD_TIMES),
)


def attributes(seen: Seen) -> Any:
    """``c_extattributes`` by the flags."""
    return np.where(seen.is_attributes, int(ExtAttributes.EXT_XATTR), 0)


OF_ATTRIBUTES: Fields = (
    ("c_type", CType.TS_INODE),
    ("extension.flags", 0),
    ("extension.body.first_block", 0),
    ("c_addr", None),
)
