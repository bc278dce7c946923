"""Hypothesis strategies for payloads of sections and attributes, good ones and hostile ones.

Each is behind a byte that chooses a decoder of a target.
"""

from __future__ import annotations

import struct

from hypothesis import strategies as st

from darimage.errors import FormatError
from darimage.sections import directory, nt_acls, xattrs
from darimage.sections.security import to_sddl
from fuzz.strategies.attributes import attributes
from fuzz.strategies.descriptors import descriptors, wrappers
from fuzz.strategies.trees import nt_acls as acls_of_nodes

_numbers = st.integers(1, 2**32 - 1)
_names = st.binary(min_size=1, max_size=255)
entries = st.builds(
    directory.encode, st.lists(st.tuples(_numbers, st.integers(0, 15), _names), max_size=8)
)
"""Entries of directories."""

acl_sections = st.dictionaries(_numbers, acls_of_nodes.filter(bool), max_size=6).map(
    lambda found: nt_acls.encode(dict(sorted(found.items())))
)
"""Payloads of the NT ACL sections."""

lists = attributes().map(xattrs.encode)
"""Lists of extended attributes."""

security = st.one_of(
    descriptors().map(lambda one: one.build()),
    wrappers().map(lambda one: one.build()),
    descriptors().map(lambda one: to_sddl_or_nothing(one).encode()),
)
"""Descriptors, wrapped ones, texts."""

lying = st.lists(
    st.one_of(
        st.sampled_from([0, 1, 2, 255, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1]).map(
            lambda number: struct.pack("<I", number)
        ),
        st.binary(max_size=12),
    ),
    max_size=40,
).map(b"".join)
"""Bytes full of numbers that may be counts and offsets."""


def to_sddl_or_nothing(descriptor):
    """Return SDDL, or nothing for what it cannot say."""
    try:
        return to_sddl(descriptor)
    except FormatError:
        return ""


@st.composite
def _damaged(draw):
    """Draw a payload with a few bytes overwritten, perhaps cut off."""
    good = bytearray(draw(entries | acl_sections | lists | security))
    for _ in range(draw(st.integers(0, 3))):
        at, some = draw(st.integers(0, max(0, len(good) - 1))), draw(st.binary(max_size=4))
        good[at : at + len(some)] = some
    return bytes(good[: draw(st.none() | st.integers(0, len(good)))])


hostile = st.builds(
    lambda way, payload: bytes([way]) + payload, st.integers(0, 9), lying | _damaged()
)
"""Any payload behind a byte that chooses its decoder."""
