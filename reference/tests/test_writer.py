"""What the encoder writes, read by a reader of another make and by the real ``restore``."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import slow_reader

from darimage.errors import UsageError
from darimage.image.inventory import Inventory
from darimage.image.layout import place, run_lengths
from darimage.image.writer import Options, create
from darimage.progress import SILENT
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.writing import MemorySink

FIGURE_4 = Path(__file__).parents[2] / "conformance/vectors/offset-map/figure-4.yaml"
ROOT = 2
END_IS_HOLE = 4


def encode(tree, **options):
    sink = MemorySink()
    report = create(MemorySource(tree), sink, Options(**options))
    return bytes(sink.data), report


def paths(image):
    """Return inode numbers by path, found from the directories' entries alone."""
    found, pending = {b"": ROOT}, [(b"", ROOT)]
    while pending:
        path, inode = pending.pop()
        assert image.inodes[inode].entries[0][::2] == (inode, b".")
        for child, d_type, name in image.inodes[inode].entries[2:]:
            assert image.inodes[child].head.c_dinode.di_mode >> 12 == d_type
            found[path + b"/" + name] = child
            if d_type == 4:
                pending.append((path + b"/" + name, child))
    return found


def tree_paths(tree):
    """Return the nodes of a tree by path."""
    found, pending = {b"": tree}, [(b"", tree)]
    while pending:
        path, node = pending.pop()
        for name, child in node.children.items():
            found[path + b"/" + name] = child
            if stat.S_ISDIR(child.mode):
                pending.append((path + b"/" + name, child))
    return found


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(trees(), st.integers(1, 64), st.booleans())
def test_an_image_holds_the_tree(tree, ntrec, acls):
    data, report = encode(tree, ntrec=ntrec, acls=acls)
    image = slow_reader.read(data)
    expected, found = tree_paths(tree), paths(image)
    assert found.keys() == expected.keys()
    numbers = {}
    for path, node in expected.items():
        run = image.inodes[found[path]]
        assert numbers.setdefault(id(node), found[path]) == found[path]
        check_attributes(run, node)
        if stat.S_ISREG(node.mode):
            check_content(run, node)
        elif stat.S_ISLNK(node.mode):
            assert run.content == node.target
    assert len(set(numbers.values())) == len(image.inodes)
    assert report.good
    assert report.records * 1024 == len(data)
    assert report.records % ntrec == 0


