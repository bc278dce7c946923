"""A stream that is no image is refused by its beginning: it may have no end."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest
from support.range_server import range_server

from darimage.errors import FormatError
from darimage.image.reader import Image
from darimage.image.volume_set import open_image
from darimage.volumes.reading import MemoryVolume
from darimage.volumes.spool import BEGINNING

PROGRAM = [sys.executable, "-m", "darimage"]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """An image that is longer than what is looked at."""
    place = tmp_path_factory.mktemp("endless")
    (place / "tree").mkdir()
    for number in range(3):
        (place / "tree" / f"file{number}").write_bytes(random.Random(number).randbytes(1 << 22))
    subprocess.run([*PROGRAM, "create", "-q", place / "tree", place / "a.dari"], check=True)
    return place / "a.dari"


@pytest.mark.parametrize("words", [["list"], ["validate"], ["restore", "-q"], ["info"], ["verify"]])
@pytest.mark.parametrize("source", ["cat /dev/zero", "cat /dev/urandom", "yes"])
def test_an_endless_stream_is_refused(tmp_path, source, words):
    target = [tmp_path / "back"] if words[0] == "restore" else []
    with subprocess.Popen(source.split(), stdout=subprocess.PIPE) as endless:
        done = subprocess.run(
            [*PROGRAM, words[0], *words[1:], "-", *target],
            stdin=endless.stdout,
            capture_output=True,
            check=False,
            timeout=60,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        endless.kill()
    assert done.returncode == 1
    assert b"not a dump image" in done.stdout + done.stderr
    assert b"standard input" in done.stdout + done.stderr or words == ["validate"]
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_an_endless_device_is_refused(device):
    with pytest.raises(FormatError, match=rf"{device}: record 0 .*not a dump image"):
        Image.open(device)


def test_an_endless_pipe_by_name_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (
        subprocess.Popen(["sh", "-c", f"yes > {tmp_path}/pipe"], stderr=subprocess.DEVNULL),
        pytest.raises(FormatError, match=r"pipe: record 0 .*not a dump image"),
    ):
        Image.open(tmp_path / "pipe")


def test_a_server_without_ranges_that_never_ends_is_refused():
    class Endless:
        size = 1 << 40

        def read_at(self, offset, length):
            return bytes(length)

    with range_server() as server:
        url = server.put("/image", Endless(), ranges=False)
        with pytest.raises(FormatError, match="not a dump image"):
            Image.open(url)
        assert server.sent < 16 * BEGINNING


def exchanged(data):
    changed = bytearray(data)
    changed[::2], changed[1::2] = data[1::2], data[::2]
    return bytes(changed)


def on_tape(data, block=10_240):
    pieces = [data[at : at + block] for at in range(0, len(data), block)]
    framed = [len(one).to_bytes(4, "little") for one in pieces]
    return b"".join(a + one + a for a, one in zip(framed, pieces, strict=True)) + bytes(8)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data,
        exchanged,
        on_tape,
        lambda data: on_tape(data, 1 << 20),
        lambda data: bytes(4) + on_tape(data),
        lambda data: bytes(50_000) + data,
        lambda data: data[20_480:],
    ],
    ids=["image", "exchanged pairs", "tape", "long blocks", "mark first", "junk", "headless"],
)
def test_a_long_stream_that_is_an_image_is_read_as_from_a_file(image, tmp_path, change):
    data = change(image.read_bytes())
    assert len(data) > BEGINNING
    (tmp_path / "a").write_bytes(data)
    answers = []
    for name in (tmp_path / "a", "-"):
        with (tmp_path / "a").open("rb") as stream:
            piped = subprocess.Popen(["cat"], stdin=stream, stdout=subprocess.PIPE)
        with piped:
            words = [*PROGRAM, "list", "-l", name]
            done = subprocess.run(words, stdin=piped.stdout, capture_output=True, check=False)
        answers.append((done.returncode, done.stdout))
    assert answers[0] == answers[1]
    assert answers[0][0] in (0, 1)
    assert answers[0][1].count(b" 4194304 ") >= 2


def test_a_short_stream_is_not_looked_at_twice(monkeypatch, image):
    monkeypatch.setattr("darimage.image.volume_set._refuse", pytest.fail)
    data = image.read_bytes()[:BEGINNING]
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        with os.fdopen(write, "wb") as stream:
            stream.write(data)
        os._exit(0)
    os.close(write)
    volume = open_image(f"/dev/fd/{read}")
    os.close(read)
    os.waitpid(pid, 0)
    assert volume.read_at(0, volume.size) == data == bytes(MemoryVolume(data).read_at(0, BEGINNING))
    volume.close()
