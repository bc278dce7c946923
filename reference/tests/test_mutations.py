"""Ten thousand damaged images: every reading command ends, says what is wrong, and stays inside."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from fuzz.strategies.damage import damage, damages, is_header, judges_contents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import dialect, legacy
from support.compare import Options as CompareOptions
from support.compare import compare_trees

from darimage.cli import main
from darimage.image.writer import Options, create
from darimage.sections import xattrs
from darimage.sources.memory import MemorySource, Node
from darimage.volumes.writing import MemorySink

EXAMPLES = 10_000
SECONDS = 10
MEMORY = 24 << 20
"""Fixed buffers of readers; on top of it four times the metadata are allowed."""

MODERATE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


def tree():
    """Return a small tree with something of everything."""
    holes = Node(size=40_000, data={3000: b"x" * 2000, 20_000: b"y" * 10})
    long = Node(size=1_500_000, data={0: b"l" * 3000, 1_100_000: b"m" * 5000})
    twice = Node.file(b"two names" * 300)
    below = Node.directory({b"deep": Node.directory({b"file": Node.file(b"deep" * 700)})})
    many = Node.directory({b"%03d" % n: Node.file(b"%d" % n * n) for n in range(40)})
    some = xattrs.encode({b"user.some": b"s" * 90, b"trusted.other": b"\0\1"})
    trusted = xattrs.encode({b"trusted.other": b"\0\1"})
    root = Node.directory(
        {
            b"holes": holes,
            b"long": long,
            b"one": twice,
            b"two": twice,
            b"below": below,
            b"many": many,
            b"link": Node.symlink(b"below/deep/file"),
            b"empty": Node.file(),
            b"fifo": Node(0o010644),
        }
    )
    for node in (root, below, long, twice):
        node.xattrs = some
    for name in (b"link", b"fifo"):
        root.children[name].xattrs = trusted
    return root


@cache
def images():
    """Return the images that are damaged: ours, and plain dumps in three dialects."""
    sink = MemorySink()
    create(MemorySource(tree()), sink, Options())
    ours = bytes(sink.data)
    plain = strip_extensions(ours)
    return {
        "dari": ours,
        "plain": plain,
        "big-endian": transformed(plain, dialect.to_big_endian),
        "run-coded": transformed(plain, dialect.to_run_coded),
    }


def transformed(image, transform):
    with legacy.scratch_directory() as folder:
        (folder / "from").write_bytes(image)
        transform(folder / "from", folder / "to")
        return (folder / "to").read_bytes()


def strip_extensions(image):
    """Return an image as it would be without the extension areas: a plain dump."""
    records = np.frombuffer(image, np.uint8).reshape(-1, 1024).copy()
    for record in records:
        if is_header(record.tobytes()):
            record[928:] = 0
            words = record.view("<u4")
            words[7] = 0
            words[7] = (84446 - int(words.sum(dtype=np.uint32))) % 2**32
    return records.tobytes()


class Hang(BaseException):
    """A command took longer than it may."""


@contextlib.contextmanager
def limit(seconds):
    def stop(_signal, _frame):
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(*arguments):
    """Run a command in this process; return its exit code and what it told on both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), limit(SECONDS):
        try:
            main.main([os.fspath(argument) for argument in arguments], prog_name="darimage")
        except SystemExit as error:
            code = error.code
    return code, out.getvalue(), err.getvalue()


READING = [
    ("list", "--long"),
    ("list", "--json"),
    ("list", "--tree"),
    ("info",),
    ("verify", "--json"),
    ("verify",),
]
RESTORING = [(), ("--sequential",), ("--force",), ("--parents", "--json")]


