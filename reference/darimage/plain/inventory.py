"""The inventory: what a reader found, as JSON (chapter 88, docs/reference/inventory)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from darimage.plain import xattrs
from darimage.plain.acls import descriptors
from darimage.plain.assemble import (
    ACLS_FRONT,
    ACLS_TRAILING,
    BLOCK,
    CHARACTER,
    DAMAGED,
    DIRECTORY,
    FILE,
    KINDS,
    LINK,
    LOST,
    OFFSET_MAP,
    STATES,
    STREAMS,
    WHOLE,
    Data,
    Inode,
    existing_inodes,
    held_inodes,
    inodes,
    report_bitmaps,
    sections,
)
from darimage.plain.checks import check_short_cuts
from darimage.plain.faults import RECORD, Faults, Refused
from darimage.plain.groups import OPEN, Group
from darimage.plain.opening import Input
from darimage.plain.records import TS_BITS, TS_CLRI
from darimage.plain.rules import ALL, Rules
from darimage.plain.space import Space
from darimage.plain.streams import Streams
from darimage.plain.tree import Tree
from darimage.plain.walk import Walk, walk

WHOLE_MAX = 1 << 30
"""Bytes of a file up to which the hash of all its contents, holes included, is told."""

TARGET_MAX = 65_535
ATTRIBUTES_MAX = 513
"""Records of attributes at most, their header included (DARI-XAT-009)."""

XATTR = 3
"""``c_extattributes`` of the attributes that are read."""

_SECOND = 1_000_000_000


class Image:
    """An image, or a plain dump, that was read to its end.

    Attributes:
        given: The input.
        faults: What was found wrong.
        inodes: By number, those that are lost included.
        streams: The streams of each base.
        descriptors: NT ACLs by inode.
        attributes: Extended attributes by inode.
    """

    def __init__(self, space: Space, rules: Rules = ALL, faults: Faults | None = None) -> None:
        """Read it.

        Raises:
            Refused: It is refused.
        """
        self.faults = faults or Faults()
        self.given = Input(space, self.faults, rules)
        self.walk: Walk = walk(self.given)
        self.inodes = inodes(self.walk)
        self.existing, self.held = existing_inodes(self.walk), held_inodes(self.walk)
        found = sections(self.walk, self.faults)
        for which, section in found.items():
            is_acl = which in (ACLS_FRONT, ACLS_TRAILING)
            if not section.usable and which != OFFSET_MAP:
                self.faults.report("section", section.head.at)
            elif section.usable and section.data.wrong and not is_acl:
                self.faults.report("section-damaged", section.head.at)
        self.streams = Streams(self.walk, found, self.inodes)
        report_bitmaps(self.walk, [*self.inodes, *self.streams.found])
        self.attributes = {number: self._attributes(inode) for number, inode in self.inodes.items()}
        for inode in self.inodes.values():
            if inode.kind == LINK:
                self._check_target(inode)
        self.tree = Tree(self.walk, self.inodes, self.existing, self.held, self.streams.elsewhere)
        self.descriptors = descriptors(self.walk, found, self.inodes)
        check_short_cuts(self.walk, found, self.inodes)
        for inode in self.inodes.values():
            if WHOLE < inode.state < LOST:
                self.faults.report(STATES[inode.state], None, inode.number)
        if not self.given.is_image:
            self.faults.report("no-checksums")
        if self.faults.serious and not rules.follows("DARI-FLT-002"):
            raise Refused("no-dump", "something is damaged")

    @property
    def is_done(self) -> bool:
        """Whether the outcome is *done* and not *done with faults* (DARI-FLT-003)."""
        if not self.faults.serious:
            return True
        rules = self.given.rules
        return not rules.follows("DARI-FLT-001") or not rules.follows("DARI-FLT-003")

    # Attributes of inodes.

    def _attributes(self, inode: Inode) -> dict[bytes, bytes]:
        """Return an inode's extended attributes by their full names (DARI-XAT-019)."""
        found: dict[bytes, bytes] = {}
        records = 0
        groups = inode.attributes
        if not self.given.is_image and len(groups) > 1:
            groups = groups if self.given.rules.follows("DARI-XAT-014") else groups[-1:]
        for group in groups:
            records += 1 + sum(piece.length for piece in group.pieces)
            for name, value in self._of_group(inode, group).items():
                if name in found:
                    self.faults.report("attribute", group.head.at, inode.number)
                else:
                    found[name] = value
        body = inode.head.body if inode.head else None
        expected = int(getattr(body, "attribute_records", records))
        if records > expected:
            self.faults.report("attribute-records", None, inode.number)
        elif records < expected:
            self._damaged(inode, None)
        return found

    def _of_group(self, inode: Inode, group: Group) -> dict[bytes, bytes]:
        head, rules = group.head, self.given.rules
        whole = group.is_whole and not group.wrong and group.known != OPEN
        records = 1 + sum(piece.length for piece in group.pieces)
        fits = records <= ATTRIBUTES_MAX and head.fields.c_extattributes == XATTR
        if not whole or not rules.keeps("DARI-XAT-009", fits):
            self._damaged(inode, head.at)
            return {}
        payload = b"".join(
            self.given.space.read(piece.at or 0, piece.length * RECORD) or b""
            for piece in group.pieces
        )

        def on_fault(name: str) -> None:
            self.faults.report(name, head.at, inode.number)
            inode.attributes_whole = False

        size = min(head.size, len(payload))
        more = self.given.is_image
        return xattrs.decode(payload, size, self.given.order, rules, on_fault, more=more)

    def _damaged(self, inode: Inode, at: int | None) -> None:
        self.faults.report("attributes-damaged", at, inode.number)
        inode.attributes_whole = False

    def _check_target(self, inode: Inode) -> None:
        """Look whether a symbolic link's target is one (DARI-FIL-008)."""
        data = inode.data
        if not inode.contents or (inode.state > WHOLE and data.size <= TARGET_MAX):
            return
        has_hole = sum(one.length for one in data.stretches) * RECORD < data.size
        target = data.bytes() if data.size <= TARGET_MAX and not has_hole else b""
        if not target or b"\0" in target:
            at = inode.head.at if inode.head else None
            self.faults.report("target", at, inode.number)
            inode.worsen(DAMAGED)

    # JSON.

    def as_json(self) -> dict[str, Any]:
        """Return the inventory."""
        listed = [
            inode
            for number, inode in self.inodes.items()
            if number not in self.streams.elsewhere or inode.paths
        ]
        listed.sort(key=lambda one: (not one.paths, min(one.paths, default=b""), one.number))
        return {
            "inventory": 1,
            "image": self._identity(),
            "inodes": [self._inode(inode) for inode in listed],
            "faults": self._faults(),
        }

    def _faults(self) -> list[dict[str, Any]]:
        found = self.faults.as_json()
        return found if not found or self.given.rules.follows("DARI-FLT-001") else []

    def _identity(self) -> dict[str, Any]:
        given = self.given
        fields, body = given.first.fields, given.body
        epoch = int(body.c_date_epoch) if body is not None else 0
        base_epoch = int(body.c_ddate_epoch) if body is not None else 0
        made: dict[str, Any] = {
            "dialect": "dari" if given.is_image else "dump",
            "order": given.order,
            "uuid": None,
            "date": str((epoch << 32) + fields.c_date),
            "base_date": str((base_epoch << 32) + fields.c_ddate),
            "level": int(fields.c_level),
            "label": text(bytes(fields.c_label).partition(b"\0")[0]),
        }
        if body is not None:
            made["uuid"] = str(UUID(bytes=self.uuid))
        return made

    def _inode(self, inode: Inode) -> dict[str, Any]:
        told: dict[str, Any] = {
            "inode": inode.number,
            "paths": [text(path) for path in sorted(inode.paths)],
            "type": KINDS.get(inode.kind, "unknown"),
        }
        if inode.state > WHOLE and self.given.rules.follows("DARI-FLT-004"):
            told["state"] = STATES[inode.state]
        if inode.state == LOST:
            return told
        if inode.head is not None:
            told |= self._of_head(inode)
        if not inode.contents:
            told["contents"] = False
        if inode.kind == FILE:
            told |= self.data_of(inode)
        else:
            told |= _extents_of(inode.data)
        if not inode.attributes_whole:
            told["attributes"] = False
        return told | self._attached(inode)

    def _of_head(self, inode: Inode) -> dict[str, Any]:
        """Return what the header says of an inode."""
        assert inode.head is not None  # noqa: S101 - for mypy
        old, body = inode.head.dinode, inode.head.body
        told: dict[str, Any] = {"mode": f"{old.di_mode & 0o7777:04o}"}
        told["uid"], told["gid"] = self.owner_of(inode)
        told["nlink"] = int(old.di_nlink if body is None else getattr(body, "nlink", 0))
        times = times_of(inode, self.given)
        told |= {name: str(times[name]) for name in ("atime", "mtime", "ctime")}
        told["birthtime"] = str(times["birthtime"]) if times["birthtime"] else None
        if inode.kind in (CHARACTER, BLOCK):
            told["rdev"] = device_of(inode, self.given.rules)
        if inode.kind == LINK:
            whole = inode.state == WHOLE and inode.contents
            told["target"] = text(inode.data.bytes()) if whole else None
        return told

    def owner_of(self, inode: Inode) -> tuple[int, int]:
        """Return owner and group; in dumps of the old format from the old fields (REC-026)."""
        assert inode.head is not None  # noqa: S101 - for mypy
        old = inode.head.dinode
        if self.given.old_format:
            return int(old.di_ouid), int(old.di_ogid)
        return int(old.di_uid), int(old.di_gid)

    @property
    def uuid(self) -> bytes:
        """``image_uuid``; empty if there is none."""
        body = self.given.body
        return bytes(body.image_uuid) if body is not None else b""

    @property
    def base_uuid(self) -> bytes:
        """``base_uuid`` of both bitmaps; empty if they differ or are not there (DARI-INC-008)."""
        maps = (TS_CLRI, TS_BITS)
        heads = [group.head for group in self.walk.groups if group.head.c_type in maps]
        found = {bytes(head.body.base_uuid) for head in heads if head.body is not None}
        return found.pop() if len(found) == 1 else b""

    def data_of(self, inode: Inode) -> dict[str, Any]:
        """Return size, blocks and hashes of a file's contents."""
        data = inode.data
        told: dict[str, Any] = {"size": str(data.size), "extents": extents(data.promised)}
        told |= _extents_of(data) | {"data_sha256": None, "sha256": None}
        if inode.state > WHOLE or not inode.contents:
            return told
        present, whole, done = hashlib.sha256(), hashlib.sha256(), 0
        is_small = data.size <= WHOLE_MAX
        for offset, block in data.present():
            present.update(block)
            if is_small:
                add_zeros(whole, offset - done)
                whole.update(block)
            done = offset + len(block)
        told["data_sha256"] = present.hexdigest()
        if is_small:
            add_zeros(whole, data.size - done)
            told["sha256"] = whole.hexdigest()
        return told

    def _attached(self, inode: Inode) -> dict[str, Any]:
        """Return NT ACL, extended attributes and streams; what there is none of is left out."""
        told: dict[str, Any] = {}
        if inode.number in self.descriptors:
            value = self.descriptors[inode.number]
            told["descriptor"] = {"size": len(value), "sha256": hashed(value)}
        if values := self.attributes.get(inode.number):
            told["xattrs"] = [
                {"name": text(name), "size": len(value), "sha256": hashed(value)}
                for name, value in sorted(values.items())
            ]
        if found := self.streams.of.get(inode.number):
            told["streams"] = [self._stream(name, stream) for name, stream in found]
        return told

    def _stream(self, name: bytes, stream: Inode) -> dict[str, Any]:
        told: dict[str, Any] = {"name": text(name)}
        if stream.state > WHOLE:
            told["state"] = STATES[stream.state]
        return told | self.data_of(stream)


