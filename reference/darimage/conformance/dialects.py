"""Makes other dialects out of the encoder's images: plain dumps, run-coded, old, big-endian.

Nothing of the reader is used but the walk from header to header; the tests hold the results against
converters that know the C headers of ``dump`` and not ``ksy/``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from darimage.conformance import seals
from darimage.conformance.cutting import cut
from darimage.conformance.frame import Frame, Head, Rows, sealed
from darimage.errors import UsageError
from darimage.schema import CType, Order, Section, dtype, header_dtype
from darimage.sections.header import Headers
from darimage.units import ADDRESSES, RECORD, S_IFMT

_DIRECTORY = 0o040000
_HEAD = dtype("directory/entry_head")
_HEAD_BIG = dtype("directory/entry_head", "be")
_FILE_BLOCKS = 256


@dataclass
class Piece:
    """A header and the records behind it.

    Attributes:
        head: What it was in the image it comes from.
        header: The header, shape (1,), little-endian.
        data: The records, shape (n, 1024).
    """

    head: Head
    header: Headers
    data: Rows


def convert(data: bytes, dialect: str, order: Order, capacity: int = 0) -> bytes:
    """Return an image of the encoder's in another dialect and byte order.

    Args:
        data: The image.
        dialect: ``dari``; ``dump``, the same without what DARI adds; ``linux`` with headers for as
            few blocks as Linux ``dump`` 0.4b47 has; ``runs`` with the run-coded maps of 0.4b49 and
            later; ``old`` with the entries and owners of 4.2BSD; ``chunks`` with directories in
            chunks of 1 KiB.
        order: Byte order of the result.
        capacity: Records of a volume of a plain dump; 0 for one volume.

    Raises:
        UsageError: There is no such dialect.
    """
    if dialect not in _STEPS:
        raise UsageError(f"no dialect {dialect!r}")
    frame = Frame(data)
    pieces = list(_pieces(frame))
    for step in _STEPS[dialect]:
        pieces = step(pieces)
    if dialect != "dari":
        _number(pieces, frame.ntrec)
    if order == "be":
        _swap_entries(pieces, old=dialect == "old")
        for piece in pieces:
            piece.header = piece.header.astype(header_dtype("be", piece.head.body))
    if capacity:
        return cut(_rows(pieces, order), _is_header(pieces), capacity, order)
    joined = _rows(pieces, order).tobytes()
    return _swap_payloads(joined) if (dialect, order) == ("dari", "be") else joined


def _pieces(frame: Frame) -> Iterator[Piece]:
    for head in frame.heads.values():
        begin = head.record + 1
        header = frame.header(head).copy()
        yield Piece(head, header, frame.rows[begin : begin + head.following].copy())


def _rows(pieces: list[Piece], order: Order) -> Rows:
    """Return the records of all pieces, shape (n, 1024)."""
    parts = (
        part
        for piece in pieces
        for part in (sealed(piece.header.view(np.uint8).reshape(1, RECORD), order), piece.data)
    )
    return np.concatenate(list(parts))


def _is_header(pieces: list[Piece]) -> npt.NDArray[np.bool_]:
    """Tell which of these records are headers."""
    return np.concatenate([np.arange(1 + len(piece.data)) == 0 for piece in pieces])


# -- plain dumps ----------------------------------------------------------------------------------


def _plain(pieces: list[Piece]) -> list[Piece]:
    """Leave out sections, and what only the extension area says."""
    kept = [piece for piece in pieces if piece.head.body != "section_body"]
    for piece in kept:
        piece.header["extension"] = np.zeros(1, piece.header.dtype["extension"])
    return kept


def _number(pieces: list[Piece], ntrec: int) -> None:
    """Number all headers anew, and pad with as many ``TS_END`` as are needed."""
    ends = [piece for piece in pieces if piece.head.c_type == CType.TS_END]
    del pieces[len(pieces) - len(ends) + 1 :]
    while sum(1 + len(piece.data) for piece in pieces) % ntrec:
        last = pieces[-1]
        pieces.append(Piece(last.head, last.header.copy(), last.data))
    record = 0
    for piece in pieces:
        piece.header["c_tapea"] = record
        record += 1 + len(piece.data)


def _few_blocks(pieces: list[Piece]) -> list[Piece]:
    """Have a header for each block of a directory, and for at most 256 blocks of a file."""
    made: list[Piece] = []
    for piece in pieces:
        if piece.head.body != "inode_body" or piece.head.attributes:
            made.append(piece)
            continue
        mode = int(piece.header["c_dinode"]["di_mode"][0])
        most = 1 if mode & S_IFMT == _DIRECTORY else _FILE_BLOCKS
        made += _split(piece, most)
    return made


def _split(piece: Piece, most: int) -> Iterator[Piece]:
    """Yield a piece as several with at most some blocks each."""
    count = int(piece.header["c_count"][0])
    used = piece.header["c_addr"][0, :count].copy()
    for begin in range(0, max(1, count), most):
        here = used[begin : begin + most]
        header = piece.header.copy()
        header["c_addr"] = 0
        header["c_addr"][0, : len(here)] = here
        header["c_count"] = len(here)
        if begin:
            header["c_type"] = CType.TS_ADDR
        first, last = (int(used[:end].sum()) for end in (begin, begin + most))
        yield Piece(piece.head, header, piece.data[first:last])


def _old(pieces: list[Piece]) -> list[Piece]:
    """Have no flags, 16-bit owners only, and 16-bit name lengths without types."""
    for piece in pieces:
        piece.header["c_flags"] = 0
        for name in ("di_uid", "di_gid"):
            piece.header["c_dinode"][name] = 0
    for head in _entry_heads(pieces):
        head["d_type"] = head["d_namlen"]
        head["d_namlen"] = 0
    return pieces


def _runs(pieces: list[Piece]) -> list[Piece]:
    """Code hole maps as runs, and join headers as far as a coded map has room."""
    coded: list[Piece] = []
    maps: dict[int, bytes] = {}
    for piece in pieces:
        if piece.head.body != "inode_body" or piece.head.attributes:
            coded.append(piece)
            continue
        header = piece.header
        plain = header["c_addr"][0, : int(header["c_count"][0])].tobytes()
        last = coded[-1]
        joined = maps.get(id(last), b"") + plain
        if piece.head.c_type == CType.TS_ADDR and len(encode_runs(joined)) <= ADDRESSES:
            last.data = np.concatenate((last.data, piece.data))
            maps[id(last)] = joined
        else:
            coded.append(piece)
            maps[id(piece)] = plain
    for piece in coded:
        if id(piece) in maps:
            runs = encode_runs(maps[id(piece)])
            piece.header["c_addr"][0] = np.frombuffer(runs.ljust(ADDRESSES, b"\0"), np.uint8)
            piece.header["c_count"] = len(runs)
    return coded


def encode_runs(present: bytes) -> bytes:
    """Code a hole map of zeros and ones as runs (DARI-REC-016)."""
    coded = bytearray()
    for value, run in groupby(present):
        left = sum(1 for _ in run)
        while left > 64:
            now = min(left, 255 * 64 + 63 + 65)
            high, low = divmod(now - 65, 64)
            coded += bytes((0x80 | low << 1 | value, high))
            left -= now
        if left:
            coded.append(left - 1 << 1 | value)
    return bytes(coded)


def _big_chunks(pieces: list[Piece]) -> list[Piece]:
    """Lay directories out in chunks of 1,024 bytes, as UFS does on disks with such sectors."""
    for piece in pieces:
        mode = int(piece.header["c_dinode"]["di_mode"][0])
        if piece.head.body != "inode_body" or mode & S_IFMT != _DIRECTORY:
            continue
        size = int(piece.header["c_dinode"]["di_size"][0])
        data = _in_chunks(list(_entries(piece.data.reshape(-1)[:size].tobytes())), RECORD)
        blocks = len(data) // RECORD
        piece.data = np.frombuffer(data, np.uint8).reshape(-1, RECORD).copy()
        piece.header["c_dinode"]["di_size"], piece.header["c_count"] = len(data), blocks
        piece.header["c_addr"] = 0
        piece.header["c_addr"][0, :blocks] = 1
    return pieces


def _entries(data: bytes) -> Iterator[bytes]:
    """Yield the entries of a directory, each as short as it can be."""
    at = 0
    while at < len(data):
        head = np.frombuffer(data, _HEAD, 1, at)[0]
        least = _HEAD.itemsize + int(head["d_namlen"]) // 4 * 4 + 4
        if head["d_ino"]:
            yield data[at : at + least]
        at += int(head["d_reclen"])


def _in_chunks(entries: list[bytes], chunk: int) -> bytes:
    """Return entries one behind the other; the last of each chunk fills it."""
    chunks: list[list[bytes]] = [[]]
    used = 0
    for entry in entries:
        if used + len(entry) > chunk:
            chunks.append([])
            used = 0
        chunks[-1].append(entry)
        used += len(entry)
    return b"".join(_filled(each, chunk) for each in chunks)


def _filled(entries: list[bytes], chunk: int) -> bytes:
    made = bytearray()
    for at, entry in enumerate(entries):
        is_last = at == len(entries) - 1
        length = chunk - len(made) if is_last else len(entry)
        head = np.frombuffer(entry, _HEAD, 1).copy()
        head["d_reclen"] = length
        made += head.tobytes() + entry[_HEAD.itemsize :].ljust(length - _HEAD.itemsize, b"\0")
    return bytes(made)


_STEPS: dict[str, list[Callable[[list[Piece]], list[Piece]]]] = {
    "dari": [],
    "dump": [_plain],
    "linux": [_plain, _few_blocks],
    "runs": [_plain, _runs],
    "old": [_plain, _old],
    "chunks": [_plain, _big_chunks],
}


# -- byte order -----------------------------------------------------------------------------------


def _entry_heads(pieces: list[Piece]) -> Iterator[Headers]:
    """Yield the fixed part of each directory entry, shape (1,), in the memory of its piece."""
    left = 0
    for piece in pieces:
        if piece.head.c_type == CType.TS_INODE:
            old = piece.header["c_dinode"][0]
            is_directory = int(old["di_mode"]) & S_IFMT == _DIRECTORY
            left = int(old["di_size"]) if is_directory and piece.head.inode != 1 else 0
        if piece.head.attributes:
            continue
        flat = piece.data.reshape(-1)[:left]
        at = 0
        while at < len(flat):
            head = flat[at : at + _HEAD.itemsize].view(_HEAD)
            at += int(head["d_reclen"][0])
            yield head
        left -= len(flat)


def _swap_entries(pieces: list[Piece], *, old: bool) -> None:
    """Let the integers of directory entries be big-endian."""
    for head in _entry_heads(pieces):
        if old:
            # The name length has the 16 bits that are d_type and d_namlen elsewhere.
            head["d_namlen"] = head["d_type"]
            head["d_type"] = 0
        head[:] = head.astype(_HEAD_BIG).view(_HEAD)


def _swap_payloads(data: bytes) -> bytes:
    """Let the integers of sections be big-endian, and make all checksums anew."""
    frame = Frame(data)
    for run in frame.runs:
        if run[0].body == "section_body":
            section = frame.section_of(run[0])
            size = int(frame.header(run[0])["extension"]["body"]["payload_size"][0])
            frame.put(run, _SWAPS[section](frame.payload(run, size)))
    seals.reseal(frame, frame.runs)
    return frame.tobytes()


def _swap_map(payload: bytes) -> bytes:
    return np.frombuffer(payload, "<u8").astype(">u8").tobytes()


def _swap_acls(payload: bytes) -> bytes:
    head = np.frombuffer(payload, dtype("nt_acls/head"), 1)
    spans = int(head["descriptors"][0]) + int(head["origins"][0])
    at, parts = 0, []
    for name, count in (("head", 1), ("row", int(head["rows"][0])), ("span", spans)):
        part = np.frombuffer(payload, dtype(f"nt_acls/{name}"), count, at)
        parts.append(part.astype(dtype(f"nt_acls/{name}", "be")).tobytes())
        at += part.nbytes
    return b"".join(parts) + payload[at:]


_SWAPS: dict[int, Callable[[bytes], bytes]] = {
    Section.NT_ACLS_FRONT: _swap_acls,
    Section.OFFSET_MAP: _swap_map,
    Section.NT_ACLS_TRAILING: _swap_acls,
}
