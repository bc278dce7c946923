"""Restoring from a slow server: few requests, few bytes more than are needed (issue 5)."""

from __future__ import annotations

import os
import time

import pytest
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import legacy
from support.images import encode
from support.range_server import range_server
from support.recipe import Recipe, data, scan_of
from test_restore_accepts import check_tree
from test_restore_run import bring

from darimage.image.reader import Image
from darimage.units import RECORD
from darimage.volumes import remote
from darimage.volumes.reading import MemoryVolume

LATENCY = 0.05
MIB = 1 << 20
QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")


@pytest.fixture(scope="module")
def server():
    with range_server() as running:
        yield running


@needs_root
@settings(QUIET, max_examples=25)
@given(trees(), st.sampled_from([0, 40]))
def test_any_tree_comes_back(server, tree, volume_records):
    url = server.put("/tree.dari", MemoryVolume(encode(tree, volume_records=volume_records)))
    with legacy.scratch_directory() as folder, Image.open(url) as image:
        report = bring(image, folder / "out")
        assert [fault.text() for fault in report.faults] == []
        check_tree(tree, os.fsencode(folder / "out"))


def test_opening_an_image_of_many_files():
    """A front of some 12 MiB, directories of 200,000 files, comes with one request."""
    names = [b"some-file-name-%03d.txt" % number for number in range(100)]
    recipe = Recipe(scan_of([(b"dir%05d" % at, names, [3000] * 100) for at in range(2000)]))
    with range_server() as server, Image.open(server.put("/image", recipe)) as image:
        assert image.access == "direct"
        assert len(image.names.children(2)) == 2000
        front = image.front.files * RECORD
        assert front > 10 << 20
        assert len(server.asked) == 3
        assert image.volume.bytes_read <= front + remote.TAIL + RECORD


def test_headers_far_apart_come_several_at_once():
    """``list -l`` of 200 files, each a MiB behind the last."""
    files = [b"f%03d" % number for number in range(200)]
    recipe = Recipe(scan_of([(b"dir", files, [MIB] * len(files))]))
    with range_server(LATENCY) as server, Image.open(server.put("/image", recipe)) as image:
        server.clear()
        before = image.volume.bytes_read
        begun = time.monotonic()
        found = list(image.inodes([entry.inode for entry in image.names.children(3)]))
        seconds = time.monotonic() - begun
        assert image.volume.bytes_read - before <= len(files) * RECORD
    assert len(found) == len(files) >= len(server.asked)
    assert seconds < LATENCY * len(files) / 4


def test_one_directory_of_an_image_of_4_gib(tmp_path, capsys):
    """The measure of issue 5: 50 ms for each answer, 100 files of about 1 MiB each."""
    folders = [
        (b"dir%02d" % number, [b"file%03d" % k for k in range(100)], [MIB - 999 * k % 2000] * 100)
        for number, k in zip(range(41), range(7, 1000, 13), strict=False)
    ]
    recipe = Recipe(scan_of(folders))
    assert recipe.size > 4 << 30
    with range_server(LATENCY) as server:
        url = server.put("/big.dari", recipe)
        with Image.open(url) as image:
            assert image.access == "direct"
            opening = len(server.asked), image.volume.bytes_read
            chosen = [name for name in image.names.children(2) if name.name == b"dir20"]
            assert chosen
            server.clear()
            before = image.volume.bytes_read
            begun = time.monotonic()
            report = bring(image, tmp_path / "out", [b"dir20"])
            seconds = time.monotonic() - begun
            read = image.volume.bytes_read - before
    assert [fault.text() for fault in report.faults] == []
    assert report.files == 100
    needed = sum(path.stat().st_size for path in (tmp_path / "out/dir20").iterdir())
    with capsys.disabled():
        print(
            f"\n  opening: {opening[0]} requests, {opening[1]:,} bytes; restoring "
            f"{needed:,} bytes: {len(server.asked)} requests, {read:,} bytes, {seconds:.2f} s"
        )
    assert opening[0] <= 5
    assert len(server.asked) <= 5
    assert read <= 1.2 * needed
    number = chosen[0].inode
    with Image.open(recipe) as image:
        for entry in image.names.children(number)[::17]:
            blocks = -(-folders[20][2][0] // 1024)
            expected = data(entry.inode, 0, blocks).tobytes()[: folders[20][2][0]]
            path = tmp_path / "out/dir20" / os.fsdecode(entry.name)
            assert path.read_bytes() == expected
