"""NT ACLs in whole images: read from the front, from behind, and by their place alone; judged."""

from __future__ import annotations

import struct

import pytest
from fuzz.strategies.descriptors import plain, wrappers
from fuzz.strategies.trees import trees
from hypothesis import given, settings
from hypothesis import strategies as st
from support import images
from support.cutting import cut

from darimage.errors import FormatError
from darimage.image.nt_acls import at_offset
from darimage.image.reader import Image
from darimage.schema import Section
from darimage.sections import nt_acls
from darimage.sections.security import from_sddl, split, wrap
from darimage.sources.memory import Node
from darimage.units import RECORD
from darimage.validate.verify import verify
from darimage.volumes.reading import open_volume

SECTION_VERSION, PAYLOAD_SIZE = 952, 960
SAMPLE = split(wrap(plain(from_sddl("O:BAG:SYD:P(A;OICI;FA;;;WD)"))))
OTHER = (plain(from_sddl("O:SYG:SYD:(A;;FR;;;BU)")), b"")
acls = st.one_of(
    wrappers().map(lambda found: split(found.build())),
    wrappers().map(lambda found: (found.descriptor, b"")),
    st.sampled_from([SAMPLE, OTHER]),
)


def by_path(tree, image):
    """Return the NT ACLs of nodes and of an image by path."""
    nodes = images.paths_of(tree)
    with Image.open(image) as opened:
        names = {path: entry.inode for path, entry, _ in opened.names.walk()}
        names[b""] = opened.names.root
        got = {path: opened.nt_acls.get(names[path]) for path in nodes}
        assert not opened.faults
        assert set(opened.nt_acls) <= set(opened.dumped.numbers())
    return {path: node.nt_acl for path, node in nodes.items()}, got


def with_acls(draw, tree):
    for node in {id(node): node for node in images.paths_of(tree).values()}.values():
        node.nt_acl = draw(st.none() | acls)
    return tree


trees_with_acls = st.composite(lambda draw: with_acls(draw, draw(trees())))()


@given(trees_with_acls)
@settings(deadline=None, max_examples=40)
def test_each_inode_has_the_acl_it_had_by_every_way(tree):
    """Shows DARI-SDE-008."""
    image = images.encode(tree)
    wanted, got = by_path(tree, image)
    assert got == wanted
    found = verify(image)
    assert found.faults == []
    with Image.open(image) as opened:
        start = opened.extension.nt_acls_trailing * RECORD
        inodes = dict(opened.nt_acls)
    assert at_offset(open_volume(image), start) == inodes
    # What lies before it may be gone, or be anything.
    assert at_offset(open_volume(bytes(start) + image[start:]), start) == inodes
    assert at_offset(open_volume(image[start:]), 0) == inodes


def tree():
    found = images.sample()
    found.nt_acl = found.children[b"sub"].nt_acl = SAMPLE
    found.children[b"hard1"].nt_acl = OTHER
    return found


IMAGE = images.encode(tree())
with Image.open(IMAGE) as _opened:
    FRONT = _opened.extension.nt_acls_front
    TRAILING = _opened.extension.nt_acls_trailing
    ACLS = dict(_opened.nt_acls)
    FIRST = min(ACLS)
SIZE = images.peek(IMAGE, FRONT, PAYLOAD_SIZE, "<Q")


