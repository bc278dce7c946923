"""Entries of many directories at once, as columns (chapter 50).

All chunks are walked side by side: step k looks at the k-th entry of each. ``sections.directory``
decodes one directory and is what this is tested against.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.schema import Order
from darimage.sections.directory import CHUNK, HEAD
from darimage.sections.names import NAME_MAX

Ints = npt.NDArray[np.int64]

_STRIDE = 8192
"""Chunks decoded at once: bounds the memory of the steps in between."""

_HASHED = 1 << 16
"""Bytes of names that are hashed at once; more would not stay in the processor's cache."""

_FACTOR = 0x9E3779B97F4A7C15
"""Odd, so that it has an inverse modulo 2^64."""


class Entries(NamedTuple):
    """Used entries as columns of the same length, in the order they are stored.

    Attributes:
        chunk: Number of the chunk each is in.
        inode: ``d_ino``.
        d_type: File type; 0 unknown.
        at: Byte of the first byte of its name within the data.
        length: Bytes of its name.
    """

    chunk: npt.NDArray[np.int32]
    inode: npt.NDArray[np.uint32]
    d_type: npt.NDArray[np.uint8]
    at: npt.NDArray[np.int64]
    length: npt.NDArray[np.uint8]

    def pick(self, keep: Any) -> Entries:
        """Return some of the entries, by whatever selects from an array."""
        return Entries(
            self.chunk[keep],
            self.inode[keep],
            self.d_type[keep],
            self.at[keep],
            self.length[keep],
        )


class Broken(NamedTuple):
    """An entry that cannot be (DARI-DIR-022).

    Attributes:
        chunk: Number of the chunk it is in.
        at: Its first byte within the data.
        reclen: Its ``d_reclen``.
        namlen: Its ``d_namlen``.
        is_followed: Only its name does not fit, and the next entry is where ``d_reclen`` says; else
            the rest of its 512 bytes is passed over.
        left: Bytes at the end of its chunk that are too few for an entry; then there is none.
    """

    chunk: int
    at: int
    reclen: int
    namlen: int
    is_followed: bool
    left: int = 0


def decode(
    data: npt.NDArray[np.uint8],
    starts: Ints,
    lengths: Ints,
    order: Order,
    *,
    old_format: bool = False,
) -> tuple[Entries, list[Broken]]:
    """Return the used entries of chunks, and where they are broken.

    Args:
        data: Bytes that hold all chunks, a multiple of 4.
        starts: First byte of each chunk, multiples of 4, ascending.
        lengths: Bytes of each chunk.
        order: Byte order of the image.
        old_format: Entries have a 16-bit name length and no type (DARI-REC-026).
    """
    words = data.view("<u4" if order == "le" else ">u4")
    found: list[Entries] = []
    broken: list[Broken] = []
    for first in range(0, len(starts), _STRIDE):
        here = slice(first, first + _STRIDE)
        steps = _steps(words, starts[here], lengths[here], order, old_format, first, broken)
        if steps:
            found.append(_in_order(steps))
    return _joined(found), broken


