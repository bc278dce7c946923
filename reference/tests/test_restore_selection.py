"""Paths, globs and inode numbers, against a tree of real directory parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darimage.errors import UsageError
from darimage.image.reader import Image
from darimage.image.writer import Options, create
from darimage.restore.patterns import Pattern
from darimage.restore.plan import make_plan
from darimage.restore.selection import select
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.writing import MemorySink


def image_of(tree):
    sink = MemorySink()
    create(MemorySource(tree), sink, Options())
    return Image.open(bytes(sink.data))


def tree_of(*paths, shared=()):
    """Return a tree of files; a path that ends with a slash is an empty directory."""
    root = Node.directory()
    one = Node.file(b"shared")
    for path in paths:
        *way, last = path.encode("utf-8", "surrogateescape").split(b"/")
        here = root
        for name in way:
            here = here.children.setdefault(name, Node.directory())
        if last:
            here.children[last] = one if path in shared else Node.file(b"x" + last)
    return root


TREE = (
    "a", "b.txt", ".hidden", "dir/one", "dir/two.txt", "dir/sub/three.txt", "dir/sub/deep/four.txt",
    "dir/.dot/five", "other/one", "other/é", "other/éé", "other/\udcff", "star/*", "star/x",
    "star/[x]", "star/?", "back\\slash", "empty/", "linked/1", "linked/2", "elsewhere/3",
)  # fmt: skip
SHARED = ("linked/1", "linked/2", "elsewhere/3")


@pytest.fixture(scope="module")
def image():
    return image_of(tree_of(*TREE, shared=SHARED))


def brought(image, patterns=(), inodes=(), **options):
    """Return the paths that come back, directories with a slash, by the plan."""
    selection = select(
        image.names, [p.encode("utf-8", "surrogateescape") for p in patterns], inodes
    )
    plan = make_plan(image, selection, **options)
    places = [plan.files.place(row) for row in range(len(plan.files))]
    places += [(link.parent, link.name) for link in plan.links]
    paths = [plan.path(*place) for place in places]
    paths += [plan.path(number, b"") + b"/" for number in plan.restored]
    assert len(set(paths)) == len(paths)
    return sorted(path.decode("utf-8", "surrogateescape") for path in paths)


DIR = ["dir/", "dir/.dot/", "dir/.dot/five", "dir/one", "dir/sub/", "dir/sub/deep/",
       "dir/sub/deep/four.txt", "dir/sub/three.txt", "dir/two.txt"]  # fmt: skip

CASES = [
    ("a", ["a"]),
    ("/a", ["a"]),
    ("./a", ["a"]),
    ("dir", DIR),
    ("dir/", DIR),
    ("//dir//sub/../one", None),
    ("dir//sub", ["dir/sub/", "dir/sub/deep/", "dir/sub/deep/four.txt", "dir/sub/three.txt"]),
    ("a/", None),
    ("a/b", None),
    ("empty", ["empty/"]),
    ("dir/*", [p for p in DIR if p != "dir/"]),
    ("*.txt", ["b.txt"]),
    ("*/*.txt", ["dir/two.txt"]),
    ("dir/*.txt", ["dir/two.txt"]),
    ("**/*.txt", ["b.txt", "dir/sub/deep/four.txt", "dir/sub/three.txt", "dir/two.txt"]),
    ("dir/**/*.txt", ["dir/sub/deep/four.txt", "dir/sub/three.txt", "dir/two.txt"]),
    ("**/deep", ["dir/sub/deep/", "dir/sub/deep/four.txt"]),
    ("dir/**", [p for p in DIR if p != "dir/"]),
    ("**/**/one", ["dir/one", "other/one"]),
    ("**/sub/**/four.txt", ["dir/sub/deep/four.txt"]),
    ("dir**", DIR),
    ("?", ["a"]),
    ("[ab]", ["a"]),
    ("[!b]", ["a"]),
    ("[a-c]*", ["a", "b.txt", "back\\slash"]),
    (".*", [".hidden"]),
    ("dir/.*", ["dir/.dot/", "dir/.dot/five"]),
    ("other/?", ["other/é", "other/\udcff"]),
    ("other/??", ["other/éé"]),
    ("other/[é]", ["other/é"]),
    ("star/*", ["star/*", "star/?", "star/[x]", "star/x"]),
    (r"star/\*", ["star/*"]),
    ("star/?", ["star/*", "star/?", "star/x"]),
    (r"star/\?", ["star/?"]),
    ("star/[x]", ["star/[x]", "star/x"]),
    (r"star/\[x]", ["star/[x]"]),
    ("back\\slash", ["back\\slash"]),
    ("linked", ["linked/", "linked/1", "linked/2"]),
    ("linked/2", ["linked/2"]),
    ("*/3", ["elsewhere/3"]),
    ("A", None),
    ("*/", ["dir/*", "more"]),
    ("..", None),
    ("dir/..", None),
    ("[", None),
]


@pytest.mark.parametrize(("pattern", "expected"), CASES, ids=[c[0] for c in CASES])
def test_patterns(image, pattern, expected):
    """Shows DARI-RST-002."""
    if expected is None:
        with pytest.raises(UsageError, match="nothing in the image matches"):
            brought(image, [pattern])
    elif pattern == "*/":
        found = brought(image, [pattern])
        assert {p for p in found if p.count("/") == 1 and p.endswith("/")} == {
            "dir/", "other/", "star/", "empty/", "linked/", "elsewhere/"}  # fmt: skip
        assert not {"a", "b.txt"} & set(found)
    else:
        assert brought(image, [pattern]) == expected


FOLDERS = {"/"} | {
    path.rsplit("/", depth)[0] + "/" for path in TREE for depth in range(1, path.count("/") + 1)
}
EVERYTHING = sorted({path for path in TREE if not path.endswith("/")} | FOLDERS)


@pytest.mark.parametrize("pattern", [None, "/", ".", "", "./", "//"])
def test_everything(image, pattern):
    assert brought(image, [] if pattern is None else [pattern]) == EVERYTHING


def test_two_stars_are_everything_but_the_root_itself(image):
    assert brought(image, ["**"]) == [p for p in EVERYTHING if p != "/"]


def test_overlapping_patterns_bring_each_thing_once(image):
    assert brought(image, ["dir/sub/deep", "dir", "dir/one", "**/*.txt", "dir"]) == sorted(
        [*DIR, "b.txt"]
    )


def test_parents_come_with_their_attributes_if_asked_for(image):
    assert brought(image, ["dir/sub/three.txt"]) == ["dir/sub/three.txt"]
    expected = ["/", "dir/", "dir/sub/", "dir/sub/three.txt"]
    assert brought(image, ["dir/sub/three.txt"], parents=True) == expected


def test_directories_are_planned_before_what_is_in_them(image):
    """Shows DARI-RST-001."""
    plan = make_plan(image, select(image.names, [b"dir/sub/deep", b"**/five"]))
    for number, (parent, _) in plan.places.items():
        assert parent == plan.root or list(plan.places).index(parent) < list(plan.places).index(
            number
        )


def test_files_ascend_by_offset_and_are_bounded_by_their_neighbours(image):
    """Shows DARI-RST-001."""
    files = make_plan(image, select(image.names)).files
    assert len(files) == len(TREE) - 1 - 2
    assert (np.diff(files.offsets) > 0).all()
    assert (files.ends[:-1] == files.offsets[1:]).all()
    assert files.ends[-1] < image.volume.size


def test_inode_numbers(image):
    names = image.names
    assert brought(image, inodes=[names.lookup(b"a")]) == ["a"]
    assert brought(image, inodes=[names.lookup(b"dir")]) == DIR
    assert brought(image, inodes=[names.lookup(b"linked/1")]) == sorted(SHARED)
    assert brought(image, inodes=[2]) == EVERYTHING
    with pytest.raises(UsageError, match="inode 99"):
        brought(image, inodes=[99])


def test_what_matches_nothing_is_a_fault_if_something_else_does(image):
    selection = select(image.names, [b"a", b"nope*", b"no/such"], [77])
    assert [fault.text() for fault in selection.unmatched] == [
        "nope*: nothing in the image matches",
        "no/such: nothing in the image matches",
        "inode 77: no name in the image",
    ]
    assert len(selection.picks) == 1


def test_nothing_at_all_says_what_was_asked_for(image):
    with pytest.raises(UsageError, match=r"'x0', 'x1', 'x2', 'x3', 'x4' and 2 more") as caught:
        select(image.names, [b"x%d" % number for number in range(7)])
    assert caught.value.exit_code == 2


def test_many_stars_end_soon():
    pattern = Pattern(b"*a" * 60 + b"b")
    assert not pattern.advance(pattern.start, b"a" * 255)
    deep = Pattern(b"/".join([b"**", b"a"] * 40) + b"/b")
    state = deep.start
    for _ in range(500):
        state = deep.advance(state, b"a")
    assert not deep.accepts(state)


@given(
    st.binary(min_size=1, max_size=20).filter(
        lambda b: not {0, 47} & set(b) and b not in (b".", b"..")
    )
)
def test_any_name_can_be_asked_for_literally(name):
    quoted = b"".join(b"\\" + bytes([c]) if c in b"*?[" else bytes([c]) for c in name)
    for text in {name} | ({quoted} if b"\\" not in name else set()):
        literal = Pattern(text, literal=text == name)
        assert literal.accepts(literal.advance(literal.start, name))
        assert not literal.accepts(literal.advance(literal.start, name + b"x"))


@given(st.binary(max_size=40))
def test_any_pattern_is_taken(text):
    pattern = Pattern(text)
    pattern.advance(pattern.start, b"name")
