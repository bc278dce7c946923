"""What the volume header says of the image (chapters 30 and 35)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from darimage.image import blame, volume_set
from darimage.schema import Compat, Incompat, Section
from darimage.units import RECORD
from darimage.validate.contexts.gaps import are_named
from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Hit, Scope, over_things
from darimage.volumes.recovered import LOST

image = partial(over_things, Scope.IMAGE)

_UUID_VERSIONS = (4, 5, 8)
_PLACES = {
    Section.STREAM_DIRECTORIES: "stream_directories",
    Section.NT_ACLS_FRONT: "nt_acls_front",
    Section.OFFSET_MAP: "offset_map",
    Section.NT_ACLS_TRAILING: "nt_acls_trailing",
}


def in_header(told: str, name: str, found: object, expected: object = None) -> Hit:
    """Return a hit in the extension of the volume header."""
    return Hit(told, 0, field=blame.in_volume(name, found, expected))


def feature(whole: Whole, told: str, bit: Compat) -> Hit:
    """Return a hit for a feature bit that is not what the image has."""
    found = 0 if whole.image.extension is None else whole.image.extension.feature_compat
    return in_header(told, "feature_compat", found, found ^ bit)


@image("DARI-VOL-001", "volume.absent", "there is no sound volume header")
def _absent(whole: Whole) -> Iterator[Hit]:
    if whole.image.extension is None:
        yield Hit(record=0)


@image("DARI-VOL-002", "volume.places", "a section does not begin where the volume header says")
def _places(whole: Whole) -> Iterator[Hit]:
    volume = whole.image.extension
    for section, name in _PLACES.items() if volume else ():
        said, found = getattr(volume, name), whole.places.get(section, 0)
        if said != found and (found or not whole.is_lost(said)):
            told = f"{name} is at record {found}, the volume header says {said}"
            yield in_header(told, name, said, found)


@image("DARI-VOL-002", "volume.files", "files do not begin where the volume header says")
def _files(whole: Whole) -> Iterator[Hit]:
    volume, begin = whole.image.extension, whole.begin_of_files
    if volume is None or whole.lacks.any_in(volume.files, volume.files + 1):
        return
    if not len(whole.files[1]) and whole.lacks.before_files():
        return  # nothing says where they would begin
    if volume.files != begin:
        told = f"files begin at record {begin}, the volume header says {volume.files}"
        yield in_header(told, "files", volume.files, begin)


@image("DARI-VOL-003", "volume.uuid", "image_uuid is no random or derived UUID")
def _uuid(whole: Whole) -> Iterator[Hit]:
    volume = whole.image.extension
    if volume is None:
        return
    uuid = volume.image_uuid
    if uuid[6] >> 4 not in _UUID_VERSIONS or uuid[8] >> 6 != 2:
        yield in_header("image_uuid is no random or derived UUID", "image_uuid", uuid)


@image("DARI-VOL-004", "volume.undefined-features", "undefined compat features are set")
def _undefined_features(whole: Whole) -> Iterator[Hit]:
    volume = whole.image.extension
    if volume is None:
        return
    known = volume.feature_compat & sum(int(flag) for flag in Compat)
    if volume.feature_compat != known:
        told = "undefined compat features are set"
        yield in_header(told, "feature_compat", volume.feature_compat, known)


@image("DARI-VOL-007", "volume.total-records", "total_records is not what the image has")
def _total_records(whole: Whole) -> Iterator[Hit]:
    volume = whole.image.extension
    if volume is not None and volume.total_records != whole.records and not whole.is_cut:
        told = f"total_records is {volume.total_records}, the image has {whole.records}"
        if whole.records < volume.total_records:
            told += f": record {whole.records} is no end record"
        yield in_header(told, "total_records", volume.total_records, whole.records)


@image("DARI-VOL-009", "volume.base-epoch", "a full image has the high half of a base date")
def _base_epoch(whole: Whole) -> Iterator[Hit]:
    identity = whole.image.identity
    if not identity.level and identity.base_date >> 32:
        field = blame.in_volume("c_ddate_epoch", identity.base_date >> 32, 0)
        yield Hit(record=0, field=field)


@image("DARI-CNV-002", "volume.byte-order", "the integers of the image are big-endian")
def _byte_order(whole: Whole) -> Iterator[Hit]:
    if whole.image.order == "be":
        yield Hit(record=0, field=blame.field("c_magic", "big-endian", "little-endian"))


@image("DARI-VOL-010", "volume.feature-acls", "compat feature nt_acls is not what the image has")
def _feature_acls(whole: Whole) -> Iterator[Hit]:
    volume = whole.image.extension
    if volume is None:
        return
    wanted = bool(volume.feature_compat & Compat.NT_ACLS)
    for section in (Section.NT_ACLS_FRONT, Section.NT_ACLS_TRAILING):
        there = section in whole.places
        lost = not there and whole.is_lost(getattr(volume, _PLACES[section]))
        if there != wanted and not lost:
            told = f"compat feature nt_acls is {'set' if wanted else 'clear'}, part "
            told += f"{section.name.lower()} is {'there' if there else 'absent'}"
            yield feature(whole, told, Compat.NT_ACLS)


@image("DARI-VOL-010", "volume.feature-xattrs", "compat feature xattrs is not what the image has")
def _feature_xattrs(whole: Whole) -> Iterator[Hit]:
    volume = whole.image.extension
    if volume is None:
        return
    is_set = bool(volume.feature_compat & Compat.XATTRS)
    if is_set and not whole.attributed and whole.lacks:
        return
    if is_set != bool(whole.attributed):
        told = f"compat feature xattrs is {'set' if is_set else 'clear'}, "
        yield feature(whole, told + f"{whole.attributed} inodes have any", Compat.XATTRS)


@image("DARI-VOL-010", "volume.feature-streams", "compat feature streams is not what the image has")
def _feature_streams(whole: Whole) -> Iterator[Hit]:
    volume = whole.image.extension
    if volume is None:
        return
    is_set = bool(volume.feature_compat & Compat.STREAMS)
    there = any(s.section == Section.STREAM_DIRECTORIES for s in whole.image.front.sections)
    if is_set != there and not (is_set and whole.is_lost(volume.stream_directories)):
        told = f"compat feature streams is {'set' if is_set else 'clear'}, stream directories are "
        yield feature(whole, told + ("there" if there else "not there"), Compat.STREAMS)


@image(
    "DARI-VOL-010",
    "volume.feature-incremental",
    "compat feature incremental does not fit the level",
)
def _feature_incremental(whole: Whole) -> Iterator[Hit]:
    volume, level = whole.image.extension, whole.image.identity.level
    if volume is not None and bool(volume.feature_compat & Compat.INCREMENTAL) != bool(level):
        told = f"compat feature incremental is {'clear' if level else 'set'}, the level is {level}"
        yield feature(whole, told, Compat.INCREMENTAL)


@image(
    "DARI-VOL-010", "volume.feature-volumes", "records_per_volume does not fit the feature volumes"
)
def _feature_volumes(whole: Whole) -> Iterator[Hit]:
    volume = whole.image.extension
    if volume is None:
        return
    is_set, each = bool(volume.feature_incompat & Incompat.VOLUMES), volume.records_per_volume
    if is_set == bool(each):
        return
    told = f"records_per_volume is {each}, the feature volumes is {'set' if is_set else 'clear'}"
    if is_set:
        flags = volume.feature_incompat
        yield in_header(told, "feature_incompat", flags, flags ^ Incompat.VOLUMES)
    else:
        yield in_header(told, "records_per_volume", each, 0)


@image("DARI-VOL-016", "volume.capacity", "volumes are no multiple of c_ntrec records")
def _capacity(whole: Whole) -> Iterator[Hit]:
    volume = whole.image.extension
    each = 0 if volume is None else volume.records_per_volume
    if each % max(1, whole.image.identity.ntrec):
        told = f"volumes of {each} records are no multiple of c_ntrec"
        yield in_header(told, "records_per_volume", each)


@image("DARI-VOL-020", "volume.missing", "records are not there")
def _missing(whole: Whole) -> Iterator[Hit]:
    for gap in whole.lacks.found:
        record = gap.start // RECORD
        called = volume_set.name_of(whole.image.volume, record)
        yield Hit(gap.told, record, kind="volume-missing", volume=called)


@image("DARI-VOL-020", "volume.gap", "records are not there", plain=True)
def _gap(whole: Whole) -> Iterator[Hit]:
    """One within the data of a file holds no header, and no walk comes to it."""
    if are_named(whole.image):
        return
    _ = [section.is_sound for section in whole.sections]
    known = "\n".join(whole.gaps)
    for gap in whole.image.volume.missing(0, whole.image.volume.size):
        if gap.told not in known and gap.told != LOST:
            yield Hit(gap.told, gap.start // RECORD, kind="missing")
