"""The payload of the stream section: directories of NT alternate data streams (chapter 72)."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.schema import CType, Kind, Order, header_dtype
from darimage.sections import directory
from darimage.sections.crc import crc32c
from darimage.sections.header import (
    EXTENSION_MAGIC,
    EXTENSION_VERSION,
    Headers,
    as_records,
    field_span,
    header_crcs,
    intact,
    of_image,
    picker,
)
from darimage.sections.names import check_stream_name
from darimage.units import RECORD, S_IFMT, records_of

OnFault = Callable[[Fault], None]

_DIRECTORY = stat.S_IFDIR >> 12
_FILE = stat.S_IFREG >> 12
_TIMES = ("atime", "mtime", "ctime")
_SECOND = 1_000_000_000


class StreamEntry(NamedTuple):
    """One stream as its directory names it.

    Attributes:
        name: Bytes, without colon and type (DARI-STR-009).
        inode: Number of the inode that holds its data.
    """

    name: bytes
    inode: int


@dataclass(frozen=True, slots=True)
class StreamDirectory:
    """The streams of one file or directory.

    Attributes:
        number: Its own inode number.
        base: Number of the inode whose streams it names.
        mode: As ``st_mode``, a directory's.
        uid: Owner.
        gid: Group.
        atime_ns: Last access, nanoseconds since 1970; likewise the next two.
        mtime_ns: Last modification.
        ctime_ns: Last change.
        birthtime_ns: Creation; 0 unknown.
        entries: The streams.
        at: First byte of its record in the payload it was read from.
    """

    number: int
    base: int
    mode: int
    uid: int
    gid: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    birthtime_ns: int
    entries: Sequence[StreamEntry]
    at: int = field(default=0, compare=False)


def encode(directories: Iterable[StreamDirectory], identity: bytes) -> bytes:
    """Return the payload: stream directories ascending by number, each a header and entries.

    Args:
        directories: In any order.
        identity: The ``image_id`` of the image (DARI-EXT-008).
    """
    ordered = sorted(directories, key=lambda one: one.number)
    data = [_entries(one) for one in ordered]
    headers = as_records(_headers(ordered, data, identity))
    parts: list[bytes] = []
    for row, entries in zip(headers, data, strict=True):
        parts += (row.tobytes(), entries, bytes(-len(entries) % RECORD))
    return b"".join(parts)


def _entries(one: StreamDirectory) -> bytes:
    dots = [(one.number, _DIRECTORY, b"."), (one.base, 0, b"..")]
    named = [(inode, _FILE, name) for name, inode in sorted(one.entries)]
    return directory.encode([*dots, *named])


def _headers(ordered: Sequence[StreamDirectory], data: Sequence[bytes], identity: bytes) -> Headers:
    """Return the directories' headers; what none of the lines below sets is 0 (DARI-STR-005)."""
    made = np.zeros(len(ordered), header_dtype("le", "inode_body"))
    made["c_type"] = CType.TS_INODE
    made["c_inumber"] = [one.number for one in ordered]
    old = made["c_dinode"]
    old["di_mode"] = [one.mode for one in ordered]
    old["di_nlink"] = 2
    old["di_size"] = [len(entries) for entries in data]
    for name in ("uid", "gid"):
        owner = np.array([getattr(one, name) for one in ordered], np.int64)
        old[f"di_{name}"] = owner
        old[f"di_o{name}"] = owner & 0xFFFF
    extension = made["extension"]
    extension["magic"] = np.frombuffer(EXTENSION_MAGIC, np.uint8)
    extension["kind"] = Kind.INODE
    extension["version"] = EXTENSION_VERSION
    body = extension["body"]
    for name in _TIMES:
        times = np.array([getattr(one, f"{name}_ns") for one in ordered], np.int64)
        seconds, rest = np.divmod(times, _SECOND)
        old[f"di_{name}"]["tv_sec"] = seconds & 0xFFFFFFFF
        old[f"di_{name}"]["tv_usec"] = rest // 1000
        body[f"{name}_ns"] = times
    body["birthtime_ns"] = [one.birthtime_ns for one in ordered]
    body["run_records"] = [1 + records_of(len(entries)) for entries in data]
    body["base_inode"] = [one.base for one in ordered]
    body["nlink"] = 2
    body["image_id"] = np.frombuffer(identity, np.uint8)
    extension["records_crc32c"] = [
        crc32c(entries + bytes(-len(entries) % RECORD)) for entries in data
    ]
    extension["header_crc32c"] = header_crcs(as_records(made))
    return made


