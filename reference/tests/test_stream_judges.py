"""Streams before foreign judges: a real Samba, a real NTFS, and the old `restore`.

What `restore` makes of streams: it leaves them out, without a word in -t, -x and -i, and with one
line `expected next file N, got M` for each stream in -r and -C, besides those for the sections.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from support import legacy
from support.compare import Options, compare_trees, to_second_32
from support.streams import (
    ZONE,
    get_depot_streams,
    get_ntfs_streams,
    ntfs,
    set_xattr_streams,
    share,
)
from support.workbench import SYMBOL_TABLE
from test_restore_run import bring
from test_restore_streams import bring_streams, streamed, texts
from test_stream_sources import imaged, streams_in
from test_writer import encode

from darimage.image.reader import Image
from darimage.sources.memory import Node

pytestmark = pytest.mark.root

WRITTEN = {
    "file.txt": {"Zone.Identifier": ZONE, "empty": b"", "größe": b"\0\xff" * 200},
    "folder": {"on a directory": b"d"},
}
"""Small enough for the attributes of ext4."""


def as_bytes(streams):
    return {name.encode(): data for name, data in streams.items()}


IN_IMAGE = {path.encode(): as_bytes(streams) for path, streams in WRITTEN.items()}


@pytest.fixture
def room():
    """A directory on ext4, which Samba's modules work on."""
    with legacy.loop_ext4(64 << 20) as point:
        yield point


def fill(shared):
    """Let Samba write a tree with streams."""
    shared.put("file.txt", b"contents")
    shared.run("mkdir folder")
    for path, streams in WRITTEN.items():
        for name, data in streams.items():
            shared.put(f"{path}:{name}", data)


def check(shared):
    """Let Samba read a tree with streams."""
    assert shared.get("file.txt") == b"contents"
    for path, streams in WRITTEN.items():
        assert shared.streams(path) == streams.keys()
        for name, data in streams.items():
            if data:
                assert shared.get(f"{path}:{name}") == data


@pytest.mark.xdist_group("samba")
@pytest.mark.parametrize("made", ["xattr", "depot"])
def test_what_samba_writes_is_found_and_what_comes_back_is_found_by_samba(room, made):
    source = room / "source"
    source.mkdir()
    with share(source, f"streams_{made}") as shared:
        fill(shared)
        check(shared)
    data, report = imaged(source)
    assert report.faults == []
    assert report.skipped == []
    assert streams_in(data) == IN_IMAGE
    for back in ("xattr", "depot"):
        out = room / back
        assert texts(bring_streams(Image.open(data), out, back)) == []
        with share(out, f"streams_{back}") as shared:
            check(shared)


@pytest.mark.xdist_group("ntfs")
@pytest.mark.parametrize("interface", ["xattr", "windows"])
def test_streams_of_ntfs_are_found_and_come_back(tmp_path, interface):
    big = bytes(range(256)) * 1200
    with ntfs(interface) as point:
        source, out = point / "source", point / "out"
        (source / "folder").mkdir(parents=True)
        (source / "file.txt").write_bytes(b"contents")
        for path, streams in WRITTEN.items():
            for name, data in streams.items():
                _set_ntfs(source / path, name, data, interface)
        wanted = dict(IN_IMAGE)
        if interface == "windows":
            _set_ntfs(source / "file.txt", "big", big, interface)
            wanted[b"file.txt"] = {**wanted[b"file.txt"], b"big": big}
        for form in ("auto", "ntfs-3g"):
            data, report = imaged(source, form)
            assert report.faults == []
            assert streams_in(data) == wanted
        for form in ("auto", "ntfs-3g"):
            where = out / form
            where.mkdir(parents=True)
            assert texts(bring_streams(Image.open(data), where, form)) == []
            for path, streams in wanted.items():
                name = os.fsdecode(path)
                assert get_ntfs_streams(where / name, interface) == streams
                same = (source / name).stat().st_mtime_ns // 100
                assert (where / name).stat().st_mtime_ns // 100 == same
        again = bring_streams(Image.open(data), where, form)
        assert {fault.kind for fault in again.faults} == {"exists"}
        again = bring_streams(Image.open(data), where, form, existing="replace")
        assert texts(again) == []
    # From NTFS to the form of Samba.
    samba = tmp_path / "samba"
    assert texts(bring_streams(Image.open(data), samba, "depot")) == []
    for path, streams in wanted.items():
        assert get_depot_streams(samba / ".streams", samba / os.fsdecode(path)) == streams


