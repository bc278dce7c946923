"""Trees that come back from images as they went in (chapter 90)."""

from __future__ import annotations

import json
import os
import stat

import pytest
from support import trees
from support.compare import Options as Compare
from support.compare import compare_trees
from support.volumes import Before

from darimage.image.reader import Image
from darimage.image.writer import Options as Create
from darimage.image.writer import create
from darimage.restore.run import Options, restore
from darimage.restore.selection import select
from darimage.sources.memory import MemorySource, Node
from darimage.sources.posix import PosixSource
from darimage.volumes.writing import FileSink, MemorySink

MIB = 1 << 20


def image_of(tree):
    sink = MemorySink()
    create(MemorySource(tree), sink, Create())
    return Image.open(bytes(sink.data))


def archived(source, path):
    report = create(PosixSource(source), FileSink(path), Create())
    assert not report.faults
    return Image.open(path)


def bring(image, out, patterns=(), inodes=(), progress=None, **options):
    selection = select(image.names, patterns, inodes)
    extra = {} if progress is None else {"progress": progress}
    return restore(image, out, selection, Options(**options), **extra)


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    yield folder
    trees.remove(folder)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    yield folder
    trees.remove(folder)


def differences(source, out, **options):
    return [str(found) for found in compare_trees(source, out, Compare(**options))]


ROUND_TRIPS = {
    "kinds": {},
    "names_255": {},
    "sizes": {},
    "sparse": {},
    "deep": {},
    "deep_long": {},
    "wide": {"entries": 5000},
    "sparse_1tib": {"size": 16 << 30},
}

#: Its short last record is a hole behind data, which an image has as data (DARI-FIL-019).
FILLED = ("b'alternating-hole-first': hole filled",)


@pytest.mark.parametrize("sequential", [False, True], ids=["direct", "sequential"])
@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_round_trip(name, sequential, source, out, tmp_path):
    trees.build(name, source, **ROUND_TRIPS[name])
    archived(source, tmp_path / "image").close()
    with Image.open(tmp_path / "image", sequential=sequential) as image:
        report = bring(image, out)
    assert [fault.text() for fault in report.faults] == []
    assert report.access == ("sequential" if sequential else "direct")
    found = differences(source, out)
    assert [told for told in found if not told.startswith(FILLED)] == []
    assert report.exit_code == 0


def test_the_report_counts_what_came_back(source, out, tmp_path):
    trees.build("kinds", source)
    with archived(source, tmp_path / "image") as image:
        report = bring(image, out)
    kinds = [os.lstat(os.path.join(d, n)) for d, ds, fs in os.walk(out) for n in ds + fs]
    inodes = {info.st_ino: info.st_mode for info in kinds}.values()
    assert report.directories == sum(stat.S_ISDIR(mode) for mode in inodes)
    assert report.files == sum(stat.S_ISREG(mode) for mode in inodes)
    assert report.symlinks == sum(stat.S_ISLNK(mode) for mode in inodes)
    assert report.others == len(inodes) - report.directories - report.files - report.symlinks
    assert report.links == len(kinds) - len(inodes)
    told = json.loads(json.dumps(report.as_json()))
    assert told["image_bytes"] == os.path.getsize(tmp_path / "image")
    assert told["faults"] == []


def test_times_come_back_to_the_nanosecond(out):
    file, link = Node.file(b"f"), Node.symlink(b"f")
    folder = Node.directory({b"f": file, b"l": link})
    for number, node in enumerate((file, link, folder)):
        node.atime_ns, node.mtime_ns = -1_999_999_999 + number, 10**18 + 7 + number
    bring(image_of(folder), out)
    for number, path in enumerate((out / "f", out / "l", out)):
        info = os.lstat(path)
        assert (info.st_atime_ns, info.st_mtime_ns) == (
            -1_999_999_999 + number,
            10**18 + 7 + number,
        )


def two_big_files():
    return Node.directory({
        b"a": Node.file(b"a" * (3 * MIB)),
        b"d": Node.directory({b"x": Node.file(b"x" * 5000), b"y": Node.file(b"y" * 70)}),
        b"e": Node.directory({b"p": Node.file(b"p" * 5000), b"q": Node.file(b"q" * 5000)}),
        b"z": Node.file(b"z" * (3 * MIB)),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "data"),
    [(b"d/y", 70), (b"d", 5070), (b"a", 3 * MIB), (b"[dz]", 5070 + 3 * MIB), (b"?/[px]", 10_000)],
)
def test_no_data_but_that_of_the_selection_is_read(pattern, data, out):
    """Shows DARI-RST-004."""
    image = image_of(two_big_files())
    places = [*image.offsets.offsets.tolist(), image.volume.size]
    names = image.names
    image.volume = Watched(image.volume)
    report = bring(image, out, [pattern])
    assert report.faults == []
    assert report.bytes_written == data
    chosen = {names.lookup(os.fsencode(p.relative_to(out))) for p in out.rglob("*")}
    spans = {int(inode): (places[k], places[k + 1]) for k, inode in enumerate(image.offsets.inodes)}
    for start, end in image.volume.ranges:
        touched = {n for n, (low, high) in spans.items() if start < high and end > low}
        assert touched <= chosen, (start, end)


