"""What the volume header, the sections and the end must be, given all that lies between."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault, FaultyField
from darimage.image import acl_rules, blame, payload
from darimage.image.nt_acls import MOST
from darimage.image.parts import SectionHeader, VolumeHeader
from darimage.image.payload import Payload
from darimage.image.reader import Image
from darimage.schema import Compat, Section, Verdict
from darimage.sections.offset_map import ELEMENT
from darimage.units import RECORD, records_of

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]

_UUID_VERSIONS = (4, 5, 8)

_ORDER = (
    Section.STREAM_DIRECTORIES,
    Section.NT_ACLS_FRONT,
    Section.OFFSET_MAP,
    Section.NT_ACLS_TRAILING,
)


class Files(NamedTuple):
    """Part 8 as it was found, by ascending record number.

    Attributes:
        inode: Inode numbers.
        record: Record numbers of their first headers.
        substituted: Inodes with data that could not be read.
    """

    inode: Ints
    record: Ints
    substituted: set[int]


class Judge:
    """Holds what an image says of itself against what was found."""

    def __init__(
        self, image: Image, sections: list[SectionHeader], files: Files, on_fault: OnFault
    ) -> None:
        self.image = image
        self.sections = sections
        self.files = files
        self.on_fault = on_fault

    def _tell(
        self,
        told: str,
        requirement: str,
        record: int | None = 0,
        field: FaultyField | None = None,
    ) -> None:
        fault = Fault("format", told, record=record, requirement=requirement, field=field)
        self.on_fault(fault)

    def _feature(self, told: str, bit: Compat) -> None:
        """Tell of a feature bit that is not what the image has."""
        found = 0 if self.image.extension is None else self.image.extension.feature_compat
        field = blame.in_volume("feature_compat", found, found ^ bit)
        self._tell(told, "DARI-VOL-010", field=field)

    def volume_header(self) -> None:
        """Judge the volume header (chapter 30)."""
        volume = self.image.extension
        if volume is None:
            self._tell("there is no sound volume header", "DARI-VOL-001")
            return
        self._identity(volume)
        records = self.image.marks.cut.total(self.image.records)
        if volume.total_records != records:
            told = f"total_records is {volume.total_records}, the image has {records}"
            field = blame.in_volume("total_records", volume.total_records, records)
            self._tell(told, "DARI-VOL-007", field=field)
        if records % max(1, self.image.identity.ntrec):
            told = f"{records} records are no multiple of c_ntrec {self.image.identity.ntrec}"
            field = blame.field("c_ntrec", self.image.identity.ntrec)
            self._tell(told, "DARI-END-002", field=field)
        self._places(volume)

    def _identity(self, volume: VolumeHeader) -> None:
        uuid = volume.image_uuid
        if uuid[6] >> 4 not in _UUID_VERSIONS or uuid[8] >> 6 != 2:
            told = "image_uuid is no random or derived UUID"
            self._tell(told, "DARI-VOL-003", field=blame.in_volume("image_uuid", uuid))
        there = {section.section for section in self.sections}
        wanted = bool(volume.feature_compat & Compat.NT_ACLS)
        for section in (Section.NT_ACLS_FRONT, Section.NT_ACLS_TRAILING):
            if (section in there) != wanted:
                told = f"compat feature nt_acls is {'set' if wanted else 'clear'}, part "
                told += f"{section.name.lower()} is {'there' if section in there else 'absent'}"
                self._feature(told, Compat.NT_ACLS)
        known = volume.feature_compat & sum(int(flag) for flag in Compat)
        if volume.feature_compat != known:
            field = blame.in_volume("feature_compat", volume.feature_compat, known)
            self._tell("undefined compat features are set", "DARI-VOL-004", field=field)

    def attributes(self, runs: int) -> None:
        """Judge what the volume header says of extended attributes (DARI-VOL-010)."""
        volume = self.image.extension
        if volume is not None and bool(volume.feature_compat & Compat.XATTRS) != bool(runs):
            told = "set" if volume.feature_compat & Compat.XATTRS else "clear"
            self._feature(f"compat feature xattrs is {told}, {runs} inodes have any", Compat.XATTRS)
        end = self.image.end
        if end is not None and end.attributed != runs:
            told = f"attributed is {end.attributed}, {runs} inodes have extended attributes"
            field = blame.in_end("attributed", end.attributed, runs)
            self._tell(told, "DARI-END-008", end.record, field)

    def _places(self, volume: VolumeHeader) -> None:
        """Judge the record numbers of the parts (DARI-VOL-002)."""
        real = self.image.marks.cut.physical
        found = {section.section: real(section.record) for section in self.sections}
        said = {
            Section.STREAM_DIRECTORIES: volume.stream_directories,
            Section.NT_ACLS_FRONT: volume.nt_acls_front,
            Section.OFFSET_MAP: volume.offset_map,
            Section.NT_ACLS_TRAILING: volume.nt_acls_trailing,
        }
        for section, record in said.items():
            if found.get(section, 0) != record:
                told = f"{section.name.lower()} is at record {found.get(section, 0)}, "
                told += f"the volume header says {record}"
                field = blame.in_volume(section.name.lower(), record, found.get(section, 0))
                self._tell(told, "DARI-VOL-002", field=field)
        begin = int(self.files.record[0]) if len(self.files.record) else self.image.front.files
        begin = real(begin)
        if volume.files != begin:
            told = f"files begin at record {begin}, the volume header says {volume.files}"
            self._tell(told, "DARI-VOL-002", field=blame.in_volume("files", volume.files, begin))

    def all_sections(self) -> dict[int, Payload]:
        """Judge the sections; return the payloads of those that are sound (chapter 70)."""
        sound: dict[int, Payload] = {}
        last_place = -1
        for header in self.sections:
            place = _ORDER.index(header.section) if header.section in _ORDER else -1
            if header.section in sound:
                told = f"{header.title}: a second section of this kind"
                self._tell(told, "DARI-SCT-004", header.record, _kind(header))
            elif 0 <= place < last_place:
                told = f"{header.title}: out of order"
                self._tell(told, "DARI-SCT-002", header.record, _kind(header))
            last_place = max(place, last_place)
            self._side(header)
            found = self._section(header)
            if found is not None:
                sound.setdefault(header.section, found)
        return sound

    def _side(self, header: SectionHeader) -> None:
        """Judge on which side of the files a section lies (DARI-SCT-002)."""
        records = self.files.record
        if not len(records):
            return
        before, after = header.record < records[0], header.record > records[-1]
        trailing = header.section == Section.NT_ACLS_TRAILING
        if not (after if trailing else before) and header.section in _ORDER:
            told = f"{header.title}: on the wrong side"
            self._tell(told, "DARI-SCT-002", header.record, _kind(header))

    def _section(self, header: SectionHeader) -> Payload | None:
        image = self.image
        found = payload.find(image.volume, image.marks, header, 0, self.on_fault)
        if found is None:
            return None
        if header.section_version != 1:
            told = f"{header.title}: section_version is {header.section_version}"
            field = blame.in_section("section_version", header.section_version, 1)
            self._tell(told, "DARI-SCT-009", header.record, field)
        crc = found.crc32c()
        if crc != header.payload_crc32c:
            told = f"{header.title}: payload_crc32c is not that of its payload"
            field = blame.in_section("payload_crc32c", header.payload_crc32c, crc)
            self._tell(told, "DARI-SCT-006", header.record, field)
            return None
        self._holes(header, found)
        return found

    def _holes(self, header: SectionHeader, found: Payload) -> None:
        """Judge which blocks are holes: those of zeros, but never the last (DARI-SCT-007)."""
        last = records_of(found.size) - 1
        ends = max((int((p.block + p.length).max(initial=0)) for p in found.stretches), default=0)
        if ends != last + 1:
            told = f"{header.title}: the last block is a hole"
            self._tell(told, "DARI-SCT-007", header.record, blame.field("c_addr"))
        for offset, data in found.pieces():
            empty = np.flatnonzero(~_used(data)) + offset // RECORD
            if (empty < last).any():
                told = f"{header.title}: a block of zeros is no hole"
                self._tell(told, "DARI-SCT-007", header.record, blame.field("c_addr"))
                return

    def acls(self, sound: dict[int, Payload]) -> None:
        """Judge the NT ACLs (chapter 75)."""
        front = sound.get(Section.NT_ACLS_FRONT)
        trailing = sound.get(Section.NT_ACLS_TRAILING)
        if front is None or trailing is None:
            return
        if _digest(front) != _digest(trailing):
            told = "the trailing payload differs from the front one"
            self._tell(told, "DARI-ACL-003", self._record_of(Section.NT_ACLS_TRAILING))
        if front.size <= min(MOST, self.image.volume.size):
            record = self._record_of(Section.NT_ACLS_FRONT)
            acl_rules.judge(self.image, b"".join(front.stream()), record, self.on_fault)

    def _record_of(self, section: int) -> int:
        return next(header.record for header in self.sections if header.section == section)

    def offset_map(self, sound: dict[int, Payload]) -> bool:
        """Hold the offset map against the places found; tell whether they are equal (OFF-002)."""
        found = sound.get(Section.OFFSET_MAP)
        if found is None:
            self._tell("there is no sound offset map", "DARI-OFF-001", None)
            return False
        record = self._record_of(Section.OFFSET_MAP)
        highest = self.image.exists.highest
        if found.size != (highest + 1) * ELEMENT:
            told = f"offset map of {found.size} bytes for {highest} inodes"
            field = blame.in_section("payload_size", found.size, (highest + 1) * ELEMENT)
            self._tell(told, "DARI-OFF-001", record, field)
        inodes, words, _ = found.words()
        said = words.view("<u8" if self.image.order == "le" else ">u8").reshape(-1)
        if (said[1:] <= said[:-1]).any():
            self._tell("elements of the offset map do not ascend", "DARI-OFF-006", record)
        return self._compare(inodes, said.astype(np.uint64), record)

    def _compare(self, inodes: Ints, said: npt.NDArray[np.uint64], record: int) -> bool:
        """Compare the map element by element with what was found."""
        numbers, first = np.unique(self.files.inode, return_index=True)
        real = self.image.marks.cut.physical(self.files.record[first])
        true = (real * RECORD).astype(np.uint64)
        everyone = np.union1d(inodes, numbers)
        in_map, in_image = _spread(everyone, inodes, said), _spread(everyone, numbers, true)
        different = np.flatnonzero(in_map != in_image)
        for at in different.tolist():
            told = f"the offset map says byte {int(in_map[at])}, "
            told += f"it is at byte {int(in_image[at])}" if in_image[at] else "it is no file here"
            where = (int(everyone[at]), record)
            self.on_fault(Fault("format", told, None, *where, "DARI-OFF-002"))
        return not different.size

    def end(self, sound: dict[int, Payload], map_equal: bool) -> None:
        """Judge the end record (chapter 85)."""
        end = self.image.end
        if end is None:
            self._tell("there is no end record", "DARI-END-001", None)
            return
        true = {"files_written": len(self.files.inode), "substituted": len(self.files.substituted)}
        for name, value in true.items():
            if getattr(end, name) != value:
                told = f"{name} is {getattr(end, name)}, the image has {value}"
                requirement = "DARI-END-005" if name == "substituted" else "DARI-END-001"
                field = blame.in_end(name, getattr(end, name), value)
                self._tell(told, requirement, end.record, field)
        good = end.verdict == Verdict.GOOD
        if good and (end.mismatches or not map_equal):
            told = "the verdict is good, the map is not"
            self._tell(told, "DARI-END-003", end.record, blame.in_end("verdict", end.verdict))
        if end.verdict not in list(Verdict):
            field = blame.in_end("verdict", end.verdict)
            self._tell(f"verdict {end.verdict} is undefined", "DARI-END-003", end.record, field)
        found = sound.get(Section.OFFSET_MAP)
        wanted = _digest(found) if found is not None else bytes(32)
        if found is not None and end.offset_map_sha256 != wanted:
            told = "offset_map_sha256 is not that of the offset map"
            field = blame.in_end("offset_map_sha256", end.offset_map_sha256, wanted)
            self._tell(told, "DARI-END-004", end.record, field)


def _kind(header: SectionHeader) -> FaultyField:
    return blame.in_section("section", header.section)


def _spread(everyone: Ints, inodes: Ints, values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    spread = np.zeros(len(everyone), np.uint64)
    spread[np.searchsorted(everyone, inodes)] = values
    return spread


def _used(data: bytes) -> npt.NDArray[np.bool_]:
    """Tell of each record whether it holds anything but zeros."""
    padded = np.frombuffer(data.ljust(-(-len(data) // RECORD) * RECORD, b"\0"), np.uint8)
    return np.asarray(padded.reshape(-1, RECORD).any(axis=1))


def _digest(found: Payload) -> bytes:
    digest = hashlib.sha256()
    for data in found.stream():
        digest.update(data)
    return digest.digest()