_WRITTEN = (
    "c_dinode.di_nlink",
    "c_dinode.di_ouid",
    "c_dinode.di_ogid",
    "c_dinode.di_atime",
    "c_dinode.di_mtime",
    "c_dinode.di_ctime",
    "extension.magic",
    "extension.kind",
    "extension.version",
    "extension.flags",
    "extension.header_crc32c",
    "extension.body.image_id",
    "extension.body.nlink",
)
"""Fields of a stream directory's record that are not read, or not from here."""

_PATHS = (
    "c_type",
    "c_inumber",
    "c_magic",
    "c_checksum",
    "c_dinode.di_mode",
    "c_dinode.di_size",
    "c_dinode.di_uid",
    "c_dinode.di_gid",
    "extension.records_crc32c",
    "extension.body.base_inode",
    "extension.body.run_records",
    "extension.body.atime_ns",
    "extension.body.mtime_ns",
    "extension.body.ctime_ns",
    "extension.body.birthtime_ns",
)


class _Head(NamedTuple):
    """What the header of a stream directory says, in the order of ``_PATHS``."""

    c_type: int
    number: int
    magic: int
    checksum: int
    mode: int
    size: int
    uid: int
    gid: int
    records_crc32c: int
    base: int
    run_records: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    birthtime_ns: int


def decode(
    payload: bytes,
    order: Order = "le",
    on_fault: OnFault | None = None,
    identity: bytes | None = None,
) -> Iterator[StreamDirectory]:
    """Yield the stream directories of a payload; nothing larger than it is kept.

    Each one is judged by itself, and each of its entries (DARI-STR-020, DARI-STR-021). Whether
    inodes are there and bases agree is for the caller, who knows the image.

    Args:
        payload: All of it.
        order: Byte order of the image.
        on_fault: Called for what is wrong; that entry or stream directory is left out. Without it
            the first fault is raised.
        identity: The ``image_id`` of the image (DARI-EXT-008); by default any.

    Raises:
        FormatError: Something is wrong and there is no ``on_fault``.
    """
    at = last = 0
    while at < len(payload):
        try:
            head, end = _head(payload, at, order, identity)
        except FormatError as error:
            if on_fault is None:
                raise
            on_fault(_left_out(error))
            at = _next(payload, at + RECORD)
            continue
        try:
            found = _one(head, payload, at, end, order, on_fault)
            if on_fault is None and head.number <= last:
                raise _fault(f"{head.number} after {last}: they do not ascend", at, "DARI-STR-002")
        except FormatError as error:
            if on_fault is None:
                raise
            on_fault(_left_out(error, head.number))
            if error.requirement == "DARI-REC-029":
                # Some of its records may be missing.
                at, last = _next(payload, at + RECORD), head.number
                continue
        else:
            yield found
        at, last = end, head.number


def _left_out(error: FormatError, number: int | None = None) -> Fault:
    return Fault.of(error, inode=number)._replace(kind="stream-directory")


def _head(payload: bytes, at: int, order: Order, identity: bytes | None) -> tuple[_Head, int]:
    """Return what the header at ``at`` says, and where its stream directory ends."""
    if at + RECORD > len(payload) or not _is_header(payload, at):
        raise _fault("no header of a stream directory", at)
    row = np.frombuffer(payload, np.uint8, RECORD, at).reshape(1, RECORD)
    if not intact(row, order)[0]:
        raise _fault("the header of a stream directory is damaged", at, "DARI-REC-028")
    if not of_image(row, identity)[0]:
        raise _fault("the header of a stream directory of another image", at, "DARI-EXT-008")
    head = _Head(*picker(order, *_PATHS).unpack_from(payload, at))
    end = at + (1 + records_of(head.size)) * RECORD
    if end > len(payload) or end - at != head.run_records * RECORD:
        told = f"{head.size} bytes in {head.run_records} records do not fit the payload"
        raise _fault(told, at, "DARI-STR-003")
    return head, end


