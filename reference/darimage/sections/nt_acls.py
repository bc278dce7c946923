"""The payload of the NT ACL sections (chapter 75)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from darimage.errors import FormatError
from darimage.faults import Fault
from darimage.schema import Order, dtype

HEAD = dtype("nt_acls/head").itemsize
"""Bytes of the head, all that there is without rows."""

_ROW = dtype("nt_acls/row").itemsize
_SPAN = dtype("nt_acls/span").itemsize
_ALIGN = 8

MAX_ORIGIN = 1 << 16
"""Bytes of the longest origin (DARI-ACL-008): Linux gives an attribute no more."""

Acl = tuple[bytes, bytes]
"""A self-relative descriptor, and its origin: what stood in front of it in Samba's wrapper."""

OnFault = Callable[[Fault], None]
Ints = npt.NDArray[np.int64]
Column = npt.NDArray[Any]


def encode(acls: Mapping[int, Acl]) -> bytes:
    """Return the payload for descriptors and origins by inode, each distinct one stored once."""
    inodes = np.sort(np.fromiter(acls, np.int64, len(acls)))
    rows = np.zeros(len(acls), dtype("nt_acls/row"))
    descriptors, origins = _Distinct(), _Distinct()
    pairs: dict[Acl, tuple[int, int]] = {}
    numbers = np.empty((len(acls), 2), np.uint32)
    for at, inode in enumerate(inodes.tolist()):
        acl = acls[inode]
        known = pairs.get(acl)
        if known is None:
            descriptor, origin = acl
            known = descriptors.number(descriptor), origins.number(origin) + 1 if origin else 0
            pairs[acl] = known
        numbers[at] = known
    rows["inode"], rows["descriptor"], rows["origin"] = inodes, numbers[:, 0], numbers[:, 1]
    index, heap = _place([*descriptors.found, *origins.found])
    head = np.zeros(1, dtype("nt_acls/head"))
    head["rows"], head["heap_size"] = len(rows), len(heap)
    head["descriptors"], head["origins"] = len(descriptors.found), len(origins.found)
    return b"".join((head.tobytes(), rows.tobytes(), index.tobytes(), heap))


class _Distinct:
    """Numbers byte strings in the order they are first seen."""

    def __init__(self) -> None:
        self.found: dict[bytes, int] = {}

    def number(self, data: bytes) -> int:
        return self.found.setdefault(data, len(self.found))


def _place(parts: list[bytes]) -> tuple[Column, bytes]:
    """Return where parts lie in a heap, and the heap."""
    sizes = np.fromiter(map(len, parts), np.uint64, len(parts))
    index = np.zeros(len(parts), dtype("nt_acls/span"))
    padded = sizes + (-sizes.astype(np.int64) % _ALIGN).astype(np.uint64)
    index["offset"], index["size"] = np.cumsum(padded) - padded, sizes
    return index, b"".join(part + bytes(-len(part) % _ALIGN) for part in parts)


