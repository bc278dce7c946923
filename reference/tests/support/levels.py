"""Backups of one real tree at several levels, with a catalogue of their own."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from darimage.catalog.run import Run, Wish, alone
from darimage.catalog.store import Catalogue
from darimage.image.chain import Chain
from darimage.image.writer import Options, create
from darimage.restore.run import Options as Restore
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.sources.posix import PosixSource
from darimage.units import RECORD
from darimage.volumes.file_set import FileSet
from darimage.volumes.writing import FileSink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from darimage.image.writer import Report


class Levels:
    """Images of a tree, made one after another.

    Attributes:
        source: The tree.
        catalogue: The catalogue.
        images: The images, oldest first.
    """

    def __init__(self, source: Path, folder: Path, *, patient: bool = False) -> None:
        self.source = source
        self.catalogue = folder / "catalog.sqlite"
        self.images: list[Path] = []
        self._folder = folder
        self._patient = patient
        self._key = (os.fsencode(source), source.stat().st_dev)

    def make(self, level: int | None, since: int | None = None, **options: object) -> Report:
        """Make an image of a level, on volumes if ``volume_records`` is one of the options.

        Returns:
            Its report.
        """
        path = self._folder / f"{len(self.images)}.dari"
        capacity = options.get("volume_records", 0) * RECORD
        with alone(self.catalogue, *self._key):
            wish = Wish(level, since)
            run = Run(self.catalogue, *self._key, wish, patient=self._patient)
            source = PosixSource(self.source, keep_unreadable=run.base is not None)
            number = partial(run.number, births=source.births, unreadable=source.unreadable)
            sink = FileSet(path, capacity) if capacity else FileSink(path)
            report = create(source, sink, Options(**options), number=number)
            run.finish(report, os.fsencode(path))
        self.images.append(path)
        return report

    def chain(self, image: Path | None = None) -> list[Path]:
        """Return the images that lead to one, by default the last, as the catalogue has them."""
        wanted = os.fsencode(image or self.images[-1])
        with self.catalog() as catalogue:
            known = catalogue.images(catalogue.sets()[0].id)
        by_id = {one.id: one for one in known}
        here = next(one for one in known if one.name == wanted)
        found = [here]
        while found[0].base is not None:
            found.insert(0, by_id[found[0].base])
        return [Path(os.fsdecode(one.name)) for one in found]

    @contextlib.contextmanager
    def catalog(self) -> Iterator[Catalogue]:
        """Open the catalogue."""
        with Catalogue.open(self.catalogue, make=False) as catalogue:
            yield catalogue


def bring(images: list[Path], out: Path, patterns: tuple[bytes, ...] = ()) -> None:
    """Restore a chain; nothing may be wrong."""
    with Chain.open([str(image) for image in images]) as chain:
        report = restore(chain, out, select(chain.names, patterns), Restore())
    assert [fault.text() for fault in [*report.faults, *report.image_faults]] == []
    assert report.access == "direct"
