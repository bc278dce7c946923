"""Restoring, phase by phase (chapter 90): directories, empty files, contents, links, attributes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from darimage import parallel
from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.contents import read_link
from darimage.progress import SILENT, Progress
from darimage.restore.attributes import Attributes, Rights
from darimage.restore.contents import Filled, Filler
from darimage.restore.plan import REGULAR, Link, Plan, make_plan
from darimage.restore.queue import Queue, pieces
from darimage.restore.selection import Selection
from darimage.restore.target import PRIVATE_DIRECTORY, DestinationError, Target, TargetError

if TYPE_CHECKING:
    from darimage.image.inode import Inode
    from darimage.image.reader import Image

FORKED_FROM = 2_000
"""Files from which on several processes pay."""

KEPT_FAULTS = 10_000
"""Faults that are kept one by one; more are counted."""


@dataclass(frozen=True)
class Options:
    """How to restore.

    Attributes:
        parents: Directories that only lead to what was selected get their attributes back too.
        overwrite: What is at the destination already is replaced (DARI-SAF-005).
        owners: Owners are given back, as far as the user may (DARI-SAF-004).
        workers: Processes that fill files; few files are always filled by one.
    """

    parents: bool = False
    overwrite: bool = False
    owners: bool = True
    workers: int = 1


@dataclass
class RestoreReport:
    """What came of restoring.

    Attributes:
        image: Name of the image.
        destination: Where things went.
        access: ``direct`` or ``sequential``.
        image_bytes: Size of the image.
        bytes_read: Bytes read from it since it was opened.
        bytes_written: Bytes of contents written.
        directories: Directories made, or found and given their attributes.
        files: Regular files that are whole.
        symlinks: Symbolic links made.
        others: Fifos, sockets and devices made.
        links: Further names made of any of these.
        faults: What went wrong, the first ``KEPT_FAULTS``.
        fault_count: All that went wrong.
    """

    image: str
    destination: str
    access: str
    image_bytes: int
    bytes_read: int = 0
    bytes_written: int = 0
    directories: int = 0
    files: int = 0
    symlinks: int = 0
    others: int = 0
    links: int = 0
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0

    @property
    def exit_code(self) -> int:
        """0 if all came back as it is in the image, else 1."""
        return 1 if self.fault_count else 0

    def note(self, faults: Sequence[Fault]) -> None:
        """Add faults."""
        self.fault_count += len(faults)
        self.faults += faults[: max(0, KEPT_FAULTS - len(self.faults))]

    def as_json(self) -> dict[str, Any]:
        """Return everything as a dictionary for JSON."""
        counted = {name: value for name, value in vars(self).items() if name != "faults"}
        return {**counted, "faults": [fault.as_json() for fault in self.faults]}


def restore(
    image: Image,
    destination: str | bytes | os.PathLike[str],
    selection: Selection,
    options: Options | None = None,
    progress: Progress = SILENT,
) -> RestoreReport:
    """Bring back what was selected, each thing at its place below the destination (DARI-RST-001).

    A file is private and has the time of the run until it is whole; one that stays incomplete is
    left so and reported.

    Args:
        image: The image.
        destination: A directory; it is made if it is not there.
        selection: What to bring back.
        options: How.
        progress: Told of each phase.

    Raises:
        FormatError: The image cannot be read at all.
        StorageError: The destination cannot be written.
    """
    options = options or Options()
    plan = make_plan(image, selection, parents=options.parents)
    with Target.at(
        destination, plan.places.__getitem__, root_number=plan.root, overwrite=options.overwrite
    ) as target:
        run = _Run(image, os.fsdecode(destination), plan, target, options, progress)
        return run.all()


class _Run:
    """One run; each method is a phase."""

    def __init__(
        self,
        image: Image,
        destination: str,
        plan: Plan,
        target: Target,
        options: Options,
        progress: Progress,
    ) -> None:
        self.image = image
        self.plan = plan
        self.target = target
        self.options = options
        self.progress = progress
        self.rights = Rights.of_this_process(owners=options.owners)
        self.report = RestoreReport(image.name, destination, image.access, image.volume.size)
        self.report.note(plan.faults)
        self.blocked: set[int] = set()
        self.lost: set[int] = set()
