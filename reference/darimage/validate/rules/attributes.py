"""What attribute records must be (chapter 65)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from darimage.faults import FaultyField
from darimage.image import blame
from darimage.schema import XattrMagic
from darimage.sections.header import Headers, field_span
from darimage.units import RECORD
from darimage.validate.contexts.attributes import AttributesSeen, Lead
from darimage.validate.rules.rule import Hit, Scope, over_things

attributes = partial(over_things, Scope.ATTRIBUTES)
leads = partial(over_things, Scope.LEADS)

_RECORDS = "extension.body.attribute_records"
_REPEATED = (slice(*field_span("c_dinode")), slice(*field_span("extension.body")))
_BLOCK = int(XattrMagic.BLOCK).to_bytes(4, "little")


def _at(seen: AttributesSeen, field: FaultyField | None = None) -> Hit:
    return Hit(None, seen.record, seen.inode, field)


@leads("DARI-XAT-003", "attributes.absent", "attribute_records is set, there are none")
def _absent(lead: Lead) -> Iterator[Hit]:
    if lead.records and not lead.runs:
        told = f"attribute_records is {lead.records}, there are none"
        yield Hit(told, lead.record, lead.inode, blame.field(_RECORDS, lead.records, 0))


@attributes("DARI-XAT-001", "attributes.form", "a list of attributes that is not of the form block")
def _form(seen: AttributesSeen) -> Iterator[Hit]:
    if not seen.data.startswith(_BLOCK):
        yield _at(seen)


@attributes("DARI-CNV-004", "attributes.reserved", "a hash or reserved bytes are not zero")
def _reserved(seen: AttributesSeen) -> Iterator[Hit]:
    return _untidy(seen, "DARI-CNV-004")


@attributes("DARI-XAT-001", "attributes.places", "names and values do not lie where they should")
def _places(seen: AttributesSeen) -> Iterator[Hit]:
    return _untidy(seen, "DARI-XAT-001")


@attributes("DARI-XAT-008", "attributes.filling", "what lies behind the list has other filling")
def _filling(seen: AttributesSeen) -> Iterator[Hit]:
    return _untidy(seen, "DARI-XAT-008")


def _untidy(seen: AttributesSeen, requirement: str) -> Iterator[Hit]:
    yield from (_at(seen) for _, broken in seen.untidy if broken == requirement)


@attributes("DARI-XAT-003", "attributes.stray", "attributes that do not follow their inode")
def _stray(seen: AttributesSeen) -> Iterator[Hit]:
    if seen.owner is None:
        yield _at(seen, field=blame.field("c_inumber", seen.inode))


@attributes(
    "DARI-XAT-003", "attributes.records", "attributes that are not what attribute_records says"
)
def _records(seen: AttributesSeen) -> Iterator[Hit]:
    lead = seen.owner
    if lead and (seen.record != lead.place or 1 + seen.following != lead.records):
        yield _at(seen)


@attributes(
    "DARI-XAT-010", "attributes.inode", "attributes whose header does not repeat their inode"
)
def _inode(seen: AttributesSeen) -> Iterator[Hit]:
    if seen.owner is None:
        return
    pair = (_cleared(seen.header), _cleared(seen.owner.header))
    if any((pair[0][span] != pair[1][span]).any() for span in _REPEATED):
        under = ("c_dinode", "extension.body")
        yield _at(seen, field=blame.first_difference(*pair, seen.order, under))


def _cleared(header: Headers) -> npt.NDArray[np.uint8]:
    """Return a header without that in which those of attributes differ from their inode's."""
    copy = header.copy()
    copy["c_dinode"]["di_size"] = 0
    copy["extension"]["body"]["first_block"] = 0
    return copy.view(np.uint8).reshape(RECORD)
