"""Hypothesis strategies for security descriptors, and ways to compare them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from darimage.schema.constants import AceType, SdControl
from darimage.sections.security import Ace, Acl, NtAcl, RawAce, SecurityDescriptor, Sid
from darimage.sections.security.ace import OBJECT_TYPES, PLAIN_TYPES
from darimage.sections.security.descriptor import HEAD, Placement
from darimage.sections.security.sddl_words import DOMAIN, FILE_RIGHTS, WELL_KNOWN

DOMAIN_SID = Sid(5, (21, 1001, 2**32 - 1, 7))
JUDGED_TYPES = [int(AceType(number)) for number in (0, 1, 2, 3, 5, 6, 7, 8)]
"""Types that Samba 4.17 writes as SDDL."""

JUDGED_FLAGS = 0xDF
"""Flags of an entry that Samba 4.17 writes as SDDL."""

SDDL_CONTROL = SdControl(0x3F00) | SdControl.DACL_PRESENT | SdControl.SACL_PRESENT
"""Control bits that SDDL can say."""

sids = st.one_of(
    st.sampled_from(sorted(WELL_KNOWN.values(), key=str)),
    st.sampled_from(sorted(DOMAIN.values())).map(
        lambda rid: Sid(DOMAIN_SID.authority, (*DOMAIN_SID.sub_authorities, rid))
    ),
    st.builds(
        Sid,
        st.one_of(st.integers(0, 20), st.integers(0, 2**48 - 1)),
        st.lists(st.integers(0, 2**32 - 1), max_size=15).map(tuple),
    ),
)
masks = st.one_of(
    st.integers(0, 2**32 - 1),
    st.sampled_from([*FILE_RIGHTS.values(), 0, 0xF01FF, 0x10000000, 0x1301BF]),
    st.lists(st.integers(0, 31), max_size=5).map(lambda bits: sum({1 << bit for bit in bits})),
)
guids = st.none() | st.uuids()


tails = st.binary(max_size=24)
aligned_tails = tails.map(lambda data: data[: len(data) & ~3])


def entries(types=None, flags=0xFF, tails=tails, object_flags=True):
    """Return a strategy of known entries, optionally without what SDDL or Samba leaves out."""
    types = sorted(PLAIN_TYPES | OBJECT_TYPES) if types is None else types

    def build(ace_type):
        shared = {
            "type": st.just(int(ace_type)),
            "flags": st.integers(0, 255).map(lambda bits: bits & flags),
            "mask": masks,
            "sid": sids,
            "data": tails,
        }
        if ace_type in OBJECT_TYPES:
            others = st.integers(0, 2**30 - 1).map(lambda bits: bits << 2)
            shared |= {
                "object_type": guids,
                "inherited_object_type": guids,
                "object_flags": others if object_flags else st.just(0),
            }
        return st.builds(Ace, **shared)

    return st.sampled_from(types).flatmap(build)


raw_entries = st.builds(
    RawAce,
    st.sampled_from([4, *range(0x16, 0x100)]),
    st.integers(0, 255),
    st.binary(max_size=40),
)
acls = st.builds(
    Acl,
    st.lists(entries() | raw_entries, max_size=6).map(tuple),
    st.integers(2, 4),
    st.integers(0, 255),
    st.integers(0, 2**16 - 1),
    st.binary(max_size=12),
)


octets = st.integers(0, 255)


@st.composite
def descriptors(draw, acls=acls, sbz1=octets):
    """Draw a descriptor with any control bits."""
    return SecurityDescriptor(
        draw(st.none() | sids),
        draw(st.none() | sids),
        draw(st.none() | acls),
        draw(st.none() | acls),
        draw(st.integers(0, 0x7FFF)) | SdControl.SELF_RELATIVE,
        draw(sbz1),
    )


spoken_entries = entries(object_flags=False) | raw_entries


@st.composite
def sddl_descriptors(draw, spoken=spoken_entries, null_acls=True):
    """Draw a descriptor that has nothing but what SDDL can say."""
    plain_acls = st.lists(spoken, max_size=5).map(lambda found: Acl.of(tuple(found)))
    control = draw(st.integers(0, 0xFFFF)) & SDDL_CONTROL | SdControl.SELF_RELATIVE
    lists = []
    for present, bits in (
        (SdControl.DACL_PRESENT, SdControl(0x1500)),
        (SdControl.SACL_PRESENT, SdControl(0x2A00)),
    ):
        acl = draw(st.none() | plain_acls if null_acls else plain_acls)
        if not control & present:
            acl, control = None, control & ~bits
        lists.append(acl)
    return SecurityDescriptor(
        draw(st.none() | sids), draw(st.none() | sids), lists[0], lists[1], SdControl(control)
    )


# Samba keeps neither sbz1 nor application data.
packed_descriptors = descriptors(
    st.lists(entries(JUDGED_TYPES, tails=st.just(b""))).map(tuple).map(Acl.of), st.just(0)
)
"""Descriptors that Samba packs again without a loss."""

judged_descriptors = sddl_descriptors(
    entries(JUDGED_TYPES, JUDGED_FLAGS, st.just(b""), object_flags=False), null_acls=False
)
"""Descriptors that Samba 4.17 can say in SDDL."""


def rearranged(descriptor, order, gap=0):
    """Return a descriptor with its parts in another order, ``gap`` bytes in front of each."""
    parts = [
        part.build() if part else b""
        for part in (descriptor.owner, descriptor.group, descriptor.sacl, descriptor.dacl)
    ]
    spans, gaps, place = [None] * 4, [], HEAD.size
    for index in order:
        if parts[index]:
            if gap:
                gaps.append((place, bytes(range(1, gap + 1))))
            place += gap
            spans[index] = (place, len(parts[index]))
            place += len(parts[index])
    return replace(descriptor, placement=Placement(tuple(spans), tuple(gaps)))


def said(descriptor):
    """Return what SDDL says of a descriptor, the revision of its lists left out."""
    control = descriptor.control & SDDL_CONTROL
    lists = [acl and acl.entries for acl in (descriptor.dacl, descriptor.sacl)]
    return descriptor.owner, descriptor.group, control, *lists


def plain(descriptor):
    """Return the bytes of a descriptor laid out as Samba does."""
    return replace(descriptor, placement=None).build()


DIGESTS = {1: 0, 2: 16, 3: 64, 4: 64}
"""Bytes of the hash by version."""


@st.composite
def wrappers(draw):
    """Draw a wrapper of any version, laid out as Samba does."""
    version = draw(st.integers(1, 4))
    size = DIGESTS[version]
    found = NtAcl(
        plain(draw(packed_descriptors)),
        version,
        digest=draw(st.binary(min_size=size, max_size=size)),
    )
    if version >= 3:
        found = replace(found, hash_type=draw(st.integers(0, 1)))
    if version == 4:
        text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
        found = replace(
            found,
            description=draw(text),
            time=draw(st.integers(0, 2**64 - 1)),
            sys_acl_digest=draw(st.binary(min_size=64, max_size=64)),
        )
    return found
