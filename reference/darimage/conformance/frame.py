"""An image in memory taken apart into headers and what follows them, to be changed.

Made for good images: those that vectors are derived from.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.errors import UsageError
from darimage.image.batch import Batch
from darimage.image.reader import Image
from darimage.image.walk import walk
from darimage.schema import CType, DrFlag, Order, Section, header_dtype
from darimage.sections.header import (
    CHECKSUM,
    Headers,
    extended,
    field_span,
    header_crcs,
    sums,
)
from darimage.units import RECORD

Rows = npt.NDArray[np.uint8]

_BODIES = {CType.TS_TAPE: "volume_body", CType.TS_END: "end_body"}
_BODIES |= dict.fromkeys((CType.TS_CLRI, CType.TS_BITS), "bitmap_body")
_SIMPLE = {"tape": CType.TS_TAPE, "clri": CType.TS_CLRI, "bits": CType.TS_BITS}
_SIMPLE |= {"end": CType.TS_END}
_SECTION, _ = field_span("extension.body.section", "section_body")


@dataclass(frozen=True)
class Head:
    """A header.

    Attributes:
        record: Its record number.
        c_type: What it opens.
        inode: ``c_inumber``.
        following: Records that follow it.
        body: Type of its extension body.
        attributes: Whether the records are attributes.
    """

    record: int
    c_type: int
    inode: int
    following: int
    body: str
    attributes: bool


class Frame:
    """A good image, record by record.

    Attributes:
        rows: Its records, which may be changed; the headers that open further volumes come last.
        order_of_rows: The same as they lie in the image.
        capacity: Records of a volume; 0 for one volume.
        order: Byte order of its integers.
        is_dari: Whether it carries the extension.
        heads: Its headers as they were, by record number.
        runs: The same by run.
        map_record: Record number of the offset map; ``None`` if there is none.
    """

    def __init__(self, data: bytes) -> None:
        """Take an image apart.

        Raises:
            FormatError: It is no image.
        """
        self._data = data
        rows = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
        with Image.open(data, sequential=True) as image:
            self.capacity = image.marks.cut.capacity
            opening = self._openings(len(rows))
            self.order_of_rows = np.argsort(np.argsort(opening, kind="stable")).tolist()
            self.rows: Rows = np.concatenate((rows[~opening], rows[opening]))
            self.order: Order = image.order
            self.is_dari = image.is_dari
            self.ntrec = image.identity.ntrec
            self.old_format = image.old_format
            batches = walk(image.volume, image.marks, 0, on_fault=lambda _: None)
            self.heads = {head.record: head for batch in batches for head in _heads(batch)}
        for record in range(int((~opening).sum()), len(rows)):
            self.heads[record] = Head(record, CType.TS_TAPE, 0, 0, "volume_body", attributes=False)
        self.runs = _runs(list(self.heads.values()))
        maps = self._sections(Section.OFFSET_MAP)
        self.map_record = maps[0].record if maps else None

    def _openings(self, count: int) -> npt.NDArray[np.bool_]:
        """Tell which records are the headers that open volumes after the first."""
        numbers = np.arange(count)
        return (numbers > 0) & (numbers % self.capacity == 0) if self.capacity else numbers < 0

    def tobytes(self) -> bytes:
        """Return the image."""
        rows: Rows = self.rows[self.order_of_rows]
        return rows.tobytes()

    @cached_property
    def image(self) -> Image:
        """The image as it was, open for reading."""
        return Image.open(self._data, sequential=True)

    def header(self, head: Head) -> Headers:
        """Return a header, shape (1,), in the memory of ``rows``."""
        row = self.rows[head.record : head.record + 1]
        return row.reshape(-1).view(header_dtype(self.order, head.body))

    def section_of(self, head: Head) -> int:
        """Return which section a header belongs to."""
        return int(self.header(head)["extension"]["body"]["section"][0])

    def stream_directories(self, run: list[Head]) -> list[tuple[int, int]]:
        """Return first block and records of the stream directories that a section had at first."""
        return self._stream_directories.get(run[0].record, [])

    @cached_property
    def _stream_directories(self) -> dict[int, list[tuple[int, int]]]:
        return {
            run[0].record: list(_inner_headers(untouched, run))
            for untouched in (Frame(self._data),)
            for run in self.runs
            if run[0].body == "section_body"
            and untouched.section_of(run[0]) == Section.STREAM_DIRECTORIES
        }

    def run_of(self, head: Head) -> list[Head]:
        """Return all headers of the run that a header belongs to."""
        return next(run for run in self.runs if head in run)

    def payload(self, run: list[Head], size: int) -> bytes:
        """Return the first ``size`` bytes of what the headers of a run hold."""
        parts = []
        for head in run:
            if head.body == "bitmap_body":
                parts.append(self.behind(head).tobytes())
                continue
            header = self.header(head)
            used = header["c_addr"][0, : max(0, int(header["c_count"][0]))]
            blocks = np.zeros((len(used), RECORD), np.uint8)
            present = np.flatnonzero(used)[: head.following]
            blocks[present] = self.behind(head)[: len(present)]
            parts.append(blocks.tobytes())
        return b"".join(parts)[:size].ljust(size, b"\0")

    def put(self, run: list[Head], payload: bytes) -> None:
        """Write a payload over the present blocks of a run."""
        blocks = np.frombuffer(payload.ljust(-(-len(payload) // RECORD) * RECORD, b"\0"), np.uint8)
        blocks = blocks.reshape(-1, RECORD)
        at = 0
        for head in run:
            header = self.header(head)
            used = header["c_addr"][0, : int(header["c_count"][0])]
            present = at + np.flatnonzero(used)
            self.behind(head)[:] = blocks[present]
            at += len(used)

    def place(self, run: list[Head], block: int) -> int:
        """Return the record number of a present block of a run."""
        for head in run:
            used = self.header(head)["c_addr"][0, : int(self.header(head)["c_count"][0])]
            count = head.following if head.body == "bitmap_body" else len(used)
            if block < count:
                if head.body == "bitmap_body":
                    return head.record + 1 + block
                return head.record + 1 + int(used[:block].astype(bool).sum())
            block -= count
        raise UsageError(f"no block {block}")

    def behind(self, head: Head) -> Rows:
        """Return the records that follow a header."""
        return self.rows[head.record + 1 : head.record + 1 + head.following]

    def seal(self, records: npt.ArrayLike, left: Collection[tuple[int, str]] = ()) -> None:
        """Make the CRCs and checksums of headers right again.

        Args:
            records: Their record numbers.
            left: Records and fields, ``c_checksum`` or ``extension.header_crc32c``, that keep what
                they say.
        """
        at = np.asarray(records, np.int64)
        made = sealed(self.rows[at], self.order)
        for place, record in enumerate(at.tolist()):
            for path in ("c_checksum", "extension.header_crc32c"):
                if (record, path) in left:
                    start, end = field_span(path)
                    made[place, start:end] = self.rows[record, start:end]
        self.rows[at] = made

    def find(self, selector: int | str) -> Head:
        """Return a header.

        Args:
            selector: A record number, the headers that open further volumes not counted; ``tape``
                (of the first volume, then of the others), ``clri``, ``bits`` or ``end``;
                ``section NAME``;
                ``inode PATH``, the root's being ``/``; ``attributes PATH``. All with ``+N`` behind
                a blank for a later header of the same.

        Raises:
            UsageError: There is no such header.
        """
        if isinstance(selector, int):
            found = [head for record, head in self.heads.items() if record == selector]
            number = 0
        else:
            match = re.fullmatch(r"(\w+)(?: (?!\+\d+$)(.+?))?(?: \+(\d+))?", selector)
            found = [] if match is None else self._found(match[1], match[2] or "")
            number = int(match[3] or 0) if match else 0
        if number >= len(found):
            raise UsageError(f"the image has no header {selector!r}")
        return found[number]

    def inode(self, path: str) -> int:
        """Return the inode number of a path.

        Raises:
            UsageError: Nothing has this name.
        """
        number = self.image.names.lookup(path.encode())
        if number is None:
            raise UsageError(f"the image has no {path!r}")
        return number

    def _found(self, kind: str, rest: str) -> list[Head]:
        heads = list(self.heads.values())
        if kind in _SIMPLE:
            return [head for head in heads if head.c_type == _SIMPLE[kind]]
        if kind == "section":
            return self._sections(int(Section[rest.upper()]))
        if kind in ("inode", "attributes"):
            number = self.inode(rest)
            mine = [head for head in heads if head.inode == number]
            return [head for head in mine if head.attributes == (kind == "attributes")]
        return []

    def _sections(self, section: int) -> list[Head]:
        mine = [head for head in self.heads.values() if head.body == "section_body"]
        return [head for head in mine if self.section_of(head) == section]


def _inner_headers(frame: Frame, run: list[Head]) -> Iterator[tuple[int, int]]:
    """Yield first block and records of each stream directory in a sound section."""
    size = int(frame.header(run[0])["extension"]["body"]["payload_size"][0])
    block = 0
    while block < size // RECORD:
        row = frame.rows[frame.place(run, block)]
        header = row.view(header_dtype(frame.order, "inode_body"))
        count = int(header["extension"]["body"]["run_records"][0])
        yield block, count
        block += max(1, count)


def sealed(rows: Rows, order: Order) -> Rows:
    """Return headers with their CRCs, if they have an extension area, and checksums made right."""
    made = np.ascontiguousarray(rows)
    number = "<u4" if order == "le" else ">u4"
    marked = np.flatnonzero(extended(made))
    start, end = field_span("extension.header_crc32c")
    crcs = header_crcs(made[marked]).astype(number)
    made[marked, start:end] = crcs.view(np.uint8).reshape(-1, end - start)
    start, end = field_span("c_checksum")
    made[:, start:end] = 0
    right = (np.uint32(CHECKSUM) - sums(made, order)).astype(number)
    made[:, start:end] = right.view(np.uint8).reshape(-1, end - start)
    return made


def _heads(batch: Batch) -> list[Head]:
    columns = (batch.record, batch.c_type, batch.inode, batch.following, batch.flags)
    return [
        Head(
            record,
            c_type,
            inode,
            following,
            _body(c_type, inode),
            bool(flags & DrFlag.DR_EXTATTRIBUTES),
        )
        for record, c_type, inode, following, flags in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def _body(c_type: int, inode: int) -> str:
    known = _BODIES.get(CType(c_type))
    return known or ("section_body" if inode == 1 else "inode_body")


def _runs(heads: list[Head]) -> list[list[Head]]:
    runs: list[list[Head]] = []
    for head in heads:
        if head.c_type == CType.TS_ADDR and not head.attributes:
            runs[-1].append(head)
        else:
            runs.append([head])
    return runs
