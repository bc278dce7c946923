"""What groups become: bitmaps, inodes and sections (chapter 88, steps 16 and 17)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from darimage.plain.faults import RECORD, Faults, Refused
from darimage.plain.groups import OPEN, Group
from darimage.plain.records import META_ONLY, SECTION, TS_BITS, TS_CLRI, TS_INODE, Head
from darimage.plain.rules import Rules
from darimage.plain.space import Space
from darimage.plain.walk import Walk

FIFO, CHARACTER, DIRECTORY, BLOCK, FILE, LINK, SOCKET = 1, 2, 4, 6, 8, 10, 12
"""Types of inodes, as ``d_type`` has them (DARI-DIR-012)."""

WHOLE, SUSPECT, INCOMPLETE, DAMAGED, LOST = range(5)
"""States of an inode, the worst last (DARI-FLT-004)."""

KINDS = {
    DIRECTORY: "directory",
    FILE: "file",
    LINK: "symlink",
    FIFO: "fifo",
    SOCKET: "socket",
    CHARACTER: "character",
    BLOCK: "block",
}
"""What an inventory calls types."""

STATES = ("whole", "suspect", "incomplete", "damaged", "lost")

SUBSTITUTED, END_IS_HOLE = 0x1, 0x4
"""Flags of an inode's header."""

STREAMS, ACLS_FRONT, OFFSET_MAP, ACLS_TRAILING = 1, 2, 3, 4
"""Sections."""


class Stretch(NamedTuple):
    """Blocks of an inode that are no holes.

    Attributes:
        block: The first one.
        length: How many.
        at: Address of the first record; ``None`` if they are missing.
        doubtful: Whether it is not known that these are the bytes that were written.
    """

    block: int
    length: int
    at: int | None
    doubtful: bool


@dataclass
class Data:
    """The blocks of an inode or section, put together from its groups.

    Attributes:
        space: The image.
        size: Bytes.
        stretches: Blocks that are no holes, ascending.
        uncovered: Blocks that no group covers: first and number.
        wrong: Whether the CRC of a group is wrong.
        open: Whether a group without CRC is open.
        twice: Whether two groups cover a block.
        beyond: Whether a group has records that the size does not need.
    """

    space: Space
    size: int
    stretches: list[Stretch] = field(default_factory=list)
    uncovered: list[tuple[int, int]] = field(default_factory=list)
    wrong: bool = False
    open: bool = False
    twice: bool = False
    beyond: bool = False

    @property
    def missing(self) -> list[tuple[int, int]]:
        """Blocks that are missing, joined where they adjoin."""
        lost = [(one.block, one.length) for one in self.stretches if one.at is None]
        return joined([*lost, *self.uncovered])

    @property
    def doubtful(self) -> list[tuple[int, int]]:
        """Present blocks that are in doubt."""
        return joined(
            (one.block, one.length) for one in self.stretches if one.doubtful and one.at is not None
        )

    @property
    def promised(self) -> list[tuple[int, int]]:
        """Blocks that the hole maps promise."""
        return joined((one.block, one.length) for one in self.stretches)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing or in doubt."""
        return not self.wrong and not self.open and not self.missing

    def present(self) -> Iterator[tuple[int, bytes]]:
        """Yield offset and bytes of the records that are there, the last one cut at the size."""
        for one in self.stretches:
            for number in range(one.length if one.at is not None else 0):
                offset = (one.block + number) * RECORD
                data = self.space.record((one.at or 0) + number * RECORD) or b""
                yield offset, data[: max(0, self.size - offset)]

    def bytes(self) -> bytes:
        """Return all bytes, what is hole or missing as zeros; for what is small."""
        made = bytearray(self.size)
        for offset, data in self.present():
            made[offset : offset + len(data)] = data
        return bytes(made)


def joined(extents: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return extents ascending and joined where they adjoin."""
    made: list[tuple[int, int]] = []
    for first, count in sorted(extents):
        if made and made[-1][0] + made[-1][1] == first:
            made[-1] = made[-1][0], made[-1][1] + count
        else:
            made.append((first, count))
    return made


