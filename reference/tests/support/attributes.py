"""Extended attributes for tests."""

from __future__ import annotations

import os
import stat
import struct

from darimage.schema import AclTag
from darimage.sections import xattrs

NOBODY = 0xFFFFFFFF


def acl(*entries):
    """Return the value of a POSIX ACL attribute from (tag, permissions[, number])."""
    parts = [struct.pack("<I", 2)]
    for tag, permissions, *number in entries:
        parts.append(struct.pack("<HHI", tag, permissions, *(number or [NOBODY])))
    return b"".join(parts)


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
