"""What is to be brought back: from paths, globs and inode numbers to names in the tree.

A selection is a list of picks, names of which none lies below another; a directory picked stands
for all below it. Only the directories that lead to a pick are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from darimage.errors import UsageError
from darimage.faults import Fault
from darimage.restore.patterns import Pattern, State
from darimage.sections.directory import Entry
from darimage.showing import ESCAPE, display, from_display

if TYPE_CHECKING:
    from darimage.image.names import Names


Streams = Callable[[int], Iterable[tuple[bytes, int]]]


class Pick(NamedTuple):
    """A name that was selected.

    Attributes:
        parent: Inode number of the directory that holds it.
        entry: What the directory says of it.
    """

    parent: int
    entry: Entry


@dataclass(frozen=True)
class Selection:
    """What to bring back.

    Attributes:
        root: Whether it is the whole image, root directory included; then there are no picks.
        picks: Names, none below another, in the order they were found.
        unmatched: What was asked for and is not there.
    """

    root: bool
    picks: list[Pick]
    unmatched: list[Fault]


def select(
    names: Names,
    patterns: Sequence[bytes] = (),
    inodes: Sequence[int] = (),
    streams: Streams = lambda _: (),
) -> Selection:
    """Find what is meant by paths, globs and inode numbers (DARI-RST-002); nothing given: all.

    A path is meant as ``list`` shows it, and so even if it could be read as a glob too; only if
    nothing is called so, escapes in it stand for themselves. ``file:stream`` stands for the file.
    An inode number brings all names of the inode.

    Args:
        names: The tree.
        patterns: Paths and globs.
        inodes: Inode numbers.
        streams: Returns names and inode numbers of an inode's streams; asked only where nothing
            else is meant.

    Raises:
        UsageError: Nothing at all is meant.
    """
    if not patterns and not inodes:
        return Selection(root=True, picks=[], unmatched=[])
    found: dict[tuple[int, bytes], Pick] = {}
    unmatched: list[Fault] = []
    root = False
    for text in patterns:
        picks, is_root = _meant_by(names, text)
        if not picks and not is_root:
            picks, is_root = _with_stream(names, text, streams)
        root |= is_root
        found.update(((pick.parent, pick.entry.name), pick) for pick in picks)
        if not picks and not is_root:
            unmatched.append(Fault("unmatched", "nothing in the image matches", path=text))
    picks, missing = _named(names, {number for number in inodes if number != names.root})
    found.update(((pick.parent, pick.entry.name), pick) for pick in picks)
    unmatched += [Fault("unmatched", "no name in the image", inode=number) for number in missing]
    if root or names.root in inodes:
        return Selection(root=True, picks=[], unmatched=unmatched)
    if not found:
        raise UsageError(_nothing(patterns, inodes))
    return Selection(root=False, picks=_topmost(names, found.values()), unmatched=unmatched)


def is_directory(names: Names, entry: Entry) -> bool:
    """Tell whether an entry leads to a directory (DARI-DIR-002)."""
    return names.is_directory(entry.inode)


def _meant_by(names: Names, text: bytes) -> tuple[list[Pick], bool]:
    pattern = Pattern(text)
    if not pattern.components:
        return [], True
    picks = _matches(names, pattern)
    if not pattern.is_literal:
        picks += _matches(names, Pattern(text, literal=True, escapes=True))
    if not picks and ESCAPE.search(text):
        picks = _matches(names, Pattern(text, literal=True))
    return picks, False


def _with_stream(names: Names, text: bytes, streams: Streams) -> tuple[list[Pick], bool]:
    """Return what has a stream, given both names with a colon between."""
    base, colon, name = text.rpartition(b":")
    wanted = (name, from_display(name))

    def has_it(number: int) -> bool:
        return any(stream in wanted for stream, _ in streams(number))

    if not colon:
        return [], False
    picks, is_root = _meant_by(names, base)
    return [pick for pick in picks if has_it(pick.entry.inode)], is_root and has_it(names.root)


def _matches(names: Names, pattern: Pattern) -> list[Pick]:
    if pattern.is_literal:
        found = _found(names, pattern)
        return [found] if found is not None else []
    picks: list[Pick] = []
    pending: list[tuple[int, State]] = [(names.root, pattern.start)]
    while pending:
        number, state = pending.pop()
        below: list[tuple[int, State]] = []
        for entry in names.children(number):
            reached = pattern.advance(state, entry.name)
            if not reached:
                continue
            leads_on = is_directory(names, entry)
            if pattern.accepts(reached):
                if leads_on or not pattern.directories_only:
                    picks.append(Pick(number, entry))
            elif leads_on:
                below.append((entry.inode, reached))
        pending += reversed(below)
    return picks


def _found(names: Names, pattern: Pattern) -> Pick | None:
    """Return what a path leads to, without making anything of its neighbours."""
    *way, last = pattern.literal_names
    parent = names.lookup(b"/".join(way)) if way else names.root
    entry = None if parent is None else names.entry(parent, last)
    if parent is None or entry is None:
        return None
    if pattern.directories_only and not is_directory(names, entry):
        return None
    return Pick(parent, entry)


def _named(names: Names, wanted: set[int]) -> tuple[list[Pick], list[int]]:
    """Return all names of some inodes, and the inodes that have none."""
    picks: list[Pick] = []
    for number in sorted(wanted):
        for path in names.paths(number):
            picks += _matches(names, Pattern(path, literal=True))
    return picks, sorted(wanted - {pick.entry.inode for pick in picks})


def _topmost(names: Names, picks: Iterable[Pick]) -> list[Pick]:
    """Leave out what lies below another pick."""
    picks = list(picks)
    whole = {pick.entry.inode for pick in picks if is_directory(names, pick.entry)}
    covered: dict[int, bool] = {names.root: False}

    def is_covered(number: int) -> bool:
        way = []
        while number not in covered:
            way.append(number)
            if number in whole:
                covered[number] = True
                break
            number = names.parent(number)
        for passed in way:
            covered[passed] = covered[number]
        return covered[way[0]] if way else covered[number]

    return [pick for pick in picks if not is_covered(pick.parent)]


def _nothing(patterns: Sequence[bytes], inodes: Sequence[int]) -> str:
    asked = [f"'{display(text)}'" for text in patterns] + [f"inode {number}" for number in inodes]
    more = f" and {len(asked) - 5} more" if len(asked) > 5 else ""
    return f"nothing in the image matches {', '.join(asked[:5])}{more} (`darimage list` shows it)"
