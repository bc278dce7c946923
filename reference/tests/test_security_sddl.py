"""SDDL: descriptors as text and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fuzz.strategies.descriptors import DOMAIN_SID, descriptors, said, sddl_descriptors
from hypothesis import given, settings
from hypothesis import strategies as st

from darimage.errors import FormatError
from darimage.sections.security import Ace, RawAce, SecurityDescriptor, Sid, from_sddl, to_sddl
from darimage.sections.security.sddl_words import DOMAIN, WELL_KNOWN

USER = "bf967aba-0de6-11d0-a285-00aa003049e2"
"""GUID of the class of users."""


@given(sddl_descriptors(), st.none() | st.just(DOMAIN_SID))
@settings(deadline=None)
def test_what_sddl_can_say_reads_back_the_same(descriptor, domain):
    text = to_sddl(descriptor, domain)
    assert from_sddl(text, domain) == descriptor
    assert to_sddl(from_sddl(text, domain), domain) == text


@given(descriptors())
@settings(deadline=None)
def test_any_descriptor_can_be_shown_and_its_text_reads_back(descriptor):
    text = to_sddl(descriptor)
    assert text.isascii()
    assert text.isprintable()
    read = from_sddl(text)
    assert to_sddl(read) == text
    owner, group, _, *lists = said(read)
    assert (owner, group) == (descriptor.owner, descriptor.group)
    for found, acl in zip(lists, (descriptor.dacl, descriptor.sacl), strict=True):
        wanted = acl and tuple(
            replace(entry, object_flags=0) if isinstance(entry, Ace) else entry
            for entry in acl.entries
        )
        assert found in (wanted, None)


@given(st.text(alphabet="OGDS:()ARIPF;0x1BWDYU-# ", max_size=60))
@settings(deadline=None)
def test_random_text_raises_nothing_but_a_format_error(text):
    try:
        read = from_sddl(text)
    except FormatError as error:
        assert error.requirement in {"DARI-SDE-004", "DARI-SDE-006", "DARI-SDE-014"}
    else:
        assert from_sddl(to_sddl(read)) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "O:BA",
        "O:BAG:SYD:PAI(A;OICI;FA;;;WD)(D;;0x1200a9;;;AU)S:AI(AU;SAFA;GA;;;WD)",
        "D:",
        "D:P",
        "D:PARAI(A;OICIIOID;0x1200a9;;;CO)",
        "D:NO_ACCESS_CONTROL",
        "D:PNO_ACCESS_CONTROLS:",
        "S:(ML;;NWNR;;;LW)",
        "S:(ML;;0x8;;;S-1-16-0)",
        "S:(SP;;;;;S-1-17-1-2-3)(RA;CI;;;;WD;#01020304)",
        f"D:(OA;CI;CCDC;{USER};;BA)(OD;;CR;;{USER};BA)(OA;;SW;;;PS)",
        "D:(XA;;FX;;;WD;#61727478f8)",
        "D:(ZA;;GR;;;SY;#61727478)(0xc;;GR;;;SY)(XU;SA;GR;;;SY)",
        "D:(0x4;ID;;;;;#00)(0xff;;;;;;#)",
        "D:(A;CR;;;;S-1-0x100000000000)S:(TL;;;;;S-1-19-512-8192)(FL;;FR;;;WD)",
    ],
)
def test_text_that_is_written_as_it_was_read(text):
    assert to_sddl(from_sddl(text)) == text
    assert SecurityDescriptor.parse(from_sddl(text).build()) == from_sddl(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("G:SYO:BA", "O:BAG:SY"),
        ("D:(A;;GRGX;;;S-1-1-0)", "D:(A;;GXGR;;;WD)"),
        ("D:(A;;0x1F01FF;;;WD)", "D:(A;;FA;;;WD)"),
        ("D:(A;;FRFW;;;WD)", "D:(A;;0x12019f;;;WD)"),
        ("D:(A;;KA;;;WD)", "D:(A;;CCDCLCSWRPWPSDRCWDWO;;;WD)"),
        ("D:(A;;16;;;WD)(A;;020;;;WD)(A;;0;;;WD)", "D:(A;;RP;;;WD)(A;;RP;;;WD)(A;;;;;WD)"),
        (" D:AIP(A; CIOI ;FA;;; BA )", "D:PAI(A;OICI;FA;;;BA)"),
        ("O:S-1-5-21-1D:", "O:S-1-5-21-1D:"),
        ("O:S-1-0xfffffffffD:", "O:S-1-0x000fffffffffD:"),
        ("O:S-1-0xffffffff", "O:S-1-4294967295"),
        ("D:(0x0;;FA;;;WD;)", "D:(A;;FA;;;WD)"),
    ],
)
def test_text_that_can_be_written_in_several_ways(text, written):
    assert to_sddl(from_sddl(text)) == written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X:BA", "O:, G:, D: or S:"),
        ("O:BAO:SY", "O: again"),
        ("O:", "a SID should be"),
        ("O:QQ", "no SID"),
        ("O:DA", "account of a domain"),
        ("D:(A;;FA;;WD)", "six or seven fields"),
        ("D:(A;;FA;;;WD;#00;)", "six or seven fields"),
        ("D:(Q;;FA;;;WD)", "for an ACE type"),
        ("D:(A;Q;FA;;;WD)", "not known"),
        ("D:(A;;FAQ;;;WD)", "not known"),
        ("D:(A;;NW;;;WD)", "not known"),
        ("D:(A;;0x100000000;;;WD)", "access rights"),
        ("D:(A;;4294967296;;;WD)", "over 32 bits"),
        ("D:(A;;FA;zz;;WD)", "no GUID"),
        (f"D:(A;;FA;{USER};;WD)", "GUIDs"),
        ("D:(A;;FA;;;WD;#0)", "pairs of hexadecimal digits"),
        ('D:(XA;;FX;;;WD;(@User.Title=="PM"))', "conditions in words are not read"),
        ("D:(A;;FA;;;WD", "an entry should be"),
        ("D:(0x42;;FA;;;WD)", "kept as #hex"),
        ("D:(0x100;;;;;;#00)", "type 256"),
        ("D:NO_ACCESS_CONTROL(A;;FA;;;WD)", "entries after"),
    ],
)
def test_what_is_not_sddl_is_refused_with_a_reason(text, message):
    with pytest.raises(FormatError, match=message) as caught:
        from_sddl(text)
    assert "\n" not in str(caught.value)


def test_words_stand_for_one_sid_each_and_are_used_in_writing():
    assert len(set(WELL_KNOWN.values())) == len(WELL_KNOWN)
    assert len(set(DOMAIN.values())) == len(DOMAIN)
    assert not set(WELL_KNOWN) & set(DOMAIN)
    for word, sid in WELL_KNOWN.items():
        assert to_sddl(SecurityDescriptor(owner=sid)) == f"O:{word}"
    for word, number in DOMAIN.items():
        account = SecurityDescriptor(owner=Sid(5, (*DOMAIN_SID.sub_authorities, number)))
        assert to_sddl(account, DOMAIN_SID) == f"O:{word}"
        assert to_sddl(account) == f"O:{DOMAIN_SID}-{number}"


def test_an_entry_of_an_unknown_type_keeps_its_bytes():
    (entry,) = from_sddl("D:(0x42;CI;;;;;#0011ff)").dacl.entries
    assert entry == RawAce(0x42, 2, b"\x00\x11\xff")
