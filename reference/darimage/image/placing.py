"""Puts the records of a damaged image back at their numbers (DARI-REC-031, DARI-REC-033).

Every header says which record it is. What lies under one is counted on from it; what lies between
two that are as far apart as they say is where it should be. Of several copies of a record the one
whose group is whole counts, then the first.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darimage.faults import Fault
from darimage.image.batch import Ints
from darimage.image.survey import CLOSED, PROVEN, Found
from darimage.schema import CType
from darimage.units import RECORD

Mask = npt.NDArray[np.bool_]

WHOLE, HEAD, BETWEEN, UNDER, BEFORE = range(5)
"""What records are, best first: a group that is whole, a header, what lies between headers that
are as far apart as they should be, what lies behind a header whose group is not whole, what lies
before a header."""

_FEW = 4
"""Neighbours that must be before their numbers are judged."""

_TOLD = 100
"""Places of each kind that are reported one by one."""


@dataclass(frozen=True)
class Placed:
    """Where the records of an image lie.

    Attributes:
        segments: First byte of the image, the one after the last, and where the first lies.
        doubtful: Bytes of the image that may be others than were written.
        first: Number of the first header.
        numbers: Record number of each header that was found.
        is_open: Something is missing, or not known to be under any header.
        faults: What was found wrong.
    """

    segments: Ints
    doubtful: Ints
    first: int
    numbers: Ints
    is_open: bool
    faults: list[Fault]


class _Anchors(NamedTuple):
    """Where groups lie and belong, in the order they lie.

    Attributes:
        header: Byte of each header.
        place: Byte of the first record that counts: the header, or what is behind a joint.
        number: Record number of that.
        length: Records that count.
        whole: Whether the group is closed or proven.
        even: ``place`` less the joints before it: what numbers are compared with.
        inode: ``c_inumber``.
        is_joint: It opens a volume of a plain dump and is no record of the image.
    """

    header: Ints
    place: Ints
    number: Ints
    length: Ints
    whole: Mask
    even: Ints
    inode: Ints
    is_joint: Mask


def place(found: Found, total: int, *, numbered: bool) -> Placed:
    """Return where records belong.

    Args:
        found: The headers; at least one.
        total: Records of the image, as its volume header says; 0 if it is not known.
        numbered: The image is no plain dump: each record has a number of its own, and CRCs tell
            whether data is right.
    """
    faults: list[Fault] = []
    is_joint = (found.c_type == CType.TS_TAPE) & (found.volume > 1) & (not numbered)
    joints = _joints_before(found, is_joint)
    even = found.address + is_joint * RECORD - joints * RECORD
    number = found.tapea.copy() if numbered else _counted(found, is_joint)
    if not numbered and not _mean_something(number, even):
        told = "record numbers mean nothing here: records are taken as they lie"
        faults.append(Fault("numbers", told, requirement="DARI-REC-031"))
        number = even // RECORD
        number = np.maximum.accumulate(number)
    _mend_numbers(number, even, found, total, faults, numbered=numbered)
    shift = number * RECORD - even
    steady = np.zeros(len(found), np.bool_)
    steady[:-1] = shift[1:] == shift[:-1]
    whole = (found.state == PROVEN) | (found.length == 1) & ~is_joint
    length = found.length.copy()
    if is_joint.any():
        closed = _close_over_joints(found, number, even, length, is_joint)
    else:
        closed = (found.state == CLOSED) & steady
    anchors = _Anchors(
        header=found.address,
        place=found.address + is_joint * RECORD,
        number=number,
        length=length,
        whole=whole | closed,
        even=even,
        inode=found.inode,
        is_joint=is_joint,
    )
    has_end = int(found.c_type[-1]) == CType.TS_END
    segments = _chosen(_pieces(anchors, steady, found.size, has_end=has_end))
    suspect = np.zeros(0, np.int64) if numbered else _suspect(anchors, segments)
    in_doubt = segments[segments[:, 3] >= BETWEEN]
    is_open = bool(len(in_doubt)) or bool((segments[1:, 0] != segments[:-1, 1]).any())
    segments, doubtful = _in_bytes(segments), _in_bytes(in_doubt)[:, :2]
    faults += _told(anchors, shift, segments, suspect)
    for address in found.foreign.tolist()[:_TOLD]:
        told = f"the header that is due at byte {address} is of another image"
        at = address // RECORD
        faults.append(Fault("foreign-header", told, None, None, at, "DARI-REC-030"))
    return Placed(segments, doubtful, max(0, int(number[0])), number, is_open, faults)


# -- numbers --------------------------------------------------------------------------------------


def _joints_before(found: Found, is_joint: Mask) -> Ints:
    """Return how many headers of further volumes lie in front of each header, and it included.

    Those of missing volumes count: a gap is in their place.
    """
    here = np.cumsum(is_joint)
    said = found.volume.astype(np.int64) - 1
    known = is_joint & (said <= found.address // RECORD)
    return np.maximum(here, np.maximum.accumulate(np.where(known, said, 0)))


def _counted(found: Found, is_joint: Mask) -> Ints:
    """Return the numbers of the headers of a plain dump, headers of further volumes left out.

    Some writers do not count the header of a volume (0.4b56): the record behind it has its number.
    """
    tapea = found.tapea
    tapes = np.flatnonzero(found.c_type == CType.TS_TAPE)
    behind = tapes[(tapes + 1 < len(found)) & (found.state[tapes] == CLOSED)]
    steps = tapea[behind + 1] - tapea[behind] if behind.size else np.ones(1, np.int64)
    if (steps == 0).sum() * 2 > len(steps):
        counted: Ints = tapea + ((found.c_type != CType.TS_TAPE) | is_joint)
        return counted
    heads, at = np.unique(tapea[is_joint], return_index=True)
    # Headers of volumes that are missing are counted as well, if those that are there say so.
    said = found.volume[is_joint][at].astype(np.int64) - 1
    here = np.arange(1, len(heads) + 1)
    before = np.maximum.accumulate(np.where(said <= heads, np.maximum(said, here), here))
    # Of a joint the number is that of the record behind it.
    behind_heads = np.searchsorted(heads, tapea, side="left")
    left: Ints = tapea - np.concatenate(([0], before))[behind_heads]
    if len(heads):
        own = np.searchsorted(heads, tapea[is_joint])
        left[is_joint] = tapea[is_joint] - before[own] + 1
    return left


def _mean_something(number: Ints, even: Ints) -> bool:
    """Tell whether most neighbours are as far apart as their numbers say (DARI-REC-031)."""
    if len(number) <= _FEW:
        return bool((number >= 0).all())
    same = np.diff(number) * RECORD == np.diff(even)
    return int(same.sum()) * 2 >= len(same)


def _mend_numbers(
    number: Ints, even: Ints, found: Found, total: int, faults: list[Fault], *, numbered: bool
) -> None:
    """Give headers whose number is wrong that of their place.

    One is if it is where it is due, its neighbours are as far apart as they say, and the number it
    has is that of another record, or of none.
    """
    count = len(number)
    shift = number * RECORD - even
    before = np.concatenate((shift[:1], shift[:-1]))
    behind = np.concatenate((shift[1:], shift[-1:]))
    if count > 1 and total > 0:
        behind[-1] = before[-1]
    reaches = found.address[1:] == found.address[:-1] + found.length[:-1] * RECORD
    due = np.concatenate(([False], reaches)) & np.concatenate((reaches, [True]))
    odd = (shift != before) & (before == behind) & due
    if not odd.any():
        return
    right = np.flatnonzero(~odd)
    order = right[np.argsort(number[right], kind="stable")]
    starts, ends = number[order], number[order] + found.length[order]
    at = np.searchsorted(starts, number, side="right") - 1
    taken = (at >= 0) & (number < np.maximum.accumulate(ends)[np.maximum(at, 0)])
    most = total if total > 0 else int(ends.max(initial=0))
    wrong = np.flatnonzero(odd & (taken | (number < 0) | (number >= most)))
    for one in wrong.tolist():
        said = int(number[one])
        number[one] = (even[one] + before[one]) // RECORD
        if len(faults) < _TOLD:
            told = f"the header here says that it is record {said}"
            at_record, inode = int(number[one]), int(found.inode[one])
            fault = Fault("wrong-place", told, None, inode or None, at_record, "DARI-REC-006")
            faults.append(fault)
            if not numbered:
                faults.append(fault._replace(kind="group-open", requirement="DARI-REC-031"))


def _close_over_joints(
    found: Found,
    number: Ints,
    even: Ints,
    length: Ints,
    is_joint: Mask,
) -> Mask:
    """Tell which groups are closed if volumes begin among their records; set lengths of joints."""
    closed = found.state == CLOSED
    shift = number * RECORD - even
    result = np.zeros(len(found), np.bool_)
    owner = -1
    for at in range(len(found)):
        if not is_joint[at]:
            owner = at
            continue
        rest = int(number[owner] + found.length[owner] - number[at]) if owner >= 0 else 0
        length[at] = max(0, rest)
    owner, steady = -1, True
    # A group and the joints in it are closed together.
    for at in range(len(found)):
        if is_joint[at] and owner >= 0:
            steady = steady and bool(shift[at] == shift[owner])
        else:
            if owner >= 0:
                good = bool(closed[owner]) and steady and bool(shift[at] == shift[owner])
                result[owner:at] = good
            owner, steady = at, True
    return result


# -- pieces ---------------------------------------------------------------------------------------


def _pieces(anchors: _Anchors, steady: Mask, size: int, *, has_end: bool) -> Ints:
    """Return pieces of the image: first number, number after the last, byte, what they are.

    Args:
        anchors: The groups.
        steady: Which are as far from the next as both say.
        size: Bytes of the input.
        has_end: The last of them ends the image: what lies behind it is none of its.
    """
    count = len(anchors.number)
    ends = np.concatenate((anchors.header[1:], [size]))
    following = np.concatenate((anchors.number[1:], anchors.number[-1:]))
    there = np.maximum((ends - anchors.place) // RECORD, 0)
    held = np.minimum(anchors.length, there)
    # The header of a volume may be missing in front of the next one that is there.
    bounded = np.concatenate((anchors.is_joint[1:], [False])) & (following > anchors.number)
    held = np.where(bounded, np.minimum(held, following - anchors.number), held)
    after = anchors.number + held
    whole = anchors.whole
    found = [
        _rows(anchors.number, after, anchors.place, WHOLE, whole),
        _rows(anchors.number, anchors.number + 1, anchors.place, HEAD, ~whole & ~anchors.is_joint),
        _rows(
            anchors.number + ~anchors.is_joint,
            after,
            anchors.place + ~anchors.is_joint * RECORD,
            UNDER,
            ~whole,
        ),
        _rows(after, following, anchors.place + held * RECORD, BETWEEN, steady),
    ]
    jumps = ~steady & (np.arange(count) < count - 1)
    room = np.minimum(there - held, following - after)
    room = np.where(jumps, np.maximum(room, 0), 0)
    found.append(_rows(following - room, following, ends - room * RECORD, BEFORE, room > 0))
    rest = 0 if has_end else int(there[-1] - held[-1])
    last = after[-1:], after[-1:] + rest, anchors.place[-1:] + held[-1:] * RECORD
    found.append(_rows(*last, BETWEEN, np.array([rest > 0])))
    first = min(int(anchors.header[0]) // RECORD, max(0, int(anchors.number[0])))
    lead = np.array(
        [[anchors.number[0] - first, anchors.number[0], anchors.header[0] - first * RECORD, BEFORE]]
    )
    pieces = np.concatenate([*found, lead])
    return pieces[(pieces[:, 1] > pieces[:, 0]) & (pieces[:, 0] >= 0)]


def _rows(start: Ints, end: Ints, byte: Ints, what: int, chosen: Mask) -> Ints:
    kind = np.full(len(start), what, np.int64)
    rows: Ints = np.stack((start, end, byte, kind), axis=1)[chosen]
    return rows


def _chosen(pieces: Ints) -> Ints:
    """Return pieces none of which lies over another: of several the best, then the first."""
    pieces = _merged(pieces[np.lexsort((pieces[:, 2], pieces[:, 3]))])
    ranks = np.argsort(np.lexsort((pieces[:, 2], pieces[:, 3])))
    order = np.argsort(pieces[:, 0], kind="stable")
    starts, ends, bytes_, kinds = (pieces[order, k].tolist() for k in range(4))
    rank = ranks[order].tolist()
    result: list[tuple[int, int, int, int]] = []
    heap: list[tuple[int, int]] = []
    bounds = np.unique(pieces[:, :2]).tolist()
    at = 0
    for low, high in pairwise(bounds):
        while at < len(starts) and starts[at] <= low:
            heapq.heappush(heap, (rank[at], at))
            at += 1
        while heap and ends[heap[0][1]] <= low:
            heapq.heappop(heap)
        if heap:
            best = heap[0][1]
            byte = bytes_[best] + (low - starts[best]) * RECORD
            result.append((low, high, byte, kinds[best]))
    return _merged(np.array(result, np.int64).reshape(-1, 4))


def _merged(pieces: Ints) -> Ints:
    """Return pieces of which no two that follow one another go on where the other ends."""
    if not len(pieces):
        return pieces
    lies = pieces[:, 2] - pieces[:, 0] * RECORD
    go_on = (pieces[1:, 0] == pieces[:-1, 1]) & (lies[1:] == lies[:-1])
    go_on &= pieces[1:, 3] == pieces[:-1, 3]
    first = np.concatenate(([0], np.flatnonzero(~go_on) + 1))
    last = np.concatenate((first[1:] - 1, [len(pieces) - 1]))
    return np.stack((pieces[first, 0], pieces[last, 1], pieces[first, 2], pieces[first, 3]), axis=1)


def _in_bytes(pieces: Ints) -> Ints:
    """Return bytes of the image and where they lie, joined where they go on."""
    flat = pieces.copy()
    flat[:, 3] = 0
    flat = _merged(flat)
    return np.stack((flat[:, 0] * RECORD, flat[:, 1] * RECORD, flat[:, 2]), axis=1)


# -- faults ---------------------------------------------------------------------------------------


def _told(anchors: _Anchors, shift: Ints, segments: Ints, suspect: Ints) -> list[Fault]:
    """Return what is wrong: records that are missing, twice or elsewhere, groups that are open."""
    faults = []
    starts, ends = segments[:, 0] // RECORD, segments[:, 1] // RECORD
    lost = np.concatenate((starts[:1], starts[1:] - ends[:-1]))
    where = np.concatenate(([0], ends[:-1]))
    for at in np.flatnonzero(lost > 0).tolist()[:_TOLD]:
        told = f"{_records(int(lost[at]))} not here"
        faults.append(Fault("records-missing", told, None, None, int(where[at]), "DARI-REC-031"))
    back = np.flatnonzero(np.diff(shift) < 0) + 1
    for at in back.tolist()[:_TOLD]:
        told = "records lie here twice, out of order, or between others"
        record = int(anchors.number[at])
        faults.append(Fault("records-extra", told, None, None, record, "DARI-REC-031"))
    _, firsts = np.unique(anchors.inode[suspect], return_index=True)
    for at in suspect[np.sort(firsts)].tolist()[:_TOLD]:
        told = "nothing says that the records behind this header are its own"
        inode = int(anchors.inode[at]) or None
        record = int(anchors.number[at])
        faults.append(Fault("group-open", told, None, inode, record, "DARI-REC-031"))
    return faults


def _suspect(anchors: _Anchors, segments: Ints) -> Ints:
    """Return which groups are open and have no other copy that is whole."""
    some = np.flatnonzero(~anchors.whole & ~anchors.is_joint)
    good = segments[segments[:, 3] == WHOLE]
    if not len(good):
        return some
    # Where they touch, segments lie elsewhere in the input but hold the same image.
    breaks = np.flatnonzero(good[1:, 0] != good[:-1, 1])
    starts = good[np.concatenate(([0], breaks + 1)), 0]
    ends = good[np.concatenate((breaks, [len(good) - 1])), 1]
    at = np.maximum(np.searchsorted(starts, anchors.number[some] + 1, side="right") - 1, 0)
    begins, behind = anchors.number[some] + 1, anchors.number[some] + anchors.length[some]
    found: Ints = some[(begins < starts[at]) | (behind > ends[at])]
    return found


def _records(count: int) -> str:
    return "1 record is" if count == 1 else f"{count} records are"
