"""Small images for tests: made by the encoder, or put together header by header."""

from __future__ import annotations

import os
import stat
import struct

import numpy as np

from darimage.image.writer import Options, create
from darimage.schema import CType, Kind
from darimage.sections import bitmap, directory, header
from darimage.sections.crc import crc32c
from darimage.sources.memory import MemorySource, Node
from darimage.units import RECORD
from darimage.volumes.writing import MemorySink

IDENTITY = header.Identity(uuid=bytes(16), date=1_700_000_000, label=b"test", host=b"here")
FILE, DIRECTORY, LINK = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777

CHECKSUM = 84446
EXTENSION_AT = 928


def encode(tree: Node, **options) -> bytes:
    """Return the encoder's image of a tree."""
    sink = MemorySink()
    create(MemorySource(tree), sink, Options(**options))
    return bytes(sink.data)


def sample() -> Node:
    """Return a tree with one of everything, of some 50 records."""
    hard = Node(FILE, size=3, data={0: b"two"})
    deep = Node(DIRECTORY, children={b"leaf": Node(FILE, size=5, data={0: b"leaf\n"})})
    sub = Node(DIRECTORY, children={b"deep": deep, b"hard2": hard, b"empty": Node(FILE)})
    return Node(
        DIRECTORY,
        mtime_ns=10**18 + 1,
        children={
            b"sub": sub,
            b"none": Node(DIRECTORY),
            b"hard1": hard,
            b"k1023": Node(FILE, size=1023, data={0: b"x" * 1023}),
            b"k1024": Node(FILE, size=1024, data={0: b"y" * 1024}, uid=70000),
            b"k1025": Node(FILE, size=1025, data={0: b"z" * 1025}),
            b"hole": Node(FILE, size=700_000, data={1024: b"a" * 1024, 650_000: b"b" * 3000}),
            b"all hole": Node(FILE, size=1_200_000),
            b"link": Node(LINK, size=6, target=b"sub/up"),
            b"fifo": Node(stat.S_IFIFO | 0o600),
            b"dev": Node(stat.S_IFBLK | 0o600, rdev=0x12345),
        },
    )


def assert_sample_restored(code: int, errors: str) -> None:
    """Check how a restore of all of `sample` ended: only root can make its device."""
    refused = "darimage: dev: cannot be made: Operation not permitted\n"
    # Without root the owners of the image are noted.
    lines = errors.splitlines(keepends=True)
    errors = "".join(line for line in lines if "darimage: note: " not in line)
    assert (code, errors) == ((0, "") if os.geteuid() == 0 else (1, refused))


def paths_of(tree: Node) -> dict[bytes, Node]:
    """Return the nodes of a tree by path, the root under the empty one."""
    found, pending = {b"": tree}, [(b"", tree)]
    while pending:
        path, node = pending.pop()
        for name, child in node.children.items():
            below = path + b"/" + name if path else name
            found[below] = child
            if stat.S_ISDIR(child.mode):
                pending.append((below, child))
    return found


def contents_of(node: Node) -> bytes:
    """Return the bytes of a file or the target of a link."""
    if stat.S_ISLNK(node.mode):
        return node.target
    data = bytearray(node.size)
    for at, piece in node.data.items():
        data[at : at + len(piece)] = piece
    return bytes(data)


def reseal(image: bytearray, record: int, order: str = "<", *, records: int | None = None) -> None:
    """Make the CRCs and the checksum of a header right again.

    Args:
        image: The image.
        record: Record number of the header.
        order: Byte order.
        records: Records that follow under it, if their CRC is to be made right as well.
    """
    at = record * RECORD
    if image[at + EXTENSION_AT : at + EXTENSION_AT + 4] == b"DARI":
        if records is not None:
            under = bytes(image[at + RECORD : at + RECORD * (1 + records)])
            struct.pack_into(f"{order}I", image, at + EXTENSION_AT + 12, crc32c(under))
        struct.pack_into(f"{order}I", image, at + 28, 0)
        struct.pack_into(f"{order}I", image, at + EXTENSION_AT + 8, 0)
        own = crc32c(bytes(image[at : at + RECORD]))
        struct.pack_into(f"{order}I", image, at + EXTENSION_AT + 8, own)
    struct.pack_into(f"{order}I", image, at + 28, 0)
    total = sum(struct.unpack_from(f"{order}256I", image, at)) & 0xFFFFFFFF
    struct.pack_into(f"{order}I", image, at + 28, (CHECKSUM - total) & 0xFFFFFFFF)


