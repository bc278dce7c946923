"""Adapter of darimage itself."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "common"))

import protocol

from darimage._version import __version__
from darimage.catalog.rebuild import rebuild
from darimage.catalog.run import Run, Wish
from darimage.catalog.store import Catalogue
from darimage.conformance.fault_table import FAULT, LOSS
from darimage.conformance.severity import examined, severity_of
from darimage.conformance.testee import FIELDS
from darimage.errors import DarimageError, StorageError
from darimage.image.chain import Chain
from darimage.image.writer import Options as Settings
from darimage.image.writer import create
from darimage.restore.run import Options as Restoring
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.sources.posix import PosixSource
from darimage.units import RECORD
from darimage.validate.run import Options, validate
from darimage.volumes.file_set import FileSet
from darimage.volumes.writing import FileSink


def decode(image: bytes) -> Any:
    """Return what an image holds; what is wrong with it is what reading and verifying it meet."""
    with _refusing():
        found, faults, is_faulty = examined(os.fsdecode(image))
    if is_faulty:
        raise protocol.WithFaults(faults[0].text() if faults else "not all is whole", found)
    return found


def judge(image: bytes, level: bytes = b"MUST") -> None:
    """Refuse an image that does not conform."""
    report = validate([os.fsdecode(image)], Options(strict=level == b"SHOULD"))
    (found,) = report.images
    if found.own_fault:
        raise RuntimeError(found.own_fault)
    if not report.conforms(found):
        raise protocol.Rejected(", ".join(found.broken_ids()))


def bring_back(image: bytes, selection: bytes, destination: bytes, *bases: bytes) -> None:
    """Restore."""
    with _refusing(), Chain.open([os.fsdecode(one) for one in (*bases, image)]) as chain:
        chosen = select(chain.names, [selection] if selection else [])
        # The directory is there already, and is to be as that of the image.
        report = restore(chain, destination, chosen, Restoring(overwrite_directories=True))
        faults = [*report.faults, *chain.all_faults()]
    if any(severity_of(fault) in (FAULT, LOSS) for fault in faults):
        raise protocol.WithFaults(faults[0].text())


def encode(tree: bytes, image: bytes, records: bytes = b"0", *bases: bytes) -> None:
    """Make an image, on volumes of so many records each, and of what changed since its bases.

    All that is known of the bases is taken from them.
    """
    source, capacity = os.path.abspath(tree), int(records)
    name = os.fsdecode(image)
    with _refusing(), tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "catalogue"
        if bases:
            with Catalogue.open(catalogue) as opened:
                rebuild(opened, [os.fsdecode(base) for base in bases], source=source)
        run = Run(catalogue, source, os.stat(source).st_dev, Wish(len(bases)))
        found = PosixSource(os.fsdecode(source))
        sink = FileSet(name, capacity * RECORD) if capacity else FileSink(name)
        found.begin()
        number = partial(run.number, births=found.births)
        create(found, sink, Settings(volume_records=capacity), number=number)


class _refusing:  # noqa: N801 - reads as a word
    """Turns an error of darimage into a refusal; one of the machine stays what it is."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _at: object) -> None:
        if isinstance(error, DarimageError) and not isinstance(error, StorageError):
            raise protocol.Rejected(str(error)) from error


ABOUT = {
    "implementation": {
        "name": "darimage",
        "version": __version__,
        "language": "Python",
    },
    "fields": [*FIELDS, "sddl"],
}

if __name__ == "__main__":
    tasks = {"decode": decode, "validate": judge, "restore": bring_back, "encode": encode}
    protocol.main(ABOUT, tasks)
