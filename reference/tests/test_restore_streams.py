"""Streams that come back: as Samba keeps them, or as files beside (DARI-STR-019)."""

from __future__ import annotations

import errno
import json
import os
import stat

import pytest
from fuzz.strategies.damage import damage, damages
from fuzz.strategies.trees import data, streamed_trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import legacy
from support.everybody import let_through
from support.streams import (
    ZONE,
    depot_directory,
    get_depot_streams,
    get_xattr_streams,
    set_depot_streams,
    set_xattr_streams,
)
from test_restore_run import bring, image_of
from test_restore_unprivileged import NOBODY, as_nobody
from test_round_trip import expected_content
from test_stream_sources import imaged, streams_in
from test_writer import encode, tree_paths

from darimage.errors import DarimageError, StorageError, UsageError
from darimage.image.reader import Image
from darimage.restore.wish import Wish
from darimage.sources.memory import Node

MIB = 1 << 20
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")


def streamed(node, **streams):
    node.streams = {name.encode(): Node.file(data) for name, data in streams.items()}
    return node


def tree():
    """A tree with streams on a file with two names, on directories, and on the root."""
    file = streamed(Node.file(b"contents"), zone=ZONE, empty=b"")
    folder = streamed(Node.directory({b"again": file}), ds=b"of a directory")
    root = Node.directory({b"file": file, b"folder": folder, b"plain": Node.file(b"p")})
    return streamed(root, rs=b"of the root")


EXPECTED = {
    "": {b"rs": b"of the root"},
    "file": {b"zone": ZONE, b"empty": b""},
    "folder": {b"ds": b"of a directory"},
    "plain": {},
}


@pytest.fixture
def out(tmp_path):
    """A destination on a file system with extended attributes."""
    try:
        os.setxattr(tmp_path, "user.probe", b"1")
        os.removexattr(tmp_path, "user.probe")
    except OSError:
        pytest.skip("no extended attributes here")
    return tmp_path / "out"


def bring_streams(image, out, form, patterns=(), **options):
    return bring(image, out, patterns, streams=Wish.parse(form), **options)


def texts(report):
    return [fault.text() for fault in report.faults]


@pytest.mark.parametrize("form", ["auto", "xattr"])
def test_streams_come_back_as_attributes(out, form):
    report = bring_streams(image_of(tree()), out, form)
    assert texts(report) == []
    assert report.streams == 4
    for name, streams in EXPECTED.items():
        assert get_xattr_streams(out / name) == streams


@pytest.mark.parametrize("elsewhere", [False, True])
def test_streams_come_back_in_a_depot(out, tmp_path, elsewhere):
    depot = tmp_path / "depot" if elsewhere else out / ".streams"
    report = bring_streams(image_of(tree()), out, f"depot={depot}" if elsewhere else "depot")
    assert texts(report) == []
    for name, streams in EXPECTED.items():
        assert get_depot_streams(depot, out / name) == streams
    assert "user.SAMBA_STREAMS" not in os.listxattr(out / "plain")


def test_streams_come_back_beside(out, tmp_path):
    beside = tmp_path / "beside"
    report = bring_streams(image_of(tree()), out, f"beside={beside}")
    assert texts(report) == []
    found = {str(p.relative_to(beside)): p.read_bytes() for p in beside.rglob("*") if p.is_file()}
    assert found == {
        ":rs": b"of the root",
        "file:zone": ZONE,
        "file:empty": b"",
        "folder:ds": b"of a directory",
    }
    assert [os.listxattr(out / name) for name in EXPECTED] == [[], [], [], []]


def test_no_streams_come_back_unasked(out):
    report = bring_streams(image_of(tree()), out, "none")
    assert (report.streams, texts(report)) == (0, [])
    assert os.listxattr(out / "file") == []


def test_what_is_picked_brings_its_streams_and_nothing_else(out):
    report = bring_streams(image_of(tree()), out, "xattr", [b"folder"])
    assert texts(report) == []
    assert get_xattr_streams(out / "folder") == EXPECTED["folder"]
    assert get_xattr_streams(out / "folder" / "again") == EXPECTED["file"]
    assert get_xattr_streams(out) == {}
    assert report.streams == 3


