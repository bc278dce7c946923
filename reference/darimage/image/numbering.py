"""Which number each inode has in an image, and which of them the image holds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from darimage.sources.scan import Scan

ROOT = 2
"""Inode number of the root directory."""

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Numbering:
    """Numbers for everything that a scan found, and a choice of what goes into the image.

    Attributes:
        directories: Inode number of each directory of the scan; the root's is the lowest of all.
        others: Inode number of each other inode.
        stream_directories: By key of the scan, the number of its stream directory.
        held_directories: Which directories the image holds; ``None`` all.
        held_others: Which other inodes it holds; ``None`` all.
        out_of_reach: Numbers of inodes that the base has and that could not be looked at: they
            exist, for all that is known (DARI-INC-016).
        level: Level of the image, 0 to 9.
        base_date: ``c_date`` of the image it is relative to; 0 if it is full.
        base_uuid: Identity of that image, zero if it is full.
        not_before: Earliest date that the image may have: dates ascend (DARI-INC-007).
    """

    directories: Numbers
    others: Numbers
    stream_directories: dict[int, int] = field(default_factory=dict)
    held_directories: Mask | None = None
    held_others: Mask | None = None
    out_of_reach: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    level: int = 0
    base_date: int = 0
    base_uuid: bytes = bytes(16)
    not_before: int = 0


def fresh(scan: Scan) -> Numbering:
    """Number the inodes of a full image (DARI-DIR-014)."""
    directories = len(scan.directory_parent)
    streams = range(ROOT + directories, ROOT + directories + len(scan.streams))
    first = ROOT + directories + len(scan.streams)
    return Numbering(
        np.arange(ROOT, ROOT + directories, dtype=np.int64),
        np.arange(first, first + len(scan.other_parent), dtype=np.int64),
        dict(zip(sorted(scan.streams, key=in_image), streams, strict=True)),
    )


def in_image(key: int) -> tuple[bool, int]:
    """Sort keys as inodes are in an image: directories first."""
    return key >= 0, key if key >= 0 else ~key
