"""One run of a backup that the catalogue knows of: numbers before, the image after."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from darimage.catalog import changes, numbers
from darimage.catalog.numbers import Births, Tree
from darimage.catalog.seen import Column, Mask, Seen
from darimage.catalog.store import BackupSet, Catalogue, CataloguedImage
from darimage.errors import DarimageError, StorageError, UsageError
from darimage.faults import Fault
from darimage.image.chain import date_text
from darimage.image.numbering import ROOT, Numbering
from darimage.image.writer import Report
from darimage.sources.scan import Scan
from darimage.units import RECORD, S_IFMT

HIGHEST_LEVEL = 9

_TICK_NS = 20_000_000
"""Longest step of the clock that file systems take their times from."""


Unreadable = Callable[[Scan, Iterable[int]], Iterable[tuple[int, OSError]]]
"""Tells of files of a scan, by number, which cannot be opened, and why."""

_PATIENCE = 2.0
"""Seconds to wait for a date; what is farther off comes of a clock that was set back."""


def default_path() -> Path:
    """Return where the catalogue is if nothing else is said: in the user's state directory.

    Raises:
        UsageError: The user has none.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        state = os.path.expanduser("~/.local/state")
    if not os.path.isabs(state):
        raise UsageError("there is no home directory for the catalogue: say --catalog FILE")
    return Path(state) / "darimage" / "catalog.sqlite"


@contextmanager
def alone(path: Path, source: bytes, device: int) -> Iterator[None]:
    """Let no other run work on a backup set meanwhile; runs on other sets may.

    Raises:
        StorageError: One does, or the lock cannot be made.
    """
    beside = path.with_name(f"{path.name}-lock")
    place = hashlib.sha256(b"%d %s" % (device, source)).digest()[:7]
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
    except OSError as error:
        raise StorageError.of(error, os.fspath(beside)) from error
    with closing(file):
        try:
            # A byte for each set; the kernel lets go of it however the run ends.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int.from_bytes(place, "big"))
        except OSError as error:
            told = f"another run works on {os.fsdecode(source)} with this catalogue"
            raise StorageError(f"{path}: {told}") from error
        yield


@dataclass(frozen=True)
class Wish:
    """What image is to be made.

    Attributes:
        level: 0 to 9; ``None`` one more than the base's.
        since: The base is not later than this, seconds since 1970; ``None`` any will do.
        as_set: Path of the backup set to go on with, though the tree has another path or device
            number now; ``None`` that of the tree's own.
        look: Look at the base before anything builds on it.
    """

    level: int | None = 0
    since: int | None = None
    as_set: bytes | None = None
    look: bool = True


