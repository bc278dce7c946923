"""What the plain writer does when one rule is switched off: a change to what it is about to write.

Most rules say what a field holds; without one of them the field holds something else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from darimage.plain.breaking import Breaking, Fields
from darimage.plain.records import (
    ATTRIBUTES,
    TS_ADDR,
    TS_BITS,
    TS_CLRI,
    TS_END,
    TS_INODE,
    TS_TAPE,
)
from darimage.schema.codecs import layout

Make = Callable[[], Breaking]
Change = Callable[[Any], Any]
Where = Callable[[Fields], bool]

DIRECTORY, FILE, LINK, FIFO = 4, 8, 10, 1
DEVICES = (2, 6)


def _type(*types: int) -> Where:
    return lambda fields: fields["c_type"] in types


def _kind(fields: Fields) -> int:
    return int(fields.get("c_dinode", {}).get("di_mode", 0)) >> 12


def _is_attributes(fields: Fields) -> bool:
    return bool(fields["c_flags"] & ATTRIBUTES)


def _inode(*kinds: int, first: bool = True) -> Where:
    """Return what chooses the headers of inodes of some types, their attributes left out."""

    def chosen(fields: Fields) -> bool:
        is_inode = fields["c_type"] in ((TS_INODE,) if first else (TS_INODE, TS_ADDR))
        number = fields.get("c_inumber", 0)
        return is_inode and number > 1 and _kind(fields) in kinds and not _is_attributes(fields)

    return chosen


def _section(fields: Fields) -> bool:
    return fields["c_type"] in (TS_INODE, TS_ADDR) and fields.get("c_inumber") == 1


def _anything(_fields: Fields) -> bool:
    return True


def _all(fields: Fields) -> bool:
    return fields["c_type"] in range(1, 7)


def _set(where: Where, path: str, value: Any, what: str = "header") -> Make:
    """Return what gives a field of some records another value, or adds to it (a callable)."""

    def change(fields: Fields) -> Fields:
        if not where(fields):
            return fields
        made = dict(fields)
        here, steps = made, path.split(".")
        for step in steps[:-1]:
            here[step] = dict(here.get(step, {}))
            here = here[step]
        old = here.get(steps[-1], 0)
        here[steps[-1]] = value(old) if callable(value) else value
        return made

    return lambda: Breaking({what: change})


def _more(old: Any) -> Any:
    return old + 1


def _to(what: str, change: Change) -> Make:
    """Return what changes something else than a header."""
    return lambda: Breaking({what: change})


def _once(what: str, change: Change, where: Callable[[Any], bool] = _anything) -> Make:
    """Return what changes the first thing that can be changed."""

    def make() -> Breaking:
        done: list[bool] = []

        def first(value: Any) -> Any:
            if done or not where(value):
                return value
            done.append(True)
            return change(value)

        return Breaking({what: first})

    return make


def _bytes(what: str, at: int, new: bytes, least: int = 0) -> Make:
    """Return what changes some bytes of something that has at least as many as given."""

    def change(data: bytes) -> bytes:
        return data[:at] + new + data[at + len(new) :]

    return _once(what, change, lambda data: len(data) >= max(least, at + len(new)))


# Changes that take more than a value.


def _extra_record(pair: tuple[Fields, bytes]) -> tuple[Fields, bytes]:
    return pair[0], pair[1] + bytes(1024)


def _is_data_of(*kinds: int) -> Callable[[Any], bool]:
    return lambda pair: _inode(*kinds)(pair[0]) and len(pair[1]) > 0


def _dirty_end(pair: tuple[Fields, bytes]) -> tuple[Fields, bytes]:
    fields, data = pair
    return fields, data[:-1] + b"\1"


def _is_short(pair: tuple[Fields, bytes]) -> bool:
    return _is_data_of(FILE)(pair) and pair[0]["c_dinode"]["di_size"] % 1024 > 0


def _swapped(parts: list[Any], one: int, other: int) -> list[Any]:
    made = list(parts)
    made[one], made[other] = made[other], made[one]
    return made


def _longer_map(pair: tuple[Fields, bytes]) -> tuple[Fields, bytes]:
    return _extra_record(pair)


def _map_with_addr(pair: tuple[Fields, bytes]) -> tuple[Fields, bytes]:
    from darimage.plain.writer import sealed

    fields, data = pair
    return fields, data + sealed({**fields, "c_type": TS_ADDR, "c_count": 0})


def _renamed(name: bytes) -> Change:
    return lambda named: [*named[:-1], (*named[-1][:2], name)]


def _without_end_hole(payload: Any) -> Any:
    if not payload.is_hole:
        return payload
    blocks = dict(payload.blocks)
    del blocks[max(blocks)]
    return replace(payload, blocks=blocks)


def _all_present(payload: Any) -> Any:
    count = -(-payload.size // 1024)
    blocks = {block: payload.blocks.get(block, bytes(1024)) for block in range(count)}
    return replace(payload, blocks=blocks)


def _other_block(payload: Any) -> Any:
    """Return a section's payload with another last byte."""
    last = max(payload.blocks)
    block = payload.blocks[last]
    at = (payload.size - 1) % 1024
    changed = block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]
    return replace(payload, blocks={**payload.blocks, last: changed})


