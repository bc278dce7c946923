"""Extended attributes and POSIX ACLs come back: by us, and by the real ``restore`` from our images.

Also those that the real ``dump`` wrote, in the inode and in a block.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import stat
import subprocess

import pytest
from fuzz.strategies.attributes import settable
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import legacy
from support.attributes import acl, all_on_disk, fit, on_disk
from support.everybody import let_through
from test_mutations import strip_extensions
from test_restore_accepts import check_tree
from test_restore_run import bring
from test_restore_unprivileged import NOBODY, as_nobody
from test_writer import encode, tree_paths

import darimage.restore.run
from darimage.image.reader import Image
from darimage.image.writer import Options, create
from darimage.restore.extended import Missed
from darimage.schema import AclTag
from darimage.sections import xattrs
from darimage.sources.attached import Wanted
from darimage.sources.memory import MemorySource, Node
from darimage.sources.posix import PosixSource
from darimage.validate.verify import verify
from darimage.volumes.writing import FileSink

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="trusted attributes and mounts need root"),
]

QUIET = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
ACL = acl(
    (AclTag.USER_OBJ, 6),
    (AclTag.USER, 4, 1000),
    (AclTag.GROUP_OBJ, 4),
    (AclTag.GROUP, 0, 70000),
    (AclTag.MASK, 6),
    (AclTag.OTHER, 0),
)


@pytest.fixture(scope="module")
def ext4():
    with legacy.loop_ext4() as point:
        yield point


def expected(tree):
    """Return the attributes of the nodes that have any, by path."""
    found = {path: xattrs.decode(node.xattrs) for path, node in tree_paths(tree).items()}
    return {path: values for path, values in found.items() if values}


# -- ours ----------------------------------------------------------------------------------------


@QUIET
@given(tree=trees(extended=settable()).map(fit), form=st.sampled_from(["direct", "walk", "plain"]))
def test_any_attributes_come_back(ext4, tree, form):
    """Shows DARI-XAT-012."""
    data, _ = encode(tree)
    data = strip_extensions(data) if form == "plain" else data
    with legacy.scratch_directory_on(ext4) as folder:
        image = Image.open(data, sequential=form == "walk")
        report = bring(image, folder / "out")
        assert [fault.text() for fault in report.faults + report.image_faults] == []
        # Only an image says that its last block stands for a hole (DARI-FIL-020).
        check_tree(tree, os.fsencode(folder / "out"), last_hole=form != "plain")
        assert all_on_disk(folder / "out") == expected(tree)


@pytest.mark.usefixtures("every_restore")
@QUIET
@given(tree=trees(extended=settable()).map(fit))
def test_the_real_restore_sets_them(ext4, tree):
    with legacy.scratch_directory_on(ext4) as folder:
        image, out = folder / "image", folder / "out"
        out.mkdir()
        create(MemorySource(tree), FileSink(image), Options())
        run = legacy.restore("r", image, out)
        assert (run.rc, run.section_lines, dict(run.other_messages)) == (0, 3, {})
        (out / "restoresymtable").unlink()
        check_tree(tree, os.fsencode(out), last_hole=False)
        assert all_on_disk(out) == expected(tree)


def build(root):
    """Make one of everything that can have attributes."""
    os.setxattr(root, b"user.root", b"r")
    for name in ("small", "great", "both", "capable", "acl"):
        (root / name).write_text(name)
    os.setxattr(root / "small", b"user.x", b"y")
    os.setxattr(root / "great", b"user.great", b"g" * 3000)
    for name, value in ((b"user.s", b"1"), (b"user.great", b"b" * 3000), (b"user.none", b"")):
        os.setxattr(root / "both", name, value)
    (root / "capable").chmod(0o755)
    os.chown(root / "capable", 1000, 1000)
    os.setxattr(root / "capable", b"security.capability", CAPABILITY)
    os.setxattr(root / "acl", xattrs.ACL_ACCESS, ACL)
    folder = root / "folder"
    folder.mkdir()
    (folder / "inner").write_text("")
    os.setxattr(folder, xattrs.ACL_ACCESS, ACL)
    os.setxattr(folder, xattrs.ACL_DEFAULT, ACL)
    os.setxattr(folder, b"user.folder", b"f" * 500)
    os.setxattr(folder, b"trusted.folder", b"\0\xff")
    os.symlink("target", root / "link")
    os.mkfifo(root / "fifo")
    os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(root / "socket"))
    for name in ("link", "fifo", "null", "socket"):
        os.setxattr(root / name, b"trusted.what", name.encode(), follow_symlinks=False)


def as_restored(wanted):
    """Return what of some attributes the `restore` that judges brings back.

    From 0.4b49 on it loses ``security.capability``.
    """
    if legacy.version(legacy.program("restore")) == legacy.PLAIN:
        return wanted
    kept = {
        path: {name: value for name, value in values.items() if name != b"security.capability"}
        for path, values in wanted.items()
    }
    return {path: values for path, values in kept.items() if values}


@pytest.mark.usefixtures("every_restore")
@pytest.mark.parametrize("inode_size", [256, 128, 1024])
def test_from_ext4_to_ext4_and_back(inode_size):
    with legacy.loop_ext4(inode_size=inode_size) as point, legacy.loop_ext4() as other:
        build(point)
        wanted = all_on_disk(point)
        assert len(wanted) == 11
        ours, theirs = other / "ours", other / "theirs"
        report = create(PosixSource(str(point)), FileSink(ours), Options())
        assert report.faults == []
        assert verify(str(ours)).faults == []
        legacy.dump_tree(point, theirs)
        assert verify(str(theirs)).faults == []
        for number, image in enumerate((ours, theirs)):
            with Image.open(str(image)) as opened:
                report = bring(opened, other / f"out{number}")
            assert [fault.text() for fault in report.faults + report.image_faults] == []
            assert all_on_disk(other / f"out{number}") == wanted
        for mode in "rx":
            out = other / mode
            out.mkdir()
            assert legacy.restore(mode, ours, out).rc == 0
            assert all_on_disk(out) == as_restored(wanted)
            compared = legacy.restore("C", ours, out)
            lines = (compared.stderr + compared.stdout).splitlines()
            told = [line for line in lines if "EA" in line]
            assert told == [] or as_restored(wanted) != wanted
            assert all("EA security.capability with" in line for line in told)


def test_a_chain_brings_the_last_attributes(ext4):
    with legacy.scratch_directory_on(ext4) as folder:
        tree, full, later, out = (folder / name for name in ("tree", "full", "later", "out"))
        tree.mkdir()
        build(tree)
        catalog = ("--catalog", folder / "catalog")
        assert legacy.darimage("create", "--level", "0", *catalog, tree, full).rc == 0
        os.setxattr(tree / "folder", b"user.folder", b"changed")
        os.removexattr(tree / "folder", xattrs.ACL_DEFAULT)
        os.removexattr(tree / "small", b"user.x")
        os.setxattr(tree / "folder/inner", b"user.new", b"n")
        assert legacy.darimage("create", "--level", "1", *catalog, tree, later).rc == 0
        with Image.open(str(later)) as image:
            assert image.end.attributed == 3  # the root, folder and inner
        assert legacy.darimage("verify", later).rc == 0
        assert legacy.darimage("restore", "--chain", full, later, out).rc == 0
        assert all_on_disk(out) == all_on_disk(tree)


@pytest.mark.usefixtures("every_restore")
def test_what_the_list_cannot_hold_comes_back_with_us_alone(ext4):
    great = {b"user.%d" % number: b"v" * 900 for number in range(8)}
    tree = Node.directory({b"f": Node.file(b"one"), b"g": Node.file(b"two")})
    for node in (tree, tree.children[b"f"]):
        node.xattrs = xattrs.encode(great)
    data, _ = encode(tree)
    with legacy.scratch_directory() as folder:
        bring(Image.open(data), folder / "out")
        assert all_on_disk(folder / "out") == {b"": great, b"/f": great}
        (folder / "image").write_bytes(data)
        (folder / "theirs").mkdir()
        run = legacy.restore("r", folder / "image", folder / "theirs")
        assert (run.rc, dict(run.other_messages)) == (0, {})
        listed = {name: great[name] for name in sorted(great)[:4]}
        assert all_on_disk(folder / "theirs") == {b"": listed, b"/f": listed}
        assert (folder / "theirs/g").read_bytes() == b"two"


# -- leaving them out, and what cannot be ---------------------------------------------------------


def test_nothing_comes_back_with_no_xattrs(ext4):
    with legacy.scratch_directory_on(ext4) as folder:
        (folder / "tree").mkdir()
        build(folder / "tree")
        image, without = folder / "image", folder / "without"
        assert legacy.darimage("create", folder / "tree", image).rc == 0
        assert legacy.darimage("restore", "--no-xattrs", image, folder / "out").rc == 0
        assert all_on_disk(folder / "out") == {}
        assert legacy.darimage("create", "--no-xattrs", folder / "tree", without).rc == 0
        with Image.open(str(without)) as opened:
            assert not opened.extension.feature_compat & 4
        assert legacy.darimage("verify", without).rc == 0


def test_list_and_info_show_them(ext4):
    with legacy.scratch_directory_on(ext4) as folder:
        tree, image = folder / "tree", folder / "image"
        tree.mkdir()
        build(tree)
        legacy.darimage("create", tree, image)
        long = legacy.darimage("list", "-l", image).stdout.splitlines()
        marks = {line.split()[-1]: line[10] for line in long}
        assert {marks[name] for name in ("acl", "folder")} == {"+"}
        assert {marks[name] for name in (".", "small", "both", "capable", "fifo", "null")} == {"@"}
        assert marks["folder/inner"] == " "
        shown = legacy.darimage("list", "--xattrs", image, "acl", "both").stdout.splitlines()
        text = "user::rw-,user:1000:r--,group::r--,group:70000:---,mask::rw-,other::---"
        assert shown[:2] == ["acl", f"    system.posix_acl_access={text}"]
        assert shown[2:] == ["both", *(f'    user.{rest}"' for rest in (
            'great="' + "b" * 3000, 'none="', 's="1'))]  # fmt: skip
        assert json.loads(legacy.darimage("info", "--json", image).stdout)["attributed"] == 11
        for options in ((), ("--xattrs",)):
            answer = json.loads(legacy.darimage("list", "--json", *options, image, "both").stdout)
            great, none, short = answer["entries"][0]["xattrs"]
            assert (great["name"], great["size"]) == ("user.great", 3000)
            assert ("base64" in great) == bool(options)
            assert (none["base64"], base64.b64decode(short["base64"])) == ("", b"1")


def attributed(values, mode=0o444, uid=0, count=1):
    children = {}
    for number in range(count):
        node = Node.file(b"data")
        node.mode, node.uid, node.gid = stat.S_IFREG | mode, uid, uid
        node.xattrs = xattrs.encode(values)
        children[b"%d" % number] = node
    return Node.directory(children)


def test_a_user_sets_what_a_user_may(ext4):
    """Shows DARI-XAT-016."""
    values = {b"user.mine": b"1", b"trusted.not": b"2", b"security.not": b"3"}
    values[xattrs.ACL_ACCESS] = ACL
    image = Image.open(encode(attributed(values, uid=NOBODY, count=3))[0])
    with legacy.scratch_directory_on(ext4) as folder:
        let_through(folder)
        os.chown(folder, NOBODY, NOBODY)
        told = as_nobody(lambda: bring(image, folder / "out").as_json())
        mine = {b"user.mine": b"1", xattrs.ACL_ACCESS: ACL}
        assert all_on_disk(folder / "out") == {b"/%d" % number: mine for number in range(3)}
    assert [(one["path"], one["kind"]) for one in told["notes"]] == [(".", "owners")]
    assert [fault["path"] for fault in told["faults"]] == ["0", "0"]
    messages = sorted(fault["message"] for fault in told["faults"])
    end = "not permitted; so for 3 inodes, this one first"
    assert messages == [
        f"attributes {first}.* not set: Operation {end}" for first in ("security", "trusted")
    ]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_file_system_without_attributes_is_told_of_once(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(darimage.restore.run, "FORKED_FROM", 2)
    monkeypatch.setattr(darimage.restore.run, "BYTES_PER_PIECE", 1)
    mount, umount = legacy.program("mount"), legacy.program("umount")
    point = tmp_path / "ramfs"
    point.mkdir()
    if subprocess.run([mount, "-t", "ramfs", "none", point], check=False).returncode:
        pytest.skip("no ramfs here")
    try:
        tree = attributed({b"user.x": b"1", b"user.y": b"2"}, count=20)
        report = bring(Image.open(encode(tree)[0]), point / "out", workers=workers)
        (fault,) = report.faults
        assert fault.message.startswith("attributes user.* not set: Operation not supported")
        assert "20 inodes" in fault.message
        assert len(os.listdir(point / "out")) == 20
    finally:
        subprocess.run([umount, point], check=True)


def test_capabilities_go_with_their_owner_alone(ext4):
    """Shows DARI-XAT-017."""
    tree = attributed({b"security.capability": CAPABILITY, b"user.x": b"y"}, uid=1000, mode=0o755)
    data, _ = encode(tree)
    with legacy.scratch_directory_on(ext4) as folder:
        bring(Image.open(data), folder / "given")
        bring(Image.open(data), folder / "kept", owners=False)
        assert on_disk(folder / "given/0")[b"security.capability"] == CAPABILITY
        assert on_disk(folder / "kept/0") == {b"user.x": b"y"}


def test_no_acl_of_the_destination_is_inherited(ext4):
    tree = attributed({b"user.x": b"y"}, mode=0o660)
    tree.children[b"sub"] = Node.directory({b"below": Node.file(b"z")})
    tree.children[b"fifo"] = Node(stat.S_IFIFO | 0o660)
    data, _ = encode(tree)
    with legacy.scratch_directory_on(ext4) as folder:
        for name in ("clean", "there/sub", "kept"):
            (folder / name).mkdir(parents=True)
        for name in ("clean", "there/sub", "kept"):
            os.setxattr(folder / name, xattrs.ACL_DEFAULT, ACL)
        bring(Image.open(data), folder / "clean/new")
        assert all_on_disk(folder / "clean/new") == {b"/0": {b"user.x": b"y"}}
        bring(Image.open(data), folder / "there", overwrite_directories=True)
        assert all_on_disk(folder / "there") == {b"/0": {b"user.x": b"y"}}
        bring(Image.open(data), folder / "kept/new", xattrs=False)
        assert xattrs.ACL_ACCESS in on_disk(folder / "kept/new/0")


def test_an_attribute_that_cannot_be_leaves_the_rest(ext4):
    """Shows DARI-XAT-016."""
    values = {b"user.a": b"1", b"nonsense": b"2", xattrs.ACL_ACCESS: b"bad", b"trusted.z": b"3"}
    with legacy.scratch_directory_on(ext4) as folder:
        report = bring(Image.open(encode(attributed(values))[0]), folder / "out")
        assert on_disk(folder / "out/0") == {b"user.a": b"1", b"trusted.z": b"3"}
        assert (folder / "out/0").read_bytes() == b"data"
    told = sorted(fault.message for fault in report.faults)
    assert told[0].startswith("attribute nonsense not set: Operation not supported")
    assert told[1].startswith("attribute system.posix_acl_access not set: Invalid argument")


def test_what_ext4_has_no_room_for_is_named(ext4):
    values = {b"user.a": b"1", b"user.great": b"g" * 9000}
    with legacy.scratch_directory_on(ext4) as folder:
        (fault,) = bring(Image.open(encode(attributed(values))[0]), folder / "out").faults
        assert on_disk(folder / "out/0") == {b"user.a": b"1"}
    assert fault.path == b"0"
    told = "attribute user.great not set: the file system has no room for its 9000 bytes"
    assert fault.message == told


def test_what_was_missed_is_counted_by_inode():
    one, two = Missed(), Missed()
    for inode in (5, 5, 6):
        one.add(b"user.a", "no", inode)
    two.add(b"user.b", "no", 9)
    two.add(b"trusted.b", "never", 9)
    one.merge(two)
    assert [(fault.inode, fault.message) for fault in one.faults(lambda _: b"path")] == [
        (5, "attributes user.* not set: no; so for 3 inodes, this one first"),
        (9, "attribute trusted.b not set: never"),
    ]


def test_what_the_source_does_not_want_is_not_read(ext4):
    with legacy.scratch_directory_on(ext4) as folder:
        build(folder)
        source = PosixSource(str(folder), wanted=Wanted(xattrs=False))
        from darimage.progress import SILENT

        assert source.scan(SILENT).xattrs == {}
