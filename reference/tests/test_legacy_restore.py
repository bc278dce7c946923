"""Debian's old `restore` as the judge of our images, beside `dump`'s own image of the same tree.

The rule: same tree as the source, same exit code as on dump's image, and no message that dump's
image does not bring about as well, but one line for each section in -r and -C.

Known faults of the judge (0.4b47, measured here), which nothing in an image can mend:

- Names of 255 bytes: the length of their directory entry is computed in 8 bits (255 + 1 is 0), so
  `dump` overwrites and `restore` cuts the name off. 0.4b49 and 0.4b56 do the same.
- Device numbers are a signed int: minors of 524,288 and more cannot be made (EINVAL).
- Times are 32 bits, read without a sign: before 1970 becomes after 2038.
- `-r` and `-C` look through all names of a directory for each new one: 100,000 entries take a
  minute, so that size runs with -t, -x and -i, a smaller one with -r and -C (and both as slow).
- 0.4b49 and later compare holes too: `-C` complains about each file that ends in a hole, since an
  image always has a file's last block (BSD readers would cut the file off), and ends with 2.
- 0.4b49 and later lose a file's capability, from images of `dump` as well.

Known faults of `dump`'s images, which ours must not have:

- Devices whose major or minor is above 255 lose both numbers.
- `-C` complains about symbolic links of 60 bytes and more: dump stores ext4's extent flag with
  them, and restore cannot ask a link for its flags.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from support import legacy, trees
from support.compare import Difference, Options, compare_trees, to_second_32
from support.workbench import (
    DUMPS,
    OURS,
    Case,
    Workbench,
    lines_listed,
    lines_of,
    open_case,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("every_restore")]

#: Sections of an image: NT ACLs in front, offset map, NT ACLs trailing.
SECTIONS = 3

MODES = ("t", "x", "i", "r", "C")
QUADRATIC_MODES = ("r", "C")

#: (tree, its sizes, its modes).
SUBJECTS: tuple[tuple[str, dict[str, int], tuple[str, ...]], ...] = (
    ("stdlib", {}, MODES),
    ("kinds", {}, MODES),
    ("deep", {}, MODES),
    ("sizes", {}, MODES),
    ("sparse", {}, MODES),
    ("sparse", {"block_size": 1024}, MODES),
    ("wide", {}, ("t", "x", "i")),
    ("wide", {"entries": 10_000}, QUADRATIC_MODES),
)

LOST_BY_DUMP = {
    (b"devices/c-136-300", "device"),
    (b"devices/b-300-70000", "device"),
    (b"devices/b-4095-524287", "device"),
}

COMPLAINTS_OF_DUMP = re.compile(
    r"\./symlinks/\d+: flags changed from 0x00080000 to 0x00000000\."
    r"|\./devices/\S+: device changed from 0,0 to \d+,\d+\."
)


def _subjects() -> list[object]:
    return [
        pytest.param(
            name,
            sizes,
            mode,
            id="-".join([name, *map(str, sizes.values()), mode]),
            marks=pytest.mark.xdist_group(name),
        )
        for name, sizes, modes in SUBJECTS
        for mode in modes
    ]


def _assert_ours_is_as_good(case: Case, mode: str, timeout: float = 120.0) -> None:
    ours = case.verdict(OURS, mode, timeout)
    theirs = case.verdict(DUMPS, mode, timeout)

    assert not ours.run.timed_out
    sections = SECTIONS if mode in QUADRATIC_MODES else 0
    assert ours.run.section_lines == sections, ours.run.stderr
    more = ours.run.other_messages - theirs.run.messages
    ends = legacy.of_last_blocks(more, case.source) if mode == "C" else set()
    assert not set(more) - ends, ours.run.stderr

    faults_of_dump = [line for line in theirs.run.messages if COMPLAINTS_OF_DUMP.fullmatch(line)]
    assert ours.run.rc == (2 if ends else 0 if faults_of_dump else theirs.run.rc)
    _assert_same_tree(ours.differences)
    if mode == "t":
        assert lines_listed(ours.run.stdout) == lines_of(case.source)


def _assert_same_tree(differences: tuple[Difference, ...]) -> None:
    assert not differences, "\n".join(map(str, differences[:20]))


@pytest.mark.parametrize(("tree", "sizes", "mode"), _subjects())
def test_ours_as_good_as_dumps(
    workbench: Workbench, tree: str, sizes: dict[str, int], mode: str
) -> None:
    _assert_ours_is_as_good(workbench.case(tree, **sizes), mode)


@pytest.mark.parametrize(("tree", "sizes", "mode"), _subjects())
def test_judge_reads_dumps_own_image(
    workbench: Workbench, tree: str, sizes: dict[str, int], mode: str
) -> None:
    case = workbench.case(tree, **sizes)

    theirs = case.verdict(DUMPS, mode)

    assert not theirs.run.timed_out
    assert theirs.run.section_lines == 0
    lost = {(difference.path, difference.kind) for difference in theirs.differences}
    assert lost == (LOST_BY_DUMP if tree == "kinds" and mode in "xir" else set())
    if mode == "t":
        assert lines_listed(theirs.run.stdout) == lines_of(case.source)
    if mode == "C":
        complaints = [line for line in theirs.run.messages if COMPLAINTS_OF_DUMP.fullmatch(line)]
        assert set(theirs.run.messages) == set(complaints)
        assert theirs.run.rc == (2 if complaints else 0)
        assert bool(complaints) == (tree == "kinds")
    else:
        assert theirs.run.rc == 0


@pytest.mark.xdist_group("stdlib")
@pytest.mark.parametrize("origin", [OURS, DUMPS])
@pytest.mark.parametrize("mode", ["x", "i"])
@pytest.mark.parametrize("name", ["json", "json/decoder.py", "this.py"])
def test_only_what_is_asked_for_comes_back(
    workbench: Workbench, origin: str, mode: str, name: str
) -> None:
    case = workbench.case("stdlib")
    with legacy.scratch_directory() as target:
        run = legacy.restore(mode, case.image(origin), target, name)

        assert run.rc == 0
        assert run.section_lines == 0
        assert os.listdir(target) == [name.split("/", maxsplit=1)[0]]
        if not (case.source / name).is_dir():
            assert (target / name).read_bytes() == (case.source / name).read_bytes()
            return
        options = Options(mtime=to_second_32)
        assert not compare_trees(case.source / name, target / name, options)


@pytest.mark.xdist_group("stdlib")
@pytest.mark.parametrize("origin", [OURS, DUMPS])
def test_listing_of_one_directory(workbench: Workbench, origin: str) -> None:
    case = workbench.case("stdlib")

    run = legacy.restore("t", case.image(origin), case.source, "json")

    assert run.rc == 0
    assert not run.messages
    listed = {line.partition("\t")[2] for line in run.stdout.splitlines() if "\t" in line}
    names = {f"./json/{name}" for name in os.listdir(case.source / "json")}
    assert listed - {"."} == names | {"./json"}


@pytest.mark.xdist_group("sizes")
@pytest.mark.parametrize("origin", [OURS, DUMPS])
def test_from_a_pipe(workbench: Workbench, origin: str) -> None:
    case = workbench.case("sizes")
    command = [legacy.program("restore"), "-r", "-y", "-f", "-"]
    with legacy.scratch_directory() as target:
        run = legacy.run(command, target, case.image(origin).read_bytes())

        assert run.rc == 0
        assert run.section_lines == (SECTIONS if origin == OURS else 0)
        # With the image on its stdin restore asks a terminal, and runs here have none.
        assert all("cannot open /dev/tty" in line for line in run.other_messages)
        options = Options(mtime=to_second_32, ignore=(b"restoresymtable",))
        assert not compare_trees(case.source, target, options)


@pytest.mark.xdist_group("changed")
@pytest.mark.parametrize("origin", [OURS, DUMPS])
def test_compare_reports_a_changed_file(origin: str) -> None:
    with open_case("sizes", file_system=64 * trees.MIB) as case:
        image = case.image(origin)
        with (case.source / "000001024").open("r+b") as file:
            before = file.read(1)
            file.seek(0)
            file.write(bytes([before[0] ^ 1]))
        os.truncate(case.source / "000001025", 1000)
        (case.source / "000001023").chmod(0o600)

        run = legacy.restore("C", image, case.source)

        assert run.rc == 2
        assert run.section_lines == (SECTIONS if origin == OURS else 0)
        assert set(run.other_messages) == {
            "./000001024: tape and disk copies are different",
            "./000001025: size has changed.",
            "./000001023: mode changed from 0644 to 0600.",
        }
        assert "3 compare errors" in run.stdout


@pytest.mark.xdist_group("names_255")
@pytest.mark.parametrize("mode", MODES)
def test_names_of_255_bytes_are_lost_by_the_judge_alone(workbench: Workbench, mode: str) -> None:
    """The judge's own fault must stay where it is: all shorter names come back, and no crash."""
    case = workbench.case("names_255")
    ours, theirs = case.verdict(OURS, mode), case.verdict(DUMPS, mode)

    assert ours.run.rc == theirs.run.rc
    assert not ours.run.timed_out
    for verdict in (ours, theirs):
        touched = {difference.path.split(b"/")[0] for difference in verdict.differences}
        assert touched <= {b"files", b"folders"}
        assert b"files/a-neighbour" not in {difference.path for difference in verdict.differences}


