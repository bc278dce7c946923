"""The payload of attribute records: against itself, hostile bytes, and bytes of a real ext4."""

from __future__ import annotations

import struct

import pytest
from fuzz.strategies.attributes import attributes, great, names
from hypothesis import example, given
from hypothesis import strategies as st
from support.attributes import acl

from darimage.errors import FormatError
from darimage.schema import AclTag, XattrIndex, XattrMagic, layout
from darimage.sections import posix_acl, xattrs

IN_INODE = bytes.fromhex(
    "010002ea"
    "0101580000000000030000000000000073000000"
    "0201540000000000010000000000000061610000"
    "05010000000000000000000000000000656d707479000000"
).ljust(0x58, b"\0") + bytes.fromhex("7100000061626300")
"""A file with three attributes on a file system with 256-byte inodes."""

IN_BLOCK = bytes.fromhex(
    "000002ea01000000010000007e7ee208507630d7000000000000000000000000"
    "0201b40f00000000020000007a7ae40c64640000"
    "0002dc0f0000000024000000f107f603"
    "0003b80f0000000024000000f207f703"
).ljust(0xFB4, b"\0") + bytes.fromhex(
    "7a7a0000"
    "010000000100070002000700e90300000400050008000400d10700001000070020000500"
    "010000000100070002000700e80300000400050008000400d00700001000050020000500"
)
"""A directory with two ACLs on a file system with 128-byte inodes."""


@given(attributes(great))
def test_attributes_read_back(values):
    packed = xattrs.pack(values)
    assert not packed.left_out
    assert xattrs.encode(values) == packed.payload
    assert xattrs.decode(packed.payload) == values
    assert bool(packed.payload) == bool(values)


@given(attributes(great), st.randoms(use_true_random=False))
def test_the_same_attributes_give_the_same_bytes_in_any_order(values, shuffler):
    items = list(values.items())
    shuffler.shuffle(items)
    assert xattrs.encode(dict(items)) == xattrs.encode(values)


@given(attributes(great))
def test_the_list_alone_is_all_but_what_lies_behind_it(values):
    packed = xattrs.pack(values)
    size = xattrs.list_size(packed.payload)
    assert size <= xattrs.LIST_MAX
    if values:
        listed = xattrs.decode(packed.payload[:size])
        assert listed == {name: values[name] for name in values if name not in packed.beyond}
        assert bool(packed.beyond) == (len(packed.payload) > size)


@given(attributes(great))
def test_the_list_is_what_construct_reads(values):
    payload = xattrs.encode(values)
    if not payload:
        return
    parsed = layout("xattrs").parse(payload)
    assert parsed.head.magic == XattrMagic.BLOCK
    at = layout("xattrs/head").sizeof() + layout("xattrs/block_rest").sizeof()
    found = 0
    while payload[at : at + 4] != bytes(4):
        entry = layout("xattrs/entry").parse(payload[at:])
        assert entry.value_offset % 4 == 0
        assert (entry.value_offset == 0) == (entry.value_size == 0)
        assert entry.value_offset + entry.value_size <= xattrs.LIST_MAX
        assert (entry.value_inode, entry.hash) == (0, 0)
        at += layout("xattrs/entry").sizeof() + entry.name_size + -entry.name_size % 4
        found += 1
    assert found == len(values) - len(xattrs.pack(values).beyond)


@given(st.binary(max_size=300), st.none() | st.integers(0, 300))
@example(IN_INODE, None)
def test_broken_bytes_raise_nothing_but_a_format_error(data, size):
    _check_decoding(data, size)


@given(attributes(great), st.data())
def test_a_changed_payload_raises_nothing_but_a_format_error(values, data):
    payload = bytearray(xattrs.encode(values))
    for _ in range(data.draw(st.integers(1, 4)) if payload else 0):
        at = data.draw(st.integers(0, min(len(payload), 400) - 1))
        payload[at] = data.draw(st.integers(0, 255))
    _check_decoding(bytes(payload), None)


