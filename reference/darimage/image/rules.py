"""What every header of a DARI image must be, one small rule a requirement, as columns.

A rule gets the headers of a batch and tells which of them break it.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.image.batch import Batch
from darimage.image.front import SECTIONS_INODE
from darimage.image.inode import shifts
from darimage.schema import CType, DrFlag, ExtAttributes, InodeFlag, Kind
from darimage.sections.header import EXTENSION_MAGIC, EXTENSION_VERSION, Headers, field_span
from darimage.sections.xattrs import LIST_MAX
from darimage.units import ADDRESSES, RECORD, S_IFMT
from darimage.volumes.cut import Cut

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_ADDR, _ADDR_END = field_span("c_addr")
_LABEL, _ = field_span("c_label")
_, _HOST_END = field_span("c_host")
_ENTRIES = np.arange(ADDRESSES)
_NS = 1_000_000_000
_LOW = 0xFFFFFFFF
_NLINK_MAX = 32767
_LEVEL_MAX = 9
_FLAGGED_TYPES = (0o100000, 0o040000)
_TYPES = (0o010000, 0o020000, 0o040000, 0o060000, 0o100000, 0o120000, 0o140000)
_MODES_WITHOUT_DATA = (0o010000, 0o020000, 0o060000, 0o140000)
_DEVICES = (0o020000, 0o060000)


class Seen:
    """A batch with the columns that many rules use.

    Attributes:
        batch: The headers.
        first: The first header of the image, shape (1,).
        cut: How the image is cut into volumes.
        shifts: Records each lies behind its ``c_tapea``.
        shift_before: The same of the header before each; where an image has lost records all later
            ones are shifted, and only the first of them is at fault.
        h: The headers, with the extension of an inode.
        is_data: Which are ``TS_INODE`` or ``TS_ADDR``.
        is_map: Which are ``TS_CLRI`` or ``TS_BITS``.
        is_section: Which belong to a section.
        is_inode: Which belong to an inode.
        is_attributes: Which are of the attributes of an inode.
    """

    def __init__(self, batch: Batch, first: Headers, cut: Cut, shift: int = 0) -> None:
        self.batch = batch
        self.cut = cut
        self.shifts = shifts(batch.headers(), batch.record, cut)
        self.shift_before = np.concatenate(([shift], self.shifts[:-1]))
        self.first = first
        self.h = batch.headers()
        kinds = batch.c_type
        self.is_data: Bools = (kinds == CType.TS_INODE) | (kinds == CType.TS_ADDR)
        self.is_map: Bools = (kinds == CType.TS_CLRI) | (kinds == CType.TS_BITS)
        self.is_section: Bools = self.is_data & (batch.inode == SECTIONS_INODE)
        self.is_inode: Bools = self.is_data & ~self.is_section
        self.is_attributes: Bools = self.is_data & (batch.flags & DrFlag.DR_EXTATTRIBUTES != 0)
        self.dinode = self.h["c_dinode"]
        self.extension = self.h["extension"]
        self.body = self.extension["body"]
        self.type_mode: Ints = batch.mode & S_IFMT

    @cached_property
    def text_differs(self) -> Bools:
        """Which have other texts or another level than the first header."""
        first = self.first.view(np.uint8)[_LABEL:_HOST_END]
        differs: Bools = (self.batch.rows[:, _LABEL:_HOST_END] != first).any(axis=1)
        return differs

    @cached_property
    def volume(self) -> Ints:
        """The volumes that the headers lie on, by their places."""
        return self.cut.volume_of(self.cut.physical(self.batch.record))

    def used(self) -> Ints:
        """Return how many entries of ``c_addr`` are in use."""
        used: Ints = np.where(
            self.is_data | self.is_map, np.clip(self.batch.count, 0, ADDRESSES), 0
        )
        return used


class Rule(NamedTuple):
    """One requirement on each header.

    Attributes:
        requirement: Its id.
        told: What is wrong if it is broken.
        broken: Tells which headers break it.
    """

    requirement: str
    told: str
    broken: Callable[[Seen], Any]


RULES: list[Rule] = []


def _rule(requirement: str, told: str) -> Callable[[Callable[[Seen], Any]], Rule]:
    def enter(broken: Callable[[Seen], Any]) -> Rule:
        made = Rule(requirement, told, broken)
        RULES.append(made)
        return made

    return enter


@_rule("DARI-REC-006", "c_tapea is not the record number")
def _numbered(seen: Seen) -> Any:
    return seen.shifts != seen.shift_before


@_rule("DARI-REC-008", "c_ddate differs from the first header's")
def _base_date(seen: Seen) -> Any:
    return seen.h["c_ddate"] != seen.first["c_ddate"]


@_rule("DARI-REC-009", "c_volume is not the volume it lies on")
def _volume(seen: Seen) -> Any:
    return seen.h["c_volume"] != seen.volume


@_rule("DARI-REC-010", "c_inumber does not fit c_type")
def _inode_number(seen: Seen) -> Any:
    return (seen.batch.inode != 0) != seen.is_data


@_rule("DARI-REC-011", "c_count does not fit c_type")
def _count(seen: Seen) -> Any:
    count, kinds = seen.batch.count, seen.batch.c_type
    broken = seen.is_data & ((count < 0) | (count > ADDRESSES))
    broken |= (kinds == CType.TS_TAPE) & (count != 1)
    return broken | ((kinds == CType.TS_END) & (count != 0)) | (seen.is_map & (count < 1))


@_rule("DARI-REC-012", "c_addr has entries after those in use, or a hole in a bitmap")
def _addresses(seen: Seen) -> Any:
    used = seen.used()
    broken = np.zeros(len(used), np.bool_)
    short = np.flatnonzero(used < ADDRESSES)
    rest = seen.batch.rows[short, _ADDR:_ADDR_END] * (used[short, None] <= _ENTRIES)
    broken[short] = rest.any(axis=1)
    maps = np.flatnonzero(seen.is_map)
    broken[maps] |= seen.batch.rows[maps, _ADDR:_ADDR_END].sum(axis=1) != used[maps]
    return broken


@_rule("DARI-REC-017", "c_addr has entries other than 0 and 1")
def _no_coding(seen: Seen) -> Any:
    return seen.batch.rows[:, _ADDR:_ADDR_END].max(axis=1, initial=0) > 1


@_rule("DARI-REC-013", "c_flags does not fit c_type")
def _flags(seen: Seen) -> Any:
    kinds, flags = seen.batch.c_type, seen.batch.flags
    wanted = np.where(kinds == CType.TS_TAPE, int(DrFlag.DR_NEWHEADER), 0)
    wanted |= int(DrFlag.DR_NEWINODEFMT)
    return flags & ~np.where(seen.is_data, int(DrFlag.DR_EXTATTRIBUTES), 0) != wanted


@_rule("DARI-REC-014", "c_ntrec is out of range or differs from the first header's")
def _blocking(seen: Seen) -> Any:
    ntrec = seen.h["c_ntrec"]
    return (ntrec != seen.first["c_ntrec"]) | (ntrec < 1) | (ntrec > 1024)


@_rule("DARI-REC-015", "bytes 904 to 927 are not zero")
def _spare(seen: Seen) -> Any:
    return seen.h["c_spare"].any(axis=1)


@_rule("DARI-REC-019", "label, level, filesys, dev or host differ from the first header's")
def _who(seen: Seen) -> Any:
    return seen.text_differs


@_rule("DARI-REC-021", "c_firstrec is not the first record of the volume it lies on")
def _first_record(seen: Seen) -> Any:
    first = (seen.volume - 1) * seen.cut.capacity
    return seen.h["c_firstrec"].astype(np.int64) & _LOW != first & _LOW


@_rule("DARI-EXT-001", "there is no extension area")
def _marked(seen: Seen) -> Any:
    return (seen.extension["magic"] != np.frombuffer(EXTENSION_MAGIC, np.uint8)).any(axis=1)


@_rule("DARI-EXT-003", "the kind of the extension area does not fit c_type")
def _kind(seen: Seen) -> Any:
    kinds = seen.batch.c_type
    wanted = np.select(
        [kinds == CType.TS_TAPE, kinds == CType.TS_END, seen.is_map, seen.is_section],
        [int(Kind.VOLUME), int(Kind.END), int(Kind.BITMAP), int(Kind.SECTION)],
        int(Kind.INODE),
    )
    return seen.extension["kind"] != wanted


@_rule("DARI-EXT-004", "the version of the extension area is not 1")
def _version(seen: Seen) -> Any:
    return seen.extension["version"] != EXTENSION_VERSION


@_rule("DARI-EXT-005", "undefined flags of the extension area are set")
def _undefined(seen: Seen) -> Any:
    known = sum(int(flag) for flag in InodeFlag)
    return seen.extension["flags"] & ~np.where(seen.is_inode, known, 0) != 0


@_rule("DARI-CNV-004", "reserved bytes of the inode are not zero")
def _inode_reserved(seen: Seen) -> Any:
    old = seen.dinode
    broken = old["di_db"][:, 1:].any(axis=1) | old["di_ib"].any(axis=1)
    broken |= old["di_spare"].any(axis=1)
    broken |= (old["di_blocks"] != 0) | (old["di_gen"] != 0)
    return broken | (~seen.is_data & old["di_mode"].astype(bool))


@_rule("DARI-CNV-004", "reserved bytes of the extension area are not zero")
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


@_rule("DARI-REC-022", "c_level does not fit c_ddate")
def _level(seen: Seen) -> Any:
    level = seen.h["c_level"]
    full = seen.first["c_ddate"] == 0
    return np.where(full, level != 0, (level < 1) | (level > _LEVEL_MAX))


@_rule("DARI-REC-023", "a text is not padded with NUL")
def _padding(seen: Seen) -> Any:
    broken = np.zeros(len(seen.batch), np.bool_)
    at = np.flatnonzero(seen.text_differs | (seen.batch.c_type == CType.TS_TAPE))
    for name in ("c_label", "c_filesys", "c_dev", "c_host"):
        text = seen.h[name][at]
        broken[at] |= (text[:, -1] != 0) | ((text[:, :-1] == 0) & (text[:, 1:] != 0)).any(axis=1)
    return broken


@_rule("DARI-FIL-017", "the type in di_mode is none")
def _type(seen: Seen) -> Any:
    return seen.is_inode & ~np.isin(seen.type_mode, _TYPES)


@_rule("DARI-FIL-016", "what is no file or directory has di_flags")
def _inode_flags(seen: Seen) -> Any:
    flagged = seen.is_inode & (seen.dinode["di_flags"] != 0)
    return flagged & ~np.isin(seen.type_mode, _FLAGGED_TYPES)


@_rule("DARI-FIL-008", "a fifo, socket or device has a size or data")
def _no_data(seen: Seen) -> Any:
    special = seen.is_inode & ~seen.is_attributes & np.isin(seen.type_mode, _MODES_WITHOUT_DATA)
    return special & ((seen.batch.size != 0) | (seen.batch.following != 0))


@_rule("DARI-FIL-008", "a symbolic link has no target, or a hole in it")
def _no_target(seen: Seen) -> Any:
    link = seen.is_inode & ~seen.is_attributes & (seen.type_mode == stat.S_IFLNK)
    size = seen.batch.size.astype(np.uint64)
    return link & ((size == 0) | (size > seen.batch.following.astype(np.uint64) * RECORD))


@_rule("DARI-FIL-009", "di_nlink is not nlink cut at 32,767")
def _links(seen: Seen) -> Any:
    wanted = np.minimum(seen.body["nlink"], _NLINK_MAX)
    named = seen.is_inode & (seen.body["base_inode"] == 0)
    return named & (seen.dinode["di_nlink"] != wanted)


@_rule("DARI-STR-013", "a stream file's nlink is not 1, or its di_nlink not 0")
def _stream_links(seen: Seen) -> Any:
    wrong = (seen.body["nlink"] != 1) | (seen.dinode["di_nlink"] != 0)
    return seen.is_inode & (seen.body["base_inode"] != 0) & wrong


@_rule("DARI-FIL-010", "di_ouid or di_ogid is not the low half of the owner")
def _owners(seen: Seen) -> Any:
    old = seen.dinode
    broken = old["di_ouid"] != old["di_uid"] & 0xFFFF
    return seen.is_inode & (broken | (old["di_ogid"] != old["di_gid"] & 0xFFFF))


@_rule("DARI-FIL-011", "an old time is not the true one")
def _times(seen: Seen) -> Any:
    broken = np.zeros(len(seen.batch), np.bool_)
    for name in ("atime", "mtime", "ctime"):
        true, old = seen.body[f"{name}_ns"].astype(np.int64), seen.dinode[f"di_{name}"]
        broken |= (true // _NS & 0xFFFFFFFF) != old["tv_sec"]
        broken |= true % _NS // 1000 != old["tv_usec"]
    return seen.is_inode & broken


@_rule("DARI-FIL-012", "what is no device has a device number")
def _device(seen: Seen) -> Any:
    return ~np.isin(seen.type_mode, _DEVICES) & (seen.dinode["di_db"][:, 0] != 0)


@_rule("DARI-SCT-001", "a section's mode, links, owner or size is not as it must be")
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


@_rule("DARI-SCT-008", "a section's inode holds more than it may")
def _section_rest(seen: Seen) -> Any:
    old, broken = seen.dinode, np.zeros(len(seen.batch), np.bool_)
    for name in ("di_ouid", "di_ogid", "di_flags"):
        broken |= old[name] != 0
    for name in ("di_atime", "di_mtime", "di_ctime"):
        broken |= (old[name]["tv_sec"] != 0) | (old[name]["tv_usec"] != 0)
    return seen.is_section & broken


@_rule("DARI-XAT-011", "c_extattributes does not fit c_flags")
def _kind_of_attributes(seen: Seen) -> Any:
    wanted = np.where(seen.is_attributes, int(ExtAttributes.EXT_XATTR), 0)
    return seen.h["c_extattributes"] != wanted


@_rule("DARI-XAT-009", "attribute_records is more than a header describes")
def _much(seen: Seen) -> Any:
    return seen.is_inode & (seen.body["attribute_records"] > 1 + ADDRESSES)


@_rule("DARI-XAT-002", "the list of attributes is longer than restore takes one")
def _long_list(seen: Seen) -> Any:
    return seen.is_attributes & (seen.batch.size > LIST_MAX)


@_rule("DARI-XAT-010", "a header of attributes is not as it must be")
def _attribute_header(seen: Seen) -> Any:
    broken = seen.batch.c_type != CType.TS_INODE
    broken |= (seen.batch.following != seen.batch.count) | (seen.extension["flags"] != 0)
    broken |= (seen.body["first_block"] != 0) | (seen.body["data_crc32c"] != 0)
    return seen.is_attributes & (broken | seen.is_section)
