"""Restoring, phase by phase (chapter 90): directories, empty files, contents, links, attributes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darimage.distinct import distinct
from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image.chain import Chain
from darimage.image.inode import Inode
from darimage.image.state import State
from darimage.progress import BYTES, SILENT, Progress
from darimage.restore import inode_flags
from darimage.restore.attributes import Rights
from darimage.restore.contents import Filled, Filler
from darimage.restore.drives import drives_of
from darimage.restore.extended import NOTHING, Missed, Values, may_lack_acl, of_directories
from darimage.restore.making import Made, Maker
from darimage.restore.nt_acls import Refusals, giver
from darimage.restore.options import Options
from darimage.restore.plan import REGULAR, Plan, make_plan
from darimage.restore.report import Outcome, RestoreReport, Result
from darimage.restore.sharing import Advance, Piece, cut, share
from darimage.restore.target import PRIVATE_DIRECTORY, SkippedError, Target, TargetError

if TYPE_CHECKING:
    from darimage.image.names import Names
    from darimage.image.reader import Image
    from darimage.restore.selection import Selection

Rows = npt.NDArray[np.int64]

FORKED_FROM = 2_000
"""Files from which on several processes pay."""

FILES_PER_PIECE = 512
"""Empty files a process makes before it looks for more to do."""

BYTES_PER_PIECE = 16 << 20
"""Weight of what a process fills before it looks for more to do."""

BYTES_PER_FILE = 16 << 10
"""Bytes that take as long to write as a file takes to open."""

_DIRECTORIES_AT_ONCE = 4096


def restore(
    tree: Image | Chain,
    destination: str | bytes | os.PathLike[str],
    selection: Selection,
    options: Options | None = None,
    progress: Progress = SILENT,
) -> RestoreReport:
    """Bring back what was selected, each thing at its place below the destination (DARI-RST-001).

    Until it is whole a file has mode 0600 and the time of the run; one that stays incomplete is
    left so and reported (DARI-FIL-015).

    Args:
        tree: The image, or several as one.
        destination: A directory; it is made if it is not there.
        selection: What to bring back.
        options: How.
        progress: Told of each phase.

    Raises:
        FormatError: The image cannot be read at all.
        StorageError: The destination cannot be written, or takes nothing more.
    """
    options = options or Options()
    chain = Chain.of(tree)
    plan = make_plan(chain, selection, parents=options.parents)
    report = RestoreReport.of(chain, os.fsdecode(destination))
    with Target.at(
        destination,
        plan.places.__getitem__,
        root_number=plan.root,
        mode=PRIVATE_DIRECTORY if plan.root in plan.restored[:1] else 0o777,
        existing=options.existing,
        follow=options.follow,
    ) as target:
        _Run(chain, plan, target, report, options, progress).all()
    report.bytes_read = sum(image.volume.bytes_read for image in chain.images)
    report.image_faults = list(chain.all_faults())
    return report


class _Run:
    """One run; its methods are the phases and parts of them."""

    def __init__(
        self,
        chain: Chain,
        plan: Plan,
        target: Target,
        report: RestoreReport,
        options: Options,
        progress: Progress,
    ) -> None:
        self.chain = chain
        self.plan = plan
        self.target = target
        self.report = report
        self.progress = progress
        nt_acls = giver(chain, options.acls, target.directory(plan.root))
        self.rights = Rights.of_this_process(
            owners=options.owners, xattrs=options.xattrs, nt_acls=nt_acls
        )
        self.refusals = Refusals()
        self.missed = Missed()
        self.streams = options.streams
        self.options = options
        self.flags: dict[tuple[int, bytes], tuple[int, int]] = {}
        self.kept: set[int] = set()
        self.drives = drives_of(chain.images, options.drive)
        forked = len(plan.files) >= FORKED_FROM and not self.drives
        self.workers = options.workers if forked else 1
        self.blocked: set[int] = set()
        self.lost: set[int] = set()
        self.occupied: set[int] = set()
        self.marked: dict[int, State] = {}
        self.acl_lost: set[int] = set()
        self.there: set[int] = set() if target.is_new else {plan.root}
        self.note(plan.faults)
        self.report.add(plan.outcomes)

    def note(self, faults: Sequence[Fault], image: Image | None = None) -> None:
        """Report faults; those of an image with the volumes they lie on."""
        self.report.note([image.located(fault) for fault in faults] if image else faults)

    def all(self) -> None:
        """Go through the phases in their order (DARI-RST-001)."""
        self.make_directories()
        self.fill_files(self.make_files())
        self.make_links()
        self.give_streams()
        self.give_attributes()
        self.give_flags()
        self.tell_refusals()
        missed = self.missed.faults(lambda inode: self.chain.names.path(inode) or b".")
        self.report.note([fault for fault in missed if not fault.is_note])
        self.report.notes += [fault for fault in missed if fault.is_note]

    @contextmanager
    def phase(self, what: str, total: int, unit: str = BYTES) -> Iterator[Advance]:
        """Tell of the start and end of a phase."""
        self.progress.start(what, total, unit)
        yield self.progress.advance
        self.progress.finish()

    def maker(self, image: Image | None = None) -> Maker:
        """Return a maker that has made nothing yet; what it reads is in ``image``."""
        return Maker(image or self.chain.last, self.plan, self.target, self.rights)

    def by_image(self, rows: Rows) -> Iterator[tuple[Image, Rows]]:
        """Yield the images that some rows come from, and the rows of each."""
        holders = self.plan.files.holders[rows]
        for at in distinct(holders).tolist():
            yield self.chain.images[at], rows[holders == at]

    def make_nodes(self, rows: Rows, advance: Advance) -> list[int]:
        """Make what has no contents; return the rows that are regular files after all."""
        regular: list[int] = []
        for image, some in self.by_image(rows):
            maker = self.maker(image)
            maker.nodes(some.tolist(), advance)
            self.count(maker.made, image)
            regular += maker.made.regular
        return regular

    def count(self, made: Made, image: Image | None = None) -> None:
        """Add what was made to the report."""
        self.report.directories += made.directories
        self.report.symlinks += made.symlinks
        self.report.others += made.others
        self.note(made.faults, image)
        self.missed.merge(made.missed)
        self.report.add(made.outcomes)
        self.occupied.update(made.occupied)
        self.there |= made.there
        self.blocked |= made.blocked
        self.lost.update(made.lost)
        self.keep(made.kept)

    def make_directories(self) -> None:
        """Make the destination's directories."""
        maker = self.maker()
        with self.phase("directories", len(self.plan.places), "directories") as advance:
            maker.directories(advance)
        self.count(maker.made)
        self.rights = replace(self.rights, inherited=self.target.inherited)

    def make_files(self) -> Rows:
        """Make all files, empty; return the rows of those that have contents to come."""
        rows = self.within_reach()
        regular: list[Rows] = []
        with self.phase("files", len(rows), "files"):
            while len(rows):
                regular.append(self.make_rows(rows))
                rows = self.other_names()
        found = np.concatenate(regular) if regular else np.zeros(0, np.int64)
        gone = list(self.lost | self.kept)
        return distinct(found[~np.isin(found, gone)])

    def within_reach(self) -> Rows:
        """Return the rows whose directory is there; for others a further name may do."""
        rows = np.arange(len(self.plan.files))
        if not self.blocked:
            return rows
        parents = np.array(self.plan.files.parents, np.int64)
        shut = np.isin(parents, np.array(sorted(self.blocked), np.int64))
        links = [link for link in self.plan.links if link.parent not in self.blocked]
        self.report.skipped += int(shut.sum()) + len(self.plan.links) - len(links)
        self.plan.links = links
        self.lost.update(rows[shut].tolist())
        return np.concatenate((rows[~shut], self.other_names()))

    def make_rows(self, rows: Rows) -> Rows:
        """Make some files; return the rows of the regular ones."""
        rows = np.sort(rows)
        plain = self.plan.files.types[rows] == REGULAR
        pieces = cut(rows[plain], np.ones(int(plain.sum()), np.int64), FILES_PER_PIECE)
        for made in share(pieces, self.workers, self.empty_files, self.progress):
            self.count(made)
        if self.drives:
            # What they are is read with the contents of the files around them.
            return rows
        regular = self.make_nodes(rows[~plain], self.progress.advance)
        return np.concatenate((rows[plain], np.array(regular, np.int64)))

    def empty_files(self, pieces: Iterable[Piece], advance: Advance) -> Made:
        """Make empty files, in this process or one of several."""
        maker = self.maker()
        maker.empty_files(pieces, advance)
        return maker.made

    def other_names(self) -> Rows:
        """Let files that could not be made be made by another of their names."""
        promoted: dict[int, None] = {}
        links = []
        for link in self.plan.links if self.lost else ():
            if link.row in self.lost and link.row not in promoted:
                self.plan.files.parents[link.row] = link.parent
                self.plan.files.names[link.row] = link.name
                promoted[link.row] = None
            else:
                links.append(link)
        if promoted:
            self.plan.links = links
            self.lost.difference_update(promoted)
        return np.array(list(promoted), np.int64)

    def fill_files(self, rows: Rows) -> None:
        """Give files their contents and attributes, in the order of their offsets."""
        misfits: list[int] = []
        sizes = self.plan.files.ends[rows] - self.plan.files.offsets[rows]
        with self.phase("contents", int(sizes.sum())):
            for image, some in self.by_image(rows):
                misfits += self.fill_from(image, some)
        self.make_over(np.array(sorted(misfits), np.int64))

    def fill_from(self, image: Image, rows: Rows) -> list[int]:
        """Fill files that come from one image; return the rows that are no regular files."""
        files, volume = self.plan.files, image.volume
        weights = files.ends[rows] - files.offsets[rows] + BYTES_PER_FILE
        before = volume.bytes_read
        # Processes that are forked now would each count again what was refused so far.
        self.refusals.add(self.rights.refusals())
        work = partial(self.filled, image)
        if self.drives:
            from darimage.restore import by_plan

            plan = by_plan.plan_of(image, files, rows, self.drives[image])
            with by_plan.reading(image, plan):
                done = [work(plan.groups(), self.progress.advance)]
        else:
            pieces = cut(rows, weights, BYTES_PER_PIECE)
            done = share(pieces, self.workers, work, self.progress)
            # What other processes read does not show in this one's count.
            volume.bytes_read = before + sum(filled.bytes_read for filled in done)
        misfits: list[int] = []
        for filled in done:
            self.report.files += filled.files
            self.report.bytes_written += filled.bytes_written
            self.note(filled.faults, image)
            self.missed.merge(filled.missed)
            self.report.add(filled.outcomes)
            self.lost.update(filled.lost)
            self.keep(filled.kept)
            for row, flags in filled.flags.items():
                self.flags[files.place(row)] = int(files.inodes[row]), flags
            self.marked.update(filled.marked)
            self.refusals.add(filled.refusals)
            misfits += filled.misfits
            if filled.made is not None:
                self.count(filled.made, image)
        return misfits

    def filled(self, image: Image, pieces: Iterable[Piece], advance: Advance) -> Filled:
        """Fill files, in this process or one of several."""
        maker = self.maker(image) if self.drives else None
        filler = Filler(
            image,
            self.plan,
            self.target,
            self.rights,
            advance,
            maker,
            self.occupied,
            partial=self.options.partial,
        )
        for piece in pieces:
            filler.fill(piece)
        return filler.filled

    def make_over(self, rows: Rows) -> None:
        """Replace empty files by what the image has: not what its directories said."""
        for row in rows.tolist():
            path = self.plan.path(*self.plan.files.place(row))
            number = int(self.plan.files.inodes[row])
            told = "its directory says that it is a regular file, its inode does not"
            self.note([Fault("format", told, path, number, None, "DARI-DIR-012")])
            if row in self.occupied:
                continue
            try:
                self.target.remove(*self.plan.files.place(row))
            except TargetError as error:
                self.note([Fault(error.kind, str(error), path, number)])
        self.make_nodes(rows, SILENT.advance)

    def make_links(self) -> None:
        """Make the further names of files."""
        files = self.plan.files
        with self.phase("links", len(self.plan.links), "names") as advance:
            for link in self.plan.links:
                advance(1)
                path = self.plan.path(link.parent, link.name)
                inode = int(files.inodes[link.row])
                if link.row in self.lost:
                    told = "the file it is a further name of is not there"
                    self.note([Fault("lost", told, path, inode)])
                    continue
                try:
                    self.target.make_link(
                        link.parent,
                        link.name,
                        files.place(link.row),
                        may_replace=self.may_replace(link.row),
                    )
                    self.report.links += 1
                    if link.row in self.marked:
                        self.tell_marked(path, inode, self.marked[link.row])
                except SkippedError:
                    self.report.kept += 1
                except TargetError as error:
                    if link.row in self.kept and error.kind == "kept":
                        self.report.kept += 1
                        continue
                    self.note([Fault(error.kind, str(error), path, inode)])
                except FormatError as error:
                    self.note([Fault.of(error, path=path, inode=inode)])

    def may_replace(self, row: int) -> bool:
        """Tell whether further names of a file may take the place of others."""
        return row not in self.kept and (self.options.partial or row not in self.marked)

    def keep(self, rows: Sequence[int]) -> None:
        """Note what was there already and stays."""
        self.kept.update(rows)
        self.report.kept += len(rows)

    def tell_marked(self, path: bytes, inode: int, state: State) -> None:
        """Report a further name of a file that is not whole."""
        told = f"this is a further name of a file that is {state.word}"
        self.note([Fault(state.word, told, path, inode, None, "DARI-RST-006")])
        self.report.add([Outcome(path, inode, state, "marked")])

    def give_streams(self) -> None:
        """Bring back the streams of what is back (DARI-STR-019)."""
        if self.streams.form == "none" or not self.chain.streams.by_base:
            return
        from darimage.restore.streams import StreamRestorer

        restorer = StreamRestorer(self.chain, self.plan, self.target, self.rights, self.streams)
        bases = restorer.bases(self.lost, self.blocked)
        if not bases:
            return
        total = sum(len(self.chain.streams.of(base)) for base in bases)
        with self.phase("streams", total, "streams") as advance:
            restorer.restore(bases, advance)
        self.report.streams = restorer.streams
        self.report.note(restorer.faults)

    def give_attributes(self) -> None:
        """Give directories their attributes, those within others first (DARI-RST-002)."""
        self.tell_directories()
        not_whole = self.blocked | self.plan.states.keys()
        if not self.options.overwrite_directories:
            not_whole |= self.there
        numbers = [n for n in reversed(self.plan.restored) if n not in not_whole]
        with self.phase("attributes", len(numbers), "directories") as advance:
            for at in range(0, len(numbers), _DIRECTORIES_AT_ONCE):
                some = numbers[at : at + _DIRECTORIES_AT_ONCE]
                inodes = _inodes(self.chain.names, some)
                values: dict[int, Values] = {}
                if self.rights.xattrs:
                    values = of_directories(self.chain, inodes.values(), self.damaged)
                for number in some:
                    self.give_directory(number, inodes[number], values.get(number, NOTHING))
                advance(len(some))

    def tell_directories(self) -> None:
        """Report directories that are not whole: those made now stay private (DARI-RST-006)."""
        for number, state in self.plan.states.items():
            if number in self.blocked:
                continue
            path = self.plan.path(number, b"") or b"."
            result: Result = "left out" if number in self.there else "marked"
            told = f"this directory is {state.word}; " + (
                "the one that was there keeps its attributes"
                if result == "left out"
                else "it has mode 0700 and no attributes"
            )
            fault = Fault(state.word, told, path, number, None, "DARI-RST-006")
            self.note([fault])
            self.report.add([Outcome.of(fault, state, result)])

    def damaged(self, fault: Fault) -> None:
        """Report damaged attributes of a directory."""
        path = self.plan.path(fault.inode or 0, b"") or b"."
        if may_lack_acl([fault]):
            self.acl_lost.add(fault.inode or 0)
        self.report.note([fault._replace(path=path)])

    def give_directory(self, number: int, inode: Inode, values: Values) -> None:
        """Give one directory its attributes."""
        kind, trouble = "attributes", ""
        try:
            if flags := inode_flags.settable(inode.di_flags):
                place = self.plan.places.get(number, (number, b"."))
                self.flags[place] = number, flags
            fd = self.target.directory(number)
            lacks = number in self.acl_lost
            trouble = self.rights.give(fd, os.fstat(fd), inode, self.missed, values, acl_lost=lacks)
        except TargetError as error:
            kind, trouble = error.kind, str(error)
        if trouble:
            path = self.plan.path(number, b"") or b"."
            self.note([Fault(kind, trouble, path, number)])

    def give_flags(self) -> None:
        """Give inode flags, when nothing more is written: some forbid it (DARI-FIL-016)."""
        if not self.options.flags:
            return
        for place, (number, flags) in self.flags.items():
            try:
                fd = self.target.open_for_flags(*place)
                try:
                    inode_flags.give(fd, flags)
                finally:
                    os.close(fd)
            except OSError as error:
                told = f"inode flags not set: {error.strerror} (--no-flags says that is meant)"
                self.missed.drop("flags", told, number)
            except TargetError as error:
                self.missed.drop("flags", str(error), number)

    def tell_refusals(self) -> None:
        """Report the NT ACLs that were not given back."""
        self.refusals.add(self.rights.refusals())
        for fault in self.refusals.faults():
            rows = np.flatnonzero(self.plan.files.inodes == fault.inode).tolist()
            place = self.plan.files.place(rows[0]) if rows else (fault.inode or 0, b"")
            self.report.note([fault._replace(path=self.plan.path(*place) or b".")])


def _inodes(names: Names, numbers: list[int]) -> dict[int, Inode]:
    """Return the inodes of directories."""
    table = names.table
    order = np.argsort(table.numbers, kind="stable")
    rows = order[np.searchsorted(table.numbers, np.array(numbers, np.int64), sorter=order)]
    return dict(zip(numbers, table.inodes_of(rows), strict=True))
