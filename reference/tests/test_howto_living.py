"""What docs/howto/operators.rst says of a tree that changes: each sentence, tried."""

from __future__ import annotations

import os
import re
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.streams import set_xattr_streams
from test_living_trees import Unlasting
from test_unreadable_levels import unreadable

from darimage.cli import create, main
from darimage.image.reader import Image
from darimage.sources.posix import PosixSource

PAGE = Path(__file__).parents[2] / "docs/howto/operators.rst"
TITLE = "A tree that changes meanwhile"

SAID = []


def says(*sentences):
    """Mark a test with the sentences of the section that it tries."""

    def marked(test):
        SAID.extend(sentences)
        return test

    return marked


def section():
    """Return the section in one line, without its marks."""
    text = PAGE.read_text().split(f"\n{TITLE}\n", 1)[1]
    text = re.split(r"\n[^\n]+\n-{4,}\n", text.split("\n", 1)[1])[0]
    return " ".join(text.replace("\n* ", "\n").replace("``", "").split())


class Site:
    """A tree, and what is run on it."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.tree = folder / "tree"
        self.told = ""
        self._patch = monkeypatch
        for name in ("a", "b", "d/1", "d/below/2", "e/3"):
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name} at first")

    def run(self, *words):
        done = CliRunner().invoke(main, [str(word) for word in words])
        self.told = done.output
        return done.exit_code

    def create(self, image, disturb=lambda: None, *options, source=PosixSource):
        """Make an image; between the names and the files something happens."""

        class Disturbed(source):
            def contents(self, scan):
                disturb()
                return super().contents(scan)

        with self._patch.context() as patch:
            patch.setattr(create, "PosixSource", Disturbed)
            words = ("create", *options, "--workers", 1, self.tree, self.folder / image)
            return self.run(*words)

    def level(self, level, disturb=lambda: None):
        options = ("--level", level, "--catalog", self.folder / "catalogue")
        return self.create(f"{level}.dari", disturb, *options)

    def restored(self, image, *options):
        """Return what comes back: text by path. The exit code is ``code``."""
        out = self.folder / f"out-{len(list(self.folder.iterdir()))}"
        self.code = self.run("restore", *options, self.folder / image, out)
        return {
            os.path.relpath(Path(top, name), out): Path(top, name).read_text()
            for top, _, names in os.walk(out)
            for name in names
        }

    def save(self, name, text):
        """Write a file as editors do."""
        (self.tree / "new").write_text(text)
        (self.tree / "new").rename(self.tree / name)

    def names(self):
        return {
            os.path.relpath(Path(top, name), self.tree)
            for top, _, names in os.walk(self.tree)
            for name in names
        }


@pytest.fixture
def site(tmp_path, monkeypatch):
    return Site(tmp_path, monkeypatch)


@says(
    "create reads all names first and then the files, and nobody has to stop working for it.",
    "But an image is no snapshot: one file in it may be as it was before something that another is"
    " after.",
    "For a database, make a snapshot of its file system and an image of that.",
)
def test_no_snapshot(site):
    def work():
        (site.tree / "c").write_text("first")
        (site.tree / "a").write_text("a now late")

    assert site.create("i", work) == 1
    found = site.restored("i")
    assert "c" not in found
    assert found["a"] == "a now late"


@says(
    "What happens to a file or directory between the two is told, with its path and what was done"
    " about it, and the exit code is then 1:",
)
@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (lambda site: site.save("a", "x"), "a: is another file than was scanned"),
        (lambda site: (site.tree / "d/1").unlink(), "d/1: No such file.*zeros stand for the data"),
        (lambda site: (site.tree / "d").rename(site.tree / "e/d"), "d: was renamed .*; .* is read"),
        (lambda site: (site.tree / "b").write_text("x"), "b: shrank from .*; zeros fill it up"),
    ],
)
def test_it_is_told(site, happens, told):
    assert site.create("i", lambda: happens(site)) == 1
    assert re.search(f"^darimage: {told}", site.told, re.MULTILINE)
    assert site.run("verify", site.folder / "i") in (0, 1)
    assert "the offset map is true" in site.told


@says(
    "A file that was saved by rename, as editors do it, is read as it is now.",
    "Its owner, mode and times are those of the old one.",
)
def test_saved_by_rename(site):
    old = os.stat(site.tree / "a")

    def save():
        site.save("a", "a  saved..")
        (site.tree / "a").chmod(0o600)

    assert site.create("i", save) == 1
    assert site.restored("i")["a"] == "a  saved.."
    with Image.open(site.folder / "i") as image:
        inode = image.inode(image.names.lookup(b"a"))
        assert (inode.mode, inode.mtime_ns) == (old.st_mode, old.st_mtime_ns)


@says(
    "A file that grew is cut at the size that was planned, and one that shrank is filled up with"
    " zeros.",
)
def test_grown_and_shrunk(site):
    def work():
        (site.tree / "a").write_text("a at first and more")
        (site.tree / "b").write_text("b")

    assert site.create("i", work) == 1
    found = site.restored("i")
    assert found["a"] == "a at first"
    assert next(text for name, text in found.items() if name.startswith("b")) == "b" + "\0" * 9


@says("A file whose name is gone is read by another of its names if the tree has one.")
def test_another_name(site):
    os.link(site.tree / "a", site.tree / "e/other")
    assert site.create("i", (site.tree / "a").unlink) == 1
    assert "e/other" in site.told
    assert site.restored("i")["a"] == "a at first"
    assert site.code == 0


@says(
    "A directory that was renamed, or moved to elsewhere in the tree, is read where it is now.",
)
@pytest.mark.parametrize("where", ["x", "e/d"])
def test_moved(site, where):
    assert site.create("i", lambda: (site.tree / "d").rename(site.tree / where)) == 1
    found = site.restored("i")
    assert (found["d/1"], found["d/below/2"]) == ("d/1 at first", "d/below/2 at first")
    assert site.code == 0


@contextmanager
def unreadable_file(site, monkeypatch, name):
    with unreadable(monkeypatch, (site.tree / name).stat().st_ino):
        yield


@says(
    "A file that is gone altogether is zeros in the image, and marked there as not whole.",
    "The same is true of one that cannot be read.",
    "restore names the files that the image has marked, and ends with 1, unless --existing skip"
    " passes them over.",
    "It never puts one in the place of a file that exists, whatever --existing says, unless"
    " --partial asks for it.",
)
@pytest.mark.parametrize("how", ["gone", "unreadable"])
def test_gone(site, how, monkeypatch):
    if how == "gone":
        assert site.create("i", (site.tree / "a").unlink) == 1
    else:
        with unreadable_file(site, monkeypatch, "a"):
            assert site.create("i") == 1
    for existing in ("fail", "skip", "replace", "newer"):
        out = site.folder / existing
        out.mkdir()
        (out / "a").write_text("good")
        os.utime(out / "a", (1, 1))
        code = site.run("restore", "--existing", existing, site.folder / "i", out)
        named = re.search("^darimage: a: ", site.told, re.MULTILINE) is not None
        assert (code, named) == ((0, False) if existing == "skip" else (1, True))
        assert (out / "a").read_text() == "good"
        assert (out / "d/below/2").read_text() == "d/below/2 at first"
    words = ("restore", "--existing", "replace", "--partial", site.folder / "i", out)
    assert site.run(*words) == 1
    assert (out / "a").read_text() == "\0" * len("a at first")
    assert site.run("restore", site.folder / "i", site.folder / "fresh") == 1
    assert re.search("^darimage: a: ", site.told, re.MULTILINE)


@says(
    "What is new since the names were read is not in the image.",
    "The next one has it.",
)
def test_new(site):
    assert site.level(0, lambda: (site.tree / "d/new").write_text("new")) == 0
    assert "d/new" not in site.restored("0.dari")
    assert site.level(1) == 0
    assert site.restored("1.dari")["d/new"] == "new"


@says("Streams are treated as files are.")
def test_streams(site):
    set_xattr_streams(site.tree / "a", {b"s": b"stream"})

    def save():
        (site.tree / "new").write_text("a at first")
        set_xattr_streams(site.tree / "new", {b"s": b"STREAM"})
        (site.tree / "new").rename(site.tree / "a")

    assert site.create("i", save) == 1
    assert "a:s: is another" in site.told
    site.run("restore", site.folder / "i", site.folder / "out")
    assert os.getxattr(site.folder / "out/a", "user.DosStream.s:$DATA") == b"STREAM\0"


@says(
    "On file systems whose inode numbers do not last, such as mergerfs, files are known by their"
    " size and times, and nothing is told.",
)
def test_inode_numbers_that_do_not_last(site):
    assert site.create("i", source=Unlasting) == 0
    assert site.restored("i").keys() == site.names()
    assert site.code == 0


@says(
    "In an increment, what cannot be read is as in the level before, so a chain brings that back.",
    "A directory that cannot be read is so with all below it.",
    "The next increment has what was replaced, changed or could not be read.",
)
def test_levels(site, monkeypatch):
    assert site.level(0) == 0
    (site.tree / "a").write_text("a of today")
    (site.tree / "d/below/2").write_text("2 of today")
    (site.tree / "b").write_text("b of today")
    (site.tree / "e/3").write_text("3 of today")

    def work():
        site.save("b", "b saved....")
        (site.tree / "e/3").write_text("3 changed ")

    with (
        unreadable_file(site, monkeypatch, "a"),
        unreadable_file(site, monkeypatch, "d"),
    ):
        assert site.level(1, work) == 1
    chain = ("--chain", site.folder / "0.dari")
    found = site.restored("1.dari", *chain)
    assert found["a"] == "a at first"
    assert found["d/1"] == "d/1 at first"
    assert found["d/below/2"] == "d/below/2 at first"
    assert site.level(2) == 0
    found = site.restored("2.dari", *chain, "--chain", site.folder / "1.dari")
    assert found == {name: (site.tree / name).read_text() for name in site.names()}
    assert found["b"] == "b saved...."
    assert found["e/3"] == "3 changed "


@says(
    "If there are too many open files or no memory is left, that is no fault of a file: create ends"
    " with 3, and there is no image.",
)
@pytest.mark.parametrize("lack", ["descriptors", "memory"])
def test_a_lack_of_the_machine(site, lack, monkeypatch):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = []

    def use_up():
        if lack == "memory":

            def refused(*_args, **_options):
                raise OSError(12, os.strerror(12))

            monkeypatch.setattr(os, "preadv", refused)
            return
        top = max(map(int, os.listdir("/proc/self/fd")))
        spare.extend(os.open("/dev/null", os.O_RDONLY) for _ in range(top))
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(spare) + 3, limits[1]))

    try:
        assert site.create("i", use_up) == 3
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for one in spare:
            os.close(one)
    assert "zeros" not in site.told
    assert not (site.folder / "i").exists()


def test_each_sentence_is_tried():
    text = section()
    for sentence in SAID:
        assert text.count(sentence) == 1, sentence
        text = text.replace(sentence, "")
    assert text.strip() == ""