def seal_stream_directory(payload: bytearray, at: int) -> None:
    """Make the CRCs of a stream directory in a payload right again.

    Args:
        payload: The payload of the stream section.
        at: Where the directory's header is in it.
    """
    (size,) = struct.unpack_from("<Q", payload, at + 40)
    under = bytes(payload[at + RECORD : at + RECORD * (1 + -(-size // RECORD))])
    struct.pack_into("<I", payload, at + EXTENSION_AT + 12, crc32c(under))
    struct.pack_into("<I", payload, at + EXTENSION_AT + 8, 0)
    head = bytearray(payload[at : at + RECORD])
    struct.pack_into("<I", head, 28, 0)
    struct.pack_into("<I", payload, at + EXTENSION_AT + 8, crc32c(bytes(head)))


def poke(image: bytes, record: int, at: int, form: str, *values) -> bytes:
    """Return an image with values packed into a record, its checksum made right."""
    changed = bytearray(image)
    struct.pack_into(form, changed, record * RECORD + at, *values)
    reseal(changed, record)
    return bytes(changed)


def peek(image: bytes, record: int, at: int, form: str):
    """Return one value of a record."""
    return struct.unpack_from(form, image, record * RECORD + at)[0]


def headers_of(image: bytes) -> list[tuple[int, int, int]]:
    """Return record number, type and inode of each header of a good little-endian image."""
    found, at = [], 0
    while at * RECORD < len(image):
        c_type, inode = peek(image, at, 0, "<i"), peek(image, at, 20, "<I")
        count = peek(image, at, 160, "<i")
        found.append((at, c_type, inode))
        data = image[at * RECORD + 164 :][: min(max(count, 0), 512)]
        is_map = c_type in (CType.TS_CLRI, CType.TS_BITS)
        is_data = c_type in (CType.TS_INODE, CType.TS_ADDR)
        at += 1 + (count if is_map else sum(data) if is_data else 0)
    return found


class Plain:
    """Puts a plain dump together, record by record.

    Attributes:
        data: What there is so far.
    """

    def __init__(self, *, new_format: bool = True) -> None:
        self.data = bytearray()
        self.new_format = new_format

    def header(self, c_type: CType, inode: int = 0, mode: int = 0, size: int = 0, **fields):
        """Append a header; ``addr`` is its ``c_addr``."""
        made = header.blank(1, c_type, Kind.INODE, IDENTITY)
        made["extension"] = np.zeros(1, made.dtype["extension"])
        made["c_inumber"] = inode
        made["c_dinode"]["di_mode"] = mode
        made["c_dinode"]["di_size"] = size
        if not self.new_format:
            made["c_flags"] = 0
        addr = fields.pop("addr", b"")
        made["c_addr"][0, : len(addr)] = np.frombuffer(addr, np.uint8)
        made["c_count"] = fields.pop("count", len(addr))
        for name in ("c_flags", "c_extattributes", "c_volume"):
            if name in fields:
                made[name] = fields.pop(name)
        for name, value in fields.items():
            if name == "di_db":
                made["c_dinode"]["di_db"][0, : len(value)] = value
            else:
                made["c_dinode"][name] = value
        made["c_tapea"] = len(self.data) // RECORD
        record = bytearray(made.tobytes())
        reseal(record, 0)
        self.data += record

    def records(self, data: bytes) -> None:
        """Append data, filled up to whole records."""
        self.data += data + bytes(-len(data) % RECORD)

    def front(self, inodes: list[int]) -> None:
        """Append volume header and bitmaps."""
        self.header(CType.TS_TAPE, count=1)
        payload = bitmap.encode(np.array(inodes), bitmap.records_for(max(inodes)))
        for c_type in (CType.TS_CLRI, CType.TS_BITS):
            self.header(c_type, count=len(payload) // RECORD)
            self.records(payload)

    def inode(self, inode: int, mode: int, data: bytes, **fields) -> None:
        """Append an inode whose data fits under one header, without holes."""
        blocks = -(-len(data) // RECORD)
        self.header(CType.TS_INODE, inode, mode, len(data), addr=b"\1" * blocks, **fields)
        self.records(data)

    def directory(self, inode: int, entries: list[tuple[int, int, bytes]], **fields) -> None:
        """Append a directory."""
        data = directory.encode([directory.Entry(*entry) for entry in entries])
        if not self.new_format:
            data = old_entries(data)
        self.inode(inode, DIRECTORY, data, **fields)

    def end(self) -> bytes:
        """Append ``TS_END`` to a multiple of 10 records; return the image."""
        self.header(CType.TS_END)
        while len(self.data) // RECORD % 10:
            self.header(CType.TS_END)
        return bytes(self.data)


def old_entries(data: bytes) -> bytes:
    """Return a directory's data in the old form: a 16-bit name length, no type."""
    changed, at = bytearray(data), 0
    while at < len(data):
        _, reclen, _, namlen = struct.unpack_from("<IHBB", data, at)
        struct.pack_into("<H", changed, at + 6, namlen)
        at += reclen
    return bytes(changed)


def small_plain() -> bytes:
    """Return a plain dump of a directory with one file, and one below it with a link."""
    image = Plain()
    image.front([2, 3, 5, 6])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (5, 8, b"file"), (3, 4, b"sub")])
    image.directory(3, [(3, 4, b"."), (2, 4, b".."), (6, 10, b"link")])
    image.inode(5, FILE, b"contents of a file" * 100)
    image.inode(6, LINK, b"target")
    return image.end()


def header_crc(data: bytes) -> int:
    """Return the CRC-32C of bytes."""
    return crc32c(bytes(data))