def _set_ntfs(path, name, data, interface):
    if interface == "xattr":
        os.setxattr(path, f"user.{name}", data)
        return
    where = f"{path}/:{name}" if path.is_dir() else f"{path}:{name}"
    Path(where).write_bytes(data)


@pytest.mark.xdist_group("ntfs")
def test_a_stream_that_this_mount_cannot_give_is_named(tmp_path):
    """Only the windows interface has streams of more than 64 KiB."""
    with ntfs("xattr") as point:
        file = streamed(Node.file(b""), big=bytes(70_000), small=b"s")
        image = Image.open(encode(Node.directory({b"file": file}))[0])
        report = bring(image, point / "out")
        assert [(f.kind, f.path) for f in report.faults] == [("streams", b"file:big")]
        assert get_ntfs_streams(point / "out" / "file", "xattr") == {b"small": b"s"}


@pytest.fixture(scope="module")
def subject():
    """A tree with streams, its image, how many there are; the tree without, and its image."""
    with legacy.loop_ext4(64 << 20) as point, legacy.scratch_directory() as folder:
        tree, twin, count = point / "tree", point / "twin", 0
        for place in (tree, tree / "folder", tree / "folder" / "empty"):
            place.mkdir(exist_ok=True)
            set_xattr_streams(place, {b"ds": b"of a directory"})
            count += 1
        for at in range(30):
            path = tree / ("folder" if at % 3 else ".") / f"f{at:02}"
            path.write_bytes(bytes([at]) * at * 100)
            streams = {b"s%d" % n: bytes([n]) * 200 for n in range(at % 4)}
            set_xattr_streams(path, streams)
            count += len(streams)
        os.link(tree / "f03", tree / "folder" / "again")
        (tree / "folder" / "link").symlink_to("f01")
        image, plain = folder / "image", folder / "plain"
        assert legacy.darimage("create", tree, image).rc == 0
        assert legacy.darimage("restore", "--no-streams", image, twin).rc == 0
        assert legacy.darimage("create", twin, plain).rc == 0
        yield tree, image, count, twin, plain


A_STREAM = re.compile(r"expected next file \d+, got (?!1$)\d+")


@pytest.mark.usefixtures("every_restore")
@pytest.mark.xdist_group("legacy streams")
@pytest.mark.parametrize("mode", ["t", "x", "i", "r", "C"])
def test_the_old_restore_leaves_streams_out_and_nothing_else(subject, mode):
    tree, image, count, twin, plain = subject
    with legacy.scratch_directory() as target, legacy.scratch_directory() as other:
        # -C compares with the tree that has no streams: restore takes theirs for attributes.
        run = legacy.restore(mode, image, twin if mode == "C" else target)
        wanted = legacy.restore(mode, plain, twin if mode == "C" else other)
        assert (run.rc, wanted.rc) == (0, 0)
        messages = run.other_messages
        skipped = {line: n for line, n in messages.items() if A_STREAM.fullmatch(line)}
        assert messages - wanted.other_messages - Counter(skipped) == Counter()
        assert sum(skipped.values()) == (count if mode in "rC" else 0)
        assert run.section_lines == wanted.section_lines + (mode in "rC")
        if mode in "xir":
            options = Options(mtime=to_second_32, ignore=(SYMBOL_TABLE,))
            assert compare_trees(tree, target, options) == []
