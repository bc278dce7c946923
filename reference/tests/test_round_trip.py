"""What goes into an image comes out of it: random trees through encoder and decoder."""

from __future__ import annotations

import stat

import pytest
from fuzz.strategies.attributes import attributes
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_mutations import strip_extensions
from test_writer import encode, tree_paths

from darimage.image import contents
from darimage.image.reader import Image
from darimage.sections import xattrs
from darimage.validate.verify import verify

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MICROSECOND = 1000


def decoded(image, *, unnamed=False):
    """Return the inodes of an image by path, the root's path empty; not what has no name."""
    names = image.names
    numbers = {b"": names.root, **{path: entry.inode for path, entry, _ in names.walk()}}
    if unnamed:
        numbers = {path: n for path, n in numbers.items() if not path.startswith(b"#lost")}
    known = {n: names.directories[n].inode for n in numbers.values() if n in names.directories}
    others = sorted(set(numbers.values()) - known.keys())
    known.update((inode.number, inode) for inode in image.inodes(others))
    return {path: known[number] for path, number in numbers.items()}


def content_of(image, inode, faults):
    data = bytearray(inode.size)
    for offset, piece in contents.read(image, inode, faults.append):
        data[offset : offset + len(piece)] = piece
    return bytes(data)


def expected_content(node):
    data = bytearray(node.size)
    for at, piece in node.data.items():
        data[at : at + len(piece)] = piece
    return bytes(data)


def expected_time(time, tick):
    """Return a time as it comes back; microseconds are those of a plain dump (DARI-FIL-024)."""
    if tick == 1:
        return time
    seconds, fraction = divmod(time, 10**9)
    signed = (seconds + 2**31) % 2**32 - 2**31
    return signed * 10**9 + fraction // tick * tick


def check_same(image, tree, tick=1, *, unnamed=False):
    """Check that an image holds a tree; ``unnamed``: and some inodes that have no name there."""
    expected = {path.removeprefix(b"/"): node for path, node in tree_paths(tree).items()}
    found, faults = decoded(image, unnamed=unnamed), []
    assert found.keys() == expected.keys()
    for path, node in expected.items():
        inode = found[path]
        for name in ("mode", "uid", "gid", "rdev"):
            assert getattr(inode, name) == getattr(node, name), (path, name)
        for name in ("atime_ns", "mtime_ns", "ctime_ns"):
            assert getattr(inode, name) == expected_time(getattr(node, name), tick), (path, name)
        if stat.S_ISREG(node.mode):
            assert content_of(image, inode, faults) == expected_content(node)
            check_holes(image, inode, node, faults)
        elif stat.S_ISLNK(node.mode):
            assert contents.read_link(image, inode) == node.target
        kept = node.xattrs if image.is_dari else node.xattrs[: xattrs.LIST_MAX]
        assert image.attributes_of(inode) == xattrs.decode(kept)
        assert image.nt_acls.get(inode.number) == (node.nt_acl if image.is_dari else None)
    assert not faults
    told = {fault.kind for fault in image.faults}
    assert told <= ({"lost", "unnamed"} if unnamed else set())


def blocks(ranges):
    """Return the numbers of the blocks that ranges of bytes touch."""
    spans = [range(at // 1024, (at + length + 1023) // 1024) for at, length in ranges if length]
    return {number for span in spans for number in span}


def check_holes(image, inode, node, faults):
    """Each block that no data touches is a hole, but for the last one in a plain dump."""
    batches = contents.extents(image, inode, faults.append)
    present = blocks((e.file_offset, e.length) for batch in batches for e in batch)
    touched = blocks((at, len(piece)) for at, piece in node.data.items())
    last = set() if image.is_dari else {(node.size - 1) // 1024}
    assert present - last == touched - last


@RELAXED
@given(trees(extended=attributes()), st.booleans())
def test_a_tree_comes_back(tree, sequential):
    data, _ = encode(tree)
    with Image.open(data, sequential=sequential) as image:
        assert image.access == ("sequential" if sequential else "direct")
        check_same(image, tree)


@RELAXED
@given(trees(extended=attributes()))
def test_a_tree_comes_back_from_the_plain_dump_within(tree):
    with Image.open(strip_extensions(encode(tree)[0])) as image:
        assert not image.is_dari
        check_same(image, tree, MICROSECOND)


@RELAXED
@given(trees(extended=attributes()))
def test_what_is_written_is_found_good(tree):
    data, report = encode(tree)
    found = verify(data)
    assert found.faults == []
    assert found.map_equal
    assert (found.records, found.inodes) == (report.records, report.directories + report.others)
    assert verify(strip_extensions(data)).faults == []


@RELAXED
@given(trees(extended=attributes()))
def test_the_map_and_a_walk_find_the_same(tree):
    data, _ = encode(tree)
    with Image.open(data) as direct, Image.open(data, sequential=True) as walked:
        numbers = direct.names.named()
        assert (direct.offsets.of(numbers) == walked.offsets.of(numbers)).all()


def test_a_dump_without_its_root_says_so():
    from darimage.sources.memory import Node

    plain = bytearray(strip_extensions(encode(Node.directory({b"a": Node.file(b"x")}))[0]))
    start = 5 * 1024
    plain[start : start + 1024] = bytes(1024)
    with Image.open(bytes(plain)) as image:
        assert image.names.lookup(b"a") is None
        assert "DARI-DIR-001" in [fault.requirement for fault in image.faults]


@pytest.mark.parametrize("data", [b"", b"x" * 100, bytes(5000), b"no image" * 1000])
def test_what_is_no_image_is_refused(data):
    from darimage.errors import FormatError

    with pytest.raises(FormatError, match=r"no dump|not a dump|is no|damaged|empty"):
        Image.open(data, name="strange")