@pytest.mark.parametrize("made", ["xattr", "depot"])
@pytest.mark.parametrize("back", ["xattr", "depot"])
def test_streams_pass_from_form_to_form(out, tmp_path, made, back):
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (source / "file").write_bytes(b"contents")
    (source / "plain").write_bytes(b"")
    for name, streams in EXPECTED.items():
        if streams and made == "xattr":
            set_xattr_streams(source / name, streams)
        elif streams:
            set_depot_streams(source / ".streams", source / name, streams)
    first, report = imaged(source, made)
    assert report.good
    assert texts(bring_streams(Image.open(first), out, back)) == []
    second, report = imaged(out, back)
    assert report.faults == []
    assert streams_in(first) == streams_in(second)
    assert streams_in(first) == {k.encode(): v for k, v in EXPECTED.items() if v}


SIZES = [0, 1, 65535, 65536, 2 * 65536 - 1, 2 * 65536, MIB - 1]


@pytest.mark.parametrize("size", SIZES)
def test_attributes_for_a_stream_are_as_samba_makes_them(size):
    from darimage.restore.stream_forms import samba_values
    from darimage.sources.streams.samba_xattr import SambaXattr

    content = bytes(at % 251 for at in range(size))
    values = samba_values(b"s", content)
    assert max(map(len, values.values())) <= 65536
    assert len(values) <= 16
    first = values[b"user.DosStream.s:$DATA"]
    assert first[-1] == len(values) - 1
    copy = dict(values)
    (found,) = SambaXattr().take(copy, os.stat("/"), -1, lambda *_: None)
    parts = [values[name] for name in found.place.names]
    assert b"".join([parts[0][:-1], *parts[1:]]) == content
    assert copy == {}


@pytest.mark.parametrize("size", [MIB, 5 * MIB])
def test_a_stream_too_big_for_attributes_is_named_and_the_rest_comes_back(out, size):
    file = streamed(Node.file(b"contents"), small=b"s")
    file.streams[b"big"] = Node.file(bytes(size))
    report = bring_streams(image_of(Node.directory({b"file": file})), out, "xattr")
    assert [(f.kind, f.path) for f in report.faults] == [("streams", b"file:big")]
    assert "beside=DIR" in report.faults[0].message
    assert get_xattr_streams(out / "file") == {b"small": b"s"}
    assert (out / "file").read_bytes() == b"contents"


def test_what_the_file_system_refuses_leaves_nothing_half(out):
    """ext4 takes a few KiB of attributes, so the parts of this stream cannot all be set."""
    file = Node.file(b"")
    file.streams[b"big"] = Node.file(bytes(range(256)) * 1024)
    report = bring_streams(image_of(Node.directory({b"file": file})), out, "xattr")
    held = get_xattr_streams(out / "file")
    if report.faults:
        assert [(f.kind, f.path) for f in report.faults] == [("streams", b"file:big")]
        assert os.listxattr(out / "file") == []
    else:
        assert held == {b"big": bytes(range(256)) * 1024}


