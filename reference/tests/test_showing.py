"""Names as text: told apart, given back, and harmless to terminals and CI logs."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from support.images import headers_of, poke, reseal

from darimage.image.reader import Image
from darimage.restore.selection import select
from darimage.showing import as_text, display, from_display, json_for_log, line, xml_for_log

NAMES = [
    b"a\nb",
    rb"a\nb",
    b"c\x01",
    rb"c\x01",
    rb"c\x5cx01",
    b"\\",
    b"\\\x01",
    rb"\x4" + b"\x01",
    rb"\\x41",
    "ä".encode(),
    "a\u0308".encode(),
    "\u212b".encode(),  # the sign for the unit, which NFC makes a letter
    "\u1112\u1161\u11ab".encode(),
    "\ud55c".encode(),
    "\u0085".encode(),
    b"\x85",
    "\xa0".encode(),
    "\u202egnp.exe".encode(),
    "a\u200bb".encode(),
    "\U000e0041".encode(),
    b"\xff\xfe",
    b" ",
    b" a",
    b"a ",
    b"a",
    b"::error::no",
    b" ::error::no",
    b"##[error]no",
    b"###[error]no",
    b"x##vso[task.setvariable variable=a]b",
    rb"#\x23[error]no",
    b"\x1b[31mred\x1b]0;title\x07",
    b"a*b",
    b"[a]",
    b"[",
    rb"\*",
    rb"a\*b",
    b"**",
    b"'",
    b"-l",
    b"C:\\users",
    rb"\U00110000",
    rb"\ud800",
]

PIECES = [b"\\", b"x", b"u", b"U", b"0", b"4", b"1f", b"0001", b"#", b"##", b"[", b":", b"::"]
PIECES += [b" ", b"a", b"\n", b"\x1b", b"\xff", "ä".encode(), "\u0308".encode(), b"*", b"vso"]

names = st.one_of(
    st.sampled_from(NAMES),
    st.binary(min_size=1, max_size=12),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map(b"".join),
    st.text(min_size=1, max_size=8, alphabet=st.characters(exclude_categories=["Cs"])).map(
        str.encode
    ),
).filter(lambda name: b"\0" not in name and b"/" not in name)


def assert_harmless(text):
    """Check that neither a terminal nor the runner of a CI job finds anything in a text."""
    for one in text.splitlines(keepends=False):
        assert one.isprintable(), one
        assert not one.strip().startswith("::"), one
        assert not re.search(r"##\w*\[", one), one


@given(names)
def test_what_is_shown_can_be_given_back(name):
    assert from_display(os.fsencode(display(name))) == name


@given(names, names)
@example(rb"c\x5cx01", rb"c\x01")
def test_two_names_never_look_alike(one, other):
    assume(one != other)
    shown, beside = display(one), display(other)
    assert unicodedata.normalize("NFC", shown) != unicodedata.normalize("NFC", beside)
    assert shown.strip() == shown


@given(names)
def test_no_name_does_harm(name):
    assert_harmless(display(name))
    assert "\n" not in display(name)
    assert_harmless(line(f"  {os.fsdecode(name)}: told"))
    assert_harmless(line(f"darimage: {display(name)}: [DARI-REC-001]"))


@given(names)
def test_a_line_that_was_made_fit_stays_as_it_is(name):
    assert line(display(name)) == display(name)
    assert line(line(os.fsdecode(name))) == line(os.fsdecode(name))


@given(names)
def test_documents_say_the_same(name):
    document = json_for_log(json.dumps({"path": as_text(name), "##[": ["##"]}))
    assert_harmless(document)
    assert json.loads(document) == {"path": as_text(name), "##[": ["##"]}
    assert_harmless(xml_for_log("<a>##[b]</a>"))


def test_plain_names_stay_as_they_are():
    words = ("Größe.txt", "日本語", "한국어", "a\\b", "C:\\temp", "#1", "a::b", "x##y", "é")
    for name in ("a b", *words):
        assert display(name.encode()) == name


# -- through the program --------------------------------------------------------------------------


def program(*arguments, **options):
    words = [sys.executable, "-m", "darimage", *arguments]
    return subprocess.run(words, capture_output=True, check=False, timeout=60, **options)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    place = tmp_path_factory.mktemp("showing")
    tree = os.fsencode(place / "tree")
    os.mkdir(tree)
    for name in NAMES:
        with open(tree + b"/" + name, "wb") as stream:
            stream.write(name)
    os.mkdir(tree + b"/\x01dir")
    os.symlink(b"\x1b[0m##[error]", tree + b"/\x01dir/li\nk")
    assert program("create", "-q", place / "tree", place / "a.dari").returncode == 0
    return place / "a.dari"


def test_every_name_of_a_list_can_be_given_back(image):
    shown = program("list", image).stdout.decode().split("\n")[:-1]
    assert len(set(shown)) == len(shown) == len(NAMES) + 3
    with Image.open(image) as opened:
        for one in shown[1:]:
            picks = select(opened.names, [one.encode()]).picks
            found = [opened.names.path(pick.parent) for pick in picks]
            paths = [
                b"/".join(filter(None, (above, pick.entry.name)))
                for above, pick in zip(found, picks, strict=True)
            ]
            assert from_display(one.encode()) in paths
            if not re.search(r"[*?\[]", one):
                assert len(paths) == 1, one


@pytest.mark.parametrize("name", NAMES, ids=display)
def test_restore_takes_what_list_shows(image, tmp_path, name):
    shown = [display(name).encode()]
    assert program("restore", "-q", image, tmp_path / "back", "--", *shown).returncode == 0
    path = os.fsencode(tmp_path / "back") + b"/" + name
    with open(path, "rb") as stream:
        assert stream.read() == name


def test_a_name_is_taken_as_it_is_if_nothing_is_shown_so(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / r"\x41").touch()
    program("create", "-q", tmp_path / "tree", tmp_path / "a.dari")
    assert program("list", tmp_path / "a.dari", r"\x41").stdout == b"\\x5cx41\n"
    assert program("list", tmp_path / "a.dari", r"\x5cx4*").stdout == b"\\x5cx41\n"


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("list", "-l"),
        ("list", "--tree"),
        ("list", "--json"),
        ("list", "--xattrs"),
        ("validate",),
        ("validate", "--format", "json"),
        ("validate", "--format", "junit"),
        ("validate", "--format", "sarif"),
        ("verify",),
        ("restore", "/dev/null/##[error]"),
        ("info",),
    ],
    ids=" ".join,
)
def test_no_command_harms_terminal_or_log(image, tmp_path, words):
    data = image.read_bytes()
    for record, kind, inode in headers_of(data):
        if kind == 2 and inode > 2 and stat.S_ISREG(data[record * 1024 + 33] << 8):
            changed = bytearray(poke(data, record, 160, "<i", 7))  # c_count
            reseal(changed, record)
            data = bytes(changed)
    bad = tmp_path / "##[error]::::\x1b[0m.dari"
    bad.write_bytes(data)
    done = program(words[0], *([bad, *words[1:]] if words[0] == "restore" else [*words[1:], bad]))
    text = done.stdout.decode() + done.stderr.decode()
    assert_harmless(text.replace("xmlns:", ""))
    assert "Traceback" not in text
    if words == ("validate",):
        assert done.returncode == 1
        assert "c_count" in text
        assert r"#\x23[error]no" in text


@pytest.mark.parametrize(
    "words",
    [
        ("list", "##[error]\x1b\n::error::no"),
        ("nosuch##[error]\n::error::no",),
        ("list", "--nosuch##[error]\n::error::no"),
        ("create", "--volume-size", "##[error]\n::error::no", "/etc", "x"),
        ("validate", "::error::no", "\n::error::no"),
        ("drive", "show", "##[error]\n::error::no"),
    ],
    ids=lambda words: words[0],
)
def test_no_argument_harms_terminal_or_log(tmp_path, words):
    done = program(*words, cwd=tmp_path)
    assert done.returncode in (2, 3)
    assert_harmless(done.stdout.decode() + done.stderr.decode())


def test_a_stream_that_list_shows_stands_for_its_file(tmp_path):
    (tmp_path / "tree").mkdir()
    for name in ("a", "a:b", "c"):
        (tmp_path / "tree" / name).write_text(name)
    for name in ("a", "a:b"):
        os.setxattr(tmp_path / "tree" / name, "user.DosStream.x y:$DATA", b"stream\0")
    program("create", "-q", "--streams", "xattr", tmp_path / "tree", tmp_path / "a.dari")
    for name in ("a", "a:b"):
        shown = program("list", tmp_path / "a.dari", f"{name}:x y").stdout.decode()
        assert shown.splitlines() == [name, f"{name}:x y"]
    assert program("list", tmp_path / "a.dari", "a:z").returncode == 2
    assert program("list", tmp_path / "a.dari", "c:x y").returncode == 2
    done = program("restore", "-q", tmp_path / "a.dari", tmp_path / "back", "a:x y")
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path / "back") == ["a"]
