"""Every way a run can end: signals, streams that take nothing, and what is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress

import pytest

PROGRAM = [sys.executable, "-m", "darimage"]
CODES = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGQUIT: 131, signal.SIGTERM: 143}
WORDS = {signal.SIGHUP: "hung up", signal.SIGINT: "interrupted"} | {
    signal.SIGQUIT: "quit",
    signal.SIGTERM: "terminated",
}


def default_signals():
    for number in CODES:
        signal.signal(number, signal.SIG_DFL)


def start(*arguments, before=default_signals, **options):
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=before,  # noqa: PLW1509
        start_new_session=True,
        **options,
    )


def run(*arguments, shell="", **options):
    """Run the program, its streams as the shell has them: ``>&-`` and the like."""
    words = ["sh", "-c", f'exec "$@" {shell}', "sh", *PROGRAM, *arguments]
    return subprocess.run(words, capture_output=True, check=False, timeout=60, **options)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A tree that takes a while, one that does not, and an image of that."""
    place = tmp_path_factory.mktemp("ending")
    (place / "big").mkdir()
    with (place / "big" / "file").open("wb") as stream:
        for _ in range(300):
            stream.write(bytes(1 << 20))
    (place / "tree").mkdir()
    for number in range(2000):
        (place / "tree" / f"file{number}").touch()
    assert run("create", "-q", place / "tree", place / "a.dari").returncode == 0
    return place


def writing(place, folder, *options, **others):
    """Return a run that is stopped while it writes an image into a folder."""
    for _ in range(20):
        process = start("create", "-q", *options, place / "big", folder / "x.dari", **others)
        if stopped(process, folder):
            return process
        # It was done before it could be stopped: this machine is busy.
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    raise AssertionError("too quick to be stopped")


def stopped(process, folder):
    """Stop a run that writes; tell whether it was not done yet."""
    while process.poll() is None:
        with suppress(OSError):
            if any(part.stat().st_size > 100_000 for part in partial(folder)):
                process.send_signal(signal.SIGSTOP)
                time.sleep(0.05)
                return bool(partial(folder))
        time.sleep(0.002)
    return False


def partial(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if ".partial" in str(path.relative_to(folder))]


@pytest.mark.parametrize("options", [(), ("--volume-size", "50M"), ("--workers", "1")], ids=str)
@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_signal_has_its_code_and_one_line_and_leaves_nothing(place, tmp_path, number, options):
    process = writing(place, tmp_path, *options)
    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    out, told = process.communicate(timeout=60)
    assert (process.returncode, out) == (CODES[number], b"")
    assert told.decode() == f"darimage: {WORDS[number]}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_signal_to_the_whole_group_is_the_same(place, tmp_path, number):
    process = writing(place, tmp_path, "--workers", "3")
    os.killpg(process.pid, number)
    process.send_signal(signal.SIGCONT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == CODES[number]
    assert told.decode() == f"darimage: {WORDS[number]}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_second_signal_does_not_stop_the_cleaning_up(place, tmp_path):
    process = writing(place, tmp_path, "--volume-size", "1M")
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    with suppress(ProcessLookupError):
        for _ in range(200):
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
            time.sleep(0.001)
    _, told = process.communicate(timeout=60)
    # Either may come first; and the interpreter, once it is done, leaves signals to the kernel.
    assert process.returncode in (130, 143, -signal.SIGINT, -signal.SIGTERM)
    assert told.count(b"\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_is_ended_ends_the_run(place, tmp_path):
    process = writing(place, tmp_path, "--workers", "2")
    children = _children(process.pid)
    for child in children:
        os.kill(child, signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    _, told = process.communicate(timeout=60)
    if children and process.returncode != 0:
        assert process.returncode == 143
        assert told == b"darimage: terminated\n"
        assert list(tmp_path.iterdir()) == []


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as stream:
        return [int(word) for word in stream.read().split()]


def test_nohup_is_heeded(place, tmp_path):
    def ignoring():
        default_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = writing(place, tmp_path, before=ignoring)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["x.dari"]


# -- leftovers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--volume-size", "50M")], ids=str)
def test_what_a_killed_run_left_is_removed_by_the_next(place, tmp_path, options):
    process = writing(place, tmp_path, *options)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (left,) = tmp_path.iterdir()
    done = run("create", "-q", place / "tree", tmp_path / "other.dari")
    assert done.returncode == 0
    told = f"darimage: note: {left}, left by a run that was killed, is removed\n"
    assert done.stderr.decode() == told
    assert [path.name for path in tmp_path.iterdir()] == ["other.dari"]


def test_what_a_killed_run_left_of_a_folder_of_tapes_is_removed(place, tmp_path):
    tapes = tmp_path / "x.dari"
    process = writing(place, tmp_path, "--tape-size", "100M")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert run("create", "-q", "--tape-size", "1M", place / "tree", tapes).returncode == 0
    assert partial(tmp_path) == []


def test_what_a_living_run_writes_is_left_alone(place, tmp_path):
    process = writing(place, tmp_path)
    done = run("create", "-q", place / "tree", tmp_path / "other.dari")
    process.send_signal(signal.SIGCONT)
    assert (done.returncode, done.stderr) == (0, b"")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert run("verify", "-q", tmp_path / "x.dari").returncode == 0


def test_files_of_others_are_left_alone(place, tmp_path):
    kept = [".x.dari.17.partial", "x.darimage-17.partial", ".x.darimage-17.partial.old"]
    for name in kept:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".link.darimage-17.partial").symlink_to(tmp_path / kept[0])
    os.mkfifo(tmp_path / ".pipe.darimage-17.partial")
    before = set(tmp_path.iterdir())
    assert run("create", "-q", place / "tree", tmp_path / "x.dari").returncode == 0
    assert set(tmp_path.iterdir()) == before | {tmp_path / "x.dari"}


def test_a_long_name_has_room_beside_it(place, tmp_path):
    name = "ä" * 125
    assert run("create", "-q", place / "tree", tmp_path / name).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


# -- standard streams -----------------------------------------------------------------------------


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_an_image_is_made_whichever_streams_are_closed(place, tmp_path, closed):
    done = run("create", "-q", place / "tree", tmp_path / "x.dari", shell=closed)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert run("verify", "-q", tmp_path / "x.dari").returncode == 0


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("info",), ("validate",)])
@pytest.mark.parametrize(
    ("shell", "why"),
    [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")],
    ids=["closed", "full"],
)
def test_an_output_that_takes_nothing_is_told(place, words, shell, why):
    done = run(*words, place / "a.dari", shell=shell)
    assert done.returncode == 3
    assert done.stderr.decode() == f"darimage: standard output: {why}\n"


@pytest.mark.parametrize("shell", [">&-", ">/dev/full"])
def test_an_image_for_an_output_that_takes_nothing_is_told(place, shell):
    done = run("create", "-q", place / "tree", "-", shell=shell)
    assert done.returncode == 3
    assert done.stderr.startswith(b"darimage: standard output: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("shell", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["info", "nosuch"], 3),
        (["info", "--nosuch"], 2),
        (["list", "/etc/passwd"], 1),
        (["nosuch"], 2),
        (["verify", "a.dari"], 0),
    ],
)
def test_messages_that_nobody_takes_change_no_code(place, words, code, shell):
    assert run(*words, shell=shell, cwd=place).returncode == code