def test_where_there_are_no_attributes_it_is_told_once(out, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(os, "setxattr", refuse)
    report = bring_streams(image_of(tree()), out, "xattr")
    (fault,) = report.faults
    assert fault.kind == "streams"
    assert fault.message.endswith("; so for 3 more streams")
    assert (report.streams, report.files) == (0, 2)


@pytest.mark.parametrize("form", ["depot", "beside"])
def test_big_streams_keep_their_holes_beside_and_in_a_depot(out, tmp_path, form):
    stream = Node(size=64 * MIB, data={0: b"start", 32 * MIB: b"middle"})
    file = Node.file(b"")
    file.streams[b"big"] = stream
    where = f"beside={tmp_path / 'beside'}" if form == "beside" else form
    report = bring_streams(image_of(Node.directory({b"file": file})), out, where)
    assert texts(report) == []
    path = tmp_path / "beside" / "file:big"
    if form == "depot":
        path = depot_directory(out / ".streams", out / "file") / ":big:$DATA"
    assert path.read_bytes() == expected_content(stream)
    assert path.stat().st_blocks * 512 < MIB


@AS_ROOT
@pytest.mark.parametrize("form", ["depot", "beside"])
def test_streams_that_are_files_get_their_attributes(out, tmp_path, form):
    file = Node.file(b"")
    stream = Node(stat.S_IFREG | 0o640, uid=12, gid=34, mtime_ns=10**18 + 7, atime_ns=10**18)
    file.streams[b"s"] = stream
    where = f"beside={tmp_path / 'beside'}" if form == "beside" else form
    assert texts(bring_streams(image_of(Node.directory({b"file": file})), out, where)) == []
    path = tmp_path / "beside" / "file:s"
    if form == "depot":
        path = depot_directory(out / ".streams", out / "file") / ":s:$DATA"
    info = path.stat()
    assert (info.st_mode, info.st_uid, info.st_gid) == (stat.S_IFREG | 0o640, 12, 34)
    assert info.st_mtime_ns == 10**18 + 7


@pytest.mark.parametrize("form", ["xattr", "depot", "beside"])
def test_times_of_what_has_streams_are_those_of_the_image(out, tmp_path, form):
    nodes = tree()
    for node in (nodes, *nodes.children.values()):
        node.mtime_ns = 10**18 + 1
    where = f"beside={tmp_path / 'beside'}" if form == "beside" else form
    assert texts(bring_streams(image_of(nodes), out, where)) == []
    for name in EXPECTED:
        assert (out / name).stat().st_mtime_ns == 10**18 + 1


@pytest.mark.parametrize("form", ["xattr", "depot", "beside"])
def test_what_is_there_already_is_replaced_only_on_demand(out, tmp_path, form):
    where = f"beside={tmp_path / 'beside'}" if form == "beside" else form
    image = image_of(tree())
    assert texts(bring_streams(image, out, where)) == []
    report = bring_streams(image, out, where)
    assert {fault.kind for fault in report.faults} == {"exists"}
    assert report.streams == 0
    report = bring_streams(image, out, where, existing="replace")
    assert texts(report) == []
    assert report.streams == 4


def test_streams_of_a_deleted_file_do_not_become_those_of_a_new_one(out):
    """A depot that holds something for the very inode that a file gets."""
    image = image_of(Node.directory({b"file": streamed(Node.file(b""), s=b"mine")}))
    bring_streams(image, out, "depot")
    folder = depot_directory(out / ".streams", out / "file")
    (folder / ":s:$DATA").unlink()
    (folder / ":old:$DATA").write_bytes(b"stale")
    from darimage.restore.stream_forms import SambaDepot
    from darimage.restore.target import TargetError

    class Base:
        number, is_directory = 5, False
        fd = os.open(out / "file", os.O_PATH)
        path = b"/proc/self/fd/%d" % fd

    depot = SambaDepot(os.open(out / ".streams", os.O_RDONLY), None, overwrite=False)
    with pytest.raises(TargetError, match="deleted before"):
        depot._directory(Base)
    depot.close()
    os.close(Base.fd)
    assert (folder / ":old:$DATA").exists()


@pytest.mark.parametrize("name", [b".streams", b".streams/A1"])
def test_a_depot_is_never_entered_by_a_link(out, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    file = streamed(Node.file(b""), s=b"data")
    link = Node.symlink(os.fsencode(elsewhere))
    children = {b"%02X" % at: link for at in range(256)} if b"/" in name else None
    inner = Node.directory(children) if children else link
    image = image_of(Node.directory({b"file": file, b".streams": inner}))
    report = bring_streams(image, out, "depot")
    assert report.faults
    assert report.streams == 0
    assert os.listdir(elsewhere) == []
    assert (out / "file").exists()


def test_a_place_beside_is_never_entered_by_a_link(out, tmp_path):
    beside, elsewhere = tmp_path / "beside", tmp_path / "elsewhere"
    beside.mkdir()
    elsewhere.mkdir()
    (beside / "folder").symlink_to(elsewhere)
    file = streamed(Node.file(b""), s=b"data")
    image = image_of(Node.directory({b"folder": Node.directory({b"file": file})}))
    report = bring_streams(image, out, f"beside={beside}")
    assert [fault.kind for fault in report.faults] == ["blocked"]
    assert os.listdir(elsewhere) == []


def test_a_place_that_cannot_be_ends_the_run(out, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for form in ("depot", "beside"):
        with pytest.raises(StorageError):
            bring_streams(image_of(tree()), out, f"{form}={tmp_path / 'file'}", existing="replace")


@AS_ROOT
def test_a_file_that_its_owner_may_not_write_gets_its_streams(out):
    file = streamed(Node.file(b"data"), s=b"1")
    file.mode, file.uid, file.gid = stat.S_IFREG | 0o444, NOBODY, NOBODY
    raw = bytes(encode(Node.directory({b"file": file}))[0])
    out.mkdir()
    let_through(out)
    os.chown(out, NOBODY, NOBODY)

    def work():
        report = bring_streams(Image.open(raw), out / "mine", "xattr")
        return {"faults": report.fault_count}

    assert as_nobody(work)["faults"] == 0
    assert get_xattr_streams(out / "mine" / "file") == {b"s": b"1"}
    assert (out / "mine" / "file").stat().st_mode == stat.S_IFREG | 0o444


@pytest.mark.parametrize("text", ["", "nonsense", "xattr=x", "beside", "beside=", "depot-unmarked"])
def test_a_form_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="streams come back by"):
        Wish.parse(text)


def test_the_commands(out, tmp_path):
    source, image, back = tmp_path / "source", tmp_path / "image", tmp_path / "back"
    source.mkdir()
    (source / "file").write_bytes(b"contents")
    set_xattr_streams(source / "file", {b"Zone.Identifier": ZONE})
    made = legacy.darimage("create", "-q", source, image)
    assert (made.rc, made.stderr) == (0, "")
    told = json.loads(legacy.darimage("info", "--json", image).stdout)
    assert told["streams"] == {"bases": 1, "streams": 1}
    assert "  streams   1 stream of 1 file or directory\n" in legacy.darimage("info", image).stdout
    assert "streams" in told["features"]
    assert "stream directories" in [part["title"] for part in told["parts"]]
    assert legacy.darimage("list", image).stdout.split() == [".", "file", "file:Zone.Identifier"]
    listed = json.loads(legacy.darimage("list", "--json", image).stdout)["entries"]
    (stream,) = [entry for entry in listed if entry["type"] == "stream"]
    (file,) = [entry for entry in listed if entry["path"] == "file"]
    assert (stream["stream"], stream["base"]) == ("Zone.Identifier", file["inode"])
    assert stream["size"] == len(ZONE)
    assert legacy.darimage("verify", image).rc == 0
    done = legacy.darimage("restore", "--json", image, back)
    assert json.loads(done.stdout)["streams"] == 1
    assert get_xattr_streams(back / "file") == {b"Zone.Identifier": ZONE}
    done = legacy.darimage("restore", "-q", "--no-streams", image, tmp_path / "without")
    assert done.rc == 0
    assert os.listxattr(tmp_path / "without" / "file") == []
    refused = legacy.darimage("create", "--streams", "strange", source, tmp_path / "other")
    assert (refused.rc, (tmp_path / "other").exists()) == (2, False)
    refused = legacy.darimage("restore", "--streams", "beside", image, tmp_path / "other")
    assert (refused.rc, (tmp_path / "other").exists()) == (2, False)


@st.composite
def small_streams(draw):
    node = Node(stat.S_IFREG | draw(st.integers(0, 0o777)))
    node.size = draw(st.sampled_from([0, 1, 1023, 1024, 5000]))
    node.data = draw(data(node.size))
    return node


QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))


