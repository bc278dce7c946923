"""Several images as one: a full image and the incremental ones made after it (chapter 45)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from darimage.errors import UsageError
from darimage.faults import Fault
from darimage.image.absent import left_out
from darimage.image.directories import DirectoryTable, Trust
from darimage.image.names import Names
from darimage.image.parts import base_uuid, has_extension
from darimage.image.reader import Image
from darimage.image.state import State
from darimage.image.streams import StreamTable
from darimage.image.told import Faults
from darimage.image.volume_set import Name
from darimage.progress import SILENT, Progress
from darimage.showing import display

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NOWHERE = -1
"""Holder of an inode that no image of the chain holds."""


class Chain:
    """The tree as it was when the last of some images was made.

    An image alone is a chain of one, and shows just what it holds itself.

    Attributes:
        images: The images, the full one first.
        faults: What was found wrong when they were put together.
    """

    def __init__(self, images: Sequence[Image]) -> None:
        """Put images together, which are sorted by level.

        Raises:
            UsageError: They are not the links of one chain (DARI-INC-009).
        """
        self.images = sorted(images, key=lambda image: image.identity.level)
        self.faults = Faults()
        if len(self.images) > 1:
            _check(self.images)

    @classmethod
    def of(cls, tree: Image | Chain) -> Chain:
        """Return an image as a chain of one, or the chain itself."""
        return tree if isinstance(tree, Chain) else cls([tree])

    @classmethod
    def open(
        cls,
        images: Sequence[Name | Sequence[Name]],
        *,
        trust_map: bool = False,
        sequential: bool = False,
        map_first: bool = False,
    ) -> Self:
        """Open images and put them together, the last as the last; see ``Image.open``.

        Raises:
            FormatError: One is no image, or none that is read.
            StorageError: One cannot be read.
            UsageError: They are not the links of one chain.
        """
        with ExitStack() as opened:
            found = [
                opened.enter_context(
                    Image.open(
                        name, trust_map=trust_map, sequential=sequential, map_first=map_first
                    )
                )
                for name in images
            ]
            chain = cls(found)
            if chain.last is not found[-1]:
                told = f"{chain.last.name} is of level {chain.last.identity.level}"
                raise UsageError(f"{found[-1].name} is not the last of the chain: {told}")
            opened.pop_all()
        return chain

    def close(self) -> None:
        """Close all images."""
        for image in self.images:
            image.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def last(self) -> Image:
        """The image that the chain leads to."""
        return self.images[-1]

    @property
    def access(self) -> str:
        """``direct`` if files are found by the maps of all images, else ``sequential``."""
        return "direct" if all(image.access == "direct" for image in self.images) else "sequential"

    def index_sequentially(self, progress: Progress = SILENT) -> None:
        """Find all files of those images that are read in sequence."""
        for image in self.images:
            if image.access == "sequential" and not image.is_walked:
                image.index_sequentially(progress)

    def all_faults(self) -> Iterator[Fault]:
        """Yield what is wrong with any of the images, and with them together."""
        yield from self.faults
        for image in self.images:
            yield from image.faults

    def notes(self) -> list[Fault]:
        """Return what has to be said of images that are plain dumps (DARI-FLT-007)."""
        plain = [image.name for image in self.images if not image.is_dari]
        if not plain:
            return []
        told = (
            f"{', '.join(plain)}: a plain dump has no checksums of its contents: a wrong byte in "
        )
        told += "them cannot be seen"
        return [Fault("no-checksums", told, requirement="DARI-FLT-007")]

    # -- what exists --------------------------------------------------------------------------

    @cached_property
    def names(self) -> Names:
        """The directory tree: of each directory what the last image that holds it says."""
        if len(self.images) == 1:
            return self.last.names
        table, self._directory_holders = self._merged()
        from darimage.image.evidence import OfChain

        return Names(table, self.faults.tell, OfChain(self))

    def exists(self, inodes: npt.ArrayLike) -> Mask:
        """Tell which inodes existed when the last image was made (DARI-INC-001)."""
        if self.last.front.exists is None:
            return np.ones(np.asarray(inodes).shape, np.bool_)
        return self.last.exists.holds(inodes)

    def left_out(self, inodes: npt.ArrayLike) -> Mask:
        """Tell which inodes are named somewhere but rightly not there."""
        return left_out(self.last, inodes) if len(self.images) == 1 else ~self.exists(inodes)

    def holders(self, inodes: npt.ArrayLike) -> Ints:
        """Return for each inode the number of the image that holds it last, else ``NOWHERE``."""
        numbers = np.asarray(inodes, np.int64)
        if len(self.images) == 1:
            return np.zeros(numbers.shape, np.int64)
        found = np.full(numbers.shape, NOWHERE, np.int64)
        for at, image in enumerate(self.images):
            found[_held(image, numbers)] = at
        return np.where(self.exists(numbers), found, NOWHERE)

    def of_directory(self, number: int) -> Image:
        """Return the image that a directory of ``names`` comes from."""
        if len(self.images) == 1:
            return self.last
        return self.images[self._of_directories[number]]

    def of_all(self, numbers: Sequence[int]) -> dict[int, Image]:
        """Return the image that each inode comes from; none that is in none."""
        if len(self.images) == 1:
            return dict.fromkeys(numbers, self.last)
        found = zip(numbers, self.holders(numbers).tolist(), strict=True)
        images = {number: self.images[at] for number, at in found if at != NOWHERE}
        directories = self._of_directories
        return images | {
            number: self.images[directories[number]] for number in numbers if number in directories
        }

    @cached_property
    def _of_directories(self) -> dict[int, int]:
        """For each directory of ``names`` the number of its image."""
        numbers = self.names.table.numbers.tolist()
        return dict(zip(numbers, self._directory_holders.tolist(), strict=True))

    @cached_property
    def streams(self) -> StreamTable:
        """Which inode has which streams: what the last image says that holds them."""
        if len(self.images) == 1:
            return self.last.streams
        latest = {
            one.number: one for image in self.images for one in image.streams.by_base.values()
        }
        there = self.exists(list(latest))
        kept = [one for one, exists in zip(latest.values(), there.tolist(), strict=True) if exists]
        return StreamTable(kept, self.faults.tell)

    def streams_of(self, number: int) -> list[tuple[bytes, int]]:
        """Return names and inode numbers of an inode's streams; what holds them is read then."""
        return list(self.streams.of(number))

    def _merged(self) -> tuple[DirectoryTable, Ints]:
        """Return one table of the latest version of each directory, and the image of each."""
        tables = [image.front.directories for image in self.images]
        numbers = np.concatenate([table.numbers for table in tables])
        holder = np.repeat(np.arange(len(tables)), [len(table.numbers) for table in tables])
        wanted = self.holders(numbers)
        rows = np.lexsort((holder, numbers))
        is_last = np.append(numbers[rows][1:] != numbers[rows][:-1], True)
        kept = np.zeros(len(numbers), np.bool_)
        kept[rows[is_last[: len(rows)]]] = True
        kept &= wanted != NOWHERE
        states = np.concatenate([table.states for table in tables])
        self._take_lost(numbers, holder, wanted, kept, states)
        older = self._older(numbers, holder, rows, kept & (states != State.WHOLE), states)
        return _joined(tables, kept, states, older), holder[kept]

    def _take_lost(
        self,
        numbers: Ints,
        holder: Ints,
        wanted: Ints,
        kept: Mask,
        states: npt.NDArray[np.uint8],
    ) -> None:
        """Leave out directories that became something else; mark those whose holder lost them."""
        for at in np.flatnonzero(kept & (wanted > holder)).tolist():
            image, number = self.images[int(wanted[at])], int(numbers[at])
            if image.offsets.get(number) is not None:
                kept[at] = False
                continue
            states[at] = State.LOST
            told = f"{image.name} does not have this directory, as its bitmap says it does"
            self.faults.tell(Fault("lost", told, None, number, None, "DARI-INC-002"))

    def _older(
        self,
        numbers: Ints,
        holder: Ints,
        rows: Ints,
        is_less: Mask,
        states: npt.NDArray[np.uint8],
    ) -> dict[int, int]:
        """Return for each directory that is not whole the row that has older names of it.

        Args:
            numbers: Of all rows.
            holder: The image of each.
            rows: All rows, ascending by number and image.
            is_less: Which rows are used and not whole.
            states: Of all rows; the older version itself stands for what was lost.
        """
        place = np.argsort(rows)
        found: dict[int, int] = {}
        for row in np.flatnonzero(is_less).tolist():
            before = int(rows[place[row] - 1]) if place[row] else row
            if states[row] == State.LOST:
                before = row
                states[row] = State.DAMAGED
            elif before == row or numbers[before] != numbers[row]:
                continue
            found[row] = before
            told = f"it is not whole: names of it in {self.images[int(holder[before])].name} are "
            told += "used, of what has no other name"
            self.faults.tell(
                Fault("older-names", told, None, int(numbers[row]), None, "DARI-INC-015")
            )
        return found


