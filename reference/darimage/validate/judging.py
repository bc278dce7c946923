"""Holds a whole image against the rules, in one walk over its headers.

Every header is looked at, and the offset map is computed again from where files really are. No
fault ends it.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from darimage.image.names import Names
from darimage.image.reader import Image
from darimage.progress import SILENT, Progress
from darimage.validate import walking
from darimage.validate.contexts.whole import Ints, Whole
from darimage.validate.gathering import Gathering
from darimage.validate.rules.rule import Scope
from darimage.validate.telling import Telling
from darimage.volumes.reading import forgiving


@dataclass(frozen=True)
class Outcome:
    """What was seen of an image.

    Attributes:
        headers: Headers that were found.
        inodes: Inodes that were found.
        files: Those that are no directories.
        placed: Numbers and records of these, as they lie.
        map_equal: Whether the offset map is what was computed from the image; ``None`` in a plain
            dump.
        tree: The directory tree.
        quick: Whether the contents of files were left out.
    """

    headers: int
    inodes: int
    files: int
    placed: tuple[Ints, Ints]
    map_equal: bool | None
    tree: Names
    quick: bool = False


def judge(
    image: Image,
    gathering: Gathering,
    progress: Progress = SILENT,
    *,
    off: AbstractSet[str] = frozenset(),
    quick: bool = False,
) -> Outcome:
    """Judge an image.

    Args:
        image: The image.
        gathering: Told of what is found.
        progress: Told of the bytes passed.
        off: Names of rules that are switched off.
        quick: Leave out the contents of files.

    Raises:
        StorageError: It cannot be read.
    """
    with forgiving(image.volume):
        return _Judging(image, gathering, off, quick=quick).run(progress)


class _Judging:
    """One judgement."""

    def __init__(
        self, image: Image, gathering: Gathering, off: AbstractSet[str], *, quick: bool
    ) -> None:
        self.image = image
        self.off = off
        self.quick = quick
        self.telling = Telling(image, gathering, off)

    def run(self, progress: Progress) -> Outcome:
        image, telling = self.image, self.telling
        seen = walking.walked(image, telling, self.off, progress, quick=self.quick)
        whole = Whole(
            image,
            seen.found,
            seen.sections,
            seen.attributed,
            seen.substituted,
            seen.numbers,
            seen.end,
            telling.decoded,
            telling.gaps,
        )
        # Readers that are asked from now on go by what the walk has met, and do not look again.
        vars(image)["names"] = whole.tree
        if image.is_dari:
            self._parts(whole)
        telling.things(Scope.IMAGE, whole)
        self._decode(whole)
        telling.take_over(whole.tree_faults, ended=seen.end is not None)
        equal = whole.map_equal if image.is_dari else None
        inodes, files = len(whole.found.inode), len(whole.files[0])
        return Outcome(
            seen.headers, inodes, files, whole.files, equal, whole.tree, quick=self.quick
        )

    def _parts(self, whole: Whole) -> None:
        for bitmap in whole.bitmaps:
            self.telling.things(Scope.BITMAPS, bitmap)
        for directory in whole.directories:
            self.telling.things(Scope.DIRECTORIES, directory)
            _ = directory.entries
        for section in whole.sections:
            self.telling.things(Scope.SECTIONS, section)
            _ = section.is_sound

    def _decode(self, whole: Whole) -> None:
        """Decode what no rule has asked for: readers tell what they cannot."""
        if self.image.is_dari and whole.acls is not None:
            whole.acls.decode_all()
