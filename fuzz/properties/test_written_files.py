"""Whatever is in a file that people write, what reads it ends with an answer of a few lines."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3

import pytest
from click.testing import CliRunner
from fuzz.limits import in_time
from fuzz.profile import examples
from fuzz.strategies.documents import TEXT, as_toml, documents
from hypothesis import given
from hypothesis import strategies as st
from support import legacy, suites

from darimage.cli import main
from darimage.conformance import known, suite, testee
from darimage.errors import DarimageError
from darimage.showing import line

BASELINE = {
    "format": "darimage-baseline",
    "version": 1,
    "findings": [
        {
            "image": "a.dari",
            "requirement": "DARI-VOL-002",
            "field": "c_count",
            "inode": 3,
            "count": 2,
        },
        {"image": "a.dari", "requirement": "DARI-REC-003", "path": "a/b", "count": 2},
    ],
}
TESTEE = {
    "level": 0,
    "command": ["{python}", "{here}/adapter.py"],
    "tasks": ["decode", "validate"],
    "features": ["dump"],
    "fields": ["inode", "mode"],
    "time_resolution_ns": 1000,
    "validates": ["MUST"],
    "implementation": {"name": "mine", "version": "1", "issues": "https://example.org"},
}
DRIVE = {"kind": "disk", "like": "disk", "title": "mine", "rate": [100.0, "measured"]}
TAPE = {"like": "lto-5", "documents": {"a": "b"}, "capacity": 1_500_000_000_000, "wraps": 80}
SEEKS = {"like": "disk", "seek": [[0, 0.001], [1000, 0.01]]}
MANIFEST = {
    "suite": "1",
    "format": "1.0",
    "complete": True,
    "vectors": [
        {
            "id": "DARI-V-0001",
            "name": "a/b",
            "files": [{"path": "a", "sha256": "0"}],
            "valid": True,
            "decode": "accept",
            "limits": {"memory_mib": 5, "seconds": 1},
            "expect": [{"requirement": "DARI-REC-003"}],
            "levels": {"DARI-REC-003": "MUST"},
            "bases": [],
        }
    ],
    "giants": [],
}


def runs(*arguments, codes=(0, 1, 2, 3)):
    """Run the program; check that it ended in order; return what it said."""
    with in_time():
        done = CliRunner().invoke(main, [os.fspath(word) for word in arguments])
    error = done.exception
    assert error is None or isinstance(error, SystemExit), repr(error)
    assert done.exit_code in codes, done.output
    assert "Traceback" not in done.output
    for one in done.output.splitlines():
        assert one.isprintable(), one
        assert not re.search(r"^\s*::|##\w*\[", one), one
    return done


def reads(work):
    """Call what reads a file; what it raises is an error of ours."""
    with in_time(), contextlib.suppress(DarimageError):
        try:
            return work()
        except DarimageError as error:
            assert str(error)
            assert len(line(str(error))) < 20_000
            raise
    return None


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An image, a folder of tapes, and a catalogue."""
    place = tmp_path_factory.mktemp("written")
    (place / "tree").mkdir()
    (place / "tree" / "a").write_bytes(b"a" * 3000)
    for words in (
        ["--level", "0", "--catalog", place / "catalogue", place / "tree", place / "a.dari"],
        ["--tape-size", "100K", place / "tree", place / "tapes"],
        ["--tape-size", "100K", place / "tree", place / "tapes"],
    ):
        runs("create", "--workers", "1", *words, codes=(0,))
    with contextlib.closing(sqlite3.connect(place / "catalogue")) as connection:
        connection.execute("VACUUM")
    return place


@pytest.mark.parametrize("form", ["text", "json", "junit", "sarif", "html"])
@examples(20)
@given(data=documents(BASELINE, json.dumps))
def test_any_baseline(place, form, data):
    (place / "baseline").write_bytes(data)
    words = ["--format", form, "--baseline", place / "baseline", place / "a.dari"]
    runs("validate", *words)


