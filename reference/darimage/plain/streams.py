"""Streams: which inode has which (chapter 72)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from darimage.plain.assemble import DIRECTORY, FILE, LOST, STREAMS, Inode, Section
from darimage.plain.entries import Entry, Form, entries, is_name
from darimage.plain.faults import RECORD, Faults
from darimage.plain.records import INODE, TS_INODE, Head, crc32c
from darimage.plain.rules import Rules
from darimage.plain.walk import Walk


@dataclass(eq=False)
class StreamDirectory:
    """A stream directory.

    Attributes:
        number: Its inode number.
        base: The inode whose streams it names.
        entries: Its entries behind the first two.
    """

    number: int
    base: int
    entries: list[Entry] = field(default_factory=list)


def directories(walk: Walk, section: Section, faults: Faults) -> list[StreamDirectory]:
    """Return the stream directories of a section's payload, each by itself (DARI-STR-021)."""
    given = walk.given
    made: list[StreamDirectory] = []
    if not section.data.is_whole and not given.rules.follows("DARI-STR-021"):
        return made
    payload = section.data.bytes() if section.usable else b""
    at = 0
    while at + RECORD <= len(payload):
        head = Head(at, payload[at : at + RECORD], given.order, is_dari=True, rules=given.rules)
        records = _records(walk, head, payload)
        if records is None:
            faults.report("stream-directory", section.head.at)
            at = _next(walk, payload, at + RECORD)
            continue
        found = _one(walk, head, payload[at + RECORD : at + RECORD + head.size], faults)
        if found is None:
            faults.report("stream-directory", section.head.at, head.inode)
        else:
            made.append(found)
        at += (1 + records) * RECORD
    return made


def _is_head(walk: Walk, head: Head) -> bool:
    """Tell whether a record of the payload is that of a stream directory."""
    if head.raw[928:932] != b"DARI" or not head.has_right_crc:
        return False
    return head.image_id == walk.given.first.image_id


def _records(walk: Walk, head: Head, payload: bytes) -> int | None:
    """Return how many records of entries follow a record; ``None`` if it is not to be used."""
    rules = walk.given.rules
    if not rules.keeps("DARI-REC-028", _is_head(walk, head)):
        return None
    count = -(-head.size // RECORD)
    body = head.fields.extension.body
    fits = head.at + (1 + count) * RECORD <= len(payload)  # DARI-SAF-001
    fits = fits and head.fields.extension.kind == INODE and body.run_records == 1 + count
    if not rules.keeps("DARI-STR-018", fits) or not fits:
        return None
    data = payload[head.at + RECORD :][: count * RECORD]
    right = crc32c(data) == head.records_crc
    return count if rules.keeps("DARI-REC-029", right) else None


def _next(walk: Walk, payload: bytes, at: int) -> int:
    """Return where the next record of a stream directory lies."""
    while at + RECORD <= len(payload):
        head = Head(at, payload[at : at + RECORD], walk.given.order, True, walk.given.rules)
        if _is_head(walk, head):
            return at
        at += RECORD
    return len(payload)


def _one(walk: Walk, head: Head, data: bytes, faults: Faults) -> StreamDirectory | None:
    """Return a stream directory; ``None`` if it breaks a rule that costs it all."""
    rules, body = walk.given.rules, head.body
    fields = head.fields
    is_one = fields.c_type == TS_INODE and not fields.c_magic and not fields.c_checksum
    is_one = is_one and head.kind == DIRECTORY and head.inode and body is not None
    is_one = is_one and body.base_inode
    if not rules.keeps("DARI-STR-018", is_one):
        return None
    made = StreamDirectory(head.inode, int(body.base_inode))
    broken: list[str] = []
    found = list(_entries(walk, data, broken))
    dots = [(entry.inode, entry.name) for entry in found[:2]]
    right = dots == [(made.number, b"."), (made.base, b"..")] and "chunk" not in broken
    if not rules.keeps("DARI-STR-018", right):
        return None
    seen: set[bytes] = set()
    for entry in found[2:]:
        if not is_stream_name(entry.name, rules) or entry.name in seen:
            faults.report("stream-name", None, made.number)
        else:
            made.entries.append(entry)
        seen.add(entry.name)
    return made


def _entries(walk: Walk, data: bytes, broken: list[str]) -> Iterator[Entry]:
    form = Form(walk.given.order, is_image=True)
    for at in range(0, len(data), RECORD):
        yield from entries(data[at : at + RECORD], form, walk.given.rules, broken.append)


def is_stream_name(name: bytes, rules: Rules) -> bool:
    """Tell whether a stream may have a name (DARI-STR-009)."""
    try:
        name.decode()
        fits = b":" not in name
    except UnicodeDecodeError:
        fits = False
    return is_name(name, rules) and rules.keeps("DARI-STR-009", fits)


class Streams:
    """The streams of an image.

    Attributes:
        of: By base, name and inode of each stream.
        elsewhere: Inodes that have no place in the tree: stream files and stream directories.
        found: The stream directories that were found.
    """

    def __init__(self, walk: Walk, found: dict[int, Section], inodes: dict[int, Inode]) -> None:
        """Find them."""
        self.of: dict[int, list[tuple[bytes, Inode]]] = {}
        self.elsewhere: set[int] = set()
        self.found: set[int] = set()
        self._walk, self._inodes = walk, inodes
        self._faults, self._rules = walk.given.faults, walk.given.rules
        section = found.get(STREAMS)
        if section is not None and self._rules.follows("DARI-STR-019"):
            for one in directories(walk, section, self._faults):
                self._take(one)
        for inode in inodes.values():
            if inode.stream_directory:
                self.elsewhere.add(inode.stream_directory)
                if inode.number not in self.of:
                    self._faults.report("stream-directory", None, inode.number)

    def _take(self, one: StreamDirectory) -> None:
        """Take a stream directory that its base names (DARI-STR-011, DARI-STR-018)."""
        self.elsewhere.add(one.number)
        self.found.add(one.number)
        base = self._inodes.get(one.base)
        named = base is not None and base.stream_directory == one.number and not base.base
        if not self._rules.keeps("DARI-STR-018", named) or base is None:
            self._faults.report("stream-directory", None, one.number)
            return
        if base.number in self.of:
            self._faults.report("stream-directory", None, one.number)
            return
        found = self.of.setdefault(base.number, [])
        for entry in one.entries:
            stream = self._inodes.get(entry.inode)
            is_one = stream is not None and stream.kind == FILE and stream.base == base.number
            is_one = is_one and entry.inode not in self.elsewhere
            if not self._rules.keeps("DARI-STR-020", is_one) or stream is None:
                self._faults.report("stream", None, entry.inode)
                continue
            if stream.state < LOST:
                found.append((entry.name, stream))
                self.elsewhere.add(entry.inode)
        found.sort(key=lambda pair: pair[0])