def check_attributes(run, node):
    dinode, body = run.head.c_dinode, run.head.extension.body
    assert (dinode.di_mode, dinode.di_uid, dinode.di_gid) == (node.mode, node.uid, node.gid)
    assert (dinode.di_ouid, dinode.di_ogid) == (node.uid & 0xFFFF, node.gid & 0xFFFF)
    for name in ("atime", "mtime", "ctime"):
        true = getattr(node, f"{name}_ns")
        assert getattr(body, f"{name}_ns") == true
        old = getattr(dinode, f"di_{name}")
        assert (old.tv_sec, old.tv_usec) == (true // 10**9 % 2**32, true % 10**9 // 1000)
    if stat.S_ISCHR(node.mode) or stat.S_ISBLK(node.mode):
        assert dinode.di_db[0] == node.rdev
    assert body.run_records == run.length
    assert all(h.extension.body.run_records == run.length for h in run.headers)


def check_content(run, node):
    content = bytearray(node.size)
    touched = set()
    for at, piece in node.data.items():
        content[at : at + len(piece)] = piece
        touched |= set(range(at // 1024, -(-(at + len(piece)) // 1024))) if piece else set()
    last = (node.size - 1) // 1024
    ends_in_hole = node.size > 0 and last not in touched
    assert not any(head.extension.flags for head in run.headers[:-1])
    assert run.headers[-1].extension.flags == ends_in_hole * END_IS_HOLE
    touched |= {last} if ends_in_hole else set()
    assert run.content == bytes(content)
    assert set(run.records) == touched
    assert len(run.headers) == max(1, (node.size + 512 * 1024 - 1) // (512 * 1024))
    if run.records and max(run.records) == (node.size - 1) // 1024:
        assert not any(run.records[max(run.records)][(node.size - 1) % 1024 + 1 :])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(trees(), st.booleans())
def test_the_map_and_all_parts_are_where_they_say(tree, acls):
    data, report = encode(tree, acls=acls)
    image = slow_reader.read(data)
    volume = image.volume.extension.body
    offsets = np.frombuffer(image.sections[3].content, "<u8").tolist()
    expected = [0] * (max(image.inodes) + 1)
    for inode, run in image.inodes.items():
        if not stat.S_ISDIR(run.head.c_dinode.di_mode):
            expected[inode] = run.position * 1024
    assert offsets == expected
    assert volume.offset_map == image.sections[3].position
    assert volume.files == image.sections[3].position + image.sections[3].length
    assert volume.total_records * 1024 == len(data)
    assert (volume.nt_acls_front, volume.nt_acls_trailing) == tuple(
        image.sections[n].position if acls else 0 for n in (2, 4)
    )
    if acls:
        assert image.sections[2].content == image.sections[4].content
        assert report.acl_start == image.sections[4].position * 1024
    assert volume.feature_compat == int(acls)
    check_order(image)
    check_maps(image)
    check_payloads(image)
    for end in image.ends:
        body = end.extension.body
        others = sum(offset != 0 for offset in offsets)
        assert (body.verdict, body.mismatches, body.files_written) == (1, 0, others)
        assert body.offset_map_sha256 == hashlib.sha256(image.sections[3].content).digest()


def check_order(image):
    """Directories, front sections, files, trailing section; inodes ascending."""
    directories = [n for n, run in image.inodes.items() if stat.S_ISDIR(run.head.c_dinode.di_mode)]
    others = [n for n in image.inodes if n not in directories]
    front = [-n for n in (2, 3) if n in image.sections]
    trailing = [-n for n in (4,) if n in image.sections]
    assert image.order == sorted(directories) + front + sorted(others) + trailing
    assert sorted(directories + others) == list(range(ROOT, ROOT + len(image.inodes)))


def check_maps(image):
    (first, exists), (second, dumped) = image.bitmaps
    assert exists == dumped == set(image.inodes)
    assert first.c_count == second.c_count
    for head in (first, second):
        assert not any(head.c_addr)
        body = head.extension.body
        assert (body.bits_set, body.highest_inode) == (len(exists), max(exists))


def check_payloads(image):
    for run in image.inodes.values():
        if stat.S_ISDIR(run.head.c_dinode.di_mode):
            assert run.head.extension.flags == 0
            assert len(run.content) % 512 == 0
    for run in image.sections.values():
        body, dinode = run.head.extension.body, run.head.c_dinode
        assert body.payload_size == dinode.di_size == len(run.content)
        assert body.run_records == run.length
        assert (dinode.di_mode, dinode.di_nlink) == (0o100600, 0)
        last = (len(run.content) - 1) // 1024
        assert {n for n in range(last) if any(run.content[n * 1024 : (n + 1) * 1024])} | {
            last
        } == set(run.records)


def test_figure_4():
    vector = yaml.safe_load(FIGURE_4.read_text())
    files = vector["files"]
    sizes = np.array([file["size"] for file in files], np.int64)
    present = -(-sizes // 1024)
    for at, file in enumerate(files):
        present[at] -= sum(count for _, count in file.get("holes", []))
    positions = place(
        int(files[0]["offset"]) // 1024, run_lengths(sizes, present, np.zeros(len(sizes), np.uint8))
    )
    assert (positions * 1024).tolist() == [file["offset"] for file in files]
    assert [file["inode"] for file in files] == [2, 5, 6, 9, 12, 14]
    assert (files[0]["offset"], files[1]["offset"], files[-1]["offset"]) == (0x800, 0x1C00, 0x3CC00)


def test_a_map_that_lies_is_noticed_while_writing(monkeypatch):
    """Shows DARI-OFF-004."""
    from darimage.image import writer

    def lie(inodes, offsets, highest):
        return honest(inodes, np.where(inodes == inodes[1], offsets + 1024, offsets), highest)

    honest = writer.OffsetMap
    monkeypatch.setattr(writer, "OffsetMap", lie)
    tree = Node.directory({name: Node.file(b"x" * 3000) for name in (b"a", b"b", b"c")})
    data, report = encode(tree)
    assert (report.mismatches, report.good, report.as_json()["verdict"]) == (1, False, "bad")
    end = slow_reader.read(data).ends[0].extension.body
    assert (end.verdict, end.mismatches) == (2, 1)


def test_a_run_that_is_longer_than_planned_is_noticed(monkeypatch):
    from darimage.image import headers

    make = headers.InodeHeaders.make

    def longer(self, rows, number):
        made = make(self, rows, number)
        made["c_addr"][0, 3], made["c_count"][0] = 1, 4
        return made

    tree = Node.directory({name: Node.file(b"x" * 3000) for name in (b"a", b"b", b"c")})
    sink = MemorySink()
    source = MemorySource(tree)
    from darimage.image import files

    write = files.FileWriter.write

    def lying_write(self, *arguments):
        monkeypatch.setattr(headers.InodeHeaders, "make", longer)
        try:
            return write(self, *arguments)
        finally:
            monkeypatch.setattr(headers.InodeHeaders, "make", make)

    monkeypatch.setattr(files.FileWriter, "write", lying_write)
    report = create(source, sink, Options())
    assert report.mismatches >= 2


def test_directories_with_more_data_than_one_header_holds():
    """Shows DARI-DIR-017."""
    tree = Node.directory({b"%05d" % n + b"x" * 200: Node.file() for n in range(6000)})
    image = slow_reader.read(encode(tree)[0])
    assert len(image.inodes[ROOT].headers) > 1
    assert len(paths(image)) == 6001


def test_an_empty_tree_is_an_image():
    image = slow_reader.read(encode(Node.directory())[0])
    assert list(image.inodes) == [ROOT]
    assert image.volume.extension.body.files == image.sections[4].position


@pytest.mark.parametrize("ntrec", [0, -1, 1025])
def test_a_blocking_factor_that_may_not_be_is_refused(ntrec):
    with pytest.raises(UsageError, match="1 to 1024"):
        Options(ntrec=ntrec)


def test_a_map_that_old_readers_cannot_read_is_warned_of():
    from darimage.image import estimate, writer

    tree = Node.directory({b"a": Node.file()})
    _, report = encode(tree)
    assert report.warnings == []
    inventory = Inventory(MemorySource(tree).scan(SILENT))
    plan = writer.plan(inventory, None, 10)
    assert estimate.warnings(inventory, replace(plan, map_records=512)) == []
    assert "DARI-LIM-004" in estimate.warnings(inventory, replace(plan, map_records=513))[0]
