"""The tree: names, second ways, and what has no name (chapter 88, steps 18 and 19)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from darimage.plain.assemble import (
    DAMAGED,
    DIRECTORY,
    INCOMPLETE,
    LOST,
    WHOLE,
    Bitmap,
    Data,
    Inode,
    Stretch,
)
from darimage.plain.entries import CHUNK, Form, dots, entries, is_name
from darimage.plain.faults import FAULT, RECORD
from darimage.plain.groups import PROVEN
from darimage.plain.walk import Walk

ROOT = 2


class Link(NamedTuple):
    """An entry that may be used.

    Attributes:
        directory: Number of the directory that it is in.
        name: Its name.
        inode: The number that it names.
        kind: ``d_type``.
        is_first: Whether it lies in the directory's first block.
        in_place: Whether its block lies in place (DARI-DIR-021).
    """

    directory: int
    name: bytes
    inode: int
    kind: int
    is_first: bool
    in_place: bool


class Tree:
    """The names of an image.

    Attributes:
        inodes: By number; those that only a name or a bitmap asks for are added, as lost.
        named: Entries with usable names, in the order of directories and entries.
        links: Those of them that are used.
    """

    def __init__(
        self,
        walk: Walk,
        inodes: dict[int, Inode],
        existing: Bitmap | None,
        held: Bitmap | None,
        elsewhere: set[int],
    ) -> None:
        """Build it.

        Args:
            walk: What was found.
            inodes: What became of it.
            existing: Bitmap I, if it is sound.
            held: Bitmap II, if it is sound.
            elsewhere: Inodes that are named by stream directories, and these.
        """
        given = walk.given
        self.inodes, self._walk, self._given = inodes, walk, given
        self._faults, self._rules = given.faults, given.rules
        self._existing, self._held, self._elsewhere = existing, held, elsewhere
        self._incremental = bool(given.first.fields.c_level)
        self._form = Form(given.order, given.is_image, given.old_format)
        self._above: dict[int, int] = {}
        self._give_up_blocks()
        self._find_by_dot()
        self.named = [link for number in self._directories() for link in self._read(number)]
        self.links = list(self._allowed(self.named))
        self._lose()
        self._choose_ways()
        self._name()

    def _directories(self) -> list[int]:
        return sorted(
            number
            for number, one in self.inodes.items()
            if one.kind == DIRECTORY and number not in self._elsewhere
        )

    # Step 18.

    def _give_up_blocks(self) -> None:
        """Give up first blocks that say they are another directory's (DARI-DIR-023)."""
        for number in self._directories():
            inode = self.inodes[number]
            at = inode.head.at if inode.head else None
            block = next((data for offset, data in inode.data.present() if offset == 0), None)
            if block is None:
                if inode.data.size and not inode.data.missing and inode.contents:
                    self._faults.report("dot", at, number)
                continue
            found = dots(block, self._form)
            if found is not None and found[0] == number:
                continue
            first = next((group for group in inode.groups if group.start == 0), None)
            self._faults.report("dot", at, number)
            if found is None or first is None or first.known == PROVEN:
                continue
            if self._rules.follows("DARI-DIR-023"):
                inode.data.stretches = list(_without_first(inode.data.stretches))
                inode.worsen(INCOMPLETE)

    def _find_by_dot(self) -> None:
        """Find directories without a header by their ``.`` (DARI-DIR-023)."""
        asked = self._held or (None if self._incremental else self._existing)
        if asked is None or not self._rules.follows("DARI-DIR-023"):
            return
        loose = self._walk.loose
        for index, one in enumerate(loose):
            found = dots(self._given.space.record(one.at) or b"", self._form)
            known = found is None or found[0] in self.inodes or found[0] in self._elsewhere
            if known or found is None or found[0] not in asked:
                continue
            taken = [one]
            for other in loose[index + 1 :] if one.in_place else ():
                block = self._given.space.record(other.at) or b""
                if other.number != taken[-1].number + 1 or dots(block, self._form):
                    break
                taken.append(other)
            last = self._given.space.record(taken[-1].at) or b""
            size = len(taken) * RECORD - (0 if any(last[CHUNK:]) else CHUNK)
            data = Data(self._given.space, size)
            data.stretches = [
                Stretch(block, 1, where.at, doubtful=True) for block, where in enumerate(taken)
            ]
            inode = Inode(found[0], None, data, DIRECTORY, DAMAGED)
            self.inodes[found[0]] = inode
            self._faults.report("directory-header", one.at, found[0])

    # Step 19.

    def _read(self, number: int) -> Iterator[Link]:
        """Yield the entries of a directory that have usable names."""
        inode = self.inodes[number]
        at = inode.head.at if inode.head else None
        data = inode.data
        holes = sum(count for _, count in data.promised) * RECORD < data.size
        if inode.head and inode.contents and (data.size % 512 or (holes and not data.missing)):
            self._faults.report("directory-size", at, number)
        places = {block: self._walk.in_place(where) for block, where in _blocks(data)}
        seen: set[bytes] = set()
        reader = _Reader(self, number, at)
        for offset, block in data.present():
            for index, entry in enumerate(entries(block, self._form, self._rules, reader.on_fault)):
                if offset == 0 and index < 2 and entry.name in (b".", b".."):
                    if entry.name == b"..":
                        self._above[number] = entry.inode
                    continue
                if reader.is_broken and entry.inode not in (self._existing or ()):
                    continue
                if not is_name(entry.name, self._rules):
                    reader.on_fault("name")
                elif entry.name in seen and self._rules.follows("DARI-DIR-018"):
                    reader.on_fault("name-twice")
                else:
                    in_place = places[offset // RECORD]
                    yield Link(number, entry.name, entry.inode, entry.kind, not offset, in_place)
                seen.add(entry.name)

    def report(self, name: str, at: int | None, number: int) -> None:
        """Report a fault of a directory."""
        self._faults.report(name, at, number)

    def _allowed(self, links: list[Link]) -> Iterator[Link]:
        """Yield the entries that are used: of directories that are not whole, some (DIR-021)."""
        used: Counter[int] = Counter()
        usable = [link for link in links if self._is_usable(link)]
        for link in usable:
            used[link.inode] += self.inodes[link.directory].state == WHOLE
        for link in usable:
            if self.inodes[link.directory].state == WHOLE or not self._rules.follows(
                "DARI-DIR-021"
            ):
                yield link
            elif self._is_allowed(link, used):
                used[link.inode] += 1
                self._faults.report("name-doubtful", None, link.inode)
                yield link

    def _is_usable(self, link: Link) -> bool:
        """Tell whether what an entry names is in the image, or should be."""
        number = link.inode
        at = self.inodes[link.directory].head
        where = at.at if at else None
        if number == 1:
            self._faults.report("entry", where, link.directory, FAULT)
            return False
        found = self.inodes.get(number)
        if found is not None:
            knows_type = not self._given.old_format and (self._given.is_image or link.kind)
            if knows_type and found.kind != link.kind:
                self._faults.report("entry-type", where, number)
            return True
        if self._held is None:
            if self._incremental:
                return False
            return self._existing is None or number in self._existing
        if number in self._held:
            return True
        if self._existing is not None and number in self._existing:
            return not self._rules.follows("DARI-INC-011")
        self._faults.report("entry", where, link.directory, FAULT)
        return False

    def _is_allowed(self, link: Link, used: Counter[int]) -> bool:
        """Tell whether an entry of a directory that is not whole is used (DARI-DIR-021)."""
        found = self.inodes.get(link.inode)
        if found is None or (link.kind and link.kind != found.kind):
            return False
        leads_back = found.kind == DIRECTORY and self._above.get(link.inode) == link.directory
        if not (link.is_first or link.in_place or leads_back):
            return False
        if found.kind == DIRECTORY:
            return used[link.inode] == 0
        names = getattr(found.head.body, "nlink", None) if found.head else None
        return names is None or used[link.inode] < names

    def _lose(self) -> None:
        """Add what is asked for and was not found, as lost (DARI-BMP-009)."""
        wanted = {link.inode: link.kind for link in reversed(self.links)}
        for number in self._held or ():
            wanted.setdefault(number, 0)
        wanted[ROOT] = DIRECTORY
        for number, kind in sorted(wanted.items()):
            if number in self.inodes or number in self._elsewhere:
                continue
            if not self._rules.follows("DARI-BMP-009"):
                continue
            self.inodes[number] = Inode(number, None, Data(self._given.space, 0), kind, LOST)

    def _choose_ways(self) -> None:
        """Leave each directory one name, and none that lies in a cycle (DIR-019, DIR-020)."""
        self._way: dict[int, Link] = {}
        ways: dict[int, list[Link]] = defaultdict(list)
        for link in self.links:
            if link.inode in self.inodes and self.inodes[link.inode].kind == DIRECTORY:
                ways[link.inode].append(link)
        for number, links in sorted(ways.items()):
            if number == ROOT or len(links) > 1:
                self._faults.report("second-way", None, number)
            if number != ROOT:
                above = self._above.get(number) if self._rules.follows("DARI-DIR-019") else None
                self._way[number] = min(
                    links, key=lambda link: (link.directory != above, link.directory)
                )
        self._cut_cycles()
        for number in self._directories():
            expected = ROOT if number == ROOT else None
            if number in self._way:
                expected = self._way[number].directory
            found = self._above.get(number, expected)
            if expected is not None and found != expected:
                self._faults.report("dot-dot", None, number)

    def _cut_cycles(self) -> None:
        """Take its name from the lowest number of each cycle (DARI-DIR-011)."""
        settled: set[int] = {ROOT}
        for number in sorted(self._way):
            way: list[int] = []
            at = number
            while at in self._way and at not in settled and at not in way:
                way.append(at)
                at = self._way[at].directory
            if at in way:
                lowest = min(way[way.index(at) :])
                self._faults.report("cycle", None, lowest)
                del self._way[lowest]
            settled.update(way)

    def _name(self) -> None:
        """Give paths to all that has names; the rest comes below ``#lost`` (DARI-RST-007)."""
        top = {link.name for link in self.links if link.directory == ROOT}
        self.lost_name = b"#lost"
        while self.lost_name in top:
            self.lost_name = b"#" + self.lost_name
        self._paths: dict[int, bytes] = {ROOT: b""}
        for number in self._directories():
            self.inodes[number].paths = [self._path_of(number)]
        for link in self.links:
            inode = self.inodes.get(link.inode)
            if self._is_other_way(link) and not self._rules.follows("DARI-DIR-011"):
                self.inodes[link.inode].paths.append(_below(self._paths[link.directory], link.name))
            has_path = inode is None or (inode.kind == DIRECTORY and inode.state < LOST)
            if inode is not None and not has_path and link.inode != ROOT:
                inode.paths.append(_below(self._paths[link.directory], link.name))
        for number, inode in sorted(self.inodes.items()):
            if inode.state == LOST:
                self._faults.report("lost", None, number)
                inode.paths = sorted(set(inode.paths))
            elif not inode.paths and number not in self._elsewhere:
                inode.paths = [self._lost_path(number)]
            if number == ROOT:
                inode.paths = [b""]

    def _is_other_way(self, link: Link) -> bool:
        return link.inode in self._way and self._way[link.inode] != link

    def _path_of(self, number: int) -> bytes:
        """Return the path of a directory."""
        way = []
        while number not in self._paths and number in self._way:
            way.append(number)
            number = self._way[number].directory
        if number not in self._paths:
            lost = self.inodes[number].state == LOST
            self._paths[number] = b"" if lost else self._lost_path(number)
        for below in reversed(way):
            link = self._way[below]
            self._paths[below] = _below(self._paths[link.directory], link.name)
        return self._paths[way[0] if way else number]

    def _lost_path(self, number: int) -> bytes:
        if not self._rules.follows("DARI-DIR-020"):
            return b""
        self._faults.report("unnamed", None, number)
        return _below(self.lost_name, b"%d" % number)


class _Reader:
    """Takes the faults of one directory while it is read."""

    def __init__(self, tree: Tree, number: int, at: int | None) -> None:
        self._tree, self._number, self._at = tree, number, at
        self.is_broken = False

    def on_fault(self, name: str) -> None:
        """Report a fault; behind an impossible length entries are believed less (DIR-022)."""
        self.is_broken = self.is_broken or name == "chunk"
        self._tree.report(name, self._at, self._number)


def _below(above: bytes, name: bytes) -> bytes:
    return above + b"/" + name if above else name


def _blocks(data: Data) -> Iterator[tuple[int, int]]:
    """Yield number and address of the blocks that are there."""
    for one in data.stretches:
        for index in range(one.length if one.at is not None else 0):
            yield one.block + index, (one.at or 0) + index * RECORD


def _without_first(stretches: list[Stretch]) -> Iterator[Stretch]:
    """Yield stretches, block 0 as missing."""
    for one in stretches:
        if one.block:
            yield one
            continue
        yield Stretch(0, 1, None, one.doubtful)
        if one.length > 1:
            at = None if one.at is None else one.at + RECORD
            yield Stretch(1, one.length - 1, at, one.doubtful)