@AS_ROOT
@settings(QUIET, max_examples=40)
@given(streamed_trees(small_streams(), small_streams()), st.booleans())
def test_all_streams_of_any_tree_come_back_beside(tree, sequential):
    with legacy.scratch_directory() as folder:
        image = Image.open(encode(tree)[0], sequential=sequential)
        report = bring_streams(image, folder / "out", f"beside={folder / 'beside'}")
        beside, refused = os.fsencode(folder / "beside"), {fault.path for fault in report.faults}
        wanted = {}
        for path, node in tree_paths(tree).items():
            for name, stream in node.streams.items():
                place = path.removeprefix(b"/") + b":" + name
                wanted.setdefault(id(stream), (stream, []))[1].append(place)
        for stream, places in wanted.values():
            # Two names may be one beside, or a name get too long.
            if refused.isdisjoint(places):
                (place,) = [place for place in places if os.path.exists(beside + b"/" + place)]
                with open(beside + b"/" + place, "rb") as file:
                    assert file.read() == expected_content(stream)
        assert report.streams + len(refused) >= len(wanted)
        assert {fault.kind for fault in report.faults} <= {"exists", "target"}
        assert not image.faults


@AS_ROOT
@settings(QUIET, max_examples=60)
@given(streamed_trees(small_streams(), small_streams()), damages, st.booleans())
def test_any_damage_to_an_image_with_streams_is_survived(tree, what, sequential):
    image = damage(encode(tree)[0], what)
    with legacy.scratch_directory() as folder:
        (folder / "untouched").mkdir()
        try:
            opened = Image.open(image, sequential=sequential)
            bring_streams(opened, folder / "out", f"beside={folder / 'beside'}")
        except DarimageError:
            pass
        assert set(os.listdir(folder)) <= {"untouched", "out", "beside"}
        assert os.listdir(folder / "untouched") == []
