"""Hypothesis strategies for extended attributes."""

from __future__ import annotations

from hypothesis import strategies as st
from support.attributes import acl

from darimage.schema import AclTag
from darimage.sections import xattrs


@st.composite
def acls(draw):
    """Draw a POSIX ACL that Linux takes and keeps: it names somebody."""
    rights = st.integers(0, 7)
    users = sorted(draw(st.sets(st.integers(0, 2**32 - 2), max_size=4)))
    groups = sorted(draw(st.sets(st.integers(0, 2**32 - 2), min_size=1, max_size=4)))
    return acl(
        (AclTag.USER_OBJ, draw(rights)),
        *((AclTag.USER, draw(rights), number) for number in users),
        (AclTag.GROUP_OBJ, draw(rights)),
        *((AclTag.GROUP, draw(rights), number) for number in groups),
        (AclTag.MASK, draw(rights)),
        (AclTag.OTHER, draw(rights)),
    )


_rests = st.one_of(
    st.sampled_from([b"a", b"bc", b"DosStream", b"\xff", b"x" * 200]),
    st.binary(min_size=1, max_size=240).filter(lambda name: b"\0" not in name),
)
names = st.builds(
    lambda first, rest: first + rest,
    st.sampled_from([b"user.", b"user.", b"trusted.", b"security.", b"system.", b"lustre.", b"x"]),
    _rests,
)
"""Any names."""

values = st.one_of(
    st.binary(max_size=80),
    st.sampled_from([b"", b"\0", b"v" * 1500, b"\xff" * 4040, b"\xff" * 4041]),
)
great = values | st.integers(0, 65536).map(lambda size: b"v" * size)


@st.composite
def attributes(draw, values=values):
    """Draw any attributes of an inode, of any names."""
    drawn = draw(st.dictionaries(names, values, max_size=4))
    for name in (xattrs.ACL_ACCESS, xattrs.ACL_DEFAULT):
        if draw(st.booleans()):
            drawn[name] = draw(acls())
    return drawn


_settable = st.builds(
    lambda first, rest: first + b"t-" + rest,
    st.sampled_from([b"user.", b"user.", b"trusted.", b"security."]),
    st.binary(max_size=20).filter(lambda name: b"\0" not in name),
)


@st.composite
def settable(draw):
    """Draw attributes that ext4 has room for; ``fit`` takes off what something cannot have."""
    values = st.binary(max_size=200) | st.just(b"v" * 700)
    drawn = draw(st.dictionaries(_settable, values, max_size=4))
    for name in (xattrs.ACL_ACCESS, xattrs.ACL_DEFAULT):
        if draw(st.integers(0, 2)) == 0:
            drawn[name] = draw(acls())
    return drawn
