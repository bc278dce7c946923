"""The GitHub Action and the pre-commit hook, as far as they can be tried without either."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from support import github, suites

from darimage.image.writer import Options, create
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.writing import FileSink

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two good images and a bad one; one name has a blank."""
    folder = tmp_path_factory.mktemp("images")
    for name in ("good.dari", "good too.dari", "bad.dari"):
        create(MemorySource(Node(mode=0o40755)), FileSink(folder / name), Options())
    with (folder / "bad.dari").open("r+b") as file:
        file.seek(300)
        file.write(b"\1")
    return folder


def run(folder, **variables):
    """Run the action's script as its step does; return the exit code and the outputs."""
    outputs, summary = folder / "outputs", folder / "summary"
    outputs.write_text("")
    summary.write_text("")
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "OUTPUT": "conformance-results",
        "GITHUB_OUTPUT": str(outputs),
        "GITHUB_STEP_SUMMARY": str(summary),
        **variables,
    }
    step = ACTION["runs"]["steps"][1]
    script = step["run"].replace("$ACTION", str(ROOT))
    done = subprocess.run(
        ["bash", "-c", script],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    told = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
    return done.returncode, told, summary.read_text(), done.stderr


def test_the_action_is_made_as_actions_are():
    assert ACTION["runs"]["using"] == "composite"
    inputs, used = set(ACTION["inputs"]), set()
    ids = set()
    for step in ACTION["runs"]["steps"]:
        assert step["shell"] == "bash"
        # An input within a script would be code of whoever gave it.
        assert "${{" not in step["run"]
        used |= set(re.findall(r"inputs\.([\w-]+)", str(step["env"])))
        assert set(re.findall(r"steps\.(\w+)", str(step["env"]))) <= ids
        ids.add(step["id"])
        assert subprocess.run(["bash", "-n", "-c", step["run"]], check=False).returncode == 0
    assert used == inputs
    told = " ".join(output["value"] for output in ACTION["outputs"].values())
    assert set(re.findall(r"steps\.(\w+)", told)) <= ids
    for about in [*ACTION["inputs"].values(), *ACTION["outputs"].values()]:
        assert about["description"]


def test_the_action_installs_what_is_pinned():
    script = ACTION["runs"]["steps"][0]["run"]
    files = re.findall(r"requirements/[\w.]+", script)
    assert files
    for file in files:
        text = (ROOT / file).read_text()
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        wanted = [*project["dependencies"], *project["optional-dependencies"]["conformance"]]
        for requirement in wanted:
            name = re.match(r"[\w-]+", requirement)[0]
            assert re.search(rf"(?mi)^{name}==", text), name
    assert os.stat(ROOT / "tools" / "action.sh").st_mode & stat.S_IXUSR


def test_the_docs_tell_every_input():
    page = (ROOT / "docs" / "howto" / "ci.rst").read_text()
    for name in [*ACTION["inputs"], *ACTION["outputs"]]:
        assert f"``{name}``" in page


def test_good_images(folder):
    code, told, _, errors = run(folder, IMAGES="good*.dari\n")
    assert (code, told) == (0, {"exit-code": "0"}), errors


def test_one_bad_image(folder):
    code, told, *_ = run(folder, IMAGES="*.dari")
    assert (code, told) == (1, {"exit-code": "1"})
    results = folder / "conformance-results"
    assert sorted(path.name for path in results.iterdir()) == ["images.html", "images.sarif"]
    assert "bad.dari" in (results / "images.sarif").read_text()


@pytest.mark.parametrize("images", ["nothing*.dari", "good.dari\nnothing*"])
def test_images_that_are_not_there(folder, images):
    code, told, _, errors = run(folder, IMAGES=images)
    assert (code, told) == (2, {"exit-code": "2"})
    assert "matches no file" in errors


def test_an_image_by_a_wrong_name(folder):
    assert run(folder, IMAGES="no such.dari")[0] == 3


def test_neither_images_nor_testee(folder):
    code, _, _, errors = run(folder)
    assert code == 2
    assert "name images or a testee" in errors


@pytest.mark.parametrize(
    ("name", "conclusion", "code"), [("honest", "conformant", 0), ("wrong", "nonconformant", 1)]
)
def test_the_suite(tmp_path, name, conclusion, code):
    suite = tmp_path / "suite"
    suite.mkdir()
    suites.write(suite)
    command = [sys.executable, "-I", "-S", str(suites.FAKES), name, str(suite)]
    (tmp_path / "testee.toml").write_text(f"level = 0\ncommand = {command}\n")
    found, told, summary, errors = run(
        tmp_path, TESTEE="testee.toml", ARGUMENTS=f"--suite {suite} --jobs 1", OUTPUT="o"
    )
    assert (found, told) == (code, {"conclusion": conclusion, "exit-code": str(code)}), errors
    assert conclusion in summary
    names = sorted(path.name for path in (tmp_path / "o").iterdir())
    assert names == ["junit.xml", "report.html", "report.json"]
    # The list of known failures that makes it green again.
    if code:
        known = [f"DARI-V-000{number}:decode it is wrong\n" for number in (1, 3)]
        (tmp_path / "known").write_text("".join(known))
        again = run(
            tmp_path,
            TESTEE="testee.toml",
            ARGUMENTS=f"--suite {suite}",
            KNOWN_FAILURES="known",
        )
        assert again[0] == 0
        assert again[1]["conclusion"] == "incomplete"


def test_a_testee_that_is_not_there(tmp_path):
    code, told, _, _ = run(tmp_path, TESTEE="nobody/testee.toml")
    assert (code, told["conclusion"]) == (2, "not-tested")


@pytest.fixture(scope="module")
def gates(folder, tmp_path_factory):
    """Give a function that runs the action as a workflow in a repository with images would."""
    numbers = itertools.count()

    def gate(**inputs):
        temp = tmp_path_factory.mktemp("runner")
        output = f"results-{next(numbers)}"
        given = {"output": output, "python": sys.executable, **inputs}
        job = github.run(ROOT, folder, temp, **given)
        return job, folder / output

    return gate


@pytest.mark.slow
def test_the_action_on_good_images(gates):
    job, results = gates(images="good*.dari")
    assert job.ok, job.log
    assert job.ran == ["install", "run"]
    assert job.outputs == {"conclusion": "", "exit-code": "0"}
    assert job.summary == "2 images: 2 conform; 0 findings\n"
    (told,) = json.loads((results / "images.sarif").read_text())["runs"]
    assert (told["results"], len(told["artifacts"])) == ([], 2)


@pytest.mark.slow
def test_the_action_on_a_bad_image(gates):
    job, results = gates(images="bad.dari\ngood.dari")
    assert (job.ok, job.ran) == (False, ["install", "run"]), job.log
    assert job.outputs["exit-code"] == "1"
    assert job.summary.startswith("2 images: 1 conform")
    (told,) = json.loads((results / "images.sarif").read_text())["runs"]
    (found,) = told["results"]
    place = found["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("bad.dari")
    assert place["region"]["byteOffset"] <= 300 < sum(place["region"].values())
    assert found["ruleId"] in job.log
    assert "bad.dari" in (results / "images.html").read_text()


@pytest.mark.slow
def test_the_action_on_an_implementation(gates):
    job, results = gates(testee="kaitai", arguments="--only basic/hello --jobs 1")
    assert job.ok, job.log
    assert job.outputs == {"conclusion": "conformant", "exit-code": "0"}
    assert job.summary == "kaitai-python: conformant: 1 pass\n"
    assert json.loads((results / "report.json").read_text())["counts"]["pass"] == 1


@pytest.mark.slow
def test_the_action_without_a_python(gates):
    job, _ = gates(images="good.dari", python="no-such-python")
    assert (job.ok, job.ran) == (False, ["install"])
    assert job.outputs == {"conclusion": "", "exit-code": ""}


def test_the_hook(folder):
    assert re.search(HOOK["files"], "a/b.dari")
    assert not re.search(HOOK["files"], "a/b.darix")
    words = shlex.split(HOOK["entry"])
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "darimage"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m darimage "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}

    def hook(*names):
        return subprocess.run(
            [*words, *names],
            check=False,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )

    good = hook("good.dari", "good too.dari")
    assert (good.returncode, good.stderr) == (0, ""), good.stdout
    bad = hook("bad.dari", "good.dari")
    assert bad.returncode == 1
