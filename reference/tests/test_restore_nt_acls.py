"""NT ACLs from a real tree into an image and back, with Samba's own codec as the judge."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fuzz.strategies.descriptors import DOMAIN_SID, plain
from support import images, samba_judge

from darimage.image.nt_acls import at_offset
from darimage.image.reader import Image
from darimage.restore.run import Options, restore
from darimage.restore.selection import select
from darimage.sections.security import from_sddl, split, to_sddl, unwrap, wrap
from darimage.sources.memory import Node
from darimage.sources.nt_acls import NTFS_3G, SAMBA
from darimage.validate.verify import verify
from darimage.volumes.reading import open_volume

SDDL = [
    "",
    "D:",
    "O:BAG:SYD:P(A;OICI;0x1f01ff;;;WD)",
    "O:LAG:DUD:AI(A;ID;0x1f01ff;;;SY)(A;OICIIOID;GA;;;CO)(A;ID;0x1301bf;;;BU)",
    "O:BAG:SYD:(OA;CI;CCDC;bf967aba-0de6-11d0-a285-00aa003049e2;;AO)(OA;;CR;;;PS)",
    "O:BAG:SYD:PAI(D;;0x1200a9;;;AU)S:AI(AU;SAFA;GA;;;WD)",
    "O:BAG:SYD:" + "".join(f"(A;;0x{n:x};;;S-1-5-21-1-2-3-{n})" for n in range(1000, 1200)),
]
FIELDS = {
    1: {},
    2: {"digest": "ab" * 16},
    3: {"digest": "cd" * 64, "hash_type": 1},
    4: {
        "digest": "ef" * 64,
        "hash_type": 1,
        "description": "posix_acl",
        "time": 133_000_000_000_000_000,
        "sys_acl_digest": "01" * 64,
    },
}


@pytest.fixture(scope="module")
def samba():
    reason = samba_judge.missing()
    if reason:
        pytest.skip(reason)
    judge = samba_judge.Judge(str(DOMAIN_SID))
    yield judge
    judge.close()


@pytest.fixture(params=["disk", "memory"])
def place(request, tmp_path):
    """A folder on disk, where an attribute may fill one block, and one in memory."""
    if request.param == "disk":
        yield tmp_path
        return
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no /dev/shm here")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def tree(place, samba):
    """A tree whose NT ACLs Samba made: all versions, on files, directories and a file's names."""
    root = place / "tree"
    root.mkdir()
    if os.geteuid():
        pytest.skip("only root may set security.NTACL")
    for number, sddl in enumerate(SDDL if place.parts[1] == "dev" else SDDL[:-1]):
        descriptor = samba.ask("text", sddl=sddl)["data"]
        for version, fields in FIELDS.items():
            value = samba.ask("wrap", data=descriptor, version=version, **fields)["data"]
            directory, file = root / f"d{number}v{version}", root / f"f{number}v{version}"
            directory.mkdir()
            file.write_bytes(b"data" * number)
            os.link(file, directory / "other name")
            for path in (directory, file):
                try:
                    os.setxattr(path, SAMBA, bytes.fromhex(value))
                except OSError as error:
                    pytest.skip(f"no security.NTACL here: {error.strerror}")
    os.symlink("nowhere", root / "link")
    os.setxattr(root / "link", SAMBA, bytes.fromhex(value), follow_symlinks=False)
    (root / "without").write_bytes(b"")
    return root


