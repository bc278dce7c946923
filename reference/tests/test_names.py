"""The tree of an image: entries as columns, names, paths."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from fuzz.strategies.attributes import attributes
from fuzz.strategies.trees import trees
from hypothesis import given, settings
from hypothesis import strategies as st
from support import images
from support.images import DIRECTORY, FILE, Plain, encode, old_entries, paths_of, sample

from darimage.errors import FormatError
from darimage.image import entries as columns
from darimage.image.reader import Image
from darimage.sections import directory
from darimage.sections.directory import Entry
from darimage.sources.memory import Node

names = st.binary(min_size=1, max_size=255)
entry_lists = st.lists(
    st.builds(Entry, st.integers(1, 2**32 - 1), st.integers(0, 15), names), max_size=60
)


def decoded(datas, order="le", chunk=512, *, old_format=False):
    """Return the entries of directories by columns, a list for each, and the broken ones."""
    data = np.frombuffer(b"".join(datas) + bytes(8), np.uint8)
    starts, owners, at = [], [], 0
    lengths = []
    for number, one in enumerate(datas):
        for start in range(0, len(one), chunk):
            starts.append(at + start)
            lengths.append(min(chunk, len(one) - start))
            owners.append(number)
        at += len(one)
    found, broken = columns.decode(
        data, np.array(starts, np.int64), np.array(lengths, np.int64), order, old_format=old_format
    )
    result = [[] for _ in datas]
    for chunk_number, inode, d_type, name_at, length in zip(
        *(column.tolist() for column in found), strict=True
    ):
        name = data[name_at : name_at + length].tobytes()
        result[owners[chunk_number]].append(Entry(inode, d_type, name))
    return result, broken


def swapped(data):
    """Return a directory's data in big-endian order."""
    changed, at = bytearray(data), 0
    while at < len(data):
        inode, reclen = struct.unpack_from("<IH", data, at)
        struct.pack_into(">IH", changed, at, inode, reclen)
        at += reclen
    return bytes(changed)


@given(st.lists(entry_lists, min_size=1, max_size=5), st.sampled_from(["le", "be"]))
@settings(deadline=None)
def test_columns_equal_the_decoder_of_one_directory(lists, order):
    datas = [directory.encode(one) for one in lists]
    datas = [swapped(one) for one in datas] if order == "be" else datas
    found, broken = decoded(datas, order)
    assert found == [directory.decode(one, order) for one in datas] == lists
    assert broken == []


@given(entry_lists)
@settings(deadline=None)
def test_old_entries(entries):
    data = old_entries(directory.encode(entries))
    found, broken = decoded([data], old_format=True)
    assert found == [directory.decode(data, "le", old_format=True)]
    assert [entry[::2] for entry in found[0]] == [entry[::2] for entry in entries]
    assert broken == []


heads = st.tuples(
    st.integers(0, 3),
    st.sampled_from([0, 4, 8, 12, 12, 16, 16, 24, 500, 512, 1024]),
    st.integers(0, 255),
    st.sampled_from([0, 1, 2, 3, 4, 8, 255]),
)