def better(groups: Iterable[Group]) -> Group:
    """Step 16: of groups for one place, return the proven, then the closed, then the first."""
    return max(groups, key=lambda group: (group.known, -group.number))


def put_together(space: Space, size: int, groups: list[Group], rules: Rules) -> Data:
    """Step 17: put the blocks of an inode or section together (DARI-FIL-022, DARI-FIL-023)."""
    data = Data(space, size)
    blocks = -(-size // RECORD)
    places = defaultdict(list)
    for group in groups:
        places[group.start].append(group)
    at = 0
    for start in sorted(places):
        group = better(places[start])
        end = start + group.covers
        data.wrong |= group.wrong
        data.open |= group.known == OPEN and not group.wrong and bool(group.pieces)
        data.twice |= len(places[start]) > 1
        if start > at:
            data.uncovered.append((at, min(start, blocks) - at))
        elif start < at and group.covers:
            data.twice = True
        # Records beyond the size are read over and not used (DARI-FIL-018).
        within = rules.keeps("DARI-FIL-018", end <= blocks)
        data.beyond |= end > blocks
        last = end if within else blocks
        for piece in group.pieces:
            first, stop = (
                max(at, start + piece.block),
                min(last, start + piece.block + piece.length),
            )
            if first < stop:
                place = piece.at
                if place is not None:
                    place += (first - start - piece.block) * RECORD
                data.stretches.append(Stretch(first, stop - first, place, group.known == OPEN))
        at = max(at, end)
    if at < blocks:
        data.uncovered.append((at, blocks - at))
    data.uncovered = [(first, count) for first, count in data.uncovered if count > 0]
    return data


class Bitmap:
    """A bitmap that is not damaged."""

    def __init__(self, data: bytes) -> None:
        """Take its bytes."""
        self._data = data

    def __contains__(self, inode: int) -> bool:
        """Tell whether an inode's bit is set (DARI-BMP-002)."""
        byte, bit = divmod(inode - 1, 8)
        return 0 <= byte < len(self._data) and bool(self._data[byte] >> bit & 1)

    def __iter__(self) -> Iterator[int]:
        """Yield the inodes whose bits are set; inode 1 never counts (DARI-BMP-005)."""
        for byte, bits in enumerate(self._data):
            for bit in range(8) if bits else ():
                if bits >> bit & 1 and (byte or bit):
                    yield byte * 8 + bit + 1

    def all_in(self, other: set[int]) -> bool:
        """Tell whether all its inodes are in a set."""
        return all(inode in other for inode in self)


def bitmap_of(walk: Walk, c_type: int) -> Bitmap | None:
    """Return bitmap I or II; ``None`` if there is none that is sound (DARI-BMP-010)."""
    groups, space, rules = walk.groups, walk.given.space, walk.given.rules
    found = [group for group in groups if group.head.c_type == c_type]
    sound = [group for group in found if group.is_whole and group.covers and not group.wrong]
    if found and not rules.keeps("DARI-BMP-010", sound):
        return None
    sound = sound or [group for group in found if not group.impossible]
    if not sound:
        return None
    data = put_together(space, better(sound).covers * RECORD, [better(sound)], Rules())
    return Bitmap(data.bytes())


def held_inodes(walk: Walk) -> Bitmap | None:
    """Return bitmap II as far as the walk has come."""
    return bitmap_of(walk, TS_BITS)


def existing_inodes(walk: Walk) -> Bitmap | None:
    """Return bitmap I."""
    return bitmap_of(walk, TS_CLRI)


def is_section(head: Head) -> bool:
    """Tell whether a header is one of a section (DARI-SCT-001)."""
    body = head.body
    return head.inode == 1 and body is not None and head.fields.extension.kind == SECTION


@dataclass
class Section:
    """A section of an image.

    Attributes:
        which: Which one.
        head: Its first header.
        data: Its payload.
        usable: Whether version and size are such that it may be used (DARI-SCT-005, DARI-SCT-009).
    """

    which: int
    head: Head
    data: Data
    usable: bool


def sections(walk: Walk, faults: Faults | None) -> dict[int, Section]:
    """Return the sections of an image by kind, the first whole one of each (DARI-SCT-004)."""
    found: dict[int, list[list[Group]]] = defaultdict(list)
    for group in walk.groups:
        if walk.given.is_image and is_section(group.head):
            runs = found[int(group.head.body.section)]
            if group.head.c_type == TS_INODE and not _is_copy(group, runs):
                runs.append([])
            if not runs:
                runs.append([])
            runs[-1].append(group)
    made: dict[int, Section] = {}
    for which, runs in found.items():
        all_of_it = [_section(walk, which, groups) for groups in runs]
        chosen = next((one for one in all_of_it if one.usable and one.data.is_whole), all_of_it[0])
        made[which] = chosen
        if faults is not None and len(runs) > 1:
            faults.report("section", all_of_it[1].head.at)
        if faults is not None:
            _report_others(runs, faults)
    known = {STREAMS, ACLS_FRONT, OFFSET_MAP, ACLS_TRAILING}
    if not made.keys() <= known and not walk.given.rules.follows("DARI-SCT-003"):
        raise Refused("feature", "a section that is not known")
    return made


def _report_others(runs: list[list[Group]], faults: Faults) -> None:
    """Report further headers of sections that say something else than the first."""
    for groups in runs:
        for group in groups[1:]:
            if _is_of_another(group.head, groups[0].head):
                faults.report("group-differs", group.head.at)


def _is_of_another(head: Head, first: Head) -> bool:
    """Tell whether a further header says something else of the section (DARI-FIL-005)."""
    names = ("section_version", "payload_size")
    return any(head.body[name] != first.body[name] for name in names)


def _is_copy(group: Group, runs: list[list[Group]]) -> bool:
    return any(group.head.raw == one.head.raw for groups in runs for one in groups)


def _section(walk: Walk, which: int, groups: list[Group]) -> Section:
    head = groups[0].head
    body = head.body
    size = int(body.payload_size)
    rules = walk.given.rules
    # With holes a payload may be larger than the image: 512 KiB for each header (DARI-SCT-005).
    fits = size <= 512 * RECORD * len(groups)
    version = rules.keeps("DARI-SCT-009", body.section_version == 1)
    usable = rules.keeps("DARI-SCT-005", fits) and version
    data = put_together(walk.given.space, size if usable else 0, groups, rules)
    return Section(which, head, data, usable)


def stream_directory_numbers(walk: Walk) -> set[int]:
    """Return the numbers of the stream directories that are found, for step 7."""
    from darimage.plain.streams import directories

    section = sections(walk, None).get(STREAMS) if walk.given.is_image else None
    if section is None or not section.usable:
        return set()
    return {one.number for one in directories(walk, section, Faults())}


@dataclass(eq=False)
class Inode:
    """An inode that was found.

    Attributes:
        number: Its number.
        head: The header that its attributes are taken from; ``None`` if only its entries were
            found, or nothing at all.
        data: Its blocks.
        kind: Its type.
        state: What is known of it.
        contents: Whether its contents are in the image (DARI-REC-001).
        attributes: Groups of its attribute records.
        groups: The others.
        paths: Its names from the root.
        attributes_whole: Whether none of its attributes may be missing.
        told: What an inventory says of it besides.
    """

    number: int
    head: Head | None
    data: Data
    kind: int
    state: int = WHOLE
    contents: bool = True
    attributes: list[Group] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    paths: list[bytes] = field(default_factory=list)
    attributes_whole: bool = True
    told: dict[str, Any] = field(default_factory=dict)

    def worsen(self, state: int) -> None:
        """Let the state be at least as bad as another."""
        self.state = max(self.state, state)

    @property
    def base(self) -> int:
        """The inode whose stream it is; 0 if it is none."""
        body = self.head.body if self.head else None
        return int(getattr(body, "base_inode", 0))

    @property
    def stream_directory(self) -> int:
        """The number of its stream directory; 0 if it has none."""
        body = self.head.body if self.head else None
        return int(getattr(body, "stream_directory", 0))


def inodes(walk: Walk) -> dict[int, Inode]:
    """Return the inodes of a walk by number, put together from their groups (step 17)."""
    found: dict[int, list[Group]] = defaultdict(list)
    attributes: dict[int, list[Group]] = defaultdict(list)
    faults = walk.given.faults
    before: int | None = None
    for group in walk.groups:
        head = group.head
        if head.c_type in (TS_CLRI, TS_BITS) or is_section(head):
            before = None
        elif head.inode in (0, 1):
            if head.inode == 0:
                faults.report("inode-number", head.at)
            before = None
        elif head.is_attributes:
            number = head.inode
            if number != before:
                faults.report("orphan", head.at, number)
                if before is not None and not walk.given.rules.follows("DARI-XAT-019"):
                    number = before
            attributes[number].append(group)
        else:
            found[head.inode].append(group)
            before = head.inode
    return {
        number: _Maker(walk, number, groups, attributes.get(number, [])).make()
        for number, groups in sorted(found.items())
    }


class _Maker:
    """Puts one inode together."""

    def __init__(
        self, walk: Walk, number: int, groups: list[Group], attributes: list[Group]
    ) -> None:
        self._walk, self._given, self._number = walk, walk.given, number
        self._faults, self._rules = walk.given.faults, walk.given.rules
        self._groups, self._attributes = groups, attributes

    def make(self) -> Inode:
        """Return the inode."""
        first = self._first()
        head = first.head
        data = put_together(self._given.space, head.size, self._groups, self._rules)
        inode = Inode(self._number, head, data, head.kind, attributes=self._attributes)
        inode.groups = self._groups
        if any(_differs(group.head, head) for group in self._groups) or data.twice:
            self._faults.report("group-differs", head.at, self._number)
        if inode.kind not in KINDS:
            self._faults.report("type", head.at, self._number)
        if data.beyond or (data.size and inode.kind not in (FILE, DIRECTORY, LINK)):
            self._faults.report("size", head.at, self._number)
        if inode.kind not in (FILE, DIRECTORY, LINK):
            inode.data = Data(self._given.space, 0)
        self._no_contents(inode)
        if inode.kind in (FILE, DIRECTORY, LINK):
            self._judge(inode)
        if inode.kind == FILE:
            self._end_is_hole(inode)
        return inode

    def _first(self) -> Group:
        """Return the group that the attributes are taken from."""
        first = [group for group in self._groups if group.head.c_type == TS_INODE]
        if not first:
            self._faults.report("first-group-missing", self._groups[0].head.at, self._number)
            return min(self._groups, key=lambda group: (group.start, group.number))
        different = [group for group in first if group.head.raw != first[0].head.raw]
        if not different:
            return better(first)
        self._faults.report("inode-twice", different[0].head.at, self._number)
        chosen = next((group for group in first if group.is_whole and not group.wrong), first[0])
        self._groups = [
            group for group in self._groups if group is chosen or group.head.c_type != TS_INODE
        ]
        return chosen

    def _no_contents(self, inode: Inode) -> None:
        """Say that contents were left out by the writer (DARI-REC-001)."""
        if self._given.is_image:
            return
        heads = [group.head for group in self._groups]
        if any(head.fields.c_flags & META_ONLY for head in heads):
            inode.contents = False
            inode.data = Data(self._given.space, inode.data.size)
            self._faults.report("no-contents", heads[0].at, self._number)
        elif (
            inode.data.size
            and len(heads) == 1
            and not self._groups[0].covers
            and not self._groups[0].impossible
        ):
            self._faults.report("no-contents", heads[0].at, self._number)

    def _judge(self, inode: Inode) -> None:
        """Give the inode the state that its groups say it has (DARI-FLT-004)."""
        data = inode.data
        for group in self._groups:
            flags = group.head.fields.extension.flags if group.head.body is not None else 0
            if flags & SUBSTITUTED and self._rules.follows("DARI-FIL-015"):
                self._faults.report("substituted", group.head.at, self._number)
                inode.worsen(INCOMPLETE)
                data.stretches = _in_doubt(data.stretches, group)
        if data.wrong:
            inode.worsen(DAMAGED)
        if data.open:
            inode.worsen(SUSPECT)
        if not data.missing:
            return
        if self._rules.follows("DARI-FIL-023"):
            inode.worsen(INCOMPLETE)
        else:  # what is missing looks like a hole
            data.stretches = [one for one in data.stretches if one.at is not None]
            data.uncovered = []

    def _end_is_hole(self, inode: Inode) -> None:
        """Take the last block for a hole where the flag says that it was one (DARI-FIL-021)."""
        blocks = -(-inode.data.size // RECORD)
        covering = [one for one in self._groups if one.start < blocks <= one.start + one.covers]
        if not covering:
            return
        last = better(covering)
        if last.head.body is None or not last.head.fields.extension.flags & END_IS_HOLE:
            return
        stretches = inode.data.stretches
        end = stretches[-1] if stretches else None
        if end is None or end.block + end.length != blocks:
            self._faults.report("end-is-hole", last.head.at, self._number)
        elif end.at is not None:
            record = self._given.space.record(end.at + (end.length - 1) * RECORD)
            if record is None or any(record):
                self._faults.report("end-is-hole", last.head.at, self._number)
                return
            stretches.pop()
            if end.length > 1:
                stretches.append(end._replace(length=end.length - 1))


def _differs(head: Head, other: Head) -> bool:
    """Tell whether a further header says something else of the inode (DARI-FIL-005)."""
    if any(head.dinode[name] != other.dinode[name] for name in _OLD_FIELDS):
        return True
    one, two = head.body, other.body
    if one is None or two is None:
        return False
    return any(one[name] != two[name] for name in _FIELDS if name in one and name in two)


_OLD_FIELDS = ("di_mode", "di_size", "di_uid", "di_gid")
_FIELDS = (
    *("base_inode", "stream_directory", "nlink", "attribute_records"),
    *("atime_ns", "mtime_ns", "ctime_ns", "birthtime_ns", "source_inode", "source_device"),
)
"""Fields of an inode that a reader uses."""


def _in_doubt(stretches: list[Stretch], group: Group) -> list[Stretch]:
    """Return stretches, those of a group in doubt."""
    end = group.start + group.covers
    return [
        one._replace(doubtful=one.doubtful or group.start <= one.block < end) for one in stretches
    ]


def report_bitmaps(walk: Walk, found: Iterable[int]) -> None:
    """Compare the bitmaps with each other and with what was found (DARI-BMP-009)."""
    faults = walk.given.faults
    maps = {TS_CLRI: existing_inodes(walk), TS_BITS: held_inodes(walk)}
    for c_type, bits in maps.items():
        heads = [group.head for group in walk.groups if group.head.c_type == c_type]
        if bits is None:
            faults.report("bitmap-damaged", heads[0].at if heads else None)
        elif walk.given.is_image:
            _report_counts(faults, heads[0], bits)
    existing, held = maps[TS_CLRI], maps[TS_BITS]
    both = held is not None and existing is not None
    if both and any(inode not in (existing or ()) for inode in held or ()):
        faults.report("bitmap-differs")
    for number in {2, *found}:
        if any(bits is not None and number not in bits for bits in (existing, held)):
            faults.report("bitmap-differs", None, number)


def _report_counts(faults: Faults, head: Head, bits: Bitmap) -> None:
    """Compare a bitmap with what its header says of it (DARI-BMP-006)."""
    body = head.body
    if 1 in bits:
        faults.report("bitmap-differs", head.at, 1)
    if body is None:
        return
    count = highest = 0
    for inode in bits:
        count, highest = count + 1, inode
    if (body.bits_set, body.highest_inode) != (count + (1 in bits), highest):
        faults.report("bitmap-differs", head.at)
