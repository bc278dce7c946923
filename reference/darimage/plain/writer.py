"""The plain writer: a tree in memory to an image, chapter by chapter.

Everything is known before the first byte of file data is written (DARI-OFF-003): the tree is
numbered, the parts are laid out, then the records are made in the order of the image.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from darimage.plain.breaking import KEPT, Breaking, Fields
from darimage.plain.faults import RECORD
from darimage.plain.records import (
    ADDRESSES,
    ATTRIBUTES,
    BITMAP,
    END,
    INODE,
    MAGIC,
    NEW_INODES,
    SECTION,
    SUM,
    TS_ADDR,
    TS_BITS,
    TS_CLRI,
    TS_END,
    TS_INODE,
    TS_TAPE,
    VOLUME,
    crc32c,
)
from darimage.schema.codecs import Order, layout

ROOT = 2
CHUNK = 512
NEW_HEADER = 0x1
LINKS_MAX = 32_767
LIST_MAX = 4_096
STREAMS, ACLS_FRONT, OFFSET_MAP, ACLS_TRAILING = 1, 2, 3, 4
NT_ACLS, WITH_STREAMS, XATTRS, INCREMENTAL = 0x1, 0x2, 0x4, 0x8
END_IS_HOLE = 0x4
FILE, DIRECTORY = 8, 4
GOOD = 1
LOW = 0xFFFFFFFF


class Node(Protocol):
    """An inode of the tree, as ``darimage.sources.memory`` has it; one object is one inode."""

    mode: int
    children: Any
    size: int
    data: Any
    target: bytes
    rdev: int
    flags: int
    uid: int
    gid: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    birthtime_ns: int
    xattrs: bytes
    nt_acl: tuple[bytes, bytes] | None
    streams: Any


@dataclass(frozen=True)
class Options:
    """How an image is made.

    Attributes:
        date: Seconds since 1970.
        uuid: Identity of the image, 16 bytes.
        label: Label; ``filesys``, ``device`` and ``host`` say what it was made of.
        ntrec: Blocking factor.
        acls: Whether the image has NT ACL sections.
        reproducible: Whether access times are taken from ``mtime``, as reading changes them.
        volume_records: Records of a volume; 0 does not cut the image.
        level: 0, or 1 to 9 with a base; then only nodes that are ``changed`` are in the image.
        base_date: Date of the base.
        base_uuid: Identity of the base.
    """

    date: int
    uuid: bytes
    label: bytes = b"none"
    filesys: bytes = b""
    device: bytes = b""
    host: bytes = b""
    ntrec: int = 10
    acls: bool = True
    reproducible: bool = False
    volume_records: int = 0
    level: int = 0
    base_date: int = 0
    base_uuid: bytes = bytes(16)


@dataclass(eq=False)
class Item:
    """An inode of the image.

    Attributes:
        node: What the tree has.
        number: Its number.
        names: How many names it has.
        parent: Number of the directory above it; of a directory only.
        base: The inode whose stream it is; 0 for none.
        stream_directory: Number of its stream directory; 0 for none.
        streams: Its streams by name.
        entries: Name and item of each entry; of a directory only.
        held: Whether the image holds it.
        at: Where its run lies, in logical records.
    """

    node: Node
    number: int = 0
    names: int = 0
    parent: int = ROOT
    base: int = 0
    stream_directory: int = 0
    streams: list[tuple[bytes, Item]] = field(default_factory=list)
    entries: list[tuple[bytes, Item]] = field(default_factory=list)
    held: bool = True
    at: int = 0

    @property
    def is_directory(self) -> bool:
        """Whether it is one."""
        return stat.S_ISDIR(self.node.mode)

    @property
    def xattrs(self) -> bytes:
        """Payload of its attribute records; a stream has none (chapter 65)."""
        return b"" if self.base else self.node.xattrs

    @property
    def nt_acl(self) -> tuple[bytes, bytes] | None:
        """Its descriptor and origin; a stream has that of its base (chapter 75)."""
        return None if self.base else self.node.nt_acl

    @property
    def kind(self) -> int:
        """``d_type`` of an entry that names it (DARI-DIR-012)."""
        return self.node.mode >> 12


@dataclass(frozen=True)
class Payload:
    """What lies under the headers of a run.

    Attributes:
        size: Bytes.
        blocks: The present blocks by number, whole records.
        is_hole: Whether the last block stands for a hole (DARI-FIL-020).
    """

    size: int
    blocks: Mapping[int, bytes]
    is_hole: bool = False

    @property
    def headers(self) -> int:
        """How many headers it takes (DARI-FIL-002)."""
        return max(1, -(-records_of(self.size) // ADDRESSES))

    @property
    def run(self) -> int:
        """Headers and present blocks."""
        return self.headers + len(self.blocks)


def encode(root: Node, options: Options, breaking: Breaking = KEPT) -> bytes:
    """Return the image of a tree, all volumes of it one behind the other."""
    return _Writer(root, options, breaking).write()


def records_of(size: int) -> int:
    """Return how many blocks a number of bytes takes."""
    return -(-size // RECORD)


class Tree:
    """The inodes of a tree, numbered (DARI-DIR-014).

    Attributes:
        directories: In the order of their numbers.
        others: Likewise.
        stream_directories: The bases, by the number of their stream directory.
    """

    def __init__(self, root: Node, options: Options) -> None:
        """Number a tree."""
        self.directories: list[Item] = []
        self.others: list[Item] = []
        bases: list[Item] = []
        known: dict[int, Item] = {}
        pending = [Item(root)]
        while pending:
            item = pending.pop()
            self.directories.append(item)
            item.names = 2
            if item.node.streams:
                bases.append(item)
                self._add_streams(item)
            below = []
            for name, node in sorted(item.node.children.items()):
                if stat.S_ISDIR(node.mode):
                    child = Item(node)
                    item.names += 1
                    below.append(child)
                elif id(node) in known:
                    child = known[id(node)]
                    child.names += 1
                else:
                    child = known[id(node)] = Item(node, names=1)
                    self.others.append(child)
                    if node.streams:
                        self._add_streams(child)
                item.entries.append((name, child))
            pending += reversed(below)
        bases += [item for item in self.others if item.streams]
        self._number(bases)
        for item in self.directories:
            for _, child in item.entries:
                if child.is_directory:
                    child.parent = item.number
        if options.level:
            self._choose()
        self.stream_directories = {item.stream_directory: item for item in bases}

    def _add_streams(self, base: Item) -> None:
        """Let the streams of an inode follow it (DARI-STR-012)."""
        for name, node in sorted(base.node.streams.items()):
            stream = Item(node, names=1)
            base.streams.append((name, stream))
            self.others.append(stream)

    def _number(self, bases: list[Item]) -> None:
        """Number directories, then stream directories, then all others."""
        number = ROOT
        for item in self.directories:
            item.number = getattr(item.node, "number", 0) or number
            number += 1
        for item in bases:
            item.stream_directory = number
            number += 1
        for item in self.others:
            item.number = getattr(item.node, "number", 0) or number
            number += 1
        for base in bases:
            for _, stream in base.streams:
                stream.base = base.number

    def _choose(self) -> None:
        """Hold what changed, in an incremental image (DARI-INC-002)."""
        for item in (*self.directories, *self.others):
            item.held = bool(getattr(item.node, "changed", True))

    @property
    def existing(self) -> list[int]:
        """All numbers, ascending: bitmap I."""
        found = [item.number for item in (*self.directories, *self.others)]
        return sorted([*found, *self.stream_directories])

    @property
    def held(self) -> list[int]:
        """The numbers of what the image holds, ascending: bitmap II."""
        found = [item.number for item in (*self.directories, *self.others) if item.held]
        named = [number for number, base in self.stream_directories.items() if base.held]
        return sorted([*found, *named])


class _Writer:
    """Makes one image."""

    def __init__(self, root: Node, options: Options, breaking: Breaking) -> None:
        self._options, self._breaking = options, breaking
        self._tree = Tree(root, options)
        self._above = sorted(
            (item for item in self._tree.directories if item.held), key=lambda one: one.number
        )
        self._below = sorted(
            (item for item in self._tree.others if item.held), key=lambda one: one.number
        )
        self._highest = self._tree.existing[-1]
        self._records: list[bytes] = []
        self._runs: list[int] = []
        self._mismatches = 0
        self._payloads: dict[Item, Payload] = {}

    # Laying out: "Computing it" of chapter 80.

    def _plan(self) -> None:
        """Compute where everything lies, in logical records."""
        self._map_records = max(1, -(-self._highest // (8 * RECORD)))  # DARI-BMP-003
        at = 1 + 2 * (1 + self._map_records)  # step 2
        for item in self._above:  # step 3
            item.at = at
            at += self._run(item)
        self._places: dict[int, int] = {}
        self._sections: dict[int, Payload] = {}
        if streams := self._stream_payload():  # step 4
            self._sections[STREAMS] = self._sparse(streams)
        if self._options.acls:
            made = nt_acls(self._breaking.change("acls", self._with_acl()), self._breaking.order)
            self._sections[ACLS_FRONT] = self._sparse(self._breaking.change("nt acls", made))
        for which, payload in self._sections.items():
            self._places[which] = at
            at += payload.run
        self._places[OFFSET_MAP] = at  # step 5: which elements are 0 is known already
        numbers = [item.number for item in self._below]
        at += self._sparse(self._offset_map(dict.fromkeys(numbers, 1))).run
        self._files = at  # step 6
        for item in self._below:  # step 7
            item.at = at
            at += self._run(item)
        offsets = {item.number: self._real(item.at) * RECORD for item in self._below}
        self._map = self._offset_map(offsets)
        self._sections[OFFSET_MAP] = self._sparse(self._map)
        if self._options.acls:
            self._places[ACLS_TRAILING] = at
            trailing = self._breaking.change("trailing", self._sections[ACLS_FRONT])
            self._sections[ACLS_TRAILING] = trailing
            at += trailing.run
        self._end = at
        # ts_end is repeated up to a whole number of tape blocks (DARI-END-002).
        padding = self._options.ntrec - self._real(at) % self._options.ntrec
        self._total = at + self._breaking.change("padding", padding)

    def _sparse(self, data: bytes) -> Payload:
        return sparse(data, keep=bool(self._breaking.change("zeros", False)))

    def _offset_map(self, offsets: Mapping[int, int]) -> bytes:
        made = offset_map(offsets, self._highest, self._breaking.order)
        return bytes(self._breaking.change("map", made))

    def _real(self, record: int) -> int:
        """Return the record number of a logical record (DARI-VOL-013)."""
        size: int = self._breaking.change("capacity", self._options.volume_records)
        if not size or record < size:
            return record
        return record + 1 + (record - size) // (size - 1)

    def _run(self, item: Item) -> int:
        """Return the records of an inode's run (DARI-FIL-006)."""
        return self._payload(item).run + attribute_records(item)

    def _payload(self, item: Item) -> Payload:
        if item not in self._payloads:
            self._payloads[item] = self._new_payload(item)
        return self._payloads[item]

    def _new_payload(self, item: Item) -> Payload:
        if item.is_directory:
            return dense(self._entries(item))
        if stat.S_ISLNK(item.node.mode):
            return dense(self._breaking.change("target", item.node.target))
        if not stat.S_ISREG(item.node.mode):
            return Payload(0, {})
        made: Payload = self._breaking.change("contents", contents(item.node))
        return made

    def _entries(self, item: Item) -> bytes:
        """Return the entries of a directory (DARI-DIR-003)."""
        dots = [(item.number, DIRECTORY, b"."), (item.parent, DIRECTORY, b"..")]
        named = [(child.number, child.kind, name) for name, child in item.entries]
        return self._encoded("entries", [*dots, *self._breaking.change("named", named)])

    def _encoded(self, what: str, found: list[tuple[int, int, bytes]]) -> bytes:
        breaking = self._breaking
        made = entries(found, breaking.order, breaking.chunk)
        return bytes(breaking.change(what, made))

    def _with_acl(self) -> list[tuple[int, tuple[bytes, bytes]]]:
        found = (*self._above, *self._below)
        with_one = [(item.number, item.nt_acl) for item in found]
        return sorted((number, acl) for number, acl in with_one if acl is not None)

    def _stream_payload(self) -> bytes:
        """Return the stream directories, ascending by number (DARI-STR-002)."""
        held = sorted(self._tree.stream_directories.items(), key=lambda pair: pair[0])
        made = [self._stream_directory(number, base) for number, base in held if base.held]
        return b"".join(self._breaking.change("streams", made))

    def _stream_directory(self, number: int, base: Item) -> bytes:
        """Return one: a record in the layout of a header, and its entries (DARI-STR-003)."""
        dots = [(number, DIRECTORY, b"."), (base.number, 0, b"..")]
        named = [(stream.number, FILE, name) for name, stream in base.streams]
        named = self._breaking.change("stream names", named)
        data = self._encoded("stream entries", [*dots, *named])
        size, data = len(data), padded(data)
        times = self._times(base.node)
        fields = {
            "c_type": TS_INODE,
            "c_inumber": number,
            "c_dinode": {
                "di_mode": stat.S_IFDIR | base.node.mode & 0o777,
                "di_nlink": 2,
                "di_size": size,
                **old_times(times),
                **owner(base.node),
            },
            "extension": {
                "magic": b"DARI",
                "kind": INODE,
                "version": 1,
                "records_crc32c": crc32c(data),
                "body": {
                    "image_id": self._options.uuid[:4],
                    "base_inode": base.number,
                    "run_records": 1 + len(data) // RECORD,
                    "nlink": 2,
                    **{f"{name}_ns": value for name, value in times.items()},
                },
            },
        }
        fields = self._breaking.change("stream directory", fields)
        made = build(fields, self._breaking.order)
        return with_crc(made, self._breaking) + data

    def _times(self, node: Node) -> dict[str, int]:
        return {
            "atime": node.mtime_ns if self._options.reproducible else node.atime_ns,
            "mtime": node.mtime_ns,
            "ctime": node.ctime_ns,
            "birthtime": node.birthtime_ns,
        }

    # Writing: the parts in the order of DARI-REC-002.

    def write(self) -> bytes:
        """Return the image."""
        self._plan()
        parts = [
            self._write_volume_header,
            partial(self._write_bitmap, TS_CLRI),
            partial(self._write_bitmap, TS_BITS),
            partial(self._write_inodes, "above", self._above),
            *(partial(self._write_section, which) for which in (STREAMS, ACLS_FRONT, OFFSET_MAP)),
            partial(self._write_inodes, "below", self._below),
            partial(self._write_section, ACLS_TRAILING),
            self._write_ends,
        ]
        for write in self._breaking.change("parts", parts):
            write()
        made: bytes = self._breaking.change("image", self._cut())
        return made

    def _write_inodes(self, which: str, items: list[Item]) -> None:
        """Write part 4 or part 8, ascending (DARI-DIR-001, DARI-FIL-001)."""
        for item in self._breaking.change(which, items):
            self._write_inode(item)

    def _head(self, c_type: int, kind: int, body: Fields, **fields: Any) -> Fields:
        """Return the fields of a header that is written next, with what all of them have."""
        options = self._options
        real = self._real(len(self._records))
        size = options.volume_records
        if kind != VOLUME:
            body = {"image_id": options.uuid[:4], **body}  # DARI-EXT-008
        extension = {"magic": b"DARI", "kind": kind, "version": 1, "body": body}
        return {
            "c_type": c_type,
            "c_date": options.date & LOW,
            "c_ddate": options.base_date & LOW,
            "c_volume": real // size + 1 if size else 1,
            "c_tapea": real & LOW,
            "c_magic": MAGIC,
            "c_label": cut_text(options.label, 16),
            "c_level": options.level,
            "c_filesys": cut_text(options.filesys, 64),
            "c_dev": cut_text(options.device, 64),
            "c_host": cut_text(options.host, 64),
            "c_flags": NEW_INODES,
            "c_firstrec": real - real % size & LOW if size else 0,
            "c_ntrec": options.ntrec,
            **fields,
            "extension": extension,
        }

    def _put(self, fields: Fields, data: bytes = b"") -> None:
        """Write a header and the records under it, with both CRCs (DARI-REC-028, -029)."""
        if fields["c_type"] != TS_ADDR:
            self._runs.append(len(self._records))
        fields["extension"]["records_crc32c"] = crc32c(data)
        fields = self._breaking.change("header", fields)
        self._records.append(sealed(fields, self._breaking))
        _, data = self._breaking.change("data", (fields, data))
        self._records += [data[at : at + RECORD] for at in range(0, len(data), RECORD)]

    def _write_volume_header(self) -> None:
        """Write part 1 (chapter 30)."""
        options, places = self._options, self._places
        features = NT_ACLS if ACLS_FRONT in places else 0
        features |= WITH_STREAMS if STREAMS in places else 0
        attributed = any(item.xattrs for item in (*self._above, *self._below))
        features |= XATTRS if attributed else 0
        features |= INCREMENTAL if options.level else 0
        body = {
            "image_uuid": options.uuid,
            "records_per_volume": options.volume_records,
            "total_records": self._real(self._total - 1) + 1,
            "stream_directories": self._real(places.get(STREAMS, 0)),
            "nt_acls_front": self._real(places.get(ACLS_FRONT, 0)),
            "offset_map": self._real(places[OFFSET_MAP]),
            "files": self._real(self._files),
            "nt_acls_trailing": self._real(places.get(ACLS_TRAILING, 0)),
            "feature_compat": features,
            "feature_incompat": 1 if options.volume_records else 0,
            "c_date_epoch": options.date >> 32,
            "c_ddate_epoch": options.base_date >> 32,
        }
        flags = NEW_INODES | NEW_HEADER
        self._first = self._head(TS_TAPE, VOLUME, body, c_count=1, c_flags=flags)
        self._put(self._first)

    def _write_bitmap(self, c_type: int) -> None:
        """Write part 2 or 3 (chapter 40)."""
        of_all = c_type == TS_CLRI
        numbers = self._tree.existing if of_all else self._tree.held
        numbers = self._breaking.change("existing" if of_all else "held", numbers)
        data = bytearray(self._map_records * RECORD)
        for number in numbers:
            data[(number - 1) // 8] |= 1 << (number - 1) % 8  # DARI-BMP-002
        body = {
            "highest_inode": max(numbers),
            "bits_set": len(numbers),
            "base_uuid": self._options.base_uuid,
        }
        self._put(self._head(c_type, BITMAP, body, c_count=self._map_records), bytes(data))

    def _write_inode(self, item: Item) -> None:
        """Write an inode's run (chapters 50, 60 and 65)."""
        # Where it lies is compared with the map (DARI-OFF-004).
        self._mismatches += len(self._records) != item.at
        payload = self._payload(item)
        node, times = item.node, self._times(item.node)
        has_flags = item.is_directory or stat.S_ISREG(node.mode)
        dinode = {
            "di_mode": node.mode,
            "di_nlink": 0 if item.base else min(item.names, LINKS_MAX),
            "di_size": payload.size,
            "di_db": [node.rdev & LOW] + [0] * 11,
            "di_flags": node.flags if has_flags else 0,
            **old_times(times),
            **owner(node),
        }
        body = {
            "base_inode": item.base,
            "run_records": self._run(item),
            "stream_directory": item.stream_directory,
            "nlink": item.names,
            **{f"{name}_ns": value for name, value in times.items()},
            "attribute_records": attribute_records(item),
        }
        self._write_run(INODE, body, payload, c_inumber=item.number, c_dinode=dinode)
        if item.xattrs:
            data = self._breaking.change("xattrs", item.xattrs)
            dinode["di_size"] = min(len(data), LIST_MAX)
            count = records_of(len(data))
            head = self._head(
                TS_INODE,
                INODE,
                {**body, "first_block": 0},
                c_inumber=item.number,
                c_dinode=dinode,
                c_flags=NEW_INODES | ATTRIBUTES,
                c_extattributes=3,
                c_count=count,
                c_addr=bytes([1]) * count,
            )
            self._put(head, padded(data))

    def _write_run(self, kind: int, body: Fields, payload: Payload, **fields: Any) -> None:
        """Write the headers of a run and the blocks under each (DARI-FIL-002)."""
        blocks = records_of(payload.size)
        for index in range(payload.headers):
            first = index * ADDRESSES
            covered = range(first, min(first + ADDRESSES, blocks))
            head = self._head(
                TS_ADDR if index else TS_INODE,
                kind,
                {**body, "first_block": first},
                **fields,
                c_count=len(covered),
                c_addr=bytes(int(block in payload.blocks) for block in covered),
            )
            if payload.is_hole and index == payload.headers - 1:
                head["extension"]["flags"] = END_IS_HOLE
            data = [payload.blocks[block] for block in covered if block in payload.blocks]
            self._put(head, b"".join(data))

    def _write_section(self, which: int) -> None:
        """Write a section as a file of inode 1 (chapter 70)."""
        if which not in self._sections:
            return
        payload = self._sections[which]
        body = {
            "section": which,
            "section_version": 1,
            "payload_size": payload.size,
            "run_records": payload.run,
        }
        dinode = {"di_mode": stat.S_IFREG | 0o600, "di_size": payload.size}
        self._write_run(SECTION, body, payload, c_inumber=1, c_dinode=dinode)

    def _write_ends(self) -> None:
        """Write part 10 (chapter 85)."""
        attributed = [item for item in (*self._above, *self._below) if item.xattrs]
        body = {
            "verdict": 2 if self._mismatches else GOOD,
            "files_written": len(self._below),
            "mismatches": self._mismatches,
            "offset_map_sha256": hashlib.sha256(self._map).digest(),
            "attributed": len(attributed),
        }
        while len(self._records) < self._total:
            self._put(self._head(TS_END, END, body))

    # Volumes.

    def _cut(self) -> bytes:
        """Return the image, with a continuation header at the head of each volume but the first."""
        size = self._options.volume_records
        if not size:
            return b"".join(self._records)
        parts, at = self._records[:size], size
        while at < len(self._records):
            parts.append(self._continuation(at))
            parts += self._records[at : at + size - 1]
            at += size - 1
        return b"".join(parts)

    def _continuation(self, at: int) -> bytes:
        """Return the header of the volume that begins with a logical record (DARI-VOL-014)."""
        size = self._options.volume_records
        real = self._real(at) - 1
        following = next((run for run in self._runs if run >= at), at)
        fields = {
            **self._first,
            "c_volume": real // size + 1,
            "c_tapea": real & LOW,
            "c_firstrec": real & LOW,
            "c_count": min(following - at, size - 1),  # DARI-VOL-015
        }
        return sealed(self._breaking.change("continuation", fields), self._breaking)


# The forms of what is written.


def build(fields: Fields, order: Order = "le") -> bytes:
    """Return a record; what is not given is zero (DARI-CNV-004)."""
    whole = _blank("record")
    _fill(whole, {key: value for key, value in fields.items() if key != "extension"})
    given = dict(fields["extension"])
    body = _blank(_BODIES[given["kind"]]) if given["kind"] in _BODIES else {"bytes": bytes(80)}
    _fill(body, given.pop("body") if given["kind"] in _BODIES else {})
    whole["extension"] = {**_blank("extension"), **given, "body": body}
    return bytes(layout("record", order).build(whole))


_BODIES = {
    VOLUME: "extension/volume_body",
    INODE: "extension/inode_body",
    SECTION: "extension/section_body",
    END: "extension/end_body",
    BITMAP: "extension/bitmap_body",
}


def _blank(name: str) -> Any:
    """Return a layout of zeros."""
    return layout(name).parse(bytes(RECORD))


def _fill(whole: Any, fields: Fields) -> None:
    """Put fields into a layout; bytes that are shorter are filled up with zeros."""
    for name, value in fields.items():
        if isinstance(value, dict):
            _fill(whole[name], value)
        elif isinstance(value, bytes):
            whole[name] = value.ljust(len(whole[name]), b"\0")
        else:
            whole[name] = value


def sealed(fields: Fields, breaking: Breaking = KEPT) -> bytes:
    """Return a header with its CRC and its sum, each with the other as zero (DARI-REC-028)."""
    fields = {**fields, "c_checksum": 0}
    fields["extension"] = {**fields["extension"], "header_crc32c": 0}
    record = with_crc(build(fields, breaking.order), breaking)
    order: Any = "little" if breaking.order == "le" else "big"
    words = (int.from_bytes(record[at : at + 4], order) for at in range(0, RECORD, 4))
    checksum: int = breaking.change("checksum", (SUM - sum(words)) % 2**32)
    return record[:28] + checksum.to_bytes(4, order) + record[32:]


def with_crc(record: bytes, breaking: Breaking) -> bytes:
    """Return a header with ``header_crc32c``, which is zero when it is computed."""
    order: Any = "little" if breaking.order == "le" else "big"
    crc: int = breaking.change("crc", crc32c(record))
    return record[:936] + crc.to_bytes(4, order) + record[940:]


def cut_text(value: bytes, width: int) -> bytes:
    """Return text with at least one NUL behind it (DARI-REC-023)."""
    return value[: width - 1].ljust(width, b"\0")


def padded(data: bytes) -> bytes:
    """Return bytes filled up with zeros to whole records (DARI-FIL-004)."""
    return data + bytes(-len(data) % RECORD)


def old_times(times: Mapping[str, int]) -> Fields:
    """Return the times of the old inode (DARI-FIL-011)."""
    made = {}
    for name in ("atime", "mtime", "ctime"):
        seconds, rest = divmod(times[name], 1_000_000_000)
        made[f"di_{name}"] = {"tv_sec": seconds & LOW, "tv_usec": rest // 1000}
    return made


def owner(node: Node) -> Fields:
    """Return owner and group, and their low halves (DARI-FIL-010)."""
    return {
        "di_uid": node.uid,
        "di_gid": node.gid,
        "di_ouid": node.uid & 0xFFFF,
        "di_ogid": node.gid & 0xFFFF,
    }


def attribute_records(item: Item) -> int:
    """Return how many attribute records an inode has (DARI-XAT-003)."""
    return 1 + records_of(len(item.xattrs)) if item.xattrs else 0


def dense(data: bytes) -> Payload:
    """Return bytes without holes, as a directory or a target is (DARI-DIR-013)."""
    whole = padded(data)
    blocks = {at // RECORD: whole[at : at + RECORD] for at in range(0, len(whole), RECORD)}
    return Payload(len(data), blocks)


def sparse(data: bytes, *, keep: bool = False) -> Payload:
    """Return a section's payload: blocks of zeros are holes, but the last (DARI-SCT-007)."""
    whole = dense(data)
    last = records_of(len(data)) - 1
    kept = {at: one for at, one in whole.blocks.items() if keep or any(one) or at == last}
    return Payload(len(data), kept)


def contents(node: Node) -> Payload:
    """Return the blocks of a regular file; the last is always present (DARI-FIL-003, -019)."""
    blocks: dict[int, bytearray] = {}
    for start, data in sorted(node.data.items()):
        end = min(start + len(data), node.size)
        for block in range(start // RECORD, records_of(end)) if start < end else ():
            record = blocks.setdefault(block, bytearray(RECORD))
            first = max(start, block * RECORD)
            stop = min(end, (block + 1) * RECORD)
            record[first % RECORD : first % RECORD + stop - first] = data[
                first - start : stop - start
            ]
    last = records_of(node.size) - 1
    is_hole = last >= 0 and last not in blocks
    if is_hole:
        blocks[last] = bytearray(RECORD)
    return Payload(node.size, {at: bytes(block) for at, block in blocks.items()}, is_hole)


def entries(found: list[tuple[int, int, bytes]], order: Order = "le", size: int = CHUNK) -> bytes:
    """Return entries in chunks of 512 bytes; the last of each takes its rest (DARI-DIR-005)."""
    chunks: list[list[tuple[int, int, bytes]]] = [[]]
    used = 0
    for entry in found:
        length = _length(entry[2])
        if used + length > size:
            chunks.append([])
            used = 0
        chunks[-1].append(entry)
        used += length
    return b"".join(b"".join(_chunk(chunk, order, size)) for chunk in chunks)


def _length(name: bytes) -> int:
    return 8 + len(name) + 1 + -(len(name) + 1) % 4


def _chunk(chunk: list[tuple[int, int, bytes]], order: Order, left: int) -> Iterator[bytes]:
    head = layout("directory/entry_head", order)
    for index, (inode, kind, name) in enumerate(chunk):
        length = left if index == len(chunk) - 1 else _length(name)
        left -= length
        yield head.build(
            {"d_ino": inode, "d_reclen": length, "d_type": kind, "d_namlen": len(name)}
        )
        yield name.ljust(length - 8, b"\0")


def offset_map(offsets: Mapping[int, int], highest: int, order: Order = "le") -> bytes:
    """Return the map: one element for each inode number up to the highest (DARI-OFF-001)."""
    element = layout("offset_map/element", order)
    zero = element.build({"offset": 0})
    found = {number: element.build({"offset": place}) for number, place in offsets.items()}
    return b"".join(found.get(number, zero) for number in range(highest + 1))


def nt_acls(found: list[tuple[int, tuple[bytes, bytes]]], order: Order = "le") -> bytes:
    """Return the payload of an NT ACL section: each thing stored once (chapter 75)."""
    descriptors: dict[bytes, int] = {}
    origins: dict[bytes, int] = {}
    rows = []
    for number, (descriptor, origin) in found:
        one = descriptors.setdefault(descriptor, len(descriptors))
        # Origins count from 1; 0 is none (DARI-ACL-007).
        other = origins.setdefault(origin, len(origins)) + 1 if origin else 0
        rows.append({"inode": number, "descriptor": one, "origin": other, "reserved": 0})
    heap = b""
    spans = []
    for part in (*descriptors, *origins):
        spans.append({"offset": len(heap), "size": len(part)})
        heap += part + bytes(-len(part) % 8)  # DARI-ACL-006
    head = {
        "rows": len(rows),
        "descriptors": len(descriptors),
        "origins": len(origins),
        "reserved": 0,
        "heap_size": len(heap),
    }
    made = {
        "head": head,
        "table": rows,
        "index": spans[: len(descriptors)],
        "origin_index": spans[len(descriptors) :],
        "heap": heap,
    }
    return bytes(layout("nt_acls", order).build(made))
