"""Backup sets by the command line, as a user has them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time

import pytest
from click.testing import CliRunner
from support import legacy
from support.compare import Options as Compare
from support.compare import compare_trees
from test_docs_json import PAGE, documented

from darimage.cli import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with legacy.scratch_directory() as folder:
        (folder / "src/docs").mkdir(parents=True)
        (folder / "src/docs/report").write_text("first")
        (folder / "src/old").write_text("to be deleted")
        yield folder


def run(place, *words, rc=0):
    done = legacy.darimage(*words, directory=place)
    assert done.rc == rc, done.stderr
    return done


def answer(place, *words):
    return json.loads(run(place, *words, "--json").stdout)


def week(place):
    run(place, "create", "--level", "0", "src", "sunday.dari")
    (place / "src/old").unlink()
    (place / "src/docs/report").write_text("second")
    run(place, "create", "--level", "1", "src", "monday.dari")
    os.rename(place / "src/docs", place / "src/papers")
    run(place, "create", "--level", "2", "src", "tuesday.dari")


def test_a_week(place, tmp_path):
    week(place)
    run(place, "restore", "--chain", "monday.dari", "--chain", "sunday.dari", "tuesday.dari", "out")
    options = Compare(owners=os.geteuid() == 0)
    assert list(map(str, compare_trees(place / "src", place / "out", options))) == []
    assert (tmp_path / "state/darimage/catalog.sqlite").exists()


def test_a_chain_is_listed(place):
    (place / "src/docs/report").chmod(0o644)
    week(place)
    chain = ("--chain", "sunday.dari", "--chain", "monday.dari", "tuesday.dari")
    assert run(place, "list", *chain).stdout.split() == [".", "papers", "papers/report"]
    long = run(place, "list", "-l", *chain, "papers/report").stdout.split()
    assert (long[0], long[4]) == ("-rw-r--r--", "6")
    entries = answer(place, "list", *chain, "--acl")["entries"]
    assert [entry["type"] for entry in entries] == ["directory", "directory", "file"]
    alone = run(place, "list", "tuesday.dari").stdout.split()
    assert alone == [".", "papers"]


def test_a_plain_create_touches_no_catalogue(place, tmp_path):
    run(place, "create", "src", "plain.dari")
    assert not (tmp_path / "state").exists()
    done = run(place, "create", "--catalog", "c", "src", "plain2.dari", rc=2)
    assert "--catalog is for --level or --since" in done.stderr
    done = run(place, "create", "--level", "0", "--reproducible", "src", "plain2.dari", rc=2)
    assert "does not go with" in done.stderr


def test_refused_before_anything_is_written(place):
    done = run(place, "create", "--level", "1", "src", "x.dari", rc=2)
    assert "--level 0 makes a full one" in done.stderr
    assert os.listdir(place) == ["src"]


def test_an_image_that_cannot_be_entered_is_told(place, monkeypatch):
    def full(*arguments):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.chdir(place)
    monkeypatch.setattr("darimage.catalog.store.Catalogue.add_image", full)
    done = CliRunner().invoke(main, ["create", "--level", "0", "src", "sunday.dari"])
    assert done.exit_code == 3
    assert "sunday.dari is in place, but the catalogue does not know of it" in done.output
    assert "disk is full" in done.output
    monkeypatch.undo()
    assert run(place, "verify", "sunday.dari").rc == 0


def test_levels_on_volumes(place):
    (place / "src/big").write_bytes(os.urandom(300_000))
    words = ("create", "--volume-size", "100K")
    run(place, *words, "--level", "0", "src", "full")
    (place / "src/old").unlink()
    (place / "src/docs/report").write_bytes(os.urandom(200_000))
    run(place, *words, "--level", "1", "src", "inc")
    known = answer(place, "catalog", "show", "src")["sets"]
    named = [os.path.basename(image["image"]) for image in known[0]["images"]]
    assert named == ["full001", "inc001"]
    assert answer(place, "catalog", "rebuild", "full", "inc")["sets"] == known
    run(place, "restore", "--chain", "full", "inc", "out")
    options = Compare(owners=os.geteuid() == 0)
    assert list(map(str, compare_trees(place / "src", place / "out", options))) == []


def test_show_and_list(place):
    week(place)
    lines = run(place, "catalog", "show", "src").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3"]
    assert [line.split()[5] for line in lines[2:]] == ["-", "1", "2"]
    assert len(run(place, "catalog", "list").stdout.splitlines()) == 1
    found = answer(place, "catalog", "show", "src")["sets"][0]["images"]
    assert [image["base"] for image in found] == [None, *(image["uuid"] for image in found[:2])]
    done = run(place, "catalog", "show", "elsewhere", rc=2)
    assert "no backup set of elsewhere" in done.stderr


def test_rebuild_and_forget(place):
    week(place)
    words = ("catalog", "rebuild", "--catalog", "again", "tuesday.dari", "monday.dari")
    assert "is not among the images" in run(place, *words, rc=2).stderr
    made = answer(place, *words, "sunday.dari")
    known = answer(place, "catalog", "show", "src")
    assert made["sets"] == known["sets"]
    gone = answer(place, "catalog", "forget", "--image", "monday.dari", "src")
    assert [image["level"] for image in gone["forgotten"][0]["images"]] == [1, 2]
    report = answer(place, "create", "--level", "2", "src", "wednesday.dari")
    assert report["base"] == known["sets"][0]["images"][0]["uuid"]
    run(place, "catalog", "forget", "src")
    assert answer(place, "catalog", "list")["sets"] == []
    done = run(place, "catalog", "forget", "src", rc=2)
    assert "no backup set of src" in done.stderr


def test_the_answers_are_documented(place):
    week(place)
    found = answer(place, "catalog", "list"), answer(place, "catalog", "forget", "src")
    items = [item for one in found for item in (*one.get("sets", ()), *one.get("forgotten", ()))]
    items += [image for item in items for image in item["images"]]
    # Keys of the items are named in the text below the list.
    keys = {key for one in found for key in one}
    assert keys == documented("catalog")
    assert {key for item in items for key in item if f"``{key}``" not in PAGE.read_text()} == set()


def test_a_tree_on_another_device_is_another_set(place):
    week(place)
    path = place / "src"
    with legacy.loop_ext4() as point:
        shutil.copytree(path, point / "src")
        os.rename(path, place / "away")
        path.mkdir()
        mounted = legacy.run([legacy.program("mount"), "--bind", str(point), str(path)], place)
        assert mounted.rc == 0, mounted.stderr
        try:
            done = run(place, "create", "--level", "1", "src", "x.dari", rc=2)
            assert "on another device" in done.stderr
        finally:
            legacy.run([legacy.program("umount"), str(path)], place)


def test_since_a_date(place):
    week(place)
    time.sleep(1.1)
    found = answer(place, "create", "--since", f"@{int(time.time())}", "src", "now.dari")
    assert found["level"] == 3
    done = run(place, "create", "--since", "2020-01-01", "src", "x.dari", rc=2)
    assert "not after 2020-01-01 00:00:00 UTC" in done.stderr
