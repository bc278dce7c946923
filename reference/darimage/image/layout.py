"""Where everything of an image lies, computed before any file data is written (phases I to IIIB).

All positions and lengths here are records as if there were one volume; ``Layout.cut`` gives the
real record numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darimage.image.inventory import Column, Inventory
from darimage.sections import bitmap, holes, offset_map
from darimage.sections.payload import Payload, extents_of
from darimage.units import ADDRESSES, RECORD, headers_of
from darimage.volumes.cut import Cut


def run_lengths(sizes: Column, present: Column, attributes: npt.NDArray[np.uint16]) -> Column:
    """Return the records of runs: headers, data and attributes (DARI-FIL-002, DARI-FIL-006).

    Args:
        sizes: Sizes of inodes in bytes.
        present: How many of each one's records are no hole.
        attributes: How many attribute records each one has.
    """
    return header_counts(sizes) + present + attributes


def header_counts(sizes: Column) -> Column:
    """Return how many headers inodes of these sizes (bytes) need (DARI-FIL-002)."""
    return np.maximum(1, -(-sizes // (RECORD * ADDRESSES)))


def place(first: int, lengths: Column) -> Column:
    """Return where runs of these lengths lie, one after another from ``first`` (DARI-OFF-003)."""
    return first + np.cumsum(lengths) - lengths


@dataclass(frozen=True)
class SectionPlan:
    """Place of a section.

    Attributes:
        record: Where its first header lies; 0 if the section is not in the image.
        size: Bytes of its payload.
        extents: The payload's records that are not all zero.
    """

    record: int
    size: int
    extents: holes.Extents

    @property
    def records(self) -> int:
        """Records of the section, headers included."""
        return headers_of(self.size) + int(self.extents[:, 1].sum()) if self.record else 0


@dataclass(frozen=True)
class Layout:
    """Where everything lies; part by part in the order of the image.

    Attributes:
        map_records: Records of each bitmap, without its header.
        runs: Run lengths of the inventory's rows.
        positions: First record of each row's run.
        streams: Stream directories.
        nt_acls: NT ACLs, front.
        offset_map: The offset map.
        files: Where the first file is, or would be.
        trailing: NT ACLs, trailing.
        end: The first ``TS_END``.
        total: Records of the whole image.
        cut: How it is cut into volumes.
    """

    map_records: int
    runs: Column
    positions: Column
    streams: SectionPlan
    nt_acls: SectionPlan
    offset_map: SectionPlan
    files: int
    trailing: SectionPlan
    end: int
    total: int
    cut: Cut


def plan(
    inventory: Inventory,
    nt_acls: bytes | None,
    ntrec: int,
    streams: bytes | None = None,
    cut: Cut | None = None,
) -> Layout:
    """Compute the layout of an image.

    Args:
        inventory: What goes in.
        nt_acls: Payload of the NT ACL sections; ``None`` leaves them out.
        ntrec: Blocking factor; the total is a multiple of it.
        streams: Payload of the stream section; ``None`` leaves it out.
        cut: How the image is cut into volumes, whose capacity is a multiple of ``ntrec``; by
            default into none.
    """
    cut = cut or Cut()
    map_records = bitmap.records_for(inventory.highest)
    runs = run_lengths(inventory.size, _present(inventory), inventory.attribute_records)
    directories = inventory.directories
    above = place(1 + 2 * (1 + map_records), runs[:directories])
    at = 1 + 2 * (1 + map_records) + int(runs[:directories].sum())
    stream_plan, at = _section(at, streams)
    acls, at = _section(at, nt_acls)
    used = offset_map.used_records(inventory.inode[directories:], inventory.highest)
    map_plan = SectionPlan(at, (inventory.highest + 1) * offset_map.ELEMENT, extents_of(used))
    files = at + map_plan.records
    below = place(files, runs[directories:])
    trailing, end = _section(files + int(runs[directories:].sum()), nt_acls)
    return Layout(
        map_records=map_records,
        runs=runs,
        positions=np.concatenate((above, below)),
        streams=stream_plan,
        nt_acls=acls,
        offset_map=map_plan,
        files=files,
        trailing=trailing,
        end=end,
        # A tape block never begins before a volume and ends in it: what fills it is one stretch.
        total=end + ntrec - cut.physical(end) % ntrec,
        cut=cut,
    )


def _section(at: int, payload: bytes | None) -> tuple[SectionPlan, int]:
    """Return a section's plan and where the next part begins."""
    if payload is None:
        return SectionPlan(0, 0, holes.whole(0)), at
    section = SectionPlan(at, len(payload), Payload.of(payload).extents)
    return section, at + section.records


def _present(inventory: Inventory) -> Column:
    present = -(-inventory.size // RECORD)
    for row, extents in inventory.sparse.items():
        present[row] = extents[:, 1].sum()
    return present
