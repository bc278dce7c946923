"""The how-to about tapes, tried as it is written."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import tapes

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "tapes.rst"
DEVICE = re.compile(r"/dev/n?st[0-9]")


def commands():
    """Return the lines of the page's literal blocks, but those that need a drive."""
    blocks = re.findall(r"::\n\n((?:    .*\n|\n)+)", PAGE.read_text())
    lines = [line.strip() for block in blocks for line in block.splitlines() if line.strip()]
    return [line for line in lines if not DEVICE.search(line)]


@pytest.fixture
def place(tmp_path):
    """A directory with a tree, and ``darimage`` on the path."""
    chance = random.Random(37)
    for name in ("projects/alpha", "projects/beta", "other"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(30):
            (tmp_path / "data" / name / f"f{number}").write_bytes(chance.randbytes(60_000))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "darimage").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m darimage "$@"\n'
    )
    (tmp_path / "bin" / "darimage").chmod(0o755)
    return tmp_path


def run(command, place, *, check=True):
    """Run a line of the shell, or this program with some arguments."""
    environment = {**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}"}
    command = ["sh", "-c", command] if isinstance(command, str) else ["darimage", *command]
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert not check or (done.returncode, done.stderr) == (0, ""), command
    return done


def files_below(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_command_of_the_page_works(place):
    tapes.program("mtdump", "simh")
    told = {line: run(line, place).stdout for line in commands()}
    assert len(told) >= 10
    wanted = files_below(place / "data" / "projects" / "alpha")
    for back in ("back", "back2"):
        assert files_below(place / back / "projects" / "alpha") == wanted
        assert len(files_below(place / back)) == len(wanted)
    assert "not looked at" in told["darimage info tapes:1"]


def test_the_directory_comes_back_without_the_other_tapes(place):
    """As the page says."""
    run(["create", "-q", "--tape-size", "2M", "data", "tapes"], place)
    held = sorted((place / "tapes").glob("*.tap"))
    assert len(held) == 3
    held[1].rename(place / "gone")
    assert run(["list", "tapes", "projects/alpha"], place).stdout.count("\n") == 31
    codes = [
        run(["restore", "tapes", f"out{at}", name], place, check=False).returncode
        for at, name in enumerate(("other", "projects/alpha", "projects/beta"))
    ]
    assert sorted(codes) == [0, 1, 1]