def _steps(
    words: npt.NDArray[np.uint32],
    starts: Ints,
    lengths: Ints,
    order: Order,
    old_format: bool,
    first: int,
    broken: list[Broken],
) -> list[Entries]:
    """Return what each step over the chunks finds."""
    found = []
    at = np.zeros(len(starts), np.int64)
    active = _with_room(np.arange(len(starts)), at, starts, lengths, first, broken)
    while active.size:
        here = at[active]
        word = (starts[active] + here) >> 2
        inode = words[word]
        reclen, d_type, namlen = _split(words[word + 1], order, old_format)
        fits = (reclen >= HEAD) & (reclen & 3 == 0) & (here + reclen <= lengths[active])
        named = fits & (namlen <= np.minimum(reclen - HEAD, NAME_MAX))
        used = np.flatnonzero(named & (inode != 0))
        if used.size:
            found.append(
                Entries(
                    (active[used] + first).astype(np.int32),
                    inode[used].astype(np.uint32),
                    d_type[used].astype(np.uint8),
                    (word[used] << 2) + HEAD,
                    namlen[used].astype(np.uint8),
                )
            )
        for bad in np.flatnonzero(~fits | (~named & (inode != 0))).tolist():
            chunk, place = int(active[bad]) + first, int(word[bad]) << 2
            said = (int(reclen[bad]), int(namlen[bad]))
            broken.append(Broken(chunk, place, *said, is_followed=bool(fits[bad])))
        at[active] = np.where(fits, here + reclen, (here // CHUNK + 1) * CHUNK)
        active = _with_room(active, at, starts, lengths, first, broken)
    return found


def _with_room(
    active: Ints, at: Ints, starts: Ints, lengths: Ints, first: int, broken: list[Broken]
) -> Ints:
    """Return the chunks that have room for one more entry; note those with a rest that is less."""
    rest = lengths[active] - at[active]
    for short in np.flatnonzero((rest > 0) & (rest < HEAD)).tolist():
        chunk, left = int(active[short]), int(rest[short])
        place = int(starts[chunk] + at[chunk])
        broken.append(Broken(chunk + first, place, 0, 0, is_followed=True, left=left))
    return active[rest >= HEAD]


def _split(word: npt.NDArray[np.uint32], order: Order, old_format: bool) -> tuple[Ints, Ints, Ints]:
    """Return ``d_reclen``, ``d_type`` and ``d_namlen`` of the second words of entries."""
    wide = word.astype(np.int64)
    reclen, rest = (wide & 0xFFFF, wide >> 16) if order == "le" else (wide >> 16, wide & 0xFFFF)
    if old_format:
        return reclen, np.zeros_like(rest), rest
    first, second = (rest & 0xFF, rest >> 8) if order == "le" else (rest >> 8, rest & 0xFF)
    return reclen, first, second


def _in_order(steps: list[Entries]) -> Entries:
    joined = _joined(steps)
    order = np.argsort(joined.at, kind="stable")
    return joined.pick(order)


def _joined(parts: list[Entries]) -> Entries:
    if not parts:
        return Entries(
            np.zeros(0, np.int32),
            np.zeros(0, np.uint32),
            np.zeros(0, np.uint8),
            np.zeros(0, np.int64),
            np.zeros(0, np.uint8),
        )
    return Entries(
        np.concatenate([part.chunk for part in parts]),
        np.concatenate([part.inode for part in parts]),
        np.concatenate([part.d_type for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.length for part in parts]),
    )


def bad_names(data: npt.NDArray[np.uint8], entries: Entries) -> npt.NDArray[np.bool_]:
    """Tell which names no entry may have but the first two (DARI-DIR-007).

    These are the empty ones, ``.``, ``..``, and those with ``/`` or NUL.
    """
    length = entries.length.astype(np.int64)
    first = data[np.minimum(entries.at, len(data) - 1)] if len(data) else length
    second = data[np.minimum(entries.at + 1, len(data) - 1)] if len(data) else length
    dot = ord(".")
    bad: npt.NDArray[np.bool_] = (length == 0) | (
        (first == dot) & ((length == 1) | ((length == 2) & (second == dot)))
    )
    for start in range(0, len(length), _STRIDE):
        here = slice(start, start + _STRIDE)
        bad[here] |= _holds_separator(data, entries.at[here], length[here])
    return bad


def number_within(owners: Ints, which: Ints) -> Ints:
    """Return the number of some entries, each within its directory.

    Args:
        owners: Row of the directory of each entry, ascending.
        which: The entries, by their number among all.
    """
    return np.asarray(which - np.searchsorted(owners, owners[which], side="left"))


def _holds_separator(data: npt.NDArray[np.uint8], at: Ints, length: Ints) -> npt.NDArray[np.bool_]:
    low, high = int(at.min()), int((at + length).max())
    part = data[low:high]
    # Counted modulo 256: a name has at most 255 bytes, so what it holds of them still shows.
    forbidden = np.zeros(len(part) + 1, np.uint8)
    np.cumsum((part == ord("/")) | (part == 0), dtype=np.uint8, out=forbidden[1:])
    found: npt.NDArray[np.bool_] = forbidden[at - low + length] != forbidden[at - low]
    return found


def names_again(
    data: npt.NDArray[np.uint8], entries: Entries, owners: Ints
) -> npt.NDArray[np.bool_]:
    """Tell which entries have the name of one before them in the same directory (DARI-DIR-018).

    Args:
        data: Bytes that hold all names.
        entries: In the order they are stored.
        owners: Row of the directory of each, ascending.
    """
    again = np.zeros(len(owners), np.bool_)
    keys = _hashes(data, entries.at, entries.length.astype(np.int64))
    keys ^= (owners.astype(np.uint64) << np.uint64(9)) * np.uint64(_FACTOR)
    in_order = np.sort(keys)
    repeated = in_order[1:][in_order[1:] == in_order[:-1]]
    if not repeated.size:
        return again
    seen: set[tuple[int, bytes]] = set()
    for at in np.flatnonzero(np.isin(keys, repeated)).tolist():
        start = int(entries.at[at])
        name = data[start : start + int(entries.length[at])].tobytes()
        again[at] = (int(owners[at]), name) in seen
        seen.add((int(owners[at]), name))
    return again


def _hashes(data: npt.NDArray[np.uint8], at: Ints, length: Ints) -> npt.NDArray[np.uint64]:
    """Return a number for each name, the same for the same bytes."""
    found = np.zeros(len(at), np.uint64)
    pending = [(first, min(first + 1024, len(at))) for first in range(0, len(at), 1024)]
    while pending:
        first, end = pending.pop()
        here = slice(first, end)
        low, high = int(at[here].min()), int((at[here] + length[here]).max())
        if high - low > _HASHED:
            middle = (first + end) // 2
            pending += [(first, middle), (middle, end)]
            continue
        powers, inverses = _powers()
        sums = np.zeros(high - low + 1, np.uint64)
        # Zero bytes at the end of a name would not count otherwise.
        np.cumsum((data[low:high] + np.uint64(1)) * powers[: high - low], out=sums[1:])
        start = at[here] - low
        found[here] = (sums[start + length[here]] - sums[start]) * inverses[start]
    return found


@cache
def _powers() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return the powers of the factor modulo 2^64, and of its inverse."""
    columns = []
    for factor in (_FACTOR, pow(_FACTOR, -1, 1 << 64)):
        powers = np.full(_HASHED + 1, factor, np.uint64)
        powers[0] = 1
        columns.append(np.cumprod(powers, dtype=np.uint64))
    return columns[0], columns[1]
