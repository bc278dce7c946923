"""Makes an image: the phases in the order that the specification's chapters name them."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from darimage import parallel
from darimage.errors import UsageError
from darimage.faults import Fault
from darimage.image import estimate, headers
from darimage.image.files import FileWriter, Outcome, Point
from darimage.image.inventory import Inventory
from darimage.image.layout import Layout, header_counts, plan
from darimage.image.numbering import Numbering, fresh
from darimage.image.reproducible import settle
from darimage.progress import SILENT, Progress
from darimage.schema import Compat, CType, Section
from darimage.sections import bitmap, nt_acls
from darimage.sections.crc import crc32c
from darimage.sections.header import Identity, image_id
from darimage.sections.offset_map import OffsetMap
from darimage.showing import as_text
from darimage.sources.scan import Scan, Source
from darimage.units import ADDRESSES, RECORD
from darimage.volumes.cut import Cut
from darimage.volumes.cutting import CutSink
from darimage.volumes.writing import Sink

_DIRECTORY_BATCH = 64
_NTREC_MAX = 1024


@dataclass(frozen=True)
class Options:
    """How an image is made.

    Attributes:
        label: Label of the dump.
        ntrec: Blocking factor, records a tape block (DARI-REC-014).
        acls: Whether the image has NT ACL sections (DARI-ACL-004).
        workers: Processes that read files; a stream is always written by one.
        reproducible: Nothing comes from the clock: the same tree gives the same bytes.
        volume_records: Records of a volume, a multiple of ``ntrec``; 0 does not cut the image.
        identity: Date (seconds since 1970) and UUID (16 bytes) of the image; by default they come
            from the clock and from chance, or from the tree.
    """

    label: bytes = b"none"
    ntrec: int = 10
    acls: bool = True
    workers: int = 1
    reproducible: bool = False
    volume_records: int = 0
    identity: tuple[int, bytes] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.ntrec <= _NTREC_MAX:
            raise UsageError(f"a tape block has 1 to {_NTREC_MAX} records, not {self.ntrec}")
        if self.volume_records < 0 or self.volume_records % self.ntrec or self.volume_records == 1:
            told = f"a volume of {self.volume_records} records is not one of whole tape blocks"
            raise UsageError(f"{told} of {self.ntrec}, or holds nothing")


@dataclass(frozen=True)
class Report:
    """What came of making an image.

    Attributes:
        image: Name of the image.
        uuid: Its identity.
        date: Seconds since 1970.
        level: 0 to 9.
        base_date: Date of the image it is relative to; 0 if it is full.
        base: Identity of that image; ``None`` if it is full.
        records: Records of the image.
        directories: Directories in it.
        others: Inodes that are not directories.
        acl_start: Byte offset of the trailing NT ACLs, 0 if there are none.
        records_per_volume: Capacity of a volume; 0 if the image is not cut.
        volumes: How many volumes it takes.
        mismatches: Inodes not found where the offset map says; the verdict is good if 0.
        substituted: Inodes with data that could not be read.
        faults: What went wrong with single files.
        skipped: Paths left out on purpose.
        warnings: What was known before it was written: what it costs, and what old readers may make
            of it, a line each.
    """

    image: str
    uuid: str
    date: int
    records: int
    directories: int
    others: int
    acl_start: int
    mismatches: int
    substituted: int
    level: int = 0
    base_date: int = 0
    base: str | None = None
    faults: list[Fault] = field(default_factory=list)
    skipped: list[bytes] = field(default_factory=list)
    records_per_volume: int = 0
    volumes: int = 1
    warnings: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the image holds all that was there, where it should be."""
        return not self.faults and not self.mismatches

    def as_json(self) -> dict[str, Any]:
        """Return the report as a dictionary for JSON."""
        return {
            "image": self.image,
            "uuid": self.uuid,
            "date": self.date,
            "level": self.level,
            "base_date": self.base_date,
            "base": self.base,
            "records": self.records,
            "bytes": self.records * RECORD,
            "inodes": self.directories + self.others,
            "directories": self.directories,
            "files": self.others,
            "acl_start": self.acl_start,
            "records_per_volume": self.records_per_volume,
            "volumes": self.volumes,
            "verdict": "bad" if self.mismatches else "good",
            "mismatches": self.mismatches,
            "substituted": self.substituted,
            "faults": [fault.as_json() for fault in self.faults],
            "skipped": [as_text(path) for path in self.skipped],
            "warnings": self.warnings,
        }


def create(
    source: Source,
    sink: Sink,
    options: Options | None = None,
    progress: Progress = SILENT,
    number: Callable[[Scan], Numbering] = fresh,
    warn: Callable[[str], None] = lambda _: None,
) -> Report:
    """Make an image of a source; the sink is finished, or aborted if an error is raised.

    Args:
        source: The tree.
        sink: Where the image goes.
        options: How it is made.
        progress: Told of each phase.
        number: Gives what was scanned its numbers and says what the image holds.
        warn: Told the report's warnings, before anything is written.

    Raises:
        StorageError: The source's root cannot be read, or the image not be written.
    """
    try:
        report = _Writer(source, sink, options or Options(), progress).run(number, warn)
        sink.finish()
    except BaseException:
        sink.abort()
        raise
    return report


