"""What sections must be, given all that lies between them (chapter 70)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from darimage.faults import FaultyField
from darimage.image import blame
from darimage.schema import Section
from darimage.units import records_of
from darimage.validate.contexts.sections import ORDER, SectionSeen
from darimage.validate.rules.rule import Hit, Scope, over_things

sections = partial(over_things, Scope.SECTIONS)


def _hit(seen: SectionSeen, told: str, field: FaultyField) -> Hit:
    return Hit(f"{seen.title}: {told}", seen.header.record, field=field)


def _of_kind(seen: SectionSeen, told: str) -> Hit:
    return _hit(seen, told, blame.in_section("section", seen.kind))


@sections("DARI-SCT-004", "section.second", "a second section of this kind")
def _second(seen: SectionSeen) -> Iterator[Hit]:
    if seen.is_second:
        yield _of_kind(seen, "a second section of this kind")


@sections("DARI-SCT-002", "section.order", "out of order")
def _order(seen: SectionSeen) -> Iterator[Hit]:
    before = max((one.place for one in seen.before), default=-1)
    if not seen.is_second and 0 <= seen.place < before:
        yield _of_kind(seen, "out of order")


@sections("DARI-SCT-002", "section.side", "on the wrong side")
def _side(seen: SectionSeen) -> Iterator[Hit]:
    if not len(seen.files) or seen.kind not in ORDER:
        return
    record, trailing = seen.header.record, seen.kind == Section.NT_ACLS_TRAILING
    if not (record > seen.files[-1] if trailing else record < seen.files[0]):
        yield _of_kind(seen, "on the wrong side")


@sections("DARI-SCT-009", "section.version", "section_version is not 1")
def _version(seen: SectionSeen) -> Iterator[Hit]:
    version = seen.header.section_version
    if seen.payload is not None and version != 1:
        field = blame.in_section("section_version", version, 1)
        yield _hit(seen, f"section_version is {version}", field)


@sections("DARI-SCT-007", "section.last-block", "the last block is a hole")
def _last_block(seen: SectionSeen) -> Iterator[Hit]:
    if seen.payload is None or not seen.is_sound:
        return
    parts = seen.payload.stretches
    ends = max((int((part.block + part.length).max(initial=0)) for part in parts), default=0)
    if ends != records_of(seen.payload.size):
        yield _hit(seen, "the last block is a hole", blame.field("c_addr"))


@sections("DARI-SCT-007", "section.holes", "a block of zeros is no hole")
def _holes(seen: SectionSeen) -> Iterator[Hit]:
    if seen.payload is not None and seen.is_sound and seen.content.zeros:
        yield _hit(seen, "a block of zeros is no hole", blame.field("c_addr"))
