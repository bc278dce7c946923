"""The program as a user meets it: in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

COMMANDS = ["create", "list", "info", "restore", "verify", "validate", "dump-record", "explain"]


def program(*arguments, **options):
    command = [sys.executable, "-m", "darimage", *map(os.fspath, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60, **options)


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "below").mkdir(parents=True)
    (root / "below" / "file").write_bytes(b"x" * 3000)
    (root / "other").write_bytes(b"y")
    (root / "link").symlink_to("other")
    os.mkdir(os.fsencode(root) + b"/odd\xff\n")
    return root


@pytest.fixture
def image(tree, tmp_path):
    assert program("create", tree, tmp_path / "image").returncode == 0
    return tmp_path / "image"


def test_version_and_help_need_no_numpy():
    code = (
        "import atexit, sys; from darimage.cli import main;"
        "atexit.register(lambda: print('numpy' in sys.modules, file=sys.stderr)); main(['--help'])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stderr == b"False\n"
    assert program("--version").stdout.startswith(b"darimage 0.")


NEEDED_BY_NONE = ["pathlib", "shutil", "numpy.ma", "json", "rich", "construct"]
"""What takes milliseconds to import, and nothing that the commands below do."""

NOT_TO_READ = ["hashlib", "darimage.sources.scan", "darimage.restore.streams", "multiprocessing"]


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (
            ["create", "--quiet", "tree", "made"],
            ["darimage.image.parts", "darimage.sections.streams"],
        ),
        (["restore", "image", "out", "below/file"], [*NOT_TO_READ, "darimage.drives"]),
        (["list", "image"], [*NOT_TO_READ, "darimage.restore.run"]),
        (["info", "image"], [*NOT_TO_READ, "darimage.restore"]),
        (["verify", "image"], ["darimage.restore", "importlib.resources", "tempfile"]),
    ],
    ids=lambda value: value[0],
)
def test_a_small_job_imports_only_what_it_needs(arguments, unneeded, image):
    code = "import sys; from darimage.__main__ import run\ntry: run()\nfinally: print(*sys.modules)"
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=image.parent, capture_output=True, check=True, text=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "darimage.errors" in loaded
    assert loaded & {*NEEDED_BY_NONE, *unneeded} == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples(command):
    run = program(command, "--help")
    assert run.returncode == 0
    assert f"Examples:\n    darimage {command} ".encode() in run.stdout


def test_from_pipe_to_pipe(tree, tmp_path):
    made = program("create", tree, "-")
    assert made.returncode == 0
    assert b"standard output: " in made.stderr
    back = program("restore", "-", tmp_path / "out", input=made.stdout)
    assert (back.returncode, back.stderr) == (0, b"")
    assert (tmp_path / "out/below/file").read_bytes() == b"x" * 3000
    assert program("verify", "-", input=made.stdout).returncode == 0


def test_no_progress_in_a_pipe(image, tmp_path):
    assert program("restore", image, tmp_path / "out").stderr == b""
    assert program("verify", image).stderr == b""


def test_list_in_its_forms(image):
    assert program("list", image).stdout == b".\nbelow\nbelow/file\nlink\nodd\\xff\\x0a\nother\n"
    assert program("list", image, "below").stdout == b"below\nbelow/file\n"
    drawn = program("list", "--tree", image).stdout.decode()
    assert drawn.splitlines()[:3] == [".", "├── below", "│   └── file"]
    long = program("list", "-l", image).stdout.decode().splitlines()
    assert long[0].startswith("drwx")
    assert long[3].endswith("link -> other")
    entries = json.loads(program("list", "--json", image).stdout)["entries"]
    assert {entry["path"]: entry["type"] for entry in entries}["below/file"] == "file"
    assert bytes.fromhex(entries[4]["path_hex"]) == b"odd\xff\n"


def test_info_knows_all_parts(image):
    told = json.loads(program("info", "--json", image).stdout)
    kinds = [part["kind"] for part in told["parts"]]
    assert kinds == [
        *("volume", "bitmap", "bitmap", "directories"),
        *("section", "section", "files", "section", "end"),
    ]
    ends = [part["record"] + part["records"] for part in told["parts"]]
    assert ends[:-1] == [part["record"] for part in told["parts"]][1:]
    assert ends[-1] * 1024 == told["bytes"] == image.stat().st_size
    assert (told["verdict"], told["access"], told["format"]) == ("good", "direct", "dari")
    assert told["acl_start"] == told["parts"][-2]["offset"]


def test_a_record_field_by_field(image):
    told = json.loads(program("dump-record", "--json", image, "0").stdout)
    fields = {field["path"]: field for field in told["fields"]}
    assert (fields["c_magic"]["offset"], fields["c_magic"]["value"]) == (24, 60012)
    assert fields["extension.magic"]["value"] == b"DARI".hex()
    assert sum(field["size"] for field in told["fields"]) == 1024
    assert b"extension.body.total_records" in program("dump-record", image, "0").stdout


def test_faults_end_with_1(image, tmp_path):
    data = bytearray(image.read_bytes())
    data[5 * 1024 + 40] ^= 1
    image.write_bytes(data)
    for arguments in (["verify", image], ["list", image], ["restore", image, tmp_path / "out"]):
        run = program(*arguments)
        assert run.returncode == 1
        assert b"record 5 (byte 5120)" in run.stderr
        assert b"DARI-REC-028" in run.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["create", "IMAGE"],
        ["create", "TREE", "IMAGE"],
        ["create", "--ntrec", "0", "TREE", "NEW"],
        ["restore", "IMAGE", "OUT", "nothing-of-that-name"],
        ["restore", "--force", "--sequential", "IMAGE", "OUT"],
        ["list", "--tree", "--json", "IMAGE"],
        ["dump-record", "IMAGE", "4000000"],
    ],
)
def test_wrong_use_ends_with_2(arguments, image, tree, tmp_path):
    names = {"IMAGE": image, "TREE": tree, "OUT": tmp_path / "out", "NEW": tmp_path / "new"}
    before = image.read_bytes()
    run = program(*(names.get(argument, argument) for argument in arguments))
    assert run.returncode == 2
    assert run.stderr.count(b"Traceback") == 0
    assert image.read_bytes() == before


@pytest.mark.parametrize("command", ["list", "info", "verify"])
def test_what_cannot_be_read_ends_with_3(command, tmp_path):
    run = program(command, tmp_path / "nothing")
    assert run.returncode == 3
    assert run.stderr.startswith(b"darimage: ")
    assert run.stderr.count(b"\n") == 1


def test_what_cannot_be_written_ends_with_3(tree):
    run = program("create", tree, "/dev/full")
    assert run.returncode == 3
    assert b"/dev/full" in run.stderr


def test_what_is_no_image_ends_with_1(tree):
    run = program("list", tree / "below" / "file")
    assert run.returncode == 1
    assert run.stderr.count(b"\n") == 1


def test_an_image_is_only_replaced_if_asked(image, tree):
    assert program("create", tree, image).returncode == 2
    assert program("create", "--force", tree, image).returncode == 0


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("after", [0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_a_run_that_is_ended_leaves_nothing(how, code, after, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    with (tree / "long").open("wb") as stream:
        for _ in range(400):
            stream.write(os.urandom(1 << 20))
    # Python itself, on its way up, answers a signal as it likes: the program says when it begins.
    code_of_program = "import os, sys\nfrom darimage.__main__ import run\nos.write(1, b'.')\nrun()"
    process = subprocess.Popen(
        [sys.executable, "-c", code_of_program, "create", "--quiet", tree, tmp_path / "image"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stdout is not None
    assert process.stdout.read(1) == b"."
    time.sleep(after)
    os.killpg(process.pid, how)
    _, told = process.communicate(timeout=30)
    if process.returncode == 0:
        pytest.skip("the machine was quicker")
    if process.returncode != -how:  # else it had not begun
        assert process.returncode == code
    assert b"Traceback" not in told or process.returncode == -how
    left = {path.name for path in tmp_path.iterdir()} - {"tree"}
    if process.returncode == -how and left == {"image"}:  # it had ended
        assert program("verify", tmp_path / "image").returncode == 0
    else:
        assert left == set()


def test_a_reader_that_goes_away_is_no_error(image):
    process = subprocess.Popen(
        [sys.executable, "-m", "darimage", "list", "--json", image],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.wait(timeout=30) in (0, 141)
    assert process.stderr.read() == b""
    process.stderr.close()
