"""Streams in images: written, found again, judged."""

from __future__ import annotations

import stat

import pytest
from fuzz.strategies.trees import nodes_of, streamed_trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import images
from test_mutations import strip_extensions
from test_round_trip import check_holes, check_same, content_of, decoded, expected_content
from test_writer import encode, tree_paths

from darimage.image.reader import Image
from darimage.schema import Section
from darimage.sections.header import as_headers, seal
from darimage.sources.memory import Node
from darimage.units import RECORD
from darimage.validate.verify import verify

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check_streams(image, tree):
    """Streams of each file and directory are those of the tree, with data, holes and times."""
    found, faults = decoded(image), []
    for path, node in tree_paths(tree).items():
        base = found[path.removeprefix(b"/")]
        listed = image.streams.of(base.number)
        assert [entry.name for entry in listed] == sorted(node.streams)
        known = image.streams.by_base.get(base.number)
        assert base.stream_directory == (known.number if known else 0)
        inodes = {inode.number: inode for inode in image.inodes([e.inode for e in listed])}
        for name, number in listed:
            stream, inode = node.streams[name], inodes[number]
            assert (inode.base_inode, inode.stream_directory, inode.nlink) == (base.number, 0, 1)
            assert (inode.mode, inode.mtime_ns) == (stream.mode, stream.mtime_ns)
            assert content_of(image, inode, faults) == expected_content(stream)
            check_holes(image, inode, stream, faults)
    assert not faults
    assert not image.faults


@RELAXED
@given(streamed_trees(), st.booleans())
def test_streams_come_back_with_their_tree(tree, sequential):
    data, report = encode(tree)
    with Image.open(data, sequential=sequential) as image:
        check_same(image, tree)
        check_streams(image, tree)
        streams = sum(len(node.streams) for node in nodes_of(tree))
        assert sum(len(one.entries) for one in image.streams.by_base.values()) == streams
        assert image.front.sections[0].section == (
            Section.STREAM_DIRECTORIES if streams else Section.NT_ACLS_FRONT
        )
    assert report.good


@RELAXED
@given(streamed_trees())
def test_what_is_written_with_streams_is_found_good(tree):
    data, _ = encode(tree)
    found = verify(data)
    assert found.faults == []
    assert found.map_equal


@RELAXED
@given(streamed_trees())
def test_streams_do_not_show_in_the_plain_dump_within(tree):
    with Image.open(strip_extensions(encode(tree)[0])) as image:
        check_same(image, tree, 1000, unnamed=True)
        assert not image.streams


@RELAXED
@given(streamed_trees())
def test_streams_are_numbered_and_lie_where_they_should(tree):
    with Image.open(encode(tree)[0]) as image:
        directories = sorted(image.names.directories)
        table = image.streams.by_base
        numbers = sorted(one.number for one in table.values())
        assert numbers == list(range(directories[-1] + 1, directories[-1] + 1 + len(numbers)))
        for base, one in table.items():
            own = [entry.inode for entry in sorted(one.entries)]
            assert own == list(range(own[0], own[0] + len(own))) if own else True
            if own and base not in image.names.directories:
                assert own[0] == base + 1


def tree_with_streams():
    """Return a file with two streams and a directory with one."""
    file = Node.file(b"data" * 300)
    file.streams = {b"one": Node.file(b"1"), b"two": Node.file(b"22")}
    folder = Node.directory({b"file": file, b"plain": Node.file(b"")})
    folder.streams = {b"ds": Node.file(b"of a directory")}
    return Node.directory({b"folder": folder, b"again": file})