@pytest.mark.parametrize("good", [DRIVE, TAPE, SEEKS], ids=["disk", "tape", "seeks"])
@examples(60)
@given(data=st.data())
def test_any_drive(place, good, data):
    drive = place / "drive.toml"
    drive.write_bytes(data.draw(documents(good, as_toml)))
    done = runs("drive", "show", drive, codes=(0, 2))
    if done.exit_code == 0:
        runs("drive", "show", "--json", drive, codes=(0,))
        runs("restore", "--plan", "--drive", drive, place / "a.dari", place / "out", codes=(0, 2))


@examples(200)
@given(data=documents(TESTEE, as_toml))
def test_any_testee(place, data):
    (place / "testee.toml").write_bytes(data)
    found = reads(lambda: testee.load(place / "testee.toml"))
    if found is not None:
        json.dumps(found.claims.as_json())


@examples(100)
@given(data=documents(MANIFEST, json.dumps))
def test_any_manifest(place, data):
    (place / suite.MANIFEST).write_bytes(data)
    found = reads(lambda: suite.load(place))
    if found is not None:
        reads(lambda: found.check(list(found.vectors)))


@examples(100)
@given(data=st.lists(st.sampled_from([b"DARI-V-0001:decode why", *TEXT]), max_size=4))
def test_any_list_of_known_failures(place, data):
    (place / "known").write_bytes(b"\n".join(data))
    reads(lambda: known.check(known.load(place / "known"), ["DARI-V-0001:decode"]))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = suites.write(tmp_path_factory.mktemp("suite"))
    return suites.run(suites.fake("accepts_all", folder, 1), folder, [f"{suites.GOOD}:*"])


@examples(150)
@given(data=st.data())
def test_any_report(place, report, data):
    (place / "report").write_bytes(data.draw(documents(report, json.dumps)))
    runs("conformance", "check-report", place / "report")


@examples(100)
@given(data=st.data())
def test_any_catalogue_of_tapes(place, data):
    folder = place / "changed"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(place / "tapes", folder)
    good = json.loads((folder / "tapes.json").read_bytes())
    (folder / "tapes.json").write_bytes(data.draw(documents(good, json.dumps)))
    runs("list", folder)
    runs("verify", f"{folder}:2")
    runs("create", "--workers", "1", "--tape-size", "100K", place / "tree", folder)


def use(catalogue, place):
    """Call each command that reads a catalogue."""
    image = catalogue.with_name("b.dari")
    for words in (
        ("catalog", "list"),
        ("catalog", "list", "--json"),
        ("catalog", "show", place / "tree"),
        ("create", "--workers", "1", "--level", "1", place / "tree", image),
        ("catalog", "forget", "--image", "nosuch", place / "tree"),
        ("catalog", "forget", place / "tree"),
    ):
        done = runs(*words[:2], "--catalog", catalogue, *words[2:])
        if words[0] == "create" and done.exit_code == 2:
            assert not image.exists()


@examples(60)
@given(data=st.data())
def test_any_bytes_in_a_catalogue(place, data):
    good = (place / "catalogue").read_bytes()
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1) | st.integers(0, 120))
        piece = data.draw(st.binary(min_size=1, max_size=4))
        changed[at : at + len(piece)] = piece
    with legacy.scratch_directory() as folder:
        end = data.draw(st.sampled_from([len(good), 100, 4096, 5000]))
        (folder / "catalogue").write_bytes(changed[:end])
        use(folder / "catalogue", place)


@examples(100)
@given(data=st.data())
def test_any_values_in_a_catalogue(place, data):
    strange = [None, "a", b"", b"\xff" * 16, b"/a", -1, 0, 1, 1 << 40, (1 << 63) - 1, 1.5]
    with legacy.scratch_directory() as folder:
        shutil.copy(place / "catalogue", folder / "catalogue")
        with contextlib.closing(sqlite3.connect(folder / "catalogue")) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            named = connection.execute(
                "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c "
                "WHERE m.type = 'table'"
            ).fetchall()
            for _ in range(data.draw(st.integers(1, 3))):
                table, column = data.draw(st.sampled_from(sorted(named)))
                value = data.draw(st.sampled_from(strange))
                with contextlib.suppress(sqlite3.Error):
                    connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
            connection.commit()
        use(folder / "catalogue", place)
