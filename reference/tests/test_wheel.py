"""The package as it is installed: everything that its commands need is in the wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest
import yaml

from darimage.conformance.vectors import Suite
from darimage.image.writer import Options, create
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.writing import FileSink

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, *PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", folder]
    subprocess.run([*command, ROOT], check=True)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A fresh environment with the wheel and what is locked for it."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = place / "bin" / "python"
    locked = ROOT / "requirements" / "conformance.txt"
    subprocess.run([python, *PIP, "install", "--require-hashes", "-r", locked], check=True)
    subprocess.run([python, *PIP, "install", "--no-deps", wheel], check=True)
    return place


@pytest.fixture(scope="module")
def call(environment, tmp_path_factory):
    """Give a function that runs a command in a directory far from the repository."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in ("good.dari", "bad.dari"):
        create(MemorySource(Node(mode=0o40755)), FileSink(folder / name), Options())
    with (folder / "bad.dari").open("r+b") as file:
        file.seek(300)
        file.write(b"\1")
    variables = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
    variables["PATH"] = f"{environment / 'bin'}:/usr/bin:/bin"

    def called(*words, code=0):
        done = subprocess.run(
            words, cwd=folder, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    called.folder = folder
    return called


def test_the_wheel_holds_the_package_and_the_suite_alone(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    tops = {name.split("/")[0] for name in names}
    assert tops - {"darimage"} == {name for name in tops if name.endswith(".dist-info")}
    parts = {name.split("/")[2] for name in names if name.startswith("darimage/_suite/")}
    assert parts == {"vectors", "adapters", "schemas", "giants"}
    tracked = subprocess.run(
        ["git", "ls-files", "reference/darimage", "conformance"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    moved = {"reference/darimage": "darimage", "conformance": "darimage/_suite"}
    for path in tracked:
        for there, here in moved.items():
            if path.startswith(f"{there}/"):
                assert path.replace(there, here, 1) in names


def test_validate_writes_all_its_forms(call, environment):
    files = ["r.json", "r.sarif", "junit:r.xml", "r.html", "r.txt"]
    outputs = [word for file in files for word in ("-o", file)]
    told = call("darimage", "validate", *outputs, "good.dari", "bad.dari", code=1)
    assert told.splitlines()[-1].startswith("2 images: 1 conform")
    report = json.loads((call.folder / "r.json").read_text())
    (installed,) = environment.glob("lib/python*/site-packages/darimage")
    schema = (installed / "_suite/schemas/validate-report.schema.json").read_text()
    jsonschema_rs.validator_for(json.loads(schema)).validate(report)
    assert json.loads((call.folder / "r.sarif").read_text())["version"] == "2.1.0"
    assert ET.parse(call.folder / "r.xml").getroot().tag == "testsuites"
    page = (call.folder / "r.html").read_text()
    assert "<style>" in page
    assert "bad.dari" in page


def test_explain_knows_requirements_and_vectors(call):
    told = json.loads(call("darimage", "explain", "--json", "DARI-REC-004"))
    (one,) = told["requirements"]
    assert one["text"]
    assert one["vectors"]


def test_the_suite_is_listed_written_out_and_run(call):
    listed = call("darimage", "conformance", "list").splitlines()
    assert sum("DARI-V-" in line for line in listed) == len(list(Suite()))
    call("darimage", "conformance", "export", "--quiet", "vectors", "basic")
    run = ("darimage", "conformance", "run", "--only", "basic/hello")
    told = call(*run, "--report", "report.json", "darimage")
    assert told.startswith("darimage: conformant: ")
    told = call(*run, "--suite", "vectors", "kaitai")
    assert told == "kaitai-python: conformant: 1 pass\n"
    assert "conformant" in call("darimage", "conformance", "check-report", "report.json")


def test_the_hook_of_pre_commit(call):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["language"] == "python"  # installed just as it is here
    words = hook["entry"].split()
    assert call(*words, "good.dari") == ""
    assert "does not conform" in call(*words, "good.dari", "bad.dari", code=1)
