"""The streams of an image: which file or directory has which (chapter 72)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from darimage.faults import Fault
from darimage.image import blame, payload
from darimage.schema import Section
from darimage.sections import streams
from darimage.sections.streams import StreamDirectory, StreamEntry
from darimage.showing import display
from darimage.units import RECORD, records_of

if TYPE_CHECKING:
    from darimage.image.inode import Inode
    from darimage.image.parts import SectionHeader
    from darimage.image.reader import Image

OnFault = Callable[[Fault], None]


class StreamTable:
    """Streams by the inode that they belong to; each stream has one base and each base one list.

    Attributes:
        by_base: Stream directories by the number of their base.
        payload: What the section holds; empty if it is damaged, or of several images.
    """

    def __init__(
        self,
        directories: Iterable[StreamDirectory] = (),
        on_fault: OnFault | None = None,
        held: bytes = b"",
        header: Callable[[int], Inode | None] | None = None,
    ) -> None:
        """Keep what agrees and report the rest (DARI-STR-018).

        Args:
            directories: Stream directories as they are stored.
            on_fault: Called for what is left out.
            held: What they were decoded from.
            header: Returns the inode of a number if it was found; asked only where several stream
                directories or entries are about one inode.
        """
        self.by_base: dict[int, StreamDirectory] = {}
        self.payload = held
        self._on_fault = on_fault or (lambda _: None)
        self._header = header or (lambda _: None)
        known = list(directories)
        self._numbers = {one.number for one in known}
        self._used: set[int] = set()
        self._named = Counter(entry.inode for one in known for entry in one.entries)
        for one in known:
            if told := self._wrong(one):
                fault = Fault("stream-directory", told, None, one.number, None, "DARI-STR-011")
                self._on_fault(fault)
            else:
                self.by_base[one.base] = replace(one, entries=self._entries(one))

    def _wrong(self, one: StreamDirectory) -> str:
        """Return why a stream directory cannot be used; nothing if it can."""
        if one.base in self._numbers or self._named[one.base]:
            return f"is a stream directory of inode {one.base}, which belongs to streams itself"
        other = self.by_base.get(one.base)
        if other is None:
            return ""
        base = self._header(one.base)
        if base is None or base.stream_directory != one.number:
            return f"is a second stream directory of inode {one.base}"
        told = f"is not the stream directory that inode {one.base} names"
        fault = Fault("stream-directory", told, None, other.number, None, "DARI-STR-011")
        self._on_fault(fault)
        return ""

    def _entries(self, one: StreamDirectory) -> Sequence[StreamEntry]:
        """Return the entries that can be streams; of two of one inode, that of its base or one."""
        kept: list[StreamEntry] = []
        for entry in one.entries:
            told = ""
            if entry.inode in self._numbers:
                told = f"inode {entry.inode} is a stream directory"
            elif self._named[entry.inode] > 1:
                inode = self._header(entry.inode)
                is_of_other = inode is not None and inode.base_inode != one.base
                if is_of_other or entry.inode in self._used:
                    told = f"another entry names inode {entry.inode} too"
                else:
                    self._used.add(entry.inode)
            if told:
                told = f"stream {display(entry.name)}: {told}"
                self._on_fault(Fault("stream", told, None, one.base, None, "DARI-STR-020"))
            else:
                kept.append(entry)
        return one.entries if len(kept) == len(one.entries) else kept

    def __bool__(self) -> bool:
        return bool(self.by_base)

    def of(self, base: int) -> list[StreamEntry]:
        """Return the streams of an inode, sorted by name."""
        found = self.by_base.get(base)
        return sorted(found.entries) if found is not None else []


def read_streams(image: Image, on_fault: OnFault) -> StreamTable:
    """Return the streams that an image names."""
    for header in image.front.sections:
        if header.section == Section.STREAM_DIRECTORIES:
            return _read(image, header, on_fault)
    return StreamTable()


def _read(image: Image, header: SectionHeader, on_fault: OnFault) -> StreamTable:
    if header.section_version != 1:
        told = f"stream directories of version {header.section_version}"
        field = blame.in_section("section_version", header.section_version, 1)
        on_fault(Fault("format", told, None, None, header.record, "DARI-SCT-009", None, field))
        return StreamTable()
    found = payload.find(image.volume, image.marks, header, 0, on_fault, in_part=True)
    if found is None:
        return StreamTable()
    data = _joined(found)
    if not found.damaged and len(data) != records_of(found.size) * RECORD:
        told = "stream directories: a record is missing, or there is a hole"
        on_fault(Fault("section-damaged", told, None, None, header.record, "DARI-STR-021"))
    faults: list[Fault] = []
    identity = image.marks.image_id
    directories = list(streams.decode(data, image.order, faults.append, identity))
    for fault in faults:
        on_fault(fault._replace(record=header.record))

    def header_of(number: int) -> Inode | None:
        # Names are not asked: what has no name is known only when streams are.
        row = image.front.directories.row_of.get(number)
        if row is not None:
            return image.front.directories.inode(row)
        return next(image.inodes([number], lambda _: None), None)

    return StreamTable(directories, on_fault, b"" if faults else data, header_of)


def _joined(found: payload.Payload) -> bytes:
    """Return what is there of a payload; where some is missing stands one record of zeros."""
    parts: list[bytes] = []
    at = 0
    for offset, data in found.pieces():
        if offset != at:
            parts.append(bytes(RECORD))
        parts.append(data)
        at = offset + len(data)
    data = b"".join(parts)
    return data + bytes(-len(data) % RECORD)


def disagreement(
    base: Inode | None, one: StreamDirectory, entry: StreamEntry, stream: Inode | None
) -> Fault | None:
    """Return why an entry is no stream of its base, by the headers of both (DARI-STR-020).

    Args:
        base: The inode that the stream directory belongs to, if it was found.
        one: The stream directory.
        entry: The entry.
        stream: The inode that the entry names, if it was found.
    """
    name = display(entry.name)
    if base is None or base.stream_directory != one.number:
        said = "none" if base is None else base.stream_directory
        told = f"stream {name}: stream_directory of its base is {said}, not {one.number}"
        return Fault("stream-directory", told, None, one.base, None, "DARI-STR-011")
    if stream is None:
        told = f"stream {name}: inode {entry.inode} is not in the image"
        return Fault("stream", told, None, one.base, None, "DARI-STR-020")
    if stream.base_inode != one.base or not stream.is_file:
        told = f"stream {name}: inode {entry.inode} is no stream of it"
        return Fault("stream", told, None, one.base, stream.record, "DARI-STR-020")
    return None
