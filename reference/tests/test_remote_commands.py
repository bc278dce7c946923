"""The commands on images behind URLs: the answers are those for the same image in a file."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest
from support import trees
from support.compare import compare_trees
from support.images import assert_sample_restored, encode, sample
from support.object_store import object_store, put
from support.range_server import range_server
from test_cli import program
from test_restore_run import bring

from darimage.image.reader import Image
from darimage.image.writer import Options, create
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.file_set import FileSet
from darimage.volumes.reading import MemoryVolume


@pytest.fixture(scope="module")
def server():
    with range_server() as running:
        yield running


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("remote") / "image.dari"
    path.write_bytes(encode(sample()))
    return path


@pytest.fixture
def url(server, image):
    server.clear()
    return server.put("/image.dari", MemoryVolume(image.read_bytes()))


@pytest.mark.parametrize(
    "command",
    [
        ["info"],
        ["info", "--json"],
        ["list", "-l"],
        ["list", "--json"],
        ["verify"],
        ["validate"],
        ["validate", "--json"],
    ],
)
def test_a_command_answers_as_for_the_file(server, image, url, command):
    there, here = program(*command, url), program(*command, image)
    assert (there.returncode, there.stderr) == (here.returncode, b"")
    assert there.stdout.replace(url.encode(), os.fsencode(image)) == here.stdout
    assert len(server.asked) <= 3


def test_a_record(image, url):
    assert program("dump-record", url, "7").stdout == program("dump-record", image, "7").stdout


def test_restoring(image, url, tmp_path):
    answers = []
    for name, out in ((image, tmp_path / "here"), (url, tmp_path / "there")):
        run = program("restore", "--json", name, out)
        assert run.stderr == b""
        answers.append(json.loads(run.stdout))
        told = [
            f"darimage: {fault['path']}: {fault['message']}\n" for fault in answers[-1]["faults"]
        ]
        assert_sample_restored(run.returncode, "".join(told))
    assert not compare_trees(tmp_path / "here", tmp_path / "there")
    for answer in answers:
        for key in ("image", "destination", "bytes_read"):
            answer.pop(key, None)
    assert answers[0] == answers[1]
    trees.remove(tmp_path / "here")
    trees.remove(tmp_path / "there")


def test_secrets_are_not_printed(url, tmp_path):
    secret = url.replace("://", "://user:secret@") + "?token=secret"
    for command in (["info", "--json"], ["list", "--json"], ["verify"], ["validate"]):
        run = program(*command, secret)
        assert run.returncode == 0, run.stderr
        assert b"secret" not in run.stdout + run.stderr
        assert b"***" in run.stdout
    run = program("restore", secret, tmp_path / "out", "no such file")
    assert run.returncode == 2
    assert b"secret" not in run.stderr
    run = program("validate", secret.replace("/image", "/none"))
    assert run.returncode == 3
    assert b"secret" not in run.stdout + run.stderr


def test_headers_of_the_configuration_are_sent(server, url, tmp_path):
    """As docs/howto/remote.rst says."""
    (tmp_path / "http.json").write_text('{"https": {"headers": {"Authorization": "Bearer x"}}}')
    run = program("info", url, env={**os.environ, "FSSPEC_CONFIG_DIR": os.fspath(tmp_path)})
    assert run.returncode == 0
    assert {head.get("Authorization") for head in server.heads} == {"Bearer x"}


def test_exit_codes(server, url):
    assert program("info", server.url + "/none").returncode == 3
    run = program("info", "nonsense://host/image")
    assert (run.returncode, run.stderr.count(b"\n")) == (2, 1)
    missing = "import sys; sys.modules['fsspec'] = None; from darimage.cli import main; main()"
    command = [sys.executable, "-c", missing, "info", url]
    run = subprocess.run(command, capture_output=True, check=False)
    assert run.returncode == 2
    assert b"darimage[remote]" in run.stderr
    assert run.stderr.count(b"\n") == 1


def test_without_a_url_nothing_of_it_is_imported(image):
    code = (
        "import sys; from darimage.image.reader import Image;"
        f"Image.open({os.fspath(image)!r}).parts;"
        "print({'fsspec', 'aiohttp', 'asyncio'} & {n.partition('.')[0] for n in sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout == b"set()\n"


def test_a_tape_container(server, tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_bytes(b"x" * 300_000)
    assert program("create", tmp_path / "tree", tmp_path / "a.tap").returncode == 0
    url = server.put("/a.tap", MemoryVolume((tmp_path / "a.tap").read_bytes()))
    run = program("restore", url, tmp_path / "out", "file")
    assert (run.returncode, run.stderr) == (0, b"")
    assert (tmp_path / "out/file").read_bytes() == b"x" * 300_000


@pytest.fixture(scope="module")
def volumes(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("volumes")
    tree = sample()
    tree.children[b"zz"] = Node(stat.S_IFREG | 0o600, size=200_000, data={0: b"z" * 200_000})
    sink = FileSet(folder / "set.", 60 * 1024)
    create(MemorySource(tree), sink, Options(volume_records=60))
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) > 4
    for name in names:
        server.put(f"/{name}", MemoryVolume((folder / name).read_bytes()))
    return names


def test_a_volume_set_by_the_url_of_any_volume_or_none(server, volumes, tmp_path):
    for number, name in enumerate(("set.001", "set.003", "set.")):
        server.clear()
        with Image.open(f"{server.url}/{name}") as image:
            assert [part.present for part in _listed(image)] == [True] * len(volumes)
            out = tmp_path / str(number)
            report = bring(image, out, [b"zz"])
        assert [fault.text() for fault in report.faults] == []
        assert (out / "zz").read_bytes() == b"z" * 200_000


def test_a_volume_that_is_not_there_is_told_and_the_rest_comes_back(server, volumes, tmp_path):
    kept = server.images.pop("/set.004")
    try:
        with Image.open(f"{server.url}/set.001") as image:
            report = bring(image, tmp_path / "out")
    finally:
        server.images["/set.004"] = kept
    told = [fault for fault in report.faults if fault.kind == "unreadable"]
    assert {fault.path for fault in told} == {b"zz"}
    assert "set.004: not found" in told[0].message
    assert (tmp_path / "out/k1024").read_bytes() == b"y" * 1024
    trees.remove(tmp_path / "out")


def _listed(image):
    from darimage.image import volume_set

    return volume_set.listed(image.volume)


@pytest.fixture(scope="module")
def s3(image):
    """The environment in which ``s3://backups/image.dari`` is the image."""
    with object_store() as (place, environment):
        put(f"{place}/backups", b"")
        put(f"{place}/backups/image.dari", image.read_bytes())
        yield environment


