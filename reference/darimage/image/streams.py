"""The streams of an image: which file or directory has which (chapter 72)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from darimage.faults import Fault
from darimage.image import blame, payload
from darimage.schema import Section
from darimage.sections import streams
from darimage.sections.streams import StreamDirectory, StreamEntry
from darimage.units import records_of

if TYPE_CHECKING:
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
    ) -> None:
        """Keep what agrees and report the rest (DARI-STR-018)."""
        self.by_base: dict[int, StreamDirectory] = {}
        self.payload = held
        known = list(directories)
        numbers = {one.number for one in known}
        named = Counter(entry.inode for one in known for entry in one.entries)
        for one in known:
            told = self._wrong(one, numbers, named)
            if not told:
                self.by_base[one.base] = one
            elif on_fault is not None:
                on_fault(Fault("format", told, None, one.number, None, "DARI-STR-011"))

    def _wrong(self, one: StreamDirectory, numbers: set[int], named: Counter[int]) -> str:
        """Return why a stream directory cannot be used; nothing if it can."""
        if one.base in numbers or named[one.base]:
            return f"is a stream directory of inode {one.base}, which belongs to streams itself"
        if one.base in self.by_base:
            return f"is a second stream directory of inode {one.base}"
        twice = [entry.inode for entry in one.entries if named[entry.inode] > 1]
        if twice or any(entry.inode in numbers for entry in one.entries):
            return "names a stream directory, or an inode that another entry names too"
        return ""

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
    found = payload.find(image.volume, image.marks, header, 0, on_fault)
    if found is None:
        return StreamTable()
    present = sum(int(part.length.sum()) for part in found.stretches)
    if present != records_of(found.size):
        told = "stream directories: a record is missing, or there is a hole"
        on_fault(Fault("format", told, None, None, header.record, "DARI-STR-018"))
        return StreamTable()
    data = b"".join(piece for _, piece in found.pieces())
    faults: list[Fault] = []
    directories = list(streams.decode(data, image.order, faults.append))
    for fault in faults:
        on_fault(fault._replace(record=header.record))
    return StreamTable(directories, on_fault, b"" if faults else data)
