"""What the volumes of an image must be, and the headers that open them (chapter 35)."""

from __future__ import annotations

import numpy as np

from darimage.faults import Fault, FaultyField
from darimage.image import blame, continuation, volume_set
from darimage.image.batch import Batch, Ints
from darimage.image.reader import Image
from darimage.image.told import Faults
from darimage.schema import CType, Incompat
from darimage.sections.header import Headers, as_headers, sound
from darimage.units import RECORD
from darimage.volumes.joined import Joined

_FIELDS = (
    ("c_volume", "DARI-REC-009"),
    ("c_tapea", "DARI-REC-006"),
    ("c_firstrec", "DARI-REC-021"),
    ("c_count", "DARI-VOL-015"),
    ("c_addr", "DARI-VOL-015"),
    ("c_flags", "DARI-REC-013"),
    ("c_date", "DARI-REC-007"),
    ("c_ddate", "DARI-REC-008"),
    ("c_inumber", "DARI-REC-010"),
    ("c_ntrec", "DARI-REC-014"),
    ("c_spare", "DARI-REC-015"),
    ("c_label", "DARI-REC-019"),
    ("c_level", "DARI-REC-019"),
    ("c_filesys", "DARI-REC-019"),
    ("c_dev", "DARI-REC-019"),
    ("c_host", "DARI-REC-019"),
    ("extension", "DARI-VOL-014"),
)
"""Fields of a continuation header, and by which sentence each is what it must be."""

_AT_ONCE = 4096


class Volumes:
    """Judges continuation headers while the headers between them go by."""

    def __init__(self, image: Image, faults: Faults) -> None:
        """Prepare; nothing is judged in an image on one volume."""
        self.image = image
        self.faults = faults
        self.joined = image.volume if isinstance(image.volume, Joined) else None
        self.first = np.frombuffer(image.volume.read_at(0, RECORD), np.uint8).reshape(-1, RECORD)
        there = volume_set.numbers(image.volume) if self.joined and image.is_dari else []
        self.pending = np.array([number for number in there if number > 1], np.int64)

    def add(self, batch: Batch) -> None:
        """Take headers that follow those before."""
        if self.pending.size:
            self._judge(batch.record[batch.c_type != CType.TS_ADDR])

    def _judge(self, runs: Ints) -> None:
        """Judge the volumes that begin at or before the last of some runs."""
        if not runs.size:
            return
        cut = self.image.marks.cut
        begins = cut.logical((self.pending - 1) * cut.capacity + 1)
        count = int(np.searchsorted(begins, runs[-1], side="right"))
        volumes, self.pending = self.pending[:count], self.pending[count:]
        for at in range(0, count, _AT_ONCE):
            some = volumes[at : at + _AT_ONCE]
            self._compare(some, continuation.left(cut, some, runs))

    def _compare(self, volumes: Ints, counts: Ints) -> None:
        order, cut = self.image.order, self.image.marks.cut
        wanted = continuation.headers(self.first, order, cut, volumes, counts)
        for at, number in enumerate(volumes.tolist()):
            self._header(number, wanted[at : at + 1])

    def _header(self, number: int, wanted: Headers) -> None:
        """Hold one continuation header against what it must be."""
        assert self.joined is not None  # noqa: S101 - nothing is pending otherwise
        real = (number - 1) * self.image.marks.cut.capacity
        record = self.joined.real.read_at(real * RECORD, RECORD)
        if record == wanted.tobytes() or self.joined.real.missing(real * RECORD, real * RECORD + 1):
            return
        row = np.frombuffer(record.ljust(RECORD, b"\0"), np.uint8).reshape(1, RECORD)
        found = as_headers(row, self.image.order, "volume_body")
        wrong = [
            (name, requirement)
            for name, requirement in _FIELDS
            if found[name].tobytes() != wanted[name].tobytes()
        ]
        if not sound(row, self.image.order)[0]:
            wrong.append(("c_checksum", "DARI-REC-004"))
        for name, requirement in wrong:
            told = f"continuation header: {name} is not what it must be"
            called = volume_set.name_of(self.image.volume, real)
            pair = (row[0], wanted.view(np.uint8).reshape(RECORD))
            field = blame.first_difference(*pair, self.image.order, (name,))
            self.faults.tell(Fault("format", told, None, None, real, requirement, called, field))

    def finish(self) -> None:
        """Judge what the volume header says of the volumes, and that all are there."""
        known = self.image.extension
        if known is None:
            return
        cut_feature = bool(known.feature_incompat & Incompat.VOLUMES)
        if cut_feature != bool(known.records_per_volume):
            told = f"records_per_volume is {known.records_per_volume}, the feature volumes is "
            flags = known.feature_incompat
            field = blame.in_volume("feature_incompat", flags, flags ^ Incompat.VOLUMES)
            if not cut_feature:
                field = blame.in_volume("records_per_volume", known.records_per_volume, 0)
            self._tell(told + ("set" if cut_feature else "clear"), "DARI-VOL-010", field)
        if known.records_per_volume % max(1, self.image.identity.ntrec):
            told = f"volumes of {known.records_per_volume} records are no multiple of c_ntrec"
            field = blame.in_volume("records_per_volume", known.records_per_volume)
            self._tell(told, "DARI-VOL-016", field)
        if self.joined is not None:
            for gap in self.joined.real.missing(0, self.joined.real.size):
                if any(gap.told in fault.message for fault in self.faults):
                    continue  # the walk came to it
                record = gap.start // RECORD
                called = volume_set.name_of(self.image.volume, record)
                where = (None, None, record, "DARI-VOL-020", called)
                self.faults.tell(Fault("missing", gap.told, *where))

    def _tell(self, told: str, requirement: str, field: FaultyField) -> None:
        self.faults.tell(Fault("format", told, record=0, requirement=requirement, field=field))
