"""Small images that hold every kind of record there is."""

from __future__ import annotations

import stat
from dataclasses import replace
from functools import cache

import numpy as np

from darimage.image.numbering import fresh
from darimage.image.writer import Options, create
from darimage.sections import xattrs
from darimage.sections.security import from_sddl
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.writing import MemorySink

BASE = bytes.fromhex("0f6b2c9e5d1a4c3e8b7a91d2e3f4a5b6")


def tree():
    """Return a tree with all types of inodes, streams, NT ACLs, attributes, links and holes."""
    one = Node.file(b"two names" * 150)
    streamed = Node.file(b"base")
    streamed.streams = {b"one": Node.file(b"first stream"), b"two": Node.file()}
    folder = Node.directory({b"twice": one, b"s": streamed, b"empty": Node.file()})
    folder.streams = {b"of a directory": Node.file(b"x" * 1024)}
    acl = (from_sddl("O:BAG:SYD:P(A;OICI;FA;;;WD)").build(), b"")
    folder.nt_acl = one.nt_acl = acl
    streamed.nt_acl = (from_sddl("O:SYG:SYD:(A;;FR;;;BU)").build(), b"")
    folder.xattrs = xattrs.encode({b"user.some": b"s" * 90, b"trusted.other": b"\0\1"})
    one.xattrs = xattrs.encode({b"user.long": b"l" * 1200})
    holes = Node(size=700_000, data={1024: b"a" * 1024, 650_000: b"b" * 3000})
    return Node.directory(
        {
            b"folder": folder,
            b"none": Node.directory(),
            b"once": one,
            b"exact": Node.file(b"y" * 2048),
            b"holes": holes,
            b"hole at the end": Node(size=4096, data={0: b"z" * 1024}),
            b"link": Node.symlink(b"folder/twice"),
            b"fifo": Node(stat.S_IFIFO | 0o600),
            b"device": Node(stat.S_IFBLK | 0o600, rdev=0x12345),
        }
    )


def encoded(*, incremental=False, **options):
    """Return an image of the tree; an incremental one lacks what is in the folder."""

    def number(scan):
        directories = [path in (b"", b"folder") for path in map(scan.directory_path, range(3))]
        held = (b"exact", b"folder:of a directory")
        others = [scan.other_path(at) in held for at in range(len(scan.other_parent))]
        return replace(
            fresh(scan),
            held_directories=np.array(directories),
            held_others=np.array(others),
            level=1,
            base_date=1000,
            base_uuid=BASE,
        )

    sink, more = MemorySink(), {"number": number} if incremental else {}
    create(MemorySource(tree()), sink, Options(**options), **more)
    return bytes(sink.data)


@cache
def images():
    """Return a full image, an incremental one, and one on volumes that lie side by side."""
    return {
        "full": encoded(),
        "incremental": encoded(incremental=True),
        "volumes": encoded(volume_records=30),
    }