class NtAcls(Mapping[int, Acl]):
    """Descriptors and origins by inode, as columns; each is cut out only when it is asked for.

    Attributes:
        inodes: Inode numbers, ascending.
        descriptor_numbers: For each row the number of its descriptor, from 0.
        origin_numbers: For each row the number of its origin, from 1; 0 for none.
        descriptors: How many distinct descriptors there are.
        origins: How many distinct origins there are.
        size: Bytes of the payload.
    """

    def __init__(
        self, rows: Column, index: Column, origin_index: Column, heap: memoryview, size: int
    ) -> None:
        """Keep checked parts of a payload; see ``decode``."""
        self.inodes: Ints = rows["inode"].astype(np.int64)
        self.descriptor_numbers: Ints = rows["descriptor"].astype(np.int64)
        self.origin_numbers: Ints = rows["origin"].astype(np.int64)
        self.descriptors = len(index)
        self.origins = len(origin_index)
        self.size = size
        self._index = index
        self._origin_index = origin_index
        self._heap = heap

    def __len__(self) -> int:
        return len(self.inodes)

    def __iter__(self) -> Iterator[int]:
        return iter(self.inodes.tolist())

    def __getitem__(self, inode: int) -> Acl:
        """Return descriptor and origin of an inode.

        Raises:
            KeyError: It has none.
            FormatError: One of them is longer than may be.
        """
        row = self.row(inode)
        if row is None:
            raise KeyError(inode)
        origin = int(self.origin_numbers[row])
        descriptor = self.descriptor(int(self.descriptor_numbers[row]))
        return descriptor, self.origin(origin) if origin else b""

    def __contains__(self, inode: object) -> bool:
        return isinstance(inode, int) and self.row(inode) is not None

    def row(self, inode: int) -> int | None:
        """Return the row of an inode, ``None`` if it has none."""
        row = int(np.searchsorted(self.inodes, inode))
        return row if row < len(self.inodes) and self.inodes[row] == inode else None

    def descriptor(self, number: int) -> bytes:
        """Return a descriptor by its number, from 0.

        Raises:
            FormatError: It is longer than may be (DARI-SDE-009).
        """
        # Whoever asks for no descriptor needs not import what reads them.
        from darimage.sections.security.descriptor import MAX_SIZE

        return self._cut(self._index[number], MAX_SIZE, f"descriptor {number}", "DARI-SDE-009")

    def origin(self, number: int) -> bytes:
        """Return an origin by its number, from 1.

        Raises:
            FormatError: It is longer than may be (DARI-ACL-008).
        """
        span = self._origin_index[number - 1]
        return self._cut(span, MAX_ORIGIN, f"origin {number}", "DARI-ACL-008")

    def _cut(self, span: Any, limit: int, what: str, requirement: str) -> bytes:
        offset, size = int(span["offset"]), int(span["size"])
        if size > limit:
            raise _fault(f"{what} has {size} bytes, over {limit}", requirement)
        return bytes(self._heap[offset : offset + size])


def decode(payload: bytes, order: Order = "le", on_fault: OnFault | None = None) -> NtAcls:
    """Return the descriptors and origins by inode.

    What the descriptors hold is not looked at, and nothing is copied but the table.

    Args:
        payload: All of it.
        order: Byte order of the image.
        on_fault: Called for rows that cannot be, which cost themselves alone (DARI-ACL-015); by
            default the first one raises.

    Raises:
        FormatError: Counts or spans do not fit the payload; or what ``on_fault`` would be told.
    """
    if len(payload) < HEAD:
        raise _fault(f"payload of {len(payload)} bytes has no head")
    head = np.frombuffer(payload, dtype("nt_acls/head", order), 1)[0]
    counts = [int(head[name]) for name in ("rows", "descriptors", "origins")]
    rows, descriptors, origins = counts
    heap_at = HEAD + rows * _ROW + (descriptors + origins) * _SPAN
    if heap_at + int(head["heap_size"]) != len(payload):
        told = f"{rows} rows, {descriptors} descriptors, {origins} origins and a heap of "
        raise _fault(f"{told}{head['heap_size']} bytes do not fit")
    table = np.frombuffer(payload, dtype("nt_acls/row", order), rows, HEAD)
    at = HEAD + rows * _ROW
    spans = np.frombuffer(payload, dtype("nt_acls/span", order), descriptors + origins, at)
    _check_spans(spans, len(payload) - heap_at)
    table = _rows(table, descriptors, origins, on_fault)
    if on_fault is not None:
        table = _without_long(table, spans[descriptors:], on_fault)
    heap = memoryview(payload)[heap_at:]
    return NtAcls(table, spans[:descriptors], spans[descriptors:], heap, len(payload))


def _rows(table: Column, descriptors: int, origins: int, on_fault: OnFault | None) -> Column:
    """Return the rows that can be used, ascending by inode."""
    inode = table["inode"]
    lacks = table["descriptor"] >= descriptors
    strange = table["origin"] > origins
    ascends = not (inode[1:] <= inode[:-1]).any()
    if ascends and not lacks.any() and not strange.any():
        return table

    def tell(kind: str, told: str, requirement: str, number: int | None = None) -> None:
        error = _fault(told, requirement)
        if on_fault is None:
            raise error
        on_fault(Fault.of(error, inode=number)._replace(kind=kind))

    again = np.zeros(len(table), np.bool_)
    if not ascends:
        tell("acl-order", "rows do not ascend", "DARI-ACL-002")
        order = np.argsort(inode, kind="stable")
        table, lacks, strange = table[order], lacks[order], strange[order]
        inode = table["inode"]
        again[1:] = inode[1:] == inode[:-1]
    for at in np.flatnonzero(lacks | again).tolist():
        told = "names no descriptor" if lacks[at] else "is the second of its inode"
        tell("acl-row", f"the row of inode {inode[at]} {told}", "DARI-ACL-002", int(inode[at]))
    kept = ~lacks & ~again
    for at in np.flatnonzero(strange & kept).tolist():
        told = f"the row of inode {inode[at]} names no origin"
        tell("acl-origin", told, "DARI-ACL-007", int(inode[at]))
    table = table[kept]
    table["origin"][strange[kept]] = 0
    return table


