"""Hypothesis strategies for trees in memory."""

from __future__ import annotations

import stat
from dataclasses import replace

from hypothesis import strategies as st

from darimage.sections import xattrs
from darimage.sections.security import NtAcl, from_sddl, split
from darimage.sources.memory import Node

BLOCK = 1024
SPAN = 512 * BLOCK

names = st.one_of(
    st.sampled_from([b"a", b"b", b"file", b"long" * 63, b"\xff\xfe", b"two words", b"-x", b"*"]),
    st.binary(min_size=1, max_size=255).filter(
        lambda name: name not in (b".", b"..") and b"/" not in name and b"\0" not in name
    ),
)
seconds = st.integers(0, 2**32 - 1)
times = st.builds(lambda s, ns: s * 10**9 + ns, seconds, st.integers(0, 10**9 - 1))
owners = st.one_of(st.sampled_from([0, 1, 1000, 65535, 65536]), st.integers(0, 2**32 - 2))
permissions = st.integers(0, 0o7777)
sizes = st.one_of(
    st.sampled_from([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, SPAN - 1, SPAN, SPAN + 1]),
    st.integers(0, 5000),
    st.integers(0, 3 * SPAN),
)

_DESCRIPTORS = [
    from_sddl(text).build()
    for text in (
        "",
        "D:",
        "O:BAG:SYD:P(A;OICI;FA;;;WD)",
        "G:BUD:(OA;CI;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;AU)(D;;FW;;;BG)S:(AU;FA;GA;;;WD)",
        "O:SYD:" + "(A;;FR;;;S-1-5-21-1-2-3-4)" * 30,
    )
]
_WRAPPERS = [
    NtAcl(b""),
    NtAcl(b"", 2, digest=b"h" * 16),
    NtAcl(b"", 2, time=1 << 56),
    NtAcl(b"", 3, 1, b"h" * 64),
    NtAcl(b"", 4, 1, b"h" * 64, "posix_acl", 1 << 56, b"s" * 64),
]
_ORIGINS = [split(replace(w, descriptor=_DESCRIPTORS[0]).build())[1] for w in _WRAPPERS]
nt_acls = st.none() | st.tuples(st.sampled_from(_DESCRIPTORS), st.sampled_from([b"", *_ORIGINS]))
"""NT ACLs as a node has them: descriptor and origin."""


@st.composite
def data(draw, size):
    """Draw data of a file of ``size`` bytes: whole, or with holes, or all hole."""
    shape = draw(st.sampled_from(["whole", "whole", "holes", "all hole"]))
    if shape == "whole":
        return {0: _pattern(0, size)} if size else {}
    if shape == "all hole" or not size:
        return {}
    cuts = sorted(draw(st.sets(st.integers(0, size), min_size=2, max_size=6)))
    return {a: _pattern(a, b - a) for a, b in zip(cuts[::2], cuts[1::2], strict=False)}


def _pattern(at, length):
    """Return bytes that tell where in the file they are, and are nowhere zero."""
    block = bytes((at + k) % 251 + 1 for k in range(min(length, 251)))
    return (block * (length // 251 + 1))[:length] if block else b""


def _attributes(draw, extended):
    atime, mtime, ctime = draw(st.tuples(times, times, times))
    return {
        "uid": draw(owners),
        "gid": draw(owners),
        "atime_ns": atime,
        "mtime_ns": mtime,
        "ctime_ns": ctime,
        "nt_acl": draw(nt_acls),
        "xattrs": xattrs.encode(draw(st.just({}) | extended)) if extended is not None else b"",
    }


@st.composite
def leaves(draw, extended=None):
    """Draw an inode that is no directory, half of them with ``extended`` attributes if given."""
    kind = draw(
        st.sampled_from(
            [stat.S_IFREG] * 5
            + [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK]
        )
    )
    node = Node(kind | draw(permissions), **_attributes(draw, extended))
    if kind == stat.S_IFREG:
        node.size = draw(sizes)
        node.data = draw(data(node.size))
    elif kind == stat.S_IFLNK:
        node.target = draw(st.binary(min_size=1, max_size=1500).filter(lambda t: b"\0" not in t))
        node.size = len(node.target)
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        # restore takes it for an int, and mknod refuses what is negative then.
        node.rdev = draw(st.integers(0, 2**31 - 1))
    return node


@st.composite
def trees(draw, leaf=None, extended=None):
    """Draw a tree with hard links: a few directories, each leaf under one or more names.

    Args:
        leaf: Draws what is no directory; by default ``leaves``.
        extended: Draws extended attributes, which half of the inodes get; by default none do.
    """
    leaf = leaves(extended) if leaf is None else leaf
    directories = [Node(stat.S_IFDIR | draw(permissions), **_attributes(draw, extended))]
    for _ in range(draw(st.integers(0, 5))):
        parent = draw(st.sampled_from(directories))
        child = Node(stat.S_IFDIR | draw(permissions), **_attributes(draw, extended))
        if parent.children.setdefault(draw(names), child) is child:
            directories.append(child)
    for _ in range(draw(st.integers(0, 8))):
        node = draw(leaf)
        for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
            draw(st.sampled_from(directories)).children.setdefault(draw(names), node)
    return directories[0]


_words = st.text(st.characters(exclude_characters="/:\0", exclude_categories=["Cs"]), min_size=1)
stream_names = st.one_of(
    st.sampled_from([b"Zone.Identifier", b"AFP_AfpInfo", "größe".encode(), b"$DATA"]),
    _words.map(str.encode).filter(lambda name: name not in (b".", b"..") and len(name) < 256),
)


@st.composite
def stream_files(draw):
    """Draw a stream: a regular file with data, holes and times of its own."""
    node = Node(stat.S_IFREG | draw(st.integers(0, 0o777)), **_attributes(draw, None))
    node.size = draw(sizes)
    node.data = draw(data(node.size))
    return node


def nodes_of(tree):
    """Yield the nodes of a tree, each once."""
    seen, pending = set(), [tree]
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            pending += node.children.values()


@st.composite
def streamed_trees(draw, leaf=None, stream=None):
    """Draw a tree in which files, hard links and directories have streams."""
    tree = draw(trees(leaf))
    stream = stream_files() if stream is None else stream
    for node in nodes_of(tree):
        if stat.S_ISREG(node.mode) or stat.S_ISDIR(node.mode):
            node.streams = draw(
                st.one_of(st.just({}), st.dictionaries(stream_names, stream, max_size=3))
            )
    return tree