def _held(image: Image, numbers: Ints) -> Mask:
    """Tell which inodes an image holds, by bitmap II or, without one, by what is found."""
    if image.front.dumped is not None:
        return image.dumped.holds(numbers)
    found: Mask = image.offsets.of(numbers) >= 0
    return found | np.isin(numbers, image.front.directories.numbers)


def _joined(
    tables: list[DirectoryTable],
    kept: Mask,
    states: npt.NDArray[np.uint8],
    older: dict[int, int],
) -> DirectoryTable:
    """Return some rows of several tables as one.

    Args:
        tables: The tables; rows are counted over all of them.
        kept: Which rows.
        states: The state of each.
        older: For some rows the one whose pieces follow theirs as older names.
    """
    first = tables[0]
    rows_before = np.cumsum([0, *(len(table.numbers) for table in tables)])
    data_before = np.cumsum([0, *(len(table.data) for table in tables)])
    owner = np.concatenate(
        [t.piece_owner + before for t, before in zip(tables, rows_before[:-1], strict=True)]
    )
    start = np.concatenate(
        [t.piece_start + before for t, before in zip(tables, data_before[:-1], strict=True)]
    )
    length = np.concatenate([table.piece_length for table in tables])
    trust = np.concatenate([table.trust for table in tables])
    own = np.isin(owner, [row for row, before in older.items() if row == before])
    trust[own] = Trust.OLDER
    pieces = np.flatnonzero(kept[owner])
    owners = owner[pieces]
    for row, before in older.items():
        if row != before:
            more = np.flatnonzero(owner == before)
            pieces = np.append(pieces, more)
            owners = np.append(owners, np.full(len(more), row))
    in_order = np.argsort(owners, kind="stable")
    is_own = (owner[pieces] == owners)[in_order]
    pieces, owners = pieces[in_order], owners[in_order]
    moved = np.cumsum(kept) - 1
    return DirectoryTable(
        order=first.order,
        old_format=first.old_format,
        cut=first.cut,
        chunk=first.chunk,
        rows=np.concatenate([table.rows for table in tables])[kept],
        records=np.concatenate([table.records for table in tables])[kept],
        data=np.concatenate([table.data for table in tables]),
        piece_owner=moved[owners],
        piece_start=start[pieces],
        piece_length=length[pieces],
        piece_trust=np.where(is_own, trust[pieces], Trust.OLDER).astype(np.uint8),
        row_states=states[kept],
    )