class _Writer:
    """One run of the phases."""

    def __init__(self, source: Source, sink: Sink, options: Options, progress: Progress) -> None:
        self.source = source
        self.sink = sink
        self.options = options
        self.progress = progress
        self.identity = Identity(
            uuid=uuid.uuid4().bytes,
            date=int(time.time()),
            label=options.label,
            filesys=source.filesys,
            device=source.device,
            host=os.uname().nodename.encode(),
            ntrec=options.ntrec,
        )

    def run(self, number: Callable[[Scan], Numbering], warn: Callable[[str], None]) -> Report:
        scan = self.source.scan(self.progress)
        numbering = number(scan)
        self.identity = replace(
            self.identity,
            level=numbering.level,
            date=max(self.identity.date, numbering.not_before),
            base_date=numbering.base_date,
            base_uuid=numbering.base_uuid,
        )
        self.inventory = Inventory(scan, numbering)
        if self.options.reproducible:
            self.identity = settle(self.inventory, self.identity)
        if self.options.identity is not None:
            date, identity = self.options.identity
            self.identity = replace(self.identity, date=date, uuid=identity)
        acls = nt_acls.encode(self.inventory.nt_acls) if self.options.acls else None
        self.streams = self._stream_directories()
        cut = Cut(self.options.volume_records)
        self.layout = plan(self.inventory, acls, self.options.ntrec, self.streams, cut)
        self.warnings = estimate.warnings(self.inventory, self.layout)
        for warning in self.warnings:
            warn(warning)
        features = _features(self.inventory, self.layout)
        self.first = headers.volume(self.layout, self.identity, features)
        if cut.capacity:
            from darimage.image import continuation

            head = continuation.planned(self.first, self.layout, self.inventory)
            self.sink = CutSink(self.sink, cut, head)
        self.headers = headers.InodeHeaders(self.inventory, self.layout, self.identity)
        self.progress.start("write", self.layout.total * RECORD)
        below = self.inventory.directories
        offsets = OffsetMap(
            self.inventory.inode[below:],
            self.layout.cut.physical(self.layout.positions[below:]) * RECORD,
            self.inventory.highest,
        )
        outcomes = self._files(offsets, acls)
        mismatches = sum(outcome.mismatches for outcome in outcomes) + self._gaps(outcomes)
        substituted = len(set().union(*(outcome.substituted for outcome in outcomes)))
        if acls is not None:
            place = self.layout.trailing
            trailing = headers.section(
                Section.NT_ACLS_TRAILING, place, acls, self.identity, self.layout.cut
            )
            self._put(place.record * RECORD, trailing)
        ends = headers.ends(
            self.layout,
            self.identity,
            written=len(self.inventory) - below,
            mismatches=mismatches,
            attributed=len(self.inventory.attributes),
            substituted=substituted,
            sha256=offsets.payload.sha256(),
        )
        self._put(self.layout.end * RECORD, ends)
        self.progress.finish()
        return self._report(outcomes, mismatches, substituted)

    def _stream_directories(self) -> bytes | None:
        """Return part 5; ``None`` if nothing in the image has streams."""
        if not self.inventory.streams:
            return None
        from darimage.image import stream_directories

        return stream_directories.payload(self.inventory, image_id(self.identity.uuid))

    def _put(self, at: int, data: bytes) -> None:
        self.sink.write_at(at, data)
        self.progress.advance(len(data))

    def _front(self, acls: bytes | None, offsets: OffsetMap) -> Iterator[bytes]:
        """Yield parts 1 to 7, one after another: phases I to IIIB."""
        layout, inventory, identity = self.layout, self.inventory, self.identity
        section = partial(headers.section, identity=identity, cut=layout.cut)
        yield self.first
        parts = (CType.TS_CLRI, inventory.existing), (CType.TS_BITS, inventory.held)
        for number, (c_type, inodes) in enumerate(parts):
            record = 1 + number * (1 + layout.map_records)
            payload = bitmap.encode(inodes, layout.map_records)
            yield headers.bitmap(c_type, record, payload, int(inodes.max()), identity, layout.cut)
            yield payload
        for first in range(0, inventory.directories, _DIRECTORY_BATCH):
            yield self._directories(first, min(first + _DIRECTORY_BATCH, inventory.directories))
        if self.streams is not None:
            yield section(Section.STREAM_DIRECTORIES, layout.streams, self.streams)
        if acls is not None:
            yield section(Section.NT_ACLS_FRONT, layout.nt_acls, acls)
        yield section(Section.OFFSET_MAP, layout.offset_map, offsets.payload)

    def _directories(self, first: int, last: int) -> bytes:
        """Return the runs of the directories of some rows: phase III."""
        rows = np.arange(first, last)
        counts = header_counts(self.inventory.size[rows])
        expanded = np.repeat(rows, counts)
        number = np.arange(len(expanded)) - np.repeat(np.cumsum(counts) - counts, counts)
        data = [self.inventory.directory_data(row) for row in rows.tolist()]
        made = self.headers.make(expanded, number)
        last = number == np.repeat(counts, counts) - 1
        attributes = np.where(last, self.inventory.attribute_records[expanded], 0)
        lengths = 1 + made["c_count"].astype(np.int64) + attributes
        places = self.layout.positions[first] + np.cumsum(lengths) - lengths
        pieces = [
            headers.whole_records(data[row - first][begin : begin + ADDRESSES * RECORD])
            for row, begin in zip(
                expanded.tolist(), (number * ADDRESSES * RECORD).tolist(), strict=True
            )
        ]
        made["extension"]["records_crc32c"] = [crc32c(piece) for piece in pieces]
        headers.seal(made, places, self.layout.cut)
        ends = places + lengths - attributes
        sealed = [record.tobytes() for record in made]
        with_some = np.flatnonzero(attributes)
        some = expanded[with_some]
        flags = self.inventory.flags[some]
        heads = iter(self.headers.attributes(some, ends[with_some], flags))
        parts: list[bytes] = []
        for at, (row, piece) in enumerate(zip(expanded.tolist(), pieces, strict=True)):
            parts += [sealed[at], piece]
            if attributes[at]:
                payload = self.inventory.attributes[row]
                parts += [next(heads).tobytes(), headers.whole_records(payload)]
        return b"".join(parts)

    def _write_front(
        self, acls: bytes | None, offsets: OffsetMap, advance: Callable[[int], None]
    ) -> None:
        at = 0
        for part in self._front(acls, offsets):
            self.sink.write_at(at, part)
            advance(len(part))
            at += len(part)

    def _files(self, offsets: OffsetMap, acls: bytes | None) -> list[Outcome]:
        """Write the front and the files: phase IV."""
        writer = FileWriter(self.inventory, self.layout, self.headers, offsets, self.sink)
        workers = self.options.workers if self.sink.seekable else 1
        front = partial(self._write_front, acls, offsets)
        (start, stop), *others = writer.split(workers, before=len(self.inventory.scan.names))
        jobs = [
            partial(self._work, writer, start, stop, before=front),
            *(partial(self._work, writer, start, stop) for start, stop in others),
        ]
        return parallel.run(jobs, self.progress)

    def _work(
        self,
        writer: FileWriter,
        start: Point,
        stop: Point,
        advance: Callable[[int], None],
        *,
        before: Callable[[Callable[[int], None]], None] | None = None,
    ) -> Outcome:
        if before is not None:
            before(advance)
        with closing(self.source.contents(self.inventory.scan)) as contents:
            return writer.write(contents, start, stop, advance)

    def _gaps(self, outcomes: list[Outcome]) -> int:
        """Return how many stretches of part 8 do not begin where the one before really ended."""
        ends = [self.layout.files, *(outcome.end for outcome in outcomes)]
        starts = [
            *(outcome.start for outcome in outcomes),
            self.layout.trailing.record or self.layout.end,
        ]
        return sum(end != start for end, start in zip(ends, starts, strict=True))

    def _report(self, outcomes: list[Outcome], mismatches: int, substituted: int) -> Report:
        scan = self.inventory.scan
        read = {(fault.kind, fault.path): fault for o in outcomes for fault in o.faults}
        return Report(
            image=self.sink.name,
            uuid=str(uuid.UUID(bytes=self.identity.uuid)),
            date=self.identity.date,
            records=self.layout.cut.total(self.layout.total),
            directories=self.inventory.directories,
            others=len(self.inventory) - self.inventory.directories,
            acl_start=self.layout.cut.physical(self.layout.trailing.record) * RECORD,
            mismatches=mismatches,
            substituted=substituted,
            level=self.identity.level,
            base_date=self.identity.base_date,
            base=str(uuid.UUID(bytes=base)) if any(base := self.identity.base_uuid) else None,
            faults=[*scan.faults, *read.values()],
            skipped=scan.skipped,
            records_per_volume=self.layout.cut.capacity,
            volumes=self.layout.cut.volumes(self.layout.total),
            warnings=self.warnings,
        )


def _features(inventory: Inventory, layout: Layout) -> Compat:
    """Return what the volume header says of an image (DARI-VOL-004)."""
    features = {
        Compat.NT_ACLS: layout.nt_acls.record,
        Compat.STREAMS: layout.streams.record,
        Compat.XATTRS: inventory.attributes,
        Compat.INCREMENTAL: inventory.numbering.level,
    }
    return Compat(sum(feature for feature, used in features.items() if used))
