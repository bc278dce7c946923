"""Damaged and hostile images: what is whole comes back, the rest is reported, and that is all."""

from __future__ import annotations

import os
import stat
import time

import pytest
from support import trees
from support.images import FILE, Plain
from support.volumes import Before
from test_restore_run import bring, image_of
from test_restore_selection import tree_of

from darimage.conformance.removing import remove
from darimage.errors import StorageError
from darimage.image.reader import Image
from darimage.image.writer import Options, create
from darimage.sections import directory, header
from darimage.sections.crc import crc32c
from darimage.sources.memory import MemorySource, Node
from darimage.units import RECORD
from darimage.volumes.writing import MemorySink

KIB = 1024


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    yield folder
    trees.remove(folder)


def encoded(tree):
    sink = MemorySink()
    create(MemorySource(tree), sink, Options())
    return bytearray(sink.data)


def reseal(data, at, **fields):
    """Change fields of a header and make its checksum right again."""
    headers = header.as_headers(header.np.frombuffer(bytes(data[at : at + RECORD]), "u1")).copy()
    for path, value in fields.items():
        *way, last = path.split("__")
        part = headers
        for name in way:
            part = part[name]
        part[last] = value
    header.seal(headers, [at // RECORD])
    data[at : at + RECORD] = headers.tobytes()


def seal_over(data, at):
    """Make the two CRCs of a header right again: 512 bytes of a directory follow it."""
    reseal(data, at, extension__records_crc32c=crc32c(bytes(data[at + RECORD : at + 2 * RECORD])))


def listing(out):
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*"))


THREE = {b"a": b"a" * 5000, b"b": b"b" * 5000, b"c": b"c" * 5000}


def three():
    return Node.directory({name: Node.file(data) for name, data in THREE.items()})


def outcomes(report):
    return [(one.path, one.state.word, one.result) for one in report.not_whole]


def is_left_incomplete(path, since):
    info = os.stat(path)
    return stat.S_IMODE(info.st_mode) == 0o600 and info.st_mtime >= since - 1


def test_a_lost_header_leaves_its_neighbours_whole(out):
    data = encoded(three())
    image = Image.open(bytes(data))
    at = image.offset(image.names.lookup(b"b"))
    data[at + 100] ^= 1
    report = bring(Image.open(bytes(data)), out)
    assert {fault.path for fault in report.faults} == {b"b"}
    assert {fault.kind for fault in report.faults} >= {"lost"}
    assert (out / "a").read_bytes() == THREE[b"a"]
    assert (out / "c").read_bytes() == THREE[b"c"]
    assert not (out / "b").exists()
    assert outcomes(report) == [(b"b", "lost", "lost")]
    assert (report.files, report.lost, report.exit_code) == (2, 1, 1)


def test_another_files_header_is_not_taken_for_ones_own(out):
    data = encoded(three())
    image = Image.open(bytes(data))
    a, b = (image.offset(image.names.lookup(name)) for name in (b"a", b"b"))
    data[b : b + RECORD] = data[a : a + RECORD]
    report = bring(Image.open(bytes(data)), out)
    assert {fault.path for fault in report.faults} == {b"b"}
    assert not (out / "b").exists()
    assert (out / "a").read_bytes() == THREE[b"a"]


class Scratched(Before):
    """A volume that cannot be read between two places, as a disk with a bad spot."""

    def __init__(self, volume, start, end):
        super().__init__(volume)
        self.start, self.end = start, end

    def seen(self, offset, length):
        if offset < self.end and self.start < offset + length:
            raise StorageError("memory: Input/output error")


@pytest.mark.parametrize("spot", [0, 2 * RECORD])
def test_a_bad_spot_costs_one_file(out, spot):
    since = time.time()
    image = image_of(three())
    at = image.offset(image.names.lookup(b"b")) + spot
    image.volume = Scratched(image.volume, at, at + 1)
    report = bring(image, out)
    assert {fault.path for fault in report.faults} == {b"b"}
    kind, word = ("lost", "lost") if spot == 0 else ("incomplete", "marked")
    assert [fault.kind for fault in report.faults] == ["unreadable", kind]
    assert outcomes(report) == [(b"b", kind, word)]
    assert (out / "b").exists() == (spot != 0)
    assert spot == 0 or is_left_incomplete(out / "b", since)
    assert (out / "a").read_bytes() == THREE[b"a"]
    assert (out / "c").read_bytes() == THREE[b"c"]


def test_a_lost_continuation_keeps_the_rest_and_says_so(out):
    content, since = os.urandom(3 << 19), time.time()
    data = encoded(Node.directory({b"big": Node.file(content), b"z": Node.file(b"z")}))
    image = Image.open(bytes(data))
    second = image.offset(image.names.lookup(b"big")) + 513 * RECORD
    data[second : second + RECORD] = os.urandom(RECORD)
    report = bring(Image.open(bytes(data)), out)
    assert {fault.path for fault in report.faults} == {b"big"}
    assert report.faults[-1].kind == "incomplete"
    found = (out / "big").read_bytes()
    assert len(found) == len(content)
    assert found[: 1 << 19] == content[: 1 << 19]
    assert found[2 << 19 :] == content[2 << 19 :]
    assert found[1 << 19 : 2 << 19] == bytes(1 << 19)
    assert is_left_incomplete(out / "big", since)
    assert (out / "z").read_bytes() == b"z"


@pytest.mark.parametrize("keep", range(0, 100, 7))
def test_cut_off_images(out, keep):
    data = encoded(Node.directory({**three().children, b"d": Node.file(b"d" * 100_000)}))
    since = time.time()
    image = Image.open(bytes(data))
    first = image.offset(image.names.lookup(b"a"))
    data = data[: first + (len(data) - first) * keep // 100]
    report = bring(Image.open(bytes(data)), out)
    faulty = {fault.path for fault in report.faults}
    for name, content in {**THREE, b"d": b"d" * 100_000}.items():
        path = out / os.fsdecode(name)
        if name in faulty:
            assert not path.exists() or is_left_incomplete(path, since)
        else:
            assert path.read_bytes() == content
    assert report.exit_code == 1


def test_substituted_data_is_marked(out):
    """Shows DARI-RST-006."""
    data, since = encoded(three()), time.time()
    image = Image.open(bytes(data))
    at = image.offset(image.names.lookup(b"b"))
    reseal(data, at, extension__flags=1)
    report = bring(Image.open(bytes(data)), out)
    assert [(fault.kind, fault.path) for fault in report.faults] == [
        ("substituted", b"b"),
        ("incomplete", b"b"),
    ]
    assert report.exit_code == 1
    assert (out / "b").read_bytes() == THREE[b"b"]
    assert is_left_incomplete(out / "b", since)
    assert outcomes(report) == [(b"b", "incomplete", "marked")]


@pytest.mark.parametrize("size", [40 * KIB, 400 * KIB])
def test_tape_blocks_of_zeros_in_a_plain_dump_are_told(out, size):
    """Shows DARI-FLT-008."""
    image = Plain()
    image.front([2, 3])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (3, 8, b"a")])
    image.inode(3, FILE, b"x" * size)
    data = bytearray(image.end())
    start = (data.index(b"x" * KIB) // RECORD // 10 + 1) * 10 * RECORD
    data[start : start + 10 * RECORD] = bytes(10 * RECORD)
    report = bring(Image.open(bytes(data)), out)
    (told,) = report.faults
    assert (told.kind, told.path, told.record) == ("zeros", b"a", start // RECORD)
    assert (report.fault_count, report.exit_code) == (0, 0)


@pytest.mark.parametrize("size", [2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_size_that_cannot_be(out, size):
    data = encoded(three())
    image = Image.open(bytes(data))
    at = image.offset(image.names.lookup(b"b"))
    reseal(data, at, c_dinode__di_size=size)
    report = bring(Image.open(bytes(data)), out)
    assert {fault.path for fault in report.faults} == {b"b"}
    assert (out / "a").read_bytes() == THREE[b"a"]
    assert (out / "c").read_bytes() == THREE[b"c"]


LIES = {
    "a fifo": (stat.S_IFIFO | 0o640, lambda p: stat.S_ISFIFO(os.lstat(p).st_mode)),
    "a link": (stat.S_IFLNK | 0o777, lambda p: not os.path.lexists(p)),
    "a directory": (stat.S_IFDIR | 0o755, lambda p: not os.path.lexists(p)),
    "nothing known": (0o644, lambda p: not os.path.lexists(p)),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_inode_that_is_not_what_its_directory_says(out, lie):
    mode, right = LIES[lie]
    data = encoded(three())
    image = Image.open(bytes(data))
    reseal(data, image.offset(image.names.lookup(b"b")), c_dinode__di_mode=mode)
    report = bring(Image.open(bytes(data)), out)
    assert {fault.path for fault in report.faults} == {b"b"}
    assert "DARI-DIR-012" in {fault.requirement for fault in report.faults}
    assert right(out / "b")
    assert (out / "c").read_bytes() == THREE[b"c"]


def renamed(tree, **names):
    """Encode a tree, then change names in its directories to ones of the same length."""
    data = encoded(tree)
    image = Image.open(bytes(data))
    for folder in image.names.directories.values():
        at = folder.inode.record * RECORD
        body = bytes(data[at + RECORD : at + RECORD + folder.inode.size])
        for old, new in names.items():
            body = body.replace(old.encode(), new)
        data[at + RECORD : at + RECORD + len(body)] = body
        seal_over(data, at)
    return data


@pytest.mark.parametrize("name", [b"../../esc", b"/etc/pawd", b"x\0yyyyyyy"])
def test_names_that_lead_out_are_never_used(out, tmp_path, name):
    data = renamed(tree_of("d/nnnnnnnnn", "d/fine"), nnnnnnnnn=name)
    before = listing(tmp_path)
    image = Image.open(bytes(data))
    report = bring(image, out)
    number = image.names.unnamed[0]
    assert listing(out) == ["#lost", f"#lost/{number}", "d", "d/fine"]
    assert [p for p in listing(tmp_path) if not p.startswith("out")] == before
    wanted = ["DARI-DIR-007", "DARI-DIR-020"]
    assert [fault.requirement for fault in report.image_faults] == wanted
    assert report.exit_code == 1


def test_a_link_planted_by_the_image_itself_is_not_followed(out, tmp_path):
    """The same name twice: first a link that leads out, then a file or directory to go through."""
    outside = tmp_path / "outside"
    outside.mkdir()
    tree = tree_of("d/f", "e/g")
    tree.children[b"k"] = Node.symlink(os.fsencode(outside))
    tree.children[b"l"] = Node.symlink(os.fsencode(outside / "planted"))
    data = bytearray(encoded(tree))
    image = Image.open(bytes(data))
    at = image.names.directories[2].inode.record * RECORD
    entries = directory.decode(bytes(data[at + RECORD : at + RECORD + 512]))
    swapped = {b"d": b"k", b"e": b"l"}
    body = directory.encode([e._replace(name=swapped.get(e.name, e.name)) for e in entries])
    data[at + RECORD : at + RECORD + 512] = body
    seal_over(data, at)
    for overwrite in (False, True):
        report = bring(Image.open(bytes(data)), out, existing="replace" if overwrite else "fail")
        assert report.exit_code == 1
        assert list(outside.iterdir()) == []


def test_entries_whose_inode_is_not_in_the_image(out):
    data = encoded(tree_of("d/f", "d/g"))
    image = Image.open(bytes(data))
    folder = image.names.lookup(b"d")
    at = image.names.directories[folder].inode.record * RECORD
    entries = directory.decode(bytes(data[at + RECORD : at + RECORD + 512]))
    body = directory.encode([e._replace(inode=77) if e.name == b"f" else e for e in entries])
    data[at + RECORD : at + RECORD + 512] = body
    seal_over(data, at)
    report = bring(Image.open(bytes(data)), out)
    assert report.faults == []
    assert [fault.kind for fault in report.image_faults] == ["entry", "unnamed"]
    assert listing(out) == ["#lost", f"#lost/{image.names.lookup(b'd/f')}", "d", "d/g"]


def test_directories_in_a_circle(out):
    data = encoded(tree_of("a/b/c/f"))
    image = Image.open(bytes(data))
    first, last = image.names.lookup(b"a"), image.names.lookup(b"a/b/c")
    at = image.names.directories[last].inode.record * RECORD
    entries = directory.decode(bytes(data[at + RECORD : at + RECORD + 512]))
    body = directory.encode([*entries, directory.Entry(first, 4, b"round")])
    data[at + RECORD : at + RECORD + 512] = body
    seal_over(data, at)
    bring(Image.open(bytes(data)), out)
    assert listing(out) == ["a", "a/b", "a/b/c", "a/b/c/f"]


def test_a_deep_chain_takes_neither_paths_nor_recursion(out):
    levels = 3000
    node = Node.directory({b"leaf": Node.file(b"leaf")})
    for _ in range(levels):
        node = Node.directory({b"d": node})
    report = bring(image_of(node), out)
    assert report.faults == []
    assert (report.directories, report.files) == (levels, 1)
    remove(out)  # pytest's own way needs a descriptor for each level
