"""Security descriptors: bytes to objects and back, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from uuid import UUID

import pytest
from fuzz.strategies.descriptors import acls, descriptors, rearranged, sids
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_schema import kaitai_parse

from darimage.errors import FormatError
from darimage.schema import ORDERS, layout
from darimage.schema.constants import AceType, SdControl
from darimage.sections.security import Ace, Acl, RawAce, SecurityDescriptor, Sid, from_sddl
from darimage.sections.security.ace import OBJECT_TYPES, PLAIN_TYPES
from darimage.sections.security.descriptor import MAX_SIZE

EVERYONE = Sid(1, (0,))
SAMPLE = from_sddl(
    "O:BAG:SYD:PAI(A;OICI;FA;;;WD)(OD;CI;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;AU)"
    "(XA;;FX;;;BU;#61727478)S:AI(AU;SAFA;GA;;;WD)(ML;;NW;;;LW)"
)
DATA = SAMPLE.build()
ORDERINGS = st.sampled_from(list(permutations(range(4))))


def patched(data, at, new):
    return data[:at] + new + data[at + len(new) :]


@given(sids)
@settings(deadline=None)
def test_a_sid_reads_back_from_bytes_and_from_text(sid):
    data = sid.build()
    assert len(data) == sid.size
    assert Sid.parse(data) == sid
    assert Sid.parse(b"xx" + data + b"yy", 2) == sid
    assert Sid.from_text(str(sid)) == sid


@pytest.mark.parametrize(
    ("text", "sid"),
    [
        ("S-1-5-32-544", Sid(5, (32, 544))),
        ("S-1-0x123456789abc-1", Sid(0x123456789ABC, (1,))),
        ("S-1-16-4096", Sid(16, (4096,))),
        ("S-1-3", Sid(3)),
        ("S-1-4294967295", Sid(2**32 - 1)),
    ],
)
def test_the_text_of_a_sid(text, sid):
    assert Sid.from_text(text) == sid
    assert str(sid) == text


@pytest.mark.parametrize(
    "text", ["", "S-1", "S-2-5", "S-1-5-", "S-1-5-4294967296", "S-1-5" + "-1" * 16, "S-1-5-٣"]
)
def test_what_is_no_sid_is_refused(text):
    with pytest.raises(FormatError, match="DARI-SDE-004"):
        Sid.from_text(text)


@given(descriptors(), ORDERINGS, st.integers(0, 9))
@settings(deadline=None)
def test_a_descriptor_reads_back_however_it_is_laid_out(descriptor, order, gap):
    """Shows DARI-SDE-007."""
    for sample in (descriptor, rearranged(descriptor, order, gap)):
        data = sample.build()
        parsed = SecurityDescriptor.parse(data)
        assert parsed == sample
        assert parsed.build() == data


@given(descriptors(), ORDERINGS)
@settings(deadline=None)
def test_bytes_behind_the_last_part_are_kept(descriptor, order):
    data = rearranged(descriptor, order).build() + b"tail"
    assert SecurityDescriptor.parse(data).build() == data


@given(st.lists(sids, min_size=1, max_size=8).map(tuple))
@settings(deadline=None)
def test_owner_and_group_may_be_the_same_bytes(found):
    data = SecurityDescriptor(owner=found[0]).build()
    shared = patched(data, 8, data[4:8])
    parsed = SecurityDescriptor.parse(shared)
    assert parsed.owner == parsed.group == found[0]
    assert parsed.build() == shared
    changed = replace(parsed, group=found[-1])
    assert SecurityDescriptor.parse(changed.build()) == changed


@given(descriptors(), ORDERINGS, st.none() | sids, st.none() | acls)
@settings(deadline=None)
def test_a_changed_part_is_built_and_the_others_stay(descriptor, order, owner, dacl):
    parsed = SecurityDescriptor.parse(rearranged(descriptor, order, 4).build())
    changed = replace(parsed, owner=owner, dacl=dacl)
    assert SecurityDescriptor.parse(changed.build()) == changed


@given(st.binary(max_size=400))
@example(b"")
@settings(deadline=None)
def test_random_bytes_raise_nothing_but_a_format_error(data):
    for parse in (SecurityDescriptor.parse, Acl.parse, Sid.parse):
        try:
            parse(data)
        except FormatError as error:
            assert error.requirement.startswith("DARI-SDE-")


@given(
    descriptors(),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6),
    st.none() | st.integers(0, 10**6),
)
@settings(deadline=None)
def test_a_mutated_descriptor_is_refused_or_round_trips(descriptor, changes, cut):
    data = bytearray(descriptor.build())
    for at, value in changes:
        data[at % len(data)] = value
    if cut is not None:
        del data[cut % len(data) :]
    mutated = bytes(data)
    try:
        parsed = SecurityDescriptor.parse(mutated)
    except FormatError as error:
        assert error.requirement.startswith("DARI-SDE-")
    else:
        assert parsed.build() == mutated


def test_every_cut_is_refused():
    for size in range(len(DATA)):
        with pytest.raises(FormatError, match=r"DARI-SDE-00[3-6]"):
            SecurityDescriptor.parse(DATA[:size])


OFFSETS = layout("security_descriptor/head").parse(DATA)
DACL = OFFSETS.offset_dacl
ACE = DACL + 8


@pytest.mark.parametrize(
    ("at", "new", "requirement"),
    [
        (0, b"\2", "DARI-SDE-001"),
        (2, b"\x14\x1c", "DARI-SDE-001"),
        (4, b"\x13\0\0\0", "DARI-SDE-003"),
        (4, b"\xff\xff\xff\xff", "DARI-SDE-003"),
        (16, len(DATA).to_bytes(4, "little"), "DARI-SDE-003"),
        (16, (len(DATA) - 4).to_bytes(4, "little"), "DARI-SDE-005"),
        (OFFSETS.offset_owner, b"\2", "DARI-SDE-004"),
        (OFFSETS.offset_owner + 1, b"\x10", "DARI-SDE-004"),
        (DACL, b"\1", "DARI-SDE-005"),
        (DACL, b"\5", "DARI-SDE-005"),
        (DACL + 2, b"\7\0", "DARI-SDE-005"),
        (DACL + 2, b"\xff\xff", "DARI-SDE-005"),
        (DACL + 4, b"\xff\xff", "DARI-SDE-005"),
        (DACL + 4, b"\4\0", "DARI-SDE-006"),
        (ACE + 2, b"\3\0", "DARI-SDE-006"),
        (ACE + 2, b"\xff\xff", "DARI-SDE-006"),
        (ACE + 2, b"\x06\0", "DARI-SDE-006"),
        (ACE + 2, b"\x0c\0", "DARI-SDE-004"),
        (ACE, b"\5", "DARI-SDE-006"),
    ],
)
def test_what_cannot_be_is_refused(at, new, requirement):
    with pytest.raises(FormatError) as caught:
        SecurityDescriptor.parse(patched(DATA, at, new))
    assert caught.value.requirement == requirement
    assert "\n" not in str(caught.value)


def test_a_guid_must_fit_into_its_entry():
    data = Acl((Ace(5, 0, 1, EVERYONE),)).build()
    with pytest.raises(FormatError, match="GUID at byte 20") as caught:
        Acl.parse(patched(data, 16, b"\1"))
    assert caught.value.requirement == "DARI-SDE-006"


def test_the_limit_of_size():
    data = SecurityDescriptor().build()
    assert SecurityDescriptor.parse(data.ljust(MAX_SIZE, b"\0")).owner is None
    with pytest.raises(FormatError, match="DARI-SDE-009"):
        SecurityDescriptor.parse(data.ljust(MAX_SIZE + 1, b"\0"))


def test_two_full_lists_fit_the_limit():
    full = Acl((RawAce(0x42, 0, bytes(65535 - 12)),))
    found = SecurityDescriptor(Sid(5, (1,) * 15), Sid(5, (1,) * 15), full, full)
    data = found.build()
    assert len(data) < MAX_SIZE
    assert SecurityDescriptor.parse(data) == found


@pytest.mark.parametrize(
    "build",
    [
        lambda: Acl((RawAce(0x42, 0, bytes(65536 - 12)),)).build(),
        lambda: RawAce(0x42, 0, bytes(65536)).build(),
        lambda: Acl(revision=5).build(),
        lambda: Ace(0, 0, 2**32, EVERYONE).build(),
        lambda: Ace(0, 256, 0, EVERYONE).build(),
        lambda: Ace(4, 0, 0, EVERYONE),
        lambda: Ace(0, 0, 0, EVERYONE, UUID(int=1)),
        lambda: Ace(5, 0, 0, EVERYONE, object_flags=1),
        lambda: RawAce(0, 0, b""),
        lambda: RawAce(256, 0, b""),
        lambda: Sid(2**48),
        lambda: Sid(5, (1,) * 16),
        lambda: SecurityDescriptor(control=SdControl.DACL_PRESENT),
        lambda: SecurityDescriptor(sbz1=256).build(),
    ],
)
def test_what_cannot_be_is_not_built(build):
    with pytest.raises(FormatError):
        build()


def test_a_list_needs_the_revision_of_its_entries():
    assert Acl.of((Ace(0, 0, 1, EVERYONE),)).revision == 2
    assert Acl.of((Ace(0, 0, 1, EVERYONE), Ace(7, 0, 1, EVERYONE))).revision == 4


def known_entry(ace, body):
    """Check one known entry against what a generated codec found."""
    assert body.head.mask == ace.mask
    assert bytes(body.application_data) == ace.data
    assert list(body.sid.sub_authority) == list(ace.sid.sub_authorities)
    assert int.from_bytes(body.sid.head.identifier_authority, "big") == ace.sid.authority
    if ace.type in OBJECT_TYPES:
        guids = [ace.object_type, ace.inherited_object_type]
        assert [body.object_type, body.inherited_object_type] == [
            guid.bytes_le if guid else b"" for guid in guids
        ]
        assert body.head.flags & ~3 == ace.object_flags


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("codec", ["construct", "kaitai"])
@given(acls)
@settings(deadline=None)
def test_the_generated_codecs_of_either_order_read_the_same_list(codec, order, acl):
    """Shows DARI-SDE-002."""
    data = acl.build()
    name = "security_descriptor/acl"
    parsed = (
        layout(name, order).parse(data) if codec == "construct" else kaitai_parse(name, order, data)
    )
    assert parsed.head.acl_size == len(data)
    assert bytes(parsed.body.unused) == acl.unused
    assert len(parsed.body.aces) == len(acl.entries)
    for found, entry in zip(parsed.body.aces, acl.entries, strict=True):
        assert (found.head.ace_type, found.head.ace_flags) == (entry.type, entry.flags)
        assert found.head.ace_size == len(entry.build())
        if isinstance(entry, RawAce):
            assert found.body.bytes == entry.body
        else:
            known_entry(entry, found.body)
    if codec == "construct":
        assert layout(name, order).build(parsed) == data


def test_types_have_the_bodies_that_the_layout_gives_them():
    cases = layout("security_descriptor/ace").body.cases
    bodies = {number: case.subcon.subconfunc.__code__.co_names[0] for number, case in cases.items()}
    assert {
        number for number, name in bodies.items() if name.endswith("object_ace")
    } == OBJECT_TYPES
    assert {number for number, name in bodies.items() if name.endswith("plain_ace")} == PLAIN_TYPES
    assert set(AceType) - set(bodies) == {AceType.ACCESS_ALLOWED_COMPOUND}
