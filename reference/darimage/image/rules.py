"""What every header of a DARI image must be, one small rule a requirement, as columns.

A rule gets the headers of a batch and tells which of them break it.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.faults import FaultyField
from darimage.image import blame, wanted
from darimage.image.seen import Seen
from darimage.image.wanted import LOW, Fields, Wanted
from darimage.schema import CType
from darimage.sections.header import EXTENSION_MAGIC, EXTENSION_VERSION, field_span
from darimage.sections.xattrs import LIST_MAX
from darimage.units import ADDRESSES, RECORD

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_ADDR, _ADDR_END = field_span("c_addr")
_ENTRIES = np.arange(ADDRESSES)
_NS = 1_000_000_000
_LEVEL_MAX = 9
_FLAGGED_TYPES = (0o100000, 0o040000)
_TYPES = (0o010000, 0o020000, 0o040000, 0o060000, 0o100000, 0o120000, 0o140000)
_MODES_WITHOUT_DATA = (0o010000, 0o020000, 0o060000, 0o140000)
_DEVICES = (0o020000, 0o060000)


class Rule(NamedTuple):
    """One requirement on each header.

    Attributes:
        requirement: Its id.
        told: What is wrong if it is broken.
        fields: Paths of the fields that may be at fault, and what is wanted of each.
        broken: Tells which headers break it.
    """

    requirement: str
    told: str
    fields: Fields
    broken: Callable[[Seen], Any]

    def blamed(self, seen: Seen, at: int) -> FaultyField | None:
        """Return the field that is at fault in a header that breaks the rule."""
        of_row = ((path, _of_row(value, seen, at)) for path, value in self.fields)
        return blame.wrong(seen.batch.rows[at], seen.batch.order, of_row)


def _of_row(value: Wanted, seen: Seen, at: int) -> Any:
    if not callable(value):
        return value
    column = value(seen)
    return column[min(at, len(column) - 1)]


RULES: list[Rule] = []


def _rule(
    requirement: str, told: str, *fields: tuple[str, Wanted]
) -> Callable[[Callable[[Seen], Any]], Rule]:
    def enter(broken: Callable[[Seen], Any]) -> Rule:
        made = Rule(requirement, told, fields, broken)
        RULES.append(made)
        return made

    return enter


@_rule("DARI-REC-006", "c_tapea is not the record number", ("c_tapea", wanted.number))
def _numbered(seen: Seen) -> Any:
    return seen.shifts != seen.shift_before


@_rule("DARI-REC-008", "c_ddate differs from the first header's", wanted.as_first("c_ddate"))
def _base_date(seen: Seen) -> Any:
    return seen.h["c_ddate"] != seen.first["c_ddate"]


@_rule(
    "DARI-REC-009", "c_volume is not the volume it lies on", ("c_volume", lambda seen: seen.volume)
)
def _volume(seen: Seen) -> Any:
    return seen.h["c_volume"] != seen.volume


@_rule(
    "DARI-REC-010",
    "c_inumber does not fit c_type",
    ("c_inumber", lambda seen: seen.batch.inode * seen.is_data),
)
def _inode_number(seen: Seen) -> Any:
    return (seen.batch.inode != 0) != seen.is_data


@_rule("DARI-REC-011", "c_count does not fit c_type", ("c_count", wanted.count))
def _count(seen: Seen) -> Any:
    count, kinds = seen.batch.count, seen.batch.c_type
    broken = seen.is_data & ((count < 0) | (count > ADDRESSES))
    broken |= (kinds == CType.TS_TAPE) & (count != 1)
    return broken | ((kinds == CType.TS_END) & (count != 0)) | (seen.is_map & (count < 1))


@_rule(
    "DARI-REC-012", "c_addr has entries after those in use, or a hole in a bitmap", ("c_addr", None)
)
def _addresses(seen: Seen) -> Any:
    used = seen.used()
    broken = np.zeros(len(used), np.bool_)
    short = np.flatnonzero(used < ADDRESSES)
    rest = seen.batch.rows[short, _ADDR:_ADDR_END] * (used[short, None] <= _ENTRIES)
    broken[short] = rest.any(axis=1)
    maps = np.flatnonzero(seen.is_map)
    broken[maps] |= seen.batch.rows[maps, _ADDR:_ADDR_END].sum(axis=1) != used[maps]
    return broken


@_rule("DARI-REC-017", "c_addr has entries other than 0 and 1", ("c_addr", "0 and 1"))
def _no_coding(seen: Seen) -> Any:
    return seen.batch.rows[:, _ADDR:_ADDR_END].max(axis=1, initial=0) > 1


@_rule("DARI-REC-013", "c_flags does not fit c_type", ("c_flags", wanted.flags))
def _flags(seen: Seen) -> Any:
    return seen.batch.flags != wanted.flags(seen)


@_rule(
    "DARI-REC-014",
    "c_ntrec is out of range or differs from the first header's",
    wanted.as_first("c_ntrec"),
)
def _blocking(seen: Seen) -> Any:
    ntrec = seen.h["c_ntrec"]
    return (ntrec != seen.first["c_ntrec"]) | (ntrec < 1) | (ntrec > 1024)


@_rule("DARI-REC-015", "bytes 904 to 927 are not zero", ("c_spare", 0))
def _spare(seen: Seen) -> Any:
    return seen.h["c_spare"].any(axis=1)


@_rule(
    "DARI-REC-019",
    "label, level, filesys, dev or host differ from the first header's",
    *map(wanted.as_first, ("c_label", "c_level", "c_filesys", "c_dev", "c_host")),
)
def _who(seen: Seen) -> Any:
    return seen.text_differs


@_rule(
    "DARI-REC-021",
    "c_firstrec is not the first record of the volume it lies on",
    ("c_firstrec", wanted.volume_start),
)
def _first_record(seen: Seen) -> Any:
    return seen.h["c_firstrec"].astype(np.int64) & LOW != wanted.volume_start(seen)


@_rule("DARI-EXT-001", "there is no extension area", ("extension.magic", EXTENSION_MAGIC))
def _marked(seen: Seen) -> Any:
    return (seen.extension["magic"] != np.frombuffer(EXTENSION_MAGIC, np.uint8)).any(axis=1)


@_rule(
    "DARI-EXT-003",
    "the kind of the extension area does not fit c_type",
    ("extension.kind", wanted.kind),
)
def _kind(seen: Seen) -> Any:
    return seen.extension["kind"] != wanted.kind(seen)


@_rule(
    "DARI-EXT-004",
    "the version of the extension area is not 1",
    ("extension.version", EXTENSION_VERSION),
)
def _version(seen: Seen) -> Any:
    return seen.extension["version"] != EXTENSION_VERSION


@_rule(
    "DARI-EXT-005",
    "undefined flags of the extension area are set",
    ("extension.flags", wanted.known_flags),
)
def _undefined(seen: Seen) -> Any:
    return seen.extension["flags"] != wanted.known_flags(seen)


@_rule("DARI-CNV-004", "reserved bytes of the inode are not zero", *wanted.INODE_RESERVED)
def _inode_reserved(seen: Seen) -> Any:
    old = seen.dinode
    broken = old["di_db"][:, 1:].any(axis=1) | old["di_ib"].any(axis=1)
    broken |= old["di_spare"].any(axis=1)
    broken |= (old["di_blocks"] != 0) | (old["di_gen"] != 0)
    return broken | (~seen.is_data & old["di_mode"].astype(bool))


@_rule("DARI-CNV-004", "reserved bytes of the extension area are not zero", *wanted.RESERVED)
def _extension_reserved(seen: Seen) -> Any:
    broken = seen.is_inode & seen.body["reserved"].any(axis=1)
    bodies = (
        (seen.is_section, "section_body", ("reserved",)),
        (seen.is_map, "bitmap_body", ("reserved",)),
        (seen.batch.c_type == CType.TS_END, "end_body", ("reserved_1", "reserved_2")),
    )
    for here, name, fields in bodies:
        at = np.flatnonzero(here)
        if at.size:
            body = seen.batch.part(at).headers(name)["extension"]["body"]
            for field in fields:
                values = body[field].reshape(len(at), -1)
                broken[at] |= values.any(axis=1)
    return broken


@_rule("DARI-REC-022", "c_level does not fit c_ddate", ("c_level", wanted.level))
def _level(seen: Seen) -> Any:
    level = seen.h["c_level"]
    full = seen.first["c_ddate"] == 0
    return np.where(full, level != 0, (level < 1) | (level > _LEVEL_MAX))


@_rule(
    "DARI-REC-023",
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


@_rule("DARI-FIL-017", "the type in di_mode is none", ("c_dinode.di_mode", None))
def _type(seen: Seen) -> Any:
    return seen.is_inode & ~np.isin(seen.type_mode, _TYPES)


@_rule("DARI-FIL-016", "what is no file or directory has di_flags", ("c_dinode.di_flags", 0))
def _inode_flags(seen: Seen) -> Any:
    flagged = seen.is_inode & (seen.dinode["di_flags"] != 0)
    return flagged & ~np.isin(seen.type_mode, _FLAGGED_TYPES)


@_rule(
    "DARI-FIL-008",
    "a fifo, socket or device has a size or data",
    ("c_dinode.di_size", 0),
    ("c_addr", 0),
)
def _no_data(seen: Seen) -> Any:
    special = seen.is_inode & ~seen.is_attributes & np.isin(seen.type_mode, _MODES_WITHOUT_DATA)
    return special & ((seen.batch.size != 0) | (seen.batch.following != 0))


@_rule(
    "DARI-FIL-008",
    "a symbolic link has no target, or a hole in it",
    ("c_dinode.di_size", "1 to the bytes that follow"),
)
def _no_target(seen: Seen) -> Any:
    link = seen.is_inode & ~seen.is_attributes & (seen.type_mode == stat.S_IFLNK)
    size = seen.batch.size.astype(np.uint64)
    return link & ((size == 0) | (size > seen.batch.following.astype(np.uint64) * RECORD))


@_rule(
    "DARI-FIL-009", "di_nlink is not nlink cut at 32,767", ("c_dinode.di_nlink", wanted.cut_links)
)
def _links(seen: Seen) -> Any:
    named = seen.is_inode & (seen.body["base_inode"] == 0)
    return named & (seen.dinode["di_nlink"] != wanted.cut_links(seen))


@_rule(
    "DARI-STR-013",
    "a stream file's nlink is not 1, or its di_nlink not 0",
    ("extension.body.nlink", 1),
    ("c_dinode.di_nlink", 0),
)
def _stream_links(seen: Seen) -> Any:
    wrong = (seen.body["nlink"] != 1) | (seen.dinode["di_nlink"] != 0)
    return seen.is_inode & (seen.body["base_inode"] != 0) & wrong


@_rule(
    "DARI-FIL-010",
    "di_ouid or di_ogid is not the low half of the owner",
    *map(wanted.low_half, ("di_ouid", "di_ogid")),
)
def _owners(seen: Seen) -> Any:
    old = seen.dinode
    broken = old["di_ouid"] != old["di_uid"] & 0xFFFF
    return seen.is_inode & (broken | (old["di_ogid"] != old["di_gid"] & 0xFFFF))


@_rule("DARI-FIL-011", "an old time is not the true one", *wanted.OLD_TIMES)
def _times(seen: Seen) -> Any:
    broken = np.zeros(len(seen.batch), np.bool_)
    for name in ("atime", "mtime", "ctime"):
        true, old = seen.body[f"{name}_ns"].astype(np.int64), seen.dinode[f"di_{name}"]
        broken |= (true // _NS & 0xFFFFFFFF) != old["tv_sec"]
        broken |= true % _NS // 1000 != old["tv_usec"]
    return seen.is_inode & broken


@_rule("DARI-FIL-012", "what is no device has a device number", ("c_dinode.di_db", 0))
def _device(seen: Seen) -> Any:
    return ~np.isin(seen.type_mode, _DEVICES) & (seen.dinode["di_db"][:, 0] != 0)


@_rule(
    "DARI-SCT-001",
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


@_rule("DARI-SCT-008", "a section's inode holds more than it may", *wanted.NOT_OF_A_SECTION)
def _section_rest(seen: Seen) -> Any:
    old, broken = seen.dinode, np.zeros(len(seen.batch), np.bool_)
    for name in ("di_ouid", "di_ogid", "di_flags"):
        broken |= old[name] != 0
    for name in ("di_atime", "di_mtime", "di_ctime"):
        broken |= (old[name]["tv_sec"] != 0) | (old[name]["tv_usec"] != 0)
    return seen.is_section & broken


@_rule(
    "DARI-XAT-011", "c_extattributes does not fit c_flags", ("c_extattributes", wanted.attributes)
)
def _kind_of_attributes(seen: Seen) -> Any:
    return seen.h["c_extattributes"] != wanted.attributes(seen)


@_rule(
    "DARI-XAT-009",
    "attribute_records is more than a header describes",
    ("extension.body.attribute_records", f"at most {1 + ADDRESSES}"),
)
def _much(seen: Seen) -> Any:
    return seen.is_inode & (seen.body["attribute_records"] > 1 + ADDRESSES)


@_rule(
    "DARI-XAT-002",
    "the list of attributes is longer than restore takes one",
    ("c_dinode.di_size", f"at most {LIST_MAX}"),
)
def _long_list(seen: Seen) -> Any:
    return seen.is_attributes & (seen.batch.size > LIST_MAX)


@_rule("DARI-XAT-010", "a header of attributes is not as it must be", *wanted.OF_ATTRIBUTES)
def _attribute_header(seen: Seen) -> Any:
    broken = seen.batch.c_type != CType.TS_INODE
    broken |= (seen.batch.following != seen.batch.count) | (seen.extension["flags"] != 0)
    broken |= (seen.body["first_block"] != 0) | (seen.body["data_crc32c"] != 0)
    return seen.is_attributes & (broken | seen.is_section)
