"""docs/reference/json.rst names the keys of every JSON answer, no more and no fewer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs/reference/json.rst"
# Arguments behind the image, by command.
COMMANDS = {
    "create": [],
    "list": [],
    "info": [],
    "restore": ["DESTINATION"],
    "verify": [],
    "dump-record": ["0"],
    "explain": ["DARI-REC-004"],
    "validate": [],
}
WITHOUT_IMAGE = ("explain",)


def documented(command: str) -> set[str]:
    """Returns the keys that the section of a command describes."""
    pattern = rf"(?ms)^{command}\n-+\n(.*?)(?=^\S+\n-+$|\Z)"
    section = re.search(pattern, PAGE.read_text())
    assert section, f"no section {command}"
    terms = [line for line in section[1].splitlines() if line.startswith("``")]
    return set(re.findall(r"``(\w+)``", " ".join(terms)))


def answer(command: str, *arguments: str | Path) -> dict[str, Any]:
    words = [sys.executable, "-m", "darimage", command, "--json", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("json")
    source = folder / "tree"
    source.mkdir()
    (source / "file").write_bytes(b"contents")
    (source / "link").symlink_to("file")
    image = folder / "tree.dari"
    answer("create", source, image)
    return image


@pytest.mark.parametrize("command", COMMANDS)
def test_keys(command: str, image: Path, tmp_path: Path) -> None:
    if command == "create":
        found = answer("create", image.with_name("tree"), tmp_path / "again.dari")
    else:
        rest = [word.replace("DESTINATION", str(tmp_path)) for word in COMMANDS[command]]
        found = answer(command, *(() if command in WITHOUT_IMAGE else (image,)), *rest)
    assert found.keys() == documented(command)


@pytest.mark.parametrize(
    ("command", "items"),
    [("list", "entries"), ("info", "parts"), ("explain", "requirements"), ("validate", "images")],
)
def test_keys_of_items(command: str, items: str, image: Path) -> None:
    text = PAGE.read_text()
    arguments = [image] if command not in WITHOUT_IMAGE else COMMANDS[command]
    keys = {key for item in answer(command, *arguments)[items] for key in item}
    assert keys
    assert {key for key in keys if f"``{key}``" not in text} == set()
