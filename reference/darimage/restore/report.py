"""What came of restoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from darimage.faults import Fault

if TYPE_CHECKING:
    from darimage.image.chain import Chain

KEPT_FAULTS = 10_000
"""Faults that are kept one by one; more are only counted."""


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
        skipped: Names passed over because their directory could not be made.
        faults: What went wrong, the first ``KEPT_FAULTS``.
        fault_count: All that went wrong.
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
    skipped: int = 0
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0
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
        """0 if all that was selected came back and nothing is wrong with the image, else 1."""
        return 1 if self.fault_count or self.image_faults else 0

    def note(self, faults: Sequence[Fault]) -> None:
        """Add faults."""
        self.fault_count += len(faults)
        self.faults += faults[: max(0, KEPT_FAULTS - len(self.faults))]

    def as_json(self) -> dict[str, Any]:
        """Return everything as a dictionary for JSON."""
        return {
            name: [fault.as_json() for fault in value] if name.endswith("faults") else value
            for name, value in vars(self).items()
        }
