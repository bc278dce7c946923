"""The parts of an image but for names and files: volume header, maps, sections, end record."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np

from darimage.schema import CType, Incompat, Kind, Order, Section, dtype, header_dtype
from darimage.sections.header import (
    EXTENSION_MAGIC,
    Identity,
    byte_order,
    field_span,
    picker,
    sound,
)
from darimage.units import RECORD
from darimage.volumes.cut import Cut

_EXTENSION, _EXTENSION_END = field_span("extension")


class Part(NamedTuple):
    """One part of an image, for people.

    Attributes:
        title: What it is.
        kind: ``volume``, ``bitmap``, ``directories``, ``section``, ``files`` or ``end``.
        record: Record number of its first header.
        records: How many it takes, headers included.
        note: What is worth knowing of it.
    """

    title: str
    kind: str
    record: int
    records: int
    note: str = ""


@dataclass(frozen=True)
class VolumeHeader:
    """The extension of the first record (chapter 30); record numbers are as stored.

    Attributes:
        image_uuid: 16 bytes.
        feature_compat: Features a reader may ignore.
        feature_incompat: Features a reader must know.
        records_per_volume: 0 for an image on one volume.
        total_records: Records of the whole image.
        stream_directories: Record number of part 5; 0 absent, likewise the next ones.
        nt_acls_front: Part 6.
        offset_map: Part 7.
        files: Part 8.
        nt_acls_trailing: Part 9.
        c_date_epoch: High 32 bits of the date.
        c_ddate_epoch: High 32 bits of the date of the image this one is relative to.
    """

    image_uuid: bytes
    feature_compat: int
    feature_incompat: int
    records_per_volume: int
    total_records: int
    stream_directories: int
    nt_acls_front: int
    offset_map: int
    files: int
    nt_acls_trailing: int
    c_date_epoch: int
    c_ddate_epoch: int


@dataclass(frozen=True)
class SectionHeader:
    """The first header of a section (chapter 70).

    Attributes:
        record: Its record number.
        section: Which section.
        section_version: Version of its payload's layout.
        payload_size: Bytes of payload.
        run_records: Records of the section, as said.
    """

    record: int
    section: int
    section_version: int
    payload_size: int
    run_records: int

    @property
    def title(self) -> str:
        """What it is called."""
        known = {int(section): section.name.lower().replace("_", " ") for section in Section}
        return known.get(self.section, f"section {self.section}")


@dataclass(frozen=True)
class EndRecord:
    """The extension of the end record (chapter 85).

    Attributes:
        record: Record number of the first ``TS_END``.
        verdict: Whether the offset map was found true while writing.
        files_written: Inodes in part 8.
        mismatches: Inodes not found at their place in the map.
        substituted: Inodes some of whose data was replaced by zeros.
        offset_map_sha256: SHA-256 of the offset map's payload.
        attributed: Inodes with extended attributes.
    """

    record: int
    verdict: int
    files_written: int
    mismatches: int
    substituted: int
    offset_map_sha256: bytes
    attributed: int


def has_extension(record: bytes) -> bool:
    """Tell whether a header carries an extension area (DARI-EXT-002)."""
    return record[_EXTENSION : _EXTENSION + len(EXTENSION_MAGIC)] == EXTENSION_MAGIC


def _body(record: bytes, order: Order, name: str) -> Any:
    body_start, _ = field_span("extension.body")
    return np.frombuffer(record, dtype(f"extension/{name}", order), 1, body_start)[0]


def _from_body(
    header: bytes, order: Order, name: str, kind: type[Any], known: dict[str, int]
) -> Any:
    """Return a dataclass filled with the fields of an extension body and what is known."""
    body = _body(header, order, name)
    wanted = [field.name for field in fields(kind) if field.name not in known]
    return kind(**{field: _plain(body[field]) for field in wanted}, **known)


def _plain(value: Any) -> int | bytes:
    return value.tobytes() if isinstance(value, np.ndarray) else int(value)


def volume_header(record: bytes, order: Order) -> VolumeHeader:
    """Return the volume header's extension."""
    found: VolumeHeader = _from_body(record, order, "volume_body", VolumeHeader, {})
    return found


