"""``darimage conformance run`` and ``check-report`` as commands: what they print and end with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import suites
from support.suites import GOOD, REFUSED

from darimage.cli import main
from darimage.conformance.report import REFUSES

DECODE = f"{GOOD}:decode"


def call(*words):
    return CliRunner().invoke(main, ["conformance", *map(str, words)])


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "suite"
    folder.mkdir()
    return suites.write(folder)


def described(folder, name, level=0, **more):
    """Write the description of a fake beside the suite."""
    command = [sys.executable, "-I", "-S", str(suites.FAKES), name, str(folder)]
    told = {"level": level, "command": command + ["--session"] * level, **more}
    path = folder.parent / f"{name}.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items()))
    return path


@pytest.mark.parametrize("testee", ["mine/testee.toml", "darimage"])
def test_options_behind_a_description_are_not_taken_for_its_arguments(testee):
    done = call("run", testee, "--only", DECODE)
    assert done.exit_code == 2
    assert "options go before it" in done.output


def test_a_run_and_its_check(folder, tmp_path):
    path = described(folder, "honest", 1)
    files = {kind: tmp_path / f"report.{kind}" for kind in ("json", "xml", "html")}
    done = call(
        "run", "--suite", folder, "--report", files["json"], "--junit", files["xml"],
        "--html", files["html"], "--keep", tmp_path / "kept", path,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.output.endswith("honest: conformant: 8 pass\n")
    assert "all           2/2      1/1     1/1       2/2       2/2" in done.output.splitlines()
    assert all(file.stat().st_size for file in files.values())
    assert len(list((tmp_path / "kept").iterdir())) == 8
    check = call("check-report", "--suite", folder, "--answers", tmp_path / "kept", files["json"])
    assert check.exit_code == 0, check.output
    assert "8 cases, conformant" in check.output
    files["json"].write_text(files["json"].read_text().replace('"pass"', '"fail"', 1))
    check = call("check-report", "--json", files["json"])
    assert check.exit_code == 1
    assert json.loads(check.output)["problems"]
    files["json"].write_text(files["json"].read_text()[:-20])
    assert call("check-report", files["json"]).exit_code == 1


def test_a_plain_command(folder):
    words = [sys.executable, "-I", "-S", suites.FAKES, "wrong", folder]
    done = call("run", "--suite", folder, "--only", DECODE, *words)
    assert done.exit_code == 1
    assert done.output.startswith(f"{DECODE} (good/some): fail: d/one: size is ")


def test_json_and_strict(folder):
    path = described(folder, "honest", tasks=["decode"], features=["dari-core", "faults"])
    done = call("run", "--json", "--suite", folder, path)
    told = json.loads(done.output)
    assert (done.exit_code, told["conclusion"]) == (0, "conformant")
    assert told["counts"]["unsupported"] == 1
    assert call("run", "-q", "--strict", "--suite", folder, path).exit_code == 1


def test_a_run_of_a_part_is_partial_and_does_not_pass_for_the_whole(folder, tmp_path):
    path, file = described(folder, "rejects_all", tasks=["decode"]), tmp_path / "report.json"
    chosen = ["--suite", folder, "--only", f"{REFUSED}:decode", "--report", file]
    done = call("run", *chosen, path)
    assert done.exit_code == 0
    last = done.output.splitlines()[-2:]
    assert last[0] == f"{folder.parent.name}: partial (1 of 4 cases): 1 pass"
    assert last[1] == f"{folder.parent.name}: {REFUSES}"
    assert "1 of 4 cases, partial" in call("check-report", file).output
    check = call("check-report", "--suite", folder, file)
    assert check.exit_code == 1
    assert "partial: 3 cases of the suite are not in the report: 2 decode (accept)" in check.output
    done = call("run", "--suite", folder, "--topic", "bad", described(folder, "honest"))
    assert "partial (2 of 4 cases): 2 pass" in done.output


def test_a_plain_command_does_what_it_is_asked(folder):
    words = [sys.executable, "-I", "-S", suites.FAKES, "honest", folder]
    done = call("run", "--suite", folder, "--task", "validate", *words)
    assert "conformant: 4 pass" in done.output


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-program"],
        ["nothing.toml"],
        ["--only", "nothing", sys.executable],
        ["--task", "dance", sys.executable],
        ["--known-failures", "nothing.txt", sys.executable],
        [],
    ],
)
def test_wrong_calls(folder, words):
    assert call("run", "--suite", folder, *words).exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "level = 2\ncommand = ['sh']",
        "command = 'sh'",
        "command = []",
        "level = 0",
        "level =",
        "command = ['sh']\ntasks = ['dance']",
        "command = ['sh']\nfeatures = 'dump'",
        "command = ['sh']\nimplementation = 1",
        "command = ['sh']\ntime_resolution_ns = 0",
    ],
)
def test_wrong_descriptions(folder, tmp_path, text):
    path = tmp_path / "testee.toml"
    path.write_text(text)
    done = call("run", "--suite", folder, path)
    assert done.exit_code == 2
    assert str(path) in done.output


def test_a_testee_that_does_not_start(folder):
    assert call("run", "--suite", folder, described(folder, "old", 1)).exit_code == 4


def test_a_damaged_suite(folder):
    path = described(folder, "honest")
    (folder / GOOD).write_bytes(b"other")
    done = call("run", "--suite", folder, path)
    assert done.exit_code == 5
    assert "not the bytes" in done.output
    (folder / "manifest.json").write_text("{}")
    assert call("run", "--suite", folder, path).exit_code == 5


def test_a_report_that_cannot_be_written(folder, tmp_path):
    path = described(folder, "honest")
    done = call("run", "--suite", folder, "--report", tmp_path / "no" / "report", path)
    assert done.exit_code == 3


def test_a_known_failure_that_is_none(folder, tmp_path):
    known = tmp_path / "known"
    known.write_text(f"{DECODE} why\n")
    path = described(folder, "honest")
    assert call("run", "--suite", folder, "--known-failures", known, path).exit_code == 3
    known.write_text("DARI-V-9999:decode why\n")
    assert call("run", "--suite", folder, "--known-failures", known, path).exit_code == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_leaves_nothing(folder, tmp_path, number):
    place = tmp_path / "temporary"
    place.mkdir()
    words = ["--suite", folder, "--report", tmp_path / "report", described(folder, "hangs")]
    command = [sys.executable, "-m", "darimage", "conformance", "run", *words]
    environment = {**os.environ, "TMPDIR": str(place)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    while not list(place.glob("*/case-*/work")):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert not list(place.iterdir())
    assert not (tmp_path / "report").exists()
    assert not list(running(folder))


def running(folder):
    """Yield the processes that were given a folder."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if os.fsencode(folder) in path.read_bytes():
                yield path.parent.name