@pytest.mark.parametrize(
    "words",
    [
        ("list", "a.dari"),
        ("list", "--json", "a.dari"),
        ("list", "-l", "a.dari"),
        ("dump-record", "--json", "a.dari", "0"),
        ("validate", "--format", "html", "a.dari"),
        ("create", "-q", "tree", "-"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("read", [0, 10])
def test_a_reader_that_goes_away_is_told_by_the_code_alone(place, words, read):
    ours, theirs = os.pipe()
    process = subprocess.Popen([*PROGRAM, *words], stdout=theirs, stderr=subprocess.PIPE, cwd=place)
    os.close(theirs)
    if read:
        os.read(ours, read)
    os.close(ours)
    _, told = process.communicate(timeout=60)
    # What is short may be written before the reader goes.
    assert (process.returncode, told) in ((141, b""), *[(0, b"")] * (words[0] == "dump-record"))


def test_a_log_whose_reader_went_away_does_not_end_the_run(place, tmp_path):
    ours, theirs = os.pipe()
    os.close(ours)
    words = [*PROGRAM, "validate", "nosuch", place / "a.dari"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=theirs, check=False, timeout=60)
    os.close(theirs)
    assert done.returncode == 3
    assert b"2 images" in done.stdout


def test_signs_that_the_character_set_lacks_are_written_as_escapes(place):
    done = run(
        "list", "--tree", place / "a.dari", env={**os.environ, "PYTHONIOENCODING": "latin-1"}
    )
    assert done.returncode == 0
    assert rb"\u251c\u2500\u2500 file1" in done.stdout


# -- locks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_ended", [True, False], ids=["ended", "let in"])
def test_a_run_waits_for_the_catalogue_and_can_be_ended_meanwhile(place, tmp_path, is_ended):
    catalogue = tmp_path / "catalogue"
    words = ["create", "-q", "--level", "0", "--catalog", catalogue, place / "tree"]
    assert run(*words, tmp_path / "a.dari").returncode == 0
    with closing(sqlite3.connect(catalogue, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        process = start(*words, tmp_path / "b.dari")
        time.sleep(2)
        assert process.poll() is None
        if is_ended:
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=5)
            assert (process.returncode, told) == (143, b"darimage: terminated\n")
    if not is_ended:
        assert process.communicate(timeout=30) == (b"", b"")
        assert process.returncode == 0
    assert (tmp_path / "b.dari").exists() != is_ended
    assert partial(tmp_path) == []
