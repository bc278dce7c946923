"""NT ACLs are found in a tree and taken out of its extended attributes."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from fuzz.strategies.descriptors import plain, wrappers
from hypothesis import given, settings
from hypothesis import strategies as st

from darimage.errors import FormatError
from darimage.progress import SILENT
from darimage.sections.security import SecurityDescriptor, from_sddl, split, wrap
from darimage.sources.attached import Wanted
from darimage.sources.nt_acls import NTFS_3G, SAMBA, NtAcls, drop
from darimage.sources.posix import PosixSource

others = st.dictionaries(
    st.sampled_from([b"user.a", b"user.DOSATTRIB", b"security.capability"]), st.binary(max_size=9)
)
SAMPLE = plain(from_sddl("O:BAG:SYD:P(A;OICI;FA;;;WD)"))
BROKEN = {SAMBA: b"\1\0\1\0\0\0\2\0" + SAMPLE, NTFS_3G: SAMPLE[:-1]}


@given(wrappers(), others)
@settings(deadline=None)
def test_an_nt_acl_is_taken_out_and_the_rest_is_left(found, rest):
    value = found.build()
    values = {SAMBA: value, **rest}
    assert NtAcls().take(values) == split(value)
    assert values == rest
    values[NTFS_3G] = found.descriptor
    assert NtAcls().take(values) == (found.descriptor, b"")
    assert values == rest
    assert NtAcls().take(values) is None
    assert values == rest


@given(wrappers(), wrappers())
@settings(deadline=None)
def test_equal_descriptors_are_one_object(one, two):
    taker = NtAcls()
    values = [one.build(), two.build(), wrap(one.descriptor), one.build()]
    taken = [taker.take({SAMBA: value}) for value in values]
    assert taken[0][0] is taken[2][0] is taken[3][0]
    assert taken[0][1] is taken[3][1]
    assert (taken[0][0] is taken[1][0]) == (one.descriptor == two.descriptor)


@given(st.binary(max_size=80), st.sampled_from([SAMBA, NTFS_3G]))
def test_what_is_not_well_formed_is_left_where_it_is(value, name):
    """Shows DARI-SDE-017."""
    values = {name: value}
    try:
        descriptor, _ = NtAcls().take(values)
    except FormatError as error:
        assert values == {name: value}
        assert error.requirement
    else:
        SecurityDescriptor.parse(descriptor)
        assert not values


def test_samba_comes_before_ntfs_3g_and_the_other_stays():
    values = {NTFS_3G: SAMPLE, SAMBA: wrap(SAMPLE)}
    assert NtAcls().take(values) == split(wrap(SAMPLE))
    assert values == {NTFS_3G: SAMPLE}
    drop(values)
    assert not values


@pytest.fixture
def tree(tmp_path):
    """A tree with an NT ACL on its root, a directory, a file with two names, a link, a fifo."""
    if os.geteuid():
        pytest.skip("only root may set security.NTACL")
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "f").write_bytes(b"data")
    os.link(tmp_path / "f", tmp_path / "d" / "g")
    os.symlink("f", tmp_path / "l")
    os.mkfifo(tmp_path / "p")
    (tmp_path / "without").write_bytes(b"")
    try:
        for name in (".", "d", "f", "l", "p"):
            os.setxattr(tmp_path / name, SAMBA, wrap(SAMPLE), follow_symlinks=False)
    except OSError as error:
        pytest.skip(f"no security.NTACL here: {error.strerror}")
    return tmp_path


def scanned(root, **wanted):
    return PosixSource(root, wanted=Wanted(**wanted)).scan(SILENT)


def by_path(scan):
    return {scan.key_path(key): acl for key, acl in scan.nt_acls.items()}


def test_every_kind_of_inode_may_have_one(tree):
    scan = scanned(tree)
    # A file with two names is one inode, found by the name that comes first in the image.
    assert by_path(scan) == dict.fromkeys([b"", b"d", b"f", b"l", b"p"], split(wrap(SAMPLE)))
    assert scan.faults == []
    assert not any(SAMBA in payload for payload in scan.xattrs.values())


def test_those_not_wanted_are_left_out_wholly(tree):
    scan = scanned(tree, acls=False)
    assert (scan.nt_acls, scan.faults, scan.xattrs) == ({}, [], {})


def test_a_broken_one_is_told_of_and_kept(tree):
    """Shows DARI-SDE-011."""
    os.setxattr(tree / "d", SAMBA, BROKEN[SAMBA])
    scan = scanned(tree)
    assert [(fault.path, fault.requirement) for fault in scan.faults] == [(b"d", "DARI-SDE-012")]
    assert "kept" in scan.faults[0].message
    assert b"d" not in by_path(scan)
    scan = scanned(tree, xattrs=False)
    assert "left out" in scan.faults[0].message


@pytest.fixture
def ntfs(tmp_path):
    """A file system of ntfs-3g."""
    if os.geteuid() or not (shutil.which("mkntfs") and shutil.which("ntfs-3g")):
        pytest.skip("no ntfs-3g here, or no right to mount it")
    image, mounted = tmp_path / "ntfs.img", tmp_path / "mounted"
    mounted.mkdir()
    with open(image, "wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkntfs", "-q", "-F", image], check=True, capture_output=True)
    if subprocess.run(["ntfs-3g", image, mounted], capture_output=True, check=False).returncode:
        pytest.skip("ntfs-3g cannot mount here")
    yield mounted
    subprocess.run(["umount", mounted], check=True)


def test_the_descriptors_of_ntfs_3g_are_found_though_it_does_not_list_them(ntfs):
    top = ntfs / "top"
    (top / "d").mkdir(parents=True)
    (top / "d" / "f").write_bytes(b"data")
    os.symlink("d", top / "l")
    other = from_sddl("O:SYG:SYD:(A;;FR;;;BU)").build()
    os.setxattr(top / "d" / "f", NTFS_3G, other)
    assert os.listxattr(top / "d" / "f") == []
    scan = scanned(top)
    assert scan.faults == []
    found = by_path(scan)
    assert set(found) == {b"", b"d", b"d/f", b"l"}
    for path, (descriptor, origin) in found.items():
        kept = os.getxattr(top / os.fsdecode(path), NTFS_3G, follow_symlinks=False)
        assert (descriptor, origin) == (kept, b"")
    assert found[b"d/f"][0] == other
    assert scanned(top, acls=False).nt_acls == {}