class Watched(Before):
    """A volume that remembers what was read of it."""

    def __init__(self, volume):
        super().__init__(volume)
        self.ranges = []

    def seen(self, offset, length):
        self.ranges.append((offset, offset + length))


def test_neighbours_come_with_one_read(out):
    tree = Node.directory({b"%03d" % n: Node.file(b"%d" % n * 1000) for n in range(300)})
    image = image_of(tree)
    assert image.names
    assert image.offsets
    before = image.volume.reads
    bring(image, out)
    assert image.volume.reads - before <= 2


def test_places_stay_below_the_destination_and_parents_stay_plain(source, out, tmp_path):
    trees.build("kinds", source)
    os.chmod(source / "hard-b", 0o701)
    os.utime(source / "hard-b", ns=(1, 1))
    with archived(source, tmp_path / "image") as image:
        bring(image, out, [b"hard-b/deeper"])
        plain = os.stat(out / "hard-b")
        assert plain.st_mtime_ns > 10**18
        mask = os.umask(0)
        os.umask(mask)
        assert stat.S_IMODE(plain.st_mode) == 0o777 & ~mask
        assert os.listdir(out) == ["hard-b"]
        options = {"parents": True, "existing": "replace", "overwrite_directories": True}
        bring(image, out, [b"hard-b/deeper"], **options)
    assert differences(source / "hard-b/deeper", out / "hard-b/deeper") == []
    for made, given in ((out, source), (out / "hard-b", source / "hard-b")):
        assert os.stat(made).st_mtime_ns == os.stat(given).st_mtime_ns
        assert os.stat(made).st_mode == os.stat(given).st_mode


def test_hard_links_within_the_selection_only(out):
    one = Node.file(b"one")
    tree = Node.directory({
        b"a": Node.directory({b"1": one, b"2": one}), b"b": Node.directory({b"3": one}),
    })  # fmt: skip
    report = bring(image_of(tree), out, [b"a"])
    assert (report.files, report.links) == (1, 1)
    assert os.stat(out / "a/1").st_nlink == 2
    assert not (out / "b").exists()
    # What comes later is a file of its own: nothing is linked to what was there before.
    bring(image_of(tree), out, [b"b"])
    assert os.stat(out / "b/3").st_nlink == 1


def test_existing_files_are_kept_unless_asked(out):
    tree = Node.directory({b"d": Node.directory({b"f": Node.file(b"new"), b"g": Node.file(b"g")})})
    (out / "d").mkdir(parents=True)
    (out / "d/f").write_bytes(b"old")
    report = bring(image_of(tree), out)
    assert [f.text() for f in report.faults] == ["d/f: exists (--overwrite replaces it)"]
    assert (report.exit_code, report.files) == (1, 1)
    assert (out / "d/f").read_bytes() == b"old"
    (out / "d/g").unlink()
    report = bring(image_of(tree), out, existing="replace")
    assert report.faults == []
    assert (out / "d/f").read_bytes() == b"new"


def test_a_small_file_keeps_its_short_hole_at_the_end(source, tmp_path, out):
    with (source / "file").open("wb") as file:
        file.write(b"x" * 4096)
        file.truncate(4736)
    with archived(source, tmp_path / "image") as image:
        assert bring(image, out).exit_code == 0
    assert differences(source, out) == []


def test_an_existing_first_name_leaves_the_others_whole(out):
    one = Node.file(b"whole")
    tree = Node.directory({b"a": one, b"b": one, b"c": one})
    out.mkdir()
    (out / "a").write_bytes(b"old")
    report = bring(image_of(tree), out)
    assert [fault.path for fault in report.faults] == [b"a"]
    assert (out / "a").read_bytes() == b"old"
    assert (out / "b").read_bytes() == b"whole"
    assert os.stat(out / "c").st_ino == os.stat(out / "b").st_ino
    assert os.stat(out / "a").st_nlink == 1


