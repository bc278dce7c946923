"""Changes a good image as a vector says, and seals it again (docs/reference/vectors).

Edits of fields and bytes come first and are told in the record numbers of the parent; then
checksums are made right; then records are deleted, doubled, swapped or cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from darimage.conformance import seals
from darimage.conformance.fields import Place, locate, pack
from darimage.conformance.frame import Frame, Head, Rows, sealed
from darimage.errors import UsageError
from darimage.schema import CType, dtype, header_dtype
from darimage.sections.crc import crc32c
from darimage.sections.header import extended
from darimage.units import RECORD

Patch = dict[str, Any]

_ZEROS = -1
"""Stands for a record of zeros that was not there."""

_TAPEA = locate("c_tapea", header_dtype())


def apply(data: bytes, patches: list[Patch], seal: bool | list[str] = True) -> bytes:
    """Return a changed image.

    Args:
        data: The parent.
        patches: What is changed.
        seal: Whether checksums are made right after the edits, or which kinds (``seals.KINDS``).
            A checksum that an edit names stays what the edit says.

    Raises:
        UsageError: A patch names something that is not there.
    """
    work = _Work(data)
    edits = [patch for patch in patches if not OPERATIONS.keys() & patch.keys()]
    for patch in edits:
        work.edit(patch)
    kinds = seals.KINDS if seal is True else seal or ()
    seals.reseal(work.frame, work.runs(), kinds, work.left)
    rows = Records(work.frame, work.left)
    for patch in patches:
        for name in OPERATIONS.keys() & patch.keys():
            OPERATIONS[name](rows, patch)
    return rows.joined()


class _Work:
    """Edits of one image.

    Attributes:
        frame: The image.
        left: Records and fields that were given a value, which no seal takes away.
    """

    def __init__(self, data: bytes) -> None:
        self.frame = Frame(data)
        self._parent = Frame(data)
        self.left: set[tuple[int, str]] = set()
        self._touched: set[int] = set()

    def runs(self) -> list[list[Head]]:
        """Return the runs with changed records."""
        at = sorted(self._touched)
        return [
            run
            for run in self.frame.runs
            if any(run[0].record <= one <= run[-1].record + run[-1].following for one in at)
        ]

    def edit(self, patch: Patch) -> None:
        """Do one edit."""
        for name, edit in EDITS.items():
            if name in patch:
                edit(self, patch)
                return
        raise UsageError(f"a patch of no known kind: {patch}")

    def write(self, at: int, new: bytes) -> None:
        """Write bytes at a byte address."""
        flat = self.frame.rows.reshape(-1)
        if not 0 <= at <= at + len(new) <= len(flat):
            raise UsageError(f"no {len(new)} bytes at {at}")
        flat[at : at + len(new)] = np.frombuffer(new, np.uint8)
        self._touched |= set(range(at // RECORD, (at + max(1, len(new)) - 1) // RECORD + 1))

    def value(self, at: int, place: Place, value: Any) -> None:
        """Write a value into a field of a layout that begins at a byte address."""
        at += place.at
        old = self.frame.rows.reshape(-1)[at : at + place.dtype.itemsize].tobytes()
        self.write(at, pack(value, place, old))

    def header_field(self, patch: Patch) -> None:
        """``record`` (``ends``: all ends), ``field``, ``value``; or ``record``, ``at``, ``hex``."""
        if patch["record"] == "ends":
            for head in self.frame.heads.values():
                if head.c_type == CType.TS_END:
                    self.header_field({**patch, "record": head.record})
            return
        head = self.frame.find(patch["record"])
        if "field" in patch:
            place = locate(patch["field"], header_dtype(self.frame.order, head.body))
            self.value(head.record * RECORD, place, patch["value"])
            self.left.add((head.record, patch["field"]))
            return
        record = head.record + (1 + patch["data"] if "data" in patch else 0)
        self.write(record * RECORD + patch["at"], bytes.fromhex(patch["hex"]))

    def every(self, patch: Patch) -> None:
        """``every`` (a field that all headers have, or ``{at: n}``), ``value`` or ``hex``."""
        for head in self.frame.heads:
            if "hex" in patch:
                place = head * RECORD + patch["every"]["at"]
                self.write(place, bytes.fromhex(patch["hex"]))
                continue
            self.header_field({"record": head, "field": patch["every"], "value": patch["value"]})

    def entry(self, patch: Patch) -> None:
        """``entry`` (a name), ``of`` (a directory), ``field`` or ``rename``, ``value``."""
        run = self._run(f"inode {patch['of']}")
        size = int(self._parent.header(run[0])["c_dinode"]["di_size"][0])
        data = self._parent.payload(run, size)
        heads = dtype("directory/entry_head", self.frame.order)
        at, name = 0, patch["entry"].encode()
        while True:
            head = np.frombuffer(data, heads, 1, at)[0]
            begin = at + heads.itemsize
            if data[begin : begin + int(head["d_namlen"])] == name:
                break
            at += int(head["d_reclen"])
            if at >= size:
                raise UsageError(f"no entry {patch['entry']!r}")
        where = self._address(run, at)
        if "rename" in patch:
            self.write(where + heads.itemsize, _name(patch["rename"]))
        else:
            self.value(where, locate(patch["field"], heads), patch["value"])

    def element(self, patch: Patch) -> None:
        """``element`` (an inode number or a path) of the offset map, ``value``."""
        inode = patch["element"]
        number = inode if isinstance(inode, int) else self.frame.inode(inode)
        layout = dtype("offset_map/element", self.frame.order)
        where = self._address(self._run("section offset_map"), number * layout.itemsize)
        self.value(where, locate("offset", layout), patch["value"])

    def bit(self, patch: Patch) -> None:
        """``bit`` (an inode number or a path) of bitmap ``of``, toggled."""
        inode = patch["bit"]
        number = inode if isinstance(inode, int) else self.frame.inode(inode)
        for name in ("clri", "bits") if patch["of"] == "both" else (patch["of"],):
            where = self._address(self._run(name), (number - 1) // 8)
            old = int(self.frame.rows.reshape(-1)[where])
            self.write(where, bytes([old ^ 1 << (number - 1) % 8]))

    def payload(self, patch: Patch) -> None:
        """``payload`` (a selector), ``at``, and ``hex`` or ``layout``, ``field``, ``value``."""
        where = self._address(self._run(patch["payload"]), patch["at"])
        if "hex" in patch:
            self.write(where, bytes.fromhex(patch["hex"]))
        else:
            self.left.add((where // RECORD, patch["field"]))
            self.value(where, locate(patch["field"], self._layout(patch)), patch["value"])

    def _layout(self, patch: Patch) -> np.dtype[Any]:
        """Return a layout of ``ksy/``; ``header`` is that of an inode's header."""
        order = self.frame.order
        name = patch["layout"]
        return header_dtype(order) if name == "header" else dtype(name, order)

    def octets(self, patch: Patch) -> None:
        """``byte`` (an address), ``hex``."""
        self.write(patch["byte"], bytes.fromhex(patch["hex"]))

    def _run(self, selector: str) -> list[Head]:
        return self.frame.run_of(self.frame.find(selector))

    def _address(self, run: list[Head], at: int) -> int:
        """Return where a byte of a run's payload lies in the image."""
        return self.frame.place(run, at // RECORD) * RECORD + at % RECORD


def _name(told: Any) -> bytes:
    """Return the bytes of a name."""
    return told.encode() if isinstance(told, str) else bytes.fromhex(told["hex"])


EDITS: dict[str, Callable[[_Work, Patch], None]] = {
    "every": _Work.every,
    "entry": _Work.entry,
    "element": _Work.element,
    "bit": _Work.bit,
    "payload": _Work.payload,
    "byte": _Work.octets,
    "record": _Work.header_field,
}
"""Edits by the key that tells them."""


class Records:
    """The records of an image in a row, to be moved about; they are named by where they were."""

    def __init__(self, frame: Frame, left: Collection[tuple[int, str]] = ()) -> None:
        """Begin with the records in their order.

        Args:
            frame: The image.
            left: Records and fields that no seal changes.
        """
        self._frame = frame
        self._left = left
        self._order = list(frame.order_of_rows)
        self._cut: int | None = None
        self._taken: list[tuple[int, int]] = []
        self._renumber = False

    def delete(self, patch: Patch) -> None:
        """``delete`` (a selector), ``count``."""
        begin = self._at(patch["delete"])
        del self._order[begin : begin + patch.get("count", 1)]
        self._renumber |= patch.get("renumber", False)

    def duplicate(self, patch: Patch) -> None:
        """``duplicate`` (a selector), ``count``, ``before`` (a selector)."""
        begin = self._at(patch["duplicate"])
        copied = self._order[begin : begin + patch.get("count", 1)]
        to = self._at(patch["before"]) if "before" in patch else begin
        self._order[to:to] = copied
        self._renumber |= patch.get("renumber", False)

    def insert(self, patch: Patch) -> None:
        """``insert`` (a selector), ``count``: records of zeros before it."""
        begin = self._at(patch["insert"])
        self._order[begin:begin] = [_ZEROS] * patch.get("count", 1)
        self._renumber |= patch.get("renumber", False)

    def swap(self, patch: Patch) -> None:
        """``swap`` (two selectors), ``count`` records of each."""
        count = patch.get("count", 1)
        one, two = (self._at(selector) for selector in patch["swap"])
        first, second = self._order[one : one + count], self._order[two : two + count]
        self._order[one : one + count], self._order[two : two + count] = second, first
        self._renumber |= patch.get("renumber", False)

    def blank(self, patch: Patch) -> None:
        """``blank`` (a selector), ``count``: records that become zeros."""
        begin = self._at(patch["blank"])
        count = patch.get("count", 1)
        self._order[begin : begin + count] = [_ZEROS] * count

    def take(self, patch: Patch) -> None:
        """``take`` (a number of bytes), ``at`` (a byte address of what the other moves made)."""
        self._taken.append((patch["at"], patch["take"]))

    def truncate(self, patch: Patch) -> None:
        """``truncate``: bytes left, or taken away if negative; or ``{before: selector}``."""
        cut = patch["truncate"]
        self._cut = cut if isinstance(cut, int) else self._at(cut["before"]) * RECORD

    def joined(self) -> bytes:
        """Return the image."""
        rows = self._frame.rows[self._order]
        rows[np.array(self._order) == _ZEROS] = 0
        if self._renumber:
            self._number(rows)
        made = rows.tobytes()[: self._cut]
        for at, count in self._taken:
            made = made[:at] + made[at + count :]
        return made

    def _at(self, selector: int | str) -> int:
        known = selector if isinstance(selector, int) else self._frame.find(selector).record
        return self._order.index(known)

    def _number(self, rows: Rows) -> None:
        """Let each header say where it is now and, in an image, what lies under it now."""
        order = "<u4" if self._frame.order == "le" else ">u4"
        at = [k for k, record in enumerate(self._order) if record in self._frame.heads]
        start, end = _TAPEA.at, _TAPEA.end
        rows[at, start:end] = np.array(at, order).view(np.uint8).reshape(-1, end - start)
        if self._frame.is_dari:
            self._seal_records(rows, at)
        made = sealed(rows[at], self._frame.order)
        for place, k in enumerate(at):
            for path in ("c_checksum", seals.HEADER_CRC):
                if (self._order[k], path) in self._left:
                    where = locate(path, header_dtype())
                    made[place, where.at : where.end] = rows[k, where.at : where.end]
        rows[at] = made

    def _seal_records(self, rows: Rows, heads: list[int]) -> None:
        order = "<u4" if self._frame.order == "le" else ">u4"
        where = locate(seals.RECORDS_CRC, header_dtype())
        for k, behind in zip(heads, [*heads[1:], len(rows)], strict=True):
            count = seals.announced(rows[k], self._frame.order)
            if (self._order[k], seals.RECORDS_CRC) in self._left or count is None:
                continue
            value = crc32c(rows[k + 1 : min(k + 1 + count, behind)].tobytes())
            if extended(rows[k : k + 1])[0]:
                rows[k, where.at : where.end] = np.array([value], order).view(np.uint8)


OPERATIONS: dict[str, Callable[[Records, Patch], None]] = {
    "delete": Records.delete,
    "duplicate": Records.duplicate,
    "insert": Records.insert,
    "swap": Records.swap,
    "blank": Records.blank,
    "take": Records.take,
    "truncate": Records.truncate,
}
"""Moves of records, likewise."""
