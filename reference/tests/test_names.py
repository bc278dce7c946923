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
    """Open a plain dump of directories: an inode number, its entries, and its parent if not 2."""
    image = Plain()
    image.front([number for number, *_ in directories] + list(files))
    for number, entries, *above in directories:
        dots = [(number, 4, b"."), ((*above, 2)[0], 4, b"..")]
        image.directory(number, [*dots, *entries])
    for number in files:
        image.inode(number, FILE, b"")
    return Image.open(image.end())


def told(image):
    _ = image.names.unnamed
    return [(fault.kind, fault.inode, fault.requirement) for fault in image.faults]


def walked(image):
    return [path for path, _, _ in image.names.walk()]


UNNAMED = "DARI-DIR-020"


@pytest.mark.parametrize(
    ("second", "faults"),
    [
        ([(3, 4, b"itself")], [("second-way", 3, "DARI-DIR-019")]),
        ([(2, 4, b"root")], [("second-way", 3, "DARI-DIR-019")]),
        ([(9, 8, b"a/b")], [("name", 3, "DARI-DIR-007")]),
        ([(9, 8, b"..")], [("name", 3, "DARI-DIR-007")]),
        ([(9, 8, b"")], [("name", 3, "DARI-DIR-007")]),
        ([(1, 8, b"one")], [("entry", 3, "DARI-DIR-015")]),
    ],
)
def test_entries_that_are_left_out(second, faults):
    with of((2, [(3, 4, b"sub"), (9, 8, b"file")]), (3, second)) as image:
        assert told(image) == faults
        assert walked(image) == [b"sub", b"file"]


def test_the_way_to_a_directory_is_the_one_from_its_parent():
    """Shows DARI-DIR-019."""
    with of((2, [(3, 4, b"one"), (3, 4, b"two")]), (3, [(9, 8, b"file")])) as image:
        assert told(image) == [("second-way", 2, "DARI-DIR-019")]
        assert walked(image) == [b"one", b"one/file"]
    below = (4, [(9, 8, b"file")], 3)
    with of((2, [(4, 4, b"here"), (3, 4, b"sub")]), (3, [(4, 4, b"there")]), below) as image:
        assert told(image) == [("second-way", 2, "DARI-DIR-019")]
        assert walked(image) == [b"sub", b"sub/there", b"sub/there/file"]


def test_the_first_of_two_names_keeps_it():
    """Shows DARI-DIR-018."""
    root = (2, [(8, 8, b"file"), (9, 8, b"file"), (9, 8, b"other"), (10, 8, b"file")])
    with of(root, files=(8, 9, 10)) as image:
        assert told(image) == [
            ("name-twice", 2, "DARI-DIR-018"),
            ("name-twice", 2, "DARI-DIR-018"),
            ("unnamed", 10, UNNAMED),
        ]
        assert [(path, entry.inode) for path, entry, _ in image.names.walk()] == [
            (b"file", 8),
            (b"other", 9),
            (b"#lost", 0),
            (b"#lost/10", 10),
        ]


def test_directories_in_a_circle_that_nothing_leads_to():
    """Shows DARI-DIR-011."""
    circle = ((3, [(4, 4, b"a")], 4), (4, [(3, 4, b"b"), (9, 8, b"file")], 3))
    with of((2, []), *circle) as image:
        assert told(image) == [("cycle", 3, "DARI-DIR-011"), ("unnamed", 3, UNNAMED)]
        assert walked(image) == [b"#lost", b"#lost/3", b"#lost/3/a", b"#lost/3/a/file"]
        assert image.names.path(9) == b"#lost/3/a/file"
        assert image.names.paths(4) == [b"#lost/3/a"]
        assert (image.names.parent(3), image.names.parent(0)) == (0, 2)
        assert image.names.lookup(b"#lost/3/a/file") == 9
        assert image.names.lookup(b"#lost/4") is None
        assert image.names.lookup(b"#lost/03") is None


def test_what_has_no_name_is_below_a_name_that_is_free():
    """Shows DARI-RST-007."""
    with of((2, [(8, 8, b"#lost"), (7, 8, b"##lost")]), files=(7, 8, 9)) as image:
        assert walked(image) == [b"#lost", b"##lost", b"###lost", b"###lost/9"]
        assert image.names.path(9) == b"###lost/9"