def _check_decoding(data, size):
    told = []
    found = xattrs.decode(data, size, told.append)
    assert sum(map(len, found.values())) <= 2 * len(data)
    assert all(error.requirement.startswith("DARI-XAT-") for error in told)
    if told:
        with pytest.raises(FormatError):
            xattrs.decode(data, size)
    else:
        assert xattrs.decode(data, size) == found


def test_what_ext4_keeps_in_an_inode_is_read():
    found = xattrs.decode(IN_INODE.ljust(256, b"\0"))
    assert found == {b"user.s": b"abc", b"user.aa": b"q", b"user.empty": b""}


def test_what_ext4_keeps_in_a_block_is_read():
    found = xattrs.decode(IN_BLOCK, len(IN_BLOCK))
    assert found.pop(b"user.dd") == b"zz"
    # As getfattr shows them.
    assert {name: value.hex() for name, value in found.items()} == {
        xattrs.ACL_ACCESS: "0200000001000700ffffffff02000700e803000004000500ffffffff08000400"
        "d007000010000500ffffffff20000500ffffffff",
        xattrs.ACL_DEFAULT: "0200000001000700ffffffff02000700e903000004000500ffffffff08000400"
        "d107000010000700ffffffff20000500ffffffff",
    }


def listed(*entries):
    """Return a list of (index, name, offset, inode, size) in the form ``inode``."""
    parts = [struct.pack("<I", XattrMagic.INODE)]
    for index, name, offset, inode, size in entries:
        parts.append(struct.pack("<BBHIII", len(name), index, offset, inode, size, 0))
        parts.append(name + bytes(-len(name) % 4))
    return b"".join([*parts, bytes(4)]).ljust(96, b"v")


@pytest.mark.parametrize(
    ("entry", "requirement", "told"),
    [
        ((9, b"c", 60, 0, 2), "DARI-XAT-005", "unknown first part 9"),
        ((2, b"x", 60, 0, 2), "DARI-XAT-005", "unknown first part 2"),
        ((1, b"x", 0, 14, 30000), "DARI-XAT-006", "lies in an inode"),
        ((1, b"x", 91, 0, 2), "DARI-XAT-006", "leaves the list"),
        ((1, b"a\0b", 60, 0, 2), "DARI-XAT-006", "cannot be one"),
        ((1, b"good", 60, 0, 2), "DARI-XAT-006", "twice"),
        ((2, b"", 60, 0, 2), "DARI-XAT-007", "ends at"),
    ],
)
def test_one_broken_attribute_leaves_the_others(entry, requirement, told):
    errors = []
    found = xattrs.decode(listed((1, b"good", 70, 0, 3), entry), None, errors.append)
    assert found == {b"user.good": b"vvv"}
    assert [error.requirement for error in errors] == [requirement]
    assert told in errors[0].message


def test_values_that_share_their_bytes_do_not_make_much_of_little():
    """Shows DARI-XAT-020: those count, in order, whose sum still fits."""
    entries = [(1, b"%d" % number, 0, 0, size) for number, size in enumerate((90, 90, 3, 90))]
    with pytest.raises(FormatError, match="DARI-XAT-020"):
        xattrs.decode(listed(*entries))
    errors = []
    kept = xattrs.decode(listed(*entries), None, errors.append)
    assert {name: len(value) for name, value in kept.items()} == {b"user.0": 90, b"user.2": 3}
    assert [error.requirement for error in errors] == ["DARI-XAT-020"] * 2


def test_the_end_of_a_tiny_file_is_no_attribute():
    assert xattrs.decode(listed((7, b"data", 60, 0, 8), (1, b"k", 70, 0, 1))) == {b"user.k": b"v"}


