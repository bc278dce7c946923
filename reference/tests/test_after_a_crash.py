"""What the operator's guide says of crashes: each sentence is shown by a test that quotes it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from support import each_call
from support.each_call import SCENE, Call, again, files_in, run, traced

from darimage.catalog.store import Catalogue
from darimage.tapes.changer import images_in

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "operators.rst"

BY_EVERY_CALL = """
    A run may be killed, the disk may be full, the power may fail: what was there is whole
    afterwards, or what is new is. That holds for an image in a file, for a set of volumes and for
    a folder of tapes as a whole, and for each file that is restored over another. Exit code 0 means
    what is new.
"""
"""Shown by test_each_call."""


def sentences(text):
    return [" ".join(one.split()) for one in re.split(r"(?<=\.)\s+(?=[A-Z`])", text) if one.strip()]


def test_each_sentence_is_quoted_by_a_test():
    text = PAGE.read_text()
    section = re.search(r"^After a crash\n-+\n(.*?)\n\n[^\n]+\n---", text, re.DOTALL | re.MULTILINE)
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    quoted = [BY_EVERY_CALL, *(test.__doc__ for test in tests if test.__doc__)]
    assert sentences(section[1])
    assert sorted(sentences(section[1])) == sorted(one for doc in quoted for one in sentences(doc))


def differing(one, other):
    """Return the names of files that differ: their bytes would fill pages."""
    return sorted({name for name, _ in one.items() ^ other.items()})


@pytest.fixture
def place(tmp_path):
    """A folder with two trees and an empty scene."""
    if why := each_call.why_not():
        pytest.skip(why)
    each_call.make_sources(tmp_path)
    (tmp_path / SCENE).mkdir()
    return tmp_path


def create(*words, source="source"):
    *options, image = words
    return ["create", "-q", "--workers", "1", *options, source, f"{SCENE}/{image}"]


def killed(words, place, which):
    """Kill a run at one of its calls: what `which` chooses from them."""
    shutil.copytree(place / SCENE, place / "kept", symlinks=True)
    calls = traced(words, place).calls
    shutil.rmtree(place / SCENE)
    os.rename(place / "kept", place / SCENE)
    ended = traced(words, place, which(calls))
    assert ended.code == -9


def a_rename(at):
    return lambda calls: [call for call in calls if call.name.startswith("rename")][at]


def after_the_rename(calls):
    """Choose the first write of the catalogue once the image is in place."""
    at = calls.index(Call("rename", 1))
    return next(call for call in calls[at:] if call.name == "pwrite64")


def test_what_is_half_written(place):
    """
    What was half written lies beside its place as ``.NAME.darimage-NUMBER.partial``, and is never
    taken for an image. The next ``create`` into that folder removes it and says so.
    """
    for words in (["a.dari"], ["--volume-size", "60K", "v"]):
        killed(create(*words), place, lambda _: Call("fsync", 1))
        (left,) = os.listdir(place / SCENE)
        assert re.fullmatch(rf"\.{words[-1]}\.darimage-\d+\.partial", left)
        assert again(["verify", f"{SCENE}/{words[-1]}"], place)[0] == 3
        told = run(create("other.dari"), place)
        assert f"{left}, left by a run that was killed, is removed" in told
        assert os.listdir(place / SCENE) == ["other.dari"]
        os.unlink(place / SCENE / "other.dari")


@pytest.mark.parametrize("at", [1, -1])
def test_a_set_that_was_being_replaced(place, monkeypatch, at):
    """
    ``.NAME.darimage-old`` and ``.NAME.darimage-new`` hold the volumes of a set that was just being
    replaced. Leave them there: the next command that is given the set moves them to their places,
    all old ones or all new ones. If it may not, it says so and reads nothing.
    """
    words = create("--volume-size", "60K", "--force", "--reproducible", "v")
    run(words, place)
    new = files_in(place / SCENE)
    run([*words[:-2], "before", words[-1]], place)
    old = files_in(place / SCENE)
    killed(words, place, a_rename(at))
    held = {name for name in os.listdir(place / SCENE) if name.startswith(".v.darimage-")}
    held = {name for name in held if not name.endswith(".partial")}
    assert held == ({".v.darimage-old"} if at == 1 else {".v.darimage-old", ".v.darimage-new"})
    found = files_in(place / SCENE)

    def rename(*names):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "rename", rename)
    code, told = again(["verify", f"{SCENE}/v"], place)
    assert code == 3
    assert "a run that replaced these volumes was killed" in told
    monkeypatch.undo()
    assert differing(files_in(place / SCENE), found) == []
    run(["verify", "-q", f"{SCENE}/v"], place)
    seen = {name: data for name, data in files_in(place / SCENE).items() if name[0] != "."}
    assert differing(seen, old if at == 1 else new) == []


def test_tapes_that_no_catalogue_names(place):
    """
    ``.tapes.partial`` in a folder of tapes belongs to an image that ``tapes.json`` does not name.
    The next ``create`` into the folder removes it, and with it the tapes of that image which were
    in their places already. Other tapes that the catalogue does not name stay.
    """
    words = create("--tape-size", "60K", "tapes")
    run(words, place)
    folder = place / SCENE / "tapes"
    (folder / "tape050.tap").write_text("somebody's")
    before = files_in(folder)
    killed(words, place, a_rename(-1))
    assert {".tapes.partial/", "tape051.tap"} <= files_in(folder).keys()
    assert again(["verify", f"{SCENE}/tapes:2"], place)[0] != 0
    run(words, place)
    found = files_in(folder)
    assert all(found[name] == data for name, data in before.items() if name != "tapes.json")
    named = {part.name for image in images_in(folder) for part in image}
    assert found.keys() == {"tapes.json", "tape050.tap"} | named
    run(["verify", "-q", f"{SCENE}/tapes:2"], place)


def known(place):
    """Return the UUIDs of the images that the catalogue knows."""
    with Catalogue.open(place / SCENE / "catalog") as catalogue:
        return [image.uuid for one in catalogue.sets() for image in catalogue.images(one.id)]


@pytest.mark.parametrize("replaced", [False, True])
def test_an_image_that_the_catalogue_does_not_know(place, replaced):
    """
    The catalogue of backup sets takes in an image once it is in place. Killed in between, a run
    leaves an image that is whole and that the catalogue does not know. If it has replaced another
    one, increments on it are refused: it is not what the catalogue knows. In both cases ``catalog
    rebuild`` with the images of the tree helps.
    """
    kept = ["--catalog", f"{SCENE}/catalog"]
    full = create("--level", "0", *kept, "--force", "full.dari")
    increment = create("--level", "1", *kept, "inc.dari")
    if replaced:
        run(full, place)
    before = known(place)
    killed(full, place, after_the_rename)
    run(["verify", "-q", f"{SCENE}/full.dari"], place)
    assert known(place) == before
    assert len(before) == replaced
    code, told = again(increment, place)
    assert code == 2
    assert ("is another image now" if replaced else "--level 0 makes a full one") in told
    source = ["--source", str(place / "source")]
    run(["catalog", "rebuild", *kept, *source, f"{SCENE}/full.dari"], place)
    assert len(known(place)) == 1
    run(increment, place)
    assert len(known(place)) == 2


def test_a_restore_that_was_killed(place):
    """
    A ``restore`` that was killed is run again with ``--existing replace``. Files that were not
    there before may be half there until then. What lies beside as ``.NAME.darimage-partial`` goes
    away when NAME is restored.
    """
    run(["create", "-q", "source", "a.dari"], place)
    wanted = files_in(place / "source")
    words = ["restore", "-q", "--workers", "1", "--no-owner", "--existing", "replace"]
    words += ["a.dari", f"{SCENE}/out"]
    killed(words, place, lambda _: Call("pwrite64", 2))
    found = files_in(place / SCENE / "out")
    assert differing(found, wanted)
    assert found["file1"] == b""
    shutil.rmtree(place / SCENE / "out")
    shutil.copytree(place / "before", place / SCENE / "out", symlinks=True)
    killed(words, place, a_rename(1))
    old, found = files_in(place / "before"), files_in(place / SCENE / "out")
    left = found.keys() - wanted.keys()
    assert len(left) == 1
    assert re.fullmatch(r"(folder/)?\.\w+\.darimage-partial", *left)
    assert all(found[name] in (old[name], wanted[name]) for name in old)
    run(words, place)
    assert differing(files_in(place / SCENE / "out"), wanted) == []