def test_a_file_of_many_names_and_no_root():
    with of((2, [(9, 8, b"b"), (9, 8, b"a")])) as image:
        assert image.names.paths(9) == [b"b", b"a"]
    with of((3, [(9, 8, b"file")])) as image:
        assert told(image) == [("lost", 2, "DARI-DIR-001"), ("unnamed", 3, UNNAMED)]
        assert walked(image) == [b"#lost", b"#lost/3", b"#lost/3/file"]
        assert image.names.lookup(b"") is None


def test_records_of_another_directory():
    """Shows DARI-DIR-023: two directories' records are swapped, a third one's are doubled."""
    image = Plain()
    image.front([2, 3, 4, 5, 9])
    dots = {n: [(n, 4, b"."), (2, 4, b"..")] for n in range(2, 6)}
    image.directory(2, [*dots[2], (3, 4, b"c"), (4, 4, b"d"), (5, 4, b"e")])
    image.directory(3, [*dots[4], (9, 8, b"file")])
    image.inode(4, DIRECTORY, b"", count=0)
    image.directory(5, [*dots[2], (9, 8, b"wrong")])
    image.inode(9, FILE, b"")
    with Image.open(image.end()) as opened:
        assert walked(opened) == [b"c", b"d", b"d/file", b"e"]
        assert [opened.names.state(n).word for n in (2, 3, 4, 5)] == [
            "whole",
            "incomplete",
            "suspect",
            "incomplete",
        ]
        kinds = [(kind, inode) for kind, inode, _ in told(opened) if kind != "name-doubtful"]
        assert kinds == [("dot", 3), ("dot", 5)]


def test_a_name_that_dump_wrote_over():
    """Shows DARI-DIR-022: Linux dump gives a name of 255 bytes a d_reclen of 8."""
    data = bytearray(directory.encode([Entry(2, 4, b"."), Entry(2, 4, b".."), Entry(5, 8, b"a")]))
    struct.pack_into("<H", data, 28, 12)
    data[36:44] = struct.pack("<IHBB", 9, 8, 8, 255)
    rest = directory.encode([Entry(6, 8, b"b"), Entry(7, 8, b"c")])
    data[44:] = rest[: 512 - 44]
    struct.pack_into("<H", data, 44 + 12 + 4, 512 - 56)
    image = Plain()
    image.front([2, 5, 6, 7, 9])
    image.inode(2, DIRECTORY, bytes(data))
    for number in (5, 6, 7, 9):
        image.inode(number, FILE, b"")
    with Image.open(image.end()) as opened:
        assert walked(opened) == [b"a", b"b", b"c", b"#lost", b"#lost/9"]
        assert [kind for kind, _, _ in told(opened)] == ["name-overwritten", "unnamed"]


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_any_entries_make_a_tree(data):
    """Shows DARI-DIR-020: each inode that was found has a path, and each path leads to one."""
    numbers = st.sampled_from([1, 2, 3, 4, 5, 8, 9, 77])
    names = st.sampled_from([b"a", b"b", b"#lost", b".", b"..", b"", b"x/y", b"c"])
    entries = st.lists(st.tuples(numbers, st.sampled_from([0, 4, 8]), names), max_size=6)
    present = data.draw(st.sets(st.sampled_from([2, 3, 4, 5]), min_size=1))
    directories = [
        (number, data.draw(entries), data.draw(st.sampled_from([2, 3, 4, 5])))
        for number in sorted(present)
    ]
    with of(*directories, files=(8, 9)) as image:
        paths = {}
        for path, entry, _ in image.names.walk():
            assert path not in paths
            paths[path] = entry.inode
        found = {number for number, *_ in directories} | {8, 9}
        assert found - {2} == set(paths.values()) - {0, 77, *range(1, 6)} | (present - {2})
        for path, number in paths.items():
            if number in found or number == 0:
                assert image.names.lookup(path) == number
                assert path in image.names.paths(number)
                assert image.names.path(number) == image.names.paths(number)[0]
        assert all(len(image.names.paths(number)) == 1 for number in present)


