"""Hypothesis strategies for whole images: all parts, any numbers, volumes, and chains of them."""

from __future__ import annotations

import copy
import stat
import uuid
from dataclasses import replace
from functools import partial

import numpy as np
from hypothesis import strategies as st
from support.attributes import fit

from darimage.image.numbering import Numbering, fresh
from darimage.image.writer import Options, create
from darimage.sources.memory import MemorySource
from darimage.volumes.writing import MemorySink
from fuzz.strategies.attributes import attributes, settable
from fuzz.strategies.trees import (
    data,
    leaves,
    names,
    nodes_of,
    sizes,
    stream_files,
    stream_names,
    trees,
)


class Made:
    """An image and what it was made of; a plain class, or Hypothesis would print all of it.

    Attributes:
        tree: The tree.
        data: The image; its volumes follow one another.
        report: What its writer said.
        chosen: Options of the writer.
    """

    def __init__(self, tree, data, report, chosen):
        self.tree = tree
        self.data = data
        self.report = report
        self.chosen = chosen

    def __repr__(self):
        return f"<{len(self.data)} bytes, {self.chosen}>"


capacities = st.sampled_from([0, 0, 2, 3, 7, 15, 40])
"""Tape blocks of a volume; 0 for one volume."""


@st.composite
def options(draw):
    """Draw options of the writer."""
    ntrec = draw(st.sampled_from([1, 2, 10, 10, 10, 64]))
    blocks = draw(capacities)
    if blocks:
        blocks = max(blocks, -(-10 // ntrec), 2 if ntrec == 1 else 1)
    return Options(ntrec=ntrec, acls=draw(st.booleans()), volume_records=blocks * ntrec)


@st.composite
def all_trees(draw, extended=None):
    """Draw a tree with everything: hard links, holes, attributes, NT ACLs, streams."""
    tree = draw(trees(extended=attributes() if extended is None else extended))
    for node in nodes_of(tree):
        if (stat.S_ISREG(node.mode) or stat.S_ISDIR(node.mode)) and draw(st.integers(0, 2)) == 0:
            node.streams = draw(st.dictionaries(stream_names, stream_files(), max_size=2))
    return tree


class Numbers:
    """Gives numbers with gaps to nodes, and keeps them from image to image (DARI-INC-005)."""

    def __init__(self, gaps):
        self._gaps = gaps
        self._known = {}
        self._last = 1

    def of(self, *key):
        """Return the number of a node, or of its stream directory."""
        if key not in self._known:
            self._last += self._gaps[len(self._known) % len(self._gaps)] if self._known else 1
            self._known[key] = self._last
        return self._known[key]

    def pass_on(self, old, new):
        """Let a node have the numbers of another one."""
        for key in [key for key in self._known if key[0] is old]:
            self._known[new, *key[1:]] = self._known[key]

    def number(self, tree, scan):
        """Number everything that a scan of a tree found."""
        nodes = nodes_by_path(tree)
        directories = [nodes[scan.directory_path(k)] for k in range(len(scan.directory_parent))]
        others = [nodes[scan.other_path(k)] for k in range(len(scan.other_parent))]
        bases = {key: directories[~key] if key < 0 else others[key] for key in scan.streams}
        return Numbering(
            np.array([self.of(node) for node in directories], np.int64),
            np.array([self.of(node) for node in others], np.int64),
            {key: self.of(base, "streams") for key, base in bases.items()},
        )


def nodes_by_path(tree):
    """Return nodes by path, the root's empty, streams behind a colon."""
    found, pending = {}, [(b"", tree)]
    while pending:
        path, node = pending.pop()
        found[path] = node
        found |= {path + b":" + name: one for name, one in node.streams.items()}
        prefix = path + b"/" if path else b""
        pending += [(prefix + name, child) for name, child in node.children.items()]
    return found


def encode(tree, chosen=None, number=fresh):
    """Return the image of a tree."""
    sink, chosen = MemorySink(), chosen or Options()
    report = create(MemorySource(tree), sink, chosen, number=number)
    return Made(tree, bytes(sink.data), report, chosen)


gaps = st.lists(st.sampled_from([1, 1, 1, 2, 9, 300, 9000]), min_size=1, max_size=5)


@st.composite
def images(draw, tree=None, chosen=None):
    """Draw a full image."""
    tree = draw(all_trees() if tree is None else tree)
    chosen = draw(options() if chosen is None else chosen)
    number = fresh if draw(st.booleans()) else partial(Numbers(draw(gaps)).number, tree)
    return encode(tree, chosen, number)


@st.composite
def chains(draw):
    """Draw a full image and incremental ones, each cut into volumes or not."""
    tree, numbers = draw(all_trees(settable()).map(fit)), Numbers(draw(gaps))
    made = [encode(tree, draw(options()), partial(numbers.number, tree))]
    for level in range(1, 1 + draw(st.integers(1, 3))):
        tree, touched = draw(changed(tree, numbers))
        made.append(encode(tree, draw(options()), _relative(numbers, tree, touched, level, made)))
    return made


def _relative(numbers, tree, touched, level, made):
    """Return what numbers an image that holds what was touched since the last one."""

    def number(scan):
        full = numbers.number(tree, scan)
        nodes = nodes_by_path(tree)
        directories = [nodes[scan.directory_path(k)] for k in range(len(scan.directory_parent))]
        others = [nodes[scan.other_path(k)] for k in range(len(scan.other_parent))]
        base = made[-1].report
        return replace(
            full,
            held_directories=np.array([node in touched for node in directories], bool),
            held_others=np.array([node in touched for node in others], bool),
            level=level,
            base_date=base.date,
            base_uuid=uuid.UUID(base.uuid).bytes,
            not_before=base.date + 1,
        )

    return number


@st.composite
def changed(draw, tree, numbers):
    """Draw what becomes of a tree, and the nodes that an incremental image must hold."""
    memo = {}
    new = copy.deepcopy(tree, memo)
    for old in _with_streams(tree):
        numbers.pass_on(old, memo[id(old)])
    touched = {new}
    for _ in range(draw(st.integers(0, 4))):
        _change(draw, new, touched)
    kept = list(_with_streams(new))
    return new, _closed(new, {node for node in kept if node in touched})


def _with_streams(tree):
    for node in nodes_of(tree):
        yield node
        yield from node.streams.values()


def _change(draw, tree, touched):
    """Change one thing."""
    found = list(nodes_of(tree))
    directories = [node for node in found if stat.S_ISDIR(node.mode)]
    parent = draw(st.sampled_from(directories))
    match draw(st.sampled_from(["write", "remove", "add", "chmod", "rename"])):
        case "write":
            node = draw(st.sampled_from(found))
            if stat.S_ISREG(node.mode):
                node.size = draw(sizes)
                node.data = draw(data(node.size))
            touched.add(node)
        case "remove" if parent.children:
            gone = parent.children.pop(draw(st.sampled_from(sorted(parent.children))))
            touched |= {parent, *nodes_of(gone)}
        case "add":
            node = fit(draw(leaves(settable())))
            parent.children.setdefault(draw(names), node)
            touched |= {parent, node}
        case "rename" if parent.children:
            node = parent.children.pop(draw(st.sampled_from(sorted(parent.children))))
            over = parent.children.get(name := draw(names))
            parent.children[name] = node
            touched |= {parent, node, *(nodes_of(over) if over is not None else ())}
        case _:
            parent.uid = draw(st.integers(0, 1000))
            touched.add(parent)


def _closed(tree, touched):
    """Add the directories on the way, and what streams belong to and are of (DARI-INC-012)."""
    pending, above = [tree], {}
    while pending:
        node = pending.pop()
        for child in node.children.values():
            above.setdefault(child, set()).add(node)
            pending.append(child)
    wanted, pending = set(), [*touched, tree]
    bases = {one: node for node in nodes_of(tree) for one in node.streams.values()}
    while pending:
        node = pending.pop()
        if node not in wanted:
            wanted.add(node)
            pending += above.get(node, ())
            pending += node.streams.values()
            pending += [bases[node]] if node in bases else []
    return wanted
