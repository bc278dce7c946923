"""What continuation headers must be, field by field (chapter 35)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from darimage.image import blame
from darimage.sections.header import CHECKSUM, field_span, header_crcs, sums
from darimage.units import RECORD
from darimage.validate.contexts.continuation import Continuation
from darimage.validate.rules.rule import Hit, Scope, over_things

_FIELDS = (
    ("c_type", "DARI-VOL-012"),
    ("c_magic", "DARI-REC-003"),
    ("c_volume", "DARI-REC-009"),
    ("c_tapea", "DARI-REC-006"),
    ("c_firstrec", "DARI-REC-021"),
    ("c_count", "DARI-VOL-015"),
    ("c_addr", "DARI-VOL-015"),
    ("c_flags", "DARI-REC-013"),
    ("c_date", "DARI-REC-007"),
    ("c_ddate", "DARI-REC-008"),
    ("c_inumber", "DARI-REC-010"),
    ("c_ntrec", "DARI-REC-014"),
    ("c_extattributes", "DARI-XAT-011"),
    ("c_spare", "DARI-REC-015"),
    ("c_label", "DARI-REC-019"),
    ("c_level", "DARI-REC-019"),
    ("c_filesys", "DARI-REC-019"),
    ("c_dev", "DARI-REC-019"),
    ("c_host", "DARI-REC-019"),
    ("c_dinode", "DARI-VOL-014"),
    ("extension.magic", "DARI-EXT-001"),
    ("extension.kind", "DARI-EXT-003"),
    ("extension.version", "DARI-EXT-004"),
    ("extension.flags", "DARI-EXT-005"),
    ("extension.records_crc32c", "DARI-REC-029"),
    ("extension.body", "DARI-VOL-014"),
)
"""Fields, and by which sentence each is what it must be."""


def _hit(seen: Continuation, field: str) -> Hit:
    told = f"continuation header: {field} is not what it must be"
    blamed = blame.first_difference(*seen.rows, seen.order, (field,))
    return Hit(told, seen.record, None, blamed, volume=seen.volume)


def _differs(field: str) -> Callable[[Continuation], Iterator[Hit]]:
    def broken(seen: Continuation) -> Iterator[Hit]:
        start, end = field_span(field, "volume_body")
        found, wanted = seen.rows
        if (found[start:end] != wanted[start:end]).any():
            yield _hit(seen, field)

    return broken


def _name_of(field: str) -> str:
    """Return what the rule of a field is called."""
    return field.removeprefix("c_").replace(".", "-").replace("_", "-")


for _field, _requirement in _FIELDS:
    _name = f"continuation.{_name_of(_field)}"
    _told = f"continuation header: {_field} is not what it must be"
    over_things(Scope.CONTINUATIONS, _requirement, _name, _told)(_differs(_field))


@over_things(
    Scope.CONTINUATIONS,
    "DARI-REC-004",
    "continuation.checksum",
    "continuation header: c_checksum is not what it must be",
)
def _checksum(seen: Continuation) -> Iterator[Hit]:
    if sums(seen.rows[0].reshape(1, RECORD), seen.order)[0] != CHECKSUM:
        yield _hit(seen, "c_checksum")


@over_things(
    Scope.CONTINUATIONS,
    "DARI-REC-028",
    "continuation.crc",
    "continuation header: header_crc32c is not its CRC-32C",
)
def _crc(seen: Continuation) -> Iterator[Hit]:
    true = int(header_crcs(seen.rows[0].reshape(1, RECORD))[0])
    said = int(seen.found["extension"]["header_crc32c"][0])
    if said != true:
        field = blame.field("extension.header_crc32c", said, true)
        told = "continuation header: header_crc32c is not its CRC-32C"
        yield Hit(told, seen.record, None, field, volume=seen.volume)
