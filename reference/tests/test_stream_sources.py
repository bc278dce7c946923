"""Streams as trees keep them: found, read, and missed when they change."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.streams import ZONE, depot_directory, set_depot_streams, set_xattr_streams
from test_posix_source import MIB
from test_round_trip import content_of

from darimage.errors import StorageError, UsageError
from darimage.image.reader import Image
from darimage.image.writer import Options, create
from darimage.sources.attached import Wanted
from darimage.sources.posix import PosixSource
from darimage.sources.scan import FIELDS, WIDTH
from darimage.sources.streams.choice import Choice
from darimage.sources.streams.form import InFile, is_name
from darimage.sources.streams.ntfs import NtfsXattr
from darimage.sources.streams.samba_depot import directory_of
from darimage.sources.streams.samba_xattr import SambaXattr
from darimage.validate.verify import verify
from darimage.volumes.writing import MemorySink

FILE = SimpleNamespace(st_mode=stat.S_IFREG | 0o644, st_dev=1, st_ino=2)


class Disturbed(PosixSource):
    """Lets something happen to the tree between the scan and the reading."""

    def __init__(self, path, disturb, **options):
        super().__init__(path, **options)
        self._disturb = disturb

    def contents(self, scan):
        self._disturb()
        return super().contents(scan)


def imaged(path, form="auto", disturb=lambda: None, **options):
    """Return the bytes of an image and the report on it."""
    sink = MemorySink()
    wanted = Wanted(streams=Choice.parse(form))
    report = create(Disturbed(path, disturb, wanted=wanted), sink, Options(**options))
    return bytes(sink.data), report


def streams_in(data):
    """Return the streams of an image: by path of the base, by name."""
    found, faults = {}, []
    with Image.open(data) as image:
        for base, one in image.streams.by_base.items():
            inodes = {i.number: i for i in image.inodes([e.inode for e in one.entries])}
            found[image.names.path(base)] = {
                name: content_of(image, inodes[number], faults) for name, number in one.entries
            }
        assert not image.faults
    assert not faults
    assert verify(data).faults == []
    return found


def kinds(report):
    return [(fault.kind, fault.path) for fault in report.faults]


@pytest.fixture
def tree(tmp_path):
    """A tree on a file system with extended attributes."""
    root = tmp_path / "tree"
    (root / "folder").mkdir(parents=True)
    (root / "file").write_bytes(b"contents")
    (root / "folder" / "plain").write_bytes(b"no streams")
    os.link(root / "file", root / "folder" / "again")
    try:
        os.setxattr(root, "user.probe", b"1")
        os.removexattr(root, "user.probe")
    except OSError:
        pytest.skip("no extended attributes here")
    return root


STREAMS = {
    "": {b"of the root": b"r"},
    "file": {b"Zone.Identifier": ZONE, b"empty": b"", "größe".encode(): b"\0" * 5},
    "folder": {b"ds": b"of a directory" * 9},
}
EXPECTED = {name.encode(): streams for name, streams in STREAMS.items()}


def test_streams_of_samba_are_found_in_attributes(tree):
    for name, streams in STREAMS.items():
        set_xattr_streams(tree / name, streams)
    for form in ("auto", "xattr"):
        data, report = imaged(tree, form)
        assert report.good
        assert streams_in(data) == EXPECTED
    data, report = imaged(tree, "none")
    assert report.good
    assert streams_in(data) == {}


def test_streams_have_permissions_and_times_of_their_file(tree):
    (tree / "file").chmod(0o4751)
    os.utime(tree / "file", ns=(10**18 + 1, 10**18 + 2))
    set_xattr_streams(tree / "file", {b"s": b"data"})
    with Image.open(imaged(tree)[0]) as image:
        ((name, number),) = image.streams.of(image.names.lookup(b"file"))
        inode = image.inode(number)
        assert (name, inode.mode, inode.mtime_ns) == (b"s", stat.S_IFREG | 0o751, 10**18 + 2)


def test_streams_of_samba_are_found_in_a_depot(tree):
    for name, streams in STREAMS.items():
        set_depot_streams(tree / ".streams", tree / name, streams)
    for form in ("auto", "depot", f"depot={tree / '.streams'}", "depot-unmarked"):
        data, report = imaged(tree, form)
        assert report.faults == []
        assert report.skipped == []
        assert streams_in(data) == EXPECTED
        with Image.open(data) as image:
            assert image.names.lookup(b".streams") is None


def test_a_depot_elsewhere_is_found_where_it_is_said_to_be(tree, tmp_path):
    depot = tmp_path / "depot"
    for name, streams in STREAMS.items():
        set_depot_streams(depot, tree / name, streams)
    assert streams_in(imaged(tree, f"depot={depot}")[0]) == EXPECTED
    assert streams_in(imaged(tree)[0]) == {}


def test_a_depot_that_is_not_there_ends_the_run(tree, tmp_path):
    for form in ("depot", f"depot={tmp_path / 'nowhere'}"):
        with pytest.raises(StorageError):
            imaged(tree, form)


def test_a_directory_called_like_a_depot_is_a_directory(tree):
    (tree / ".streams" / "videos").mkdir(parents=True)
    data, report = imaged(tree)
    assert report.good
    with Image.open(data) as image:
        assert image.names.lookup(b".streams/videos") is not None


def test_streams_of_deleted_files_are_named(tree):
    (tree / "gone").write_bytes(b"x")
    set_depot_streams(tree / ".streams", tree / "gone", {b"s": b"lost"})
    where = depot_directory(Path(".streams"), tree / "gone")
    keep = tree.parent / "kept"
    (tree / "gone").rename(keep)
    data, report = imaged(tree)
    assert report.skipped == [os.fsencode(where)]
    assert streams_in(data) == {}


def test_streams_without_a_mark_are_those_of_another_file(tree):
    set_depot_streams(tree / ".streams", tree / "file", {b"s": b"stale"}, mark=False)
    os.setxattr(tree / "file", "user.other", b"1")
    data, report = imaged(tree)
    assert kinds(report) == [("stale", b"file")]
    assert streams_in(data) == {}
    data, report = imaged(tree, "depot-unmarked")
    assert report.good
    assert streams_in(data) == {b"file": {b"s": b"stale"}}


def test_what_is_no_stream_in_a_depot_is_named(tree):
    set_depot_streams(tree / ".streams", tree / "file", {b"good": b"x"})
    folder = depot_directory(tree / ".streams", tree / "file")
    (folder / "plain").write_bytes(b"")
    (folder / ":fifo:$DATA").symlink_to("/etc/passwd")
    data, report = imaged(tree)
    assert kinds(report) == [("unreadable", b"file")] * 2
    assert streams_in(data) == {b"file": {b"good": b"x"}}


def test_a_big_sparse_stream_of_a_depot_keeps_its_holes(tree):
    set_depot_streams(tree / ".streams", tree / "file", {b"big": b"x" * 5000})
    path = depot_directory(tree / ".streams", tree / "file") / ":big:$DATA"
    with path.open("r+b") as file:
        file.truncate(64 * MIB)
        file.seek(32 * MIB)
        file.write(b"middle")
    data, report = imaged(tree)
    assert report.good
    assert len(data) < MIB
    assert streams_in(data)[b"file"][b"big"] == path.read_bytes()


def test_one_name_in_two_forms_is_reported(tree):
    set_xattr_streams(tree / "file", {b"s": b"attribute", b"t": b"2"})
    set_depot_streams(tree / ".streams", tree / "file", {b"s": b"depot", b"u": b"3"})
    data, report = imaged(tree)
    assert kinds(report) == [("duplicate", b"file")]
    assert streams_in(data) == {b"file": {b"s": b"attribute", b"t": b"2", b"u": b"3"}}


def in_attributes(tree):
    set_xattr_streams(tree / "file", {b"s": b"0123456789"})
    return lambda data: os.setxattr(tree / "file", b"user.DosStream.s:$DATA", data + b"\0")


def in_depot(tree):
    set_depot_streams(tree / ".streams", tree / "file", {b"s": b"0123456789"})
    return (depot_directory(tree / ".streams", tree / "file") / ":s:$DATA").write_bytes


@pytest.mark.parametrize("form", [in_attributes, in_depot])
@pytest.mark.parametrize(
    ("now", "kind", "kept", "substituted"),
    [
        (b"0123", "shrank", b"0123" + bytes(6), 1),
        (b"0123456789ab", "grew", b"0123456789", 0),
        (b"9876543210", "changed", b"9876543210", 0),
    ],
)
def test_a_stream_that_changes_is_noticed(tree, form, now, kind, kept, substituted):
    change = form(tree)
    data, report = imaged(tree, disturb=lambda: change(now))
    assert kinds(report) == [(kind, b"file:s")]
    assert (report.substituted, report.mismatches) == (substituted, 0)
    with Image.open(data) as image:
        ((_, number),) = image.streams.of(image.names.lookup(b"file"))
        assert content_of(image, image.inode(number), []) == kept


def remove_attribute(tree):
    os.removexattr(tree / "file", b"user.DosStream.s:$DATA")


def remove_file(tree):
    (tree / "file").unlink()
    (tree / "folder" / "again").unlink()


@pytest.mark.parametrize("vanish", [remove_attribute, remove_file])
def test_a_stream_that_vanishes_is_noticed(tree, vanish):
    in_attributes(tree)
    data, report = imaged(tree, disturb=lambda: vanish(tree))
    assert ("vanished", b"file:s") in kinds(report)
    with Image.open(data) as image:
        ((_, number),) = image.streams.of(image.names.lookup(b"file"))
        assert content_of(image, image.inode(number), []) == bytes(10)


def held(data):
    """Return the bytes of the only stream of ``file``."""
    with Image.open(data) as image:
        ((_, number),) = image.streams.of(image.names.lookup(b"file"))
        return content_of(image, image.inode(number), [])


@pytest.mark.parametrize(
    ("now", "kept", "substituted"),
    [
        (b"9876543210", b"9876543210", 0),
        (b"98765432101", b"9876543210", 0),
        (b"9876", b"9876" + bytes(6), 1),
        (None, bytes(10), 1),
    ],
)
def test_the_streams_of_a_file_saved_by_rename_are_as_they_are_now(tree, now, kept, substituted):
    """Shows DARI-FIL-025 for streams."""
    in_attributes(tree)
    (tree / "folder/again").unlink()

    def replace():
        (tree / "new").write_bytes(b"contents")
        set_xattr_streams(tree / "new", {} if now is None else {b"s": now})
        (tree / "new").rename(tree / "file")

    data, report = imaged(tree, disturb=replace)
    assert ("vanished" if now is None else "replaced", b"file:s") in kinds(report)
    assert (held(data), report.substituted) == (kept, substituted)


def test_the_streams_of_a_file_are_found_by_its_other_name(tree):
    """Shows DARI-FIL-025 for streams."""
    in_attributes(tree)

    def replace():
        (tree / "new").write_bytes(b"contents")
        set_xattr_streams(tree / "new", {b"s": b"9876543210"})
        (tree / "new").rename(tree / "file")

    data, report = imaged(tree, disturb=replace)
    assert ("vanished", b"file:s") in kinds(report)
    assert (held(data), report.substituted) == (b"0123456789", 0)


def test_the_streams_of_what_is_of_another_kind_now_are_lost(tree):
    in_attributes(tree)

    def replace():
        remove_file(tree)
        (tree / "file").mkdir()

    data, report = imaged(tree, disturb=replace)
    assert ("vanished", b"file:s") in kinds(report)
    assert (held(data), report.substituted) == (bytes(10), 2)


def test_a_stream_saved_by_rename_in_a_depot_is_as_it_is_now(tree):
    in_depot(tree)
    place = depot_directory(tree / ".streams", tree / "file") / ":s:$DATA"

    def replace():
        (tree / "new").write_bytes(b"9876543210!")
        (tree / "new").rename(place)

    data, report = imaged(tree, disturb=replace)
    assert kinds(report) == [("replaced", b"file:s")]
    assert (held(data), report.substituted) == (b"9876543210", 0)


@pytest.mark.parametrize("form", [in_attributes, in_depot])
def test_inode_numbers_of_bases_and_streams_need_not_last(tree, form):
    """Shows DARI-FIL-025 for streams."""
    form(tree)
    set_xattr_streams(tree / "folder", {b"ds": b"of a directory"})

    class Unlasting(PosixSource):
        def contents(self, scan):
            at = FIELDS.index("source_inode")
            for table in (scan.others, scan.directories):
                for number in range(len(table) // WIDTH):
                    table[number * WIDTH + at] += 1000
            for number, (key, stream) in list(scan.stream_of.items()):
                if isinstance(stream.place, InFile):
                    place = stream.place._replace(inode=stream.place.inode + 1000)
                    scan.stream_of[number] = (key, stream._replace(place=place))
            return super().contents(scan)

    sink = MemorySink()
    report = create(Unlasting(tree), sink, Options())
    assert report.faults == []
    assert held(bytes(sink.data)) == b"0123456789"


@pytest.mark.parametrize("form", [in_attributes, in_depot])
@pytest.mark.parametrize("when", ["scan", "reading"])
def test_too_many_open_files_are_no_fault_of_streams(tree, form, when, monkeypatch):
    form(tree)
    begun, refused = [when == "scan"], []

    def refusing(function):
        def called(file, *args, **options):
            # Whatever is read of streams: attributes, and what lies in the depot.
            if begun[0] and isinstance(file, bytes) and (b"$DATA" in file or b"/proc" in file):
                refused.append(file)
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return function(file, *args, **options)

        return called

    for name in ("open", "getxattr", "listxattr"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))
    with pytest.raises(StorageError, match="Too many open files"):
        imaged(tree, disturb=lambda: begun.__setitem__(0, True), workers=1)
    assert refused


def test_many_workers_and_a_pipe_write_the_same_streams(tree):
    for at in range(40):
        (tree / f"f{at}").write_bytes(b"x" * at)
        set_xattr_streams(tree / f"f{at}", {b"s%d" % at: bytes([at]) * at})
    one, two = streams_in(imaged(tree)[0]), streams_in(imaged(tree, workers=3)[0])
    assert one == two
    assert len(one) == 40


names = st.binary(min_size=1, max_size=200)


def as_samba_does(name, data, room):
    """Return the attributes of a stream when one holds ``room`` bytes."""
    raw = name + b":$DATA"
    first, rest = data[: room - 1], data[room - 1 :]
    pieces = [rest[at : at + room] for at in range(0, len(rest), room)]
    values = {b"user.DosStream." + raw: first + bytes([len(pieces)])}
    for number, piece in enumerate(pieces, 1):
        values[b"user.DosStreamExt.%d." % number + raw] = piece
    return values


@given(
    st.dictionaries(names, st.binary(max_size=200), max_size=4),
    st.integers(2, 40),
    st.dictionaries(names.map(lambda name: b"trusted." + name), st.binary(max_size=9)),
)
def test_streams_are_taken_out_of_attributes_and_nothing_else_is(streams, room, others):
    streams = {name: data for name, data in streams.items() if len(data) < room * 200}
    values = dict(others)
    for name, data in streams.items():
        values |= as_samba_does(name, data, room)
    before, told = dict(values), []
    found = SambaXattr().take(values, FILE, -1, lambda *what: told.append(what))
    taken = {name: data for name, data in streams.items() if is_name(name)}
    assert [stream.name for stream in found] == sorted(taken)
    for stream in found:
        parts = [before[name] for name in stream.place.names]
        parts[0] = parts[0][: -stream.place.trailer]
        assert b"".join(parts) == taken[stream.name]
        assert stream.size == len(taken[stream.name])
    left = {k for name in streams if name not in taken for k in as_samba_does(name, b"", room)}
    assert set(values) >= set(others) | left
    assert not told


@given(st.dictionaries(st.binary(max_size=60), st.binary(max_size=20), max_size=6))
def test_any_attributes_give_up_streams_without_losing_a_byte(values):
    for prefix in (b"", b"user.", b"user.DosStream."):
        mine = {prefix + name: value for name, value in values.items()}
        for form in (SambaXattr(), NtfsXattr()):
            left = dict(mine)
            found = form.take(left, FILE, -1, lambda *_: None)
            assert len({stream.name for stream in found}) == len(found)
            named = [name for stream in found for name in stream.place.names]
            assert sorted([*left, *named]) == sorted(mine)
            assert all(is_name(stream.name) for stream in found)


def test_a_long_stream_that_lost_a_part_is_kept_up_to_there():
    values = as_samba_does(b"s", b"0123456789", 4)
    del values[b"user.DosStreamExt.2.s:$DATA"]
    told = []
    (found,) = SambaXattr().take(values, FILE, -1, lambda *what: told.append(what))
    assert found.size == 7
    assert [kind for kind, _ in told] == ["truncated"]
    assert list(values) == []


def test_a_share_without_stream_types():
    values = {b"user.DosStream.a": b"1\0", b"user.DosStream.b:$data": b"2\0"}
    found = SambaXattr().take(values, FILE, -1, lambda *_: None)
    assert [stream.name for stream in found] == [b"a", b"b"]


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_the_place_in_a_depot_is_that_of_its_module(device, inode):
    first, second, last = directory_of(device, inode).split(b"/")
    assert bytes.fromhex(last.decode()) == device.to_bytes(8, "little") + inode.to_bytes(
        8, "little"
    )
    assert len(first) == len(second) == 2


def test_places_seen_in_a_depot_of_samba():
    """Samba 4.17 of Debian 12, on this device and these inodes."""
    assert directory_of(65024, 2252822) == b"A1/60/00FE0000000000001660220000000000"
    assert directory_of(65024, 2277730) == b"A1/60/00FE00000000000062C1220000000000"


@pytest.mark.parametrize("text", ["", "nonsense", "xattr=x", "depot-", "ntfs"])
def test_a_form_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="streams are one of"):
        Choice.parse(text)
