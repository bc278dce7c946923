"""A catalogue made again from the images of its backup sets (DARI-INC-004).

Every image tells its level, date and base, and each inode in it where the source had it. So what
was there when an image was made follows from the chain that leads to it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from darimage.catalog.naming import Links
from darimage.catalog.run import alone
from darimage.catalog.seen import INODE, STATE, STREAM, STREAM_DIRECTORY, Column, Seen
from darimage.catalog.store import Catalogue, CataloguedImage
from darimage.errors import UsageError
from darimage.image.chain import Chain, base_of, date_text
from darimage.image.first_headers import are_first_headers
from darimage.image.headers_at import gather
from darimage.image.reader import Image
from darimage.progress import SILENT, Progress
from darimage.schema import InodeFlag, Verdict
from darimage.sections.header import as_headers
from darimage.units import RECORD, S_IFMT

_NS = 1_000_000_000
_ROOT = 2
_S_IFDIR = 0o040000
_CUT = 63
"""Bytes of a path that ``c_filesys`` holds."""

_WIDTH = 1 + len(STATE)


class Rebuilt(NamedTuple):
    """A backup set that was made again.

    Attributes:
        source: Absolute path of its root.
        device: ``st_dev`` of its root.
        images: How many images it has now.
        inodes: How many inodes were there when the last of them was made.
    """

    source: bytes
    device: int
    images: int
    inodes: int


def rebuild(
    catalogue: Catalogue,
    names: Sequence[str],
    *,
    source: bytes | None = None,
    progress: Progress = SILENT,
) -> list[Rebuilt]:
    """Make backup sets again from all of their images; what was known of them is replaced.

    Args:
        catalogue: Where they go, all or none.
        names: The images, in any order.
        source: Absolute path of the root; by default what the images say.
        progress: Told of the images' bytes.

    Raises:
        UsageError: An image is none of a backup set, or its base is missing.
        FormatError: One is no image at all.
        StorageError: One cannot be read.
    """
    with ExitStack() as opened:
        images = [opened.enter_context(Image.open(name)) for name in names]
        sets: dict[tuple[bytes, int], list[_Link]] = defaultdict(list)
        progress.start("read", sum(image.volume.size for image in images))
        for image in sorted(images, key=lambda one: one.identity.date):
            link = _Link(image)
            sets[_source(image, source), link.device].append(link)
            progress.advance(image.volume.size)
        progress.finish()
        chains = {key: [_chain(link, links) for link in links] for key, links in sets.items()}
        for key in chains:
            opened.enter_context(alone(Path(catalogue.name), *key))
        with catalogue.transaction():
            return [_enter(catalogue, *key, found) for key, found in chains.items()]


def _source(image: Image, given: bytes | None) -> bytes:
    """Return the path that an image was made of."""
    if given is not None:
        return given
    if len(image.identity.filesys) >= _CUT:
        told = "its path may be longer than the image says; --source tells it"
        raise UsageError(f"{image.name}: {told} [DARI-REC-023]")
    return image.identity.filesys


class _Link:
    """An image with the columns of what it holds."""

    def __init__(self, image: Image) -> None:
        if not image.is_dari or image.extension is None:
            raise UsageError(f"{image.name}: is no DARI image with a sound volume header")
        self.image = image
        self.identity = image.identity
        self.rows = _rows(image)
        root = self.rows[self.rows[:, 0] == _ROOT]
        if not len(root):
            raise UsageError(f"{image.name}: its root directory is damaged")
        self.device = int(root[0, 1 + STATE.index("device")])


def _rows(image: Image) -> Column:
    """Return what is to be known of each inode in an image, but for its names."""
    directories = image.front.directories
    parts = [np.zeros((0, _WIDTH), np.int64), _columns(image, directories.rows)]
    offsets = image.offsets
    order = np.argsort(offsets.offsets, kind="stable")
    numbers, done = offsets.inodes[order], 0
    for found, rows in gather(image.volume, offsets.offsets[order] // RECORD):
        wanted = numbers[done : done + len(found)]
        done += len(found)
        parts.append(_columns(image, rows[are_first_headers(rows, image.marks, wanted)]))
    above = np.zeros((len(image.streams.by_base), _WIDTH), np.int64)
    for at, one in enumerate(image.streams.by_base.values()):
        above[at, :3] = one.number, STREAM_DIRECTORY, one.base
        above[at, -1] = 1
    return np.concatenate([*parts, above])


def _columns(image: Image, rows: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> Column:
    headers = as_headers(rows, image.order)
    inode, body = headers["c_dinode"], headers["extension"]["body"]
    flags = headers["extension"]["flags"]
    is_directory = inode["di_mode"] & S_IFMT == _S_IFDIR
    # The tree was looked at in the second of the image's date or just before.
    began_ns = (image.identity.date - 1) * _NS
    surely = (body["ctime_ns"] < began_ns) & (flags & InodeFlag.INODE_SUBSTITUTED == 0)
    columns = {
        "number": headers["c_inumber"],
        "kind": np.where(body["base_inode"] != 0, STREAM, INODE),
        "base": body["base_inode"],
        "parent": np.zeros(len(headers)),
        "device": body["source_device"],
        "inode": body["source_inode"],
        "mode": inode["di_mode"],
        "size": np.where(is_directory, 0, inode["di_size"]),
        "mtime_ns": body["mtime_ns"],
        "ctime_ns": body["ctime_ns"],
        "names": np.zeros(len(headers)),
        "sure": surely,
    }
    return np.stack([columns[name].astype(np.int64) for name in ("number", *STATE)], axis=1)


def _chain(last: _Link, links: list[_Link]) -> list[_Link]:
    """Return the images that lead to one, the full one first."""
    by_uuid = {link.identity.uuid: link for link in links}
    found = [last]
    while found[0].identity.level:
        base = by_uuid.get(base_of(found[0].image) or b"")
        if base is None or base in found:
            made = date_text(found[0].identity.base_date)
            raise UsageError(f"{found[0].image.name}: its base, of {made}, is not among the images")
        found.insert(0, base)
    return found


def _enter(catalogue: Catalogue, source: bytes, device: int, chains: list[list[_Link]]) -> Rebuilt:
    before = catalogue.find(source, device)
    if before is not None:
        catalogue.forget_set(before.id)
    backup_set = catalogue.add_set(source, device).id
    ids: dict[bytes, int] = {}
    seen = Seen.nothing()
    for chain in chains:
        image, identity = chain[-1].image, chain[-1].identity
        seen = _seen(chain)
        entered = CataloguedImage(
            id=0,
            date=identity.date,
            level=identity.level,
            name=os.fsencode(os.path.abspath(image.name)),
            uuid=identity.uuid,
            good=image.end is not None and image.end.verdict == Verdict.GOOD,
            base=ids[chain[-2].identity.uuid] if len(chain) > 1 else None,
            held=int((chain[-1].rows[:, 1] != STREAM_DIRECTORY).sum()),
            scanned_ns=(identity.date + 1) * _NS,
            bytes=image.marks.cut.total(image.records) * RECORD,
        )
        ids[identity.uuid] = catalogue.add_image(backup_set, entered, seen)
        catalogue.raise_highest(backup_set, image.exists.highest)
    return Rebuilt(source, device, len(chains), len(seen))


def _seen(links: list[_Link]) -> Seen:
    """Return what was there when the last image of a chain was made."""
    chain = Chain([link.image for link in links])
    rows = np.concatenate([link.rows for link in links])
    order = np.argsort(rows[:, 0], kind="stable")
    rows = rows[order]
    latest = np.append(rows[1:, 0] != rows[:-1, 0], np.ones(min(1, len(rows)), np.bool_))
    rows = rows[latest]
    rows = rows[chain.exists(rows[:, 0])]
    streams = {
        entry.inode: entry.name for one in chain.streams.by_base.values() for entry in one.entries
    }
    seen = Seen.of(rows, streams)
    return _named(chain, seen)


def _named(chain: Chain, seen: Seen) -> Seen:
    """Return what was seen with what the names of a chain say."""
    directories, inodes, names = chain.names.links()
    owners, known = seen.find(directories)
    targets, named = seen.find(inodes)
    parent = np.zeros(len(seen), np.int64)
    linked = np.flatnonzero(known & named)[::-1]
    parent[targets[linked]] = directories[linked]
    links = Links(names, owners, np.where(known & named, targets, -1))
    for one in chain.streams.by_base.values():
        for entry in one.entries:
            (owner, target), there = seen.find(np.array([one.base, entry.inode]))
            if there.all():
                links.stream(int(owner), int(target), entry.name)
    return replace(seen, names=links.sums(seen.number), parent=parent)