class Run:
    """One run; ``number`` is called with the scan, ``finish`` when the image is in place.

    Attributes:
        base: What the image is relative to; ``None`` if it is full.
    """

    def __init__(
        self, path: Path, source: bytes, device: int, wish: Wish, *, patient: bool = True
    ) -> None:
        """Choose the base.

        Args:
            path: The catalogue.
            source: Absolute path of the tree.
            device: ``st_dev`` of its root.
            wish: What image is to be made.
            patient: Wait for the second after the last image's, so that the date is a true one;
                else it is made later than it is (DARI-INC-007).

        Raises:
            UsageError: There is no base for it.
        """
        self._path = path
        self._key = (source, device)
        with Catalogue.open(path) as catalogue:
            self._known = known = self._find(catalogue, wish)
            images = catalogue.images(known.id) if known is not None else []
            self._moved = any(one.source == source and one != known for one in catalogue.sets())
        self._images = {image.id: image for image in images}
        self._before = images[-1].date if images else 0
        self._seen_ns = images[-1].scanned_ns if images else 0
        self.base = self._choose(images, wish)
        if self.base is not None and wish.look:
            look_at(self.base)
        self.level = wish.level if wish.level is not None else _above(self.base)
        pause = self._before + 1 - time.time()
        if patient and 0 < pause <= _PATIENCE:
            time.sleep(pause)
        self._began_ns = time.time_ns()

    def number(
        self, scan: Scan, births: Births | None = None, unreadable: Unreadable | None = None
    ) -> Numbering:
        """Return the numbers of a tree, and what the image holds of it.

        Args:
            scan: The tree.
            births: Tells when inodes were made, if the source can.
            unreadable: Tells which files cannot be opened, if the source can.
        """
        self._scanned_ns = time.time_ns()
        self._tree = tree = Tree(scan)
        with Catalogue.open(self._path) as catalogue:
            known = self._known or BackupSet(0, *self._key, highest=ROOT)
            before = self._here(catalogue.current(known.id))
            then = before
            if self.base is not None and self.base.date < self._before:
                then = self._here(catalogue.at(known.id, self.base.id))
        self._numbers = numbers.give(tree, before, known.highest, births, self._seen_ns)
        surely = tree.column("ctime_ns") < self._began_ns - _TICK_NS
        self._seen = numbers.seen(tree, self._numbers, surely)
        directories, others = np.split(self._numbers.rows, [tree.directories])
        made = Numbering(
            directories,
            others,
            self._numbers.stream_directories,
            not_before=self._before + 1,
        )
        if self.base is None:
            return made
        held = changes.held(self._tree, self._numbers, self._seen, then)
        out_of_reach = self._keep_unreadable(held, then, before, unreadable)
        return self._incremental(replace(made, out_of_reach=out_of_reach), self.base, held)

    def _keep_unreadable(
        self, held: Mask, then: Seen, before: Seen, unreadable: Unreadable | None
    ) -> Column:
        """Leave to the base what it has and cannot be read now (DARI-INC-016).

        Args:
            held: Which rows the image holds; it is changed.
            then: What the base has.
            before: What the last image has.
            unreadable: Tells which files cannot be opened, if the source can.

        Returns:
            The numbers of what was below directories that cannot be read.
        """
        tree, scan = self._tree, self._tree.scan
        keys = set(scan.unreadable)
        if unreadable is not None:
            files = held & (tree.column("mode") & S_IFMT == stat.S_IFREG) & ~tree.is_stream
            files &= then.find(self._numbers.rows)[1]
            numbers = (np.flatnonzero(files) - tree.directories).tolist()
            for number, error in unreadable(scan, numbers):
                if number not in keys:
                    keys.add(number)
                    told = str(error.strerror or error)
                    scan.faults.append(Fault("unreadable", told, scan.other_path(number)))
        rows = np.array([tree.row(key) for key in sorted(keys)], np.int64)
        rows = rows[(rows != 0) & then.find(self._numbers.rows[rows])[1]]
        changes.leave_out(tree, held, rows)
        kept = set(rows.tolist())
        _say_kept(scan, {key for key in keys if tree.row(key) in kept})
        directories = self._numbers.rows[rows[rows < tree.directories]]
        seen, had = self._seen.find(before.number)[1], then.find(before.number)[1]
        rest = before.pick(before.below(directories) & ~seen & had)
        self._seen = self._seen.joined(rest)
        return rest.number

    def _incremental(self, made: Numbering, base: CataloguedImage, held: Mask) -> Numbering:
        directories, others = np.split(held, [self._tree.directories])
        return Numbering(
            made.directories,
            made.others,
            made.stream_directories,
            directories,
            others,
            made.out_of_reach,
            level=self.level,
            base_date=base.date,
            base_uuid=base.uuid,
            not_before=made.not_before,
        )

    def _choose(self, images: list[CataloguedImage], wish: Wish) -> CataloguedImage | None:
        """Return the base of an image (DARI-INC-010)."""
        if wish.level == 0:
            if wish.since is not None:
                raise UsageError("an image of level 0 has no base: --since does not go with it")
            return None
        fit = [image for image in images if image.good]
        below = "of any level"
        if wish.level is not None:
            fit = [image for image in fit if image.level < wish.level]
            below = "of a lower level"
        if wish.since is not None:
            fit = [image for image in fit if image.date <= wish.since]
            below += f" not after {date_text(wish.since)}"
        if not fit:
            told = f"no good image {below} in the catalogue to be the base"
            if self._moved:
                told += " (it knows this path on another device: --as-set with this path goes on)"
            raise UsageError(f"{os.fsdecode(self._key[0])}: {told}; --level 0 makes a full one")
        return fit[-1]

    def _find(self, catalogue: Catalogue, wish: Wish) -> BackupSet | None:
        """Return the backup set that the image belongs to."""
        own = catalogue.find(*self._key)
        if wish.as_set is None or (own is not None and own.source == wish.as_set):
            return own
        if own is not None:
            told = "is a backup set of its own in the catalogue (`catalog forget` forgets it)"
            raise UsageError(f"{os.fsdecode(self._key[0])}: {told}")
        sets = [one for one in catalogue.sets() if one.source == wish.as_set]
        if not sets:
            raise UsageError(f"{os.fsdecode(wish.as_set)}: no backup set of it in {catalogue.name}")
        dates = {
            one.id: max((image.date for image in catalogue.images(one.id)), default=0)
            for one in sets
        }
        return max(sets, key=lambda one: dates[one.id])

    def _here(self, seen: Seen) -> Seen:
        """Return what was seen with the device number that the tree has now."""
        if self._known is None or self._known.device == self._key[1]:
            return seen
        same = seen.device == self._known.device
        return replace(seen, device=np.where(same, self._key[1], seen.device))

    def builds_on(self, name: bytes) -> bool:
        """Tell whether the image needs one of a name to be restored."""
        here = self.base
        while here is not None:
            if here.name == name:
                return True
            here = None if here.base is None else self._images[here.base]
        return False

    def finish(self, report: Report, name: bytes) -> None:
        """Enter the image, which must be in place, with all that was there.

        Args:
            report: What came of making it.
            name: Where it is.
        """
        image = CataloguedImage(
            id=0,
            date=report.date,
            level=report.level,
            name=name,
            uuid=uuid.UUID(report.uuid).bytes,
            good=not report.mismatches,
            base=None if self.base is None else self.base.id,
            held=report.directories + report.others,
            scanned_ns=self._scanned_ns,
            bytes=report.records * RECORD,
        )
        seen = self._doubting(report.faults)
        with Catalogue.open(self._path) as catalogue, catalogue.transaction():
            catalogue.forget_name(name)
            known = self._known or catalogue.add_set(*self._key)
            if (known.source, known.device) != self._key:
                catalogue.move_set(known.id, *self._key)
            catalogue.add_image(known.id, image, seen)

    def _doubting(self, faults: Iterable[Fault]) -> Seen:
        """Return what was seen; what had a fault is not surely in the image."""
        paths = {fault.path for fault in faults if fault.path is not None}
        rows = np.array(_rows_of(self._tree, paths), np.int64)
        at, _ = self._seen.find(self._numbers.rows[rows])
        sure = self._seen.sure.copy()
        sure[at] = 0
        return replace(self._seen, sure=sure)