def _check(images: list[Image]) -> None:
    """Refuse images that are not the links of one chain (DARI-INC-009)."""
    first = images[0].identity
    if first.base_date:
        told = f"level {first.level}, made after an image of {date_text(first.base_date)}"
        raise UsageError(f"{images[0].name}: {told}: a chain begins with a full image")
    for before, image in pairwise(images):
        _check_link(before, image)


def _check_link(before: Image, image: Image) -> None:
    one, two = before.identity, image.identity
    if one.level == two.level:
        told = f"both are of level {one.level}"
    elif before.is_dari != image.is_dari:
        told = "one is a DARI image, the other a plain dump"
    elif two.base_date != one.date:
        told = f"it was made after an image of {date_text(two.base_date)}, "
        told += f"{before.name} is of {date_text(one.date)}"
    elif _of_other_trees(before, image):
        told = f"it is of {display(two.filesys)} on {display(two.host)} and has another base"
    elif _forms(before) != _forms(image):
        told = "they differ in byte order or in the format of their directories"
    else:
        return
    raise UsageError(f"{image.name} does not follow {before.name}: {told} [DARI-INC-009]")


def _forms(image: Image) -> tuple[str, bool, int]:
    table = image.front.directories
    return table.order, table.old_format, table.chunk


def _of_other_trees(before: Image, image: Image) -> bool:
    """Tell whether two images are not of one backup set, by all that they say of it."""
    one, two = before.identity, image.identity
    named = base_of(image)
    if before.extension is not None and named is not None:
        return named != one.uuid
    return (one.filesys, one.host) != (two.filesys, two.host)


def base_of(image: Image) -> bytes | None:
    """Return the UUID of an image's base, zero for a full one; ``None`` if it does not tell."""
    part = image.front.dumped or image.front.exists
    if part is None or not has_extension(part.header):
        return None
    return base_uuid(part.header, image.order)


def date_text(seconds: int) -> str:
    """Return a date of an image for people."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} seconds since 1970"
