"""What holds of streams in the whole of an image (chapter 72)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from darimage.schema import Section, header_dtype
from darimage.sections.streams import StreamDirectory, has_strays
from darimage.showing import display
from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Hit, Scope, over_things

Ints = npt.NDArray[np.int64]

image = partial(over_things, Scope.IMAGE)

_LINKS = 2
_SECOND = 1_000_000_000


def _directories(whole: Whole) -> list[StreamDirectory]:
    return list(whole.image.streams.by_base.values())


def _there(whole: Whole) -> set[int]:
    """Return those inodes of streams, and with streams, that are in the image."""
    named = [n for one in _directories(whole) for n in (one.base, *(e.inode for e in one.entries))]
    numbers = np.array(named, np.int64)
    return set(numbers[np.isin(numbers, whole.found.inode)].tolist()) if named else set()


def _nonzero(whole: Whole, values: npt.NDArray[np.integer]) -> dict[int, int]:
    at = np.flatnonzero(values)
    return dict(zip(whole.found.inode[at].tolist(), values[at].tolist(), strict=True))


def _base_of(whole: Whole) -> dict[int, int]:
    return _nonzero(whole, whole.found.base_inode)


def _directory_of(whole: Whole) -> dict[int, int]:
    return _nonzero(whole, whole.found.stream_directory)


@image("DARI-STR-016", "streams.in-bitmap", "is in the image and not in bitmap II")
def _in_bitmap(whole: Whole) -> Iterator[Hit]:
    for one in _directories(whole):
        if not whole.image.dumped.holds([one.number])[0]:
            yield Hit(inode=one.number)


@image("DARI-STR-011", "streams.base-exists", "belongs to an inode that does not exist")
def _base_exists(whole: Whole) -> Iterator[Hit]:
    for one in _directories(whole):
        if not whole.image.exists.holds([one.base])[0]:
            yield Hit(f"belongs to inode {one.base}, which does not exist", inode=one.number)


@image("DARI-STR-001", "streams.base", "a stream belongs to another inode")
def _base(whole: Whole) -> Iterator[Hit]:
    base_of, there = _base_of(whole), _there(whole)
    for one in _directories(whole):
        for name, inode in one.entries:
            if inode in there and base_of.get(inode) != one.base:
                told = f"stream {display(name)}, inode {inode}, has base_inode "
                yield Hit(told + str(base_of.get(inode, 0)), inode=one.number)


@image("DARI-STR-016", "streams.exists", "a stream is an inode that does not exist")
def _exists(whole: Whole) -> Iterator[Hit]:
    base_of, there = _base_of(whole), _there(whole)
    for one in _directories(whole):
        for name, inode in one.entries:
            strange = inode in there and base_of.get(inode) != one.base
            if not strange and not whole.image.exists.holds([inode])[0]:
                told = f"stream {display(name)} is inode {inode}, which does not exist"
                yield Hit(told, inode=one.number)


@image("DARI-STR-005", "streams.strays", "its record holds what it must not")
def _strays(whole: Whole) -> Iterator[Hit]:
    data = whole.image.streams.payload
    for one in _directories(whole):
        if data and has_strays(data, one.at, whole.image.order):
            yield Hit(inode=one.number)


def _heads(whole: Whole) -> Iterator[tuple[StreamDirectory, np.void]]:
    """Yield stream directories and their headers as they lie in the section."""
    data, layout = whole.image.streams.payload, header_dtype(whole.image.order, "inode_body")
    for one in _directories(whole) if data else ():
        yield one, np.frombuffer(data, layout, 1, one.at)[0]


@image("DARI-STR-006", "streams.links", "a stream directory has not two links")
def _links(whole: Whole) -> Iterator[Hit]:
    for one, head in _heads(whole):
        found = int(head["c_dinode"]["di_nlink"]), int(head["extension"]["body"]["nlink"])
        if found != (_LINKS, _LINKS):
            told = f"di_nlink is {found[0]}, nlink {found[1]} in the header of a stream directory"
            yield Hit(told, inode=one.number)


@image("DARI-STR-006", "streams.old-fields", "old owner or times differ from the true ones")
def _old_fields(whole: Whole) -> Iterator[Hit]:
    for one, head in _heads(whole):
        old, body = head["c_dinode"], head["extension"]["body"]
        owners = ((old["di_ouid"], old["di_uid"]), (old["di_ogid"], old["di_gid"]))
        agree = all(int(low) == int(true) & 0xFFFF for low, true in owners)
        for name in ("atime", "mtime", "ctime"):
            seconds, rest = divmod(int(body[f"{name}_ns"]), _SECOND)
            said = int(old[f"di_{name}"]["tv_sec"]) & 0xFFFFFFFF, int(old[f"di_{name}"]["tv_usec"])
            agree = agree and said == (seconds & 0xFFFFFFFF, rest // 1000)
        if not agree:
            yield Hit(inode=one.number)


@image("DARI-STR-002", "streams.ascend", "its number is not above that of the one before")
def _ascend(whole: Whole) -> Iterator[Hit]:
    last = 0
    for one in sorted(_directories(whole), key=lambda one: one.at):
        if one.number <= last:
            yield Hit(inode=one.number)
        last = one.number


@image("DARI-STR-011", "streams.directory", "stream_directory is not the one that it has")
def _directory(whole: Whole) -> Iterator[Hit]:
    said, there = _directory_of(whole), _there(whole)
    for one in _directories(whole):
        if one.base in there and said.get(one.base) != one.number:
            told = f"stream_directory is {said.get(one.base, 0)}, not {one.number}"
            yield Hit(told, inode=one.base)


@image("DARI-STR-011", "streams.directory-absent", "stream_directory is none of it")
def _directory_absent(whole: Whole) -> Iterator[Hit]:
    table = whole.image.streams.by_base
    for inode, number in _directory_of(whole).items():
        known = table.get(inode)
        if known is None or known.number != number:
            yield Hit(f"stream_directory is {number}, which is none of it", inode=inode)


@image("DARI-STR-011", "streams.nested", "a stream has streams")
def _nested(whole: Whole) -> Iterator[Hit]:
    for inode in _base_of(whole).keys() & _directory_of(whole).keys():
        yield Hit(inode=inode)


@image("DARI-STR-016", "streams.empty-section", "a stream section without stream directories")
def _empty_section(whole: Whole) -> Iterator[Hit]:
    kind = Section.STREAM_DIRECTORIES
    found = [one for one in whole.image.front.sections if one.section == kind]
    if whole.image.extension is not None and found and not found[0].payload_size:
        yield Hit(record=found[0].record)