def test_what_lies_below_something_in_the_way(out, tmp_path):
    one = Node.file(b"one")
    tree = Node.directory({
        b"blocked": Node.directory({b"f": Node.file(b"f"), b"one": one}),
        b"fine": Node.directory({b"g": Node.file(b"g"), b"one": one}),
    })  # fmt: skip
    outside = tmp_path / "outside"
    outside.mkdir()
    out.mkdir()
    (out / "blocked").symlink_to(outside)
    for overwrite in (False, True):
        report = bring(image_of(tree), out, existing="replace" if overwrite else "fail")
        assert [fault.text() for fault in report.faults] == [
            "blocked: is in the way: a symbolic link; nothing below it is restored"
        ]
        assert report.skipped == 2
    assert list(outside.iterdir()) == []
    assert (out / "fine/one").read_bytes() == b"one"


class Hook:
    """A progress that does something when a phase begins."""

    def __init__(self, what, action):
        self.what, self.action = what, action

    def start(self, what, total, unit="bytes"):
        if what == self.what:
            self.action()

    def advance(self, amount):
        pass

    def finish(self):
        pass


@pytest.mark.parametrize("phase", ["files", "contents", "links", "attributes"])
def test_a_directory_swapped_for_a_link_between_phases(phase, out, tmp_path):
    # More directories than are held open, so that each phase has to find its way again.
    one = Node.file(b"one")
    tree = Node.directory({
        b"a": Node.directory({b"b": Node.directory({b"f": Node.file(b"evil"), b"one": one})}),
        b"z": Node.directory({b"%d" % n: Node.directory({b"one": one}) for n in range(200)}),
    })  # fmt: skip
    outside = tmp_path / "outside"
    (outside / "b").mkdir(parents=True)
    (outside / "b/f").touch()
    os.utime(outside / "b", ns=(5, 5))
    os.utime(outside, ns=(5, 5))

    def swap():
        (out / "a").rename(tmp_path / "moved")
        (out / "a").symlink_to(outside)

    report = bring(image_of(tree), out, progress=Hook(phase, swap))
    told = [fault for fault in report.faults if "in the way" in fault.message]
    assert told
    assert (outside / "b/f").read_bytes() == b""
    assert os.listdir(outside / "b") == ["f"]
    assert os.stat(outside).st_mtime_ns == os.stat(outside / "b").st_mtime_ns == 5
    trees.remove(tmp_path / "moved")


def test_a_file_swapped_for_a_link_before_its_contents(out, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"")
    one = Node.file(b"shared")
    tree = Node.directory({b"a": one, b"b": Node.file(b"b"), b"c": one})

    def swap():
        (out / "a").unlink()
        (out / "a").symlink_to(outside)

    report = bring(image_of(tree), out, progress=Hook("contents", swap))
    assert outside.read_bytes() == b""
    assert (out / "b").read_bytes() == b"b"
    assert [fault.path for fault in report.faults] == [b"a", b"c"]
    assert not (out / "c").exists()


def test_files_are_private_until_they_are_whole(out):
    """Shows DARI-RST-001."""
    tree = Node.directory({b"d": Node.directory({b"f": Node.file(b"f")}, mode=0o755)})
    seen = []

    def look():
        seen.append(stat.S_IMODE(os.stat(out).st_mode))
        seen.append(stat.S_IMODE(os.stat(out / "d").st_mode))
        seen.append(stat.S_IMODE(os.stat(out / "d/f").st_mode))
        seen.append(os.stat(out / "d/f").st_size)

    bring(image_of(tree), out, progress=Hook("contents", look))
    assert seen == [0o700, 0o700, 0o600, 0]


@pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
def test_without_owners_set_id_bits_are_not_given(out):
    file = Node.file(b"f")
    file.mode, file.uid, file.gid = stat.S_IFREG | 0o6755, 1234, 1234
    tree = Node.directory({b"f": file})
    report = bring(image_of(tree), out, owners=False)
    assert report.faults == []
    info = os.stat(out / "f")
    assert (stat.S_IMODE(info.st_mode), info.st_uid) == (0o755, os.geteuid())
    bring(image_of(tree), out, existing="replace")
    info = os.stat(out / "f")
    assert (stat.S_IMODE(info.st_mode), info.st_uid) == (0o6755, 1234)


def test_an_owner_that_no_file_can_have(out):
    file = Node.file(b"f")
    file.mode, file.uid = stat.S_IFREG | 0o4755, 2**32 - 1
    report = bring(image_of(Node.directory({b"f": file})), out)
    if os.geteuid() == 0:
        assert [fault.kind for fault in report.faults] == ["attributes"]
    assert stat.S_IMODE(os.stat(out / "f").st_mode) == 0o755
