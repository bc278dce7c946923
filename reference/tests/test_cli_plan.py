"""``restore --plan`` and ``--drive``: what they print, draw and refuse."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from support.images import DIRECTORY, FILE, encode
from test_docs_json import PAGE, documented
from test_restore_by_plan import planned

from darimage.drives import files, planner
from darimage.image.reader import Image
from darimage.restore import plan_picture, plan_report
from darimage.sources.memory import Node

SVG = "{http://www.w3.org/2000/svg}"


def run(*words, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "darimage", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def tree():
    nodes = {b"%d" % k: Node(FILE, size=300_000, data={0: b"x" * 300_000}) for k in range(12)}
    return Node(DIRECTORY, children={b"a": Node(DIRECTORY, children=nodes), b"b": Node(FILE)})


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "tree.dari"
    path.write_bytes(encode(tree()))
    return path


def test_a_plan_restores_nothing(image, tmp_path):
    out = tmp_path / "out"
    done = run("restore", "--plan", "--drive", "lto-5", image, out, "a/1", "a/9")
    assert not out.exists()
    lines = done.stdout.splitlines()
    assert lines[0] == "plan for LTO-5 with Ultrium 5 data cartridge"
    assert [line.split()[0] for line in lines[2:]] == [
        "wanted", "read", "seeks", "time", "whole", "seek"
    ]  # fmt: skip
    assert "2 files, 2 extents" in done.stdout


def test_the_numbers_are_those_of_the_planner(image, tmp_path):
    done = run("restore", "--plan", "--json", "--drive", "dlt-7000", image, tmp_path, "a/1", "a/9")
    told = json.loads(done.stdout)
    with Image.open(str(image), map_first=True) as opened:
        _, plan = planned(opened, files.find("dlt-7000"), [b"a/1", b"a/9"])
        one = told["images"][0]
        assert one["reads"] == plan.reading.reads.tolist()
        assert told["seconds"] == one["seconds"] == plan.reading.seconds
        assert told["whole_seconds"] == planner.whole(plan.reading.drive, plan.size)
        assert told["each_seconds"] == plan.one_by_one()
        assert one["wanted"] + one["discarded"] == sum(end - start for start, end in one["reads"])
    assert told["drive"]["name"] == "dlt-7000"
    assert one["block"] == 10240


def test_the_keys_are_documented(image, tmp_path):
    told = json.loads(run("restore", "--plan", "--json", image, tmp_path).stdout)
    assert told.keys() == documented("restore-plan")
    text = PAGE.read_text()
    assert {key for key in told["images"][0] if f"``{key}``" not in text} == set()


def test_without_a_model_it_is_a_disk(image, tmp_path):
    told = json.loads(run("restore", "--plan", "--json", image, tmp_path).stdout)
    assert told["drive"]["name"] == "disk"


def test_a_restore_by_a_drive_is_the_same_restore(image, tmp_path):
    plain = json.loads(run("restore", "--json", "--no-owner", image, tmp_path / "a").stdout)
    by_drive = json.loads(
        run("restore", "--json", "--no-owner", "--drive", "lto-9", image, tmp_path / "b").stdout
    )
    for key in plain.keys() - {"destination", "bytes_read"}:
        assert plain[key] == by_drive[key], key
    assert (tmp_path / "b/a/7").read_bytes() == b"x" * 300_000


def test_the_picture_is_a_whole_svg_of_its_own(image, tmp_path):
    picture = tmp_path / "plan.svg"
    run("restore", "--plan", "--drive", "lto-5", "--picture", picture, image, tmp_path, "a/1")
    text = picture.read_text()
    root = ET.fromstring(text)
    assert root.tag == SVG + "svg"
    assert (
        root.find(SVG + "title").text == "Plan of reading for LTO-5 with Ultrium 5 data cartridge"
    )
    assert not re.search(r"href|url\(|<script|<image", text)
    widths = dict.fromkeys(("read", "discarded", "skipped"), 0.0)
    for box in root.iter(SVG + "rect"):
        if float(box.get("height")) == plan_picture.BAR:
            widths[box.get("class")] += float(box.get("width"))
    assert 0 < widths["read"] < widths["skipped"]


def test_a_place_shows_what_is_done_there():
    image = Image.open(encode(tree()))
    _, plan = planned(image, files.find("object-store"), [b"a/1", b"a/9"])
    states = plan_picture.places(plan, 1, plan.size)[0]
    unit = plan.size / plan_picture.WIDTH
    for spans, state in ((plan.reading.extents, plan_picture.READ),):
        for start, end in spans.tolist():
            assert (states[int(start / unit) : int((end - 1) / unit) + 1] == state).all()
    assert (states == plan_picture.SKIPPED).any()


def test_a_picture_of_many_tapes_has_a_strip_for_each():
    drive = files.find("dlt-7000")
    image = Image.open(encode(tree(), volume_records=1000))
    _, plan = planned(image, drive)
    text = "".join(plan_picture.drawn([plan], drive))
    tapes = -(-plan.size // (1000 * 1024))
    assert tapes > 2
    assert text.count('text-anchor="end"') == tapes
    assert any(line.strip().startswith("tapes") for line in plan_report.lines([plan], drive))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--drive", "lto-99"], "no drive model 'lto-99'"),
        (["--picture", "x.svg"], "--picture"),
        (["--plan", "--drive", "none.toml"], "none.toml: No such file"),
    ],
)
def test_what_makes_no_sense_is_refused(image, tmp_path, words, told):
    code = 3 if "none.toml" in words else 2
    done = run("restore", *words, image, tmp_path / "out", code=code)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_not_there_is_a_fault(image, tmp_path):
    done = run("restore", "--plan", image, tmp_path, "a/1", "nothing", code=1)
    assert "nothing in the image matches" in done.stderr


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0123, "0.0123 s"), (59, "59 s"), (61, "1 min 1 s"), (3700, "1 h 1 min"), (9e4, "1 d 1 h")],
)
def test_times_are_for_people(seconds, text):
    assert plan_report.time_text(seconds) == text


def test_nothing_wanted_is_no_trouble():
    image = Image.open(encode(tree()))
    _, plan = planned(image, files.find("lto-5"), [b"b"])
    reading = planner.plan([], files.find("lto-5"))
    empty = type(plan)(image, plan.rows[:0], plan.extents[:0], reading, plan.rows[:0])
    assert "".join(plan_picture.drawn([empty], files.find("lto-5")))
    assert list(plan_report.lines([empty], files.find("lto-5")))
    assert list(empty.groups()) == []