@given(entry_lists, st.data())
@settings(deadline=None)
def test_a_damaged_entry_costs_no_more_than_its_chunk(entries, data):
    """Shows DARI-DIR-022."""
    whole = directory.encode(entries)
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 3))):
        if changed:
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    found, broken = decoded([bytes(changed)])
    errors = []
    assert found == [directory.decode(bytes(changed), chunk=512, on_error=errors.append)]
    assert len(errors) == len(broken)
    for start in range(0, len(whole), 512):
        if changed[start : start + 512] == whole[start : start + 512]:
            kept = directory.decode(whole[start : start + 512])
            assert all(entry in found[0] for entry in kept)


@given(st.lists(st.lists(st.binary(min_size=1, max_size=3), max_size=9), max_size=4))
@settings(deadline=None)
def test_names_that_are_there_again(lists):
    """Shows DARI-DIR-018."""
    datas = [directory.encode([Entry(5, 8, name) for name in one]) for one in lists]
    data = np.frombuffer(b"".join(datas) + bytes(8), np.uint8)
    starts = np.arange(0, sum(map(len, datas)), 512)
    found, _ = columns.decode(data, starts, np.full(len(starts), 512), "le")
    owners = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    wanted = [name in one[:at] for one in lists for at, name in enumerate(one)]
    assert columns.names_again(data, found, owners).tolist() == wanted


def test_entry_of_a_wide_directory_is_found():
    wide = Node(DIRECTORY, children={b"%06d" % k: Node(FILE) for k in range(5000)})
    with Image.open(encode(wide)) as image:
        assert len(image.names) == 5000
        for k in (0, 1, 2500, 4999):
            assert image.names.path(image.names.lookup(b"%06d" % k)) == b"%06d" % k
        assert image.names.lookup(b"005000") is None


def damaged_sub(at):
    """Return the paths of an image, and the image with a byte of directory ``sub`` changed."""
    data = encode(sample())
    headers = images.headers_of(data)
    with Image.open(data) as image:
        sub = image.names.lookup(b"sub")
        whole = {path: entry.inode for path, entry, _ in image.names.walk()}
    record = next(at for at, c_type, inode in headers if (c_type, inode) == (2, sub))
    changed = bytearray(data)
    changed[record * 1024 + at] ^= 1
    return whole, record, bytes(changed)


def test_a_lost_directory_leaves_all_that_is_in_it():
    whole, record, changed = damaged_sub(50)
    with Image.open(changed) as image:
        paths = {path: entry.inode for path, entry, _ in image.names.walk()}
        hard, deep, leaf = (whole[b"sub/" + name] for name in (b"empty", b"deep", b"deep/leaf"))
        kept = {path: number for path, number in whole.items() if not path.startswith(b"sub/")}
        lost = {b"#lost": 0, b"#lost/%d" % deep: deep, b"#lost/%d" % hard: hard}
        assert paths == kept | lost | {b"#lost/%d/leaf" % deep: leaf}
        assert record in {fault.record for fault in image.faults}


def test_a_damaged_directory_is_used_as_far_as_inodes_agree():
    """Shows DARI-DIR-021: one bit of a name, then one of an inode number."""
    whole, _, _ = damaged_sub(0)
    data = encode(sample())
    entry = data.index(b"deep\0") - 8
    for place, wanted in ((entry + 8, b"sub/eeep"), (entry, b"#lost/%d" % whole[b"sub/deep"])):
        changed = bytearray(data)
        changed[place] ^= 1 if place == entry + 8 else 0x40
        with Image.open(bytes(changed)) as image:
            paths = {path for path, _, _ in image.names.walk()}
            assert wanted in paths
            assert {b"sub/hard2", b"sub/empty"} <= paths
            assert image.names.state(whole[b"sub"]).word == "damaged"
            kinds = {fault.kind for fault in image.faults}
            assert "name-doubtful" in kinds


def test_a_directory_without_a_record_is_one_without_entries():
    image = Plain()
    image.front([2])
    image.inode(2, DIRECTORY, b"")
    with Image.open(image.end()) as opened:
        assert list(opened.names.walk()) == []
        assert opened.names.is_directory(2)