def _descriptor(change: Change) -> Change:
    """Return what changes the first descriptor."""

    def changed(found: list[Any]) -> list[Any]:
        (number, (data, origin)), *others = found
        return [(number, (change(data), origin)), *others]

    return changed


def _byte(at: int, new: bytes) -> Change:
    return lambda data: data[:at] + new + data[at + len(new) :]


def _acl_at(data: bytes) -> int:
    return int(layout("security_descriptor/head").parse(data).offset_dacl)


def _owner_at(data: bytes) -> int:
    return int(layout("security_descriptor/head").parse(data).offset_owner)


def _in_acl(at: int, new: bytes) -> Change:
    return _descriptor(lambda data: _byte(_acl_at(data) + at, new)(data))


def _in_owner(at: int, new: bytes) -> Change:
    return _descriptor(lambda data: _byte(_owner_at(data) + at, new)(data))


def _row(number: int, name: str, value: Any) -> Change:
    """Return what changes a row of an NT ACL payload."""

    def changed(data: bytes) -> bytes:
        found = layout("nt_acls").parse(data)
        found.table[number][name] = value
        return bytes(layout("nt_acls").build(found))

    return changed


def _rows(least: int) -> Callable[[bytes], bool]:
    return lambda data: len(layout("nt_acls").parse(data).table) >= least


def _turned_rows(data: bytes) -> bytes:
    found = layout("nt_acls").parse(data)
    found.table = [*reversed(found.table)]
    return bytes(layout("nt_acls").build(found))


def _twice_in_heap(which: str, count: str) -> Change:
    """Return what stores a descriptor or an origin twice."""

    def changed(data: bytes) -> bytes:
        found = layout("nt_acls").parse(data)
        spans = getattr(found, which)
        part = found.heap[spans[0].offset :][: spans[0].size]
        spans.append({"offset": len(found.heap), "size": len(part)})
        found.heap += part + bytes(-len(part) % 8)
        found.head[count] += 1
        found.head.heap_size = len(found.heap)
        return bytes(layout("nt_acls").build(found))

    return changed


def _has_origin(data: bytes) -> bool:
    return len(layout("nt_acls").parse(data).origin_index) > 0


def _long_origin(found: list[Any]) -> list[Any]:
    (number, (data, _)), *others = found
    return [(number, (data, bytes([1, 0, 1, 0, 0, 0, 2, 0]) * 9000)), *others]


def _swapped_elements(data: bytes) -> bytes:
    found = [data[at : at + 8] for at in range(0, len(data), 8)]
    used = [index for index, one in enumerate(found) if any(one)]
    if len(used) > 1:
        found[used[0]], found[used[1]] = found[used[1]], found[used[0]]
    return b"".join(found)


def _moved_element(data: bytes) -> bytes:
    found = [data[at : at + 8] for at in range(0, len(data), 8)]
    used = [index for index, one in enumerate(found) if any(one)]
    if used:
        value = int.from_bytes(found[used[-1]], "little") + 1024
        found[used[-1]] = value.to_bytes(8, "little")
    return b"".join(found)


def _first_entry(data: bytes) -> tuple[int, Any] | None:
    """Return place and head of the first entry of a list of attributes that has a value."""
    at = 4 + layout("xattrs/block_rest").sizeof()
    size = layout("xattrs/entry").sizeof()
    while data[at : at + 4] != bytes(4):
        head = layout("xattrs/entry").parse(data[at : at + size])
        if head.value_size:
            return at, head
        at += size + head.name_size + -head.name_size % 4
    return None


def _in_entry(name: str, value: int) -> Change:
    def changed(data: bytes) -> bytes:
        found = _first_entry(data)
        if found is None:
            return data
        at, head = found
        head[name] = value
        made = layout("xattrs/entry").build(head)
        return data[:at] + bytes(made) + data[at + len(made) :]

    return changed