@pytest.mark.parametrize("command", [["info"], ["validate"]])
def test_commands_on_s3(s3, image, command):
    url = "s3://backups/image.dari"
    there, here = program(*command, url, env=s3), program(*command, image)
    assert (there.returncode, there.stderr) == (here.returncode, b"")
    assert there.stdout.replace(url.encode(), os.fsencode(image)) == here.stdout


def test_restoring_from_s3(s3, image, tmp_path):
    for name, out in ((image, tmp_path / "here"), ("s3://backups/image.dari", tmp_path / "there")):
        run = program("restore", name, out, env=s3)
        assert_sample_restored(run.returncode, run.stderr.decode())
    assert not compare_trees(tmp_path / "here", tmp_path / "there")
    trees.remove(tmp_path / "here")
    trees.remove(tmp_path / "there")


def test_what_s3_refuses(s3):
    run = program("info", "s3://backups/none", env=s3)
    assert (run.returncode, run.stderr) == (3, b"darimage: s3://backups/none: not found\n")
    run = program("info", "s3://none/none", env=s3)
    assert (run.returncode, run.stderr) == (3, b"darimage: s3://none/none: not found\n")


CHANGED = """
import fsspec
from darimage.volumes.remote import RemoteVolume

store = fsspec.filesystem("s3")
store.pipe("backups/c", b"a" * 3_000_000)
volume = RemoteVolume.open("s3://backups/c")
assert volume.size == 3_000_000
assert volume.read_at(1_000_000, 5) == b"aaaaa"
store.pipe("backups/c", b"b" * 3_000_000)
try:
    print(volume.read_at(2_900_000, 5))
except OSError as error:
    print(error)
store.pipe("backups/c", b"")
print(RemoteVolume.open("s3://backups/c").size)
"""


def test_an_object_that_changes(s3):
    command = [sys.executable, "-c", CHANGED]
    run = subprocess.run(command, capture_output=True, env=s3, check=False, timeout=60)
    told = b"s3://backups/c: the image was changed on the server while it was read\n0\n"
    assert (run.stdout, run.stderr) == (told, b"")
