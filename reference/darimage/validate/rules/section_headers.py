"""What the headers of sections must be, each by itself (chapter 70)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from darimage.validate.contexts.headers import Seen
from darimage.validate.rules import wanted
from darimage.validate.rules.rule import Scope, over_columns

headers = partial(over_columns, Scope.HEADERS)


@headers(
    "DARI-SCT-001",
    "section-header.inode",
    "a section's mode, links, owner or size is not as it must be",
    *wanted.OF_A_SECTION,
)
def _section_inode(seen: Seen) -> Any:
    broken = np.zeros(len(seen.batch), np.bool_)
    at = np.flatnonzero(seen.is_section)
    if at.size:
        old = seen.dinode[at]
        body = seen.batch.part(at).headers("section_body")["extension"]["body"]
        wrong = (old["di_mode"] != 0o100600) | (old["di_nlink"] != 0)
        wrong |= (old["di_uid"] != 0) | (old["di_gid"] != 0)
        broken[at] = wrong | (old["di_size"] != body["payload_size"])
    return broken


@headers(
    "DARI-SCT-008",
    "section-header.rest",
    "a section's inode holds more than it may",
    *wanted.NOT_OF_A_SECTION,
)
def _section_rest(seen: Seen) -> Any:
    old, broken = seen.dinode, np.zeros(len(seen.batch), np.bool_)
    for name in ("di_ouid", "di_ogid", "di_flags"):
        broken |= old[name] != 0
    for name in ("di_atime", "di_mtime", "di_ctime"):
        broken |= (old[name]["tv_sec"] != 0) | (old[name]["tv_usec"] != 0)
    return seen.is_section & broken
