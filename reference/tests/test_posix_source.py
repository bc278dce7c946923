"""A real tree as a source, also one that changes while it is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import slow_reader
from support.everybody import let_through

from darimage.errors import StorageError
from darimage.image.files import FileWriter
from darimage.image.inventory import Inventory
from darimage.image.layout import plan
from darimage.image.writer import Options, create
from darimage.progress import SILENT
from darimage.sources.handles import DirectoryHandles
from darimage.sources.posix import PosixSource
from darimage.volumes.writing import FileSink, MemorySink

MIB = 1 << 20


class Disturbed(PosixSource):
    """Lets something happen to the tree between the scan and the reading."""

    def __init__(self, path, disturb):
        super().__init__(path)
        self._disturb = disturb

    def contents(self, scan):
        self._disturb()
        return super().contents(scan)


def encode(source, **options):
    sink = MemorySink()
    report = create(source, sink, Options(**options))
    return slow_reader.read(bytes(sink.data)), report


def inode_of(image, name):
    return next(n for n, _, entry in image.inodes[2].entries if entry == name)


def disturbed(tmp_path, disturb, **options):
    """Make an image of a tree of three files of which one is disturbed."""
    (tmp_path / "a").write_bytes(b"before" * 100)
    (tmp_path / "b").write_bytes(b"x" * 5000)
    (tmp_path / "c").write_bytes(b"behind" * 100)
    image, report = encode(Disturbed(tmp_path, lambda: disturb(tmp_path / "b")), **options)
    assert image.inodes[inode_of(image, b"a")].content == b"before" * 100
    assert image.inodes[inode_of(image, b"c")].content == b"behind" * 100
    assert report.mismatches == 0
    return image.inodes[inode_of(image, b"b")], report


def replace(path, make):
    # Made while the old one is still there: a file system likes to give a free inode out again.
    other = path.with_name("other")
    make(other)
    other.rename(path)


def touch_as_new(path):
    info = path.stat()
    path.write_bytes(b"y" * 5000)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns + 1))


SUBSTITUTED = 1
CHANGES = [
    ("shrank", lambda path: os.truncate(path, 1500), b"x" * 1500 + bytes(3500), True),
    ("shrank", lambda path: os.truncate(path, 0), bytes(5000), True),
    ("grew", lambda path: os.truncate(path, 9000), b"x" * 5000, False),
    ("vanished", lambda path: path.unlink(), bytes(5000), True),
    ("replaced", lambda path: replace(path, lambda p: p.symlink_to("a")), bytes(5000), True),
    ("replaced", lambda path: replace(path, os.mkfifo), bytes(5000), True),
    (
        "replaced",
        lambda path: replace(path, lambda p: p.write_bytes(b"y" * 5000)),
        b"y" * 5000,
        False,
    ),
    (
        "replaced",
        lambda path: replace(path, lambda p: p.write_bytes(b"y" * 6000)),
        b"y" * 5000,
        False,
    ),
    (
        "replaced",
        lambda path: replace(path, lambda p: p.write_bytes(b"y" * 4000)),
        b"y" * 4000 + bytes(1000),
        True,
    ),
    ("changed", touch_as_new, b"y" * 5000, False),
]


@pytest.mark.parametrize(("kind", "disturb", "content", "marked"), CHANGES)
def test_a_file_that_changes_is_reported_and_the_map_stays_true(
    tmp_path, kind, disturb, content, marked
):
    """Shows DARI-FIL-013."""
    run, report = disturbed(tmp_path, disturb)
    assert [(fault.kind, fault.path) for fault in report.faults] == [(kind, b"b")]
    assert not report.good
    assert run.content == content
    assert run.head.extension.flags == (SUBSTITUTED if marked else 0)
    assert report.substituted == int(marked)


def test_an_empty_file_that_grows_is_reported(tmp_path):
    (tmp_path / "b").touch()
    source = Disturbed(tmp_path, lambda: (tmp_path / "b").write_bytes(b"now"))
    assert [fault.kind for fault in encode(source)[1].faults] == ["grew"]


def test_files_of_the_kernel_end_before_their_size():
    module = Path("/sys/kernel/mm/ksm")
    if not module.is_dir():
        pytest.skip("/sys/kernel/mm/ksm is not there")
    image, report = encode(PosixSource(module))
    run = image.inodes[inode_of(image, b"run")]
    text = (module / "run").read_bytes()
    assert run.content == text + bytes(4096 - len(text))
    told = {fault.path: fault.message for fault in report.faults}
    assert told[b"run"] == f"ends after {len(text)} of its 4096 bytes; zeros fill it up"


def test_a_long_file_that_shrinks_is_marked_only_where_zeros_are(tmp_path):
    path = tmp_path / "long"
    path.write_bytes(b"x" * (3 * MIB))
    image, report = encode(Disturbed(tmp_path, lambda: os.truncate(path, MIB + 5)))
    run = image.inodes[inode_of(image, b"long")]
    assert run.content == b"x" * (MIB + 5) + bytes(2 * MIB - 5)
    assert [head.extension.flags for head in run.headers] == [0, 0, 1, 1, 1, 1]
    assert [fault.kind for fault in report.faults] == ["shrank"]


def test_a_sparse_file_that_shrinks_in_its_end_hole_is_reported(tmp_path):
    path = tmp_path / "sparse"
    path.write_bytes(b"x" * 4096)
    os.truncate(path, 40 * MIB)
    image, report = encode(Disturbed(tmp_path, lambda: os.truncate(path, 4096)))
    run = image.inodes[inode_of(image, b"sparse")]
    last = 40 * MIB // 1024 - 1
    assert sorted(run.records) == [0, 1, 2, 3, last]
    assert not any(run.records[last])
    assert [fault.kind for fault in report.faults] == ["shrank"]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_write_the_same_files_and_report_a_fault_once(tmp_path, workers):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "long").write_bytes(os.urandom(9 * MIB + 7))
    for n in range(300):
        (tree / f"{n:03}").write_bytes(os.urandom(n * 31))
    source = Disturbed(tree, lambda: os.truncate(tree / "long", 5 * MIB))
    sink = FileSink(tmp_path / "image")
    report = create(source, sink, Options(workers=workers))
    image = slow_reader.read((tmp_path / "image").read_bytes())
    assert [fault.kind for fault in report.faults] == ["shrank"]
    assert (report.mismatches, report.substituted) == (0, 1)
    names = {name: n for n, _, name in image.inodes[2].entries[2:]}
    for n in range(300):
        assert image.inodes[names[b"%03d" % n]].content == (tree / f"{n:03}").read_bytes()
    long = image.inodes[names[b"long"]].content
    assert long == (tree / "long").read_bytes() + bytes(4 * MIB + 7)


@pytest.mark.parametrize("workers", [1, 2, 3, 5, 8])
def test_each_worker_gets_its_share(tmp_path, workers):
    tree = tmp_path / "tree"
    tree.mkdir()
    for n in range(400):
        (tree / f"{n:03}").write_bytes(b"x" * 5000)
    inventory = Inventory(PosixSource(tree).scan(SILENT))
    layout = plan(inventory, None, 10)
    writer = FileWriter(inventory, layout, None, None, None)
    shares = [stop.row - start.row for start, stop in writer.split(workers)]
    assert len(shares) == workers
    assert sum(shares) == 400
    assert max(shares) - min(shares) <= 2


@pytest.mark.parametrize("files", [1, 2, 3, 5, 60])
@pytest.mark.parametrize("workers", [2, 3, 7])
def test_the_work_is_cut_between_files_of_one_size(tmp_path, files, workers):
    tree = tmp_path / "tree"
    tree.mkdir()
    for n in range(files):
        (tree / f"{n:03}").write_bytes(b"x" * 100)
    report = create(PosixSource(tree), FileSink(tmp_path / "image"), Options(workers=workers))
    slow_reader.read((tmp_path / "image").read_bytes())
    assert report.good


@pytest.mark.skipif(os.geteuid() != 0, reason="others' files can be read unnoticed by root only")
def test_reading_leaves_access_times_alone(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_bytes(b"x")
    paths = [tmp_path, tmp_path / "below", tmp_path / "below" / "file"]
    for path in paths:
        os.utime(path, (1, 2))
    encode(PosixSource(tmp_path))
    assert [path.stat().st_atime for path in paths] == [1, 1, 1]


def test_holes_are_found(tmp_path):
    with (tmp_path / "sparse").open("wb") as stream:
        stream.seek(MIB)
        stream.write(b"x" * 4096)
        stream.truncate(3 * MIB)
    image, report = encode(PosixSource(tmp_path))
    run = image.inodes[inode_of(image, b"sparse")]
    assert run.content == (tmp_path / "sparse").read_bytes()
    assert len(run.records) < 100
    assert report.good


def test_the_image_is_not_put_into_itself(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    sink = FileSink(tmp_path / "image")
    info = os.fstat(sink.fd)
    source = PosixSource(tmp_path, leave_out=[(info.st_dev, info.st_ino)])
    report = create(source, sink)
    image = slow_reader.read((tmp_path / "image").read_bytes())
    assert [name for _, _, name in image.inodes[2].entries] == [b".", b"..", b"file"]
    assert len(report.skipped) == 1
    assert report.good


def test_a_tree_deeper_than_a_path_can_say(tmp_path):
    depth, here = 40, os.open(tmp_path, os.O_RDONLY)
    name = b"d" * 200
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    with open(
        "file", "wb", opener=lambda path, flags: os.open(path, flags, 0o600, dir_fd=here)
    ) as f:
        f.write(b"deep")
    os.close(here)
    image, report = encode(PosixSource(tmp_path))
    assert report.good
    assert report.directories == depth + 1
    assert image.inodes[max(image.inodes)].content == b"deep"


def test_other_file_systems_are_entered_only_if_wanted(tmp_path):
    source = PosixSource("/dev", one_file_system=True)
    scan = source.scan(SILENT)
    device = os.stat("/dev").st_dev
    crossed = {os.fsencode(n) for n in os.listdir("/dev") if os.lstat(f"/dev/{n}").st_dev != device}
    if not crossed:
        pytest.skip("nothing is mounted below /dev")
    assert set(scan.skipped) == crossed


def test_a_root_that_is_no_directory_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    for name in ("file", "nothing"):
        with pytest.raises(StorageError, match=name):
            PosixSource(tmp_path / name).scan(SILENT)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else needs root")
def test_what_may_not_be_read_is_left_out_and_reported(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "mine").write_bytes(b"x")
    (tree / "secret").write_bytes(b"y")
    (tree / "closed").mkdir()
    for path, mode in [(tree / "secret", 0o600), (tree / "closed", 0o700), (tree / "mine", 0o644)]:
        path.chmod(mode)
    let_through(tmp_path)
    os.seteuid(65534)
    try:
        image, report = encode(PosixSource(tree))
    finally:
        os.seteuid(0)
    assert sorted((f.kind, f.path) for f in report.faults) == [
        ("unreadable", b"closed"),
        ("unreadable", b"secret"),
    ]
    assert [name for _, _, name in image.inodes[2].entries] == [b".", b"..", b"closed", b"mine"]
    assert report.mismatches == 0


def test_handles_reopen_what_they_closed(tmp_path):
    parents = {}
    for n in range(1, 30):
        (tmp_path / f"{n}").mkdir()
        parents[n] = (0, str(n).encode())
    handles = DirectoryHandles(os.open(tmp_path, os.O_RDONLY), parents.__getitem__, capacity=4)
    for n in [*range(1, 30), *range(1, 30)]:
        assert os.fstat(handles.descriptor(n)).st_ino == (tmp_path / f"{n}").stat().st_ino
    handles.close()


def test_no_partial_image_is_left_behind(tmp_path):
    class Broken(PosixSource):
        def contents(self, scan):
            raise StorageError("the source is gone")

    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_bytes(b"x")
    with pytest.raises(StorageError, match="is gone"):
        create(Broken(tmp_path / "tree"), FileSink(tmp_path / "image"))
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_a_time_that_does_not_fit_is_clamped_and_reported(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    late = 9_999_999_999
    os.utime(tmp_path / "file", (late, late))
    if (tmp_path / "file").stat().st_mtime != late:
        pytest.skip("the file system here cannot hold such a time either")
    image, report = encode(PosixSource(tmp_path))
    assert [(fault.kind, fault.path) for fault in report.faults] == [("clamped", b"file")]
    assert image.inodes[3].head.extension.body.mtime_ns == 2**63 - 1