def _is_acl(data: bytes) -> bool:
    found = _first_entry(data)
    return found is not None and found[1].name_index in (2, 3)


def _acl_of_version_2(data: bytes) -> bytes:
    found = _first_entry(data)
    at = found[1].value_offset if found else 0
    return data[:at] + b"\2" + data[at + 1 :]


def _other_form(data: bytes) -> bytes:
    return (0xEA020001).to_bytes(4, "little") + data[4:]


def _longer_list(fields: Fields) -> Fields:
    if not _is_attributes(fields):
        return fields
    dinode = {**fields["c_dinode"], "di_size": fields["c_dinode"]["di_size"] + 4}
    return {**fields, "c_dinode": dinode}


def _longer_directory(fields: Fields) -> Fields:
    if not _inode(DIRECTORY)(fields) or fields["c_count"] > 500:
        return fields
    size = -(-fields["c_dinode"]["di_size"] // 1024) * 1024 + 1024
    made = {**fields, "c_dinode": {**fields["c_dinode"], "di_size": size}}
    made["c_count"] += 1
    made["c_addr"] = fields["c_addr"] + b"\0"
    return made


def _with_dash(named: list[Any]) -> list[Any]:
    first = next(one for one in named if one[1] == DIRECTORY)
    return [*named, (first[0], first[1], b"~second way")]


def _has_directory(named: list[Any]) -> bool:
    return any(one[1] == DIRECTORY for one in named)


def _swapped_words(data: bytes) -> bytes:
    return data[:4][::-1] + data[4:]


def _without_opening(data: bytes) -> bytes:
    """Return an image on volumes, its first continuation header behind the record after it."""
    at = 1024
    while at < len(data):
        head = layout("record").parse(data[at : at + 1024])
        if head.c_type == TS_TAPE and head.c_magic == 60012 and head.c_volume == 2:
            return (
                data[:at] + data[at + 1024 : at + 2048] + data[at : at + 1024] + data[at + 2048 :]
            )
        at += 1024
    return data


def _stream_file(fields: Fields) -> bool:
    return _inode(FILE)(fields) and fields["extension"]["body"]["base_inode"] > 0


def _base(fields: Fields) -> bool:
    return _inode(DIRECTORY, FILE)(fields) and fields["extension"]["body"]["stream_directory"] > 0


def _has_attributes(fields: Fields) -> bool:
    is_inode = _inode(DIRECTORY, FILE, LINK)(fields)
    return is_inode and fields["extension"]["body"]["attribute_records"] > 0


def _covers_hole(fields: Fields) -> bool:
    return _inode(FILE, first=False)(fields) and fields["extension"].get("flags", 0) > 0


def _last_twice(numbers: list[Any]) -> list[Any]:
    return [*numbers, numbers[-1]]


def _other_end(fields: Fields) -> Fields:
    body = fields["extension"]["body"]
    other = {**body, "files_written": body["files_written"] + 1}
    return {**fields, "extension": {**fields["extension"], "body": other}}


_EXT, _BODY, _OLD = "extension", "extension.body", "c_dinode"

_TABLE: list[tuple[str, str, Make]] = [
    ("CNV-002", "big-endian", lambda: Breaking(order="be")),
    ("CNV-004", "di_gen is 1", _set(_inode(FILE), f"{_OLD}.di_gen", 1)),
    ("CNV-006", "the CRC has another final value", _to("crc", lambda crc: crc ^ 0xFFFFFFFF)),
    ("REC-001", "a record too many", _once("data", _extra_record, _is_data_of(FILE))),
    ("REC-002", "bitmap II first", _to("parts", lambda parts: _swapped(parts, 1, 2))),
    ("REC-003", "magic 60011", _set(_inode(FILE), "c_magic", 60011)),
    ("REC-004", "wrong sums", _to("checksum", lambda value: (value + 1) % 2**32)),
    ("REC-028", "a wrong CRC", _once("crc", lambda crc: crc ^ 1)),
    ("REC-029", "no CRC of records", _set(_inode(FILE), f"{_EXT}.records_crc32c", 1)),
    ("REC-005", "c_type 7", _set(_inode(FIFO, LINK, FILE), "c_type", 7)),
    ("REC-006", "c_tapea too high", _set(_inode(FILE), "c_tapea", _more)),
    ("REC-007", "another date in files", _set(_inode(FILE), "c_date", _more)),
    ("REC-008", "a base date in a full image", _set(_all, "c_ddate", 1)),
    ("REC-009", "volume 2 in files", _set(_inode(FILE), "c_volume", 2)),
    ("REC-010", "an inode in ts_end", _set(_type(TS_END), "c_inumber", 5)),
    ("REC-021", "c_firstrec is 1", _set(_inode(FILE), "c_firstrec", 1)),
    ("REC-022", "level 10", _set(_all, "c_level", 10)),
    ("REC-011", "a count in ts_end", _set(_type(TS_END), "c_count", 1)),
    ("REC-012", "ones in maps", _set(_type(TS_CLRI, TS_BITS), "c_addr", b"\1")),
    ("REC-017", "run coding", _set(_inode(FILE), "c_addr", lambda a: a.replace(b"\1", b"\3", 1))),
    ("REC-013", "another flag", _set(_inode(FILE), "c_flags", 0x12)),
    ("REC-014", "c_ntrec is 0", _set(_all, "c_ntrec", 0)),
    ("REC-015", "spare bytes", _set(_inode(FILE), "c_spare", b"\1")),
    ("REC-023", "a label of 16 bytes", _set(_all, "c_label", b"x" * 16)),
    ("EXT-001", "no extension in files", _set(_inode(FILE), f"{_EXT}.magic", bytes(4))),
    ("EXT-002", "other first bytes", _set(_inode(FILE), f"{_EXT}.magic", b"IRAD")),
    ("EXT-003", "kind 9 in ts_end", _set(_type(TS_END), f"{_EXT}.kind", 9)),
    ("EXT-004", "version 2", _set(_inode(FILE), f"{_EXT}.version", 2)),
    ("EXT-005", "an undefined flag", _set(_inode(FILE), f"{_EXT}.flags", 0x8000)),
    ("EXT-008", "another image_id", _set(_inode(FILE), f"{_BODY}.image_id", b"else")),
    ("VOL-001", "volume 2 first", _set(_type(TS_TAPE), "c_volume", 2)),
    ("VOL-002", "the map elsewhere", _set(_type(TS_TAPE), f"{_BODY}.offset_map", _more)),
    ("VOL-007", "too few records", _set(_type(TS_TAPE), f"{_BODY}.total_records", 20_000)),
    ("VOL-006", "a capacity", _set(_type(TS_TAPE), f"{_BODY}.records_per_volume", 4_000)),
    (
        "VOL-003",
        "no UUID",
        _set(_type(TS_TAPE), f"{_BODY}.image_uuid", lambda u: u[:4] + bytes(12)),
    ),
    ("VOL-009", "a later epoch", _set(_type(TS_TAPE), f"{_BODY}.c_date_epoch", 1)),
    ("VOL-010", "wrong features", _set(_type(TS_TAPE), f"{_BODY}.feature_compat", lambda f: f ^ 4)),
    ("VOL-012", "cut elsewhere", _to("image", _without_opening)),
    ("VOL-016", "no whole tape blocks", _set(_all, "c_ntrec", 7)),
    ("VOL-013", "logical numbers", _to("capacity", lambda _: 0)),
    ("VOL-014", "another label", _set(_all, "c_label", b"another", "continuation")),
    ("VOL-015", "a wrong count", _set(_all, "c_count", _more, "continuation")),
    ("BMP-001", "an inode is missing", _to("held", lambda numbers: numbers[:-1])),
    ("BMP-008", "II is not in I", _to("existing", lambda numbers: numbers[:-1])),
    ("BMP-002", "bit n for inode n", _to("held", lambda numbers: [n + 1 for n in numbers])),
    ("BMP-005", "inode 1 is set", _to("held", lambda numbers: [1, *numbers])),
    (
        "BMP-003",
        "a longer map II",
        lambda: Breaking(
            {
                "data": lambda pair: _longer_map(pair) if pair[0]["c_type"] == TS_BITS else pair,
                "header": lambda f: {**f, "c_count": 2} if f["c_type"] == TS_BITS else f,
            }
        ),
    ),
    ("BMP-004", "ts_addr", _once("data", _map_with_addr, lambda p: p[0]["c_type"] == TS_BITS)),
    ("BMP-006", "too many bits", _set(_type(TS_BITS), f"{_BODY}.bits_set", _more)),
    (
        "INC-012",
        "a stream is not there",
        _to("below", lambda items: [i for i in items if not i.base]),
    ),
    ("INC-007", "another base date", _set(_all, "c_ddate", lambda d: d and d + 1)),
    ("INC-008", "a base UUID", _set(_type(TS_CLRI, TS_BITS), f"{_BODY}.base_uuid", b"base")),
    ("DIR-001", "the root last", _to("above", lambda items: items[::-1])),
    ("DIR-013", "holes in directories", _to("header", _longer_directory)),
    ("DIR-004", "chunks of 1,024 bytes", lambda: Breaking(chunk=1024)),
    ("DIR-005", "d_reclen 10", _bytes("entries", 4, b"\x0a\0")),
    ("DIR-003", ".. is inode 1", _bytes("entries", 12, b"\1\0\0\0")),
    ("DIR-007", "a slash in a name", _once("named", _renamed(b"a/b"), bool)),
    ("DIR-008", "a name twice", _once("named", _last_twice, bool)),
    ("DIR-012", "wrong d_type", _once("named", lambda n: [(n[0][0], 3, n[0][2]), *n[1:]], bool)),
    ("DIR-002", "a second way", _once("named", _with_dash, _has_directory)),
    ("DIR-015", "no such inode", _once("named", lambda n: [*n, (4_000, FILE, b"~zz")], bool)),
    ("DIR-016", "no name", _once("named", lambda named: named[:-1], bool)),
    ("FIL-001", "descending", _to("below", lambda items: items[::-1])),
    ("FIL-017", "no type", _set(_inode(FIFO, LINK), f"{_OLD}.di_mode", lambda mode: mode & 0o7777)),
    ("FIL-002", "an entry too many", _set(_inode(FILE), "c_count", lambda n: min(n + 1, 512))),
    ("FIL-003", "no holes", _to("contents", _all_present)),
    ("FIL-019", "a hole at the end", _to("contents", _without_end_hole)),
    ("FIL-020", "no flag", _set(_covers_hole, f"{_EXT}.flags", 0)),
    ("FIL-004", "rubbish behind the size", _once("data", _dirty_end, _is_short)),
    ("FIL-005", "another owner in ts_addr", _set(_type(TS_ADDR), f"{_OLD}.di_uid", _more)),
    ("FIL-006", "too long runs", _set(_inode(FILE), f"{_BODY}.run_records", _more)),
    ("FIL-007", "a wrong first block", _set(_type(TS_ADDR), f"{_BODY}.first_block", _more)),
    ("FIL-009", "a name too many", _set(_inode(FILE), f"{_BODY}.nlink", _more)),
    ("FIL-010", "another old owner", _set(_inode(FILE), f"{_OLD}.di_ouid", 7)),
    ("FIL-011", "another old time", _set(_inode(FILE), f"{_OLD}.di_mtime.tv_sec", 7)),
    ("FIL-012", "no number", _set(_inode(*DEVICES), f"{_OLD}.di_db", lambda d: [0, d[0], *d[2:]])),
    ("FIL-008", "a NUL in a target", _to("target", lambda target: target + b"\0")),
    ("FIL-016", "flags of a link", _set(_inode(LINK, FIFO), f"{_OLD}.di_flags", 1)),
    ("XAT-012", "no attributes", _to("xattrs", lambda data: data[:32] + bytes(len(data) - 32))),
    ("XAT-003", "a record too many", _set(_has_attributes, f"{_BODY}.attribute_records", _more)),
    ("XAT-010", "another kind", _set(_is_attributes, "c_extattributes", 1)),
    ("XAT-011", "the kind in a file", _set(_inode(FILE), "c_extattributes", 3)),
    ("XAT-001", "the other form", _to("xattrs", _other_form)),
    ("XAT-002", "a longer list", _to("header", _longer_list)),
    ("XAT-004", "big-endian", _to("xattrs", _swapped_words)),
    ("XAT-005", "an unknown first part", _to("xattrs", _in_entry("name_index", 99))),
    ("XAT-006", "a value outside", _to("xattrs", _in_entry("value_offset", 60_000))),
    ("XAT-007", "an ACL of version 2", _once("xattrs", _acl_of_version_2, _is_acl)),
    (
        "XAT-008",
        "rubbish",
        _once("xattrs", lambda d: d[:4095] + b"\1" + d[4096:], lambda d: len(d) > 4096),
    ),
    ("XAT-009", "too many", _set(_has_attributes, f"{_BODY}.attribute_records", 600)),
    ("SCT-001", "another mode", _set(_section, f"{_OLD}.di_mode", 0o100644)),
    ("SCT-008", "an owner", _set(_section, f"{_OLD}.di_uid", 1)),
    ("SCT-002", "the map first", _to("parts", lambda parts: _swapped(parts, 5, 6))),
    ("SCT-004", "the map twice", _to("parts", lambda p: [*p[:7], p[6], *p[7:]])),
    ("SCT-007", "zeros are present", _to("zeros", lambda _: True)),
    ("SCT-009", "version 2", _set(_section, f"{_BODY}.section_version", 2)),
    ("STR-001", "no base", _set(_stream_file, f"{_BODY}.base_inode", 0)),
    ("STR-011", "no stream directory", _set(_base, f"{_BODY}.stream_directory", 0)),
    ("STR-013", "two names", _set(_stream_file, f"{_BODY}.nlink", 2)),
    ("STR-002", "descending", _to("streams", lambda parts: parts[::-1])),
    ("STR-003", "a long run", _set(_anything, f"{_BODY}.run_records", _more, "stream directory")),
    ("STR-004", "a magic", _set(_anything, "c_magic", 60012, "stream directory")),
    ("STR-006", "three names", _set(_anything, f"{_BODY}.nlink", 3, "stream directory")),
    ("STR-005", "a date", _set(_anything, "c_date", 1, "stream directory")),
    ("STR-007", ".. is inode 1", _bytes("stream entries", 12, b"\1\0\0\0")),
    ("STR-008", "a name twice", _once("stream names", _last_twice, bool)),
    ("STR-009", "a colon", _once("stream names", _renamed(b"a:b"), bool)),
    ("STR-016", "no bits", _to("held", lambda numbers: numbers[:1] + numbers[2:])),
    ("ACL-001", "a longer heap", _once("nt acls", lambda data: data + bytes(8))),
    (
        "ACL-006",
        "a descriptor twice",
        _once("nt acls", _twice_in_heap("index", "descriptors"), _rows(1)),
    ),
    ("ACL-002", "descending", _once("nt acls", _turned_rows, _rows(2))),
    ("ACL-007", "no such origin", _once("nt acls", _row(0, "origin", 99), _rows(1))),
    ("ACL-008", "a long origin", _once("acls", _long_origin, bool)),
    (
        "ACL-009",
        "an origin twice",
        _once("nt acls", _twice_in_heap("origin_index", "origins"), _has_origin),
    ),
    ("ACL-010", "no such inode", _once("nt acls", _row(-1, "inode", 9_999_999), _rows(1))),
    ("ACL-003", "they differ", _to("trailing", _other_block)),
    ("SDE-001", "not self-relative", _once("acls", _descriptor(_byte(3, b"\0")), bool)),
    (
        "SDE-002",
        "big-endian",
        _once("acls", _descriptor(lambda d: d[:4] + d[7:3:-1] + d[8:]), bool),
    ),
    ("SDE-003", "an offset outside", _once("acls", _descriptor(_byte(4, b"\xff\xff\0\0")), bool)),
    ("SDE-009", "too long", _once("acls", _descriptor(lambda d: d + bytes(262_144)), bool)),
    ("SDE-008", "without its end", _once("acls", _descriptor(lambda d: d + bytes(4)), bool)),
    ("SDE-004", "a SID of revision 2", _once("acls", _in_owner(0, b"\2"), bool)),
    ("SDE-005", "an ACL of revision 9", _once("acls", _in_acl(0, b"\x09"), bool)),
    ("SDE-006", "an entry of size 0", _once("acls", _in_acl(10, b"\0\0"), bool)),
    ("OFF-001", "an element too many", _to("map", lambda data: data + bytes(8))),
    ("OFF-002", "a wrong element", _to("map", _moved_element)),
    ("OFF-006", "descending", _to("map", _swapped_elements)),
    ("END-001", "ends differ", _once("header", _other_end, _type(TS_END))),
    ("END-002", "one end too many", _to("padding", lambda count: count + 1)),
    ("END-003", "good with a mismatch", _set(_type(TS_END), f"{_BODY}.mismatches", 1)),
    ("END-004", "no hash", _set(_type(TS_END), f"{_BODY}.offset_map_sha256", bytes(32))),
    ("END-005", "substituted", _set(_type(TS_END), f"{_BODY}.substituted", 1)),
    ("END-008", "attributed", _set(_type(TS_END), f"{_BODY}.attributed", _more)),
]


WRITER_BREAKS = {f"DARI-{short}": (told, make) for short, told, make in _TABLE}
"""What is written instead, and what makes the writer write it, by requirement."""
