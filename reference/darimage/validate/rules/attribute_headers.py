"""What the headers of attributes must be, each by itself (chapter 65)."""

from __future__ import annotations

from functools import partial
from typing import Any

from darimage.schema import CType
from darimage.sections.xattrs import LIST_MAX
from darimage.units import ADDRESSES
from darimage.validate.contexts.headers import Seen
from darimage.validate.rules import wanted
from darimage.validate.rules.rule import Scope, over_columns

headers = partial(over_columns, Scope.HEADERS)


@headers(
    "DARI-XAT-011",
    "attribute-header.kind",
    "c_extattributes does not fit c_flags",
    ("c_extattributes", wanted.attributes),
)
def _kind_of_attributes(seen: Seen) -> Any:
    return seen.h["c_extattributes"] != wanted.attributes(seen)


@headers(
    "DARI-XAT-009",
    "attribute-header.records",
    "attribute_records is more than a header describes",
    ("extension.body.attribute_records", f"at most {1 + ADDRESSES}"),
)
def _much(seen: Seen) -> Any:
    return seen.is_inode & (seen.body["attribute_records"] > 1 + ADDRESSES)


@headers(
    "DARI-XAT-002",
    "attribute-header.size",
    "the list of attributes is longer than restore takes one",
    ("c_dinode.di_size", f"at most {LIST_MAX}"),
)
def _long_list(seen: Seen) -> Any:
    return seen.is_attributes & (seen.batch.size > LIST_MAX)


@headers(
    "DARI-XAT-010",
    "attribute-header.fields",
    "a header of attributes is not as it must be",
    *wanted.OF_ATTRIBUTES,
)
def _attribute_header(seen: Seen) -> Any:
    broken = seen.batch.c_type != CType.TS_INODE
    broken |= (seen.batch.following != seen.batch.count) | (seen.extension["flags"] != 0)
    broken |= seen.body["first_block"] != 0
    return seen.is_attributes & (broken | seen.is_section)
