"""Streams through a week of incremental images (chapters 45 and 72)."""

from __future__ import annotations

import json
import os

import pytest
from support import legacy
from support.streams import (
    ZONE,
    depot_directory,
    get_depot_streams,
    get_xattr_streams,
    set_depot_streams,
    set_xattr_streams,
)
from test_stream_sources import tree as source_tree

from darimage.image.chain import Chain
from darimage.validate.verify import verify

tree = source_tree
NAMES = ("", "file", "folder", "folder/plain", "new", "moved")


class Week:
    """A tree, its images one level above the other, and their catalogue."""

    def __init__(self, tree, folder, form):
        self.tree = tree
        self.folder = folder
        self.form = form
        self.images = []

    def save(self):
        """Make the image of the next level; return the answer."""
        image = self.folder / f"level{len(self.images)}"
        catalog = ("--catalog", self.folder / "catalog.sqlite", "--level", len(self.images))
        made = legacy.darimage("create", "--json", *catalog, self.tree, image)
        assert made.rc == 0, made.stderr
        assert verify(str(image)).faults == []
        self.images.append(image)
        return json.loads(made.stdout)

    def streams(self, root):
        """Return the streams of all files that are there."""
        there = [name for name in NAMES if (root / name).exists()]
        if self.form == "xattr":
            return {name: get_xattr_streams(root / name) for name in there}
        return {name: get_depot_streams(root / ".streams", root / name) for name in there}

    def check(self):
        """The chain brings back what is there now."""
        out = self.folder / f"out{len(self.images)}"
        chain = [word for image in self.images[:-1] for word in ("--chain", image)]
        done = legacy.darimage("restore", "--streams", self.form, *chain, self.images[-1], out)
        assert (done.rc, done.stderr) == (0, "")
        assert self.streams(out) == self.streams(self.tree)

    def set(self, name, streams):
        path = self.tree / name
        if self.form == "xattr":
            set_xattr_streams(path, streams)
        else:
            set_depot_streams(self.tree / ".streams", path, streams)

    def remove(self, name, stream):
        path = self.tree / name
        if self.form == "xattr":
            os.removexattr(path, f"user.DosStream.{stream}:$DATA")
        else:
            folder = depot_directory(self.tree / ".streams", path)
            (folder / f":{stream}:$DATA").unlink()
            if not os.listdir(folder):
                folder.rmdir()
                os.removexattr(path, "user.SAMBA_STREAMS")


@pytest.mark.parametrize("form", ["xattr", "depot"])
def test_streams_follow_their_files_through_a_week(tree, tmp_path, form):
    week = Week(tree, tmp_path, form)
    week.set("file", {b"zone": ZONE, b"second": b"2"})
    week.set("folder", {b"ds": b"of a directory"})
    week.save()
    week.check()

    # Nothing changes: nothing but the way to nothing is in the image.
    assert week.save()["files"] == 0
    week.check()

    # A stream changes, in a depot without its file.
    before = (tree / "file").stat()
    week.set("file", {b"zone": ZONE[::-1]})
    if form == "depot":
        assert (tree / "file").stat().st_mtime_ns == before.st_mtime_ns
    # The file, its two streams, and that of the directory of its other name (DARI-INC-012).
    assert week.save()["files"] == 4
    week.check()

    # Streams come, go, and move with their file.
    week.set("folder/plain", {b"late": b"l"})
    week.remove("file", "second")
    week.remove("folder", "ds")
    week.save()
    week.check()
    os.rename(tree / "folder" / "plain", tree / "moved")
    (tree / "file").unlink()
    (tree / "folder" / "again").unlink()
    (tree / "new").write_bytes(b"new")
    week.set("new", {b"zone": b"another"})
    week.save()
    week.check()

    with Chain.open([str(image) for image in week.images]) as chain:
        names = chain.names
        numbers = {path: entry.inode for path, entry, _ in names.walk()}
        assert [e.name for e in chain.streams.of(numbers[b"new"])] == [b"zone"]
        assert [e.name for e in chain.streams.of(numbers[b"moved"])] == [b"late"]
        assert len(chain.streams.by_base) == 2
        assert list(chain.all_faults()) == []
