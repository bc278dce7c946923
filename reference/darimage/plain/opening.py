"""Opening: who the input is, and what is refused (chapter 88, steps 1 and 2)."""

from __future__ import annotations

from typing import Any

from darimage.plain.faults import RECORD, Faults, Refused
from darimage.plain.records import (
    COMPRESSED,
    MAGIC_AT,
    NEW_INODES,
    TS_CLRI,
    TS_TAPE,
    VOLUME,
    Head,
    magic,
)
from darimage.plain.rules import Rules
from darimage.plain.space import Space
from darimage.schema.codecs import ORDERS

SEARCHED = 1024
"""Readable records that are looked at for a first header (DARI-REC-034)."""

VOLUMES = 1
"""The one incompatible feature that there is (DARI-VOL-005)."""

_MAGICS = {60011: "an old file system", 424935705: "UFS2", 60013: "a large Solaris system"}
_OLD_MAGICS = dict.fromkeys((60011, 60012), "V7 or 2.11BSD")
_OLD_MAGIC_AT = 18
_KNOWN_MAX = 256
"""Headers that are looked at more than once and kept for that."""


class Input:
    """An input that is open: an image or a plain dump.

    Attributes:
        space: The bytes.
        faults: What is reported.
        rules: What is kept.
        first: The header that order, date and dialect are taken from.
        order: Byte order.
        is_image: Whether it is one, and not a plain dump.
        first_record: Address of a first record that is no sound ``ts_tape``; else -1.
        old_format: Whether entries and owners are those of before 4.4BSD (DARI-REC-026).
    """

    def __init__(self, space: Space, faults: Faults, rules: Rules) -> None:
        """Open it.

        Raises:
            Refused: It cannot be read.
        """
        self.space, self.faults, self.rules = space, faults, rules
        self._known: dict[int, Head | None] = {}
        self.first_record = -1
        self.first = self._identified()
        self.order, self.is_image = self.first.order, self.first.is_dari
        self._body = self._volume_body(self.first)
        self._refuse()

    # Step 1.

    def _identified(self) -> Head:
        """Return the header that order, date and dialect are taken from (DARI-REC-034)."""
        start = self.space.start
        found = self._sound(start)
        if found is not None and found.c_type == TS_TAPE:
            return found
        self._refuse_other_dialects()
        self.faults.report("first-record", start)
        self.first_record = start
        if not self.rules.follows("DARI-REC-034"):
            raise Refused("no-dump", "it does not begin with a sound header")
        found = found or self._search()
        if found is not None and found.at % RECORD == 0:
            return found
        exchanged, before = self.space.exchanged(), self.space
        self.space = exchanged
        other = self._search()
        if other is not None:
            self.faults.report("byte-pairs")
            return other
        self.space = before
        if found is None:
            raise Refused("no-dump", "there is no sound header")
        return found

    def _sound(self, at: int) -> Head | None:
        """Return the sound header at an address, in either byte order (DARI-CNV-003)."""
        record = self.space.record(at)
        if record is None:
            return None
        for order in ORDERS:
            if record[MAGIC_AT : MAGIC_AT + 4] != magic(order):
                continue
            if order == "be" and not self.rules.follows("DARI-CNV-003"):
                continue
            is_dari = record[928:932] == b"DARI"
            if is_dari and not self.rules.follows("DARI-EXT-002"):
                is_dari = False
            head = Head(at, record, order, is_dari, self.rules)
            if head.is_intact and self.has_type(head):
                return head
        return None

    def _search(self) -> Head | None:
        start = self.space.start + MAGIC_AT
        end = start + SEARCHED * RECORD
        while True:
            hits = [self.space.find(magic(order), start, end) for order in ORDERS]
            hit = min((hit for hit in hits if hit is not None), default=None)
            if hit is None:
                return None
            if found := self._sound(hit - MAGIC_AT):
                return found
            start = hit + 1

    def _refuse_other_dialects(self) -> None:
        """Refuse what has the magic of another dialect (DARI-REC-018)."""
        record = self.space.record(self.space.start) or bytes(RECORD)
        for word in (record[MAGIC_AT : MAGIC_AT + 4], record[_OLD_MAGIC_AT : _OLD_MAGIC_AT + 2]):
            for number in (int.from_bytes(word, "little"), int.from_bytes(word, "big")):
                named = _MAGICS.get(number) if len(word) == 4 else _OLD_MAGICS.get(number)
                if not self.rules.keeps("DARI-REC-018", named is None):
                    raise Refused("dialect", f"a dump of {named}")

    # Step 2.

    def _refuse(self) -> None:
        flags = self.first.fields.c_flags
        if not self.rules.keeps("DARI-REC-018", not flags & COMPRESSED):
            raise Refused("dialect", "a compressed dump")
        self.old_format = not self.is_image and not flags & NEW_INODES
        if self.old_format and not self.rules.follows("DARI-REC-026"):
            self.old_format = False
        is_first = self.first.fields.c_volume == 1 or self.first.c_type != TS_TAPE
        if not is_first and not self.rules.follows("DARI-VOL-025"):
            raise Refused("no-dump", "it is not the first volume")
        body = self._body
        if body is None:
            return
        unknown = body.feature_incompat & ~VOLUMES
        if not self.rules.keeps("DARI-VOL-005", not unknown):
            raise Refused("feature", f"unknown features {unknown:#x}")
        unknown = body.feature_compat & ~0xF
        if unknown and not self.rules.follows("DARI-VOL-004"):
            raise Refused("feature", f"unknown features {unknown:#x}")
        if not any(body.image_uuid) or body.image_uuid[6] >> 4 not in (4, 5, 8):
            self.faults.report("uuid", self.first.at)

    @property
    def body(self) -> Any:
        """The volume body; ``None`` in a plain dump, or if no volume header is known."""
        return self._body

    def _volume_body(self, head: Head) -> Any:
        is_volume = head.c_type == TS_TAPE and head.fields.extension.kind == VOLUME
        return head.body if self.is_image and is_volume else None

    def take_body(self, head: Head) -> None:
        """Let a continuation header stand in for a volume header that is not known."""
        if self._body is None:
            self._body = self._volume_body(head)

    @property
    def capacity(self) -> int:
        """Records of a volume; 0 if the image is not cut (DARI-VOL-006)."""
        is_cut = self._body is not None and self._body.feature_incompat & VOLUMES
        return int(self._body.records_per_volume) if is_cut else 0

    # Headers.

    def has_type(self, head: Head) -> bool:
        """Tell whether ``c_type`` is one of the six (DARI-REC-005)."""
        return TS_TAPE <= head.c_type <= TS_CLRI

    def at_place(self, at: int) -> Head | None:
        """Return the record at an address read as a header; ``None`` if it cannot be one."""
        record = self.space.record(at)
        if record is None:
            return None
        has_magic = record[MAGIC_AT : MAGIC_AT + 4] == magic(self.order)
        if not self.rules.keeps("DARI-REC-003", has_magic):
            return None
        is_dari = self.is_image and record[928:932] == b"DARI"
        return Head(at, record, self.order, is_dari, self.rules)

    def own(self, at: int, *, due: bool = False) -> Head | None:
        """Return the own header at an address (DARI-REC-030).

        Args:
            at: The address.
            due: Whether a header has to be there: then one of an image may lack the bytes ``DARI``
                (DARI-EXT-007).
        """
        if at not in self._known:
            while len(self._known) >= _KNOWN_MAX:
                del self._known[next(iter(self._known))]
            self._known[at] = self.at_place(at)
        head = self._known[at]
        if head is None or not head.is_intact or not self.has_type(head):
            return None
        if self.is_image and not head.is_dari and not (due and self._follows_missing(head)):
            return None
        return head if self.is_ours(head) else None

    def _follows_missing(self, head: Head) -> bool:
        return head.has_right_sum and self.rules.follows("DARI-EXT-007")

    def is_ours(self, head: Head) -> bool:
        """Tell whether date and identity of a header are those of the first (DARI-REC-030)."""
        if not self.rules.keeps("DARI-REC-030", head.fields.c_date == self.first.fields.c_date):
            return False
        same = not head.is_dari or head.image_id == self.first.image_id
        return self.rules.keeps("DARI-EXT-008", same)

    def search(self, start: int, end: int | None = None) -> Head | None:
        """Return the own header at the lowest address from ``start`` on (DARI-REC-032)."""
        everywhere = self.rules.follows("DARI-REC-032")
        while True:
            stop = None if end is None else end + MAGIC_AT
            hit = self.space.find(magic(self.order), start + MAGIC_AT, stop)
            if hit is None:
                return None
            head = self.own(hit - MAGIC_AT)
            if head is not None and (everywhere or head.at % RECORD == 0):
                return head
            start = hit - MAGIC_AT + 1
