"""A whole image once all its headers were seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image.names import Names
from darimage.image.parts import SectionHeader
from darimage.image.reader import Image
from darimage.image.volume_set import real_of
from darimage.schema import Section
from darimage.units import RECORD
from darimage.validate.contexts import behind
from darimage.validate.contexts.acls import AclsSeen
from darimage.validate.contexts.bitmaps import BitmapSeen
from darimage.validate.contexts.directories import Directories
from darimage.validate.contexts.gaps import Gaps
from darimage.validate.contexts.numbers import Numbers
from darimage.validate.contexts.offset_map import MapSeen
from darimage.validate.contexts.runs import Found
from darimage.validate.contexts.sections import SectionSeen
from darimage.validate.contexts.tree import tree
from darimage.volumes.joined import Joined

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
OnFault = Callable[[Fault], None]


@dataclass
class Whole:
    """What was found of an image.

    Attributes:
        image: The image.
        found: First headers of its inodes.
        headers: First headers of its sections, as they come.
        attributed: Inodes with extended attributes.
        substituted: Inodes with data that could not be read.
        gaps: What was told of records that are not there, so far.
        numbers: How ``c_tapea`` goes on, if it is a plain dump.
        end: Record number behind the row of ``TS_END`` where the walk ended; ``None`` if none did.
        on_fault: Told of what cannot be decoded.
    """

    image: Image
    found: Found
    headers: Sequence[SectionHeader]
    attributed: int
    substituted: set[int]
    numbers: Numbers
    end: int | None
    on_fault: OnFault
    gaps: Sequence[str] = ()

    @cached_property
    def is_directory(self) -> Bools:
        """Which inodes are directories."""
        return self.found.is_directory

    @cached_property
    def files(self) -> tuple[Ints, Ints]:
        """Numbers and places of the inodes that are no directories."""
        below = ~self.is_directory
        return self.found.inode[below], self.found.record[below]

    @cached_property
    def records(self) -> int:
        """Records of the image, continuation headers counted."""
        return self.image.marks.cut.total(self.image.records)

    @cached_property
    def held(self) -> Ints:
        """The inodes that the image has, and stream directories, ascending."""
        beside = [one.number for one in self.image.streams.by_base.values()]
        inodes, _ = self.found.first()
        return np.union1d(inodes, np.array(beside, np.int64)) if beside else inodes

    @property
    def is_cut(self) -> bool:
        """Whether it has fewer records than it says, which its readers tell."""
        known, held = self.image.extension, self.image.volume.size // RECORD
        return known is not None and self.image.marks.cut.total(held) < known.total_records

    def is_lost(self, record: int) -> bool:
        """Tell whether a record as stored lies behind a cut, or on a volume that is missing."""
        known, volume = self.image.extension, real_of(self.image.volume)
        if known is None or record >= known.total_records:
            return False
        return record >= self.records or bool(volume.missing(record * RECORD, record * RECORD + 1))

    @cached_property
    def lacks(self) -> Gaps:
        """What is missing of its volumes."""
        return Gaps(self.image)

    @cached_property
    def behind(self) -> list[tuple[str, int | None]]:
        """What lies behind the end, in words, and at which record as stored (DARI-END-010)."""
        return list(behind.what_is_behind(self.image, self.end))

    @cached_property
    def bitmaps(self) -> list[BitmapSeen]:
        """The bitmaps that are there."""
        order, parts = self.image.order, (self.image.front.exists, self.image.front.dumped)
        return [BitmapSeen(part, order) for part in parts if part is not None]

    @cached_property
    def both_bitmaps(self) -> tuple[BitmapSeen, BitmapSeen] | None:
        """Both bitmaps, if both are there."""
        return (self.bitmaps[0], self.bitmaps[1]) if len(self.bitmaps) == 2 else None

    @cached_property
    def directories(self) -> Directories:
        """The directories."""
        return Directories(self.image, self.found, self.tree, self.lacks, self.on_fault)

    @property
    def volumes(self) -> Joined | None:
        """Its volumes, if it says that there are several."""
        volume = self.image.volume
        known = self.image.extension is not None and isinstance(volume, Joined)
        return volume if known and isinstance(volume, Joined) else None

    # -- sections -----------------------------------------------------------------------------

    @cached_property
    def sections(self) -> list[SectionSeen]:
        """The sections, in the order they lie."""
        seen: list[SectionSeen] = []
        for header in self.headers:
            seen.append(SectionSeen(self.image, header, tuple(seen), self.files[1], self.on_fault))
        return seen

    def section(self, kind: Section) -> SectionSeen | None:
        """Return the first sound section of a kind."""
        return next((one for one in self.sections if one.kind == kind and one.is_sound), None)

    @cached_property
    def acls(self) -> AclsSeen | None:
        """The NT ACLs, if both of their sections are sound."""
        front = self.section(Section.NT_ACLS_FRONT)
        trailing = self.section(Section.NT_ACLS_TRAILING)
        if front is None or trailing is None:
            return None
        places = [self._first(section) for section in (front, trailing)]
        return AclsSeen(self.image, front, trailing, (places[0], places[1]), self.on_fault)

    @cached_property
    def offset_map(self) -> MapSeen | None:
        """The offset map, if it is sound."""
        section = self.section(Section.OFFSET_MAP)
        if section is None:
            return None
        return MapSeen(section, self._first(section), self.image, *self.files, self.lacks)

    def _first(self, section: SectionSeen) -> int:
        """Return where the first section of a kind lies, sound or not."""
        return next(one.header.record for one in self.sections if one.kind == section.kind)

    @property
    def map_equal(self) -> bool:
        """Whether the offset map says what was found."""
        return self.offset_map is not None and not self.offset_map.different.size

    @cached_property
    def places(self) -> dict[int, int]:
        """Record numbers of the sections as stored, by their kinds."""
        real = self.image.marks.cut.physical
        return {header.section: real(header.record) for header in self.headers}

    @cached_property
    def begin_of_files(self) -> int:
        """Record number of part 8 as stored."""
        records = self.files[1]
        begin = int(records[0]) if len(records) else self.image.front.files
        return self.image.marks.cut.physical(begin)

    # -- names --------------------------------------------------------------------------------

    @property
    def tree(self) -> Names:
        """The directory tree."""
        return self._tree[0]

    @property
    def tree_faults(self) -> list[Fault]:
        """What is wrong with it."""
        return self._tree[1]

    @cached_property
    def _tree(self) -> tuple[Names, list[Fault]]:
        return tree(self.image, self.found)

    @cached_property
    def names(self) -> Ints:
        """How many entries and streams name each inode found."""
        numbers, counts = self.tree.name_counts()
        inodes = self.found.inode
        named = np.zeros(len(inodes), np.int64)
        if len(numbers):
            at = np.minimum(np.searchsorted(numbers, inodes), len(numbers) - 1)
            named = np.where(numbers[at] == inodes, counts[at], 0)
        streams = {e.inode for one in self.image.streams.by_base.values() for e in one.entries}
        if streams:
            named = named + np.isin(inodes, np.array(sorted(streams), np.int64))
        return named
