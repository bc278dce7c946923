"""The order in which a selection comes back (DARI-RST-001), as columns.

Directories have parents before what is in them, files go image by image and ascend by their offset
there. A file has one row however many names it has; the other names are links to make.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image.chain import Chain
from darimage.image.names import LOST
from darimage.image.state import State
from darimage.restore.report import Outcome
from darimage.restore.selection import Selection, is_directory
from darimage.units import RECORD

if TYPE_CHECKING:
    from darimage.image.names import Names
    from darimage.image.reader import Image
    from darimage.restore.target import Place
    from darimage.sections.directory import Entry

Rows = npt.NDArray[np.int64]

REGULAR = 8
"""``d_type`` of a regular file (DARI-DIR-012)."""

DIRECTORY = 4
"""``d_type`` of a directory."""


class Files:
    """Files to bring back, one a row.

    Attributes:
        inodes: Inode numbers.
        holders: Number of the image in the chain that each comes from, ascending.
        offsets: Byte address of each one's header, ascending within an image.
        ends: Byte address that each one's run of records does not pass.
        types: ``d_type`` as its directory has it; 0 unknown.
        parents: Inode number of the directory each is made in.
        names: Name there.
    """

    def __init__(
        self,
        inodes: npt.NDArray[np.int64],
        holders: npt.NDArray[np.int64],
        offsets: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
        types: npt.NDArray[np.uint8],
        parents: list[int],
        names: list[bytes],
    ) -> None:
        self.inodes = inodes
        self.holders = holders
        self.offsets = offsets
        self.ends = ends
        self.types = types
        self.parents = parents
        self.names = names

    @classmethod
    def none(cls) -> Files:
        """Return no rows."""
        empty = np.zeros(0, np.int64)
        return cls(empty, empty, empty, empty, np.zeros(0, np.uint8), [], [])

    def __len__(self) -> int:
        return len(self.names)

    def place(self, row: int) -> Place:
        """Return the directory and name of a row."""
        return self.parents[row], self.names[row]


class Link(NamedTuple):
    """One more name of a file.

    Attributes:
        row: Row of the file in ``Files``.
        parent: Inode number of the directory the name goes to.
        name: The name.
    """

    row: int
    parent: int
    name: bytes


@dataclass
class Plan:
    """What to make, in order.

    Attributes:
        root: Inode number that stands for the destination.
        places: For each directory to make but the root, the directory it is in and its name;
            parents first.
        restored: Directories that get their attributes back, parents first.
        files: What is not a directory.
        links: Further names.
        faults: What cannot come back.
        outcomes: Likewise, what is known of each.
        states: Directories that are not whole.
    """

    root: int
    places: dict[int, Place] = field(default_factory=dict)
    restored: list[int] = field(default_factory=list)
    files: Files = field(default_factory=Files.none)
    links: list[Link] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    states: dict[int, State] = field(default_factory=dict)

    def path(self, parent: int, name: bytes) -> bytes:
        """Return the path of a name below the destination."""
        parts = [name] if name else []
        while parent != self.root:
            parent, name = self.places[parent]
            parts.append(name)
        return b"/".join(reversed(parts))


def make_plan(tree: Image | Chain, selection: Selection, *, parents: bool = False) -> Plan:
    """Put what was selected into the order it comes back in.

    Args:
        tree: The image, or several as one.
        selection: What was selected in it.
        parents: Whether directories that only lead to a pick get their attributes back too.
    """
    chain = Chain.of(tree)
    names = chain.names
    plan = Plan(names.root, faults=list(selection.unmatched))
    collected = _Collected()
    if (selection.root or parents) and names.root in names.directories:
        plan.restored.append(names.root)
    if selection.root:
        _collect(names, names.root, plan, collected)
    for parent, entry in selection.picks:
        _lead_to(names, parent, plan, restored=parents)
        if is_directory(names, entry):
            plan.places[entry.inode] = (parent, entry.name)
            if entry.inode != LOST:
                plan.restored.append(entry.inode)
            _collect(names, entry.inode, plan, collected)
        else:
            collected.add(parent, entry)
    _arrange(chain, collected, plan)
    for number in plan.restored:
        if (state := names.state(number)) != State.WHOLE:
            plan.states[number] = state
    return plan


class _Collected:
    """Names of files as they are found."""

    def __init__(self) -> None:
        self.inodes: list[int] = []
        self.types: list[int] = []
        self.parents: list[int] = []
        self.names: list[bytes] = []

    def add(self, parent: int, entry: Entry) -> None:
        self.inodes.append(entry.inode)
        self.types.append(entry.d_type)
        self.parents.append(parent)
        self.names.append(entry.name)


def _lead_to(names: Names, directory: int, plan: Plan, *, restored: bool) -> None:
    """Add the directories from the root down to one."""
    path = names.path(directory)
    missing: list[tuple[int, bytes]] = []
    for name in reversed(path.split(b"/") if path else []):
        if directory in plan.places:
            break
        missing.append((directory, name))
        directory = names.parent(directory)
    for number, name in reversed(missing):
        plan.places[number] = (directory, name)
        directory = number
    if restored:
        plan.restored += [number for number, _ in reversed(missing) if number != LOST]


def _collect(names: Names, top: int, plan: Plan, collected: _Collected) -> None:
    """Add all below a directory, a directory before what is in it (DARI-RST-002)."""
    pending = [top]
    while pending:
        number = pending.pop()
        below: list[int] = []
        for entry in names.children(number):
            if is_directory(names, entry):
                plan.places[entry.inode] = (number, entry.name)
                below.append(entry.inode)
            else:
                collected.add(number, entry)
        if number not in (top, LOST):
            plan.restored.append(number)
        pending += reversed(below)


def _arrange(chain: Chain, collected: _Collected, plan: Plan) -> None:
    """Give each inode one row, by image and offset; leave out what is not there."""
    named = np.array(collected.inodes, np.int64)
    inodes, first, row_of = np.unique(named, return_index=True, return_inverse=True)
    holders = chain.holders(inodes)
    offsets, ends = _places(chain, inodes, holders)
    order = np.lexsort((offsets, holders))
    order = order[offsets[order] >= 0]
    present = first[order].tolist()
    plan.files = Files(
        inodes[order],
        holders[order],
        offsets[order],
        ends[order],
        np.array(collected.types, np.uint8)[first[order]],
        [collected.parents[name] for name in present],
        [collected.names[name] for name in present],
    )
    place_of = np.full(len(inodes), -1, np.int64)
    place_of[order] = np.arange(len(order))
    rows = place_of[row_of]
    for name in np.flatnonzero((rows < 0) & ~chain.left_out(named)).tolist():
        fault = _missing(collected, name, plan)
        plan.faults.append(fault)
        plan.outcomes.append(Outcome.of(fault, State.LOST, "lost"))
    further = np.ones(len(named), np.bool_)
    further[first] = False
    for name in np.flatnonzero(further & (rows >= 0)).tolist():
        link = Link(int(rows[name]), collected.parents[name], collected.names[name])
        plan.links.append(link)


def _places(chain: Chain, inodes: Rows, holders: Rows) -> tuple[Rows, Rows]:
    """Return what ``_spans`` does, of each inode in the image that holds it."""
    offsets, ends = np.full(len(inodes), -1, np.int64), np.zeros(len(inodes), np.int64)
    for at, image in enumerate(chain.images):
        here = np.flatnonzero(holders == at)
        if here.size:
            offsets[here], ends[here] = _spans(image, inodes[here])
    return offsets, ends


def _spans(image: Image, inodes: Rows) -> tuple[Rows, Rows]:
    """Return where each inode's header is, -1 for none, and where the next inode begins at last."""
    known = image.offsets
    offsets = known.of(inodes)
    # After the last file comes the trailing section, if the image is not a plain dump.
    trailing = image.shown.nt_acls_trailing if image.shown else 0
    size = image.volume.size // RECORD * RECORD
    bounds = np.sort(np.append(known.offsets, [min(trailing * RECORD or size, size), size]))
    ends = bounds[np.minimum(np.searchsorted(bounds, offsets, side="right"), len(bounds) - 1)]
    offsets = np.where(ends > offsets, offsets, -1)
    return offsets, ends


def _missing(collected: _Collected, name: int, plan: Plan) -> Fault:
    path = plan.path(collected.parents[name], collected.names[name])
    what = "directory" if collected.types[name] == DIRECTORY else "file"
    told = f"{what} is not in the image"
    return Fault("lost", told, path, collected.inodes[name], None, "DARI-FIL-015")