def _without_long(table: Column, origins: Column, on_fault: OnFault) -> Column:
    """Return rows whose descriptors come without an origin that is longer than may be."""
    sizes = np.concatenate((np.zeros(1, np.int64), origins["size"].astype(np.int64)))
    sizes = sizes[table["origin"]]
    long = np.flatnonzero(sizes > MAX_ORIGIN)
    if not long.size:
        return table
    table = table.copy()
    for at in long.tolist():
        told = f"the origin of inode {table['inode'][at]} has {sizes[at]} bytes, over {MAX_ORIGIN}"
        error = _fault(told, "DARI-ACL-008")
        on_fault(Fault.of(error, inode=int(table["inode"][at]))._replace(kind="acl-origin"))
    table["origin"][long] = 0
    return table


def _check_spans(spans: Column, heap_size: int) -> None:
    """Raise a FormatError if a span leaves the heap or meets another; nothing can wrap around."""
    offset, size = spans["offset"], spans["size"]
    leaves = (offset > heap_size) | (size > heap_size - np.minimum(offset, heap_size))
    if leaves.any():
        at = int(np.flatnonzero(leaves)[0])
        told = f"span {at}, {size[at]} bytes at {offset[at]}, leaves the heap"
        raise _fault(f"{told} of {heap_size} bytes")
    order = np.lexsort((size, offset))
    if (offset[order][1:] < (offset + size)[order][:-1]).any():
        raise _fault("spans overlap", "DARI-ACL-013")


def untidy(payload: bytes, order: Order = "le") -> Iterator[tuple[str, str]]:
    """Yield what a payload has that can be read and is not as it must be, with its requirement.

    Raises:
        FormatError: As for ``decode``.
    """
    found = decode(payload, order)
    head = np.frombuffer(payload, dtype("nt_acls/head", order), 1)
    table = np.frombuffer(payload, dtype("nt_acls/row", order), len(found), HEAD)
    if head["reserved"].any() or table["reserved"].any():
        yield "reserved bytes of the NT ACLs are not zero", "DARI-CNV-004"
    at = HEAD + len(found) * _ROW
    spans = np.frombuffer(
        payload, dtype("nt_acls/span", order), found.descriptors + found.origins, at
    )
    offset = spans["offset"].astype(np.int64)
    ends = offset + spans["size"].astype(np.int64)
    heap = np.frombuffer(payload, np.uint8, offset=at + spans.nbytes)
    by_place = np.argsort(offset, kind="stable")
    padded = ends + -ends % _ALIGN
    wanted = np.append(0, padded[by_place])
    if not np.array_equal(np.append(offset[by_place], len(heap)), wanted):
        yield "descriptors do not follow one another at multiples of 8", "DARI-ACL-006"
    elif any(heap[end:stop].any() for end, stop in zip(ends, padded, strict=True) if end < stop):
        yield "bytes between descriptors are not zero", "DARI-ACL-006"
    if (offset[found.descriptors :] < offset[: found.descriptors].max(initial=0)).any():
        yield "an origin lies before a descriptor", "DARI-ACL-009"
    yield from _repeated(heap, offset, ends, found.descriptors)


def _repeated(
    heap: Column, offset: Ints, ends: Ints, descriptors: int
) -> Iterator[tuple[str, str]]:
    """Yield whether a descriptor, or an origin, is in the heap twice."""
    kinds = ("descriptor", 0, descriptors, "006"), ("origin", descriptors, len(ends), "009")
    for what, first, last, number in kinds:
        seen = {
            heap[start:end].tobytes()
            for start, end in zip(offset[first:last], ends[first:last], strict=True)
        }
        if len(seen) != last - first:
            yield f"a {what} is in the heap twice", f"DARI-ACL-{number}"


def _fault(message: str, requirement: str = "DARI-ACL-001") -> FormatError:
    return FormatError(f"NT ACLs: {message}", requirement=requirement)


NONE = decode(encode({}))
"""The NT ACLs of an image without any."""
