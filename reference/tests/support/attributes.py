"""Extended attributes for tests."""

from __future__ import annotations

import os
import stat
import struct

from hypothesis import strategies as st

from darimage.schema import AclTag
from darimage.sections import xattrs

NOBODY = 0xFFFFFFFF


def acl(*entries):
    """Return the value of a POSIX ACL attribute from (tag, permissions[, number])."""
    parts = [struct.pack("<I", 2)]
    for tag, permissions, *number in entries:
        parts.append(struct.pack("<HHI", tag, permissions, *(number or [NOBODY])))
    return b"".join(parts)


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


def fit(tree):
    """Leave the nodes of a tree the attributes that Linux lets them have; let modes say the same.

    Returns:
        The tree.
    """
    pending, seen = [tree], set()
    while pending:
        node = pending.pop()
        pending += node.children.values()
        if id(node) in seen:
            continue
        seen.add(id(node))
        kept = {
            name: value
            for name, value in xattrs.decode(node.xattrs).items()
            if _has(stat.S_IFMT(node.mode), name)
        }
        node.xattrs = xattrs.encode(kept)
        if xattrs.ACL_ACCESS in kept:
            entries = list(struct.iter_unpack("<HHI", kept[xattrs.ACL_ACCESS][4:]))
            rights = {tag: permissions for tag, permissions, _ in entries}
            shown = (rights[AclTag.USER_OBJ], rights[AclTag.MASK], rights[AclTag.OTHER])
            node.mode = node.mode & ~0o777 | shown[0] << 6 | shown[1] << 3 | shown[2]
    return tree


def _has(kind, name):
    if name == xattrs.ACL_DEFAULT:
        return kind == stat.S_IFDIR
    if name == xattrs.ACL_ACCESS:
        return kind != stat.S_IFLNK
    return kind in (stat.S_IFDIR, stat.S_IFREG) or not name.startswith(b"user.")


def on_disk(path):
    """Return the extended attributes of a file, not followed, but for its NT ACL."""
    path = os.fsencode(path)
    names = map(os.fsencode, os.listxattr(path, follow_symlinks=False))
    return {
        name: os.getxattr(path, name, follow_symlinks=False)
        for name in names
        if name != b"security.NTACL"
    }


def all_on_disk(root):
    """Return the extended attributes of all below a directory that have any, by path."""
    root = os.fsencode(root)
    below = (os.path.join(at, name) for at, dirs, files in os.walk(root) for name in dirs + files)
    paths = [b"", *(path[len(root) :] for path in below)]
    return {path: found for path in paths if (found := on_disk(root + path))}
