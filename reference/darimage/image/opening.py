"""The first and the last records of an image: what it is, and where it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.image import parts
from darimage.image.batch import Marks
from darimage.image.parts import EndRecord, VolumeHeader
from darimage.schema import ORDERS, CType, DrFlag, Incompat, Kind, Magic, Order
from darimage.sections.header import Identity, byte_order, field_span, of_image, picker, sound
from darimage.units import RECORD
from darimage.volumes.cut import LEAST
from darimage.volumes.heads import packed
from darimage.volumes.reading import Volume, as_given, forgiving, is_recovered

OnFault = Callable[[Fault], None]

KNOWN_INCOMPAT = int(Incompat.VOLUMES)
"""Features of ``Incompat`` that this reader knows (DARI-VOL-005)."""

_LOOKED_FOR = 1024
"""Records that are searched for a header if the first one is damaged (DARI-REC-018)."""

_TAIL = 4096
"""Records at the end that are searched for ``TS_END``."""

_FEW = 1024
"""More volumes than a plain dump has."""


@dataclass(frozen=True)
class Opening:
    """What the first header says.

    Attributes:
        marks: What all headers have in common.
        is_dari: Whether headers carry extension areas.
        old_format: Entries and owners are those of images without ``DR_NEWINODEFMT``.
        identity: Date, label and the like.
        extension: The volume header, if it is there and sound.
        start: Record number of the first header after it.
        first: Record number of the first sound header: 0, unless that is damaged.
        is_first: The first record is a volume header; else where records are is not known.
        shown: The volume header with logical record numbers.
        volume_number: Which volume it opens.
    """

    marks: Marks
    is_dari: bool
    old_format: bool
    identity: Identity
    extension: VolumeHeader | None
    start: int
    first: int = 0
    shown: VolumeHeader | None = None
    volume_number: int = 1
    is_first: bool = True

    @property
    def total(self) -> int:
        """Records of the image, as its volume header says; 0 if that says nothing."""
        return self.shown.total_records if self.shown else 0


def look_at_first(volume: Volume, on_fault: OnFault) -> Opening:
    """Read the first header; if it is damaged, go by the next.

    Raises:
        FormatError: This is no dump image, or none that is read (DARI-REC-018).
    """
    with forgiving(volume):
        first = volume.read_at(0, RECORD)
        order = byte_order(first) if len(first) == RECORD else None
        if order is not None and sound(parts.as_row(first), order)[0]:
            if _fields(first, order)[0] == CType.TS_TAPE:
                return _of_first(first, order)
        else:
            _refuse_foreign(first)
        found = _next_header(volume)
    if found is None:
        why = "its first record is damaged" if order else "not a dump image" + packed(first)
        raise FormatError(why, record=0, requirement="DARI-REC-003")
    record, order, at = found
    number = -(-at // RECORD)
    extension = parts.volume_of(record)
    if extension is not None and _opens_in_place(volume, record, extension, at):
        later = parts.volume_number(record)
        told = "volume 1 is" if later == LEAST else f"volumes 1 to {later - 1} are"
        on_fault(Fault("volume-missing", f"{told} missing", None, None, 0, "DARI-VOL-020"))
        return _of_first(record, order)
    told = "the first record is damaged, missing, or no volume header"
    on_fault(Fault("first-record", told, None, None, 0, "DARI-VOL-001"))
    opening = replace(_opening(record, order, None, number), first=number, is_first=False)
    if extension is not None:
        # It opens a volume and says what the first one says.
        return replace(opening, volume_number=parts.volume_number(record))
    return opening


def _opens_in_place(volume: Volume, record: bytes, extension: VolumeHeader, at: int) -> bool:
    """Tell whether a header opens a later volume and those before it are missing (DARI-VOL-025)."""
    later, capacity = parts.volume_number(record), extension.records_per_volume
    gaps = volume.missing(0, at)
    is_all = bool(gaps) and gaps[0].start == 0 and gaps[-1].end == at
    return later >= LEAST and at == (later - 1) * capacity * RECORD and is_all


def _of_first(record: bytes, order: Order) -> Opening:
    _, flags = _fields(record, order)
    if flags & DrFlag.DR_COMPRESSED:
        raise FormatError("compressed dumps are not read", record=0, requirement="DARI-REC-018")
    known = parts.has_extension(record) and parts.kind_of(record) == Kind.VOLUME
    extension = parts.volume_header(record, order) if known else None
    (volume,) = picker(order, "c_volume").unpack_from(record)
    return replace(_opening(record, order, extension, 1), volume_number=int(volume))


def _opening(record: bytes, order: Order, extension: VolumeHeader | None, at: int) -> Opening:
    is_dari = parts.has_extension(record)
    who = parts.identity(record, order, extension)
    _, flags = _fields(record, order)
    return Opening(
        marks=Marks(
            order, who.date & 0xFFFFFFFF, is_dari, image_id=parts.image_id_of(record, is_dari)
        ),
        is_dari=is_dari,
        old_format=not flags & DrFlag.DR_NEWINODEFMT,
        identity=who,
        extension=extension,
        start=at,
        shown=extension,
    )


def _fields(record: bytes, order: Order) -> tuple[int, int]:
    c_type, flags = picker(order, "c_type", "c_flags").unpack_from(record)
    return int(c_type), int(flags)


def _refuse_foreign(record: bytes) -> None:
    """Say what an image is that is known but not read (DARI-REC-018)."""
    start, end = field_span("c_magic")
    names = {Magic.OFS: "an old-file-system dump", Magic.UFS2: "a UFS2 dump"}
    for magic, name in names.items():
        if record[start:end] in (int(magic).to_bytes(4, "little"), int(magic).to_bytes(4, "big")):
            told = f"{name} (magic {int(magic)}): not read"
            raise FormatError(told, record=0, requirement="DARI-REC-018")


def _next_header(volume: Volume) -> tuple[bytes, Order, int] | None:
    """Return the first sound header of an input, its order and the byte it lies at."""
    start = 0
    while gaps := volume.missing(start, start + 1):
        start = max(start + 1, gaps[0].end)
    data = volume.read_at(start, _LOOKED_FOR * RECORD)
    found: list[tuple[int, Order]] = []
    for order in ORDERS:
        at = first_header(data, order)
        if at is not None:
            found.append((at, order))
    if not found:
        return None
    at, order = min(found)
    return data[at : at + RECORD], order, start + at


def pairs_exchanged(volume: Volume) -> Volume | None:
    """Return a volume with each two bytes exchanged, if only so it has headers (DARI-REC-034).

    A header may look like one of the other byte order two bytes early, once its pairs are
    exchanged: of two that lie so the later one is true.
    """
    from darimage.volumes.exchanged import Exchanged

    with forgiving(volume):
        start = 0
        while gaps := volume.missing(start, start + 1):
            start = max(start + 1, gaps[0].end)
        exchanged = Exchanged(volume)
        start -= start % 2
        ours, others = (
            _first_of_any(one.read_at(start, _LOOKED_FOR * RECORD)) for one in (volume, exchanged)
        )
    if others is None or (ours is not None and (others == ours - 2 or others > ours + 2)):
        return None
    return exchanged


def _first_of_any(data: bytes) -> int | None:
    """Return where the first sound header lies among some bytes, whatever its byte order is."""
    found = [at for order in ORDERS if (at := first_header(data, order)) is not None]
    return min(found, default=None)


def first_header(data: bytes, order: Order, start: int = 0) -> int | None:
    """Return where the first sound header of any image lies among some bytes from one on."""
    begin, _ = field_span("c_magic")
    magic = int(Magic.NFS).to_bytes(4, "little" if order == "le" else "big")
    at = data.find(magic, start + begin)
    while 0 <= at <= len(data) - RECORD + begin:
        record = data[at - begin : at - begin + RECORD]
        c_type, _ = _fields(record, order)
        if CType.TS_TAPE <= c_type <= CType.TS_CLRI and sound(parts.as_row(record), order)[0]:
            return at - begin
        at = data.find(magic, at + 1)
    return None


def refuse_unknown_features(extension: VolumeHeader) -> None:
    """Refuse an image with features this reader must know and does not.

    Raises:
        FormatError: It has one (DARI-VOL-005).
    """
    unknown = extension.feature_incompat & ~KNOWN_INCOMPAT
    if not unknown:
        return
    known = {int(flag): str(flag.name).lower() for flag in Incompat}
    bits = [1 << bit for bit in range(32) if unknown >> bit & 1]
    names = [known.get(bit, f"{bit:#x}") for bit in bits]
    told = f"needs features this reader lacks: {', '.join(names)}"
    raise FormatError(told, record=0, requirement="DARI-VOL-005")


class End(NamedTuple):
    """Where an image ends.

    Attributes:
        first: Record number of the first ``TS_END`` of the row.
        last: Record number after the last.
        body: What the first says, if it has an extension area.
    """

    first: int
    last: int
    body: EndRecord | None


def find_end(volume: Volume, opening: Opening) -> End | None:
    """Return where an image ends.

    The place comes from the volume header, or else from a look at the last records.
    """
    last = volume.size // RECORD
    for high in dict.fromkeys([opening.total, last]):
        if 0 < high <= last:
            found = _end_before(volume, opening, high)
            if found is not None:
                return found
    return None


def is_displaced(volume: Volume, opening: Opening, found: End | None) -> bool:
    """Tell whether the end of an image shows that records are lost, doubled or elsewhere.

    Not so if nothing is there, as in an image that is cut; but in a plain dump. In that the number
    of the end record is compared with its place: writers may count headers of volumes or not.
    """
    held = volume.size // RECORD
    total = opening.total
    if found is not None and total:
        return found.last < min(total, held)
    if found is not None:
        record = volume.read_at(found.last * RECORD - RECORD, RECORD)
        (tapea,) = picker(opening.marks.order, "c_tapea").unpack_from(record)
        volumes = volume.cut.volume_of(volume.cut.physical(found.last - 1))
        behind = (found.last - 1 - tapea + _FEW) & 0xFFFFFFFF
        return not opening.marks.numbered and not _FEW + 1 - volumes <= behind <= _FEW + 1
    if held == 0 or volume.missing(held * RECORD - 1, held * RECORD):
        return False
    if 0 < total <= held:
        return not volume.missing((total - 1) * RECORD, total * RECORD)
    if not opening.marks.numbered:
        return True  # nothing says that what the last header announces is its own
    low = max(0, volume.size - _TAIL * RECORD)
    return _has_end(volume.read_at(low, volume.size - low), opening)


def _has_end(data: bytes, opening: Opening) -> bool:
    """Tell whether there is a ``TS_END`` of the image somewhere among some bytes."""
    order, done = opening.marks.order, 0
    while (at := first_header(data, order, done)) is not None:
        record = data[at : at + RECORD]
        c_type, date = picker(order, "c_type", "c_date").unpack_from(record)
        ours = of_image(parts.as_row(record), opening.marks.image_id)[0]
        if c_type == CType.TS_END and date == opening.marks.date and ours:
            return True
        done = at + RECORD
    return False


def why_no_end(volume: Volume, opening: Opening, found: End | None) -> Fault | None:
    """Return what is wrong with the end of an image, if something is."""
    held = volume.size // RECORD
    if opening.total > held:
        real = as_given(volume)
        there, said = volume.cut.total(held), volume.cut.total(opening.total)
        lost = real.missing(there * RECORD, said * RECORD)
        if found is not None and real.size // RECORD >= said and not lost:
            told = f"the image ends behind {there} records, total_records is {said}"
            return Fault("total-records", told, None, None, 0, "DARI-VOL-007")
        told = f"the image has {there} records of {said}"
        if gaps := real.missing(real.size - 1, real.size):
            told += f": {gaps[0].told}"
        return Fault("image-cut", told, None, None, held, "DARI-VOL-011")
    if found is not None:
        return None
    if gaps := volume.missing(held * RECORD - 1, held * RECORD):
        told = f"the end record is not there: {gaps[0].told}"
        return Fault("unreadable", told, None, None, held - 1, "DARI-VOL-020")
    return Fault("no-end", "no end record is found at the end", None, None, held, "DARI-END-001")


def _end_before(volume: Volume, opening: Opening, high: int) -> End | None:
    """Return the last row of ``TS_END`` before a record.

    In a sound image the record before it is one, and nothing but these is read.
    """
    first = high - 1
    record = _end_at(volume, opening, first)
    if not record:
        first, record = _last_end(volume, opening, high)
    if not record:
        return None
    last = first + 1
    while last - high < _TAIL and _end_at(volume, opening, last):
        last += 1
    while first > 0 and (found := _end_at(volume, opening, first - 1)):
        first, record = first - 1, found
    body = None
    if opening.is_dari and parts.has_extension(record) and parts.kind_of(record) == Kind.END:
        body = parts.end_record(record, opening.marks.order, first)
    return End(first, last, body)


def _last_end(volume: Volume, opening: Opening, high: int) -> tuple[int, bytes]:
    """Return number and bytes of the last ``TS_END`` in the tail before a record, else nothing."""
    low = max(0, high - _TAIL)
    data = volume.read_at(low * RECORD, (high - low) * RECORD)
    rows = np.frombuffer(data, np.uint8, len(data) // RECORD * RECORD).reshape(-1, RECORD)
    for at in reversed(np.flatnonzero(sound(rows, opening.marks.order)).tolist()):
        record = rows[at].tobytes()
        if _is_end(record, opening, low + at, is_placed=is_recovered(volume)):
            return low + at, record
    return 0, b""


def _end_at(volume: Volume, opening: Opening, at: int) -> bytes:
    """Return a record if it is a ``TS_END``, else nothing."""
    record = volume.read_at(at * RECORD, RECORD)
    order = opening.marks.order
    if len(record) < RECORD or not sound(parts.as_row(record), order)[0]:
        return b""
    return record if _is_end(record, opening, at, is_placed=is_recovered(volume)) else b""


def _is_end(record: bytes, opening: Opening, at: int, *, is_placed: bool) -> bool:
    c_type, date, tapea = picker(opening.marks.order, "c_type", "c_date", "c_tapea").unpack_from(
        record
    )
    real = opening.marks.cut.physical(at)
    placed = not opening.marks.numbered or is_placed or real & 0xFFFFFFFF == tapea
    ours = of_image(parts.as_row(record), opening.marks.image_id)[0]
    return bool(c_type == CType.TS_END and date == opening.marks.date and placed and ours)
