"""What came of restoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from darimage.faults import Fault
from darimage.image.state import State
from darimage.showing import as_text

if TYPE_CHECKING:
    from darimage.image.chain import Chain

KEPT_FAULTS = 10_000
"""Faults that are kept one by one; more are only counted."""


_LISTS = ("faults", "notes", "image_faults", "not_whole")

Result = Literal["marked", "lost", "left out"]
"""What came of something that is not whole, or that did not come back."""


class Outcome(NamedTuple):
    """One name that did not come back as it was.

    Attributes:
        path: Its path below the destination.
        inode: Its inode number in the image.
        state: How much of it is known to be right.
        result: ``marked``: it is there under its own name, for its owner alone and without
            attributes (DARI-RST-006); ``lost``: it was not found; ``left out``: it is not there, or
            what was there before is.
        missing: First block and number of each stretch of its contents that is missing.
        doubtful: The same of what is there and may be another's.
    """

    path: bytes
    inode: int
    state: State
    result: Result
    missing: Sequence[tuple[int, int]] = ()
    doubtful: Sequence[tuple[int, int]] = ()

    @classmethod
    def of(cls, fault: Fault, state: State, result: Result) -> Self:
        """Return the outcome of what a fault is about."""
        return cls(fault.path or b"", fault.inode or 0, state, result)

    def as_json(self) -> dict[str, Any]:
        """Return it as a dictionary for JSON."""
        known: dict[str, Any] = {
            "path": as_text(self.path) or ".",
            "inode": self.inode,
            "state": self.state.word,
            "result": self.result,
        }
        if self.missing:
            known["missing"] = self.missing
        if self.doubtful:
            known["doubtful"] = self.doubtful
        return known


@dataclass
class RestoreReport:
    """What came of restoring.

    Attributes:
        image: Name of the image; of several the last.
        chain: Names of the images that were restored as one; empty if it was one image.
        destination: Where things went.
        access: ``direct`` or ``sequential``.
        image_bytes: Size of the image, or of all.
        bytes_read: Bytes read from it, or from all, since it was opened.
        bytes_written: Bytes of contents written.
        directories: Directories made or already there.
        files: Regular files that are whole.
        symlinks: Symbolic links made.
        others: Fifos, sockets and devices made.
        links: Further names made for any of these.
        streams: Streams brought back.
        marked: Files and directories that are not whole and were brought back marked
            (DARI-RST-006).
        lost: Names of what was not found in the image.
        left_out: What is not there at the end, or only as it was before.
        kept: What was there already and stays, as ``skip`` and ``newer`` ask for.
        skipped: Names passed over because their directory could not be made.
        not_whole: The first ``KEPT_FAULTS`` of these three.
        faults: What went wrong, the first ``KEPT_FAULTS``.
        fault_count: All that went wrong, notes left out.
        notes: What people should know and could not be otherwise here, such as owners that only
            root may give.
        image_faults: What is wrong with the image itself, as far as it was seen on the way.
    """

    image: str
    destination: str
    access: str
    image_bytes: int
    chain: list[str] = field(default_factory=list)
    bytes_read: int = 0
    bytes_written: int = 0
    directories: int = 0
    files: int = 0
    symlinks: int = 0
    others: int = 0
    links: int = 0
    streams: int = 0
    marked: int = 0
    lost: int = 0
    left_out: int = 0
    kept: int = 0
    skipped: int = 0
    not_whole: list[Outcome] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0
    notes: list[Fault] = field(default_factory=list)
    image_faults: list[Fault] = field(default_factory=list)

    @classmethod
    def of(cls, chain: Chain, destination: str) -> Self:
        """Return a report of nothing yet."""
        images = chain.images
        size = sum(image.volume.size for image in images)
        names = [image.name for image in images] if len(images) > 1 else []
        return cls(chain.last.name, destination, chain.access, size, names)

    @property
    def exit_code(self) -> int:
        """0 if all that was asked for is whole and no fault was met, else 1 (DARI-FLT-003)."""
        is_less = self.marked or self.lost or self.left_out or self.skipped
        is_faulty = self.fault_count or any(not fault.is_note for fault in self.image_faults)
        return 1 if is_less or is_faulty else 0

    def note(self, faults: Sequence[Fault]) -> None:
        """Add faults."""
        self.fault_count += sum(not fault.is_note for fault in faults)
        self.faults += faults[: max(0, KEPT_FAULTS - len(self.faults))]

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count what did not come back as it was."""
        for one in outcomes:
            self.marked += one.result == "marked"
            self.lost += one.result == "lost"
            self.left_out += one.result == "left out"
        self.not_whole += outcomes[: max(0, KEPT_FAULTS - len(self.not_whole))]

    def as_json(self) -> dict[str, Any]:
        """Return everything as a dictionary for JSON."""
        return {
            name: [one.as_json() for one in value] if name in _LISTS else value
            for name, value in vars(self).items()
        }
