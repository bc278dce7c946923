"""Images that real `dump` 0.4b47 makes, and other dialects of them, decode to the same tree.

What `dump` itself leaves out cannot come back and is said here: times have whole seconds and 32
bits (it writes no microseconds), devices with a major or minor above 255 lose both numbers, and
of names with 255 bytes only the last in a directory chunk is kept.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support import dialect, legacy, trees
from support.compare import Options, compare_trees, to_second_32
from support.workbench import Workbench, open_case, paths_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.root

SUBJECTS: tuple[tuple[str, dict[str, int]], ...] = (
    ("stdlib", {}),
    ("kinds", {}),
    ("wide", {}),
    ("deep", {}),
    ("deep_long", {}),
    ("sizes", {}),
    ("sparse", {}),
    ("sparse", {"block_size": 1024}),
)

SMALL_SUBJECTS = ("stdlib", "kinds", "deep", "sizes", "sparse")

LARGE_DEVICES = {b"devices/c-136-300", b"devices/b-300-70000", b"devices/b-4095-524287"}


def _parameters() -> list[object]:
    return [
        pytest.param(
            name,
            sizes,
            id="-".join([name, *map(str, sizes.values())]),
            marks=pytest.mark.xdist_group(name),
        )
        for name, sizes in SUBJECTS
    ]


def _small_parameters() -> list[object]:
    return [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in SMALL_SUBJECTS]


def _assert_decodes(image: Path, source: Path) -> None:
    with legacy.scratch_directory() as target:
        run = legacy.darimage("restore", "--overwrite-dir", image, target)

        assert run.rc == 0, run.stderr[-2000:]
        differences = compare_trees(source, target, Options(mtime=to_second_32))
        lost_by_dump = {(path, "device") for path in LARGE_DEVICES}
        others = [found for found in differences if (found.path, found.kind) not in lost_by_dump]
        assert not others, "\n".join(map(str, others[:20]))


def _paths_in(found: object) -> Iterator[bytes]:
    """Every value of a key `path` in a JSON answer, however it is nested, relative to the root."""
    if isinstance(found, list):
        for item in found:
            yield from _paths_in(item)
    elif isinstance(found, dict):
        if "path_hex" in found:
            yield bytes.fromhex(found["path_hex"])
            return
        for key, value in found.items():
            if key == "path" and isinstance(value, str):
                yield os.fsencode(value)
            else:
                yield from _paths_in(value)


@pytest.mark.parametrize(("tree", "sizes"), _parameters())
def test_restore_of_a_real_dump(workbench: Workbench, tree: str, sizes: dict[str, int]) -> None:
    case = workbench.case(tree, **sizes)
    _assert_decodes(case.dump_image, case.source)


@pytest.mark.parametrize("suite", legacy.SUITES)
@pytest.mark.parametrize("tree", _small_parameters())
def test_restore_of_a_dump_of_another_suite(
    workbench: Workbench, tmp_path: Path, tree: str, suite: str
) -> None:
    """0.4b49 and later describe runs of blocks where 0.4b47 describes each block."""
    case = workbench.case(tree)
    image = tmp_path / "newer.dump"

    legacy.dump_tree(case.source, image, command=legacy.of_suite("dump", suite))

    _assert_decodes(image, case.source)


@pytest.mark.parametrize(("tree", "sizes"), _parameters())
def test_list_of_a_real_dump_holds_every_path(
    workbench: Workbench, tree: str, sizes: dict[str, int]
) -> None:
    case = workbench.case(tree, **sizes)

    run = legacy.darimage("list", "--json", case.dump_image)

    assert run.rc == 0, run.stderr[-2000:]
    listed = Counter(path for path in _paths_in(json.loads(run.stdout)) if path not in (b"", b"."))
    assert listed == Counter(paths_below(case.source))


@pytest.mark.xdist_group("stdlib")
@pytest.mark.parametrize("name", ["json", "json/decoder.py"])
def test_selection_from_a_real_dump(workbench: Workbench, name: str) -> None:
    case = workbench.case("stdlib")
    with legacy.scratch_directory() as target:
        run = legacy.darimage("restore", "--overwrite-dir", case.dump_image, target, name)

        assert run.rc == 0, run.stderr[-2000:]
        assert os.listdir(target) == ["json"]
        if (case.source / name).is_dir():
            options = Options(mtime=to_second_32)
            assert not compare_trees(case.source / name, target / name, options)
        else:
            assert (target / name).read_bytes() == (case.source / name).read_bytes()


@pytest.mark.parametrize("ntrec", [1, 32, 1024])
@pytest.mark.xdist_group("sizes")
def test_other_tape_blocks(workbench: Workbench, tmp_path: Path, ntrec: int) -> None:
    case = workbench.case("sizes")
    image = tmp_path / "blocked.dump"
    legacy.dump_tree(case.source, image, ntrec=ntrec)
    assert image.stat().st_size % (ntrec * 1024) == 0

    _assert_decodes(image, case.source)


@pytest.mark.xdist_group("kinds")
def test_dump_of_a_subtree(workbench: Workbench, tmp_path: Path) -> None:
    case = workbench.case("kinds")
    image = tmp_path / "subtree.dump"
    legacy.dump_tree(case.source / "names", image)
    with legacy.scratch_directory() as target:
        run = legacy.darimage("restore", "--overwrite-dir", image, target)

        assert run.rc == 0, run.stderr[-2000:]
        assert os.listdir(target) == ["names"]
        options = Options(mtime=to_second_32)
        assert not compare_trees(case.source / "names", target / "names", options)


@pytest.mark.xdist_group("attributes")
def test_dump_with_extended_attributes(tmp_path: Path) -> None:
    """Attribute blocks after files and directories, inside and outside the ext4 inode.

    Shows DARI-XAT-014.
    """
    with open_case("sizes", file_system=64 * trees.MIB) as case:
        os.setxattr(case.source / "000000000", "user.short", b"v")
        os.setxattr(case.source / "000001024", "user.long", b"v" * 3000)
        os.setxattr(case.source / "000524289", "trusted.two", b"\0\xff" * 10)
        os.mkdir(case.source / "folder")
        os.setxattr(case.source / "folder", "user.folder", b"w" * 200)
        os.setxattr(case.source, "user.root", b"r")
        image = case.plain_dump_image
        blocks = [piece.is_extended_attributes for piece in dialect.pieces(image.read_bytes())]
        assert sum(blocks) == 5

        _assert_decodes(image, case.source)


def _written(image: Path, make: Callable[[Path, Path], object], tmp_path: Path) -> Path:
    target = tmp_path / "dialect.dump"
    made = make(image, target)
    assert made is None or made, "the dialect differs in nothing from the dump"
    return target


@pytest.mark.parametrize("tree", _small_parameters())
def test_big_endian_copy_is_a_dump_to_the_judge(
    workbench: Workbench, tmp_path: Path, tree: str
) -> None:
    case = workbench.case(tree)
    image = _written(case.plain_dump_image, dialect.to_big_endian, tmp_path)

    swapped = legacy.restore("t", image, tmp_path)

    plain = legacy.restore("t", case.plain_dump_image, tmp_path)
    assert (swapped.rc, swapped.stdout, swapped.stderr) == (plain.rc, plain.stdout, plain.stderr)
    with legacy.scratch_directory() as target:
        assert legacy.restore("x", image, target).rc == 0
        differences = compare_trees(case.source, target, Options(mtime=to_second_32))
        assert {found.path for found in differences} <= LARGE_DEVICES


@pytest.mark.parametrize("tree", _small_parameters())
def test_big_endian_copy_decodes(workbench: Workbench, tmp_path: Path, tree: str) -> None:
    case = workbench.case(tree)
    image = _written(case.plain_dump_image, dialect.to_big_endian, tmp_path)
    _assert_decodes(image, case.source)


@pytest.mark.parametrize("make", [dialect.to_run_coded, dialect.to_run_coded_in_place])
@pytest.mark.parametrize("tree", _small_parameters())
def test_run_coded_copy_decodes(
    workbench: Workbench, tmp_path: Path, tree: str, make: Callable[[Path, Path], int]
) -> None:
    """As 0.4b49 and later write it; `restore` 0.4b49 and 0.4b56 were seen to read these copies."""
    case = workbench.case(tree)
    image = _written(case.plain_dump_image, make, tmp_path)
    _assert_decodes(image, case.source)


@pytest.mark.xdist_group("names_255")
def test_names_lost_by_dump_end_in_a_clear_answer(workbench: Workbench) -> None:
    case = workbench.case("names_255")
    with legacy.scratch_directory() as target:
        run = legacy.darimage("restore", "--overwrite-dir", case.dump_image, target)

        assert run.rc in (0, 1)
        assert not run.timed_out
        assert "Traceback" not in run.stderr
        options = Options(mtime=to_second_32)
        assert not compare_trees(case.source / "plain", target / "plain", options)


@pytest.mark.parametrize(
    ("present", "coded"),
    [
        (b"", ""),
        (b"\0", "00"),
        (b"\1", "01"),
        (b"\1" * 64, "7f"),
        (b"\1" * 65, "8100"),
        (b"\0" * 128, "fe00"),
        (b"\0" * 129, "8001"),
        (b"\1" * 2930, "e32c"),  # as a real 0.4b49 dump holds it
        (b"\1" * 16448, "ffff"),
        (b"\1" * 16449, "ffff01"),
        (b"\1\1\0\1", "030001"),
    ],
)
def test_run_coding(present: bytes, coded: str) -> None:
    assert dialect.encode_runs(present).hex() == coded


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tree", "file_system"), [("big_5gib", 6 * trees.GIB), ("sparse_1tib", trees.GIB)]
)
def test_huge_files(tree: str, file_system: int) -> None:
    with (
        open_case(tree, file_system=file_system, on_disk=True) as case,
        legacy.scratch_directory(on_disk=True) as target,
    ):
        assert shutil.disk_usage(target).free > 3 * file_system
        run = legacy.darimage("restore", "--overwrite-dir", case.dump_image, target, timeout=1800.0)
        assert run.rc == 0, run.stderr[-2000:]
        assert not compare_trees(case.source, target, Options(mtime=to_second_32))