def test_what_restore_may_fail_to_set_comes_last():
    values = dict.fromkeys((b"trusted.a", b"security.b", b"user.z", b"user.c"), b"v")
    values |= {xattrs.ACL_ACCESS: acl((AclTag.USER_OBJ, 6), (AclTag.OTHER, 4))}
    found = list(xattrs.decode(xattrs.encode(values)))
    assert found == [xattrs.ACL_ACCESS, b"user.c", b"user.z", b"security.b", b"trusted.a"]


@pytest.mark.parametrize("size", [4096 - 32 - 16 - 4 - 4, 4096 - 32 - 16 - 4 - 3])
def test_a_value_that_fills_the_list_is_in_it_and_one_byte_more_is_not(size):
    packed = xattrs.pack({b"user.v": b"x" * size})
    assert bool(packed.beyond) == (size % 4 != 0)
    assert (len(packed.payload) > xattrs.LIST_MAX) == bool(packed.beyond)
    assert xattrs.decode(packed.payload) == {b"user.v": b"x" * size}


def test_what_goes_nowhere_is_named():
    """Shows DARI-XAT-012."""
    values = {b"user.%d" % number: bytes(65536) for number in range(9)}
    packed = xattrs.pack({**values, b"user.": b"", b"x" * 256: b"", b"a\0": b"", b"user.k": b"v"})
    assert len(packed.payload) <= xattrs.PAYLOAD_MAX
    assert set(packed.left_out) == {b"user.7", b"user.8", b"x" * 256, b"a\0"}
    with pytest.raises(FormatError, match=r"DARI-XAT-009"):
        xattrs.encode(values)


@given(names, st.binary(max_size=40))
def test_any_name_has_a_place(name, value):
    assert xattrs.decode(xattrs.encode({name: value})) == {name: value}


@given(st.binary(max_size=60))
def test_a_posix_acl_of_either_form_raises_nothing_but_a_format_error(data):
    for there, back in ((posix_acl.to_kept, posix_acl.to_shown),) * 2:
        try:
            other = there(data)
        except FormatError as error:
            assert error.requirement == "DARI-XAT-007"
        else:
            assert back(other) == data
        there, back = back, there


def test_a_posix_acl_is_what_construct_reads():
    value = acl((AclTag.USER_OBJ, 6), (AclTag.USER, 4, 1000), (AclTag.OTHER, 0))
    kept = posix_acl.to_kept(value)
    assert layout("xattrs/acl_head").parse(kept).version == 1
    assert layout("xattrs/acl_short").parse(kept[4:]).permissions == 6
    named = layout("xattrs/acl_entry").parse(kept[8:])
    assert (named.tag, named.permissions, named.id) == (AclTag.USER, 4, 1000)
    assert layout("xattrs/acl_short").parse(kept[16:]).tag == AclTag.OTHER
    assert posix_acl.to_shown(kept) == value


def test_a_posix_acl_as_text():
    value = acl(
        (AclTag.USER_OBJ, 6), (AclTag.USER, 4, 1000), (AclTag.GROUP, 7, 0), (AclTag.OTHER, 0)
    )
    assert posix_acl.text(value) == "user::rw-,user:1000:r--,group:0:rwx,other::---"
    for bad in (b"", acl((3, 6)), acl((AclTag.OTHER, 8)), value[:-1]):
        with pytest.raises(FormatError, match="DARI-XAT-007"):
            posix_acl.text(bad)


def test_an_acl_the_list_cannot_tell_goes_behind_it():
    for value in (b"", b"\2\0\0\0", acl((AclTag.USER_OBJ, 6, 1)), acl((3, 6))):
        packed = xattrs.pack({xattrs.ACL_ACCESS: value})
        assert packed.beyond == (xattrs.ACL_ACCESS,)
        assert xattrs.decode(packed.payload) == {xattrs.ACL_ACCESS: value}


def test_indexes_and_first_parts_are_those_of_the_layout():
    assert xattrs.pack({b"lustre.x": b""}).beyond == (b"lustre.x",)
    assert xattrs.decode(listed((XattrIndex.LUSTRE, b"x", 60, 0, 1))) == {b"lustre.x": b"v"}