def check(folder, name, image, what, reading, restoring):
    """Damage an image, read it in two ways, and judge what came of it."""
    path = folder / "image"
    path.write_bytes(damage(image, what))
    code, _, err = run(*reading, path)
    assert code in (0, 1)
    if code:
        assert err or "json" in " ".join(reading)
    out = folder / "out"
    code, _, err = run("restore", *restoring, path, out)
    # 2: what is selected, here everything, is not there.
    assert code in (0, 1, 2)
    assert code == 0 or err or "--json" in restoring
    assert sorted(os.listdir(folder)) in (["image", "out"], ["image"])
    # A plain dump's headers do not say where they belong in a way that can be relied on.
    if code == 0 and name == "dari" and judges_contents(image, what):
        with legacy.scratch_directory() as original:
            intact = original / "image"
            intact.write_bytes(image)
            assert run("restore", intact, original / "out")[0] == 0
            assert compare_trees(original / "out", out, CompareOptions()) == []


def strategy():
    return given(
        what=damages, reading=st.sampled_from(READING), restoring=st.sampled_from(RESTORING)
    )


@pytest.mark.parametrize("share", range(4))
@pytest.mark.parametrize("name", ["dari", "plain", "big-endian", "run-coded"])
def test_damaged_images(name, share):
    image = images()[name]
    part = {"dari": 0.7, "plain": 0.1, "big-endian": 0.1, "run-coded": 0.1}[name]

    @settings(max_examples=int(EXAMPLES * part / 4), deadline=None, suppress_health_check=MODERATE)
    @strategy()
    def property_(what, reading, restoring):
        with legacy.scratch_directory() as folder:
            check(folder, name, image, what, reading, restoring)

    property_()


@pytest.mark.parametrize("name", ["dari", "plain"])
def test_memory_stays_bounded(name):
    image = images()[name]

    @settings(max_examples=60, deadline=None, suppress_health_check=MODERATE)
    @strategy()
    def property_(what, reading, restoring):
        with legacy.scratch_directory() as folder:
            path = folder / "image"
            path.write_bytes(damage(image, what))
            for command in ((*reading, path), ("restore", *restoring, path, folder / "out")):
                tracemalloc.start()
                try:
                    run(*command)
                    peak = tracemalloc.get_traced_memory()[1]
                finally:
                    tracemalloc.stop()
                # At most the whole of so small an image is metadata.
                assert peak < MEMORY + 4 * len(image), command

    property_()


def with_full_maps(plain, records):
    """Return a plain dump whose two bitmaps are long and have every bit set."""
    parts = [plain[:1024]]
    for at in (1024, 3072):
        head = np.frombuffer(plain[at : at + 1024], "<u4").copy()
        head[40] = records
        head[7] = 0
        head[7] = (84446 - int(head.sum(dtype=np.uint32))) % 2**32
        parts += [head.tobytes(), b"\xff" * (records * 1024)]
    return b"".join([*parts, plain[5120:]])


@pytest.mark.parametrize("command", [["info"], ["list"], ["verify"], ["restore", "--json"]])
def test_maps_that_lie_take_no_more_memory_than_they_are_long(command, tmp_path):
    """Shows DARI-SAF-001."""
    records = 4096
    path = tmp_path / "image"
    path.write_bytes(with_full_maps(images()["plain"], records))
    out = [tmp_path / "out"] if command[0] == "restore" else []
    tracemalloc.start()
    try:
        run(*command, path, *out)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEMORY + 4 * 2 * records * 1024


@pytest.mark.parametrize("name", ["dari", "plain", "big-endian", "run-coded"])
def test_the_images_are_whole_before(name, tmp_path):
    (tmp_path / "image").write_bytes(images()[name])
    assert run("verify", tmp_path / "image")[0] == 0
    # Only root can set attributes in the namespace `trusted`.
    settable = [] if os.geteuid() == 0 else ["--no-xattrs"]
    assert run("restore", *settable, tmp_path / "image", tmp_path / "out")[0] == 0
    assert (tmp_path / "out/below/deep/file").read_bytes() == b"deep" * 700


def test_every_record_of_an_image_can_be_shown(tmp_path):
    image = images()["dari"]
    Path(tmp_path / "image").write_bytes(image)
    for number in range(0, len(image) // 1024, 7):
        assert run("dump-record", tmp_path / "image", str(number))[0] == 0
    assert run("dump-record", tmp_path / "image", str(len(image) // 1024))[0] == 2
