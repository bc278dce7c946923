"""Any tree comes back; any damage is survived, and nothing is written elsewhere (DARI-SAF-002)."""

from __future__ import annotations

import os
import random
import stat
from functools import cache

import pytest
from fuzz.strategies.attributes import settable
from fuzz.strategies.damage import Damage, damage, damages
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import legacy
from support.attributes import fit
from support.images import DIRECTORY
from test_restore_accepts import check_tree
from test_restore_damage import encoded
from test_restore_run import bring
from test_writer import tree_paths

from darimage.errors import DarimageError, FormatError
from darimage.image.reader import Image
from darimage.sections.security import wrap
from darimage.sources.memory import Node
from darimage.sources.nt_acls import SAMBA
from darimage.units import RECORD

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")

QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(QUIET, max_examples=60)
@given(trees(), st.booleans())
def test_any_tree_comes_back(tree, sequential):
    with legacy.scratch_directory() as folder:
        image = Image.open(bytes(encoded(tree)), sequential=sequential)
        report = bring(image, folder / "out")
        assert [fault.text() for fault in report.faults] == []
        check_tree(tree, os.fsencode(folder / "out"))
        check_nt_acls(tree, os.fsencode(folder / "out"))


def check_nt_acls(tree, out):
    for path, node in tree_paths(tree).items():
        names = os.listxattr(out + path, follow_symlinks=False)
        assert (os.fsdecode(SAMBA) in names) == (node.nt_acl is not None)
        if node.nt_acl is not None:
            value = os.getxattr(out + path, SAMBA, follow_symlinks=False)
            assert value == wrap(node.nt_acl[0])


@settings(QUIET, max_examples=200)
@given(trees(extended=settable()).map(fit), damages, st.booleans())
def test_any_damage_is_survived(tree, what, sequential):
    image = damage(bytes(encoded(tree)), what)
    with legacy.scratch_directory() as folder:
        try:
            bring(Image.open(image, sequential=sequential), folder / "out")
        except DarimageError as error:
            assert str(error)
        assert os.listdir(folder) in (["out"], [])


# -- what comes back as right is right -----------------------------------------------------------


def forest():
    """Return a tree of all kinds of things, of some 2,500 records, that are easily told apart."""
    dice = random.Random(7)
    root = Node(DIRECTORY, mtime_ns=10**18)
    for number in range(6):
        folder = Node(DIRECTORY, mtime_ns=10**18 + number)
        root.children[b"d%d" % number] = folder
        for size in (0, 100, 3000, 40_000, 600_000 if number < 3 else 2000):
            name = b"%d-%d" % (number, size)
            kept = {"size": size, "data": {0: dice.randbytes(size)} if size else {}}
            folder.children[name] = Node(stat.S_IFREG | 0o640 | number, mtime_ns=size, **kept)
        folder.children[b"link"] = Node.symlink(b"to/%d" % number)
        folder.children[b"fifo"] = Node(stat.S_IFIFO | 0o600, mtime_ns=10**18)
        below = Node.directory({b"x%d" % k: Node.file(b"%d" % k) for k in range(40)})
        folder.children[b"below"] = below
    root.children[b"again"] = root.children[b"d0"].children[b"0-3000"]
    return root


@cache
def wood():
    tree = forest()
    return tree, bytes(encoded(tree))


def is_right(path, node):
    """Tell whether what is at a path has the contents and the mode of a node."""
    info = os.lstat(path)
    if stat.S_ISREG(info.st_mode) and stat.S_ISREG(node.mode):
        content = b"".join(node.data.values())
        with open(path, "rb") as file:
            return info.st_mode == node.mode and file.read() == content
    if stat.S_ISLNK(info.st_mode):
        return os.readlink(path) == node.target
    return info.st_mode == node.mode


def check_honest(tree, out, report):
    """Check that all that is not as it was is named and can be seen, and that the code says so."""
    told = {one.path for one in report.not_whole}
    told |= {fault.path for fault in report.faults + report.image_faults}
    true = {path.removeprefix(b"/"): node for path, node in tree_paths(tree).items()}
    found = {
        os.path.relpath(os.path.join(folder, name), out)
        for folder, names, files in os.walk(out)
        for name in names + files
    }
    lost = {path for path in found if path.split(b"/")[0] == b"#lost"}
    for path in found - lost:
        right = path in true and is_right(os.path.join(out, path), true[path])
        if not right:
            assert path in told, path
            info = os.lstat(os.path.join(out, path))
            doubtful = any(fault.path == path for fault in report.image_faults)
            assert doubtful or not stat.S_IMODE(info.st_mode) & 0o7077 & ~0o700, path
    whole = {os.path.join(b"#lost", b""), b"#lost"}
    for path in lost - whole:
        info = os.lstat(os.path.join(out, path))
        if stat.S_ISREG(info.st_mode) and path not in told:
            with open(os.path.join(out, path), "rb") as file:
                content = file.read()
            assert any(
                stat.S_ISREG(node.mode) and b"".join(node.data.values()) == content
                for node in true.values()
            )
    if true.keys() - {b""} - found or told:
        assert report.exit_code == 1


ways = st.sampled_from([{}, {"trust_map": True}, {"sequential": True}])


@settings(QUIET, max_examples=100)
@given(damages, ways)
def test_what_comes_back_as_right_is_right(what, way):
    """Shows DARI-RST-006, DARI-FLT-001, DARI-FLT-003 and DARI-FLT-004."""
    tree, data = wood()
    with legacy.scratch_directory() as folder:
        try:
            report = bring(Image.open(damage(data, what), **way), folder / "out")
        except FormatError as error:
            assert str(error)
            return
        check_honest(tree, os.fsencode(folder / "out"), report)


@pytest.mark.parametrize("way", [{}, {"trust_map": True}, {"sequential": True}], ids=str)
@pytest.mark.parametrize("kind", ["double", "drop", "blank", "swap", "flip"])
def test_a_change_at_any_place_is_named(kind, way):
    """Shows DARI-FLT-002: one record's fault costs what it lies in."""
    tree, data = wood()
    records = len(data) // RECORD
    for at in random.Random(kind).sample(range(1, records), 6):
        what = [Damage(kind, at, (at * 7) % records, 1)]
        with legacy.scratch_directory() as folder:
            report = bring(Image.open(damage(data, what), **way), folder / "out")
            check_honest(tree, os.fsencode(folder / "out"), report)
            assert report.marked + report.lost + report.left_out <= 12, (kind, at)
