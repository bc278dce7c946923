"""Each point of docs/howto/operators.rst on what may go wrong is shown by a test.

Those on trees that change are in test_howto_living.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/howto/operators.rst"
SECTIONS = (
    "The base of an increment",
    "Where something is already",
)

EACH_CALL = "test_each_call.test_whatever_fails_the_old_is_whole_or_the_new"

SHOWN = {
    "The base is looked at": "test_outputs.TestCatalogue."
    "test_nothing_builds_on_a_base_that_is_not_what_it_was",
    "``--force`` does not replace": "test_outputs.TestCatalogue."
    "test_what_others_build_on_is_replaced_only_if_that_is_meant",
    "A tree with another path": "test_outputs.TestCatalogue.test_a_tree_that_moved_goes_on",
    "A file that is there stays": "test_restore_in_place.test_by_default_all_stays_and_is_reported",
    "``--existing skip`` leaves": "test_restore_in_place.test_only_what_is_older_is_replaced",
    "The new file is written beside": EACH_CALL,
    "What is not whole replaces": "test_restore_in_place."
    "test_what_is_not_whole_replaces_only_if_that_is_meant",
    "Directories that are there": "test_restore_in_place."
    "test_directories_that_are_there_keep_what_they_have",
    "A symbolic link in the place": "test_restore_in_place.test_a_link_in_the_place_of_a_directory",
    "A destination that gives all": "test_operators.test_one_owner_for_all",
    "An empty SELECTION": "test_restore_in_place.test_an_empty_selection_is_refused",
}


def sentences():
    """Yield the points of the sections."""
    text = PAGE.read_text()
    for title in SECTIONS:
        section = text.split(f"\n{title}\n", 1)[1]
        section = re.split(r"\n[^\n]+\n[-=]{4,}\n", section.split("\n", 1)[1], maxsplit=1)[0]
        for point in section.split("\n- ")[1:]:
            yield " ".join(point.split())


def test_each_has_a_test():
    points = list(sentences())
    assert len(points) == len(SHOWN)
    for point in points:
        (name,) = (name for start, name in SHOWN.items() if point.startswith(start))
        module, *path = name.split(".")
        found = importlib.import_module(module)
        for part in path:
            found = getattr(found, part)


@pytest.mark.skipif(Path("/usr/sbin/mkntfs").exists() is False, reason="ntfs-3g is not here")
def test_one_owner_for_all(tmp_path):
    import os
    import shutil
    import subprocess

    from support import legacy

    if os.geteuid() != 0 or not shutil.which("ntfs-3g"):
        pytest.skip("mounting needs root and ntfs-3g")
    disk, point = tmp_path / "disk", tmp_path / "point"
    point.mkdir()
    with disk.open("wb") as file:
        file.truncate(30 << 20)
    subprocess.run(["mkntfs", "-q", "-F", disk], check=True, capture_output=True)
    mounted = subprocess.run(
        ["ntfs-3g", disk, point, "-o", "uid=1000,gid=1000"], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("ntfs-3g cannot mount here")
    try:
        source = tmp_path / "source"
        source.mkdir()
        for number in range(3):
            (source / f"f{number}").write_text(f"data{number}")
        assert legacy.darimage("create", "-q", source, tmp_path / "x").rc == 0
        run = legacy.darimage("restore", "-q", "--no-owner", tmp_path / "x", point / "out")
        assert run.rc == 0, run
        (point / "out/f0").write_text("other")
        again = ["restore", "-q", "--no-owner", "--overwrite", tmp_path / "x", point / "out"]
        assert legacy.darimage(*again).rc == 0
        for number in range(3):
            assert (point / f"out/f{number}").read_text() == f"data{number}"
    finally:
        subprocess.run(["umount", point], check=False, capture_output=True)
