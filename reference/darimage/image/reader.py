"""An image that is open for reading: DARI images and plain dump streams alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from darimage.distinct import distinct
from darimage.errors import FormatError, StorageError
from darimage.faults import Fault
from darimage.image import nt_acls, opening, volume_set
from darimage.image import parts as volume_parts
from darimage.image.attributes import AttributeRuns, attributes_of
from darimage.image.beginning import front_of
from darimage.image.describe import describe, trailing_section
from darimage.image.first_headers import inodes_at
from darimage.image.front import Front, bitmap_of
from darimage.image.inode import Inode
from darimage.image.names import Names
from darimage.image.offsets import MapOffsets, Offsets, from_map, from_walk
from darimage.image.opening import End, Opening
from darimage.image.parts import EndRecord, Part, SectionHeader, VolumeHeader
from darimage.image.streams import StreamTable, read_streams
from darimage.image.told import Faults
from darimage.progress import SILENT, Progress
from darimage.schema import CType, Order, Section, Verdict
from darimage.sections.bitmap import Bitmap
from darimage.sections.header import Identity, picker
from darimage.sections.nt_acls import NtAcls
from darimage.units import RECORD
from darimage.volumes.cut import ONE_VOLUME
from darimage.volumes.patient import Patient
from darimage.volumes.reading import Volume, patient

if TYPE_CHECKING:
    from darimage.image.recovery import Recovery

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]


class Image:
    """An open image.

    Damage that leaves the rest readable is collected in ``faults``.

    Attributes:
        volume: Its logical records, continuation headers taken out.
        name: What to call it.
        order: Byte order of its integers.
        is_dari: Whether it carries the extension.
        old_format: It has 16-bit owners and old directory entries (no ``DR_NEWINODEFMT``).
        identity: Date, label and the like.
        first_record: Record number of the first sound header: 0, unless that is damaged.
        extension: The volume header's extension, as stored; ``None`` in a plain dump, or if it is
            damaged.
        shown: The same with logical record numbers, those that everything here counts by.
        end: The end record; ``None`` in a plain dump, or if it is not found or not looked for.
        end_at: Record number of the first ``TS_END``; ``None`` if it is not known.
        records: Records up to the end of the block with ``TS_END``, or all if it is not found.
        ends_at_end: Whether opening looked at its end last, not at its front.
        faults: What was found wrong so far.
    """

    def __init__(
        self,
        volume: Volume,
        *,
        name: str | None = None,
        trust_map: bool = False,
        sequential: bool = False,
        map_first: bool = False,
    ) -> None:
        """Read maps, directories and the places of the sections; see ``open``."""
        self.name = name or volume.name
        self.volume = volume
        self.faults = Faults(self.located)
        self._recovery: Recovery | None = None
        for fault in getattr(volume, "notes", ()):
            self.faults.tell(fault)
        volume, first = self._look_at_first(volume)
        if first.volume_number > 1 and first.is_first and not volume.missing(0, 1):
            volume, first = self._look_for_first(volume, first)
        if first.extension is not None and not sequential:
            opening.refuse_unknown_features(first.extension)
        self.volume, first = volume_set.join(volume, first, self.faults.tell, walked=sequential)
        self._opening = first
        self.marks = first.marks
        self.order: Order = first.marks.order
        self.is_dari = first.is_dari
        self.old_format = first.old_format
        self.identity: Identity = first.identity
        self.first_record = first.first
        self.extension: VolumeHeader | None = first.extension
        self.shown: VolumeHeader | None = first.shown
        if not first.is_first:
            self._begin_recovered()
        self._trust_map = trust_map
        self._sequential = sequential
        self._walked: tuple[Offsets, AttributeRuns] | None = None
        self._attributes: AttributeRuns | None = None
        self._by_map: MapOffsets | None = None
        self.end: EndRecord | None = None
        self.end_at: int | None = None
        self.ends_at_end = False
        if map_first:
            self._read_front_and_map()
        if map_first and self._does_without_verdict():
            self.records = self._opening.total
        else:
            self._find_end()
            self.ends_at_end = map_first
        if not map_first:
            self.front = front_of(self, self._opening.start)

    @classmethod
    def open(
        cls,
        image: volume_set.Name | bytes | Volume | Sequence[volume_set.Name],
        *,
        name: str | None = None,
        trust_map: bool = False,
        sequential: bool = False,
        map_first: bool = False,
    ) -> Self:
        """Open an image.

        Args:
            image: A path (``-`` standard input; of volumes the first, or what their names have in
                common), paths of volumes or pieces in order, bytes, or a volume.
            name: What to call it; by default the volume's name.
            trust_map: Use the offset map although the verdict on it is not good.
            sequential: Never use the offset map; read an image with unknown features as a plain
                dump.
            map_first: Read the map before the end of the image: a tape is wound less then, and with
                ``trust_map`` not to the end at all.

        Raises:
            FormatError: It is no image, or none that is read.
            StorageError: It cannot be read.
        """
        volume = volume_set.open_image(image)
        wishes = {"trust_map": trust_map, "sequential": sequential, "map_first": map_first}
        try:
            return cls._without_lost(volume, name=name, **wishes)
        except FormatError as error:
            error.image = name or volume.name
            if volume is not image:
                volume.close()
            raise
        except BaseException:
            if volume is not image:
                volume.close()
            raise

    @classmethod
    def _without_lost(cls, volume: Volume, **options: Any) -> Self:
        """Open an image; begin again if that found that some of it cannot be read."""
        lost = 0
        while True:
            try:
                return cls(volume, **options)
            except StorageError:
                known = len(volume.missing(0, volume.size))
                if known <= lost:
                    raise
                lost = known

    def _look_at_first(self, volume: Volume) -> tuple[Volume, Opening]:
        """Return what the first header says, and the volume: with its pairs of bytes exchanged."""
        told: list[Fault] = []
        try:
            first = opening.look_at_first(volume, told.append)
        except FormatError:
            exchanged = opening.pairs_exchanged(volume)
            if exchanged is None:
                raise
        else:
            exchanged = None if first.is_first else opening.pairs_exchanged(volume)
        if exchanged is not None:
            told = [
                Fault("byte-pairs", "each two bytes are exchanged", None, None, 0, "DARI-REC-034")
            ]
            volume, first = exchanged, opening.look_at_first(exchanged, told.append)
        for fault in told:
            self.faults.tell(fault)
        return volume, first

    def _look_for_first(self, volume: Volume, first: Opening) -> tuple[Volume, Opening]:
        """Return the first volume of a set and what it says, or all that is here of later ones.

        The first may lie behind others in the same file; if it is missing what is here is read
        (DARI-VOL-025).
        """
        number = first.volume_number
        try:
            volume = volume_set.first_of(volume, number)
        except FormatError:
            from darimage.image.recovery import recover

            self._recovery = recover(volume, first.marks, 0)
            if self._recovery is None:
                raise
            for fault in self._recovery.faults:
                self.faults.tell(fault)
            volume = volume_set.real_of(self._recovery.volume)
            if self._recovery.first > 0:
                told = f"this is volume {number}; those before it are missing"
                self.faults.tell(Fault("volume-missing", told, None, None, 0, "DARI-VOL-025"))
        return volume, opening.look_at_first(volume, self.faults.tell)

    def _begin_recovered(self) -> None:
        """Begin with records that were put at their numbers: the first one is not where it is due.

        If it lies elsewhere it is read there.
        """
        self.recover()
        found = self._recovery
        if found is None:
            return
        self.volume = found.volume
        self.first_record = found.first
        first = opening.look_at_first(self.volume, lambda _: None)
        start = first.start if first.is_first else found.first
        marks = replace(first.marks, cut=self.volume.cut)
        shown = first.extension and volume_parts.shown(first.extension, self.volume.cut)
        if first.is_first:
            self.first_record = 0
            self.identity, self.extension, self.shown = first.identity, first.extension, shown
        self._opening = replace(
            first, start=start, first=self.first_record, marks=marks, shown=shown
        )
        self.marks = marks

    @property
    def is_recovered(self) -> bool:
        """Whether its records were put at their numbers already."""
        return self._recovery is not None

    def recover(self) -> Volume:
        """Return the volume with each record at its number, whatever order they lie in.

        Called at the first sign of damage: the whole input is looked at, once. What was lost is a
        gap then. Records before the damage keep their numbers (DARI-REC-031, DARI-REC-032).
        """
        if self._recovery is not None:
            return self.volume
        behind = self.volume.behind if isinstance(self.volume, Patient) else self.volume
        # Of an undamaged image none of this is needed.
        from darimage.image.recovery import Recovery, recover

        found = recover(volume_set.real_of(behind), self.marks, self._total_of_input())
        if found is None:
            nothing = np.zeros(0, np.int64)
            self._recovery = Recovery(behind, behind.cut, 0, nothing, nothing, [])
            return self.volume
        self._recovery = found
        self.volume = found.volume
        self.marks = replace(self.marks, cut=found.cut)
        self._opening = replace(self._opening, marks=self.marks)
        for fault in found.faults:
            self.faults.tell(fault)
        if hasattr(self, "records"):
            self._look_for_end()
        return self.volume

    def _total_of_input(self) -> int:
        """Return how many records the image has as it lies; 0 if that is not known."""
        return self.extension.total_records if self.extension else 0

    def close(self) -> None:
        """Close the volume."""
        self.volume.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # -- what is in it ------------------------------------------------------------------------

    @cached_property
    def names(self) -> Names:
        """The directory tree; damage found in it goes to ``faults``."""
        from darimage.image.chain import Chain
        from darimage.image.evidence import OfChain

        return Names(self.front.directories, self.faults.tell, OfChain(Chain([self])))

    @cached_property
    def exists(self) -> Bitmap:
        """Bitmap I: the inodes that exist."""
        return bitmap_of(self.front.exists)

    @cached_property
    def dumped(self) -> Bitmap:
        """Bitmap II: the inodes in this image."""
        return bitmap_of(self.front.dumped)

    @property
    def sections(self) -> list[SectionHeader]:
        """The sections that were found before the files, and the one after them."""
        trailing = self._trailing
        return [*self.front.sections, *([] if trailing is None else [trailing])]

    @cached_property
    def nt_acls(self) -> NtAcls:
        """The NT ACLs by inode; damage found in them goes to ``faults``."""
        return nt_acls.of_image(self)

    @cached_property
    def parts(self) -> list[Part]:
        """The parts of the image, in order."""
        return describe(self)

    # -- where things are ---------------------------------------------------------------------

    @property
    def access(self) -> str:
        """``direct`` if files are found by the offset map, else ``sequential``."""
        return "sequential" if self.access_note else "direct"

    @cached_property
    def access_note(self) -> str:
        """Why access is sequential; empty if it is direct (DARI-END-006)."""
        if self._sequential:
            return "sequential reading was asked for"
        if not self.is_dari:
            return "a plain dump has no offset map"
        if self.extension is None:
            return "the volume header is damaged"
        if self._trust_map and self._map is not None:
            return ""
        if self.end is None:
            return "the end record with the verdict is missing"
        if self.end.verdict != Verdict.GOOD:
            said = {int(verdict): verdict.name.lower() for verdict in Verdict}
            return f"the verdict on the offset map is {said.get(self.end.verdict, 'unknown')}"
        return "" if self._map is not None else "the offset map is missing or damaged"

    def trust_map(self) -> None:
        """Use the offset map from now on although the verdict on it is not good."""
        self._trust_map = True
        self.__dict__.pop("access_note", None)

    @property
    def is_walked(self) -> bool:
        """Whether a walk over all headers has found all files."""
        return self._walked is not None

    @property
    def offsets(self) -> Offsets:
        """Addresses of all files: by the map, or by a walk that is done when first needed."""
        if self.access == "direct" and self._map is not None:
            if self._by_map is None:
                self._by_map = MapOffsets(self._map, self._lacking)
            return self._by_map
        return self.index_sequentially() if self._walked is None else self._walked[0]

    def offset(self, inode: int) -> int | None:
        """Return the byte address of an inode's ``TS_INODE``; ``None`` if it is not here.

        Directories are found as well.
        """
        if inode in self.names.directories:
            return self.names.directories[inode].inode.record * RECORD
        return self.offsets.get(inode)

    def index_sequentially(self, progress: Progress = SILENT) -> Offsets:
        """Find all files by a walk over the headers (DARI-END-006)."""
        self._attributes = None
        self._walked = from_walk(
            self.volume,
            self.marks,
            self.front.files,
            None,
            progress,
            self.faults.tell,
            self.recover,
        )
        return self._walked[0]

    def located(self, fault: Fault) -> Fault:
        """Return a fault with the volume and the real number of its record, if there are several.

        Everything here counts logical records; people are told of real ones.
        """
        cut = self.volume.cut
        if fault.record is None or fault.volume is not None or cut == ONE_VOLUME:
            return fault
        real = cut.physical(fault.record)
        return fault._replace(record=real, volume=volume_set.name_of(self.volume, real))

    # -- inodes -------------------------------------------------------------------------------

    def inode(self, number: int) -> Inode:
        """Return one inode.

        Raises:
            FormatError: It is not in the image, or what lies at its place is not its header
                (DARI-OFF-005).
        """
        if number in self.names.directories:
            return self.names.directories[number].inode
        if self.offsets.get(number) is None:
            raise FormatError(f"inode {number} is not in the image", image=self.name)
        for inode in self.inodes([number]):
            return inode
        raise FormatError(f"inode {number} lies past the end", image=self.name)

    def inodes(self, numbers: npt.ArrayLike, on_fault: OnFault | None = None) -> Iterator[Inode]:
        """Yield many inodes that are no directories, in the order they lie in the image.

        Args:
            numbers: Inode numbers.
            on_fault: Told of those that are missing or whose headers are not sound, which are left
                out; by default the first one raises.

        Raises:
            FormatError: As for ``inode``, if ``on_fault`` is not given.
        """
        on_fault = on_fault or self._raise
        wanted = distinct(numbers)
        places = self.offsets.of(wanted)
        for number in wanted[places < 0].tolist():
            on_fault(Fault("missing", "is not in the image", None, number))
        wanted, places = wanted[places >= 0], places[places >= 0]
        in_order = np.argsort(places, kind="stable")
        failed: list[Fault] = []
        further = self.access != "direct"
        yield from self._inodes_at(
            wanted[in_order], places[in_order], failed.append, further=further
        )
        yield from self._elsewhere(failed, on_fault)

    def _elsewhere(self, failed: list[Fault], on_fault: OnFault) -> Iterator[Inode]:
        """Yield inodes whose headers are not where they should be, but elsewhere (DARI-OFF-007).

        Args:
            failed: One fault for each that is not at its place.
            on_fault: Told of those that are nowhere.
        """
        gone = [fault for fault in failed if fault.requirement == "DARI-VOL-020"]
        for fault in gone:
            on_fault(fault)
        by_number = {fault.inode or 0: fault for fault in failed if fault not in gone}
        if not by_number:
            return
        found = self._in_survey(np.array(sorted(by_number), np.int64))
        in_order = np.argsort(found.offsets, kind="stable")
        places = found.inodes[in_order], found.offsets[in_order]
        for inode in self._inodes_at(*places, lambda _: None, further=True):
            by_number.pop(inode.number)
            if not self._is_first(inode):
                told = "its first header is lost, a further one is here"
                where = inode.number, inode.record
                fault = Fault("first-group-missing", told, None, *where, "DARI-FIL-022")
                self.faults.tell(fault)
            yield inode
        for fault in by_number.values():
            on_fault(fault)

    def _in_survey(self, numbers: Ints) -> Offsets:
        """Return where a look at the whole image finds the headers of some files."""
        self.recover()
        found = self._recovery
        if found is None:
            return Offsets(numbers[:0], numbers[:0])
        kept = np.isin(found.inodes, numbers)
        return Offsets(found.inodes[kept], found.records[kept] * RECORD)

    def _lacking(self, numbers: Ints) -> Offsets:
        """Return where files are that the offset map lacks, though they should be here."""
        due = ~np.isin(numbers, self.front.directories.numbers)
        if self.front.dumped is not None:
            due &= self.dumped.holds(numbers)
        if not due.any():
            return Offsets(numbers[:0], numbers[:0])
        found = self._in_survey(numbers[due])
        for number, offset in zip(found.inodes.tolist(), found.offsets.tolist(), strict=True):
            told = "the offset map does not say where it is"
            record = offset // RECORD
            self.faults.tell(Fault("map-element", told, None, number, record, "DARI-OFF-007"))
        return found

    def _is_first(self, inode: Inode) -> bool:
        """Tell whether an inode was read from its first header."""
        record = self.volume.read_at(inode.record * RECORD, RECORD)
        (c_type,) = picker(self.order, "c_type").unpack_from(record)
        return bool(c_type == CType.TS_INODE)

    def _inodes_at(
        self, numbers: Ints, places: Ints, on_fault: OnFault, *, further: bool
    ) -> Iterator[Inode]:
        """Yield the inodes at addresses, ascending, whose headers are what they should be."""
        return inodes_at(
            self.volume,
            self.marks,
            numbers,
            places,
            on_fault,
            old_format=self.old_format,
            further=further and self.is_dari,
        )

    def error(self, fault: Fault) -> FormatError:
        """Return a fault as an error."""
        fault = self.located(fault)
        told = fault.message if fault.inode is None else f"inode {fault.inode}: {fault.message}"
        error = FormatError(
            told, record=fault.record, requirement=fault.requirement, image=self.name
        )
        error.volume = fault.volume
        return error

    def _raise(self, fault: Fault) -> None:
        raise self.error(fault)

    # -- extended attributes ------------------------------------------------------------------

    @property
    def runs_of_attributes(self) -> AttributeRuns:
        """Where extended attributes are, as far as a walk has come: always of directories."""
        if self._walked is None:
            return self.front.attributes
        if self._attributes is None:
            parts = (self.front.attributes, self._walked[1])
            self._attributes = AttributeRuns.joined([(p.inodes, p.records) for p in parts])
        return self._attributes

    def attributes_of(self, inode: Inode, on_fault: OnFault | None = None) -> dict[bytes, bytes]:
        """Return the extended attributes and POSIX ACLs of an inode, by full name (chapter 65).

        Args:
            inode: An inode of this image.
            on_fault: Told of what is not well-formed, which is left out; by default that goes to
                ``faults``.
        """
        if not self.is_dari and not inode.is_directory:
            _ = self.offsets
        return attributes_of(self, inode, on_fault or self.faults.tell)

    # -- opening ------------------------------------------------------------------------------

    def _read_front_and_map(self) -> None:
        """Read what lies before the files in one go, the offset map too if it may be used."""
        behind, self.records = self.volume, self.volume.size // RECORD
        self.volume = patient(behind)
        try:
            front_of(self, self._opening.start, self._read_map)
        finally:
            if isinstance(self.volume, Patient):
                self.volume = self.volume.behind
            elif self._recovery is None:
                self.volume = behind

    def _read_map(self, front: Front) -> None:
        self.front = front
        self.__dict__.pop("_map", None)
        if self.is_dari and not self._sequential:
            _ = self._map

    def _does_without_verdict(self) -> bool:
        """Tell whether nobody asks for the verdict: all headers are checked (DARI-OFF-005)."""
        is_whole = 0 < self._opening.total <= self.records
        return self._trust_map and is_whole and self._map is not None

    def _find_end(self) -> None:
        """Find the end; if it is not where it should be, put the records at their numbers first."""
        found = self._look_for_end()
        if self._recovery is None and opening.is_displaced(self.volume, self._opening, found):
            self.recover()
            found = self._look_for_end()
        if (fault := opening.why_no_end(self.volume, self._opening, found)) is not None:
            self.faults.tell(fault)

    def _look_for_end(self) -> End | None:
        found = opening.find_end(self.volume, self._opening)
        self.records = self.volume.size // RECORD
        self.end, self.end_at = None, None
        if found is not None:
            self.end, self.end_at, self.records = found.body, found.first, found.last
        return found

    @cached_property
    def streams(self) -> StreamTable:
        """Which inode has which streams."""
        return read_streams(self, self.faults.tell)

    @cached_property
    def _trailing(self) -> SectionHeader | None:
        """The section after the files, if the volume header names one."""
        return trailing_section(self)

    @cached_property
    def _map(self) -> Offsets | None:
        """What the offset map says, if it is sound."""
        for header in self.front.sections:
            if header.section == Section.OFFSET_MAP:
                span = (self.front.files, self.records)
                return from_map(self.volume, self.marks, header, span, self.faults.tell)
        return None