class Bytes:
    """An image whose headers can be changed and sealed again."""

    def __init__(self, data):
        self.data = bytearray(data)
        with Image.open(data) as image:
            self.paths = {path: entry.inode for path, entry, _ in image.names.walk()}
            self.table = image.streams.by_base
            self.section = image.front.sections[0]
            self.place = {n: image.offset(n) for n in self.paths.values()}
            for one in self.table.values():
                self.place.update((e.inode, image.offset(e.inode)) for e in one.entries)

    def change(self, number, path, value):
        """Set a field in the header of an inode."""
        at = self.place[number]
        header = as_headers(bytearray_rows(self.data, at))
        part = header
        *above, last = path.split(".")
        for name in above:
            part = part[name]
        part[last] = value
        seal(header, header["c_tapea"].copy())
        self.data[at : at + RECORD] = header.tobytes()

    def payload(self):
        start = (self.section.record + 1) * RECORD
        return start, self.section.payload_size

    def poke(self, at, value):
        """Change bytes of the section's payload, and all that sums it up."""
        start, size = self.payload()
        self.data[start + at : start + at + len(value)] = value
        payload = bytearray(self.data[start : start + size])
        images.seal_stream_directory(payload, max(0, at // RECORD - 1) * RECORD)
        self.data[start : start + size] = payload
        images.reseal(self.data, self.section.record, records=self.section.run_records - 1)

    def requirements(self):
        return {fault.requirement for fault in verify(bytes(self.data)).faults}


def bytearray_rows(data, at):
    import numpy as np

    return np.frombuffer(bytes(data[at : at + RECORD]), np.uint8).reshape(1, RECORD).copy()


@pytest.fixture
def image():
    return Bytes(encode(tree_with_streams())[0])


def test_the_fixture_is_good(image):
    assert image.requirements() == set()
    image.poke(24, bytes(4))
    image.change(image.paths[b"again"], "c_volume", 1)
    assert image.requirements() == set()


def test_a_base_that_names_no_stream_directory_is_found(image):
    image.change(image.paths[b"again"], "extension.body.stream_directory", 0)
    assert image.requirements() == {"DARI-STR-011"}


def test_a_file_that_names_the_stream_directory_of_another_is_found(image):
    number = image.table[image.paths[b"again"]].number
    image.change(image.paths[b"folder/plain"], "extension.body.stream_directory", number)
    assert image.requirements() == {"DARI-STR-011"}


def test_a_stream_with_another_base_is_found(image):
    stream = image.table[image.paths[b"again"]].entries[0].inode
    image.change(stream, "extension.body.base_inode", image.paths[b"folder/plain"])
    assert image.requirements() == {"DARI-STR-001"}


def test_a_stream_that_is_a_directory_entry_too_is_found(image):
    stream = image.table[image.paths[b"again"]].entries[0].inode
    image.change(stream, "extension.body.base_inode", 0)
    assert "DARI-STR-001" in image.requirements()


def test_a_stream_file_with_links_is_found(image):
    stream = image.table[image.paths[b"again"]].entries[0].inode
    image.change(stream, "c_dinode.di_nlink", 1)
    assert image.requirements() == {"DARI-STR-013"}


def test_a_stream_that_nobody_names_is_found(image):
    """The second entry of the first stream directory names the inode of the first."""
    first = min(image.table.values(), key=lambda one: one.number)
    at = RECORD + 24
    start, _ = image.payload()
    before = bytes(image.data[start + at : start + at + 4])
    assert int.from_bytes(before, "little") in {entry.inode for entry in first.entries}
    image.poke(at, image.paths[b"folder/plain"].to_bytes(4, "little"))
    assert {"DARI-STR-001", "DARI-DIR-016"} <= image.requirements()


@pytest.mark.parametrize(
    ("at", "value", "requirement"),
    [
        (4, b"\1", "DARI-STR-005"),
        (700, b"x", "DARI-STR-005"),
        (24, b"\1", "DARI-STR-004"),
        (32, (stat.S_IFREG | 0o644).to_bytes(2, "little"), "DARI-STR-006"),
        (RECORD + 32, b"a/", "DARI-DIR-007"),
    ],
)
def test_a_broken_stream_directory_is_found(image, at, value, requirement):
    image.poke(at, value)
    assert requirement in image.requirements()


def test_a_damaged_section_costs_only_what_is_damaged(image):
    start, _ = image.payload()
    image.data[start + 700] ^= 1
    image.data[start + RECORD + 100] ^= 1
    numbers = sorted(one.number for one in image.table.values())
    with Image.open(bytes(image.data)) as opened:
        kept = [one.number for one in opened.streams.by_base.values()]
        assert kept == numbers[1:]
        assert {fault.requirement for fault in opened.faults} == {"DARI-REC-028", "DARI-REC-029"}


@pytest.mark.parametrize(("field", "value"), [("payload_size", 2**40), ("section_version", 7)])
def test_a_section_that_cannot_be_is_left_alone(image, field, value):
    at = image.section.record * RECORD
    header = as_headers(bytearray_rows(image.data, at), "le", "section_body")
    header["extension"]["body"][field] = value
    header["c_dinode"]["di_size"] = header["extension"]["body"]["payload_size"]
    seal(header, header["c_tapea"].copy())
    image.data[at : at + RECORD] = header.tobytes()
    with Image.open(bytes(image.data)) as opened:
        assert not opened.streams
        assert opened.faults


def test_two_bases_do_not_share_a_stream():
    from darimage.image.streams import StreamTable
    from darimage.sections.streams import StreamDirectory, StreamEntry

    def directory(number, base, *inodes):
        entries = [StreamEntry(b"s%d" % inode, inode) for inode in inodes]
        return StreamDirectory(number, base, stat.S_IFDIR, 0, 0, 0, 0, 0, 0, entries)

    def kept(*directories):
        faults = []
        table = StreamTable(directories, faults.append)
        found = {base: [e.inode for e in one.entries] for base, one in table.by_base.items()}
        return found, [fault.kind for fault in faults]

    assert kept(directory(5, 2, 9), directory(6, 3, 10)) == ({2: [9], 3: [10]}, [])
    assert kept(directory(5, 2, 9), directory(6, 3, 9)) == ({2: [9], 3: []}, ["stream"])
    assert kept(directory(5, 2, 9), directory(6, 2, 10)) == ({2: [9]}, ["stream-directory"])
    assert kept(directory(5, 6, 9), directory(6, 5, 10)) == ({}, ["stream-directory"] * 2)
    assert kept(directory(5, 9, 9)) == ({}, ["stream-directory"])
    assert kept(directory(5, 2, 5)) == ({2: []}, ["stream"])
    assert kept(directory(5, 2, 9, 9)) == ({2: [9]}, ["stream"])