@pytest.mark.xdist_group("beyond")
def test_what_the_old_fields_cannot_hold_does_not_stop_a_backup(tmp_path: Path) -> None:
    with open_case("beyond", file_system=64 * trees.MIB) as case:
        image = tmp_path / "image"
        made = legacy.darimage("create", case.source, image)
        assert made.rc in (0, 1)
        assert "Traceback" not in made.stderr

        with legacy.scratch_directory() as target:
            assert legacy.restore("x", image, target).rc == 0
            differences = compare_trees(case.source, target, Options(mtime=None))
            found = {(difference.path, difference.kind) for difference in differences}
            assert found == {(b"highest-device", "missing")}


@pytest.mark.slow
@pytest.mark.xdist_group("wide")
@pytest.mark.parametrize("mode", QUADRATIC_MODES)
def test_wide_in_full(workbench: Workbench, mode: str) -> None:
    _assert_ours_is_as_good(workbench.case("wide"), mode, timeout=900.0)


# -C is left out for the terabyte: it reads every KiB of the holes on disk, which takes far longer
# than the rest together; restore of 0.4b47 needs two minutes for each of -x and -r.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("tree", "file_system", "modes"),
    [
        ("big_5gib", 6 * trees.GIB, ("t", "x", "r", "C")),
        ("sparse_1tib", trees.GIB, ("t", "x", "r")),
    ],
)
def test_huge_files(tree: str, file_system: int, modes: tuple[str, ...]) -> None:
    with open_case(tree, file_system=file_system, on_disk=True) as case:
        for mode in modes:
            _assert_ours_is_as_good(case, mode, timeout=1800.0)
