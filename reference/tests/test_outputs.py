"""What a command writes destroys nothing that somebody needs, and says in time what it cannot."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time

import pytest
from support import legacy

from darimage.errors import UsageError
from darimage.volumes import beside


@pytest.fixture
def made(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_bytes(b"secret" * 5000)
    assert legacy.darimage("create", "-q", source, tmp_path / "x.dari").rc == 0
    return tmp_path


def called(folder, *arguments):
    return legacy.run([sys.executable, "-m", "darimage", *map(os.fspath, arguments)], folder)


def darimage(*arguments, **options):
    command = [sys.executable, "-m", "darimage", *map(os.fspath, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize(
    "command",
    [
        ["validate", "-o", "html:{}", "x.dari"],
        ["validate", "--write-baseline", "{}", "x.dari"],
        ["validate", "-o", "junit:{}", "x.dari"],
        ["restore", "--plan", "--drive", "lto-5", "--picture", "{}", "x.dari", "out"],
    ],
)
@pytest.mark.parametrize("target", ["x.dari", "other.dari", "hard", "t.tap", "link", "fifo", "dir"])
def test_nothing_is_written_over_an_image_or_through_a_name(made, command, target):
    (made / "other.dari").write_bytes((made / "x.dari").read_bytes())
    os.link(made / "x.dari", made / "hard")
    assert legacy.darimage("create", "-q", made / "source", made / "t.tap").rc == 0
    (made / "link").symlink_to(made / "new")
    os.mkfifo(made / "fifo")
    (made / "dir").mkdir()
    before = {name: (made / name).read_bytes() for name in ("x.dari", "other.dari", "t.tap")}
    run = called(made, *(word.format(target) for word in command))
    assert run.rc == 2, run
    assert target in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
    assert {name: (made / name).read_bytes() for name in before} == before
    assert not (made / "new").exists()


def test_a_report_replaces_a_report(made):
    report = made / "report.json"
    report.write_text("{}")
    assert legacy.darimage("validate", "-q", "-o", report, made / "x.dari").rc == 0
    assert '"images"' in report.read_text()
    assert not [name for name in os.listdir(made) if name.startswith(".")]


def test_images_are_for_their_owner_alone(made):
    os.umask(os.umask(0o022))
    for arguments in (
        ["a.dari"],
        ["b.tap"],
        ["--volume-size", "1M", "v"],
        ["--tape-size", "1M", "tapes"],
        ["--level", "0", "--catalog", "catalog/c", "l.dari"],
    ):
        *options, image = arguments
        run = called(made, "create", "-q", *options, made / "source", image)
        assert run.rc == 0, run
    names = ["a.dari", "b.tap", "v001", "tapes/tape001.tap", "tapes/tapes.json", "catalog/c"]
    for name in [*names, "l.dari"]:
        assert stat.S_IMODE((made / name).stat().st_mode) == 0o600, name
    assert called(made, "create", "-q", "--mode", "640", "source", "m.dari").rc == 0
    assert stat.S_IMODE((made / "m.dari").stat().st_mode) == 0o640
    assert called(made, "create", "--mode", "9", "source", "n.dari").rc == 2


def test_an_image_does_not_take_in_the_file_that_it_is_written_to(made):
    with (made / "source/y.dari").open("wb") as out:
        process = darimage("create", "-q", made / "source", "-", stdout=out)
        assert process.communicate()[1] == ""
    assert process.returncode == 0
    assert legacy.darimage("list", made / "source/y.dari").stdout == ".\nfile\n"


def test_an_image_is_not_written_to_a_terminal(made):
    main, other = os.openpty()
    process = darimage("create", made / "source", "-", stdout=other)
    assert "is a terminal" in process.communicate()[1]
    assert process.returncode == 2
    os.close(main)
    os.close(other)


def test_what_is_ignored_stays_ignored(made):
    process = subprocess.run(
        ["nohup", sys.executable, "-m", "darimage", "create", "-q", "source", "n.dari"],
        cwd=made,
        capture_output=True,
        check=False,
    )
    assert process.returncode == 0


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("image", ["-", "c.dari"])
def test_closed_streams_get_no_image(made, closed, image):
    shut = " ".join(f"{number}>&-" for number in closed)
    command = (
        f"{sys.executable} -m darimage create -q --level 0 --catalog cat source {image} {shut}"
    )
    run = subprocess.run(["sh", "-c", command], cwd=made, capture_output=True, check=False)
    lost = image == "-" and 1 in closed
    assert run.returncode == (3 if lost else 0), run
    assert (made / "cat-lock").stat().st_size == 0 if (made / "cat-lock").exists() else lost


def test_a_log_on_a_full_disk_does_not_change_the_code(made):
    for arguments, code in ((["info", "none"], 3), (["verify", "x.dari"], 0)):
        with open("/dev/full", "w") as full:
            run = subprocess.run(
                [sys.executable, "-m", "darimage", *arguments],
                cwd=made,
                stdout=subprocess.DEVNULL,
                stderr=full,
                check=False,
            )
        assert run.returncode == code


def test_an_answer_on_a_full_disk_is_a_failure(made):
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "darimage", "list", "x.dari"],
            cwd=made,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert run.returncode == 3
    assert len(run.stderr.splitlines()) == 1


def test_inputs_are_known_by_any_name(tmp_path):
    (tmp_path / "in").write_text("input")
    os.link(tmp_path / "in", tmp_path / "out")
    with pytest.raises(UsageError, match="is what is read"):
        beside.write(tmp_path / "out", "x", [tmp_path / "in"])
    assert (tmp_path / "in").read_text() == "input"


class TestCatalogue:
    """Bases that are gone or others, images that others build on, trees that moved."""

    @pytest.fixture
    def create(self, made):
        def create(*arguments):
            time.sleep(0.02)
            catalog = ["--catalog", made / "catalog"]
            return called(made, "create", "-q", *catalog, *arguments)

        assert create("--level", "0", "source", "0.dari").rc == 0
        return create

    @pytest.mark.parametrize("how", ["gone", "another", "cut"])
    def test_nothing_builds_on_a_base_that_is_not_what_it_was(self, made, create, how):
        base = made / "0.dari"
        if how == "gone":
            base.rename(made / "away")
        elif how == "another":
            base.write_bytes((made / "x.dari").read_bytes())
        else:
            os.truncate(base, base.stat().st_size - 10240)
        run = create("--level", "1", "source", "1.dari")
        assert run.rc == 2
        assert "0.dari" in run.stderr
        assert "--base-unseen" in run.stderr
        assert not (made / "1.dari").exists()
        assert create("--level", "1", "--base-unseen", "source", "1.dari").rc == 0

    def test_a_base_is_not_replaced_by_what_builds_on_it(self, made, create):
        before = (made / "0.dari").read_bytes()
        for options in (["--force"], ["--force", "--force-chain"]):
            run = create("--level", "1", *options, "source", "0.dari")
            assert run.rc == 2
            assert (made / "0.dari").read_bytes() == before

    def test_what_others_build_on_is_replaced_only_if_that_is_meant(self, made, create):
        assert create("--level", "1", "source", "1.dari").rc == 0
        before = (made / "0.dari").read_bytes()
        refused = create("--level", "0", "--force", "source", "0.dari")
        assert (refused.rc, (made / "0.dari").read_bytes()) == (2, before)
        assert "1.dari" in refused.stderr
        assert create("--level", "0", "--force", "--force-chain", "source", "0.dari").rc == 0
        shown = called(made, "catalog", "show", "--catalog", "catalog", "source")
        assert "1.dari" not in shown.stdout
        assert create("--level", "1", "source", "2.dari").rc == 0

    def test_a_tree_that_moved_goes_on(self, made, create):
        (made / "source").rename(made / "moved")
        (made / "moved/more").write_text("more")
        assert create("--level", "1", "moved", "1.dari").rc == 2
        run = create("--level", "1", "--as-set", "source", "moved", "1.dari")
        assert run.rc == 0, run
        back = called(made, "restore", "--chain", "0.dari", "1.dari", "out")
        assert back.rc == 0
        assert sorted(os.listdir(made / "out")) == ["file", "more"]
        assert called(made, "list", "1.dari").stdout == ".\nmore\n"
        assert create("--level", "2", "moved", "2.dari").rc == 0
        for other in ("none", "source"):
            refused = create("--level", "1", "--as-set", other, "moved", "3.dari")
            assert refused.rc == 2
            assert "a backup set of its own" in refused.stderr
