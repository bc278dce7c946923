"""Samba's own codec reads what ours writes, and the other way round."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations

import pytest
from fuzz.strategies.descriptors import (
    DOMAIN_SID,
    JUDGED_TYPES,
    aligned_tails,
    entries,
    judged_descriptors,
    packed_descriptors,
    plain,
    rearranged,
    said,
    wrappers,
)
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from support import samba_judge

from darimage.errors import FormatError
from darimage.schema import layout
from darimage.sections.security import (
    Ace,
    Acl,
    NtAcl,
    SecurityDescriptor,
    Sid,
    from_sddl,
    read_origin,
    split,
    to_sddl,
    unwrap,
    wrap,
)
from darimage.sections.security.sddl_words import DOMAIN, FILE_RIGHTS, RIGHTS, WELL_KNOWN

REAL = [
    "O:BAG:SYD:PAI(A;OICI;FA;;;WD)(D;;0x1200a9;;;AU)S:AI(AU;SAFA;GA;;;WD)",
    "O:LAG:DUD:AI(A;ID;FA;;;SY)(A;OICIIOID;GA;;;CO)(A;ID;0x1301bf;;;BU)",
    "D:(OA;CI;CCDC;bf967aba-0de6-11d0-a285-00aa003049e2;;AO)(OA;;CR;;;PS)",
    "D:",
    "G:DA",
    "",
]
FILE_ALL = re.compile(r"(\([A-Z]+;[A-Z]*);FA;")
UNREAD = re.compile("D:[A-Z]*S:|S-1-0x")
"""SDDL that Samba 4.17 does not read: it takes the S of S: for a flag of a DACL without entries,
and stops at the x of an authority in hexadecimal."""

ORDERINGS = st.sampled_from(list(permutations(range(4))))
CALLBACKS = [9, 10, 13]
"""Types that Samba 4.17 unpacks though its SDDL does not know them."""


@pytest.fixture(scope="module")
def samba():
    reason = samba_judge.missing()
    if reason:
        pytest.skip(reason)
    judge = samba_judge.Judge(str(DOMAIN_SID))
    yield judge
    judge.close()


def for_samba(text):
    """Return SDDL in which no mask is FA: Samba 4.17 takes that for 0x1ff, without the rest."""
    return FILE_ALL.sub(r"\1;0x1f01ff;", text)


@given(judged_descriptors, ORDERINGS, st.sampled_from([0, 4, 16]))
@settings(deadline=None)
def test_samba_reads_what_we_build_to_the_same_sddl(samba, descriptor, order, gap):
    data = rearranged(descriptor, order, gap).build()
    answer = samba.ask("read", data=data.hex(), sddl=True)
    assert "error" not in answer
    for domain, text in ((DOMAIN_SID, answer["sddl"]), (None, answer["sddl_without_domain"])):
        assert to_sddl(from_sddl(text, domain), domain) == to_sddl(descriptor, domain)
    assert answer["packed"] == plain(descriptor).hex()


@given(judged_descriptors, st.none() | st.just(DOMAIN_SID))
@settings(deadline=None)
def test_samba_builds_from_our_text_what_we_wrote(samba, descriptor, domain):
    text = to_sddl(descriptor, domain)
    assume(not UNREAD.search(text))
    answer = samba.ask("text", sddl=for_samba(text))
    assert "error" not in answer
    found = SecurityDescriptor.parse(bytes.fromhex(answer["data"]))
    assert said(found) == said(descriptor)


@pytest.mark.parametrize("text", REAL)
def test_descriptors_of_samba_decode_here(samba, text):
    data = bytes.fromhex(samba.ask("text", sddl=for_samba(text))["data"])
    found = SecurityDescriptor.parse(data)
    assert found.build() == data
    assert plain(found) == data
    assert to_sddl(found, DOMAIN_SID) == text


@given(st.lists(entries(JUDGED_TYPES + CALLBACKS, tails=aligned_tails), max_size=5).map(tuple))
@settings(deadline=None)
def test_samba_finds_every_entry_where_ours_is(samba, found):
    descriptor = SecurityDescriptor(dacl=Acl.of(found), control=0x8004)
    answer = samba.ask("read", data=descriptor.build().hex())
    entries = [(*rest, Sid.from_text(sid)) for *rest, sid in answer["entries"]]
    assert entries == [(e.type, e.flags, e.mask, e.sid) for e in found]


def test_words_for_sids_are_those_of_samba(samba):
    for word in [*WELL_KNOWN, *DOMAIN]:
        data = bytes.fromhex(samba.ask("text", sddl=f"O:{word}")["data"])
        assert SecurityDescriptor.parse(data) == from_sddl(f"O:{word}", DOMAIN_SID), word


def test_words_for_rights_are_those_of_samba(samba):
    for word in [*RIGHTS, *FILE_RIGHTS]:
        text = f"D:(A;;{word};;;WD)"
        data = bytes.fromhex(samba.ask("text", sddl=for_samba(text))["data"])
        assert said(SecurityDescriptor.parse(data)) == said(from_sddl(text)), word


def details(found):
    """Return the fields that a version has, as the judge takes and gives them."""
    names = ["version", "digest", "hash_type", "description", "time", "sys_acl_digest"]
    kept = names[: {1: 1, 2: 2, 3: 3, 4: 6}[found.version]]
    values = {name: getattr(found, name) for name in kept}
    return {n: v.hex() if isinstance(v, bytes) else v for n, v in values.items()}


@given(wrappers())
@settings(deadline=None)
def test_wrappers_of_samba_are_read_and_built_byte_for_byte(samba, found):
    answer = samba.ask("wrap", data=found.descriptor.hex(), **details(found))
    value = bytes.fromhex(answer["data"])
    assert unwrap(value) == found
    assert found.build() == value


@given(wrappers())
@settings(deadline=None)
def test_descriptor_and_origin_give_back_the_bytes_that_samba_wrote(samba, found):
    answer = samba.ask("wrap", data=found.descriptor.hex(), **details(found))
    value = bytes.fromhex(answer["data"])
    descriptor, origin = split(value)
    assert descriptor == found.descriptor
    assert value.startswith(origin)
    assert wrap(descriptor, origin) == value
    assert replace(read_origin(origin), descriptor=descriptor) == found


@given(wrappers(), ORDERINGS, st.sampled_from([0, 3, 8]), st.integers(0, 2**64 - 1))
@settings(deadline=None)
def test_any_wrapper_is_put_together_again(found, order, gap, time):
    """Parts in any order and place, which Samba does not write, and version 2 with a time.

    Shows DARI-SDE-016.
    """
    moved = rearranged(SecurityDescriptor.parse(found.descriptor), order, gap).build()
    front = split(found.build())[1]
    with_time = b"\2\0\2\0\0\0\2\0\4\0\2\0" + time.to_bytes(8, "little")
    for origin in (front, with_time):
        value = wrap(moved, origin)
        assert split(value) == (moved, origin)
    assert read_origin(with_time) == NtAcl(b"", 2, time=time)
    assert NtAcl(found.descriptor, 2, time=time).build() == wrap(found.descriptor, with_time)


@given(wrappers(), ORDERINGS)
@settings(deadline=None)
def test_samba_reads_our_wrappers(samba, found, order):
    moved = rearranged(SecurityDescriptor.parse(found.descriptor), order, 8).build()
    answer = samba.ask("unwrap", data=replace(found, descriptor=moved).build().hex())
    assert answer == {**details(found), "data": found.descriptor.hex()}


@given(packed_descriptors, ORDERINGS, st.integers(1, 3))
@settings(deadline=None)
def test_samba_never_reads_another_descriptor_than_we_show(samba, descriptor, order, gap):
    value = wrap(rearranged(descriptor, order, gap).build())
    assert samba.ask("unwrap", data=value.hex())["data"] == plain(descriptor).hex()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_an_entry_that_samba_would_misread_is_not_wrapped(size):
    acl = Acl((Ace(0, 0, 1, Sid(1, (0,)), data=bytes(size)),))
    with pytest.raises(FormatError, match="DARI-SDE-015"):
        wrap(SecurityDescriptor(sacl=acl).build())


@given(wrappers())
@settings(deadline=None)
def test_a_wrapper_reads_back(found):
    assert unwrap(found.build()) == found
    assert unwrap(wrap(found.descriptor)) == NtAcl(found.descriptor)


@given(wrappers(), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=5))
@example(NtAcl(SecurityDescriptor().build()), [])
@settings(deadline=None)
def test_a_mutated_wrapper_raises_nothing_but_a_format_error(found, changes):
    value = bytearray(found.build())
    for at, byte in changes:
        value[at % len(value)] = byte
    for cut in (bytes(value), bytes(value[: len(value) // 2])):
        try:
            unwrap(cut)
        except FormatError as error:
            assert error.requirement.startswith("DARI-SDE-")


@given(wrappers())
@settings(deadline=None)
def test_the_generated_codec_reads_the_same_wrapper(found):
    value = found.build()
    parsed = layout("xattr_ntacl").parse(value)
    assert (parsed.head.version, parsed.head.info_version) == (found.version, found.version)
    if found.version == 1:
        assert len(parsed.info.descriptor) == len(found.descriptor)
    else:
        assert parsed.info.head.digest == found.digest
    assert layout("xattr_ntacl").build(parsed) == value


SAMPLE = from_sddl("O:BAG:SYD:(A;;FA;;;WD)").build()
V4 = NtAcl(SAMPLE, 4, 1, bytes(64), "posix_acl", 1, bytes(64)).build()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "behind 0"),
        (wrap(SAMPLE)[:7], "behind 7"),
        (b"\5\0\5\0" + wrap(SAMPLE)[4:], "version 5"),
        (b"\1\0\2\0" + wrap(SAMPLE)[4:], r"version 1 \(2\)"),
        (b"\1\0\1\0\0\0\0\0" + wrap(SAMPLE)[8:], "without a descriptor"),
        (V4[:8] + bytes(4) + V4[12:], "without a descriptor"),
        (V4[:80], "without an end"),
        (V4[:78] + b"\xff" + V4[79:], "description"),
        (wrap(SAMPLE)[:8] + SAMPLE, "in front of its parts"),
        (wrap(SAMPLE)[:-4], "DARI-SDE-00"),
    ],
)
def test_what_is_no_wrapper_is_refused(value, message):
    with pytest.raises(FormatError, match=message):
        unwrap(value)


@pytest.mark.parametrize(
    "found",
    [
        NtAcl(b""),
        NtAcl(SAMPLE[:-1]),
        NtAcl(SAMPLE, 5),
        NtAcl(SAMPLE, 3, 1, bytes(32)),
        NtAcl(SAMPLE, 4, 1, bytes(64), "a\0b", 0, bytes(64)),
        NtAcl(SAMPLE, 4, 1, bytes(64), "", 2**64, bytes(64)),
    ],
)
def test_what_cannot_be_is_not_wrapped(found):
    with pytest.raises(FormatError):
        found.build()


@pytest.mark.parametrize("origin", [b"\1", bytes(8), V4[:20], split(V4)[1] + b"\0"])
def test_what_is_no_origin_is_refused(origin):
    with pytest.raises(FormatError, match=r"DARI-(ACL-007|SDE-012)"):
        wrap(SAMPLE, origin)


def test_wrapping_moves_the_offsets_and_nothing_else():
    parsed = layout("security_descriptor/head")
    value = wrap(SAMPLE)
    inside, alone = parsed.parse(value[8:]), parsed.parse(SAMPLE)
    assert inside.offset_owner == alone.offset_owner + 8
    assert inside.offset_sacl == alone.offset_sacl == 0
    assert value[28:] == SAMPLE[20:]
    assert SecurityDescriptor.parse(unwrap(value).descriptor).owner == Sid(5, (32, 544))