def with_payload(change, image=IMAGE, records=(FRONT, TRAILING)):
    """Return an image with the payload of both sections changed, all checksums made right."""
    for record in records:
        data, at = bytearray(image), (record + 1) * RECORD
        payload = bytearray(data[at : at + SIZE])
        change(payload)
        data[at : at + SIZE] = payload
        images.reseal(data, record, records=-(-SIZE // RECORD))
        image = bytes(data)
    return image


def put(at, form, value):
    return lambda payload: struct.pack_into(form, payload, at, value)


def test_the_sample_is_what_the_planted_faults_take_it_for():
    assert len(ACLS) == 3
    assert len(nt_acls.encode(ACLS)) == SIZE
    assert IMAGE[(FRONT + 1) * RECORD :][:SIZE] == nt_acls.encode(ACLS)


def test_all_names_of_an_inode_have_its_acl():
    wanted, got = by_path(tree(), IMAGE)
    assert got == wanted
    assert got[b"hard1"] == got[b"sub/hard2"] == OTHER


def test_the_trailing_acls_stand_in_for_damaged_front_ones():
    broken = bytearray(IMAGE)
    broken[(FRONT + 1) * RECORD + 30] ^= 1
    with Image.open(bytes(broken)) as image:
        assert image.nt_acls == ACLS
        assert [fault.requirement for fault in image.faults] == ["DARI-REC-029", "DARI-ACL-011"]
    broken[(TRAILING + 1) * RECORD + 30] ^= 1
    with Image.open(bytes(broken)) as image:
        assert not image.nt_acls
        assert [fault.requirement for fault in image.faults] == [
            "DARI-REC-029",
            "DARI-ACL-011",
            "DARI-REC-029",
            "DARI-ACL-011",
            "DARI-ACL-015",
        ]


def test_by_their_place_they_are_read_with_all_else_destroyed():
    start = TRAILING * RECORD
    assert at_offset(open_volume(bytes(start) + IMAGE[start:]), start) == ACLS
    end = start + RECORD * (1 + -(-SIZE // RECORD))
    assert at_offset(open_volume(IMAGE[start:end]), 0) == ACLS
    assert at_offset(open_volume(b"\xff" * 7 * RECORD + IMAGE[start:end]), 7 * RECORD) == ACLS


@pytest.mark.parametrize("capacity", [2, 3, 4, 5, 7, 11, 40])
def test_by_their_place_they_are_read_across_volumes(capacity):
    root = tree()
    for number in range(40):
        descriptor = plain(from_sddl(f"O:BAG:SYD:(A;;FA;;;S-1-5-21-1-2-3-{number})"))
        root.children[b"more%d" % number] = node = Node.file()
        node.nt_acl = split(wrap(descriptor))
    volumes = cut(images.encode(root), capacity)
    with Image.open(b"".join(volumes)) as image:
        acls = dict(image.nt_acls)
        start = image.extension.nt_acls_trailing * RECORD
    assert len(acls) == 43
    assert at_offset(open_volume(b"".join(volumes)), start) == acls
    first = start // RECORD // capacity
    blank = b"".join(bytes(len(volume)) for volume in volumes[:first])
    assert at_offset(open_volume(blank + b"".join(volumes[first:])), start) == acls


@pytest.mark.parametrize("offset", [0, 1, -RECORD, RECORD, TRAILING * RECORD + 1, len(IMAGE)])
def test_a_place_without_a_section_is_refused(offset):
    with pytest.raises(FormatError, match="DARI-ACL-012"):
        at_offset(open_volume(IMAGE), offset)


def test_the_offset_map_is_no_nt_acls():
    with Image.open(IMAGE) as image, pytest.raises(FormatError, match="not NT ACLs"):
        at_offset(open_volume(IMAGE), image.extension.offset_map * RECORD)


@given(st.integers(0, 2 * RECORD - 1), st.integers(1, 255))
def test_a_damaged_trailing_section_is_refused(at, flip):
    start = TRAILING * RECORD
    data = bytearray(IMAGE)
    data[start + at] ^= flip
    try:
        assert at_offset(open_volume(bytes(data)), start) == ACLS
    except FormatError as error:
        assert error.requirement


def test_an_image_without_sections_has_none():
    image = images.encode(tree(), acls=False)
    with Image.open(image) as opened:
        assert not opened.nt_acls
        assert not opened.faults
    assert b"\1\0\4\x90" not in image
    assert verify(image).faults == []


HEAD, ROW, SPAN = 24, 16, 16
INDEX = HEAD + 3 * ROW
ORIGINS = INDEX + 2 * SPAN
HEAP = ORIGINS + SPAN
ORIGIN = HEAP + sum(len(acl[0]) + -len(acl[0]) % 8 for acl in (SAMPLE, OTHER))

PLANTED = [
    ("DARI-ACL-002", put(HEAD + ROW, "<I", FIRST)),
    ("DARI-ACL-002", put(HEAD + 4, "<I", 2)),
    ("DARI-ACL-001", put(0, "<I", 4)),
    ("DARI-ACL-001", put(INDEX, "<Q", 2**40)),
    ("DARI-ACL-006", put(INDEX + SPAN + 8, "<Q", len(OTHER[0]) - 4)),
    ("DARI-ACL-006", put(HEAP + len(SAMPLE[0]), "<B", 1)),
    ("DARI-ACL-007", put(HEAD + 8, "<I", 2)),
    ("DARI-SDE-012", put(ORIGINS + 8, "<Q", 7)),
    ("DARI-ACL-010", put(HEAD + 2 * ROW, "<I", 4000)),
    ("DARI-ACL-013", put(INDEX + SPAN, "<Q", 8)),
    ("DARI-CNV-004", put(12, "<I", 1)),
    ("DARI-CNV-004", put(HEAD + 12, "<I", 1)),
    ("DARI-SDE-001", put(HEAP, "<B", 2)),
    ("DARI-SDE-003", put(HEAP + 4, "<I", 2)),
    ("DARI-SDE-004", put(HEAP + 20, "<B", 2)),
    ("DARI-SDE-005", put(HEAP + 48, "<B", 9)),
    ("DARI-SDE-012", put(ORIGIN, "<B", 9)),
]


@pytest.mark.parametrize(
    ("requirement", "change"), PLANTED, ids=[f"{r}-{k}" for k, (r, _) in enumerate(PLANTED)]
)
def test_a_planted_fault_is_found(requirement, change):
    found = verify(with_payload(change))
    assert requirement in {fault.requirement for fault in found.faults}


def test_what_is_in_the_heap_twice_is_found():
    doubled = {2: (SAMPLE[0], b""), 3: (SAMPLE[0] + b"\0" * 4, b"")}
    payload = bytearray(nt_acls.encode(doubled))
    first, second = HEAD + 2 * ROW, HEAD + 2 * ROW + SPAN
    size = struct.unpack_from("<Q", payload, first + 8)[0]
    struct.pack_into("<Q", payload, second + 8, size)
    assert [r for _, r in nt_acls.untidy(bytes(payload))] == ["DARI-ACL-006"]


def test_front_and_trailing_must_be_equal():
    change = put(HEAD + 4, "<I", 1)
    found = verify(with_payload(change, records=[TRAILING]))
    assert "DARI-ACL-003" in {fault.requirement for fault in found.faults}


def test_a_payload_that_cannot_be_is_not_read():
    for size in (2**63, 2**40):
        data = images.poke(IMAGE, FRONT, PAYLOAD_SIZE, "<Q", size)
        data = images.poke(data, FRONT, 40, "<Q", size)
        with Image.open(data) as image:
            assert image.nt_acls == ACLS
            assert image.faults[0].requirement == "DARI-SCT-005"


def test_a_section_of_another_version_is_not_read():
    data = images.poke(IMAGE, TRAILING, SECTION_VERSION, "<I", 2)
    with pytest.raises(FormatError, match="DARI-SCT-009"):
        at_offset(open_volume(data), TRAILING * RECORD)
    assert images.peek(IMAGE, TRAILING, 948, "<I") == Section.NT_ACLS_TRAILING
