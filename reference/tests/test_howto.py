"""The how-tos on validating, gating and certifying: each command, tried as it is written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support import suites

from darimage.image.writer import Options, create
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.writing import FileSink

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("howto/vendors", "howto/ci", "howto/certify", "conformance/running")


def commands(page):
    """Return the command lines of a page, in its order."""
    text = (DOCS / f"{page}.rst").read_text()
    blocks = re.findall(r"::\n\n((?:    .*\n|\n)+)", text)
    lines = [line for block in blocks for line in textwrap.dedent(block).splitlines()]
    return [line for line in lines if line.startswith("darimage ")]


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A directory with ``darimage``, as it is once it is installed."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "darimage"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m darimage "$@"\n')
    program.chmod(0o755)
    return folder


@pytest.fixture
def folder(tmp_path):
    """A fresh directory with what the pages take for granted: images and a testee."""
    for name in ("ours.img", "other.img"):
        create(MemorySource(Node(mode=0o40755)), FileSink(tmp_path / name), Options())
    known = tmp_path / "known-suite"
    known.mkdir()
    suites.write(known)
    words = [sys.executable, "-I", "-S", str(suites.FAKES), "rejects_all", str(known)]
    for home in (tmp_path / "mine", tmp_path / "mydecoder"):
        home.mkdir()
        adapter = home / "adapter"
        adapter.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        adapter.chmod(0o755)
        toml = re.search(r"   command = .*?\n\n   \[.*?\n\n", certify(), re.DOTALL)[0]
        (home / "testee.toml").write_text(textwrap.dedent(toml))
        (home / "known-failures.txt").write_text("DARI-V-0009:decode it refuses all\n")
    return tmp_path


def certify():
    return (DOCS / "howto/certify.rst").read_text()


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_a_page_does_what_it_says(page, folder, programs):
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    lines = commands(page)
    assert lines
    for line in lines:
        # A decoder that is a single file, as the page has it there.
        line = line.replace("./mydecoder", "./mydecoder/adapter").replace("DIRECTORY", "written")
        if "conformance run" in line and "--only" not in line:
            line = line.replace("conformance run", "conformance run --only 'basic/h*'", 1)
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # Of the suite only some cases were run, above: a report of a part is no pass.
        is_part = "check-report" in line and "--suite" in line
        assert not is_part or "partial" in done.stderr
        refuses = "conformance run" in line or is_part
        assert done.returncode in ((0, 1) if refuses else (0,)), (line, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        if "conformance run" in line and "known-failures" not in line:
            assert "rejected, expected accepted" in done.stdout