def darimage(*words, code=0):
    command = [sys.executable, "-m", "darimage", *map(str, words)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout


def values(root):
    """Return Samba's attribute of all that has one, by path."""
    found = {}
    for path in [root, *sorted(root.rglob("*"))]:
        if os.fsdecode(SAMBA) in os.listxattr(path, follow_symlinks=False):
            name = "" if path == root else str(path.relative_to(root))
            found[name] = os.getxattr(path, SAMBA, follow_symlinks=False)
    return found


def test_there_and_back(tree, place, samba):
    """Shows DARI-SDE-013."""
    image, back = place / "image.dari", place / "back"
    report = json.loads(darimage("create", "--json", tree, image))
    darimage("verify", image)
    before = values(tree)
    assert len(before) >= (len(SDDL) - 1) * len(FIELDS) * 3 + 1
    _check_listing(image, before, samba)
    with Image.open(str(image)) as opened:
        acls = dict(opened.nt_acls)
        names = {os.fsdecode(path): entry.inode for path, entry, _ in opened.names.walk()}
    assert {path: wrap(*acls[names[path]]) for path in before} == before
    assert at_offset(open_volume(str(image)), report["acl_start"]) == acls
    darimage("restore", image, back)
    after = values(back)
    assert after.keys() == before.keys()
    for path, value in before.items():
        assert after[path] == wrap(unwrap(value).descriptor)
        read = [samba.ask("unwrap", data=data.hex()) for data in (value, after[path])]
        assert read[0]["data"] == read[1]["data"]
        assert read[1]["version"] == 1
        assert (back / path).lstat().st_mtime_ns == (tree / path).lstat().st_mtime_ns


def _check_listing(image, before, samba):
    """Hold ``list`` and ``info`` against what Samba says of the same attributes."""
    text = darimage("list", "--acl", image).splitlines()
    shown = dict(zip(text, [*text[1:], ""], strict=True))
    entries = json.loads(darimage("list", "--acl", "--json", image))["entries"]
    known = {entry["path"]: entry["nt_acl"] for entry in entries}
    assert {path for path, acl in known.items() if acl} == before.keys()
    for path, value in before.items():
        answer = samba.ask("unwrap", data=value.hex())
        sddl = samba.ask("read", data=answer["data"], sddl=True)["sddl_without_domain"]
        assert known[path]["sddl"] == to_sddl(from_sddl(sddl))
        assert shown[path] == f"    {known[path]['sddl'] or '(empty)'}"
        origin = known[path]["origin"]
        assert origin.pop("version") == answer["version"]
        renamed = {"hash": "digest", "sys_acl_hash": "sys_acl_digest"}
        for name, told in origin.items():
            assert told == answer[renamed.get(name, name)]
        assert len(origin) == len(FIELDS[answer["version"]])
    counts = json.loads(darimage("info", "--json", image))["nt_acls"]
    distinct = {unwrap(value).descriptor for value in before.values()}
    assert counts["rows"] == len(
        {(image.with_name("tree") / path).lstat().st_ino for path in before}
    )
    assert counts["descriptors"] == len(distinct) >= len(SDDL) - 1
    assert counts["origins"] == len(FIELDS)


def test_left_out_at_either_end(tree, place):
    image, back = place / "image.dari", place / "back"
    darimage("create", tree, image)
    for number, option in enumerate(["--no-acls", "--acls=none"]):
        darimage("restore", option, image, place / f"back{number}")
        assert values(place / f"back{number}") == {}
    bare = place / "bare.dari"
    darimage("create", "--no-acls", tree, bare)
    value = next(iter(values(tree).values()))
    assert split(value)[0] not in bare.read_bytes()
    assert SAMBA not in bare.read_bytes()
    darimage("restore", bare, back)
    assert values(back) == {}
    assert json.loads(darimage("info", "--json", bare))["nt_acls"]["rows"] == 0


def test_a_selection_brings_its_acls(tree, place):
    image, back = place / "image.dari", place / "back"
    darimage("create", tree, image)
    darimage("restore", image, back, "f3v4", "d2v3")
    before = values(tree)
    wanted = {path: wrap(unwrap(before[path]).descriptor) for path in ("f3v4", "d2v3")}
    wanted["d2v3/other name"] = wrap(unwrap(before["f2v3"]).descriptor)
    assert values(back) == wanted


def test_old_restore_reads_the_image_as_before(tree, place):
    if not shutil.which("restore"):
        pytest.skip("Debian's package dump is not here")
    image, back = place / "image.dari", place / "back"
    darimage("create", tree, image)
    back.mkdir()
    done = subprocess.run(
        ["restore", "-rf", image], cwd=back, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    lines = [line for line in done.stderr.splitlines() if "expected next file" not in line]
    assert lines == []
    for path in tree.rglob("*"):
        other = back / path.relative_to(tree)
        assert stat.S_IFMT(other.lstat().st_mode) == stat.S_IFMT(path.lstat().st_mode)
        if path.is_file() and not path.is_symlink():
            assert other.read_bytes() == path.read_bytes()


def test_a_chain_brings_the_acls_of_the_last_image_that_has_a_file(tree, place):
    catalogue = ["--catalog", place / "catalogue"]
    names = [place / f"{level}.dari" for level in range(3)]
    darimage("create", *catalogue, "--level", 0, tree, names[0])
    value = os.getxattr(tree / "f2v1", SAMBA)
    os.setxattr(tree / "f3v4", SAMBA, value)
    os.removexattr(tree / "d3v3", SAMBA)
    (tree / "new").write_bytes(b"new")
    os.setxattr(tree / "new", SAMBA, value)
    darimage("create", *catalogue, "--level", 1, tree, names[1])
    os.removexattr(tree / "f1v2", SAMBA)
    os.setxattr(tree / "d3v3", SAMBA, value)
    darimage("create", *catalogue, "--level", 2, tree, names[2])
    for name in names:
        darimage("verify", name)
    darimage("restore", "--chain", names[0], "--chain", names[1], names[2], place / "back")
    wanted = {path: wrap(unwrap(found).descriptor) for path, found in values(tree).items()}
    assert values(place / "back") == wanted
    assert "f1v2" not in wanted
    assert wanted["new"] == value


@pytest.fixture
def ntfs(tmp_path):
    """A file system of ntfs-3g."""
    if os.geteuid() or not (shutil.which("mkntfs") and shutil.which("ntfs-3g")):
        pytest.skip("no ntfs-3g here, or no right to mount it")
    image, mounted = tmp_path / "ntfs.img", tmp_path / "mounted"
    mounted.mkdir()
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkntfs", "-q", "-F", image], check=True, capture_output=True)
    if subprocess.run(["ntfs-3g", image, mounted], capture_output=True, check=False).returncode:
        pytest.skip("ntfs-3g cannot mount here")
    yield mounted
    subprocess.run(["umount", mounted], check=True)


def test_from_samba_to_ntfs_3g_and_back(tmp_path, ntfs):
    """Shows DARI-ACL-014."""
    source, image, back = tmp_path / "source", tmp_path / "a.dari", ntfs / "back"
    (source / "d").mkdir(parents=True)
    (source / "d" / "f").write_bytes(b"data")
    descriptors = {
        "": plain(from_sddl("O:BAG:SYD:P(A;OICI;FA;;;WD)")),
        "d": plain(from_sddl("O:SYG:SYD:(A;OICI;FA;;;SY)(A;;FR;;;BU)")),
        "d/f": plain(from_sddl("O:SYG:SYD:(A;;FR;;;BU)S:(AU;SAFA;GA;;;WD)")),
    }
    for path, descriptor in descriptors.items():
        os.setxattr(source / path, SAMBA, wrap(descriptor))
    darimage("create", source, image)
    darimage("restore", image, back)
    for path, descriptor in descriptors.items():
        assert os.getxattr(back / path, NTFS_3G) == descriptor
        assert SAMBA.decode() not in os.listxattr(back / path)
    again = tmp_path / "again.dari"
    darimage("create", back, again)
    darimage("restore", again, tmp_path / "forth")
    assert values(tmp_path / "forth") == {path: wrap(d) for path, d in descriptors.items()}
    darimage("restore", "--acls=samba", again, ntfs / "forced")
    for path, descriptor in descriptors.items():
        assert os.getxattr(ntfs / "forced" / path, SAMBA) == wrap(descriptor)


def test_what_is_refused_is_told_once_with_a_count(tmp_path, monkeypatch):
    """A destination that takes no such attributes; files are made by several processes."""

    def refuse(*_arguments, **_options):
        raise PermissionError(1, "Operation not permitted")

    acl = split(wrap(plain(from_sddl("O:BAG:SYD:(A;;FA;;;WD)"))))
    root = Node.directory({b"%04d" % number: Node.file(b"x") for number in range(2500)})
    root.children[b"fifo"] = Node(stat.S_IFIFO | 0o600)
    for node in images.paths_of(root).values():
        node.nt_acl = acl
    monkeypatch.setattr(os, "setxattr", refuse)
    with Image.open(images.encode(root)) as image:
        report = restore(image, tmp_path / "back", select(image.names, []), Options(workers=2))
    assert [(fault.kind, fault.path is not None) for fault in report.faults] == [("nt_acl", True)]
    assert "not permitted; nor are those of 2,501 more inodes" in report.faults[0].message
    assert report.files == 2500
    assert report.exit_code == 1


def test_one_that_is_too_long_for_a_disk_is_told_of(tmp_path):
    long = plain(from_sddl(SDDL[-1] + "".join(f"(A;;FA;;;S-1-5-{n})" for n in range(2500))))
    root = Node.directory({b"f": Node.file(b"x")})
    root.children[b"f"].nt_acl = (long, b"")
    with Image.open(images.encode(root)) as image:
        report = restore(image, tmp_path / "back", select(image.names, []))
    assert [(fault.kind, fault.path) for fault in report.faults] == [("nt_acl", b"f")]
    assert (tmp_path / "back" / "f").read_bytes() == b"x"


def test_a_descriptor_that_samba_would_read_otherwise_is_not_restored(tmp_path):
    """Shows DARI-SDE-011."""
    odd = from_sddl("O:BAG:SYD:(XA;;FA;;;WD;#616263)").build()
    broken = odd[:-8]
    root = Node.directory({b"odd": Node.file(b"x"), b"broken": Node.file(b"y")})
    root.children[b"odd"].nt_acl = (odd, b"")
    root.children[b"broken"].nt_acl = (broken, b"")
    made = images.encode(root)
    with Image.open(made) as image:
        report = restore(image, tmp_path / "back", select(image.names, []))
    assert values(tmp_path / "back") == {}
    told = {fault.path: fault.requirement for fault in report.faults}
    assert told.pop(b"odd") == "DARI-SDE-015"
    assert told.pop(b"broken").startswith("DARI-SDE-00")
    assert not told
    assert report.files == 2
    assert {fault.requirement[:8] for fault in verify(made).faults} == {"DARI-SDE"}
