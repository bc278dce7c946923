"""The real ``restore`` brings back random trees from our images."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from support import legacy
from test_writer import tree_paths

from darimage.image.writer import Options, create
from darimage.sources.memory import MemorySource
from darimage.volumes.writing import FileSink

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root"),
]

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
_SIGNED_32 = 2**31


@pytest.mark.usefixtures("every_restore")
@SLOW
@given(trees())
def test_restore_r_brings_back_the_tree(tree):
    with legacy.scratch_directory() as folder:
        image, out = folder / "image", folder / "out"
        out.mkdir()
        create(MemorySource(tree), FileSink(image), Options())
        run = legacy.restore("r", image, out)
        assert (run.rc, run.section_lines, dict(run.other_messages)) == (0, 3, {})
        (out / "restoresymtable").unlink()
        check_tree(tree, os.fsencode(out), last_hole=False)


@pytest.mark.usefixtures("every_restore")
@SLOW
@given(trees())
def test_restore_t_lists_the_tree(tree):
    with legacy.scratch_directory() as folder:
        image = folder / "image"
        create(MemorySource(tree), FileSink(image), Options())
        run = legacy.restore("t", image, folder)
        assert (run.rc, run.stderr) == (0, "")
        listed = run.stdout.encode("utf-8", "surrogateescape")
        for path in tree_paths(tree):
            assert b"\t." + path + b"\n" in listed


def check_tree(tree, out, *, last_hole=True):
    """Check a tree that was restored; old programs fill the last hole of a file (DARI-FIL-019)."""
    expected = tree_paths(tree)
    inodes = {}
    for path, node in expected.items():
        here = out + path
        info = os.lstat(here)
        assert stat.S_IFMT(info.st_mode) == stat.S_IFMT(node.mode), path
        assert (info.st_uid, info.st_gid) == (node.uid, node.gid), path
        if stat.S_ISLNK(node.mode):
            assert os.readlink(here) == node.target
            continue
        assert stat.S_IMODE(info.st_mode) == stat.S_IMODE(node.mode), path
        assert inodes.setdefault(info.st_ino, node) is node, "hard links"
        # restore itself leaves a file in the root.
        if path and node.mtime_ns < _SIGNED_32 * 10**9:
            assert info.st_mtime_ns // 10**9 == node.mtime_ns // 10**9, path
        if stat.S_ISREG(node.mode):
            check_file(here, info, node, last_hole)
        elif stat.S_ISCHR(node.mode) or stat.S_ISBLK(node.mode):
            assert info.st_rdev == node.rdev
    found = {os.path.join(d, n)[len(out) :] for d, ds, fs in os.walk(out) for n in ds + fs}
    assert found == set(expected) - {b""}


def check_file(here, info, node, last_hole):
    content = bytearray(node.size)
    for at, piece in node.data.items():
        content[at : at + len(piece)] = piece
    assert Path(os.fsdecode(here)).read_bytes() == bytes(content)
    # A block of attributes counts as well.
    if not (node.data or node.xattrs or node.nt_acl) and node.size:
        assert info.st_blocks * 512 <= (0 if last_hole else info.st_blksize)