def look_at(base: CataloguedImage) -> None:
    """Make sure that an image is there and is what the catalogue knows.

    Raises:
        UsageError: It is gone, or is another.
        StorageError: It is there and cannot be read.
    """
    name = os.fsdecode(base.name)
    if name == "-":
        return
    from darimage.image.reader import Image

    why = ""
    kind: type[DarimageError] = UsageError
    try:
        with Image.open(name, trust_map=True) as image:
            if image.identity.uuid != base.uuid:
                why = "is another image now"
            elif (there := image.marks.cut.total(image.records) * RECORD) < base.bytes:
                why = f"has only {there} of its {base.bytes} bytes"
    except DarimageError as error:
        why = f"cannot be read: {error}"
        if isinstance(error, StorageError) and os.path.exists(name):
            kind = StorageError
    if why:
        told = f"the base of {date_text(base.date)} {why}"
        raise kind(f"{name}: {told}; --level 0 makes a full one, --base-unseen trusts it")


def dependents(catalogue: Catalogue, name: bytes) -> list[CataloguedImage]:
    """Return the images that build on one of a name, as the catalogue has them."""
    found = []
    for known in catalogue.sets():
        images = catalogue.images(known.id)
        there = {image.id for image in images if image.name == name}
        found += [image for image in images if image.base in there]
    return found


def _say_kept(scan: Scan, kept: set[int]) -> None:
    """Say of what cannot be read that the base's state of it counts."""
    paths = {scan.key_path(key) for key in kept}
    for at, fault in enumerate(scan.faults):
        if fault.kind == "unreadable" and fault.path in paths:
            told = f"{fault.message}; as it was in the image before, it stays in the chain"
            scan.faults[at] = fault._replace(message=told)


def _rows_of(tree: Tree, paths: set[bytes]) -> list[int]:
    """Return the rows of paths, as far as the tree has them."""
    if not paths:
        return []
    scan = tree.scan
    found = [0] if b"" in paths else []
    found += [
        tree.directories + number for number in scan.stream_of if scan.other_path(number) in paths
    ]
    last_names = {path.rpartition(b"/")[2] for path in paths}
    for entry, name in enumerate(scan.names):
        if name in last_names and scan.path_in(int(tree.owner[entry]), name) in paths:
            found.append(int(tree.target[entry]))
    return found


def _above(base: CataloguedImage | None) -> int:
    level = 0 if base is None else base.level + 1
    if level > HIGHEST_LEVEL:
        told = f"the base is of level {HIGHEST_LEVEL}; a lower one has to be named with --level"
        raise UsageError(f"{told} [DARI-INC-010]")
    return level
