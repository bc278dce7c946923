"""Header records of inodes, bitmaps, sections and the ends of an image, from columns."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from darimage.image.inventory import Inventory
from darimage.image.layout import Layout, SectionPlan
from darimage.schema import (
    Compat,
    CType,
    DrFlag,
    ExtAttributes,
    Incompat,
    Kind,
    Section,
    Verdict,
)
from darimage.sections import header, holes, xattrs
from darimage.sections.crc import crc32c
from darimage.sections.header import Headers, Identity
from darimage.sections.payload import Payload
from darimage.units import ADDRESSES, RECORD, headers_of, records_of
from darimage.volumes.cut import Cut

_NLINK_MAX = 32767
_SECTION_MODE = 0o100600
_PRESENT = np.tri(ADDRESSES + 1, ADDRESSES, -1, dtype=np.uint8)
"""``c_addr`` by how many records follow a header, none of them a hole."""

_BODY = (
    "atime_ns",
    "mtime_ns",
    "ctime_ns",
    "birthtime_ns",
    "nlink",
    "source_inode",
    "attribute_records",
)
"""Fields of the extension that are columns of the inventory."""

Rows = npt.NDArray[np.int64]


class InodeHeaders:
    """Makes the headers of an inventory's inodes, many at once."""

    def __init__(self, inventory: Inventory, layout: Layout, identity: Identity) -> None:
        """Keep what the headers are made from."""
        self._inventory = inventory
        self._layout = layout
        self._template = header.as_records(header.blank(1, CType.TS_INODE, Kind.INODE, identity))
        self._space = np.empty((0, RECORD), np.uint8)
        self._other_space = np.empty((0, RECORD), np.uint8)

    def make(self, rows: Rows, number: Rows) -> Headers:
        """Return headers, not yet sealed; they are valid until the next call.

        Args:
            rows: Row of the inventory of each header.
            number: Which of its inode's headers each one is, from 0.
        """
        source = self._inventory
        if len(rows) > len(self._space):
            self._space = np.empty((len(rows), RECORD), np.uint8)
        self._space[: len(rows)] = self._template
        made = header.as_headers(self._space[: len(rows)])
        made["c_type"] = np.where(number == 0, CType.TS_INODE, CType.TS_ADDR)
        made["c_inumber"] = source.inode[rows]
        _fill_dinode(made["c_dinode"], source, rows)
        self._fill_addresses(made, rows, number)
        body = made["extension"]["body"]
        body["run_records"] = self._layout.runs[rows]
        body["first_block"] = number * ADDRESSES
        for name in _BODY:
            body[name] = getattr(source, name)[rows]
        body["source_device"] = source.source_device[rows] & 0xFFFFFFFF
        if source.base_inode is not None and source.stream_directory is not None:
            body["base_inode"] = source.base_inode[rows]
            made["c_dinode"]["di_nlink"][source.base_inode[rows] != 0] = 0
            body["stream_directory"] = source.stream_directory[rows]
        return made

    def attributes(
        self, rows: Rows, positions: Rows, flags: npt.ArrayLike
    ) -> npt.NDArray[np.uint8]:
        """Return the headers of the attributes of rows that have any, sealed (chapter 65).

        Args:
            rows: Rows of the inventory.
            positions: Record number of each header.
            flags: ``di_flags`` of the inodes.
        """
        sizes = np.array([len(self._inventory.attributes[row]) for row in rows.tolist()])
        # What was made for the inodes themselves is not sealed yet and has to stay.
        self._space, self._other_space = self._other_space, self._space
        made = self.make(rows, np.zeros_like(rows))
        self._space, self._other_space = self._other_space, self._space
        made["c_flags"] |= int(DrFlag.DR_EXTATTRIBUTES)
        made["c_extattributes"] = ExtAttributes.EXT_XATTR
        made["c_dinode"]["di_size"] = np.minimum(sizes, xattrs.LIST_MAX)
        made["c_dinode"]["di_flags"] = flags
        made["c_count"] = -(-sizes // RECORD)
        made["c_addr"] = _PRESENT[np.minimum(made["c_count"], ADDRESSES)]
        made["extension"]["flags"] = 0
        made["extension"]["records_crc32c"] = [
            crc32c(whole_records(self._inventory.attributes[row])) for row in rows.tolist()
        ]
        seal(made, positions, self._layout.cut)
        return header.as_records(made)

    def _fill_addresses(self, made: Headers, rows: Rows, number: Rows) -> None:
        left = -(-self._inventory.size[rows] // RECORD) - number * ADDRESSES
        counts = np.minimum(left, ADDRESSES).astype(np.int16)
        made["c_count"] = counts
        made["c_addr"] = _PRESENT[counts]
        sparse = self._inventory.sparse
        if not sparse:
            return
        edges = np.flatnonzero(np.diff(rows, prepend=-1, append=-1)).tolist()
        for at, end in pairwise(edges):
            row, first = int(rows[at]), int(number[at]) * ADDRESSES
            if (extents := sparse.get(row)) is not None:
                made["c_addr"][at:end] = holes.addresses(extents, first, end - at)


def _fill_dinode(dinode: Headers, source: Inventory, rows: Rows) -> None:
    dinode["di_mode"] = source.mode[rows]
    dinode["di_nlink"] = np.minimum(source.nlink[rows], _NLINK_MAX)
    dinode["di_size"] = source.size[rows]
    for name in ("uid", "gid"):
        owner = getattr(source, name)[rows]
        dinode[f"di_{name}"] = owner
        dinode[f"di_o{name}"] = owner & 0xFFFF
    dinode["di_flags"] = source.flags[rows]
    dinode["di_db"][:, 0] = source.rdev[rows] & 0xFFFFFFFF
    for name in ("atime", "mtime", "ctime"):
        seconds, rest = np.divmod(getattr(source, f"{name}_ns")[rows], 1_000_000_000)
        dinode[f"di_{name}"]["tv_sec"] = seconds & 0xFFFFFFFF
        dinode[f"di_{name}"]["tv_usec"] = rest // 1000


def whole_records(data: bytes) -> bytes:
    """Return bytes filled up with zeros to whole records."""
    return data + bytes(-len(data) % RECORD)


def seal(made: Headers, places: Rows, cut: Cut) -> None:
    """Give headers the volume and the record number of where they lie, and their checksums."""
    real = cut.physical(places)
    made["c_volume"] = cut.volume_of(real)
    if cut.capacity:
        first = real - real % cut.capacity
        made["c_firstrec"] = (first & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    header.seal(made, real)


def cover(made: Headers, records: npt.NDArray[np.uint8], starts: Rows, held: Rows) -> None:
    """Give headers the CRC-32C of the records that follow under them (DARI-REC-029).

    Args:
        made: The headers.
        records: Whole records, shape (n, 1024), contiguous; each header has its place in it.
        starts: Where each header lies, in records.
        held: How many records follow it.
    """
    from google_crc32c import value

    begins = (starts + 1).tolist()
    ends = (starts + 1 + held).tolist()
    made["extension"]["records_crc32c"] = [
        value(records[begin:end]) if begin < end else 0
        for begin, end in zip(begins, ends, strict=True)
    ]


def volume(layout: Layout, identity: Identity, features: Compat) -> bytes:
    """Return the ``TS_TAPE`` record (chapter 30)."""
    made = header.blank(1, CType.TS_TAPE, Kind.VOLUME, identity)
    made["c_count"] = 1
    made["c_flags"] |= int(DrFlag.DR_NEWHEADER)
    body = made["extension"]["body"]
    body["image_uuid"] = np.frombuffer(identity.uuid, np.uint8)
    body["feature_compat"] = int(features)
    body["feature_incompat"] = int(Incompat.VOLUMES) if layout.cut.capacity else 0
    real = layout.cut.physical
    body["records_per_volume"] = layout.cut.capacity
    body["total_records"] = layout.cut.total(layout.total)
    body["stream_directories"] = real(layout.streams.record)
    body["nt_acls_front"] = real(layout.nt_acls.record)
    body["offset_map"] = real(layout.offset_map.record)
    body["files"] = real(layout.files)
    body["nt_acls_trailing"] = real(layout.trailing.record)
    body["c_date_epoch"] = identity.date >> 32
    body["c_ddate_epoch"] = identity.base_date >> 32
    header.seal(made, [0])
    return made.tobytes()


def bitmap(
    c_type: CType, record: int, payload: bytes, highest: int, identity: Identity, cut: Cut
) -> bytes:
    """Return the header of a bitmap (chapter 40); ``payload`` is whole records."""
    made = header.blank(1, c_type, Kind.BITMAP, identity)
    made["c_count"] = len(payload) // RECORD
    made["extension"]["records_crc32c"] = crc32c(payload)
    body = made["extension"]["body"]
    body["bits_set"] = int.from_bytes(payload, "little").bit_count()
    body["highest_inode"] = highest
    body["base_uuid"] = np.frombuffer(identity.base_uuid, np.uint8)
    seal(made, np.array([record]), cut)
    return made.tobytes()


def section(
    which: Section, plan: SectionPlan, payload: bytes | Payload, identity: Identity, cut: Cut
) -> bytes:
    """Return a whole section, headers and data (chapter 70)."""
    payload = Payload.of(payload) if isinstance(payload, bytes) else payload
    count = headers_of(plan.size)
    number = np.arange(count)
    made = header.blank(count, CType.TS_ADDR, Kind.SECTION, identity)
    made["c_type"][0] = CType.TS_INODE
    made["c_inumber"] = 1
    made["c_dinode"]["di_mode"] = _SECTION_MODE
    made["c_dinode"]["di_size"] = plan.size
    made["c_count"] = np.minimum(records_of(plan.size) - number * ADDRESSES, ADDRESSES)
    made["c_addr"] = holes.addresses(plan.extents, 0, count)
    body = made["extension"]["body"]
    body["section"] = which
    body["section_version"] = 1
    body["payload_size"] = plan.size
    body["run_records"] = plan.records
    body["first_block"] = number * ADDRESSES
    lengths = 1 + made["c_addr"].sum(axis=1, dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    records = np.empty((plan.records, RECORD), np.uint8)
    data = np.ones(plan.records, np.bool_)
    data[starts] = False
    records[data] = payload.records
    cover(made, records, starts, lengths - 1)
    seal(made, plan.record + starts, cut)
    records[starts] = header.as_records(made)
    return records.tobytes()


def ends(
    layout: Layout,
    identity: Identity,
    *,
    written: int,
    mismatches: int,
    substituted: int,
    attributed: int,
    sha256: bytes,
) -> bytes:
    """Return the ``TS_END`` records (chapter 85)."""
    made = header.blank(layout.total - layout.end, CType.TS_END, Kind.END, identity)
    body = made["extension"]["body"]
    body["verdict"] = Verdict.BAD if mismatches else Verdict.GOOD
    body["files_written"] = written
    body["mismatches"] = mismatches
    body["substituted"] = substituted
    body["attributed"] = attributed
    body["offset_map_sha256"] = np.frombuffer(sha256, np.uint8)
    seal(made, np.arange(layout.end, layout.total), layout.cut)
    return made.tobytes()