def _one(
    head: _Head, payload: bytes, at: int, end: int, order: Order, on_fault: OnFault | None
) -> StreamDirectory:
    """Return a stream directory by its header at ``at``."""
    if head.c_type != CType.TS_INODE or head.magic or head.checksum:
        told = f"c_type {head.c_type}, c_magic {head.magic}, c_checksum {head.checksum}"
        raise _fault(f"{told} in the header of a stream directory", at, "DARI-STR-004")
    if head.mode & S_IFMT != stat.S_IFDIR or not head.number or not head.base:
        told = f"inode {head.number} of mode {head.mode:o} with base inode {head.base}"
        raise _fault(f"{told} is no stream directory", at, "DARI-STR-006")

    def tell(error: FormatError) -> None:
        told = _fault(error.message, at, error.requirement or "DARI-STR-007")
        if on_fault is None:
            raise told
        on_fault(Fault.of(told, inode=head.number)._replace(kind="stream-name"))

    try:
        entries = _checked(head, payload[at + RECORD : end], order, tell)
    except FormatError as error:
        if error.message.startswith(_PLACE):
            raise
        raise _fault(error.message, at, error.requirement or "DARI-STR-007") from None
    return StreamDirectory(
        number=head.number,
        base=head.base,
        mode=head.mode,
        uid=head.uid,
        gid=head.gid,
        atime_ns=head.atime_ns,
        mtime_ns=head.mtime_ns,
        ctime_ns=head.ctime_ns,
        birthtime_ns=head.birthtime_ns,
        entries=entries,
        at=at,
    )


def _checked(
    head: _Head, data: bytes, order: Order, tell: Callable[[FormatError], None]
) -> list[StreamEntry]:
    """Return the entries behind the first two, which must be what they are in every directory."""
    if crc32c(data) != head.records_crc32c:
        raise FormatError("entries do not have the CRC of the header", requirement="DARI-REC-029")
    found = directory.decode(data[: head.size], order, on_error=tell)
    dots = [(entry.inode, entry.name) for entry in found[:2]]
    if dots != [(head.number, b"."), (head.base, b"..")]:
        raise FormatError("first two entries are not `.` and `..`", requirement="DARI-STR-007")
    used: dict[bytes, StreamEntry] = {}
    for entry in found[2:]:
        try:
            check_stream_name(entry.name)
        except FormatError as error:
            tell(error)
            continue
        if entry.name in used:
            tell(FormatError("two streams have one name", requirement="DARI-STR-008"))
        else:
            used[entry.name] = StreamEntry(entry.name, entry.inode)
    return list(used.values())


def has_strays(payload: bytes, at: int, order: Order) -> bool:
    """Tell whether the record at ``at`` holds anything but what is said of it (DARI-STR-005)."""
    record = bytearray(payload[at : at + RECORD])
    for path in (*_PATHS, *_WRITTEN):
        start, end = field_span(path)
        record[start:end] = bytes(end - start)
    extension = np.frombuffer(payload, header_dtype(order, "inode_body"), 1, at)[0]
    flags = int(extension["extension"]["flags"])
    return any(record) or flags != 0


_MARK = field_span("extension.magic")
_KIND = field_span("extension.kind")


def _is_header(payload: bytes, at: int) -> bool:
    """Tell whether the record at ``at`` is marked as an inode's header."""
    marked = payload[at + _MARK[0] : at + _MARK[1]] == EXTENSION_MAGIC
    return marked and payload[at + _KIND[0]] == Kind.INODE


def _next(payload: bytes, at: int) -> int:
    """Return where the next record marked as a header of a stream directory begins."""
    while (hit := payload.find(EXTENSION_MAGIC, at + _MARK[0])) >= 0:
        at = (hit - _MARK[0]) // RECORD * RECORD
        if hit == at + _MARK[0] and at + RECORD <= len(payload) and _is_header(payload, at):
            return at
        at += RECORD
    return len(payload)


_PLACE = "stream section, byte "


def _fault(message: str, at: int, requirement: str = "DARI-STR-003") -> FormatError:
    return FormatError(f"{_PLACE}{at}: {message}", requirement=requirement)