@given(st.lists(st.lists(heads, max_size=50), min_size=1, max_size=3), st.binary(max_size=600))
@settings(deadline=None)
def test_any_entries(lists, tail):
    """Shows DARI-DIR-006."""
    datas = []
    for one in lists:
        data = b"".join(
            struct.pack("<IHBB", *head).ljust(max(8, min(head[1], 64)), b"n") for head in one
        )
        data += tail
        datas.append((data + bytes(-len(data) % 4))[: len(data) // 4 * 4])
    found, broken = decoded(datas, chunk=1 << 20)
    for one, entries in zip(datas, found, strict=True):
        try:
            wanted = directory.decode(one)
        except FormatError:
            assert broken
        else:
            assert entries == wanted


def test_broken_entries_cost_the_rest_of_their_512_bytes():
    entries = [Entry(k, 8, b"name%04d" % k) for k in range(10, 100)]
    data = bytearray(directory.encode(entries))
    struct.pack_into("<H", data, 512 + 4, 3)
    found, broken = decoded([bytes(data)], chunk=1024)
    first, later = directory.decode(bytes(data[:512])), directory.decode(bytes(data[1024:]))
    assert found == [first + later]
    assert [(one.at, one.reclen) for one in broken] == [(512, 3)]


def bad(name):
    return name in (b"", b".", b"..") or b"/" in name or b"\0" in name


@given(st.lists(st.binary(max_size=8) | st.sampled_from([b".", b"..", b"...", b"a/", b"\0"])))
@settings(deadline=None)
def test_bad_names(all_names):
    data = directory.encode([Entry(5, 8, name) for name in all_names])
    array = np.frombuffer(data + bytes(8), np.uint8)
    chunks = np.arange(0, len(data), 512)
    found, _ = columns.decode(array, chunks, np.full(len(chunks), 512), "le")
    assert columns.bad_names(array, found).tolist() == [bad(name) for name in all_names]


# -- whole images ---------------------------------------------------------------------------------


@given(trees(extended=attributes()))
@settings(deadline=None, max_examples=50)
def test_the_tree_of_an_image(tree):
    with Image.open(encode(tree, acls=False)) as image:
        wanted = paths_of(tree)
        walked = list(image.names.walk())
        assert {path for path, _, _ in walked} | {b""} == set(wanted)
        numbers = {path: entry.inode for path, entry, _ in walked} | {b"": 2}
        for path, number in numbers.items():
            assert image.names.lookup(path) == number
            assert path in image.names.paths(number)
            assert image.names.path(number) == image.names.paths(number)[0]
            same = [other for other, node in wanted.items() if node is wanted[path]]
            assert sorted(image.names.paths(number)) == sorted(same)
        assert image.names.lookup(b"no such name") is None
        assert image.names.path(10**6) is None
        assert image.faults == []


def test_what_a_directory_is():
    with Image.open(encode(sample())) as image:
        sub = image.names.lookup(b"/sub//deep/")
        deep = image.names.directories[sub]
        assert (deep.name, deep.inode.number, image.names.path(deep.parent)) == (
            b"deep",
            sub,
            b"sub",
        )
        assert [entry.name for entry in deep.entries] == [b"leaf"]
        root = image.names.directories[2]
        assert (root.parent, root.name) == (2, b"")
        assert sorted(image.names.directories) == image.front.directories.numbers.tolist()
        assert 10**6 not in image.names.directories
        assert image.names.children(10**6) == []


def test_walk_goes_into_each_directory_after_its_entry():
    with Image.open(encode(sample())) as image:
        paths = [path for path, _, _ in image.names.walk()]
        assert paths.index(b"sub/deep/leaf") == paths.index(b"sub/deep") + 1
        below = image.names.lookup(b"sub")
        assert [path for path, _, _ in image.names.walk(below)] == [
            path for path in paths if path.startswith(b"sub/")
        ]


def test_a_chain_far_deeper_than_path_max():
    root = node = Node(DIRECTORY)
    for _ in range(3000):
        node.children[b"down"] = node = Node(DIRECTORY)
    node.children[b"leaf"] = Node(FILE)
    with Image.open(encode(root)) as image:
        path = b"down/" * 3000 + b"leaf"
        assert image.names.path(image.names.lookup(path)) == path
        assert sum(1 for _ in image.names.walk()) == 3001


def of(*directories, files=(9,)):
    """Open a plain dump of directories, each an inode number and its entries."""
    image = Plain()
    image.front([number for number, _ in directories] + list(files))
    for number, entries in directories:
        image.directory(number, [(number, 4, b"."), (2, 4, b".."), *entries])
    for number in files:
        image.inode(number, FILE, b"")
    return Image.open(image.end())


def told(image):
    _ = image.names
    return [(fault.inode, fault.requirement) for fault in image.faults]


@pytest.mark.parametrize(
    ("second", "faults"),
    [
        ([(3, 4, b"itself")], [(3, "DARI-DIR-011")]),
        ([(2, 4, b"root")], [(3, "DARI-DIR-011")]),
        ([(9, 8, b"a/b")], [(3, "DARI-DIR-007")]),
        ([(9, 8, b"..")], [(3, "DARI-DIR-007")]),
        ([(9, 8, b"")], [(3, "DARI-DIR-007")]),
    ],
)
def test_entries_that_are_left_out(second, faults):
    with of((2, [(3, 4, b"sub"), (9, 8, b"file")]), (3, second)) as image:
        assert told(image) == faults
        assert [path for path, _, _ in image.names.walk()] == [b"sub", b"file"]


def test_the_second_way_to_a_directory_is_left_out():
    with of((2, [(3, 4, b"one"), (3, 4, b"two")]), (3, [(9, 8, b"file")])) as image:
        assert told(image) == [(2, "DARI-DIR-011")]
        assert [path for path, _, _ in image.names.walk()] == [b"one", b"one/file"]


def test_directories_that_nothing_leads_to():
    with of((2, []), (3, [(4, 4, b"a")]), (4, [(3, 4, b"b"), (9, 8, b"file")])) as image:
        assert told(image) == [(3, "DARI-DIR-002"), (4, "DARI-DIR-002")]
        assert list(image.names.walk()) == []
        assert image.names.path(9) is None
        assert image.names.paths(4) == []
        assert image.names.parent(3) == 0
        assert list(image.names.walk(3)) == []


def test_a_file_of_many_names_and_no_root():
    with of((2, [(9, 8, b"b"), (9, 8, b"a")])) as image:
        assert image.names.paths(9) == [b"b", b"a"]
    with of((3, [(9, 8, b"file")])) as image:
        assert told(image) == [(2, "DARI-DIR-001"), (3, "DARI-DIR-002")]
        assert list(image.names.walk()) == []
        assert image.names.lookup(b"") is None


def test_entry_of_a_wide_directory_is_found():
    wide = Node(DIRECTORY, children={b"%06d" % k: Node(FILE) for k in range(5000)})
    with Image.open(encode(wide)) as image:
        assert len(image.names) == 5000
        for k in (0, 1, 2500, 4999):
            assert image.names.path(image.names.lookup(b"%06d" % k)) == b"%06d" % k
        assert image.names.lookup(b"005000") is None


def test_a_damaged_directory_leaves_the_others():
    data = encode(sample())
    headers = images.headers_of(data)
    with Image.open(data) as image:
        sub = image.names.lookup(b"sub")
        whole = {path for path, _, _ in image.names.walk()}
    record = next(at for at, c_type, inode in headers if (c_type, inode) == (2, sub))
    changed = bytearray(data)
    changed[record * 1024 + 50] ^= 1
    with Image.open(bytes(changed)) as image:
        paths = {path for path, _, _ in image.names.walk()}
        assert paths == {path for path in whole if not path.startswith(b"sub/")}
        assert record in {fault.record for fault in image.faults}