def is_cut(header: VolumeHeader) -> bool:
    """Tell whether an image is cut into volumes (DARI-VOL-010)."""
    return bool(header.feature_incompat & Incompat.VOLUMES) and header.records_per_volume > 0


def shown(header: VolumeHeader, cut: Cut) -> VolumeHeader:
    """Return a volume header with logical record numbers (DARI-VOL-013).

    A number that is that of a continuation header is none of a part; it becomes one that is in no
    image.
    """
    names = ("stream_directories", "nt_acls_front", "offset_map", "files", "nt_acls_trailing")
    logical: dict[str, Any] = {"total_records": cut.contents(header.total_records)}
    for name in names:
        record = getattr(header, name)
        logical[name] = -1 if cut.is_continuation(record) else cut.logical(record)
    return replace(header, **logical)


def volume_number(record: bytes) -> int:
    """Return the number of the volume that a record opens; 0 if it opens none."""
    order = byte_order(record) if len(record) == RECORD else None
    if order is None or not sound(as_row(record), order)[0]:
        return 0
    c_type, volume = picker(order, "c_type", "c_volume").unpack_from(record)
    return int(volume) if c_type == CType.TS_TAPE else 0


def volume_of(record: bytes) -> VolumeHeader | None:
    """Return the volume header's extension that a record has, if it opens a volume."""
    order = byte_order(record)
    if order is None or not volume_number(record):
        return None
    known = has_extension(record) and kind_of(record) == Kind.VOLUME
    return volume_header(record, order) if known else None


def first_record(record: bytes, order: Order) -> int:
    """Return the number of the first record of a volume, as its header says."""
    (first,) = picker(order, "c_firstrec").unpack_from(record)
    return max(0, int(first))


def section_header(record: bytes, order: Order, position: int) -> SectionHeader:
    """Return the extension of a section's first header."""
    found: SectionHeader = _from_body(
        record, order, "section_body", SectionHeader, {"record": position}
    )
    return found


def base_uuid(record: bytes, order: Order) -> bytes:
    """Return what a bitmap's header says of the base (DARI-INC-008): 16 bytes, zero for none."""
    return bytes(_body(record, order, "bitmap_body")["base_uuid"])


def end_record(record: bytes, order: Order, position: int) -> EndRecord:
    """Return the extension of an end record."""
    found: EndRecord = _from_body(record, order, "end_body", EndRecord, {"record": position})
    return found


def identity(record: bytes, order: Order, volume: VolumeHeader | None) -> Identity:
    """Return what the first header says of the image.

    Args:
        record: A sound header.
        order: Byte order of the image.
        volume: Its extension, if it is that of a volume header.
    """
    header = np.frombuffer(record, header_dtype(order, "raw_body"), 1)[0]
    high = (volume.c_date_epoch, volume.c_ddate_epoch) if volume else (0, 0)
    label, filesys, device, host = [
        _text(bytes(header[f"c_{name}"])) for name in ("label", "filesys", "dev", "host")
    ]
    return Identity(
        uuid=volume.image_uuid if volume else bytes(16),
        date=high[0] << 32 | int(header["c_date"]),
        base_date=high[1] << 32 | int(header["c_ddate"]),
        level=int(header["c_level"]),
        label=label,
        filesys=filesys,
        device=device,
        host=host,
        ntrec=int(header["c_ntrec"]),
    )


def _text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def kind_of(record: bytes) -> int:
    """Return the kind of an extension area."""
    start, _ = field_span("extension.kind")
    return record[start]


def image_id_of(record: bytes, is_dari: bool) -> bytes | None:
    """Return the ``image_id`` of a header (DARI-EXT-008); ``None`` if it has no extension area."""
    start, end = field_span("extension.body.image_id")
    return record[start:end] if is_dari else None


def plausible(record: int, volume_size: int) -> bool:
    """Tell whether a record number lies within an image (DARI-VOL-008)."""
    return 0 < record < volume_size // RECORD


def as_row(record: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a header as an array of one row."""
    return np.frombuffer(record, np.uint8, RECORD).reshape(1, RECORD)