def times_of(inode: Inode, given: Input) -> dict[str, int]:
    """Return the times of an inode in nanoseconds since 1970 (DARI-FIL-011, DARI-FIL-024)."""
    assert inode.head is not None  # noqa: S101 - for mypy
    old, body = inode.head.dinode, inode.head.body
    if body is not None and given.rules.follows("DARI-FIL-011"):
        names = ("atime", "mtime", "ctime", "birthtime")
        return {name: int(getattr(body, f"{name}_ns", 0)) for name in names}
    made = {"birthtime": 0}
    for name in ("atime", "mtime", "ctime"):
        value = getattr(old, f"di_{name}")
        seconds, part = int(value.tv_sec), int(value.tv_usec)
        if given.rules.follows("DARI-FIL-024"):
            if seconds >= 1 << 31 and given.first.fields.c_date < 1 << 31:
                seconds -= 1 << 32
            if not 0 <= part < _SECOND:
                given.faults.report("time", inode.head.at, inode.number)
                part = 0
            if part >= 1_000_000:
                made[name] = seconds * _SECOND + part  # nanoseconds
                continue
        made[name] = seconds * _SECOND + part * 1000
    return made


def device_of(inode: Inode, rules: Rules) -> int:
    """Return the number of a device (DARI-FIL-012)."""
    assert inode.head is not None  # noqa: S101 - for mypy
    first, second = (int(number) for number in inode.head.dinode.di_db[:2])
    if not first and second and rules.follows("DARI-FIL-012"):
        return second
    return first


def _extents_of(data: Data) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if data.missing:
        told["missing"] = extents(data.missing)
    if data.doubtful:
        told["doubtful"] = extents(data.doubtful)
    return told


def extents(found: Sequence[tuple[int, int]]) -> list[list[str]]:
    """Return extents as JSON has them."""
    return [[str(first), str(count)] for first, count in found]


def text(value: bytes) -> dict[str, str]:
    """Return bytes as text, or as base64 if they are not UTF-8."""
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def hashed(value: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(value).hexdigest()


def add_zeros(hashed_so_far: Any, count: int) -> None:
    """Add zeros to a hash."""
    while count > 0:
        hashed_so_far.update(bytes(min(count, 1 << 20)))
        count -= 1 << 20


__all__ = ["DIRECTORY", "STREAMS", "Image"]
