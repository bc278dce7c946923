"""What the headers of inodes must be, each by itself (chapters 60 and 72)."""

from __future__ import annotations

import stat
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from darimage.units import RECORD
from darimage.validate.contexts.headers import Seen
from darimage.validate.rules import wanted
from darimage.validate.rules.rule import Scope, over_columns

headers = partial(over_columns, Scope.HEADERS)

_TYPE_SHIFT = 12

_NS = 1_000_000_000


def _types(*types: int) -> npt.NDArray[np.bool_]:
    """Return for each of the sixteen types whether it is one of some."""
    table = np.zeros(16, np.bool_)
    table[[one >> _TYPE_SHIFT for one in types]] = True
    return table


_FLAGGED = _types(stat.S_IFREG, stat.S_IFDIR)
_DEVICES = _types(stat.S_IFCHR, stat.S_IFBLK)
_WITHOUT_DATA = _types(stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK)
_KNOWN = _WITHOUT_DATA | _types(stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)


@headers("DARI-FIL-017", "inode.type", "the type in di_mode is none", ("c_dinode.di_mode", None))
def _type(seen: Seen) -> Any:
    return seen.is_inode & ~_KNOWN[seen.file_type]


@headers(
    "DARI-FIL-016",
    "inode.flags",
    "what is no file or directory has di_flags",
    ("c_dinode.di_flags", 0),
)
def _inode_flags(seen: Seen) -> Any:
    flagged = seen.is_inode & (seen.dinode["di_flags"] != 0)
    return flagged & ~_FLAGGED[seen.file_type]


@headers(
    "DARI-FIL-008",
    "inode.special-without-data",
    "a fifo, socket or device has a size or data",
    ("c_dinode.di_size", 0),
    ("c_addr", 0),
)
def _no_data(seen: Seen) -> Any:
    special = seen.is_inode & ~seen.is_attributes & _WITHOUT_DATA[seen.file_type]
    return special & ((seen.batch.size != 0) | (seen.batch.following != 0))


@headers(
    "DARI-FIL-008",
    "inode.target-size",
    "a symbolic link has no target, or a hole in it",
    ("c_dinode.di_size", "1 to the bytes that follow"),
)
def _no_target(seen: Seen) -> Any:
    link = seen.is_inode & ~seen.is_attributes & (seen.file_type == stat.S_IFLNK >> _TYPE_SHIFT)
    size = seen.batch.size.astype(np.uint64)
    return link & ((size == 0) | (size > seen.batch.following.astype(np.uint64) * RECORD))


@headers(
    "DARI-FIL-009",
    "inode.old-links",
    "di_nlink is not nlink cut at 32,767",
    ("c_dinode.di_nlink", wanted.cut_links),
)
def _links(seen: Seen) -> Any:
    named = seen.is_inode & (seen.body["base_inode"] == 0)
    return named & (seen.dinode["di_nlink"] != wanted.cut_links(seen))


@headers(
    "DARI-STR-013",
    "inode.stream-links",
    "a stream file's nlink is not 1, or its di_nlink not 0",
    ("extension.body.nlink", 1),
    ("c_dinode.di_nlink", 0),
)
def _stream_links(seen: Seen) -> Any:
    wrong = (seen.body["nlink"] != 1) | (seen.dinode["di_nlink"] != 0)
    return seen.is_inode & (seen.body["base_inode"] != 0) & wrong


@headers(
    "DARI-FIL-010",
    "inode.old-owners",
    "di_ouid or di_ogid is not the low half of the owner",
    *map(wanted.low_half, ("di_ouid", "di_ogid")),
)
def _owners(seen: Seen) -> Any:
    old = seen.dinode
    broken = old["di_ouid"] != old["di_uid"] & 0xFFFF
    return seen.is_inode & (broken | (old["di_ogid"] != old["di_gid"] & 0xFFFF))


@headers("DARI-FIL-011", "inode.old-times", "an old time is not the true one", *wanted.OLD_TIMES)
def _times(seen: Seen) -> Any:
    broken = np.zeros(len(seen.batch), np.bool_)
    for name in ("atime", "mtime", "ctime"):
        true, old = seen.body[f"{name}_ns"].astype(np.int64), seen.dinode[f"di_{name}"]
        broken |= (true // _NS & 0xFFFFFFFF) != old["tv_sec"]
        broken |= true % _NS // 1000 != old["tv_usec"]
    return seen.is_inode & broken


@headers(
    "DARI-FIL-012", "inode.device", "what is no device has a device number", ("c_dinode.di_db", 0)
)
def _device(seen: Seen) -> Any:
    return ~_DEVICES[seen.file_type] & (seen.dinode["di_db"][:, 0] != 0)
