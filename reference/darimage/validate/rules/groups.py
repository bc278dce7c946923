"""What the records under headers must be (chapter 20), and what is left to see in plain dumps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from darimage.image import blame
from darimage.validate.contexts.groups import LACKING, GroupsSeen, RecordsSeen
from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Grade, Hit, Scope, over_columns, over_things
from darimage.validate.rules.wanted import LOW

records = partial(over_things, Scope.RECORDS)
image = partial(over_things, Scope.IMAGE)


@over_columns(
    Scope.GROUPS,
    "DARI-REC-029",
    "group.crc",
    "the records that follow have not the CRC-32C that records_crc32c says",
    ("extension.records_crc32c", lambda seen: seen.crc),
)
def _crc(seen: GroupsSeen) -> Any:
    return (seen.said != seen.crc) & (seen.crc != LACKING)


@over_columns(
    Scope.GROUPS, "DARI-VOL-020", "group.lacking", "some of the records that follow are not there"
)
def _lacking(seen: GroupsSeen) -> Any:
    return seen.crc == LACKING


@records(
    "DARI-REC-031", "records.header", "a header of this dump lies within other data", plain=True
)
def _header(seen: RecordsSeen) -> Iterator[Hit]:
    for record, inode in seen.headers:
        whose = f"inode {inode}" if inode else "no inode"
        told = f"a header of {whose} lies within the data of record {seen.header}"
        yield Hit(told, record, seen.inode or None, blame.field("c_magic"))


@records(
    "DARI-FLT-008",
    "records.zeros",
    "a whole tape block within its data is zero: it may be lost",
    plain=True,
    grade=Grade.WARNING,
)
def _zeros(seen: RecordsSeen) -> Iterator[Hit]:
    if not seen.is_map:
        for record in seen.zero_blocks:
            yield Hit(record=record, inode=seen.inode or None, kind="zeros")


@image("DARI-REC-031", "numbers.step", "c_tapea does not follow", plain=True)
def _step(whole: Whole) -> Iterator[Hit]:
    if whole.image.is_dari or whole.numbers.mean_nothing:
        return
    for jump in whole.numbers.kept:
        many = abs(jump.missing)
        count = f"{many} record{'s are' if many > 1 else ' is'}"
        what = "missing" if jump.missing > 0 else "too many, or out of order,"
        told = f"by c_tapea {count} {what} between the header at record {jump.before} and this one"
        field = blame.field("c_tapea", jump.found, jump.found - jump.missing & LOW)
        yield Hit(told, jump.record, jump.inode_before or jump.inode or None, field)


@image("DARI-REC-031", "numbers.many", "c_tapea does not follow", plain=True)
def _many(whole: Whole) -> Iterator[Hit]:
    numbers = whole.numbers
    left = numbers.jumps - len(numbers.kept)
    if left > 0 and not whole.image.is_dari and not numbers.mean_nothing:
        yield Hit(f"c_tapea does not follow at {left:,} more headers")


@image(
    "DARI-REC-031",
    "numbers.nothing",
    "c_tapea means nothing in this dump",
    plain=True,
    grade=Grade.NOTE,
)
def _nothing(whole: Whole) -> Iterator[Hit]:
    numbers = whole.numbers
    if numbers.jumps and numbers.mean_nothing and not whole.image.is_dari:
        told = f"c_tapea does not follow at {numbers.jumps:,} of {numbers.headers:,} headers: "
        told += "it means nothing in this dump, and cannot say what is missing"
        yield Hit(told, kind="numbers")
